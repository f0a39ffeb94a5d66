//! What a message costs over all users, charged before anything else and before it is sent.
//!
//! What was charged is given back only where it is certain that nothing is sent: another budget was full, or the
//! challenge was not opened. A message that was handed to a notifier stays charged, whatever became of it.

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

/// What a call has charged, and may give back.
#[derive(Default)]
pub(crate) struct ReservedBudgets {
    charged: Vec<BudgetBucket>,
    /// The wait over all users, where there is one.
    wait: Option<BudgetTag>,
}

/// Charges what messages cost.
pub(crate) struct SendBudgets {
    pub(crate) budgets: Arc<dyn BudgetStore>,
    pub(crate) keys: Arc<dyn KeyService>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) policies: Arc<PolicyResolver>,
    pub(crate) randomness: Randomness,
}

impl SendBudgets {
    /// What a message costs its user, where one is sent. An address that nobody confirmed yet has the smaller budget, so
    /// that nobody floods or mutes a stranger's.
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

    /// Charges the budgets that span users. What comes back is this call's to give back.
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

    /// Gives back what was charged for a message that is known not to be sent.
    pub(crate) async fn give_back(&self, reserved: &ReservedBudgets) {
        if let Err(unavailable) = self.budgets.refund(&reserved.charged).await {
            tracing::warn!(%unavailable, "a message was not sent, but stays charged to its destination");
        }
    }

    /// A message has failed: it stays charged, but nobody waits because of it.
    pub(crate) async fn end_wait(&self, reserved: &ReservedBudgets) {
        let waits = reserved
            .charged
            .iter()
            .filter(|bucket| Some(bucket.of) == reserved.wait);
        let waits: Vec<BudgetBucket> = waits.copied().collect();
        if let Err(unavailable) = self.budgets.end_wait(&waits, self.clock.now()).await {
            tracing::warn!(%unavailable, "a message failed, but the next one to its destination has to wait");
        }
    }

    /// How many messages a destination gets that nobody confirmed, and when; over all users and tenants.
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

    /// How many messages a tenant may have sent: text messages to a country and in all, e-mails to addresses that nobody
    /// confirmed. An e-mail costs nothing by the piece, but a flood of them has the sender taken for one of spam.
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
        "a tenant's budget of messages is used up"
    );
}
