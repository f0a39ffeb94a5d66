//! `IssueChallenge`: puts a question to a user, for one purpose.

use crate::{
    app::{App, Call, ChallengeView, Error, deliver::Posted, reserve::Reserved},
    ports::AccountLookup,
};
use countersign_domain::{
    account::{Account, Terms},
    action::{Action, Transaction},
    book::{Opened, Opening, SendCharge},
    caller::Audience,
    challenge::{Asks, Challenge, Purpose},
    change::Ending,
    code::DeliveredCode,
    destination::Destination,
    device::{DeviceToken, TrustTerms},
    id::{ChallengeId, MethodId},
    method::{Method, MethodSecret},
    policy::Rules,
    refusal::Refusal,
    request::RequestMark,
    time::Timestamp,
};
use std::sync::Arc;

/// What a caller asks for.
pub struct IssueRequest {
    /// What an approval will be good for.
    pub purpose: AskedPurpose,
    /// What is to answer.
    pub answer_with: AnswerWith,
    /// An open challenge that dies in the same step.
    pub instead_of: Option<ChallengeId>,
    /// The audience that the caller names.
    pub audience: String,
}

/// What an approval will be good for.
pub enum AskedPurpose {
    /// The second factor of a sign-in.
    SignIn,
    /// Proof before an action.
    StepUp(Action, Option<Transaction>),
    /// Proof of control of the address on file.
    VerifyEmail,
}

/// What is to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerWith {
    /// The default method.
    Default,
    /// This method.
    Method(MethodId),
    /// A recovery code and nothing else.
    RecoveryOnly,
}

/// A challenge about to be opened, and what its message costs.
pub(super) struct Draft {
    pub(super) challenge: Challenge,
    pub(super) send: Option<SendCharge>,
    pub(super) instead_of: Option<ChallengeId>,
}

