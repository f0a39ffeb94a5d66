//! Keeps the charge of an enrollment's message while the call is decided again, so that one message is charged once.

use crate::app::{
    Error,
    challenge::send_budgets::{ReservedBudgets, SendBudgets},
    context::{CallContext, RequestContext},
    dependencies::MethodDependencies,
};
use countersign_domain::{challenge::Challenge, value::destination::Destination};
use std::sync::{Mutex, PoisonError};

/// The charge of a decision that ended in a write conflict, kept for the next decision.
#[derive(Default)]
pub(crate) struct RetainedCharge(Mutex<Option<MessageCharge>>);

struct MessageCharge {
    destination: Option<Destination>,
    reserved: ReservedBudgets,
}

impl RetainedCharge {
    /// Keeps the charge of a message that has not been sent.
    pub(crate) fn keep(&self, challenge: &Challenge, reserved: ReservedBudgets) {
        let charge = MessageCharge {
            destination: challenge.expected_answer.destination().cloned(),
            reserved,
        };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(charge);
    }

    /// Returns the kept charge if it is for the same destination. Otherwise refunds it and charges the message again.
    pub(crate) async fn take_or_charge(
        &self,
        deps: &MethodDependencies,
        context: &RequestContext,
        challenge: &Challenge,
    ) -> Result<ReservedBudgets, Error> {
        if let Some(retained) = self.take() {
            if retained.destination.as_ref() == challenge.expected_answer.destination() {
                return Ok(retained.reserved);
            }
            give_back(&deps.send_budgets, &context.call, &retained).await;
        }
        charge_message(deps, context, challenge).await
    }

    /// Refunds the kept charge if no decision used it.
    pub(crate) async fn give_back(&self, budgets: &SendBudgets, call: &CallContext) {
        if let Some(retained) = self.take() {
            give_back(budgets, call, &retained).await;
        }
    }

    fn take(&self) -> Option<MessageCharge> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Refunds a charge, except with a request id: a concurrent repeat may already rely on it.
async fn give_back(budgets: &SendBudgets, call: &CallContext, charge: &MessageCharge) {
    if call.idempotency.is_none() {
        budgets.give_back(&charge.reserved).await;
    }
}

/// Charges the message to the budgets that span users, if the challenge sends one.
pub(crate) async fn charge_message(
    deps: &MethodDependencies,
    context: &RequestContext,
    challenge: &Challenge,
) -> Result<ReservedBudgets, Error> {
    let send = deps.send_budgets.send_charge(challenge);
    deps.send_budgets
        .reserve(challenge, send, challenge.message_charge, context.now)
        .await
}
