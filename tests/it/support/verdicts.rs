//! Verdicts and changes of a user, straight at the port of the durable store.

use crate::contract::{
    accounts::{START, new_user, random, subject},
    settle::{Judged, prepare, settlement},
};
use countersign::ports::{AccountLookup, Accounts};
use countersign_domain::{
    account::Account,
    approval::ApprovedPurpose,
    budget::GuessClass,
    caller::CallerName,
    challenge::{Effect, Judgement},
    change::{Base, Change, Write},
    epoch::Epoch,
    event::{Event, EventKind},
    id::{ChallengeId, MethodId, Subject, SubjectTag},
    settlement::{Ended, Settlement},
    time::Timestamp,
    totp::Step,
};

/// The method of every user that [`prepare`] makes.
pub(crate) const METHOD: MethodId = MethodId::from_bytes([7; 16]);

/// A wrong code.
pub(crate) const WRONG: Judgement = Judgement::Wrong { skew: None };

/// A user of a tenant of their own, with a method, recovery codes and a bypass code.
#[derive(Debug, Clone)]
pub(crate) struct TestUser {
    pub(crate) who: Subject,
    pub(crate) tag: SubjectTag,
}

/// A right code of the app.
pub(crate) const fn right(step: u64) -> Judgement {
    Judgement::Right(Effect::Step {
        step: Step(step),
        acceptable_from: START,
    })
}

impl TestUser {
    pub(crate) async fn prepared(accounts: &dyn Accounts) -> Self {
        let (who, tag) = subject();
        prepare(accounts, &who, tag).await;
        Self { who, tag }
    }

    pub(crate) async fn many(accounts: &dyn Accounts, count: usize) -> Vec<Self> {
        let mut users = Vec::new();
        for _ in 0..count {
            users.push(Self::prepared(accounts).await);
        }
        users
    }

    /// An attempt at a challenge, by a method of the user, at [`START`] and in the user's first epoch.
    pub(crate) fn attempt(&self, challenge: ChallengeId, judgement: Judgement) -> Settlement {
        self.attempt_in(Epoch::first(1), START, challenge, judgement)
    }

    pub(crate) fn attempt_in(
        &self,
        epoch: Epoch,
        at: Timestamp,
        challenge: ChallengeId,
        judgement: Judgement,
    ) -> Settlement {
        let judged = Judged {
            challenge: 1,
            guess: 1,
            payload: Some(1),
            caller: "portal",
            class: GuessClass::Unknown,
            behind: 0,
            asks_method: true,
            version: 1,
            judgement,
            device: None,
            purpose: ApprovedPurpose::SignIn,
        };
        let mut settlement = settlement(&self.who, self.tag, &judged, epoch, at);
        settlement.challenge = challenge;
        settlement.guess.id = random();
        settlement.approval.challenge = challenge;
        settlement.approval.guess = settlement.guess.id;
        settlement.approved_event.id = random();
        settlement
    }

    pub(crate) async fn account(&self, accounts: &dyn Accounts) -> Option<Account> {
        let loaded = accounts.load(&self.who, AccountLookup::default()).await;
        loaded.unwrap().account
    }

    /// How a challenge ended, as its caller is told.
    pub(crate) async fn ended(
        &self,
        accounts: &dyn Accounts,
        challenge: ChallengeId,
    ) -> Option<Ended> {
        let lookup = AccountLookup::of_challenge(challenge);
        let loaded = accounts.load(&self.who, lookup).await.unwrap();
        loaded.ended_for(&CallerName::new("portal"))
    }

    /// A change of the user as it stands on a base.
    pub(crate) fn change(&self, base: Base, epoch: Epoch, writes: Vec<Write>) -> Change {
        Change {
            base,
            epoch,
            writes,
            event: Event {
                id: random(),
                kind: EventKind::UserUpserted,
                caller: CallerName::new("portal"),
                ..new_user(&self.who, self.tag).event
            },
            ..new_user(&self.who, self.tag)
        }
    }
}