impl App {
    /// Puts a question: one durable read, one script, and, for SMS and e-mail, one message.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn issue_challenge(
        self: &Arc<Self>,
        call: Call,
        asked: IssueRequest,
    ) -> Result<ChallengeView, Error> {
        self.to_the_end(call, move |app, call| async move {
            let now = app.now();
            let account = app.account(&call).await?;
            app.issue(&call, &account, asked, now).await
        })
        .await
    }

    /// The caller's user, or the error that there is none.
    pub(super) async fn account(&self, call: &Call) -> Result<Account, Error> {
        let loaded = self
            .accounts()
            .load(&call.who, AccountLookup::default())
            .await?;
        loaded.account.ok_or(Error::UserNotFound)
    }

    pub(super) async fn issue(
        &self,
        call: &Call,
        account: &Account,
        asked: IssueRequest,
        now: Timestamp,
    ) -> Result<ChallengeView, Error> {
        let draft = self.draft(call, account, asked, now)?;
        let mark = self.mark(call);
        let reserved = self
            .reserve(&draft.challenge, draft.send, mark, now)
            .await?;
        let posted = self
            .post(call, account, draft, (reserved, mark, now))
            .await?;
        self.deliver_code(call, posted).await
    }

    /// Opens a challenge in short-lived memory, and ends those that had to go for it.
    pub(super) async fn post(
        &self,
        call: &Call,
        account: &Account,
        draft: Draft,
        (reserved, mark, now): (Reserved, Option<RequestMark>, Timestamp),
    ) -> Result<Posted, Error> {
        let Draft {
            challenge,
            send,
            instead_of,
        } = draft;
        let opening = Opening {
            now,
            ..self.opening(&challenge, account, send, instead_of, mark)
        };
        let opened = self.parts.challenges.open(self.tag(call), &opening).await?;
        if !matches!(opened, Opened::Fresh(..) | Opened::Repeated(..)) {
            self.give_back(&reserved).await;
        }
        match opened {
            Opened::Fresh(standing, superseded) => {
                self.end(call, superseded, Ending::Superseded, now).await?;
                Ok(Posted {
                    challenge,
                    standing,
                    fresh: Some(reserved),
                })
            }
            Opened::Repeated(standing, superseded) => {
                // The first call may have died before it did.
                self.end(call, superseded, Ending::Superseded, now).await?;
                let challenge = self.open_challenge(&call.who, standing.id, &standing.sealed)?;
                Ok(Posted {
                    challenge,
                    standing,
                    fresh: None,
                })
            }
            Opened::Over | Opened::NotOpen => Err(Refusal::ChallengeOver.into()),
            Opened::RequestIdReused => Err(Error::RequestIdReused),
            Opened::SendsFull(until) => Err(Error::too_many_sends(until, now)),
        }
    }

    fn opening(
        &self,
        challenge: &Challenge,
        account: &Account,
        send: Option<SendCharge>,
        instead_of: Option<ChallengeId>,
        mark: Option<RequestMark>,
    ) -> Opening {
        Opening {
            id: challenge.id,
            caller: challenge.caller.clone(),
            device: challenge.device.map(|(_, token)| token),
            sealed: self.seal_challenge(challenge),
            now: challenge.issued_at,
            expires_at: challenge.expires_at,
            attempts: challenge.attempts,
            wrong_codes: challenge.wrong_codes,
            failures: account.failures(),
            send,
            instead_of,
            enrollment: matches!(challenge.purpose, Purpose::Enrollment(_)),
            live_at_most: self.parts.policy.live_challenges,
            mark,
        }
    }

    fn draft(
        &self,
        call: &Call,
        account: &Account,
        asked: IssueRequest,
        now: Timestamp,
    ) -> Result<Draft, Error> {
        let IssueRequest {
            purpose,
            answer_with,
            instead_of,
            audience,
        } = asked;
        let (purpose, audience) = match purpose {
            AskedPurpose::SignIn => (Purpose::SignIn, Some(call.audience(&audience)?)),
            AskedPurpose::StepUp(action, transaction) => (
                Purpose::StepUp {
                    action,
                    transaction,
                },
                Some(call.audience(&audience)?),
            ),
            AskedPurpose::VerifyEmail => {
                let version = account.email_version;
                (Purpose::VerifyEmail { version }, None)
            }
        };
        let rules = self.policy(account).rules;
        let terms = self.terms(&rules, account, &purpose);
        let asks = match (&purpose, answer_with) {
            (Purpose::VerifyEmail { .. }, _) => self.asks_for_address(account)?,
            (_, AnswerWith::RecoveryOnly) => self.asks_for_recovery_code(account, &purpose, now)?,
            (_, AnswerWith::Method(id)) => {
                let method = account.method(id).ok_or(Error::MethodNotFound)?;
                self.asks_for(account, &purpose, (method, terms))?
            }
            (_, AnswerWith::Default) => {
                let terms = if let Purpose::StepUp { action, .. } = &purpose {
                    terms.preferring_what_suffices(action, account)
                } else {
                    terms
                };
                let default = account.default_method(terms).ok_or(Refusal::NoMethod)?;
                let method = account.method(default.id).ok_or(Refusal::NoMethod)?;
                self.asks_for(account, &purpose, (method, terms))?
            }
        };
        let confirmed = !purpose.confirms_destination();
        let send = self.send_charge(&asks, confirmed);
        let challenge = self.challenge(call, account, (purpose, asks), audience, now)?;
        Ok(Draft {
            challenge,
            send,
            instead_of,
        })
    }

    /// A challenge as the policy makes it now. What it will be judged by is frozen here.
    pub(super) fn challenge(
        &self,
        call: &Call,
        account: &Account,
        (purpose, asks): (Purpose, Asks),
        audience: Option<Audience>,
        now: Timestamp,
    ) -> Result<Challenge, Error> {
        let policy = self.policy(account);
        let life = match purpose {
            Purpose::Enrollment(_) => policy.enrollment_life,
            Purpose::SignIn
            | Purpose::StepUp { .. }
            | Purpose::VerifyEmail { .. }
            | Purpose::Reset(_) => policy.challenge_life,
        };
        let shown = call.context.device_token.as_ref().map(DeviceToken::hash);
        let device = shown.and_then(|token| Some((account.device_holding(token)?.id, token)));
        Ok(Challenge {
            id: self.new_id(),
            subject: call.who.clone(),
            caller: call.caller.name.clone(),
            audience,
            purpose,
            asks,
            epoch: account.epoch,
            device,
            issued_at: now,
            expires_at: now.plus(life),
            attempts: policy.attempts_per_challenge,
            wrong_codes: policy.wrong_codes,
            whence: call.context.whence.clone(),
            locale: self.locale(call, account)?,
            user_key: self.user_key(account)?,
            recovery: account.recovery_standing(&self.policy(account)),
            trust: TrustTerms::of(&self.policy(account).rules),
        })
    }

    /// What a method has to be to answer for a purpose.
    fn terms<'a>(&self, rules: &'a Rules, account: &Account, purpose: &Purpose) -> Terms<'a> {
        let served = self.parts.notifier.served();
        match purpose {
            Purpose::StepUp { action, .. } => Terms::of_step_up(rules, served, action, account),
            Purpose::SignIn
            | Purpose::VerifyEmail { .. }
            | Purpose::Enrollment(_)
            | Purpose::Reset(_) => Terms::of_sign_in(rules, served),
        }
    }

    fn asks_for(
        &self,
        account: &Account,
        purpose: &Purpose,
        (method, terms): (&Method, Terms<'_>),
    ) -> Result<Asks, Error> {
        if let Some(hindrance) = terms.availability(method).hindrance() {
            return Err(Refusal::from(hindrance).into());
        }
        let bound_to = (method.id, method.version);
        Ok(match self.open_method(&account.subject, method)? {
            MethodSecret::Totp { secret, parameters } => Asks::Totp {
                method: bound_to,
                secret,
                parameters,
                tolerance: self.policy(account).totp_tolerance,
            },
            // What the person is about to confirm has to be in the message, and a provider words its own.
            MethodSecret::Destination(destination) if purpose.shows_transaction() => {
                self.asks_for_our_code(account, Some(bound_to), destination)
            }
            MethodSecret::Destination(destination) => {
                self.asks_for_code(account, Some(bound_to), destination)
            }
        })
    }

    pub(super) fn asks_for_address(&self, account: &Account) -> Result<Asks, Error> {
        let email = self
            .on_file(account)?
            .profile
            .email
            .ok_or(Refusal::EmailMissing)?;
        if !self.parts.notifier.served().email {
            return Err(Refusal::NoNotifier.into());
        }
        Ok(self.asks_for_code(account, None, Destination::Email(email)))
    }

    /// A code that is sent. Whose it is, ours or a provider's, is decided here, for as long as the challenge lives.
    pub(super) fn asks_for_code(
        &self,
        account: &Account,
        method: Option<(MethodId, u32)>,
        destination: Destination,
    ) -> Asks {
        match self.parts.notifier.code_owner(&destination) {
            Some(provider) => self.asks_provider(account, provider, (method, destination)),
            None => self.asks_for_our_code(account, method, destination),
        }
    }

    fn asks_for_our_code(
        &self,
        account: &Account,
        method: Option<(MethodId, u32)>,
        destination: Destination,
    ) -> Asks {
        Asks::Delivered {
            code: DeliveredCode {
                key: self.parts.keys.active(),
                digits: self.policy(account).code_digits,
                method,
            },
            destination,
        }
    }

    fn asks_for_recovery_code(
        &self,
        account: &Account,
        purpose: &Purpose,
        now: Timestamp,
    ) -> Result<Asks, Error> {
        if *purpose != Purpose::SignIn {
            return Err(Refusal::RecoveryCodeNotAccepted.into());
        }
        if !account.can_recover(&self.policy(account), now) {
            return Err(Refusal::NoRecoveryCodes.into());
        }
        Ok(Asks::RecoveryCode)
    }
}
