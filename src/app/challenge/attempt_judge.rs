//! Judging submitted codes: of apps and messages, of providers, of recovery and bypass codes. Each is compared with what
//! the challenge or the account holds, once for each charge.

use crate::{
    app::{
        Error,
        hashing::{HashingPermit, HashingPool},
    },
    ports::{AccountLookup, AccountStore, KeyService, Notifier},
};
use countersign_domain::{
    account::{Account, PendingAttempt, StoredHashLookup},
    challenge::{
        AttemptEffect, AttemptJudgment, Challenge, ExpectedAnswer,
        answered_by::AnsweredBy,
        code::{CanonicalAnswer, Digits},
        provider_code::{ProviderCodeCheck, ProviderCodeVerdict, ProviderVerification},
    },
    recovery::{RecoveryCode, RecoveryKey, SecretHash, bypass_code::BypassCode},
    value::{destination::Destination, id::AttemptId, time::Timestamp},
};
use std::sync::Arc;

/// Judges submitted codes.
pub(crate) struct AttemptJudge {
    pub(crate) accounts: Arc<dyn AccountStore>,
    pub(crate) keys: Arc<dyn KeyService>,
    pub(crate) notifier: Arc<dyn Notifier>,
    pub(crate) hashing: Arc<HashingPool>,
}

/// A submitted code, and what it takes to look at it.
pub(crate) enum SubmittedCode {
    Digits(Digits),
    Recovery(RecoveryCode, HashingPermit),
    Bypass(BypassCode, HashingPermit),
    Key(RecoveryKey),
}

/// What stands for a guess that is not to be looked at, or that nothing matches.
const WRONG: AttemptJudgment = AttemptJudgment::Wrong { skew: None };

impl SubmittedCode {
    /// What it would sign in with in place of a method.
    pub(crate) const fn fallback(&self) -> Option<AnsweredBy> {
        match self {
            Self::Digits(_) => None,
            Self::Recovery(..) => Some(AnsweredBy::RecoveryCode),
            Self::Bypass(..) => Some(AnsweredBy::BypassCode),
            Self::Key(_) => Some(AnsweredBy::RecoveryKey),
        }
    }
}

impl AttemptJudge {
    /// The code with a place in the pool of slow hashes, where it takes one: before the attempt is charged.
    pub(crate) async fn submitted(&self, answer: CanonicalAnswer) -> Result<SubmittedCode, Error> {
        let hashing = &self.hashing;
        Ok(match answer {
            CanonicalAnswer::Digits(digits) => SubmittedCode::Digits(digits),
            CanonicalAnswer::Recovery(code) => {
                SubmittedCode::Recovery(code, hashing.acquire_permit().await?)
            }
            CanonicalAnswer::Key(key) => SubmittedCode::Key(key),
            CanonicalAnswer::Bypass(code) => {
                SubmittedCode::Bypass(code, hashing.acquire_permit().await?)
            }
        })
    }

    /// Whether the code of a charged attempt is right.
    pub(crate) async fn judge(
        &self,
        challenge: &Challenge,
        submitted: SubmittedCode,
        attempt: AttemptId,
        at: Timestamp,
    ) -> Result<AttemptJudgment, Error> {
        tracing::trace!("judging code");
        match submitted {
            SubmittedCode::Digits(digits) => {
                self.judge_digits(challenge, &digits, attempt, at).await
            }
            SubmittedCode::Recovery(code, permit) => {
                self.judge_recovery_code(challenge, code, attempt, permit)
                    .await
            }
            SubmittedCode::Key(key) => self.judge_recovery_key(challenge, &key, attempt).await,
            SubmittedCode::Bypass(code, permit) => {
                self.judge_bypass_code(challenge, code, attempt, permit)
                    .await
            }
        }
    }

    async fn judge_digits(
        &self,
        challenge: &Challenge,
        digits: &Digits,
        attempt: AttemptId,
        at: Timestamp,
    ) -> Result<AttemptJudgment, Error> {
        if let ExpectedAnswer::OfProvider {
            verification,
            destination,
        } = &challenge.expected_answer
        {
            let checked = self.check(verification, destination, digits, attempt);
            return Ok(challenge.judge_checked(checked.await?));
        }
        let key = challenge
            .code_key()
            .and_then(|id| self.keys.code_key(id, at));
        Ok(challenge.judge(digits, key.as_ref(), at))
    }

