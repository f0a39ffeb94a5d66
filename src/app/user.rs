//! Use cases of `UserService`.

pub(crate) mod delete_user;
pub(crate) mod export_user;
pub(crate) mod get_user;
pub(crate) mod issue_bypass_code;
pub(crate) mod list_users;
pub(crate) mod reset_user;
pub(crate) mod unlock_user;
pub(crate) mod upsert_user;
