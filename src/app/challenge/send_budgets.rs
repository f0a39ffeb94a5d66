//! The budgets of messages that span users. They are charged first, before the challenge is opened and its message
//! sent.
//!
//! A charge is refunded only if the message is certainly not sent: another budget is full, or the challenge was not
//! opened. A message that was handed to a notifier stays charged, whatever the result.

use crate::{
    app::{
        Error, context::CallContext, policy::policy_resolver::PolicyResolver,
        randomness::Randomness,
    },
    ports::{BudgetBucket, BudgetStore, ExhaustedBudget, KeyService},
};
use countersign_domain::{
    challenge::Challenge,
    limits::{
        budget::{BudgetOwner, BudgetTag, RateLimitWindows},
        user_throttle::{DestinationTag, SendCharge},
    },
    value::{
        destination::Destination, id::Subject, idempotency_key::IdempotencyKey, time::Timestamp,
    },
};
use countersign_transport::system::Clock;
use std::{iter, sync::Arc};

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
    pub(crate) fn send_charge(&self, challenge: &Challenge) -> Option<SendCharge> {
        let destination = challenge.expected_answer.destination()?;
        let confirmed = !challenge.purpose.confirms_destination();
        let known_device = confirmed && challenge.device.is_some();
        let sends = &self.policies.built_in().sends;
        Some(SendCharge {
            destination: self.destination_tag(destination),
            windows: sends.to_destination(confirmed, known_device),
            waits: sends.waits,
            per_challenge: sends.per_challenge,
            known_device,
            approved: sends.approved,
        })
    }

    /// The id of a charge: equal for a call and its repeats.
    pub(crate) fn charge_id(&self, idempotency_key: Option<IdempotencyKey>) -> [u8; 16] {
        idempotency_key.map_or_else(
            || self.randomness.bytes(),
            |idempotency_key| idempotency_key.key_digest,
        )
    }

    pub(crate) fn destination_tag(&self, destination: &Destination) -> DestinationTag {
        self.keys.destination_tag(&destination.bucket())
    }

    /// Charges the budgets that span users. Returns the charges that this call may refund.
    pub(crate) async fn reserve(
        &self,
        challenge: &Challenge,
        send: Option<SendCharge>,
        charge: [u8; 16],
        now: Timestamp,
    ) -> Result<ReservedBudgets, Error> {
        let (Some(send), Some(destination)) = (send, challenge.expected_answer.destination())
        else {
            return Ok(ReservedBudgets::default());
        };
        let bucket = |owner: BudgetOwner| {
            move |(of, windows)| BudgetBucket {
                owner,
                of,
                windows,
                charge,
            }
        };
        let unconfirmed = challenge.purpose.confirms_destination();
        let of_unconfirmed = unconfirmed.then(|| self.of_unconfirmed(destination, send));
        let of_tenant = self.of_tenant(challenge, destination);
        let tenant = self.keys.budget_owner(&challenge.subject.tenant);
        let of_destination = iter::once(self.per_destination(destination));
        let buckets: Vec<BudgetBucket> = of_destination
            .chain(of_unconfirmed.into_iter().flatten())
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
            wait: of_unconfirmed.map(|[_, (wait, _)]| wait),
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

    /// Refunds the first message of a passed challenge to its destination's budget, and ends its wait over all users. The
    /// charges to the tenant and the country stay, like those of other messages.
    pub(crate) async fn release_approved(&self, challenge: &Challenge) {
        let Some(destination) = challenge.expected_answer.destination() else {
            return;
        };
        let owner = BudgetOwner::from(self.destination_tag(destination));
        let bucket = |(of, windows)| BudgetBucket {
            owner,
            of,
            windows,
            charge: challenge.message_charge,
        };
        let refunded = [bucket(self.per_destination(destination))];
        if let Err(unavailable) = self.budgets.refund(&refunded).await {
            tracing::warn!(%unavailable, "message of a passed challenge not refunded");
        }
        if !challenge.purpose.confirms_destination() {
            return;
        }
        let ended = [bucket(self.wait_of_unconfirmed(destination))];
        if let Err(unavailable) = self.budgets.end_wait(&ended, self.clock.now()).await {
            tracing::warn!(%unavailable, "resend wait not ended after a passed challenge");
        }
    }

    /// Charges a lift of one user's message budgets. Returns when the next one fits, if none fits now.
    pub(crate) async fn charge_lift(
        &self,
        call: &CallContext,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, Error> {
        let Subject { tenant, user } = &call.subject;
        let tag = self
            .keys
            .budget_tag(&["lift", tenant.as_str(), user.as_str()]);
        let lift = BudgetBucket {
            owner: BudgetOwner(tag.0),
            of: tag,
            windows: self.policies.built_in().sends.lifts_per_user,
            charge: self.charge_id(call.idempotency),
        };
        let charged = self.budgets.charge(&[lift], now).await?;
        Ok(charged.err().map(|full| full.until))
    }

    /// The limit of a destination over all users and tenants, confirmed or not.
    fn per_destination(&self, destination: &Destination) -> (BudgetTag, RateLimitWindows) {
        let tag = self
            .keys
            .budget_tag(&["destination", &destination.bucket()]);
        (tag, self.policies.built_in().sends.per_destination)
    }

    fn wait_of_unconfirmed(&self, destination: &Destination) -> (BudgetTag, RateLimitWindows) {
        let wait = self.keys.budget_tag(&["wait", &destination.bucket()]);
        (wait, self.policies.built_in().sends.wait_of_unconfirmed())
    }

    /// The limits of an unconfirmed destination over all users and tenants: the number of messages and the resend wait.
    fn of_unconfirmed(
        &self,
        destination: &Destination,
        send: SendCharge,
    ) -> [(BudgetTag, RateLimitWindows); 2] {
        [
            (send.destination.into(), send.windows),
            self.wait_of_unconfirmed(destination),
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