    /// Asks the provider about an attempt that is charged. Without its word there is no judgment, and nothing to settle:
    /// the attempt stays charged, and a repeat of the call asks again under the same key.
    async fn check(
        &self,
        verification: &ProviderVerification,
        destination: &Destination,
        digits: &Digits,
        attempt: AttemptId,
    ) -> Result<ProviderCodeVerdict, Error> {
        let check = ProviderCodeCheck {
            key: format!("{}-{attempt}", verification.id),
            verification,
            channel: destination.channel(),
            digits,
        };
        Ok(self.notifier.check(&check).await?)
    }

    async fn judge_recovery_code(
        &self,
        challenge: &Challenge,
        code: RecoveryCode,
        attempt: AttemptId,
        permit: HashingPermit,
    ) -> Result<AttemptJudgment, Error> {
        let slot = code.slot();
        let (account, pending) = self.pending_attempt(challenge, attempt).await?;
        let on_record = account.map(|account| account.recovery_hash(slot, pending));
        let (set, hash) = match on_record.unwrap_or(StoredHashLookup::Empty) {
            StoredHashLookup::Unused(set, hash) => (Some(set), Some(hash)),
            StoredHashLookup::Empty => (None, None),
            // The settlement answers as the record ruled: hashing again would let one charge pay for any number.
            StoredHashLookup::AlreadyDecided => return Ok(WRONG),
        };
        let is_of = move |hash: &SecretHash| code.matches(hash);
        let matches = self.hashing.matches(permit, is_of, hash).await?;
        Ok(match set {
            Some(set) if matches => {
                AttemptJudgment::Right(AttemptEffect::RecoveryCode { set, slot })
            }
            _ => WRONG,
        })
    }

    async fn judge_recovery_key(
        &self,
        challenge: &Challenge,
        key: &RecoveryKey,
        attempt: AttemptId,
    ) -> Result<AttemptJudgment, Error> {
        let (account, pending) = self.pending_attempt(challenge, attempt).await?;
        let on_record = account.map(|account| account.recovery_hash(RecoveryKey::SLOT, pending));
        Ok(match on_record {
            Some(StoredHashLookup::Unused(set, hash)) if key.matches(&hash) => {
                AttemptJudgment::Right(AttemptEffect::RecoveryKey { set })
            }
            _ => WRONG,
        })
    }

    async fn judge_bypass_code(
        &self,
        challenge: &Challenge,
        code: BypassCode,
        attempt: AttemptId,
        permit: HashingPermit,
    ) -> Result<AttemptJudgment, Error> {
        let (account, pending) = self.pending_attempt(challenge, attempt).await?;
        let on_record = account.map(|account| account.bypass_hash(pending));
        let (id, hash) = match on_record.unwrap_or(StoredHashLookup::Empty) {
            StoredHashLookup::Unused(id, hash) => (Some(id), Some(hash)),
            StoredHashLookup::Empty => (None, None),
            StoredHashLookup::AlreadyDecided => return Ok(WRONG),
        };
        let is_of = move |hash: &SecretHash| code.matches(hash);
        let matches = self.hashing.matches(permit, is_of, hash).await?;
        Ok(match id {
            Some(id) if matches => AttemptJudgment::Right(AttemptEffect::BypassCode { id }),
            _ => WRONG,
        })
    }

    /// The account that an attempt is judged against, and what the record says of the attempt.
    async fn pending_attempt(
        &self,
        challenge: &Challenge,
        attempt: AttemptId,
    ) -> Result<(Option<Account>, PendingAttempt), Error> {
        let lookup = AccountLookup::of_challenge(challenge.id);
        let loaded = self.accounts.load(&challenge.subject, lookup).await?;
        let pending = PendingAttempt {
            challenge: challenge.id,
            attempt,
            challenge_ended: loaded.ending.is_some(),
        };
        Ok((loaded.account, pending))
    }
}
