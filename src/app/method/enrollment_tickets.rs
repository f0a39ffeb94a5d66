//! Enrollment tickets: authorize one caller to enroll a method for a user, until the credential epoch changes.

use crate::{app::context::RequestContext, ports::KeyService};
use countersign_domain::{
    authorization::{
        proof::Proof,
        rejection::AuthorizationRejection,
        ticket::{EnrollmentTicket, TicketSubject},
    },
    value::{epoch::Epoch, time::Timestamp},
};
use std::sync::Arc;

/// How many changes of the credential epoch ago a ticket is recognized. Few can happen within its ten minutes.
const RECOGNIZED_EPOCHS: i64 = 8;

#[derive(Clone)]
pub(crate) struct EnrollmentTickets {
    keys: Arc<dyn KeyService>,
}

impl EnrollmentTickets {
    pub(crate) fn new(keys: Arc<dyn KeyService>) -> Self {
        Self { keys }
    }

    /// What a submitted ticket proves. A ticket of an earlier epoch is recognized as this caller's and user's.
    pub(crate) fn proof(&self, context: &RequestContext, given: &EnrollmentTicket) -> Proof {
        if given.is(&self.ticket(context, given.expires_at())) {
            return Proof::Ticket(given.clone());
        }
        let epochs = context.user.account.epoch.earlier(RECOGNIZED_EPOCHS);
        let mut earlier = epochs.map(|epoch| self.ticket_of(context, epoch, given.expires_at()));
        Proof::EndedTicket(if earlier.any(|ticket| given.is(&ticket)) {
            AuthorizationRejection::AccountChanged
        } else {
            AuthorizationRejection::Unknown
        })
    }

    /// Derives the ticket of the context's user and caller. The same inputs always give the same ticket.
    pub(crate) fn ticket(
        &self,
        context: &RequestContext,
        expires_at: Timestamp,
    ) -> EnrollmentTicket {
        self.ticket_of(context, context.user.account.epoch, expires_at)
    }

    fn ticket_of(
        &self,
        context: &RequestContext,
        epoch: Epoch,
        expires_at: Timestamp,
    ) -> EnrollmentTicket {
        let of = TicketSubject {
            subject: &context.user.account.subject,
            caller: &context.call.caller.name,
            epoch,
            expires_at,
        };
        of.issue(|fields| self.keys.request_tag(fields))
    }
}
