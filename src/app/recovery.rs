//! Use cases of `RecoveryService`.

pub(crate) mod begin_reset;
pub(crate) mod cancel_reset;
pub(crate) mod confirm_recovery_codes;
pub(crate) mod confirm_reset;
pub(crate) mod generate_recovery_codes;
pub(crate) mod new_recovery_codes;
pub(crate) mod recovery_codes;
pub(crate) mod replacement_key;
pub(crate) mod reset_budgets;
pub(crate) mod reset_helper;
pub(crate) mod reset_request;
