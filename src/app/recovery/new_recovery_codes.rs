//! A new set of recovery codes, or a new recovery key.

use countersign_domain::{
    policy::{Policy, RecoveryStyle},
    recovery::{CodeSlot, NewRecoverySet, RecoverySetKind},
};

/// A new set: the hashes to store, and the codes to return once.
#[derive(Clone)]
pub(crate) struct NewRecoveryCodes {
    pub(crate) set: NewRecoverySet,
    pub(crate) exposed_codes: Vec<String>,
}

impl NewRecoveryCodes {
    /// Whether the policy asks for a set of this kind and size.
    pub(super) fn is_wanted_by(&self, policy: &Policy) -> bool {
        match policy.rules.recovery_style {
            RecoveryStyle::Codes => {
                self.set.kind == RecoverySetKind::Codes
                    && self.set.hashes.len() == slots(policy).count()
            }
            RecoveryStyle::Key => self.set.kind == RecoverySetKind::Key,
            RecoveryStyle::None => false,
        }
    }
}

/// The slots of a set of codes.
pub(super) fn slots(policy: &Policy) -> impl Iterator<Item = CodeSlot> + use<> {
    (0..policy.rules.recovery_codes).filter_map(CodeSlot::new)
}
