//! The port to password services.

use async_trait::async_trait;
use countersign_domain::{authorization::password::Password, value::id::Subject};

/// Verifies account passwords with the configured password services.
#[async_trait]
pub trait PasswordChecker: Send + Sync {
    /// Verifies an account password. A repeat passes the same `key`. Always returns within its deadline.
    async fn verify(&self, subject: &Subject, password: &Password, key: &str) -> PasswordVerdict;
}

/// The result of a password verification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordVerdict {
    /// The password is correct.
    Matches,
    /// The password is wrong, or the account does not exist.
    DoesNotMatch,
    /// No service checked the password.
    NotLookedAt,
    /// No answer arrived; the service may have checked the password.
    Unanswered,
}
