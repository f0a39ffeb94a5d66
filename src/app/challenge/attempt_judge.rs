//! Judges submitted codes: of authenticator apps and messages, of providers, and recovery and bypass codes. Each charge
//! pays for one comparison.

use crate::{
    app::{
        Error,
        challenge::verdict_requests::ChargedAttempt,
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
    value::{destination::Destination, id::AttemptId},
};
use std::sync::Arc;

pub(crate) struct AttemptJudge {
    pub(crate) accounts: Arc<dyn AccountStore>,
    pub(crate) keys: Arc<dyn KeyService>,
    pub(crate) notifier: Arc<dyn Notifier>,
    pub(crate) hashing: Arc<HashingPool>,
}

/// A submitted code, with the permit to hash it where one is needed.
pub(crate) enum SubmittedCode {
    Digits(Digits),
    Recovery(RecoveryCode, HashingPermit),
    Bypass(BypassCode, HashingPermit),
    Key(RecoveryKey),
}

/// The judgment of an attempt that matches nothing or must not be compared.
const WRONG: AttemptJudgment = AttemptJudgment::Wrong { skew: None };

impl SubmittedCode {
    /// The kind of recovery or bypass code; `None` for a code of a method.
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
    /// Classifies the code and takes a hashing permit where needed. Call this before the attempt is charged.
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

    /// Judges the code of a charged attempt.
    pub(crate) async fn judge(
        &self,
        charged: &ChargedAttempt<'_>,
        submitted: SubmittedCode,
    ) -> Result<AttemptJudgment, Error> {
        let (challenge, attempt) = (charged.challenge, charged.attempt.attempt_id);
        tracing::debug!("judging code");
        match submitted {
            SubmittedCode::Digits(digits) => self.judge_digits(charged, &digits).await,
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
        charged: &ChargedAttempt<'_>,
        digits: &Digits,
    ) -> Result<AttemptJudgment, Error> {
        let (challenge, at) = (charged.challenge, charged.charged.at);
        if let ExpectedAnswer::OfProvider {
            verification,
            destination,
        } = &challenge.expected_answer
        {
            let attempt = charged.attempt.attempt_id;
            let checked = self.check(verification, destination, digits, attempt);
            let checked = charged.call.permit.release_during(checked).await?;
            return Ok(challenge.judge_checked(checked));
        }
        let key = challenge
            .code_key()
            .and_then(|id| self.keys.code_key(id, at));
        Ok(challenge.judge(digits, key.as_ref(), at))
    }

    /// Asks the provider to check the code of a charged attempt. Without an answer there is no judgment: the attempt
    /// stays charged, and a repeat of the call asks again with the same key.
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
            // The verdict repeats the recorded decision. Hashing again would let one charge pay for any number of
            // comparisons.
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

    /// Loads the account that the attempt is judged against, and whether the challenge has ended.
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
