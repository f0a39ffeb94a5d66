//! Use cases of `MethodService`.

pub(crate) mod begin_enrollment;
pub(crate) mod confirm_enrollment;
pub(crate) mod delete_method;
pub(crate) mod disable_two_factor;
pub(crate) mod enrollment_tickets;
pub(crate) mod get_method_settings;
pub(crate) mod method_views;
pub(crate) mod revert_change;
pub(crate) mod totp_setup;
pub(crate) mod update_method;
