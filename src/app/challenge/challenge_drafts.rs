//! Drafts challenges under the current policy. Later policy changes do not affect a drafted challenge.

use crate::{
    app::{
        AnswerChoice, Error, IssueRequest, RequestedPurpose,
        challenge::send_budgets::SendBudgets,
        context::{OpenedAccount, RequestContext},
        randomness::Randomness,
        sealing::ValueSealing,
    },
    ports::{KeyService, Notifier},
};
use countersign_domain::{
    account::MethodRequirements,
    authorization::{caller::Audience, check_step_up},
    challenge::{
        Challenge, ExpectedAnswer, Purpose,
        code::DeliveredCode,
        provider_code::{ProviderName, ProviderVerification},
    },
    device::DeviceTrustTerms,
    limits::user_throttle::SendCharge,
    method::{Method, MethodSecret},
    refusal::Refusal,
    value::{
        destination::Destination,
        id::{ChallengeId, MethodId},
    },
};
use std::sync::Arc;

/// A challenge that is about to be opened, and the charge of its message.
pub(crate) struct ChallengeDraft {
    pub(crate) challenge: Challenge,
    pub(crate) send: Option<SendCharge>,
    pub(crate) replaced_challenge_id: Option<ChallengeId>,
}

/// Drafts challenges.
pub(crate) struct ChallengeDrafts {
    pub(crate) keys: Arc<dyn KeyService>,
    pub(crate) notifier: Arc<dyn Notifier>,
    pub(crate) send_budgets: Arc<SendBudgets>,
    pub(crate) sealing: ValueSealing,
    pub(crate) randomness: Randomness,
}

impl ChallengeDrafts {
    /// Drafts the challenge that a caller requests.
    pub(crate) fn draft(
        &self,
        context: &RequestContext,
        request: IssueRequest,
    ) -> Result<ChallengeDraft, Error> {
        let IssueRequest {
            purpose,
            answer_with,
            replaced_challenge_id,
            audience,
        } = request;
        let (purpose, audience) = match purpose {
            RequestedPurpose::SignIn => (Purpose::SignIn, Some(context.call.audience(&audience)?)),
            RequestedPurpose::StepUp(action, transaction) => (
                Purpose::StepUp {
                    action,
                    transaction,
                },
                Some(context.call.audience(&audience)?),
            ),
            RequestedPurpose::VerifyEmail => {
                let version = context.user.account.email_version;
                (Purpose::VerifyEmail { version }, None)
            }
        };
        let expected_answer = self.expected_answer(context, &purpose, answer_with)?;
        let confirmed = !purpose.confirms_destination();
        Ok(ChallengeDraft {
            send: self.send_budgets.send_charge(&expected_answer, confirmed),
            challenge: self.challenge(context, purpose, expected_answer, audience),
            replaced_challenge_id,
        })
    }

    /// Builds a challenge with the given purpose and expected answer.
    pub(crate) fn challenge(
        &self,
        context: &RequestContext,
        purpose: Purpose,
        expected_answer: ExpectedAnswer,
        audience: Option<Audience>,
    ) -> Challenge {
        let RequestContext { call, user, now } = context;
        let (account, policy) = (&user.account, &user.policy);
        let lifetime = match purpose {
            Purpose::Enrollment(_) => policy.enrollment_lifetime,
            Purpose::SignIn
            | Purpose::StepUp { .. }
            | Purpose::VerifyEmail { .. }
            | Purpose::Reset(_) => policy.challenge_lifetime,
        };
        let token = call.device_token_hash();
        let device = token.and_then(|token| Some((account.device_holding(token)?.id, token)));
        let sends = expected_answer.destination().is_some();
        let account_label = sends.then(|| user.account_label(purpose.confirms_destination()));
        Challenge {
            id: self.randomness.id(),
            subject: call.subject.clone(),
            caller: call.caller.name.clone(),
            audience,
            purpose,
            expected_answer,
            epoch: account.epoch,
            device,
            issued_at: *now,
            expires_at: now.plus(lifetime),
            attempts: policy.attempts_per_challenge,
            wrong_codes: policy.wrong_codes,
            client_description: call.client.client_description.clone(),
            locale: locale(context),
            account: account_label,
            user_key: user.user_key.clone(),
            recovery: account.recovery_status(policy),
            trust: DeviceTrustTerms::of(&policy.rules),
        }
    }

    /// Expects a code that is sent to the e-mail address of the profile.
    pub(crate) fn expects_address(&self, user: &OpenedAccount) -> Result<ExpectedAnswer, Error> {
        let email = user.profile().email.clone().ok_or(Refusal::EmailMissing)?;
        if !self.notifier.served().email {
            return Err(Refusal::NoNotifier.into());
        }
        Ok(self.expects_code(user, None, Destination::Email(email)))
    }

    /// Expects a code that is delivered. This decides whether we or a provider own the code, for the lifetime of the
    /// challenge.
    pub(crate) fn expects_code(
        &self,
        user: &OpenedAccount,
        method: Option<(MethodId, u32)>,
        destination: Destination,
    ) -> ExpectedAnswer {
        match self.notifier.code_owner(&destination) {
            Some(provider) => self.expects_provider_code(user, provider, method, destination),
            None => self.expects_own_code(user, method, destination),
        }
    }

