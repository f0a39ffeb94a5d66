//! `GenerateRecoveryCodes`: a new set; the old one dies in the same step.

use crate::app::{
    App, Call, Confirmation, Error, GivenProof,
    call::{Shown, same_call},
    error::committed,
    notices::News,
};
use countersign_domain::{
    action::Action,
    change::{Base, Change, Made, Write},
    event::{EventKind, Facts},
    message::{Notice, NoticeKind},
    policy::Policy,
    recovery::{RecoveryCode, Slot},
    refusal::Refusal,
    revert::Did,
    time::Timestamp,
};
use std::sync::Arc;

/// New recovery codes, shown this once.
pub struct Generated {
    /// The codes.
    pub codes: Vec<String>,
    /// When they were made.
    pub at: Timestamp,
    /// Where the news of it went, masked.
    pub confirmations: Vec<Confirmation>,
}

/// A new set: what to write, and what to show this once.
pub(super) struct NewCodes {
    pub(super) write: Write,
    pub(super) shown: Vec<String>,
}

impl App {
    /// Makes new recovery codes.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn generate_recovery_codes(
        self: &Arc<Self>,
        call: Call,
        proof: GivenProof,
    ) -> Result<Generated, Error> {
        self.to_the_end(call, move |app, call| async move {
            app.generate(&call, &proof).await
        })
        .await
    }

    async fn generate(&self, call: &Call, proof: &GivenProof) -> Result<Generated, Error> {
        let now = self.now();
        let mark = self.mark(call);
        let loaded = self.accounts().load(&call.who, mark, now).await?;
        let account = loaded.account.ok_or(Error::UserNotFound)?;
        if let Some(receipt) = same_call(loaded.receipt, mark)? {
            let shown = self.shown(&call.who, &receipt)?;
            return Ok(generated(shown, receipt.at));
        }
        if !account.two_factor_enabled() {
            return Err(Refusal::TwoFactorOff.into());
        }
        let action = Action::GenerateRecoveryCodes;
        let spend = self.authorize(call, &account, &action, proof, now).await?;
        let NewCodes {
            write,
            shown: codes,
        } = self.new_recovery_codes(&self.policy(&account)).await?;
        let made = (
            Notice::of(NoticeKind::RecoveryCodesMade, now),
            Did::RecoveryCodes,
        );
        let (news, revertible) = self.revertible_news(&account, [], made)?;
        let News {
            notices,
            confirmations,
        } = news;
        let shown = Shown {
            codes,
            confirmations,
            ..Shown::default()
        };
        let kind = EventKind::RecoveryCodesGenerated;
        let change = Change {
            subject: call.who.clone(),
            base: Base::Present(account.epoch, account.revision),
            epoch: account.epoch,
            now,
            spends: vec![spend],
            writes: [write].into_iter().chain(revertible).collect(),
            event: self.event(call, &self.user_key(&account)?, kind, Facts::none(), now),
            notices,
            receipt: self.receipt(call, Made::Nothing, &shown, now),
        };
        committed(self.accounts().commit(&change).await?)?;
        self.bells.ring();
        Ok(generated(shown, now))
    }

    /// A set of codes as the policy wants it, hashed on the bounded pool.
    pub(super) async fn new_recovery_codes(&self, policy: &Policy) -> Result<NewCodes, Error> {
        let slots = (0..policy.rules.recovery_codes).filter_map(Slot::new);
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

fn generated(shown: Shown, at: Timestamp) -> Generated {
    let Shown {
        codes,
        confirmations,
        sign_in_waits: _,
    } = shown;
    Generated {
        codes,
        at,
        confirmations,
    }
}
