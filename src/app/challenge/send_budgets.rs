//! The budgets of messages that span users. They are charged first, before the challenge is opened and its message
//! sent.
//!
//! A charge is refunded only if the message is certainly not sent: another budget is full, or the challenge was not
//! opened. A message that was handed to a notifier stays charged, whatever the result.

use crate::{
    app::{Error, policy::policy_resolver::PolicyResolver, randomness::Randomness},
    ports::{BudgetBucket, BudgetStore, ExhaustedBudget, KeyService},
};
use countersign_domain::{
    challenge::{Challenge, ExpectedAnswer},
    limits::{
        budget::{BudgetOwner, BudgetTag, RateLimitWindows},
        user_throttle::SendCharge,
    },
    value::{destination::Destination, idempotency_key::IdempotencyKey, time::Timestamp},
};
use countersign_transport::system::Clock;
use std::sync::Arc;

/// The charges of one call, which it may refund.
#[derive(Default)]
pub(crate) struct ReservedBudgets {
    charged: Vec<BudgetBucket>,
    /// The tag of the resend wait over all users; `None` for a confirmed destination.
    wait: Option<BudgetTag>,
}

/// Charges the budgets of messages.
pub(crate) struct SendBudgets {
    pub(crate) budgets: Arc<dyn BudgetStore>,
    pub(crate) keys: Arc<dyn KeyService>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) policies: Arc<PolicyResolver>,
    pub(crate) randomness: Randomness,
}

impl SendBudgets {
    /// The charge of a message to its user's budget; `None` if no message is sent. An unconfirmed destination has the
    /// smaller budget, so nobody can flood or mute a stranger's address.
    pub(crate) fn send_charge(
        &self,
        expected_answer: &ExpectedAnswer,
        confirmed: bool,
    ) -> Option<SendCharge> {
        let destination = expected_answer.destination()?;
        let sends = &self.policies.built_in().sends;
        Some(SendCharge {
            destination: self.keys.destination_tag(&destination.bucket()),
            windows: sends.to_destination(confirmed),
            waits: sends.waits,
            per_challenge: sends.per_challenge,
        })
    }

    /// Charges the budgets that span users. Returns the charges that this call may refund.
    pub(crate) async fn reserve(
        &self,
        challenge: &Challenge,
        send: Option<SendCharge>,
        idempotency_key: Option<IdempotencyKey>,
        now: Timestamp,
    ) -> Result<ReservedBudgets, Error> {
        let (Some(send), Some(destination)) = (send, challenge.expected_answer.destination())
        else {
            return Ok(ReservedBudgets::default());
        };
        let charge = idempotency_key.map_or_else(
            || self.randomness.bytes(),
            |idempotency_key| idempotency_key.key_digest,
        );
        let bucket = |owner: BudgetOwner| {
            move |(of, windows)| BudgetBucket {
                owner,
                of,
                windows,
                charge,
            }
        };
        let unconfirmed = challenge.purpose.confirms_destination();
        let of_destination = unconfirmed.then(|| self.of_destination(destination, send));
        let of_tenant = self.of_tenant(challenge, destination);
        let tenant = self.keys.budget_owner(&challenge.subject.tenant);
        let buckets = of_destination.into_iter().flatten();
        let buckets: Vec<BudgetBucket> = buckets
            .map(bucket(send.destination.into()))
            .chain(of_tenant.iter().copied().map(bucket(tenant)))
            .collect();
        let charged = self.budgets.charge(&buckets, now).await?;
        let charged = charged.map_err(|full| {
            if of_tenant.iter().any(|(of, _)| *of == full.of) {
                warn_of(challenge, destination);
            }
            let ExhaustedBudget { until, .. } = full;
            Error::too_many_sends(until, now)
        })?;
        Ok(ReservedBudgets {
            charged,
            wait: of_destination.map(|[_, (wait, _)]| wait),
        })
    }

    /// Refunds the charges of a message that is known not to be sent.
    pub(crate) async fn give_back(&self, reserved: &ReservedBudgets) {
        if let Err(unavailable) = self.budgets.refund(&reserved.charged).await {
            tracing::warn!(%unavailable, "send budget not refunded; the unsent message stays charged");
        }
    }

    /// Ends the resend wait after a failed message. The message stays charged.
    pub(crate) async fn end_wait(&self, reserved: &ReservedBudgets) {
        let waits = reserved
            .charged
            .iter()
            .filter(|bucket| Some(bucket.of) == reserved.wait);
        let waits: Vec<BudgetBucket> = waits.copied().collect();
        if let Err(unavailable) = self.budgets.end_wait(&waits, self.clock.now()).await {
            tracing::warn!(%unavailable, "resend wait not ended after a failed message");
        }
    }

    /// The limits of an unconfirmed destination over all users and tenants: the number of messages and the resend wait.
    fn of_destination(
        &self,
        destination: &Destination,
        send: SendCharge,
    ) -> [(BudgetTag, RateLimitWindows); 2] {
        let wait = self.keys.budget_tag(&["wait", &destination.bucket()]);
        [
            (send.destination.into(), send.windows),
            (wait, self.policies.built_in().sends.wait_of_unconfirmed()),
        ]
    }

    /// The limits of a tenant: text messages to each country and in total, and e-mails to unconfirmed addresses. An
    /// e-mail has no unit price, but a flood of them marks the sender as spam.
    fn of_tenant(
        &self,
        challenge: &Challenge,
        destination: &Destination,
    ) -> Vec<(BudgetTag, RateLimitWindows)> {
        let Some(country) = destination.country() else {
            return self.of_emails(challenge).into_iter().collect();
        };
        let sends = &self.policies.built_in().sends;
        let confirmed = !challenge.purpose.confirms_destination();
        let state = if confirmed {
            "confirmed"
        } else {
            "unconfirmed"
        };
        let tenant = challenge.subject.tenant.as_str();
        let to_country = ["country", state, tenant, &country.to_string()];
        let keys = &self.keys;
        vec![
            (
                keys.budget_tag(&to_country),
                sends.per_country.of(confirmed),
            ),
            (
                keys.budget_tag(&["tenant", state, tenant]),
                sends.per_tenant.of(confirmed),
            ),
        ]
    }

    fn of_emails(&self, challenge: &Challenge) -> Option<(BudgetTag, RateLimitWindows)> {
        let tenant = challenge.subject.tenant.as_str();
        let tag = self.keys.budget_tag(&["emails", tenant]);
        let windows = self.policies.built_in().sends.unconfirmed_emails;
        let unconfirmed = challenge.purpose.confirms_destination();
        unconfirmed.then_some((tag, windows))
    }
}

fn warn_of(challenge: &Challenge, destination: &Destination) {
    tracing::warn!(
        tenant = challenge.subject.tenant.as_str(),
        channel = destination.channel().as_str(),
        country = destination.country().map(|country| country.to_string()),
        unconfirmed = challenge.purpose.confirms_destination(),
        "tenant send budget exhausted"
    );
}