    fn expected_answer(
        &self,
        context: &RequestContext,
        purpose: &Purpose,
        answer_with: AnswerChoice,
    ) -> Result<ExpectedAnswer, Error> {
        let user = &context.user;
        let account = &user.account;
        let terms = self.terms(user, purpose);
        match (purpose, answer_with) {
            (Purpose::VerifyEmail { .. }, _) => self.expects_address(user),
            (_, AnswerChoice::RecoveryOnly) => expects_recovery_code(context, purpose),
            (_, AnswerChoice::Method(id)) => {
                let method = account.method(id).ok_or(Error::MethodNotFound)?;
                refuse_weak_step_up(context, purpose, method)?;
                self.expects(user, purpose, method, terms)
            }
            (_, AnswerChoice::Default) => {
                let terms = if let Purpose::StepUp { action, .. } = purpose {
                    terms.preferring_sufficient(action, account, context.now)
                } else {
                    terms
                };
                let default = account.default_method(terms).ok_or(Refusal::NoMethod)?;
                let method = account.method(default.id).ok_or(Refusal::NoMethod)?;
                refuse_weak_step_up(context, purpose, method)?;
                self.expects(user, purpose, method, terms)
            }
        }
    }

    /// The requirements for a method to answer a challenge of this purpose.
    fn terms<'a>(&self, user: &'a OpenedAccount, purpose: &Purpose) -> MethodRequirements<'a> {
        let served = self.notifier.served();
        let rules = &user.policy.rules;
        match purpose {
            Purpose::StepUp { action, .. } => {
                MethodRequirements::of_step_up(rules, served, action, &user.account)
            }
            Purpose::SignIn
            | Purpose::VerifyEmail { .. }
            | Purpose::Enrollment(_)
            | Purpose::Reset(_) => MethodRequirements::of_sign_in(rules, served),
        }
    }

    fn expects(
        &self,
        user: &OpenedAccount,
        purpose: &Purpose,
        method: &Method,
        terms: MethodRequirements<'_>,
    ) -> Result<ExpectedAnswer, Error> {
        if let Some(ineligibility) = terms.ineligibility(method) {
            return Err(Refusal::from(ineligibility).into());
        }
        let bound_to = (method.id, method.version);
        let secret = self.sealing.open_method(&user.account.subject, method)?;
        Ok(match secret {
            MethodSecret::Totp { secret, parameters } => ExpectedAnswer::Totp {
                method: bound_to,
                secret,
                parameters,
                tolerance: user.policy.totp_tolerance,
            },
            // The message must show the transaction, and a provider writes its own messages.
            MethodSecret::Destination(destination) if purpose.shows_transaction() => {
                self.expects_own_code(user, Some(bound_to), destination)
            }
            MethodSecret::Destination(destination) => {
                self.expects_code(user, Some(bound_to), destination)
            }
        })
    }

    fn expects_own_code(
        &self,
        user: &OpenedAccount,
        method: Option<(MethodId, u32)>,
        destination: Destination,
    ) -> ExpectedAnswer {
        ExpectedAnswer::Delivered {
            code: DeliveredCode {
                key: self.keys.active(),
                digits: user.policy.code_digits,
                method,
            },
            destination,
        }
    }

    /// Expects a provider's code, under a verification id that only the provider learns.
    fn expects_provider_code(
        &self,
        user: &OpenedAccount,
        provider: ProviderName,
        method: Option<(MethodId, u32)>,
        destination: Destination,
    ) -> ExpectedAnswer {
        ExpectedAnswer::OfProvider {
            verification: ProviderVerification {
                id: self.randomness.id(),
                provider,
                digits: user.policy.code_digits,
                method,
            },
            destination,
        }
    }
}

/// Nobody submits a code for a change that would then be refused.
fn refuse_weak_step_up(
    context: &RequestContext,
    purpose: &Purpose,
    method: &Method,
) -> Result<(), Refusal> {
    let user = &context.user;
    match purpose {
        Purpose::StepUp { action, .. } => check_step_up(
            action,
            method,
            &user.account,
            &user.policy.rules,
            context.now,
        ),
        Purpose::SignIn
        | Purpose::VerifyEmail { .. }
        | Purpose::Enrollment(_)
        | Purpose::Reset(_) => Ok(()),
    }
}

fn expects_recovery_code(
    context: &RequestContext,
    purpose: &Purpose,
) -> Result<ExpectedAnswer, Error> {
    let user = &context.user;
    if *purpose != Purpose::SignIn {
        return Err(Refusal::RecoveryCodeNotAccepted.into());
    }
    if !user.account.can_recover(&user.policy, context.now) {
        return Err(Refusal::NoRecoveryCodes.into());
    }
    Ok(ExpectedAnswer::RecoveryCode)
}

/// The language of messages: the call's, or else the profile's.
fn locale(context: &RequestContext) -> Option<String> {
    let of_call = context.call.client.locale.as_ref();
    let locale = of_call.or(context.user.profile().locale.as_ref());
    locale.map(|locale| locale.as_str().to_owned())
}
