//! `countersign serve`.

use crate::{
    cli::{Failure, serving},
    config::{self, Overrides},
    server::{self, Used},
    telemetry,
};
use std::net::SocketAddr;

pub(super) async fn run(overrides: &Overrides) -> Result<(), Failure> {
    let loaded = config::load(overrides)?;
    telemetry::init(&loaded.config.log)?;
    let chosen = server::choose(&loaded).await?;
    let reflection = loaded.config.server.reflection;
    serving::to_the_end(chosen, loaded.config.server, reflection, announce).await
}

fn announce(used: &[Used], address: SocketAddr) {
    for Used { what, value, why } in used {
        tracing::info!(what, value, why, "using");
    }
    tracing::info!(%address, version = env!("CARGO_PKG_VERSION"), "listening");
}
