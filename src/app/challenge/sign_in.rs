//! What a sign-in asks for, what it comes to, and what is recorded of one that is allowed.

use crate::app::{
    ChallengeView, Error, MethodView,
    context::{CallContext, OpenedAccount},
    dependencies::ChallengeDependencies,
};
use countersign_domain::{
    account::DefaultMethod,
    audit_event::AuditDetails,
    authorization::{caller::Audience, ticket::EnrollmentTicket},
    challenge::assertion::AssertionClaims,
    decisions::{
        settings::MethodKindStatus,
        sign_in::{SecondFactorExemption, SignIn, SignInRequirement},
    },
    device::DeviceToken,
    refusal::Refusal,
    value::{id::Id, time::Timestamp},
};

/// A sign-in whose first factor has passed.
pub struct SignInRequest {
    /// Which one.
    pub first_factor: FirstFactor,
    /// The audience that the caller names.
    pub audience: String,
    /// Whether to issue the challenge of the default method.
    pub issue_default: bool,
}

/// Which first factor passed. The decision is the same for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FirstFactor {
    /// A password.
    Password,
    /// Single sign-on.
    Sso,
}

/// What a sign-in needs.
pub enum SignInDecision {
    /// Nothing more.
    Allowed(AllowedSignIn),
    /// A second factor.
    ChallengeRequired {
        /// The user's methods, those that can't answer now included.
        methods: Vec<MethodView>,
        /// Every kind, and why one is not offered.
        kinds: Vec<MethodKindStatus>,
        /// The one to ask for first.
        default: Option<DefaultMethod>,
        /// How many recovery codes are unused.
        codes_left: u32,
        /// The default's challenge, where it was asked for.
        challenge: DefaultChallenge,
    },
    /// A method, before anything else.
    EnrollmentRequired {
        /// The user's methods, none of which counts.
        methods: Vec<MethodView>,
        /// Every kind, and why one is not offered.
        kinds: Vec<MethodKindStatus>,
        /// The right to enroll, and to nothing else.
        ticket: EnrollmentTicket,
    },
}

/// A sign-in that goes on without a second factor.
pub struct AllowedSignIn {
    /// Why.
    pub pass: SecondFactorExemption,
    /// A signed proof that says so.
    pub assertion: String,
    /// For a trusted device to keep in place of the one that it showed.
    pub device_token: Option<DeviceToken>,
}

/// What became of the wish for the default's challenge.
pub enum DefaultChallenge {
    /// There was none, or there is no default.
    None,
    /// It is open.
    Issued(Box<ChallengeView>),
    /// Its message has to wait: the decision is the same.
    WaitsUntil(Timestamp),
}

impl FirstFactor {
    /// Its name in events.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "PASSWORD",
            Self::Sso => "SSO",
        }
    }
}

/// What a sign-in needs.
pub(crate) fn need(
    user: &OpenedAccount,
    on_trusted_device: bool,
    now: Timestamp,
) -> Result<SignInRequirement, Error> {
    let sign_in = SignIn {
        account: &user.account,
        profile: user.profile(),
        rules: &user.policy.rules,
        on_trusted_device,
        now,
    };
    let need = sign_in.need();
    if need == Err(Refusal::PolicyContradictsItself) {
        let tenant = user.account.subject.tenant.as_str();
        tracing::warn!(
            tenant,
            "a sign-in was refused, because [policy] and the tenant's policy leave no kind that counts: ask for less, or have its administrator change it"
        );
    }
    Ok(need?)
}

/// A repeat's assertion has the same id, so that a relying service takes one of the two.
pub(crate) fn claims_of_allowed(
    deps: &ChallengeDependencies,
    call: &CallContext,
    pass: SecondFactorExemption,
    audience: &Audience,
    at: Timestamp,
) -> AssertionClaims {
    let idempotency_key = call.idempotency;
    let id = idempotency_key.map_or_else(
        || deps.randomness.id(),
        |idempotency_key| Id::from_bytes(idempotency_key.key_digest),
    );
    AssertionClaims::of_allowed(&deps.issuer_name, audience, &call.subject, id, pass, at)
}

/// What the audit record says of a sign-in that goes on.
pub(crate) fn allowed_details(
    pass: SecondFactorExemption,
    first_factor: FirstFactor,
    audience: &Audience,
) -> AuditDetails {
    AuditDetails::none()
        .with("reason", pass.as_str())
        .with("first_factor", first_factor.as_str())
        .with("audience", audience.as_str())
}
