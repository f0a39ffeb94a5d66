//! What `serve` and `dev` share: from what was chosen to the end of the drain.

use crate::{
    cli::{common::CommandError, stop},
    server,
    server::{PreparedService, SERVICES, SelectedParts},
};
use countersign_transport::{
    config::{ListenAddress, ServerConfig},
    health::ProcessHealth,
    listener::listen,
    startup_report::StartupReportLine,
    system::SystemEntropy,
};
use std::{future::Future, sync::Arc};
use tokio_util::sync::CancellationToken;

/// Serves what was chosen until a signal; `announce` hears the address as soon as it is bound.
pub(super) async fn serve_until_stopped(
    selected: SelectedParts,
    config: ServerConfig,
    reflection: bool,
    announce: impl FnOnce(&[StartupReportLine], &ListenAddress),
) -> Result<(), CommandError> {
    let listener = listen(&config, selected.tls).await?;
    announce(&selected.used, &listener.local_addr()?);
    for warning in &selected.warnings {
        tracing::warn!("{warning}");
    }
    let health = ProcessHealth::starting(&SERVICES);
    let stopping = CancellationToken::new();
    // What it finds is kept in `app` before the first call comes; the watch looks again, and says it.
    let _said_by_the_watch = selected.app.check_stores().await;
    let watched = server::watch(
        health.clone(),
        Arc::clone(&selected.app),
        stopping.clone().cancelled_owned(),
    );
    let service = PreparedService {
        app: selected.app,
        callers: selected.callers,
        inbox: selected.inbox,
        reflection,
        config,
        entropy: Arc::new(SystemEntropy),
    };
    let asked = async {
        stop::requested().await;
        stopping.cancel();
    };
    together(
        service.run(listener.connections(), health, asked),
        watched,
        &stopping,
    )
    .await?;
    tracing::info!("drained");
    Ok(())
}

/// Runs the service beside the watch over it, which ends with it, however it ends.
async fn together<T>(
    service: impl Future<Output = T>,
    watch: impl Future<Output = ()>,
    stopping: &CancellationToken,
) -> T {
    let served = async {
        let served = service.await;
        stopping.cancel();
        served
    };
    let (served, ()) = tokio::join!(served, watch);
    served
}

/// What is used and why, a line each.
pub(super) fn table(used: &[StartupReportLine]) -> String {
    let line = |StartupReportLine { what, value, why }: &StartupReportLine| {
        format!(
            "  {what:<12} {value}
  {:<12} ({why})
",
            ""
        )
    };
    used.iter().map(line).collect::<Vec<_>>().concat()
}

#[cfg(test)]
mod tests;
