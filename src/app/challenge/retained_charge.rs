//! What the message of an enrollment is charged, kept while its call is decided again: one message is charged once.

use crate::app::{
    Error,
    challenge::send_budgets::{ReservedBudgets, SendBudgets},
    context::{CallContext, RequestContext},
    dependencies::MethodDependencies,
};
use countersign_domain::{challenge::Challenge, value::destination::Destination};
use std::sync::{Mutex, PoisonError};

/// The charge of an attempt that met another change, for the next one.
#[derive(Default)]
pub(crate) struct RetainedCharge(Mutex<Option<MessageCharge>>);

struct MessageCharge {
    destination: Option<Destination>,
    reserved: ReservedBudgets,
}

impl RetainedCharge {
    /// Keeps the charge of a message that is not sent yet.
    pub(crate) fn keep(&self, challenge: &Challenge, reserved: ReservedBudgets) {
        let charge = MessageCharge {
            destination: challenge.expected_answer.destination().cloned(),
            reserved,
        };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(charge);
    }

    /// The kept charge, if it is for the same destination; otherwise a new one, and the kept one is given back.
    pub(crate) async fn take_or_charge(
        &self,
        deps: &MethodDependencies,
        context: &RequestContext,
        challenge: &Challenge,
    ) -> Result<ReservedBudgets, Error> {
        if let Some(kept) = self.take() {
            if kept.destination.as_ref() == challenge.expected_answer.destination() {
                return Ok(kept.reserved);
            }
            give_back(&deps.send_budgets, &context.call, &kept).await;
        }
        charge_message(deps, context, challenge).await
    }

    /// Gives back what no attempt has used.
    pub(crate) async fn give_back(&self, budgets: &SendBudgets, call: &CallContext) {
        if let Some(kept) = self.take() {
            give_back(budgets, call, &kept).await;
        }
    }

    fn take(&self) -> Option<MessageCharge> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// With a request id, a repeat beside this call may rely on the charge already.
async fn give_back(budgets: &SendBudgets, call: &CallContext, charge: &MessageCharge) {
    if call.idempotency.is_none() {
        budgets.give_back(&charge.reserved).await;
    }
}

/// Charges the message to the budgets that span users, where one is sent.
pub(crate) async fn charge_message(
    deps: &MethodDependencies,
    context: &RequestContext,
    challenge: &Challenge,
) -> Result<ReservedBudgets, Error> {
    let send = deps
        .send_budgets
        .send_charge(&challenge.expected_answer, false);
    let idempotency_key = context.call.idempotency;
    deps.send_budgets
        .reserve(challenge, send, idempotency_key, context.now)
        .await
}
