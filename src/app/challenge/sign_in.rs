//! What a sign-in requires, its possible decisions, and the record of an allowed sign-in.

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

/// A sign-in after its first factor.
pub struct SignInRequest {
    /// The first factor that the user passed.
    pub first_factor: FirstFactor,
    /// The audience of the assertion, as the caller names it.
    pub audience: String,
    /// Whether to issue the challenge of the default method.
    pub issue_default: bool,
}

/// The first factor that the user passed. It does not change the decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FirstFactor {
    /// A password.
    Password,
    /// Single sign-on.
    Sso,
}

/// What a sign-in requires.
pub enum SignInDecision {
    /// No second factor.
    Allowed(AllowedSignIn),
    /// A second factor.
    ChallengeRequired {
        /// The user's methods, including those that can't answer now.
        methods: Vec<MethodView>,
        /// Every method kind, and why it is not offered, if so.
        kinds: Vec<MethodKindStatus>,
        /// The method to ask for first.
        default: Option<DefaultMethod>,
        /// Unused recovery codes.
        codes_left: u32,
        /// The challenge of the default method.
        challenge: DefaultChallenge,
        /// Until when no numeric code of this client is judged, if its rate limit is used up.
        throttled_until: Option<Timestamp>,
    },
    /// The user must enroll a method first.
    EnrollmentRequired {
        /// The user's methods. None of them satisfies the policy.
        methods: Vec<MethodView>,
        /// Every method kind, and why it is not offered, if so.
        kinds: Vec<MethodKindStatus>,
        /// A ticket that authorizes the enrollment of a method and nothing else.
        ticket: EnrollmentTicket,
    },
}

/// A sign-in that is allowed without a second factor.
pub struct AllowedSignIn {
    /// Why no second factor is needed.
    pub pass: SecondFactorExemption,
    /// A signed JWT for the audience.
    pub assertion: String,
    /// The next token of a trusted device. It replaces the one that the device presented.
    pub device_token: Option<DeviceToken>,
}

/// The challenge of the default method in a sign-in decision.
pub enum DefaultChallenge {
    /// Not requested, or the user has no default method, or its code would not be judged now.
    None,
    /// The challenge is open.
    Issued(Box<ChallengeView>),
    /// The message of the challenge has to wait until then. The decision is the same.
    WaitsUntil(Timestamp),
}

impl FirstFactor {
    /// The name in audit events.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "PASSWORD",
            Self::Sso => "SSO",
        }
    }
}

/// Decides what a sign-in requires.
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
            "sign-in refused: [policy] and the tenant's policy leave no acceptable method kind"
        );
    }
    Ok(need?)
}

/// A repeat has an assertion with the same `jti`, so that a relying service accepts only one of the two.
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

/// The audit details of an allowed sign-in.
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
