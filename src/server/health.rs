//! Health (`grpc.health.v1`): serving while the stores answer and agree with our clock, and until the drain begins.

use crate::{
    ports::{Accounts, Challenges, Clock, Stored},
    server::SERVICES,
};
use countersign_domain::time::Timestamp;
use std::{future::Future, sync::Arc, time::Duration};
use tonic_health::{
    ServingStatus,
    pb::health_server::HealthServer,
    server::{HealthReporter, HealthService},
};

/// A replica whose clock is further off a store's than this is `NOT_SERVING`: its codes and lifetimes would be wrong.
const MOST_SKEW: Duration = Duration::from_secs(5);

/// How often the stores are asked.
const PERIOD: Duration = Duration::from_secs(2);

/// How long a store has for its answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// What health says of this process.
#[derive(Clone, Default)]
pub struct Health(HealthReporter);

impl Health {
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

    /// Not serving any of it.
    pub async fn not_serving(&self) {
        self.set(ServingStatus::NotServing).await;
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

/// Keeps `health` true until `stop` resolves.
pub async fn watch(
    health: Health,
    accounts: Arc<dyn Accounts>,
    challenges: Arc<dyn Challenges>,
    clock: Arc<dyn Clock>,
    stop: impl Future<Output = ()>,
) {
    tokio::pin!(stop);
    let mut healthy = None;
    loop {
        let trouble =
            trouble(accounts.clock(), &*clock)
                .await
                .or(trouble(challenges.clock(), &*clock).await);
        if healthy != Some(trouble.is_none()) {
            match &trouble {
                None => {
                    tracing::info!(
                        "serving: the stores answer and agree with this machine's clock"
                    );
                    health.serving().await;
                }
                Some(trouble) => {
                    tracing::error!(%trouble, "not serving");
                    health.not_serving().await;
                }
            }
            healthy = Some(trouble.is_none());
        }
        tokio::select! {
            () = &mut stop => return,
            () = tokio::time::sleep(PERIOD) => {}
        }
    }
}

/// Why this replica should not be asked.
async fn trouble(
    asked: impl Future<Output = Stored<Option<Timestamp>>>,
    clock: &dyn Clock,
) -> Option<String> {
    let theirs = match tokio::time::timeout(PATIENCE, asked).await {
        Err(_) => return Some("a store does not answer".to_owned()),
        Ok(Err(unavailable)) => return Some(unavailable.to_string()),
        Ok(Ok(theirs)) => theirs?,
    };
    let ours = clock.now();
    let skew = ours.since(theirs).max(theirs.since(ours));
    (skew > MOST_SKEW).then(|| {
        let seconds = skew.as_secs();
        format!("this machine's clock is {seconds} s off a store's: synchronise it (NTP)")
    })
}
