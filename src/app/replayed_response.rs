//! What an answer shows once: a repeat of the call gets the same from its idempotency record.

use countersign_domain::method::MethodKind;
use serde::{Deserialize, Serialize};

/// Where a queued notice goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueuedNoticeSummary {
    /// `SMS` or `EMAIL`.
    pub channel: MethodKind,
    /// The destination, masked.
    pub masked_destination: String,
}

/// What an answer shows that can't be made a second time.
#[derive(Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ReplayedResponse {
    /// New recovery codes.
    pub(super) codes: Vec<String>,
    /// Who is told of the change, masked: as it was decided, not as the account stands at the repeat.
    pub(super) queued_notices: Vec<QueuedNoticeSummary>,
    /// Whether a sign-in waits for what was enrolled.
    pub(super) sign_in_waits: bool,
}

impl ReplayedResponse {
    /// Of a change that only tells people of itself.
    pub(super) fn with_queued_notices(queued_notices: Vec<QueuedNoticeSummary>) -> Self {
        Self {
            queued_notices,
            ..Self::default()
        }
    }
}
