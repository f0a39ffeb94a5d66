//! Creates recovery codes and keys, and formats them for display.

use crate::app::{
    Error,
    context::{CallContext, OpenedAccount},
    hashing::HashingPool,
    randomness::Randomness,
    recovery::new_recovery_codes::{NewRecoveryCodes, slots},
};
use countersign_domain::{
    policy::{Policy, RecoveryStyle},
    recovery::{
        NewRecoverySet, PrintableRecoveryCodes, RecoveryCode, RecoveryKey, RecoverySetKind,
    },
    value::{id::TenantId, locale::Locale, tenant::DisplayNames, time::Timestamp},
};
use std::sync::Arc;

/// Recovery codes or a key, as they are returned once.
pub struct DisplayedRecoveryCodes {
    /// The codes; a recovery key is a single entry.
    pub codes: Vec<String>,
    /// Whether these are codes or a key.
    pub kind: RecoverySetKind,
    /// When they were created.
    pub at: Timestamp,
    /// The printable text that contains them.
    pub text: String,
}

impl DisplayedRecoveryCodes {
    /// The codes or the key, with their printable text.
    pub(crate) fn of(codes: Vec<String>, printable: &PrintableRecoveryCodes<'_>) -> Self {
        let is_key = codes.iter().any(|code| RecoveryKey::is_meant_by(code));
        let kind = if is_key {
            RecoverySetKind::Key
        } else {
            RecoverySetKind::Codes
        };
        Self {
            text: printable.text(kind, &codes),
            codes,
            kind,
            at: printable.made_at,
        }
    }
}

/// Formats recovery codes for display.
#[derive(Clone)]
pub(crate) struct RecoveryCodePrinter {
    pub(crate) display_names: Arc<DisplayNames>,
}

impl RecoveryCodePrinter {
    /// Formats a user's codes in the language of the call, or else of the profile.
    pub(crate) fn display(
        &self,
        call: &CallContext,
        user: &OpenedAccount,
        codes: Vec<String>,
        made_at: Timestamp,
    ) -> DisplayedRecoveryCodes {
        let subject = &user.account.subject;
        let profile = user.profile();
        let asked = call.client.locale.as_ref().or(profile.locale.as_ref());
        let printable = PrintableRecoveryCodes {
            locale: asked.map(Locale::as_str),
            company: &self.company(&subject.tenant),
            account: user.account_name(),
            made_at,
        };
        DisplayedRecoveryCodes::of(codes, &printable)
    }

    /// The display name of a tenant.
    pub(crate) fn company(&self, tenant: &TenantId) -> String {
        self.display_names.of(tenant)
    }
}

/// Creates recovery codes and keys.
#[derive(Clone)]
pub(crate) struct RecoveryCodeGenerator {
    pub(crate) hashing: Arc<HashingPool>,
    pub(crate) randomness: Randomness,
}

impl RecoveryCodeGenerator {
    /// Creates codes or a key, as the policy asks; `None` if it asks for neither. A retry of the call returns the same
    /// set, unless the policy now asks for another kind or size.
    pub(crate) async fn new_recovery_codes(
        &self,
        call: &CallContext,
        policy: &Policy,
    ) -> Result<Option<NewRecoveryCodes>, Error> {
        let retained = &call.retained.recovery_codes;
        if let Some(new) = retained.get().filter(|new| new.is_wanted_by(policy)) {
            return Ok(Some(new.clone()));
        }
        let new = match policy.rules.recovery_style {
            RecoveryStyle::Codes => self.new_set_of_codes(policy).await?,
            RecoveryStyle::Key => self.new_key(),
            RecoveryStyle::None => return Ok(None),
        };
        // A kept set that no longer fits the policy stays kept, so a third decision may have to create another one.
        if retained.get().is_none() {
            return Ok(Some(retained.get_or_init(|| new).clone()));
        }
        Ok(Some(new))
    }

    fn new_key(&self) -> NewRecoveryCodes {
        let key = RecoveryKey::new(&self.randomness.bytes());
        NewRecoveryCodes {
            set: NewRecoverySet {
                id: self.randomness.id(),
                kind: RecoverySetKind::Key,
                hashes: vec![(RecoveryKey::SLOT, key.hash())],
            },
            exposed_codes: vec![key.expose()],
        }
    }

    /// Creates codes, and hashes them on the bounded pool.
    async fn new_set_of_codes(&self, policy: &Policy) -> Result<NewRecoveryCodes, Error> {
        let codes = slots(policy).map(|slot| {
            (
                RecoveryCode::new(slot, &self.randomness.bytes()),
                self.randomness.bytes(),
            )
        });
        let new_codes = self.hashing.hash_all(codes.collect()).await?;
        let exposed_codes = new_codes.iter().map(|new| new.code.expose()).collect();
        let hashes = new_codes
            .into_iter()
            .map(|new| (new.code.slot(), new.hash))
            .collect();
        Ok(NewRecoveryCodes {
            set: NewRecoverySet {
                id: self.randomness.id(),
                kind: RecoverySetKind::Codes,
                hashes,
            },
            exposed_codes,
        })
    }
}

#[cfg(test)]
mod tests;
