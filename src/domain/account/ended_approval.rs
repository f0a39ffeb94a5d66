//! Approvals that authorize nothing any more. The account remembers for an hour how they ended, for the caller who
//! obtained them.

use crate::{
    authorization::{caller::CallerName, rejection::AuthorizationRejection},
    value::{id::ApprovalId, time::Timestamp},
};
use std::time::Duration;

/// How long after its challenge an approval is remembered.
pub const ENDED_APPROVAL_RETENTION: Duration = Duration::from_hours(1);

/// The largest number of ended approvals that are remembered, the latest ones.
pub const MAX_ENDED_APPROVALS: usize = 8;

/// An approval that authorizes nothing any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedApproval {
    /// The approval.
    pub id: ApprovalId,
    /// The caller that it belonged to.
    pub caller: CallerName,
    /// When its challenge was passed.
    pub approved_at: Timestamp,
    /// How it ended.
    pub ending: ApprovalEnding,
}

/// How an approval ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApprovalEnding {
    /// A change used it up.
    Used,
    /// It became too old.
    Expired,
    /// A change of the account voided it.
    AccountChanged,
    /// Newer approvals took its place.
    Displaced,
}

impl EndedApproval {
    /// Why it authorizes nothing.
    #[must_use]
    pub const fn rejection(&self) -> AuthorizationRejection {
        match self.ending {
            ApprovalEnding::Used => AuthorizationRejection::Used,
            ApprovalEnding::Expired => AuthorizationRejection::Expired,
            ApprovalEnding::AccountChanged => AuthorizationRejection::AccountChanged,
            ApprovalEnding::Displaced => AuthorizationRejection::Displaced,
        }
    }

    /// Whether it is still remembered.
    #[must_use]
    pub fn is_remembered(&self, now: Timestamp) -> bool {
        now.since(self.approved_at) < ENDED_APPROVAL_RETENTION
    }
}
