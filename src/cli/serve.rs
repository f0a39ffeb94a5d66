//! `countersign serve`.

use crate::{
    cli::{common::CommandError, serving},
    config, server,
};
use countersign_transport::{
    config::{ListenAddress, Overrides},
    startup_report::StartupReportLine,
    telemetry,
};

pub(super) async fn run(overrides: &Overrides) -> Result<(), CommandError> {
    let loaded = config::load(overrides)?;
    telemetry::init(&loaded.config.log)?;
    let selected = server::choose(&loaded).await?;
    let reflection = loaded.config.server.reflection;
    serving::serve_until_stopped(selected, loaded.config.server, reflection, log_startup).await
}

fn log_startup(used: &[StartupReportLine], address: &ListenAddress) {
    for StartupReportLine { what, value, why } in used {
        tracing::info!(what, value, why, "using");
    }
    tracing::info!(%address, version = env!("CARGO_PKG_VERSION"), "listening");
}
