//! `GenerateRecoveryCodes`: a new set; the old one dies in the same step.

use crate::app::{App, Call, Error, GivenProof, call::same_call, error::committed};
use countersign_domain::{
    action::Action,
    change::{Base, Change, Made, Write},
    event::{EventKind, Facts},
    recovery::{RecoveryCode, Slot},
    refusal::Refusal,
    time::Timestamp,
};
use std::sync::Arc;

/// A new set: what to write, and what to show this once.
pub(super) struct NewCodes {
    pub(super) write: Write,
    pub(super) shown: Vec<String>,
}

impl App {
    /// Makes new recovery codes; gives them and when they were made.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn generate_recovery_codes(
        self: &Arc<Self>,
        call: Call,
        proof: GivenProof,
    ) -> Result<(Vec<String>, Timestamp), Error> {
        self.to_the_end(call, move |app, call| async move {
            app.generate(&call, &proof).await
        })
        .await
    }

    async fn generate(
        &self,
        call: &Call,
        proof: &GivenProof,
    ) -> Result<(Vec<String>, Timestamp), Error> {
        let now = self.now();
        let mark = self.mark(call);
        let loaded = self.accounts().load(&call.who, mark, now).await?;
        let account = loaded.account.ok_or(Error::UserNotFound)?;
        if let (Some(receipt), Some(mark)) = (same_call(loaded.receipt, mark)?, mark) {
            let sealed = receipt.answer.ok_or(Error::RequestIdReused)?;
            return Ok((self.open_codes(&call.who, mark, &sealed)?, receipt.at));
        }
        if !account.two_factor_enabled() {
            return Err(Refusal::TwoFactorOff.into());
        }
        let action = Action::GenerateRecoveryCodes;
        let spend = self.authorize(call, &account, &action, proof, now).await?;
        let NewCodes { write, shown } = self.new_recovery_codes().await?;
        let answer = mark.map(|mark| self.seal_codes(&call.who, mark, &shown));
        let kind = EventKind::RecoveryCodesGenerated;
        let change = Change {
            subject: call.who.clone(),
            base: Base::Present(account.epoch, account.revision),
            epoch: account.epoch,
            now,
            spends: vec![spend],
            writes: vec![write],
            event: self.event(call, &self.user_key(&account)?, kind, Facts::none(), now),
            notices: Vec::new(),
            receipt: Self::receipt(mark, Made::Nothing, answer, now),
        };
        committed(self.accounts().commit(&change).await?)?;
        Ok((shown, now))
    }

    /// A set of codes as the policy wants it, hashed on the bounded pool.
    pub(super) async fn new_recovery_codes(&self) -> Result<NewCodes, Error> {
        let slots = (0..self.parts.policy.recovery_codes).filter_map(Slot::new);
        let codes = slots.map(|slot| (RecoveryCode::new(slot, &self.random()), self.random()));
        let hashed = self.parts.hashing.hash_all(codes.collect()).await?;
        let shown = hashed.iter().map(|new| new.code.expose()).collect();
        let rows = hashed
            .into_iter()
            .map(|new| (new.code.slot(), new.hash))
            .collect();
        Ok(NewCodes {
            write: Write::RecoveryCodes(self.new_id(), rows),
            shown,
        })
    }
}
