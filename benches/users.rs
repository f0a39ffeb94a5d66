//! Users and their callers: a portal with four connections signs in users who have an authenticator app, an e-mail
//! address, recovery codes and a trusted device.

use crate::{Outcome, sink::Sink};
use countersign::proto::v1::{
    self as pb, begin_sign_in_response::Decision, challenge_service_client::ChallengeServiceClient,
    confirm_enrollment_response::Verdict as Confirmed, device_service_client::DeviceServiceClient,
    issue_challenge_request::AnswerWith, method_service_client::MethodServiceClient,
    user_service_client::UserServiceClient, verify_challenge_response::Verdict,
};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tonic::{
    Request, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Channel, Endpoint},
};

pub(crate) const CONNECTIONS: usize = 4;
pub(crate) const TOKEN: &str = "cs_a-token-that-only-benchmarks-use";

/// How many users one tenant has: below every budget of a tenant.
const TENANT_USERS: usize = 100;

#[derive(Clone)]
struct Bearer(MetadataValue<Ascii>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let token = self.0.clone();
        request.metadata_mut().insert("authorization", token);
        Ok(request)
    }
}

type Authorized = InterceptedService<Channel, Bearer>;

#[derive(Clone)]
struct Clients {
    challenges: ChallengeServiceClient<Authorized>,
    methods: MethodServiceClient<Authorized>,
    devices: DeviceServiceClient<Authorized>,
    users: UserServiceClient<Authorized>,
}

/// All users, as one caller sees them.
pub(crate) struct Users {
    connections: Vec<Clients>,
    all: Arc<Vec<User>>,
    sink: Sink,
}

/// One user. What changes between calls is behind a lock that nobody else holds.
pub(crate) struct User {
    tenant: String,
    id: String,
    email: String,
    state: Mutex<UserState>,
}

#[derive(Debug, Clone, Default)]
struct UserState {
    secret: Vec<u8>,
    email_method: String,
    recovery_code: String,
    challenge: String,
    device_token: String,
    /// The device token as it was in the snapshot.
    first_device_token: String,
}

