//! `GetUser`: reads the profile of a user.

use crate::app::{CallerRequest, Error, context::OpenedAccount, dependencies::UserDependencies};
use countersign_domain::{
    account::profile::ProfileRecord,
    value::{id::Subject, time::Timestamp},
};

/// A user as callers see it.
pub struct UserView {
    /// The tenant and the user id.
    pub subject: Subject,
    /// The profile.
    pub profile_record: ProfileRecord,
    /// Whether the account has a second factor.
    pub two_factor_enabled: bool,
    /// When the user was first upserted.
    pub created_at: Timestamp,
    /// When the account last changed.
    pub updated_at: Timestamp,
}

/// Reads the profile of a user.
///
/// # Errors
/// See [`Error`].
pub(crate) async fn get_user(
    deps: &UserDependencies,
    call: CallerRequest,
) -> Result<UserView, Error> {
    let context = deps.requests.read(call).await?;
    Ok(UserView::of(&context.user))
}

impl UserView {
    pub(in crate::app) fn of(user: &OpenedAccount) -> Self {
        let account = &user.account;
        Self {
            subject: account.subject.clone(),
            profile_record: user.profile_record.clone(),
            two_factor_enabled: account.two_factor_enabled(),
            created_at: account.created_at,
            updated_at: account.updated_at,
        }
    }
}
