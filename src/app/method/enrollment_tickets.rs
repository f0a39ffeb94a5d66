//! Enrollment tickets: authorize one caller to enroll a method for a user, until the credential epoch changes.

use crate::{app::context::RequestContext, ports::KeyService};
use countersign_domain::{
    authorization::ticket::{EnrollmentTicket, TicketSubject},
    value::time::Timestamp,
};
use std::sync::Arc;

#[derive(Clone)]
pub(crate) struct EnrollmentTickets {
    keys: Arc<dyn KeyService>,
}

impl EnrollmentTickets {
    pub(crate) fn new(keys: Arc<dyn KeyService>) -> Self {
        Self { keys }
    }

    /// Derives the ticket of the context's user and caller. The same inputs always give the same ticket.
    pub(crate) fn ticket(
        &self,
        context: &RequestContext,
        expires_at: Timestamp,
    ) -> EnrollmentTicket {
        let account = &context.user.account;
        let of = TicketSubject {
            subject: &account.subject,
            caller: &context.call.caller.name,
            epoch: account.epoch,
            expires_at,
        };
        of.issue(|fields| self.keys.request_tag(fields))
    }
}
