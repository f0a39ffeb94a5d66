//! Health (`grpc.health.v1`): serving while the stores answer, can be written, agree with our clock and keep what they
//! acknowledge, and until the drain begins.

use crate::{
    app::{App, ReadinessFailure},
    server::SERVICES,
};
use countersign_transport::drain::DrainingHealth;
use std::{
    future::Future,
    mem::{Discriminant, discriminant},
    sync::Arc,
    time::Duration,
};
use tonic_health::{
    ServingStatus,
    pb::health_server::HealthServer,
    server::{HealthReporter, HealthService},
};

/// How often the stores are asked.
const READINESS_CHECK_INTERVAL: Duration = Duration::from_secs(2);

/// How many looks at stores that can be written share one write probe. A probe that failed is repeated at each look.
const CHECKS_PER_WRITE_PROBE: u32 = 2;

/// What health says of this process.
#[derive(Clone, Default)]
pub struct ProcessHealth(HealthReporter);

impl ProcessHealth {
    /// Not serving yet: a reporter says SERVING until it is told otherwise.
    pub async fn starting() -> Self {
        let health = Self::default();
        health.not_serving().await;
        health
    }

    /// Serving, all of it.
    pub async fn serving(&self) {
        self.set(ServingStatus::Serving).await;
    }

    pub(super) fn service(&self) -> HealthServer<HealthService> {
        HealthServer::new(HealthService::from_health_reporter(self.0.clone()))
    }

    async fn set(&self, status: ServingStatus) {
        for name in SERVICES.into_iter().chain([""]) {
            self.0.set_service_status(name, status).await;
        }
    }
}

impl DrainingHealth for ProcessHealth {
    async fn not_serving(&self) {
        self.set(ServingStatus::NotServing).await;
    }

    async fn end_watches(&self) {
        for name in SERVICES.into_iter().chain([""]) {
            self.0.clone().clear_service_status(name).await;
        }
    }
}

/// Keeps `health` true, and calls refused while they have to be, until `stop` resolves.
pub async fn watch(health: ProcessHealth, app: Arc<App>, stop: impl Future<Output = ()>) {
    tokio::pin!(stop);
    let mut reported: Option<Option<Discriminant<ReadinessFailure>>> = None;
    let mut looks_until_probe = 0;
    loop {
        let looked = tokio::select! {
            () = &mut stop => return,
            looked = look(&app, looks_until_probe == 0) => looked,
        };
        looks_until_probe = match (&looked, looks_until_probe) {
            (Err(_), _) => 0,
            (Ok(()), 0) => CHECKS_PER_WRITE_PROBE - 1,
            (Ok(()), left) => left - 1,
        };
        let failure = looked.err();
        let kind = failure.as_ref().map(discriminant);
        if reported != Some(kind) {
            say(&health, failure.as_ref()).await;
            reported = Some(kind);
        }
        tokio::select! {
            () = &mut stop => return,
            () = tokio::time::sleep(READINESS_CHECK_INTERVAL) => {}
        }
    }
}

async fn look(app: &App, probes_writes: bool) -> Result<(), ReadinessFailure> {
    app.check_stores().await?;
    if probes_writes {
        app.probe_writes().await?;
    }
    Ok(())
}

async fn say(health: &ProcessHealth, failure: Option<&ReadinessFailure>) {
    match failure {
        None => {
            tracing::info!(
                "serving: the stores answer, can be written and agree with this machine's clock"
            );
            health.serving().await;
        }
        Some(failure) => {
            tracing::error!(%failure, "not serving");
            health.not_serving().await;
        }
    }
}
