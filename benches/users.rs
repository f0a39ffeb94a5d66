//! Users and their callers: a portal with four connections signs in users who have an authenticator app, an e-mail
//! address, recovery codes and a trusted device.

mod clients;
mod codes;
mod enrollment;
mod kinds;

pub(crate) use clients::{CONNECTIONS, TOKEN, channels};
pub(crate) use codes::{step_after_next, totp, unix_seconds, wait_for};
pub(crate) use kinds::Equipment;

use crate::{BenchResult, sink::NotifierSink};
use clients::{BenchClients, Headers};
use countersign_proto::v1::{
    self as pb, begin_sign_in_response::Decision, issue_challenge_request::AnswerWith,
    verify_challenge_response::Verdict,
};
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};
use tonic::transport::Channel;

/// How many users one tenant has: below every budget of a tenant.
const TENANT_USERS: usize = 100;

/// How many sign-ins with an app a user has at once: with the code of this step, and with that of the next.
pub(crate) const SIGN_INS: usize = 2;

/// All users, as one caller sees them.
pub(crate) struct Users {
    connections: Vec<BenchClients>,
    /// How many connections further a challenge is verified.
    verified_by: usize,
    all: Arc<Vec<BenchUser>>,
    /// How many of them take part.
    count: usize,
    sink: NotifierSink,
}

/// One user. What changes between calls is behind a lock that nobody else holds.
pub(crate) struct BenchUser {
    tenant: String,
    id: String,
    email: String,
    state: Mutex<BenchUserState>,
    /// How many sign-ins there were since the snapshot.
    turn: tokio::sync::Mutex<i64>,
}

#[derive(Debug, Clone, Default)]
struct BenchUserState {
    apps: Vec<AuthenticatorApp>,
    email_method: String,
    recovery_code: String,
    challenge: String,
    device_token: String,
    devices: Vec<String>,
    /// The device token as it was in the snapshot.
    first_device_token: String,
}

/// An authenticator app.
#[derive(Debug, Clone, Default)]
struct AuthenticatorApp {
    method: String,
    secret: Vec<u8>,
}

impl AuthenticatorApp {
    /// The code that it shows so many steps from now.
    fn code(&self, steps: i64) -> BenchResult<String> {
        let step = unix_seconds()? / 30 + steps;
        totp(&self.secret, u64::try_from(step)?)
    }
}

