//! What the process says: logs on standard error, each line of a call with its trace.

use crate::{
    access_log,
    config::{LogConfig, LogFormat},
};
use std::io::IsTerminal;
use tracing::Metadata;
use tracing_subscriber::{
    EnvFilter, Layer, Registry,
    filter::{LevelFilter, filter_fn},
    layer::{Identity, SubscriberExt},
    util::SubscriberInitExt,
};

/// Libraries whose lower levels print frames, headers or statements; whatever is asked for, they say no more than this.
const QUIET_TARGETS: [&str; 9] = [
    "h2=warn",
    "hyper=warn",
    "hyper_util=warn",
    "lettre=warn",
    "reqwest=warn",
    "rustls=warn",
    "tokio_postgres=warn",
    "tonic=warn",
    "tower=warn",
];

/// A filter that can't be read.
#[derive(Debug, thiserror::Error)]
#[error("log.filter is not a filter: {0}; use a level such as `info`, or `info,countersign=debug`")]
pub struct LogFilterError(#[from] tracing_subscriber::filter::ParseError);

/// Sets up logs for the whole process. Spans of calls are there whatever the log leaves out, because they carry the trace
/// that is passed on.
///
/// # Errors
/// [`LogFilterError`].
pub fn init(config: &LogConfig) -> Result<(), LogFilterError> {
    let filter = filter(config)?;
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let lines: Box<dyn Layer<Registry> + Send + Sync> = match config.format {
        LogFormat::Text => lines.with_target(false).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    let call_spans = filter_fn(is_call_span).with_max_level_hint(LevelFilter::INFO);
    let _already_set_up = tracing_subscriber::registry()
        .with(lines.with_filter(filter))
        .with(Identity::new().with_filter(call_spans))
        .try_init();
    Ok(())
}

/// What is said, never more than `QUIET_TARGETS` lets libraries say.
///
/// # Errors
/// [`LogFilterError`].
pub fn filter(config: &LogConfig) -> Result<EnvFilter, LogFilterError> {
    let mut filter = EnvFilter::try_new(&config.filter)?;
    if !config.access {
        filter = filter.add_directive(format!("{}=off", access_log::TARGET).parse()?);
    }
    for directive in QUIET_TARGETS {
        filter = filter.add_directive(directive.parse()?);
    }
    Ok(filter)
}

fn is_call_span(metadata: &Metadata<'_>) -> bool {
    metadata.is_span() && metadata.target().starts_with("countersign")
}