impl User {
    fn state(&self) -> UserState {
        let state = self.state.lock();
        state.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn change(&self, change: impl FnOnce(&mut UserState)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Goes with the durable store when it returns to its snapshot.
    pub(crate) fn restore(&self) {
        self.change(|state| state.device_token.clone_from(&state.first_device_token));
    }

    /// The code that the app shows so many steps from now.
    fn code(&self, steps: i64) -> Outcome<String> {
        let step = unix_seconds()? / 30 + steps;
        totp(&self.state().secret, u64::try_from(step)?)
    }

    fn wrong_code(&self) -> Outcome<String> {
        let right = [self.code(-1)?, self.code(0)?, self.code(1)?, self.code(2)?];
        let mut wrong = ["000000", "000001", "000002", "000003", "000004"].into_iter();
        let wrong = wrong.find(|code| right.iter().all(|right| right != code));
        Ok(wrong.ok_or("four codes are not five")?.to_owned())
    }
}

impl Users {
    pub(crate) fn numbered(count: usize) -> Arc<Vec<User>> {
        let user = |number: usize| User {
            tenant: format!("tenant-{}", number / TENANT_USERS),
            id: format!("user-{number}"),
            email: format!("user-{number}@example.com"),
            state: Mutex::default(),
        };
        Arc::new((0..count).map(user).collect())
    }

    pub(crate) fn through(
        users: &Arc<Vec<User>>,
        address: SocketAddr,
        sink: &Sink,
    ) -> Outcome<Self> {
        let token: MetadataValue<Ascii> = format!("Bearer {TOKEN}").parse()?;
        let connections = channels(address)?.into_iter().map(|channel| {
            let authorized = InterceptedService::new(channel, Bearer(token.clone()));
            Clients {
                challenges: ChallengeServiceClient::new(authorized.clone()),
                methods: MethodServiceClient::new(authorized.clone()),
                devices: DeviceServiceClient::new(authorized.clone()),
                users: UserServiceClient::new(authorized),
            }
        });
        Ok(Self {
            connections: connections.collect(),
            all: Arc::clone(users),
            sink: sink.clone(),
        })
    }

    pub(crate) fn count(&self) -> usize {
        self.all.len()
    }

    fn of_call(&self, call: usize) -> Outcome<(Clients, &User)> {
        let clients = self.connections.get(call % CONNECTIONS);
        let user = self.all.get(call % self.all.len());
        clients
            .cloned()
            .zip(user)
            .ok_or_else(|| "no such user".into())
    }

    /// A user with an app and recovery codes.
    pub(crate) async fn enroll(self: Arc<Self>, call: usize) -> Outcome<()> {
        let (mut clients, user) = self.of_call(call)?;
        let profile = pb::Profile {
            email: user.email.clone(),
            email_verified: true,
            ..pb::Profile::default()
        };
        let upsert = pb::UpsertUserRequest {
            tenant_id: user.tenant.clone(),
            user_id: user.id.clone(),
            profile: Some(profile),
            ..pb::UpsertUserRequest::default()
        };
        clients.users.upsert_user(upsert).await?;
        let app = pb::begin_enrollment_request::Method::Totp(pb::EnrollTotp {});
        let request = enrollment(user, app, pb::MethodKind::Totp)?;
        let begun = clients
            .methods
            .begin_enrollment(request)
            .await?
            .into_inner();
        let setup = begun.totp.ok_or("no setup")?;
        let secret = data_encoding::BASE32_NOPAD.decode(setup.secret.as_bytes())?;
        user.change(|state| state.secret = secret);
        let challenge = begun.challenge.ok_or("no challenge")?.challenge_id;
        let enrolled = confirm(&mut clients, user, challenge, user.code(0)?).await?;
        let codes = enrolled.recovery_codes.ok_or("no recovery codes")?.codes;
        let code = codes.into_iter().next().ok_or("no recovery codes")?;
        user.change(|state| state.recovery_code = code);
        Ok(())
    }

    /// A trusted device and an e-mail address besides.
    pub(crate) async fn equip(self: Arc<Self>, call: usize) -> Outcome<()> {
        let (mut clients, user) = self.of_call(call)?;
        self.issue(call, None).await?;
        let approved = self.answer(call, user.code(1)?).await?;
        user.change(|state| {
            state.device_token.clone_from(&approved.device_token);
            state.first_device_token = approved.device_token;
        });
        let current = approved.devices.into_iter().find(|device| device.current);
        let proof = pb::authorization::Proof::ApprovalId(approved.approval_id);
        let trust = pb::TrustDeviceRequest {
            tenant_id: user.tenant.clone(),
            user_id: user.id.clone(),
            device_ids: vec![current.ok_or("no device")?.device_id],
            authorization: Some(pb::Authorization { proof: Some(proof) }),
            ..pb::TrustDeviceRequest::default()
        };
        clients.devices.trust_device(trust).await?;
        let email = pb::begin_enrollment_request::Method::Email(pb::EnrollEmail {});
        let request = enrollment(user, email, pb::MethodKind::Email)?;
        let begun = clients
            .methods
            .begin_enrollment(request)
            .await?
            .into_inner();
        let challenge = begun.challenge.ok_or("no challenge")?.challenge_id;
        let code = self.sink.take_code(&user.email).await?;
        let enrolled = confirm(&mut clients, user, challenge, code).await?;
        let method = enrolled.method.ok_or("no method")?.method_id;
        user.change(|state| state.email_method = method);
        Ok(())
    }

    /// `IssueChallenge` for the default method, which is the app.
    pub(crate) async fn issue_for_app(self: Arc<Self>, call: usize) -> Outcome<()> {
        self.issue(call, None).await
    }

    pub(crate) async fn issue_email(self: Arc<Self>, call: usize) -> Outcome<()> {
        let method = self.of_call(call)?.1.state().email_method;
        self.issue(call, Some(AnswerWith::MethodId(method))).await
    }

    pub(crate) async fn issue_recovery(self: Arc<Self>, call: usize) -> Outcome<()> {
        let with = AnswerWith::RecoveryOnly(pb::RecoveryOnly {});
        self.issue(call, Some(with)).await
    }

    async fn issue(&self, call: usize, answer_with: Option<AnswerWith>) -> Outcome<()> {
        let (mut clients, user) = self.of_call(call)?;
        let request = pb::IssueChallengeRequest {
            tenant_id: user.tenant.clone(),
            user_id: user.id.clone(),
            purpose: Some(pb::issue_challenge_request::Purpose::SignIn(pb::SignIn {})),
            answer_with,
            ..pb::IssueChallengeRequest::default()
        };
        let response = clients.challenges.issue_challenge(request).await?;
        let challenge = response.into_inner().challenge.ok_or("no challenge")?;
        user.change(|state| state.challenge = challenge.challenge_id);
        Ok(())
    }

    pub(crate) async fn answer_right(self: Arc<Self>, call: usize) -> Outcome<()> {
        let code = self.of_call(call)?.1.code(0)?;
        self.answer(call, code).await.map(drop)
    }

    pub(crate) async fn answer_wrong(self: Arc<Self>, call: usize) -> Outcome<()> {
        let code = self.of_call(call)?.1.wrong_code()?;
        match self.verify(call, code).await? {
            Verdict::Rejected(_) => Ok(()),
            Verdict::Approved(_) => Err("a wrong code was approved".into()),
        }
    }

    pub(crate) async fn answer_email(self: Arc<Self>, call: usize) -> Outcome<()> {
        let code = self.sink.take_code(&self.of_call(call)?.1.email).await?;
        self.answer(call, code).await.map(drop)
    }

    pub(crate) async fn answer_recovery(self: Arc<Self>, call: usize) -> Outcome<()> {
        let code = self.of_call(call)?.1.state().recovery_code;
        self.answer(call, code).await.map(drop)
    }

    /// A whole sign-in with the app: the challenge, and the code of the next step.
    pub(crate) async fn sign_in(self: Arc<Self>, call: usize) -> Outcome<()> {
        self.issue(call, None).await?;
        let code = self.of_call(call)?.1.code(1)?;
        self.answer(call, code).await.map(drop)
    }

    async fn answer(&self, call: usize, code: String) -> Outcome<pb::Approved> {
        match self.verify(call, code).await? {
            Verdict::Approved(approved) => Ok(approved),
            Verdict::Rejected(rejected) => Err(format!("a right code: {rejected:?}").into()),
        }
    }

    async fn verify(&self, call: usize, code: String) -> Outcome<Verdict> {
        let (mut clients, user) = self.of_call(call)?;
        let request = pb::VerifyChallengeRequest {
            tenant_id: user.tenant.clone(),
            user_id: user.id.clone(),
            challenge_id: user.state().challenge,
            code,
            ..pb::VerifyChallengeRequest::default()
        };
        let response = clients.challenges.verify_challenge(request).await?;
        Ok(response.into_inner().verdict.ok_or("no verdict")?)
    }

    /// `BeginSignIn` from a client that proves nothing.
    pub(crate) async fn begin_sign_in(self: Arc<Self>, call: usize) -> Outcome<()> {
        match self.begin(call, String::new()).await? {
            Decision::ChallengeRequired(_) => Ok(()),
            other => Err(format!("no challenge required: {other:?}").into()),
        }
    }

    /// `BeginSignIn` from the trusted device.
    pub(crate) async fn sign_in_trusted(self: Arc<Self>, call: usize) -> Outcome<()> {
        let user = self.of_call(call)?.1;
        let Decision::Allowed(allowed) = self.begin(call, user.state().device_token).await? else {
            return Err("the device is not trusted".into());
        };
        if !allowed.device_token.is_empty() {
            user.change(|state| state.device_token = allowed.device_token);
        }
        Ok(())
    }

    async fn begin(&self, call: usize, device_token: String) -> Outcome<Decision> {
        let (mut clients, user) = self.of_call(call)?;
        let context = pb::ClientContext {
            device_token,
            ..pb::ClientContext::default()
        };
        let request = pb::BeginSignInRequest {
            tenant_id: user.tenant.clone(),
            user_id: user.id.clone(),
            first_factor: pb::FirstFactor::Password.into(),
            context: Some(context),
            ..pb::BeginSignInRequest::default()
        };
        let response = clients.challenges.begin_sign_in(request).await?;
        Ok(response.into_inner().decision.ok_or("no decision")?)
    }
}

/// As many connections as the load has.
pub(crate) fn channels(address: SocketAddr) -> Outcome<Vec<Channel>> {
    let endpoint = Endpoint::from_shared(format!("http://{address}"))?.tcp_nodelay(true);
    Ok((0..CONNECTIONS).map(|_| endpoint.connect_lazy()).collect())
}

/// A request that the caller's word for a fresh first factor authorizes.
fn enrollment(
    user: &User,
    method: pb::begin_enrollment_request::Method,
    kind: pb::MethodKind,
) -> Outcome<pb::BeginEnrollmentRequest> {
    let action = pb::action::Action::AddMethod(pb::AddMethod { kind: kind.into() });
    let attestation = pb::Attestation {
        attestation_id: format!("first-factor-of-{}-{kind:?}", user.id),
        authenticated_time: Some(prost_types::Timestamp {
            seconds: unix_seconds()?,
            nanos: 0,
        }),
        action: Some(pb::Action {
            action: Some(action),
        }),
    };
    Ok(pb::BeginEnrollmentRequest {
        tenant_id: user.tenant.clone(),
        user_id: user.id.clone(),
        method: Some(method),
        authorization: Some(pb::Authorization {
            proof: Some(pb::authorization::Proof::Attestation(attestation)),
        }),
        ..pb::BeginEnrollmentRequest::default()
    })
}

async fn confirm(
    clients: &mut Clients,
    user: &User,
    challenge_id: String,
    code: String,
) -> Outcome<pb::Enrolled> {
    let request = pb::ConfirmEnrollmentRequest {
        tenant_id: user.tenant.clone(),
        user_id: user.id.clone(),
        challenge_id,
        code,
        ..pb::ConfirmEnrollmentRequest::default()
    };
    let response = clients.methods.confirm_enrollment(request).await?;
    match response.into_inner().verdict {
        Some(Confirmed::Enrolled(enrolled)) => Ok(enrolled),
        other => Err(format!("not enrolled: {other:?}").into()),
    }
}

/// When every code that a user was enrolled with is two steps old, in seconds since 1970.
pub(crate) fn step_after_next() -> Outcome<i64> {
    Ok((unix_seconds()? / 30 + 2) * 30)
}

/// Waits until an instant, in seconds since 1970.
pub(crate) async fn wait_for(seconds: i64) -> Outcome<()> {
    while unix_seconds()? < seconds {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

fn unix_seconds() -> Outcome<i64> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH)?;
    Ok(i64::try_from(since.as_secs())?)
}

/// RFC 6238, six digits of SHA-1.
fn totp(secret: &[u8], step: u64) -> Outcome<String> {
    let mut mac = Hmac::<Sha1>::new_from_slice(secret)?;
    mac.update(&step.to_be_bytes());
    let digest = mac.finalize().into_bytes();
    let offset = usize::from(digest.last().ok_or("an empty digest")? & 0xf);
    let word = digest
        .iter()
        .skip(offset)
        .take(4)
        .fold(0, |word, byte| word << 8 | u32::from(*byte));
    Ok(format!("{:06}", (word & 0x7fff_ffff) % 1_000_000))
}
