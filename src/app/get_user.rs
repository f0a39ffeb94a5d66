//! `GetUser`: what is on file.

use crate::app::{Call, Error, OpenedAccount, dependencies::UserDependencies};
use countersign_domain::{id::Subject, profile::OnFile, time::Timestamp};

/// A user as an entitled caller may see it.
pub struct UserView {
    /// Who.
    pub subject: Subject,
    /// What is on file.
    pub on_file: OnFile,
    /// Whether at least one method is enrolled.
    pub two_factor_enabled: bool,
    /// When the user was first upserted.
    pub created_at: Timestamp,
    /// When the user last changed.
    pub updated_at: Timestamp,
}

/// What is on file of a user.
///
/// # Errors
/// See [`Error`].
pub(crate) async fn get_user(deps: &UserDependencies, call: Call) -> Result<UserView, Error> {
    let context = deps.requests.read(call).await?;
    Ok(UserView::of(&context.user))
}

impl UserView {
    pub(super) fn of(user: &OpenedAccount) -> Self {
        let account = &user.account;
        Self {
            subject: account.subject.clone(),
            on_file: user.on_file.clone(),
            two_factor_enabled: account.two_factor_enabled(),
            created_at: account.created_at,
            updated_at: account.updated_at,
        }
    }
}
