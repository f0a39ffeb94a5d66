//! `BeginSignIn`: the first factor has passed. Is a second one needed, and which can the user give?

use crate::app::{
    AnswerChoice, CallContext, CallerRequest, ChallengeView, Error, IssueRequest, MethodView,
    OpenedAccount, RequestContext, RequestedPurpose,
    challenge::device_sign_in::{DeviceSignIn, check_device_token},
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
use std::sync::Arc;

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
        /// The right to enrol, and to nothing else.
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

/// Decides what a sign-in needs.
///
/// # Errors
/// [`Error::UserNotFound`] for a user never upserted: a misspelt name never walks past the second factor.
pub(crate) async fn begin_sign_in(
    deps: &Arc<ChallengeDependencies>,
    call: CallerRequest,
    asked: SignInRequest,
) -> Result<SignInDecision, Error> {
    deps.requests
        .run(deps, call, |deps, call| async move {
            match check_device_token(&deps, &call, &asked).await? {
                DeviceSignIn::Allowed(allowed) => Ok(SignInDecision::Allowed(allowed)),
                DeviceSignIn::NeedsChallenge(context) => {
                    require_challenge(&deps, &context, asked).await
                }
                DeviceSignIn::NeedsEnrollment(context) => require_enrollment(&deps, &context),
            }
        })
        .await
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
            "a sign-in was refused, because [policy] and the tenant's policy leave no kind that counts: ask for less, or have its administrator decide anew"
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
    let mark = call.idempotency;
    let id = mark.map_or_else(|| deps.randomness.id(), |mark| Id::from_bytes(mark.tag));
    AssertionClaims::of_allowed(&deps.issuer_name, audience, &call.subject, (id, pass), at)
}

async fn require_challenge(
    deps: &ChallengeDependencies,
    context: &RequestContext,
    asked: SignInRequest,
) -> Result<SignInDecision, Error> {
    let user = &context.user;
    let default = user
        .account
        .default_method(deps.views.sign_in_terms(&user.policy));
    let challenge = match default {
        Some(default) if asked.issue_default => {
            let request = IssueRequest {
                purpose: RequestedPurpose::SignIn,
                answer_with: AnswerChoice::Method(default.id),
                instead_of: None,
                audience: asked.audience,
            };
            let draft = deps.drafts.draft(context, request)?;
            match deps.issuer.issue(context, draft).await {
                Err(Error::TooManySends { retry_after }) => {
                    DefaultChallenge::WaitsUntil(context.now.plus(retry_after))
                }
                issued => DefaultChallenge::Issued(Box::new(issued?)),
            }
        }
        _ => DefaultChallenge::None,
    };
    Ok(SignInDecision::ChallengeRequired {
        methods: deps.views.all(&user.account, &user.policy)?,
        kinds: deps.views.kinds(user, None),
        default,
        codes_left: user.account.recovery_codes_accepted(&user.policy),
        challenge,
    })
}

fn require_enrollment(
    deps: &ChallengeDependencies,
    context: &RequestContext,
) -> Result<SignInDecision, Error> {
    let user = &context.user;
    let expires_at = context.now.plus(deps.policies.built_in().enrollment_life);
    Ok(SignInDecision::EnrollmentRequired {
        methods: deps.views.all(&user.account, &user.policy)?,
        kinds: deps.views.kinds(user, None),
        ticket: deps.tickets.ticket(context, expires_at),
    })
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
