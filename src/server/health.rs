//! Health (`grpc.health.v1`): serving while the stores answer, can be written, agree with our clock and keep what they
//! acknowledge, and until the drain begins.

use crate::app::{App, ReadinessFailure};
use countersign_transport::health::ProcessHealth;
use std::{future::Future, sync::Arc, time::Duration};

/// How often the stores are asked.
const READINESS_CHECK_INTERVAL: Duration = Duration::from_secs(2);

/// How many looks share one write probe, and how many one run of every script. After a look that found a failure, the next
/// one that finds none does everything: a store that came back may have come back with other rights.
const CHECKS_PER_WRITE_PROBE: u32 = 2;
const CHECKS_PER_SCRIPT_PROBE: u32 = 30;

/// Keeps `health` true, and calls refused while they have to be, until `stop` resolves.
pub async fn watch(health: ProcessHealth, app: Arc<App>, stop: impl Future<Output = ()>) {
    tokio::pin!(stop);
    // Nothing yet; then the failure that was reported last, if any.
    let mut reported: Option<Option<ReadinessFailure>> = None;
    let mut looks = 0_u32;
    loop {
        let looked = tokio::select! {
            () = &mut stop => return,
            looked = look(&app, looks) => looked,
        };
        looks = if looked.is_ok() {
            looks.wrapping_add(1)
        } else {
            0
        };
        let failure = looked.err();
        let is_repeat = match (&failure, &reported) {
            (Some(failure), Some(Some(earlier))) => failure.is_repeat_of(earlier),
            (None, Some(None)) => true,
            _ => false,
        };
        if !is_repeat {
            say(&health, failure.as_ref());
            reported = Some(failure);
        }
        tokio::select! {
            () = &mut stop => return,
            () = tokio::time::sleep(READINESS_CHECK_INTERVAL) => {}
        }
    }
}

/// What the look finds that comes after so many without a failure.
async fn look(app: &App, looks: u32) -> Result<(), ReadinessFailure> {
    app.check_stores().await?;
    if looks.is_multiple_of(CHECKS_PER_WRITE_PROBE) {
        app.probe_writes().await?;
    }
    if looks.is_multiple_of(CHECKS_PER_SCRIPT_PROBE) {
        app.probe_scripts().await?;
    }
    Ok(())
}

fn say(health: &ProcessHealth, failure: Option<&ReadinessFailure>) {
    match failure {
        None => {
            tracing::info!(
                "serving: the stores answer, can be written and agree with this machine's clock"
            );
            health.serving();
        }
        Some(failure) => {
            tracing::error!(%failure, "not serving");
            health.not_serving();
        }
    }
}
