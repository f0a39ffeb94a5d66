//! Verdicts and changes of a user, straight at the port of the durable store.

use crate::contract::{
    accounts::{START, new_user, random, random_subject},
    verdicts::{Judged, prepare, verdict_request},
};
use countersign::ports::{AccountLookup, AccountStore};
use countersign_domain::{
    account::{
        Account,
        change::{AccountChange, AccountWriteOp, ChangeBase},
    },
    audit_event::{AuditEvent, AuditEventKind},
    authorization::caller::CallerName,
    challenge::{
        AttemptEffect, AttemptJudgment,
        approval::ApprovedPurpose,
        totp::TimeStep,
        verdict::{ChallengeOutcome, VerdictRequest},
    },
    limits::budget::AttemptClass,
    value::{
        epoch::Epoch,
        id::{ChallengeId, MethodId, Subject, SubjectTag},
        time::Timestamp,
    },
};

/// The method of every user that [`prepare`] makes.
pub(crate) const METHOD: MethodId = MethodId::from_bytes([7; 16]);

/// A wrong code.
pub(crate) const WRONG: AttemptJudgment = AttemptJudgment::Wrong { skew: None };

/// A user of a tenant of their own, with a method, recovery codes and a bypass code.
#[derive(Debug, Clone)]
pub(crate) struct TestUser {
    pub(crate) subject: Subject,
    pub(crate) tag: SubjectTag,
}

/// A right code of the app.
pub(crate) const fn right(step: u64) -> AttemptJudgment {
    AttemptJudgment::Right(AttemptEffect::Step {
        step: TimeStep(step),
        acceptable_from: START,
    })
}

impl TestUser {
    pub(crate) async fn prepared(accounts: &dyn AccountStore) -> Self {
        let (subject, tag) = random_subject();
        prepare(accounts, &subject, tag).await;
        Self { subject, tag }
    }

    pub(crate) async fn many(accounts: &dyn AccountStore, count: usize) -> Vec<Self> {
        let mut users = Vec::new();
        for _ in 0..count {
            users.push(Self::prepared(accounts).await);
        }
        users
    }

    /// An attempt at a challenge, by a method of the user, at [`START`] and in the user's first epoch.
    pub(crate) fn attempt(
        &self,
        challenge: ChallengeId,
        judgment: AttemptJudgment,
    ) -> VerdictRequest {
        self.attempt_in(Epoch::first(1), START, challenge, judgment)
    }

    pub(crate) fn attempt_in(
        &self,
        epoch: Epoch,
        at: Timestamp,
        challenge: ChallengeId,
        judgment: AttemptJudgment,
    ) -> VerdictRequest {
        let judged = Judged {
            challenge: 1,
            attempt: 1,
            payload: Some(1),
            caller: "portal",
            class: AttemptClass::Unknown,
            behind: 0,
            asks_method: true,
            version: 1,
            judgment,
            device: None,
            purpose: ApprovedPurpose::SignIn,
        };
        let mut verdict_request = verdict_request(&self.subject, self.tag, &judged, epoch, at);
        verdict_request.challenge = challenge;
        verdict_request.attempt.id = random();
        verdict_request.approval.challenge = challenge;
        verdict_request.approval.attempt_id = verdict_request.attempt.id;
        verdict_request.approved_event.id = random();
        verdict_request
    }

    pub(crate) async fn account(&self, accounts: &dyn AccountStore) -> Option<Account> {
        let loaded = accounts.load(&self.subject, AccountLookup::default()).await;
        loaded.unwrap().account
    }

    /// How a challenge ended, as its caller is told.
    pub(crate) async fn ended(
        &self,
        accounts: &dyn AccountStore,
        challenge: ChallengeId,
    ) -> Option<ChallengeOutcome> {
        let lookup = AccountLookup::of_challenge(challenge);
        let loaded = accounts.load(&self.subject, lookup).await.unwrap();
        loaded.ended_for(&CallerName::new("portal"))
    }

    /// A change of the user as it stands on a base.
    pub(crate) fn change(
        &self,
        base: ChangeBase,
        epoch: Epoch,
        writes: Vec<AccountWriteOp>,
    ) -> AccountChange {
        AccountChange {
            base,
            epoch,
            writes,
            event: AuditEvent {
                id: random(),
                kind: AuditEventKind::UserUpserted,
                caller: CallerName::new("portal"),
                ..new_user(&self.subject, self.tag).event
            },
            ..new_user(&self.subject, self.tag)
        }
    }
}
