//! Health (`grpc.health.v1`) of a process. All its services are as healthy as the process is.

use countersign_proto::health::{
    HealthCheckRequest, HealthCheckResponse, HealthListRequest, HealthListResponse,
    health_check_response::ServingStatus,
    health_server::{Health, HealthServer},
};
use futures_util::{Stream, StreamExt, future};
use std::{pin::Pin, sync::Arc};
use tokio::sync::watch;
use tokio_stream::wrappers::WatchStream;
use tonic::{Request, Response, Status, async_trait};

/// The name by which health speaks of the whole process.
const PROCESS: &str = "";

/// What health answers for this process.
#[derive(Clone)]
pub struct ProcessHealth {
    state: Arc<watch::Sender<HealthState>>,
    services: Arc<[&'static str]>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct HealthState {
    is_serving: bool,
    /// The streams of `Watch` end.
    has_ended: bool,
}

impl ProcessHealth {
    /// For a process with these services, which does not serve yet.
    #[must_use]
    pub fn starting(services: &[&'static str]) -> Self {
        let state = HealthState {
            is_serving: false,
            has_ended: false,
        };
        Self {
            state: Arc::new(watch::Sender::new(state)),
            services: services.into(),
        }
    }

    /// Answers `SERVING` from now on.
    pub fn serving(&self) {
        self.change(|state| state.is_serving = true);
    }

    /// Answers `NOT_SERVING` from now on.
    pub fn not_serving(&self) {
        self.change(|state| state.is_serving = false);
    }

    /// Ends the streams of `Watch`: each would keep its connection open for ever.
    pub(crate) fn end_watches(&self) {
        self.change(|state| state.has_ended = true);
    }

    /// The service of health.
    #[must_use]
    pub fn service(&self) -> HealthServer<Self> {
        HealthServer::new(self.clone())
    }

    fn change(&self, change: impl FnOnce(&mut HealthState)) {
        self.state.send_if_modified(|state| {
            let before = *state;
            change(state);
            *state != before
        });
    }

    fn knows(&self, service: &str) -> bool {
        service == PROCESS || self.services.contains(&service)
    }
}

#[async_trait]
impl Health for ProcessHealth {
    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        let service = request.into_inner().service;
        if !self.knows(&service) {
            let known = self.services.join(", ");
            let message = format!("this process has no such service; it has {known}");
            return Err(Status::not_found(message));
        }
        Ok(Response::new(self.state.borrow().response()))
    }

    async fn list(
        &self,
        _: Request<HealthListRequest>,
    ) -> Result<Response<HealthListResponse>, Status> {
        let response = self.state.borrow().response();
        let names = self.services.iter().chain([&PROCESS]);
        let statuses = names.map(|name| ((*name).to_owned(), response));
        Ok(Response::new(HealthListResponse {
            statuses: statuses.collect(),
        }))
    }

    type WatchStream =
        Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send + 'static>>;

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let is_known = self.knows(&request.into_inner().service);
        let states = WatchStream::new(self.state.subscribe());
        let states = states.take_while(|state| future::ready(!state.has_ended));
        // A service that is not known stays so: its watcher is told once.
        let told = states.enumerate().filter_map(move |(place, state)| {
            future::ready(match (is_known, place) {
                (true, _) => Some(Ok(state.response())),
                (false, 0) => Some(Ok(response(ServingStatus::ServiceUnknown))),
                (false, _) => None,
            })
        });
        Ok(Response::new(Box::pin(told)))
    }
}

impl HealthState {
    fn response(self) -> HealthCheckResponse {
        response(if self.is_serving {
            ServingStatus::Serving
        } else {
            ServingStatus::NotServing
        })
    }
}

fn response(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse {
        status: status.into(),
    }
}
