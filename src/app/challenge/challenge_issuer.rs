//! Opens challenges in the challenge store, sends and resends their messages, and finds and supersedes them.

use crate::{
    app::{
        ChallengeView, Error,
        challenge::{
            challenge_drafts::ChallengeDraft,
            code_delivery::{CodeDelivery, OpenedChallenge},
            send_budgets::{ReservedBudgets, SendBudgets},
        },
        context::{CallContext, RequestContext},
        policy::policy_resolver::PolicyResolver,
        sealing::ValueSealing,
    },
    ports::{AccountStore, ChallengeLookup, ChallengeStore, ChallengesToEnd},
};
use countersign_domain::{
    account::change::UnapprovedEnding,
    challenge::{Challenge, Purpose},
    limits::user_throttle::{
        ChallengeOpening, ChallengeSnapshot, OpeningResult, ResendRequest, ResendResult,
        SupersededChallenge,
    },
    refusal::Refusal,
    value::{id::ChallengeId, idempotency_key::IdempotencyKey, time::Timestamp},
};
use std::sync::Arc;

pub(crate) struct ChallengeIssuer {
    pub(crate) accounts: Arc<dyn AccountStore>,
    pub(crate) challenges: Arc<dyn ChallengeStore>,
    pub(crate) policies: Arc<PolicyResolver>,
    pub(crate) send_budgets: Arc<SendBudgets>,
    pub(crate) delivery: Arc<CodeDelivery>,
    pub(crate) sealing: ValueSealing,
}

impl ChallengeIssuer {
    /// Opens a challenge: one Redis script and, for SMS and e-mail, one message.
    pub(crate) async fn issue(
        &self,
        context: &RequestContext,
        draft: ChallengeDraft,
    ) -> Result<ChallengeView, Error> {
        let idempotency_key = context.call.idempotency;
        let reserved = self
            .send_budgets
            .reserve(
                &draft.challenge,
                draft.send,
                draft.challenge.message_charge,
                context.now,
            )
            .await?;
        let posted = self.post(context, draft, reserved, idempotency_key).await?;
        self.delivery.deliver_code(&context.call, posted).await
    }

    /// Opens a challenge with an already charged message, and ends the challenges that it supersedes.
    pub(crate) async fn post(
        &self,
        context: &RequestContext,
        draft: ChallengeDraft,
        reserved: ReservedBudgets,
        idempotency_key: Option<IdempotencyKey>,
    ) -> Result<OpenedChallenge, Error> {
        let RequestContext { call, now, .. } = context;
        let now = *now;
        let opening = self.opening(context, &draft, idempotency_key);
        let opened = self.challenges.open(call.subject_tag, &opening).await?;
        if !matches!(
            opened,
            OpeningResult::Fresh(..) | OpeningResult::Repeated(..)
        ) {
            self.send_budgets.give_back(&reserved).await;
        }
        match opened {
            OpeningResult::Fresh(snapshot, superseded) => {
                self.supersede(call, superseded, now).await?;
                Ok(OpenedChallenge {
                    challenge: draft.challenge,
                    snapshot,
                    fresh: Some(reserved),
                })
            }
            OpeningResult::Repeated(snapshot, superseded) => {
                // The first call may have failed before it ended them.
                self.supersede(call, superseded, now).await?;
                Ok(OpenedChallenge {
                    challenge: self.open(call, &snapshot)?,
                    snapshot,
                    fresh: None,
                })
            }
            OpeningResult::Over | OpeningResult::NotOpen => Err(Refusal::ChallengeOver.into()),
            OpeningResult::RequestIdReused => Err(Error::RequestIdReused),
            OpeningResult::SendsFull(until) => Err(Error::too_many_sends(until, now)),
            OpeningResult::AttemptsFull(until) => Err(Error::too_many_attempts(until, now)),
        }
    }

