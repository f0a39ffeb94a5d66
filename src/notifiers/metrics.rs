//! Metrics for Prometheus. Labels contain nothing about a message's recipient or text.

mod endpoint;

pub use endpoint::serve;

use crate::{
    outcome::{SendOutcome, reason_name},
    parsed_message::RetrySafety,
};
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};
use std::time::Duration;

/// The upper bounds of the histogram's buckets, in seconds.
const BUCKETS: [f64; 10] = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// The metrics of a notifier.
pub struct NotifierMetrics {
    registry: Registry,
    messages: Family<DeliveryLabels, Counter>,
    repeats: Counter,
    turned_away: Counter,
    idempotency_store_failures: Counter,
    in_flight: Gauge,
    seconds: Histogram,
}

/// The labels of a sent message.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DeliveryLabels {
    kind: &'static str,
    outcome: &'static str,
    reason: &'static str,
}

/// Counts a message as in flight until it is dropped.
pub(super) struct InFlightGauge(Gauge);

impl Default for NotifierMetrics {
    fn default() -> Self {
        let metrics = Self {
            registry: Registry::with_prefix("countersign_notifier"),
            messages: Family::default(),
            repeats: Counter::default(),
            turned_away: Counter::default(),
            idempotency_store_failures: Counter::default(),
            in_flight: Gauge::default(),
            seconds: Histogram::new(BUCKETS),
        };
        metrics.registered()
    }
}

impl NotifierMetrics {
    fn registered(mut self) -> Self {
        let registry = &mut self.registry;
        let messages = "Messages that were handed on, by what became of them";
        registry.register("messages", messages, self.messages.clone());
        let repeats = "Calls that were answered from the idempotency store";
        registry.register("repeats", repeats, self.repeats.clone());
        let turned_away = "Calls that found no place among the messages on their way";
        registry.register("turned_away", turned_away, self.turned_away.clone());
        let failures = "Times the idempotency store could not be read or written";
        registry.register(
            "idempotency_store_failures",
            failures,
            self.idempotency_store_failures.clone(),
        );
        let in_flight = "Messages on their way";
        registry.register("in_flight", in_flight, self.in_flight.clone());
        let seconds = "How long the provider took for a message";
        registry.register("send_duration_seconds", seconds, self.seconds.clone());
        self
    }

    /// All metrics in the `OpenMetrics` text format.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        let _infallible = encode(&mut text, &self.registry);
        text
    }

    pub(super) fn in_flight(&self) -> InFlightGauge {
        self.in_flight.inc();
        InFlightGauge(self.in_flight.clone())
    }

    pub(super) fn sent(&self, kind: RetrySafety, sent: &SendOutcome, took: Duration) {
        let (outcome, reason) = match sent {
            SendOutcome::Taken { .. } => ("taken", ""),
            SendOutcome::Refused(reason) => ("refused", reason_name(*reason)),
            SendOutcome::Failed(failure) => ("failed", failure.as_str()),
            SendOutcome::InDoubt(failure) => ("in_doubt", failure.as_str()),
        };
        let kind = match kind {
            RetrySafety::Code => "code",
            RetrySafety::Notice => "notice",
        };
        let labels = DeliveryLabels {
            kind,
            outcome,
            reason,
        };
        self.messages.get_or_create(&labels).inc();
        self.seconds.observe(took.as_secs_f64());
    }

    pub(super) fn repeated(&self) {
        self.repeats.inc();
    }

    pub(super) fn deny(&self) {
        self.turned_away.inc();
    }

    pub(super) fn idempotency_store_failed(&self) {
        self.idempotency_store_failures.inc();
    }
}

impl Drop for InFlightGauge {
    fn drop(&mut self) {
        self.0.dec();
    }
}
