//! Enrollment tickets: a user's right to enroll by one caller, as long as the epoch stands.

use crate::{app::RequestContext, ports::Keys};
use countersign_domain::{
    ticket::{Ticket, TicketFor},
    time::Timestamp,
};
use std::sync::Arc;

/// Makes enrollment tickets.
#[derive(Clone)]
pub(super) struct EnrollmentTickets {
    keys: Arc<dyn Keys>,
}

impl EnrollmentTickets {
    pub(super) fn new(keys: Arc<dyn Keys>) -> Self {
        Self { keys }
    }

    /// The ticket of the context's user and caller: the same whenever it is made.
    pub(super) fn ticket(&self, context: &RequestContext, expires_at: Timestamp) -> Ticket {
        let account = &context.user.account;
        let of = TicketFor {
            subject: &account.subject,
            caller: &context.call.caller.name,
            epoch: account.epoch,
            expires_at,
        };
        of.made(|fields| self.keys.request_tag(fields))
    }
}
