//! One-time parts of a response. A repeat of the call receives them again from the idempotency record.

use countersign_domain::method::MethodKind;
use serde::{Deserialize, Serialize};

/// The destination of a queued notice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueuedNoticeSummary {
    /// `SMS` or `EMAIL`.
    pub channel: MethodKind,
    /// The destination, masked.
    pub masked_destination: String,
}

/// The parts of a response that can't be computed a second time.
#[derive(Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ReplayedResponse {
    /// New recovery codes.
    pub(super) codes: Vec<String>,
    /// Destinations that receive a notice of the change, as of the first call.
    pub(super) queued_notices: Vec<QueuedNoticeSummary>,
    /// Whether a sign-in's ticket authorized the enrollment, so that the sign-in has to start again.
    pub(super) sign_in_waits: bool,
}

impl ReplayedResponse {
    /// The response of a change that has no one-time parts except its notices.
    pub(super) fn with_queued_notices(queued_notices: Vec<QueuedNoticeSummary>) -> Self {
        Self {
            queued_notices,
            ..Self::default()
        }
    }
}
