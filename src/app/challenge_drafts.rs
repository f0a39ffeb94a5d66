//! Challenges as the policy makes them now. What one will be judged by is frozen here.

use crate::{
    app::{
        AnswerWith, AskedPurpose, Error, IssueRequest, OpenedAccount, RequestContext, Sealing,
        randomness::Randomness, reserve::SendBudgets,
    },
    ports::{Keys, Notifier},
};
use countersign_domain::{
    account::Terms,
    book::SendCharge,
    caller::Audience,
    challenge::{Asks, Challenge, Purpose},
    code::DeliveredCode,
    destination::Destination,
    device::TrustTerms,
    id::{ChallengeId, MethodId},
    method::{Method, MethodSecret},
    refusal::Refusal,
    verification::{ProviderName, Verification},
};
use std::sync::Arc;

/// A challenge about to be opened, and what its message costs.
pub(super) struct ChallengeDraft {
    pub(super) challenge: Challenge,
    pub(super) send: Option<SendCharge>,
    pub(super) instead_of: Option<ChallengeId>,
}

/// Drafts challenges.
pub(super) struct ChallengeDrafts {
    pub(super) keys: Arc<dyn Keys>,
    pub(super) notifier: Arc<dyn Notifier>,
    pub(super) send_budgets: Arc<SendBudgets>,
    pub(super) sealing: Sealing,
    pub(super) randomness: Randomness,
}

impl ChallengeDrafts {
    /// The challenge that a caller asks for.
    pub(super) fn draft(
        &self,
        context: &RequestContext,
        asked: IssueRequest,
    ) -> Result<ChallengeDraft, Error> {
        let IssueRequest {
            purpose,
            answer_with,
            instead_of,
            audience,
        } = asked;
        let (purpose, audience) = match purpose {
            AskedPurpose::SignIn => (Purpose::SignIn, Some(context.call.audience(&audience)?)),
            AskedPurpose::StepUp(action, transaction) => (
                Purpose::StepUp {
                    action,
                    transaction,
                },
                Some(context.call.audience(&audience)?),
            ),
            AskedPurpose::VerifyEmail => {
                let version = context.user.account.email_version;
                (Purpose::VerifyEmail { version }, None)
            }
        };
        let asks = self.asks(context, &purpose, answer_with)?;
        let confirmed = !purpose.confirms_destination();
        Ok(ChallengeDraft {
            send: self.send_budgets.send_charge(&asks, confirmed),
            challenge: self.challenge(context, purpose, asks, audience),
            instead_of,
        })
    }

    /// A challenge for a purpose that asks for an answer.
    pub(super) fn challenge(
        &self,
        context: &RequestContext,
        purpose: Purpose,
        asks: Asks,
        audience: Option<Audience>,
    ) -> Challenge {
        let RequestContext { call, user, now } = context;
        let (account, policy) = (&user.account, &user.policy);
        let life = match purpose {
            Purpose::Enrollment(_) => policy.enrollment_life,
            Purpose::SignIn
            | Purpose::StepUp { .. }
            | Purpose::VerifyEmail { .. }
            | Purpose::Reset(_) => policy.challenge_life,
        };
        let token = call.device_token_hash();
        let device = token.and_then(|token| Some((account.device_holding(token)?.id, token)));
        Challenge {
            id: self.randomness.id(),
            subject: call.subject.clone(),
            caller: call.caller.name.clone(),
            audience,
            purpose,
            asks,
            epoch: account.epoch,
            device,
            issued_at: *now,
            expires_at: now.plus(life),
            attempts: policy.attempts_per_challenge,
            wrong_codes: policy.wrong_codes,
            whence: call.client.whence.clone(),
            locale: locale(context),
            user_key: user.user_key.clone(),
            recovery: account.recovery_standing(policy),
            trust: TrustTerms::of(&policy.rules),
        }
    }

    /// The code of the address on file.
    pub(super) fn asks_for_address(&self, user: &OpenedAccount) -> Result<Asks, Error> {
        let email = user.profile().email.clone().ok_or(Refusal::EmailMissing)?;
        if !self.notifier.served().email {
            return Err(Refusal::NoNotifier.into());
        }
        Ok(self.asks_for_code(user, None, Destination::Email(email)))
    }

