//! Why a proof does not authorize a change. Only the caller who obtained the proof for the user learns the cause; to
//! everybody else, the proof is unknown.

/// Why a proof does not authorize a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum AuthorizationRejection {
    /// No such proof is on record, or it belongs to another caller, tenant or user.
    #[error("this caller has no such proof for this user: obtain a new one")]
    Unknown,
    /// An earlier change used it up.
    #[error("it is used: each proof authorizes one change, so obtain a new one")]
    Used,
    /// It is too old.
    #[error("it has expired: obtain a new one, and send it sooner")]
    Expired,
    /// It was obtained for something else.
    #[error("it was obtained for another action: obtain one for this action")]
    OtherAction,
    /// A change of the account voided it.
    #[error("the account changed after it was obtained, which voids it: obtain a new one")]
    AccountChanged,
    /// Newer approvals took its place.
    #[error("the user has too many approvals at once, and it was the oldest: obtain a new one")]
    Displaced,
    /// An attestation lies in the future.
    #[error("authenticated_time is more than 30 seconds ahead: correct the caller's clock")]
    FromTheFuture,
}

impl AuthorizationRejection {
    /// All causes.
    pub const ALL: [Self; 7] = [
        Self::Unknown,
        Self::Used,
        Self::Expired,
        Self::OtherAction,
        Self::AccountChanged,
        Self::Displaced,
        Self::FromTheFuture,
    ];

    /// The name in the metadata of an error.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "UNKNOWN",
            Self::Used => "USED",
            Self::Expired => "EXPIRED",
            Self::OtherAction => "OTHER_ACTION",
            Self::AccountChanged => "ACCOUNT_CHANGED",
            Self::Displaced => "DISPLACED",
            Self::FromTheFuture => "FROM_THE_FUTURE",
        }
    }
}
