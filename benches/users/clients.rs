//! Connections of a caller to a server, or to several replicas.

use crate::BenchResult;
use countersign_proto::v1::{
    challenge_service_client::ChallengeServiceClient, device_service_client::DeviceServiceClient,
    method_service_client::MethodServiceClient, policy_service_client::PolicyServiceClient,
    user_service_client::UserServiceClient,
};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use tonic::{
    Request, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Channel, Endpoint},
};

pub(crate) const CONNECTIONS: usize = 4;
pub(crate) const TOKEN: &str = "cs_a-token-that-only-benchmarks-use";

/// One call in so many is in a sampled trace.
const CALLS_PER_SAMPLED_TRACE: u64 = 100;

/// What each call carries beside its message.
#[derive(Clone)]
pub(super) struct Headers {
    token: MetadataValue<Ascii>,
    /// The number of the next trace, where calls carry one.
    next_trace: Option<Arc<AtomicU64>>,
}

impl Headers {
    pub(super) fn new(traced: bool) -> BenchResult<Self> {
        Ok(Self {
            token: format!("Bearer {TOKEN}").parse()?,
            next_trace: traced.then(Arc::default),
        })
    }
}

impl Interceptor for Headers {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let token = self.token.clone();
        request.metadata_mut().insert("authorization", token);
        if let Some(next) = &self.next_trace {
            let number = next.fetch_add(1, Ordering::Relaxed) + 1;
            let sampled = u8::from(number.is_multiple_of(CALLS_PER_SAMPLED_TRACE));
            let trace = format!("00-{number:032x}-{number:016x}-{sampled:02x}").parse();
            let trace = trace.map_err(|_| Status::internal("a trace that is not ASCII"))?;
            request.metadata_mut().insert("traceparent", trace);
        }
        Ok(request)
    }
}

type Authorized = InterceptedService<Channel, Headers>;

#[derive(Clone)]
pub(super) struct BenchClients {
    pub(super) challenges: ChallengeServiceClient<Authorized>,
    pub(super) methods: MethodServiceClient<Authorized>,
    pub(super) devices: DeviceServiceClient<Authorized>,
    pub(super) users: UserServiceClient<Authorized>,
    pub(super) policies: PolicyServiceClient<Authorized>,
}

impl BenchClients {
    pub(super) fn new(channel: Channel, headers: &Headers) -> Self {
        let authorized = InterceptedService::new(channel, headers.clone());
        Self {
            challenges: ChallengeServiceClient::new(authorized.clone()),
            methods: MethodServiceClient::new(authorized.clone()),
            devices: DeviceServiceClient::new(authorized.clone()),
            policies: PolicyServiceClient::new(authorized.clone()),
            users: UserServiceClient::new(authorized),
        }
    }
}

/// As many connections as the load has.
pub(crate) fn channels(address: SocketAddr) -> BenchResult<Vec<Channel>> {
    let endpoint = Endpoint::from_shared(format!("http://{address}"))?.tcp_nodelay(true);
    Ok((0..CONNECTIONS).map(|_| endpoint.connect_lazy()).collect())
}
