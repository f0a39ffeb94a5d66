//! Recovery codes, recovery keys and bypass codes: each is compared with what the account holds, once for each charge.

use crate::{
    app::{App, Error, answer::WRONG, hashing::Place},
    ports::AccountLookup,
};
use countersign_domain::{
    account::{Account, PendingAttempt, RecoveryHash},
    bypass::BypassCode,
    challenge::{Challenge, Effect, Judgement},
    id::GuessId,
    recovery::{RecoveryCode, RecoveryKey, SlowHash},
};

impl App {
    pub(super) async fn judge_recovery_code(
        &self,
        challenge: &Challenge,
        (code, guess): (RecoveryCode, GuessId),
        place: Place,
    ) -> Result<Judgement, Error> {
        let slot = code.slot();
        let (account, pending) = self.pending_attempt(challenge, guess).await?;
        let on_record = account.map(|account| account.recovery_hash(slot, pending));
        let (set, hash) = match on_record.unwrap_or(RecoveryHash::Empty) {
            RecoveryHash::Unused(set, hash) => (Some(set), Some(hash)),
            RecoveryHash::Empty => (None, None),
            // The settlement answers as the record ruled: hashing again would let one charge pay for any number.
            RecoveryHash::RuledOn => return Ok(WRONG),
        };
        let is_of = move |hash: &SlowHash| code.matches(hash);
        let matches = self.parts.hashing.matches(place, is_of, hash).await?;
        Ok(match set {
            Some(set) if matches => Judgement::Right(Effect::RecoveryCode { set, slot }),
            _ => WRONG,
        })
    }

    pub(super) async fn judge_recovery_key(
        &self,
        challenge: &Challenge,
        (key, guess): (RecoveryKey, GuessId),
    ) -> Result<Judgement, Error> {
        let (account, pending) = self.pending_attempt(challenge, guess).await?;
        let on_record = account.map(|account| account.recovery_hash(RecoveryKey::SLOT, pending));
        Ok(match on_record {
            Some(RecoveryHash::Unused(set, hash)) if key.matches(&hash) => {
                Judgement::Right(Effect::RecoveryKey { set })
            }
            _ => WRONG,
        })
    }

    pub(super) async fn judge_bypass_code(
        &self,
        challenge: &Challenge,
        (code, guess): (BypassCode, GuessId),
        place: Place,
    ) -> Result<Judgement, Error> {
        let (account, pending) = self.pending_attempt(challenge, guess).await?;
        let on_record = account.map(|account| account.bypass_hash(pending));
        let (id, hash) = match on_record.unwrap_or(RecoveryHash::Empty) {
            RecoveryHash::Unused(id, hash) => (Some(id), Some(hash)),
            RecoveryHash::Empty => (None, None),
            RecoveryHash::RuledOn => return Ok(WRONG),
        };
        let is_of = move |hash: &SlowHash| code.matches(hash);
        let matches = self.parts.hashing.matches(place, is_of, hash).await?;
        Ok(match id {
            Some(id) if matches => Judgement::Right(Effect::BypassCode { id }),
            _ => WRONG,
        })
    }

    /// The account that an attempt is judged against, and what the record says of the attempt.
    async fn pending_attempt(
        &self,
        challenge: &Challenge,
        attempt: GuessId,
    ) -> Result<(Option<Account>, PendingAttempt), Error> {
        let lookup = AccountLookup::of_challenge(challenge.id);
        let loaded = self.accounts().load(&challenge.subject, lookup).await?;
        let pending = PendingAttempt {
            challenge: challenge.id,
            attempt,
            challenge_ended: loaded.ending.is_some(),
        };
        Ok((loaded.account, pending))
    }
}
