//! The request of `BeginReset`.

use crate::app::{ClientContext, RequestIdentity};
use countersign_domain::{
    authorization::caller::Caller,
    value::{
        destination::Email,
        id::{TenantId, UserId},
    },
};
use std::sync::Arc;

/// A reset request for a user who can't sign in.
pub struct ResetRequest {
    /// The service that calls.
    pub caller: Arc<Caller>,
    /// The tenant of the user.
    pub tenant: TenantId,
    /// The user id, or the e-mail address of the account.
    pub whose: Result<UserId, Email>,
    /// Whether the caller states that the password can't be reset by a mail to the same address.
    pub independent: bool,
    /// Identifies repeats of the call; `None` without a request id.
    pub request_identity: Option<RequestIdentity>,
    /// The client of the person who asks.
    pub context: ClientContext,
}
