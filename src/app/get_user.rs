//! `GetUser`: what is on file.

use crate::app::{App, Call, Error};
use countersign_domain::{account::Account, id::Subject, profile::OnFile, time::Timestamp};

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

impl App {
    /// What is on file of a user.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn get_user(&self, call: Call) -> Result<UserView, Error> {
        self.gate.pass()?;
        let account = self.account(&call).await?;
        self.user_view(&account)
    }

    pub(super) fn user_view(&self, account: &Account) -> Result<UserView, Error> {
        Ok(UserView {
            subject: account.subject.clone(),
            on_file: self.on_file(account)?,
            two_factor_enabled: account.two_factor_enabled(),
            created_at: account.created_at,
            updated_at: account.updated_at,
        })
    }
}