    /// Sends the code of an open challenge again.
    pub(crate) async fn resend(
        &self,
        call: &CallContext,
        id: ChallengeId,
        now: Timestamp,
    ) -> Result<ChallengeView, Error> {
        let idempotency_key = call.idempotency;
        let found = self.find(call, id, now).await?;
        let (challenge, _) = found.ok_or(Error::ChallengeNotFound)?;
        let send = self.send_budgets.send_charge(&challenge);
        let charge = self.send_budgets.charge_id(idempotency_key);
        let reserved = self
            .send_budgets
            .reserve(&challenge, send, charge, now)
            .await?;
        let asked = ResendRequest {
            challenge: id,
            caller: call.caller.name.clone(),
            idempotency_key,
            now,
        };
        let resent = self.challenges.resend(call.subject_tag, &asked).await?;
        if !matches!(resent, ResendResult::Send(_) | ResendResult::Repeated(_)) {
            self.send_budgets.give_back(&reserved).await;
        }
        let (snapshot, fresh) = match resent {
            ResendResult::Send(snapshot) => (snapshot, Some(reserved)),
            ResendResult::Repeated(snapshot) => (snapshot, None),
            ResendResult::RequestIdReused => return Err(Error::RequestIdReused),
            ResendResult::Full(until) => return Err(Error::too_many_sends(until, now)),
            ResendResult::AttemptsFull(until) => return Err(Error::too_many_attempts(until, now)),
            ResendResult::NothingToSend => return Err(Refusal::NothingToSend.into()),
            ResendResult::NotOpen => return Err(Refusal::ChallengeOver.into()),
        };
        let posted = OpenedChallenge {
            challenge,
            snapshot,
            fresh,
        };
        self.delivery.deliver_code(call, posted).await
    }

    /// Finds an open challenge of this caller.
    pub(crate) async fn find(
        &self,
        call: &CallContext,
        id: ChallengeId,
        now: Timestamp,
    ) -> Result<Option<(Challenge, ChallengeSnapshot)>, Error> {
        let find = ChallengeLookup {
            id,
            caller: call.caller.name.clone(),
            now,
        };
        let Some(snapshot) = self.challenges.find(call.subject_tag, &find).await? else {
            return Ok(None);
        };
        Ok(Some((self.open(call, &snapshot)?, snapshot)))
    }

    fn open(&self, call: &CallContext, snapshot: &ChallengeSnapshot) -> Result<Challenge, Error> {
        let ChallengeSnapshot { id, sealed, .. } = snapshot;
        self.sealing.open_challenge(call.subject_tag, *id, sealed)
    }

    /// Ends challenges in the durable store, so that a data loss in the challenge store can't revive them.
    async fn supersede(
        &self,
        call: &CallContext,
        challenges: Vec<SupersededChallenge>,
        at: Timestamp,
    ) -> Result<(), Error> {
        if challenges.is_empty() {
            return Ok(());
        }
        let ends = ChallengesToEnd {
            subject: call.subject.clone(),
            challenges,
            how: UnapprovedEnding::Superseded,
            at,
            event: None,
        };
        Ok(self.accounts.end_challenges(&ends).await?)
    }

    fn opening(
        &self,
        context: &RequestContext,
        draft: &ChallengeDraft,
        idempotency_key: Option<IdempotencyKey>,
    ) -> ChallengeOpening {
        let challenge = &draft.challenge;
        ChallengeOpening {
            id: challenge.id,
            caller: challenge.caller.clone(),
            device: challenge.device.map(|(_, token)| token),
            sealed: self
                .sealing
                .seal_challenge(context.call.subject_tag, challenge),
            now: context.now,
            expires_at: challenge.expires_at,
            attempts: challenge.attempts,
            wrong_codes: challenge.wrong_codes,
            failures: context.user.account.failures(),
            send: draft.send,
            replaced_challenge_id: draft.replaced_challenge_id,
            enrollment: matches!(challenge.purpose, Purpose::Enrollment(_)),
            max_open: self.policies.built_in().live_challenges,
            idempotency_key,
        }
    }
}
