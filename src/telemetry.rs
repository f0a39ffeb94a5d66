//! What the process says: logs on standard error, spans in the caller's trace.

use crate::config::{LogConfig, LogFormat};
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::{propagation::TraceContextPropagator, trace::SdkTracerProvider};
use std::io::IsTerminal;
use tracing_subscriber::{
    EnvFilter, Layer, Registry, filter::filter_fn, layer::SubscriberExt, util::SubscriberInitExt,
};

/// Libraries whose lower levels print frames, headers or statements; whatever is asked for, they say no more than this.
const QUIET: [&str; 10] = [
    "h2=warn",
    "hyper=warn",
    "hyper_util=warn",
    "lettre=warn",
    "reqwest=warn",
    "rustls=warn",
    "sqlx=warn",
    // It warns of parameters of a URL that it does not know, with their values; a misspelt password is one.
    "sqlx_postgres::options=error",
    "tonic=warn",
    "tower=warn",
];

/// A filter that can't be read.
#[derive(Debug, thiserror::Error)]
#[error("log.filter is not a filter: {0}; use a level such as `info`, or `info,countersign=debug`")]
pub struct BadFilter(#[from] tracing_subscriber::filter::ParseError);

/// Sets up logs and spans for the whole process.
///
/// # Errors
/// [`BadFilter`].
pub fn init(config: &LogConfig) -> Result<(), BadFilter> {
    let filter = filter(&config.filter)?;
    opentelemetry::global::set_text_map_propagator(TraceContextPropagator::new());
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let lines: Box<dyn Layer<Registry> + Send + Sync> = match config.format {
        LogFormat::Text => lines.with_target(false).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    let _already_set_up = tracing_subscriber::registry()
        .with(lines.with_filter(filter))
        .with(spans())
        .try_init();
    Ok(())
}

/// What is said, never more than [`QUIET`] lets libraries say.
///
/// # Errors
/// [`BadFilter`].
pub fn filter(text: &str) -> Result<EnvFilter, BadFilter> {
    let mut filter = EnvFilter::try_new(text)?;
    for directive in QUIET {
        filter = filter.add_directive(directive.parse()?);
    }
    Ok(filter)
}

/// Spans that know the caller's trace. They go nowhere until there is an exporter.
fn spans<S>() -> impl Layer<S>
where
    S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
{
    let provider = SdkTracerProvider::builder().build();
    let tracer = provider.tracer("countersign");
    opentelemetry::global::set_tracer_provider(provider);
    let ours = filter_fn(|metadata| metadata.target().starts_with("countersign"));
    tracing_opentelemetry::layer()
        .with_tracer(tracer)
        .with_filter(ours)
}