    /// A code that is sent. Whose it is, ours or a provider's, is decided here, for as long as the challenge lives.
    pub(super) fn asks_for_code(
        &self,
        user: &OpenedAccount,
        method: Option<(MethodId, u32)>,
        destination: Destination,
    ) -> Asks {
        match self.notifier.code_owner(&destination) {
            Some(provider) => self.asks_provider(user, provider, method, destination),
            None => self.asks_for_our_code(user, method, destination),
        }
    }

    fn asks(
        &self,
        context: &RequestContext,
        purpose: &Purpose,
        answer_with: AnswerWith,
    ) -> Result<Asks, Error> {
        let user = &context.user;
        let account = &user.account;
        let terms = self.terms(user, purpose);
        match (purpose, answer_with) {
            (Purpose::VerifyEmail { .. }, _) => self.asks_for_address(user),
            (_, AnswerWith::RecoveryOnly) => asks_for_recovery_code(context, purpose),
            (_, AnswerWith::Method(id)) => {
                let method = account.method(id).ok_or(Error::MethodNotFound)?;
                self.asks_for(user, purpose, method, terms)
            }
            (_, AnswerWith::Default) => {
                let terms = if let Purpose::StepUp { action, .. } = purpose {
                    terms.preferring_what_suffices(action, account)
                } else {
                    terms
                };
                let default = account.default_method(terms).ok_or(Refusal::NoMethod)?;
                let method = account.method(default.id).ok_or(Refusal::NoMethod)?;
                self.asks_for(user, purpose, method, terms)
            }
        }
    }

    /// What a method has to be to answer for a purpose.
    fn terms<'a>(&self, user: &'a OpenedAccount, purpose: &Purpose) -> Terms<'a> {
        let served = self.notifier.served();
        let rules = &user.policy.rules;
        match purpose {
            Purpose::StepUp { action, .. } => {
                Terms::of_step_up(rules, served, action, &user.account)
            }
            Purpose::SignIn
            | Purpose::VerifyEmail { .. }
            | Purpose::Enrollment(_)
            | Purpose::Reset(_) => Terms::of_sign_in(rules, served),
        }
    }

    fn asks_for(
        &self,
        user: &OpenedAccount,
        purpose: &Purpose,
        method: &Method,
        terms: Terms<'_>,
    ) -> Result<Asks, Error> {
        if let Some(hindrance) = terms.availability(method).hindrance() {
            return Err(Refusal::from(hindrance).into());
        }
        let bound_to = (method.id, method.version);
        let secret = self.sealing.open_method(&user.account.subject, method)?;
        Ok(match secret {
            MethodSecret::Totp { secret, parameters } => Asks::Totp {
                method: bound_to,
                secret,
                parameters,
                tolerance: user.policy.totp_tolerance,
            },
            // What the person is about to confirm has to be in the message, and a provider words its own.
            MethodSecret::Destination(destination) if purpose.shows_transaction() => {
                self.asks_for_our_code(user, Some(bound_to), destination)
            }
            MethodSecret::Destination(destination) => {
                self.asks_for_code(user, Some(bound_to), destination)
            }
        })
    }

    fn asks_for_our_code(
        &self,
        user: &OpenedAccount,
        method: Option<(MethodId, u32)>,
        destination: Destination,
    ) -> Asks {
        Asks::Delivered {
            code: DeliveredCode {
                key: self.keys.active(),
                digits: user.policy.code_digits,
                method,
            },
            destination,
        }
    }

    /// A code of a provider, under an id that nobody else is told.
    fn asks_provider(
        &self,
        user: &OpenedAccount,
        provider: ProviderName,
        method: Option<(MethodId, u32)>,
        destination: Destination,
    ) -> Asks {
        Asks::OfProvider {
            verification: Verification {
                id: self.randomness.id(),
                provider,
                digits: user.policy.code_digits,
                method,
            },
            destination,
        }
    }
}

fn asks_for_recovery_code(context: &RequestContext, purpose: &Purpose) -> Result<Asks, Error> {
    let user = &context.user;
    if *purpose != Purpose::SignIn {
        return Err(Refusal::RecoveryCodeNotAccepted.into());
    }
    if !user.account.can_recover(&user.policy, context.now) {
        return Err(Refusal::NoRecoveryCodes.into());
    }
    Ok(Asks::RecoveryCode)
}

/// The language of messages: the call's, or the user's own.
fn locale(context: &RequestContext) -> Option<String> {
    let of_call = context.call.client.locale.as_ref();
    let locale = of_call.or(context.user.profile().locale.as_ref());
    locale.map(|locale| locale.as_str().to_owned())
}
