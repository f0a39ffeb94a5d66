//! `BeginSignIn`: decides, after the first factor, whether a second one is needed and which methods the user has.

use crate::app::{
    AnswerChoice, CallerRequest, Error, IssueRequest, RequestedPurpose,
    challenge::{
        device_sign_in::{DeviceSignIn, check_device_token},
        sign_in::{DefaultChallenge, SignInDecision, SignInRequest},
    },
    context::RequestContext,
    dependencies::ChallengeDependencies,
};
use std::sync::Arc;

/// Decides what a sign-in requires.
///
/// # Errors
/// [`Error::UserNotFound`] for a user who was never upserted, so that a misspelled user id never skips the second
/// factor.
pub(crate) async fn begin_sign_in(
    deps: &Arc<ChallengeDependencies>,
    call: CallerRequest,
    request: SignInRequest,
) -> Result<SignInDecision, Error> {
    deps.requests
        .run(deps, call, |deps, call| async move {
            match check_device_token(&deps, &call, &request).await? {
                DeviceSignIn::Allowed(allowed) => Ok(SignInDecision::Allowed(allowed)),
                DeviceSignIn::NeedsChallenge(context) => {
                    require_challenge(&deps, &context, request).await
                }
                DeviceSignIn::NeedsEnrollment(context) => require_enrollment(&deps, &context),
            }
        })
        .await
}

async fn require_challenge(
    deps: &ChallengeDependencies,
    context: &RequestContext,
    request: SignInRequest,
) -> Result<SignInDecision, Error> {
    let user = &context.user;
    let default = user
        .account
        .default_method(deps.views.sign_in_terms(&user.policy));
    let challenge = match default {
        Some(default) if request.issue_default => {
            let request = IssueRequest {
                purpose: RequestedPurpose::SignIn,
                answer_with: AnswerChoice::Method(default.id),
                replaced_challenge_id: None,
                audience: request.audience,
            };
            let draft = deps.drafts.draft(context, request)?;
            match deps.issuer.issue(context, draft).await {
                Err(Error::TooManySends { retry_after }) => {
                    DefaultChallenge::WaitsUntil(context.now.plus(retry_after))
                }
                Err(Error::TooManyAttempts { .. }) => DefaultChallenge::None,
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
        throttled_until: context.throttled_until(),
    })
}

fn require_enrollment(
    deps: &ChallengeDependencies,
    context: &RequestContext,
) -> Result<SignInDecision, Error> {
    let user = &context.user;
    let expires_at = context
        .now
        .plus(deps.policies.built_in().enrollment_lifetime);
    Ok(SignInDecision::EnrollmentRequired {
        methods: deps.views.all(&user.account, &user.policy)?,
        kinds: deps.views.kinds(user, None),
        ticket: deps.tickets.ticket(context, expires_at),
    })
}
