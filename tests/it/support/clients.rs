//! A caller's clients.

use countersign_proto::{
    testing::testing_service_client::TestingServiceClient,
    v1::{
        challenge_service_client::ChallengeServiceClient,
        device_service_client::DeviceServiceClient, key_service_client::KeyServiceClient,
        method_service_client::MethodServiceClient, policy_service_client::PolicyServiceClient,
        recovery_service_client::RecoveryServiceClient, user_service_client::UserServiceClient,
    },
};
use tonic::{
    Request, Status,
    service::{Interceptor, interceptor::InterceptedService},
    transport::Channel,
};

/// Adds a caller's token to each call.
#[derive(Clone)]
pub(crate) struct Bearer(pub(crate) String);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert(
            "authorization",
            format!("Bearer {}", self.0).parse().unwrap(),
        );
        Ok(request)
    }
}

type Carrier = InterceptedService<Channel, Bearer>;

/// Every service, as one caller sees it.
#[derive(Clone)]
pub(crate) struct Clients {
    pub(crate) challenges: ChallengeServiceClient<Carrier>,
    pub(crate) methods: MethodServiceClient<Carrier>,
    pub(crate) recovery: RecoveryServiceClient<Carrier>,
    pub(crate) devices: DeviceServiceClient<Carrier>,
    pub(crate) users: UserServiceClient<Carrier>,
    pub(crate) policies: PolicyServiceClient<Carrier>,
    pub(crate) keys: KeyServiceClient<Carrier>,
    pub(crate) inbox: TestingServiceClient<Carrier>,
}

impl Clients {
    pub(crate) fn new(channel: Channel, token: &str) -> Self {
        let carrier = InterceptedService::new(channel, Bearer(token.to_owned()));
        Self {
            challenges: ChallengeServiceClient::new(carrier.clone()),
            methods: MethodServiceClient::new(carrier.clone()),
            recovery: RecoveryServiceClient::new(carrier.clone()),
            devices: DeviceServiceClient::new(carrier.clone()),
            users: UserServiceClient::new(carrier.clone()),
            policies: PolicyServiceClient::new(carrier.clone()),
            keys: KeyServiceClient::new(carrier.clone()),
            inbox: TestingServiceClient::new(carrier),
        }
    }
}
