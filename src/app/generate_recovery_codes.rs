//! `GenerateRecoveryCodes`: a new set; the old one dies in the same step.

use crate::{
    app::{
        App, Call, Confirmation, Error, GivenProof,
        call::{Shown, same_call},
        error::committed,
        notices::News,
    },
    ports::AccountLookup,
};
use countersign_domain::{
    account::Account,
    action::Action,
    change::{Base, Change, Made, Write},
    event::{EventKind, Facts},
    message::{Notice, NoticeKind},
    policy::{Policy, RecoveryStyle},
    profile::{AccountName, Locale},
    recovery::{NewRecoverySet, RecoveryCode, RecoveryKey, SetKind, Sheet, Slot},
    refusal::Refusal,
    revert::Did,
    time::Timestamp,
};
use std::sync::Arc;

/// New recovery codes, shown this once.
pub struct Generated {
    /// The codes, or the key.
    pub codes: ShownCodes,
    /// Where the news of it went, masked.
    pub confirmations: Vec<Confirmation>,
}

/// Recovery codes or a key as they are shown, once.
pub struct ShownCodes {
    /// The codes; one where it is a key.
    pub codes: Vec<String>,
    /// Which of the two.
    pub kind: SetKind,
    /// When they were made.
    pub at: Timestamp,
    /// The same as a text to be kept.
    pub text: String,
}

impl ShownCodes {
    /// These codes, or this key, with the text to be kept.
    pub(super) fn of(codes: Vec<String>, sheet: &Sheet<'_>) -> Self {
        let is_key = codes.iter().any(|code| RecoveryKey::is_meant_by(code));
        let kind = if is_key { SetKind::Key } else { SetKind::Codes };
        Self {
            text: sheet.text(kind, &codes),
            codes,
            kind,
            at: sheet.made_at,
        }
    }
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
        let loaded = self
            .accounts()
            .load(&call.who, AccountLookup::of_request(mark))
            .await?;
        let account = loaded.account.ok_or(Error::UserNotFound)?;
        if let Some(receipt) = same_call(loaded.receipt, mark)? {
            let shown = self.shown(&call.who, &receipt)?;
            return self.generated(call, &account, (shown, receipt.at));
        }
        if !account.two_factor_enabled() {
            return Err(Refusal::TwoFactorOff.into());
        }
        if !self.policy(&account).rules.has_recovery() {
            return Err(Refusal::RecoveryNotOffered.into());
        }
        let action = Action::GenerateRecoveryCodes;
        let spend = self.authorize(call, &account, &action, proof, now).await?;
        let new = self.new_recovery_codes(&self.policy(&account)).await?;
        let NewCodes {
            write,
            shown: codes,
        } = new.ok_or(Refusal::RecoveryNotOffered)?;
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
            writes: [write].into_iter().chain([revertible]).collect(),
            event: self.event(call, &self.user_key(&account)?, kind, Facts::none(), now),
            notices,
            receipt: self.receipt(call, Made::Nothing, &shown, now),
        };
        committed(self.commit(&change).await?)?;
        self.bells.ring();
        self.generated(call, &account, (shown, now))
    }

    fn generated(
        &self,
        call: &Call,
        account: &Account,
        (shown, at): (Shown, Timestamp),
    ) -> Result<Generated, Error> {
        let Shown {
            codes,
            confirmations,
            sign_in_waits: _,
        } = shown;
        Ok(Generated {
            codes: self.shown_codes(call, account, (codes, at))?,
            confirmations,
        })
    }

    /// Codes as they are shown, with the text to be kept.
    pub(super) fn shown_codes(
        &self,
        call: &Call,
        account: &Account,
        (codes, at): (Vec<String>, Timestamp),
    ) -> Result<ShownCodes, Error> {
        let on_file = self.on_file(account)?.profile;
        let named = on_file.account_name.as_ref().map(AccountName::as_str);
        let asked = call.context.locale.as_ref().or(on_file.locale.as_ref());
        let sheet = Sheet {
            locale: asked.map(Locale::as_str),
            company: &self.parts.display_names.of(&account.subject.tenant),
            account: named.unwrap_or(account.subject.user.as_str()),
            made_at: at,
        };
        Ok(ShownCodes::of(codes, &sheet))
    }

    /// A set of codes or a key, as the policy wants it; nothing where it wants none.
    pub(super) async fn new_recovery_codes(
        &self,
        policy: &Policy,
    ) -> Result<Option<NewCodes>, Error> {
        Ok(match policy.rules.recovery_style {
            RecoveryStyle::Codes => Some(self.new_set_of_codes(policy).await?),
            RecoveryStyle::Key => Some(self.new_key()),
            RecoveryStyle::None => None,
        })
    }

    fn new_key(&self) -> NewCodes {
        let key = RecoveryKey::new(&self.random());
        NewCodes {
            write: Write::RecoveryCodes(NewRecoverySet {
                id: self.new_id(),
                kind: SetKind::Key,
                hashes: vec![(RecoveryKey::SLOT, key.hash())],
            }),
            shown: vec![key.expose()],
        }
    }

    /// Codes, hashed on the bounded pool.
    async fn new_set_of_codes(&self, policy: &Policy) -> Result<NewCodes, Error> {
        let slots = (0..policy.rules.recovery_codes).filter_map(Slot::new);
        let codes = slots.map(|slot| (RecoveryCode::new(slot, &self.random()), self.random()));
        let made = self.parts.hashing.hash_all(codes.collect()).await?;
        let shown = made.iter().map(|new| new.code.expose()).collect();
        let hashes = made
            .into_iter()
            .map(|new| (new.code.slot(), new.hash))
            .collect();
        Ok(NewCodes {
            write: Write::RecoveryCodes(NewRecoverySet {
                id: self.new_id(),
                kind: SetKind::Codes,
                hashes,
            }),
            shown,
        })
    }
}
