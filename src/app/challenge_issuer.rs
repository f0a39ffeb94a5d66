//! Challenges in short-lived memory: charged, opened, their message sent, found, and ended.

use crate::{
    app::{
        CallContext, ChallengeView, Error, RequestContext, Sealing,
        challenge_drafts::ChallengeDraft,
        deliver::{CodeDelivery, Posted},
        policy_resolver::PolicyResolver,
        reserve::{Reserved, SendBudgets},
    },
    ports::{Accounts, Challenges, EndChallenges, FindChallenge},
};
use countersign_domain::{
    book::{Opened, Opening, Resend, Resent, Standing, Superseded},
    challenge::{Challenge, Purpose},
    change::Ending,
    id::ChallengeId,
    refusal::Refusal,
    request::RequestMark,
    time::Timestamp,
};
use std::sync::Arc;

/// Opens challenges.
pub(super) struct ChallengeIssuer {
    pub(super) accounts: Arc<dyn Accounts>,
    pub(super) challenges: Arc<dyn Challenges>,
    pub(super) policies: Arc<PolicyResolver>,
    pub(super) send_budgets: Arc<SendBudgets>,
    pub(super) delivery: Arc<CodeDelivery>,
    pub(super) sealing: Sealing,
}

impl ChallengeIssuer {
    /// Opens a challenge: one script, and, for SMS and e-mail, one message.
    pub(super) async fn issue(
        &self,
        context: &RequestContext,
        draft: ChallengeDraft,
    ) -> Result<ChallengeView, Error> {
        let mark = context.call.idempotency;
        let reserved = self
            .send_budgets
            .reserve(&draft.challenge, draft.send, mark, context.now)
            .await?;
        let posted = self.post(context, draft, reserved, mark).await?;
        self.delivery.deliver_code(&context.call, posted).await
    }

    /// Opens a challenge whose message is charged, and ends those that had to go for it.
    pub(super) async fn post(
        &self,
        context: &RequestContext,
        draft: ChallengeDraft,
        reserved: Reserved,
        mark: Option<RequestMark>,
    ) -> Result<Posted, Error> {
        let RequestContext { call, now, .. } = context;
        let now = *now;
        let opening = self.opening(context, &draft, mark);
        let opened = self.challenges.open(call.subject_tag, &opening).await?;
        if !matches!(opened, Opened::Fresh(..) | Opened::Repeated(..)) {
            self.send_budgets.give_back(&reserved).await;
        }
        match opened {
            Opened::Fresh(standing, superseded) => {
                self.supersede(call, superseded, now).await?;
                Ok(Posted {
                    challenge: draft.challenge,
                    standing,
                    fresh: Some(reserved),
                })
            }
            Opened::Repeated(standing, superseded) => {
                // The first call may have died before it did.
                self.supersede(call, superseded, now).await?;
                Ok(Posted {
                    challenge: self.open(call, &standing)?,
                    standing,
                    fresh: None,
                })
            }
            Opened::Over | Opened::NotOpen => Err(Refusal::ChallengeOver.into()),
            Opened::RequestIdReused => Err(Error::RequestIdReused),
            Opened::SendsFull(until) => Err(Error::too_many_sends(until, now)),
        }
    }

    /// Sends the code of an open challenge again.
    pub(super) async fn resend(
        &self,
        call: &CallContext,
        id: ChallengeId,
        now: Timestamp,
    ) -> Result<ChallengeView, Error> {
        let mark = call.idempotency;
        let found = self.find(call, id, now).await?;
        let (challenge, _) = found.ok_or(Error::ChallengeNotFound)?;
        let confirmed = !challenge.purpose.confirms_destination();
        let send = self.send_budgets.send_charge(&challenge.asks, confirmed);
        let reserved = self
            .send_budgets
            .reserve(&challenge, send, mark, now)
            .await?;
        let asked = Resend {
            challenge: id,
            caller: call.caller.name.clone(),
            mark,
            now,
        };
        let resent = self.challenges.resend(call.subject_tag, &asked).await?;
        if !matches!(resent, Resent::Send(_) | Resent::Repeated(_)) {
            self.send_budgets.give_back(&reserved).await;
        }
        let (standing, fresh) = match resent {
            Resent::Send(standing) => (standing, Some(reserved)),
            Resent::Repeated(standing) => (standing, None),
            Resent::RequestIdReused => return Err(Error::RequestIdReused),
            Resent::Full(until) => return Err(Error::too_many_sends(until, now)),
            Resent::NothingToSend => return Err(Refusal::NothingToSend.into()),
            Resent::NotOpen => return Err(Refusal::ChallengeOver.into()),
        };
        let posted = Posted {
            challenge,
            standing,
            fresh,
        };
        self.delivery.deliver_code(call, posted).await
    }

    /// An open challenge of this caller.
    pub(super) async fn find(
        &self,
        call: &CallContext,
        id: ChallengeId,
        now: Timestamp,
    ) -> Result<Option<(Challenge, Standing)>, Error> {
        let find = FindChallenge {
            id,
            caller: call.caller.name.clone(),
            now,
        };
        let Some(standing) = self.challenges.find(call.subject_tag, &find).await? else {
            return Ok(None);
        };
        Ok(Some((self.open(call, &standing)?, standing)))
    }

    fn open(&self, call: &CallContext, standing: &Standing) -> Result<Challenge, Error> {
        let Standing { id, sealed, .. } = standing;
        self.sealing.open_challenge(&call.subject, *id, sealed)
    }

    /// Ends challenges in the durable record, so that nothing short-lived memory may lose revives them.
    async fn supersede(
        &self,
        call: &CallContext,
        challenges: Vec<Superseded>,
        at: Timestamp,
    ) -> Result<(), Error> {
        if challenges.is_empty() {
            return Ok(());
        }
        let ends = EndChallenges {
            who: call.subject.clone(),
            challenges,
            how: Ending::Superseded,
            at,
            event: None,
        };
        Ok(self.accounts.end_challenges(&ends).await?)
    }

    fn opening(
        &self,
        context: &RequestContext,
        draft: &ChallengeDraft,
        mark: Option<RequestMark>,
    ) -> Opening {
        let challenge = &draft.challenge;
        Opening {
            id: challenge.id,
            caller: challenge.caller.clone(),
            device: challenge.device.map(|(_, token)| token),
            sealed: self.sealing.seal_challenge(challenge),
            now: context.now,
            expires_at: challenge.expires_at,
            attempts: challenge.attempts,
            wrong_codes: challenge.wrong_codes,
            failures: context.user.account.failures(),
            send: draft.send,
            instead_of: draft.instead_of,
            enrollment: matches!(challenge.purpose, Purpose::Enrollment(_)),
            live_at_most: self.policies.built_in().live_challenges,
            mark,
        }
    }
}