impl BenchUser {
    fn state(&self) -> BenchUserState {
        let state = self.state.lock();
        state.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn change(&self, change: impl FnOnce(&mut BenchUserState)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Goes with the durable store when it returns to its snapshot.
    pub(crate) fn restore(&self) {
        self.change(|state| state.device_token.clone_from(&state.first_device_token));
        if let Ok(mut turn) = self.turn.try_lock() {
            *turn = 0;
        }
    }

    /// The code that the first app shows so many steps from now.
    fn code(&self, steps: i64) -> BenchResult<String> {
        self.state().apps.first().ok_or("no app")?.code(steps)
    }

    fn wrong_code(&self) -> BenchResult<String> {
        let right = [self.code(-1)?, self.code(0)?, self.code(1)?, self.code(2)?];
        let mut wrong = ["000000", "000001", "000002", "000003", "000004"].into_iter();
        let wrong = wrong.find(|code| right.iter().all(|right| right != code));
        Ok(wrong.ok_or("four codes are not five")?.to_owned())
    }
}

impl Users {
    pub(crate) fn numbered(count: usize) -> Arc<Vec<BenchUser>> {
        Self::prefixed("", count)
    }

    /// Users of a kind, in tenants of their own.
    pub(crate) fn of_kind(kind: &str, count: usize) -> Arc<Vec<BenchUser>> {
        Self::prefixed(&format!("{kind}-"), count)
    }

    fn prefixed(prefix: &str, count: usize) -> Arc<Vec<BenchUser>> {
        let user = |number: usize| BenchUser {
            tenant: format!("{prefix}tenant-{}", number / TENANT_USERS),
            id: format!("{prefix}user-{number}"),
            email: format!("{prefix}user-{number}@example.com"),
            state: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
        };
        Arc::new((0..count).map(user).collect())
    }

    /// All users through one server.
    pub(crate) fn through(
        users: &Arc<Vec<BenchUser>>,
        address: SocketAddr,
        sink: &NotifierSink,
    ) -> BenchResult<Self> {
        let (channels, headers) = (channels(address)?, Headers::new(false)?);
        Ok(Self::connect(users, channels, &headers, sink))
    }

    /// All users through one server; each call carries the context of a trace.
    pub(crate) fn traced(
        users: &Arc<Vec<BenchUser>>,
        address: SocketAddr,
        sink: &NotifierSink,
    ) -> BenchResult<Self> {
        let (channels, headers) = (channels(address)?, Headers::new(true)?);
        Ok(Self::connect(users, channels, &headers, sink))
    }

    /// All users through replicas in turn: what one issues, the next one verifies.
    pub(crate) fn across(
        users: &Arc<Vec<BenchUser>>,
        addresses: &[SocketAddr],
        sink: &NotifierSink,
    ) -> BenchResult<Self> {
        let of_each = addresses.iter().map(|address| channels(*address));
        let of_each = of_each.collect::<BenchResult<Vec<_>>>()?;
        let mut in_turn = Vec::new();
        for place in 0..CONNECTIONS {
            let replica = of_each.get(place % of_each.len());
            let channel = replica.and_then(|channels| channels.get(place));
            in_turn.push(channel.ok_or("no replica")?.clone());
        }
        let users = Self::connect(users, in_turn, &Headers::new(false)?, sink);
        Ok(Self {
            verified_by: 1,
            ..users
        })
    }

    fn connect(
        users: &Arc<Vec<BenchUser>>,
        channels: Vec<Channel>,
        headers: &Headers,
        sink: &NotifierSink,
    ) -> Self {
        let connections = channels.into_iter();
        let connections = connections.map(|channel| BenchClients::new(channel, headers));
        Self {
            connections: connections.collect(),
            verified_by: 0,
            all: Arc::clone(users),
            count: users.len(),
            sink: sink.clone(),
        }
    }

    /// Only the first of them.
    pub(crate) fn first(self, count: usize) -> Self {
        Self {
            count: count.min(self.count),
            ..self
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.count
    }

    fn of_call(&self, call: usize) -> BenchResult<(BenchClients, &BenchUser)> {
        let clients = self.connections.get(call % CONNECTIONS);
        let user = self.all.get(call % self.count);
        clients
            .cloned()
            .zip(user)
            .ok_or_else(|| "no such user".into())
    }

    fn verifier_of_call(&self, call: usize) -> BenchResult<(BenchClients, &BenchUser)> {
        let clients = self
            .connections
            .get((call + self.verified_by) % CONNECTIONS);
        let (_, user) = self.of_call(call)?;
        Ok((clients.ok_or("no connection")?.clone(), user))
    }

    /// `IssueChallenge` for the default method, which is the app.
    pub(crate) async fn issue_for_app(self: Arc<Self>, call: usize) -> BenchResult<()> {
        self.issue(call, None).await
    }

    pub(crate) async fn issue_email(self: Arc<Self>, call: usize) -> BenchResult<()> {
        let method = self.of_call(call)?.1.state().email_method;
        self.issue(call, Some(AnswerWith::MethodId(method))).await
    }

    pub(crate) async fn issue_recovery(self: Arc<Self>, call: usize) -> BenchResult<()> {
        let with = AnswerWith::RecoveryOnly(pb::RecoveryOnly {});
        self.issue(call, Some(with)).await
    }

    async fn issue(&self, call: usize, answer_with: Option<AnswerWith>) -> BenchResult<()> {
        self.issue_to(call, answer_with, "").await
    }

    async fn issue_to(
        &self,
        call: usize,
        answer_with: Option<AnswerWith>,
        device_token: &str,
    ) -> BenchResult<()> {
        let (mut clients, user) = self.of_call(call)?;
        let request = pb::IssueChallengeRequest {
            tenant_id: user.tenant.clone(),
            user_id: user.id.clone(),
            purpose: Some(pb::issue_challenge_request::Purpose::SignIn(pb::SignIn {})),
            answer_with,
            context: context(device_token),
            ..pb::IssueChallengeRequest::default()
        };
        let response = clients.challenges.issue_challenge(request).await?;
        let challenge = response.into_inner().challenge.ok_or("no challenge")?;
        user.change(|state| state.challenge = challenge.challenge_id);
        Ok(())
    }

    pub(crate) async fn answer_right(self: Arc<Self>, call: usize) -> BenchResult<()> {
        let code = self.of_call(call)?.1.code(0)?;
        self.answer(call, code).await.map(drop)
    }

    pub(crate) async fn answer_wrong(self: Arc<Self>, call: usize) -> BenchResult<()> {
        let code = self.of_call(call)?.1.wrong_code()?;
        match self.verify(call, code).await? {
            Verdict::Rejected(_) => Ok(()),
            Verdict::Approved(_) => Err("a wrong code was approved".into()),
        }
    }

    pub(crate) async fn answer_email(self: Arc<Self>, call: usize) -> BenchResult<()> {
        let code = self.sink.take_code(&self.of_call(call)?.1.email).await?;
        self.answer(call, code).await.map(drop)
    }

    pub(crate) async fn answer_recovery(self: Arc<Self>, call: usize) -> BenchResult<()> {
        let code = self.of_call(call)?.1.state().recovery_code;
        self.answer(call, code).await.map(drop)
    }

    /// A whole sign-in with the app: the challenge, and the code of the next step.
    pub(crate) async fn sign_in(self: Arc<Self>, call: usize) -> BenchResult<()> {
        self.issue(call, None).await?;
        let code = self.of_call(call)?.1.code(1)?;
        self.answer(call, code).await.map(drop)
    }

    /// A whole sign-in with the code of this step, the next time with that of the next step. A restored user has [`SIGN_INS`] of
    /// them.
    pub(crate) async fn sign_in_in_turn(self: Arc<Self>, call: usize) -> BenchResult<()> {
        let user = self.of_call(call)?.1;
        // The next sign-in of a user waits for this one, which only a long stall makes late.
        let mut turn = user.turn.lock().await;
        self.issue(call, None).await?;
        self.answer(call, user.code(*turn)?).await?;
        *turn += 1;
        Ok(())
    }

    async fn answer(&self, call: usize, code: String) -> BenchResult<pb::Approved> {
        match self.verify(call, code).await? {
            Verdict::Approved(approved) => Ok(approved),
            Verdict::Rejected(rejected) => Err(format!("a right code: {rejected:?}").into()),
        }
    }

    async fn verify(&self, call: usize, code: String) -> BenchResult<Verdict> {
        self.verify_from(call, code, "").await
    }

    async fn verify_from(
        &self,
        call: usize,
        code: String,
        device_token: &str,
    ) -> BenchResult<Verdict> {
        let (mut clients, user) = self.verifier_of_call(call)?;
        let request = pb::VerifyChallengeRequest {
            tenant_id: user.tenant.clone(),
            user_id: user.id.clone(),
            challenge_id: user.state().challenge,
            code,
            context: context(device_token),
            ..pb::VerifyChallengeRequest::default()
        };
        let response = clients.challenges.verify_challenge(request).await?;
        Ok(response.into_inner().verdict.ok_or("no verdict")?)
    }

    /// `BeginSignIn` from a client that proves nothing.
    pub(crate) async fn begin_sign_in(self: Arc<Self>, call: usize) -> BenchResult<()> {
        match self.begin(call, "").await? {
            Decision::ChallengeRequired(_) => Ok(()),
            other => Err(format!("no challenge required: {other:?}").into()),
        }
    }

    /// `BeginSignIn` from the trusted device.
    pub(crate) async fn sign_in_trusted(self: Arc<Self>, call: usize) -> BenchResult<()> {
        let user = self.of_call(call)?.1;
        let Decision::Allowed(allowed) = self.begin(call, &user.state().device_token).await? else {
            return Err("the device is not trusted".into());
        };
        if !allowed.device_token.is_empty() {
            user.change(|state| state.device_token = allowed.device_token);
        }
        Ok(())
    }

    async fn begin(&self, call: usize, device_token: &str) -> BenchResult<Decision> {
        let (mut clients, user) = self.of_call(call)?;
        let request = pb::BeginSignInRequest {
            tenant_id: user.tenant.clone(),
            user_id: user.id.clone(),
            first_factor: pb::FirstFactor::Password.into(),
            context: Some(context(device_token).unwrap_or_default()),
            ..pb::BeginSignInRequest::default()
        };
        let response = clients.challenges.begin_sign_in(request).await?;
        Ok(response.into_inner().decision.ok_or("no decision")?)
    }
}

/// The context of a client that proves a known device; nothing for one that proves nothing.
fn context(device_token: &str) -> Option<pb::ClientContext> {
    let known = pb::ClientContext {
        device_token: device_token.to_owned(),
        ..pb::ClientContext::default()
    };
    Some(known).filter(|context| !context.device_token.is_empty())
}
