//! Recovery codes and keys: how new ones are made, and how they are shown once.

use crate::app::{CallContext, Error, OpenedAccount, hashing::Hashing, randomness::Randomness};
use countersign_domain::{
    change::Write,
    id::TenantId,
    policy::{Policy, RecoveryStyle},
    profile::{AccountName, Locale},
    recovery::{NewRecoverySet, RecoveryCode, RecoveryKey, SetKind, Sheet, Slot},
    tenant::DisplayNames,
    time::Timestamp,
};
use std::sync::Arc;

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

/// Shows recovery codes with the text to be kept.
#[derive(Clone)]
pub(super) struct RecoveryCodePrinter {
    pub(super) display_names: Arc<DisplayNames>,
}

impl RecoveryCodePrinter {
    /// Codes of a user, in the language of the call or the user's own.
    pub(super) fn shown(
        &self,
        call: &CallContext,
        user: &OpenedAccount,
        codes: Vec<String>,
        made_at: Timestamp,
    ) -> ShownCodes {
        let subject = &user.account.subject;
        let profile = user.profile();
        let named = profile.account_name.as_ref().map(AccountName::as_str);
        let asked = call.client.locale.as_ref().or(profile.locale.as_ref());
        let sheet = Sheet {
            locale: asked.map(Locale::as_str),
            company: &self.company(&subject.tenant),
            account: named.unwrap_or(subject.user.as_str()),
            made_at,
        };
        ShownCodes::of(codes, &sheet)
    }

    /// The display name of a tenant.
    pub(super) fn company(&self, tenant: &TenantId) -> String {
        self.display_names.of(tenant)
    }
}

/// Makes recovery codes and keys.
#[derive(Clone)]
pub(super) struct RecoveryCodeGenerator {
    pub(super) hashing: Arc<Hashing>,
    pub(super) randomness: Randomness,
}

impl RecoveryCodeGenerator {
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
        let key = RecoveryKey::new(&self.randomness.bytes());
        NewCodes {
            write: Write::RecoveryCodes(NewRecoverySet {
                id: self.randomness.id(),
                kind: SetKind::Key,
                hashes: vec![(RecoveryKey::SLOT, key.hash())],
            }),
            shown: vec![key.expose()],
        }
    }

    /// Codes, hashed on the bounded pool.
    async fn new_set_of_codes(&self, policy: &Policy) -> Result<NewCodes, Error> {
        let slots = (0..policy.rules.recovery_codes).filter_map(Slot::new);
        let codes = slots.map(|slot| {
            (
                RecoveryCode::new(slot, &self.randomness.bytes()),
                self.randomness.bytes(),
            )
        });
        let made = self.hashing.hash_all(codes.collect()).await?;
        let shown = made.iter().map(|new| new.code.expose()).collect();
        let hashes = made
            .into_iter()
            .map(|new| (new.code.slot(), new.hash))
            .collect();
        Ok(NewCodes {
            write: Write::RecoveryCodes(NewRecoverySet {
                id: self.randomness.id(),
                kind: SetKind::Codes,
                hashes,
            }),
            shown,
        })
    }
}
