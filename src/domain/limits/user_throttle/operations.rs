//! Requests to, and results from, a user's throttle state.

use crate::{
    account::change::FailedAttempt,
    authorization::caller::CallerName,
    device::DeviceTokenHash,
    limits::budget::{AttemptClass, BudgetOwner, BudgetTag, RateLimitWindows},
    notice::message::DeliveryStatus,
    policy::AttemptBudgets,
    value::{
        id::{AttemptId, ChallengeId},
        idempotency_key::IdempotencyKey,
        secret::SealedBytes,
        time::Timestamp,
    },
};
use std::time::Duration;

/// How long a request id is remembered.
pub const REQUEST_ID_RETENTION: Duration = Duration::from_mins(10);

/// A challenge to open.
#[derive(Debug, Clone)]
pub struct ChallengeOpening {
    /// The id of the challenge.
    pub id: ChallengeId,
    /// The caller that opens the challenge. Only it can use the challenge.
    pub caller: CallerName,
    /// Hash of the client's device token, if the client is a known device.
    pub device: Option<DeviceTokenHash>,
    /// The sealed challenge.
    pub sealed: SealedBytes,
    /// The time of the call.
    pub now: Timestamp,
    /// When the challenge expires.
    pub expires_at: Timestamp,
    /// Wrong codes after which the challenge is over.
    pub attempts: u8,
    /// The budgets of its attempts.
    pub wrong_codes: AttemptBudgets,
    /// The failed attempts in the durable record. Those that are not charged yet are charged.
    pub failures: Vec<FailedAttempt>,
    /// The message that the challenge sends; `None` if it sends none.
    pub send: Option<SendCharge>,
    /// An open challenge to close. Its attempts and sends are carried over.
    pub replaced_challenge_id: Option<ChallengeId>,
    /// Whether the challenge confirms a new method. At most one such challenge is open.
    pub enrollment: bool,
    /// How many challenges of the user may be open at once.
    pub max_open: u32,
    /// The key of the call; `None` without a request id.
    pub idempotency_key: Option<IdempotencyKey>,
}

/// The pseudonym of a destination: 128 bits of a MAC. Budgets identify the destination by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DestinationTag(pub [u8; 16]);

impl From<DestinationTag> for BudgetTag {
    fn from(DestinationTag(tag): DestinationTag) -> Self {
        Self(tag)
    }
}

impl From<DestinationTag> for BudgetOwner {
    fn from(DestinationTag(tag): DestinationTag) -> Self {
        Self(tag)
    }
}

/// The budget that a message is charged to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SendCharge {
    /// The destination of the message.
    pub destination: DestinationTag,
    /// The windows of the destination.
    pub windows: RateLimitWindows,
    /// The waits after the first, second and third message. The last one repeats.
    pub waits: [Duration; 3],
    /// Messages allowed for one challenge.
    pub per_challenge: u32,
    /// Whether a known device requests it. Known devices together have windows and waits of their own (A61).
    pub known_device: bool,
    /// How many messages of passed challenges start no wait, for known devices and unknown clients together.
    pub approved: RateLimitWindows,
}

/// A challenge that was closed for another one, with its caller.
pub type SupersededChallenge = (ChallengeId, CallerName);

/// The result of opening a challenge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OpeningResult {
    /// The challenge is open. The listed challenges were closed for it.
    Fresh(ChallengeSnapshot, Vec<SupersededChallenge>),
    /// The call is a repeat. The first call opened this challenge and closed the listed ones.
    Repeated(ChallengeSnapshot, Vec<SupersededChallenge>),
    /// The call is a repeat, and the challenge of the first call is over.
    Over,
    /// The request id was used with another payload.
    RequestIdReused,
    /// No message fits before this instant.
    SendsFull(Timestamp),
    /// No code of this client would be judged before this instant, so none is sent.
    AttemptsFull(Timestamp),
    /// The challenge to replace is not open.
    NotOpen,
}

/// The current state of an open challenge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChallengeSnapshot {
    /// The id of the challenge.
    pub id: ChallengeId,
    /// The sealed challenge.
    pub sealed: SealedBytes,
    /// Wrong codes left before the challenge is over.
    pub attempts_left: u8,
    /// Messages sent, including those of replaced challenges.
    pub sends: u32,
    /// Messages left.
    pub sends_left: u32,
    /// When the next message fits; `None` if no message is left.
    pub next_send_at: Option<Timestamp>,
    /// The outcome of the last message; `None` while it is being delivered, or if no message is sent.
    pub delivery: Option<DeliveryStatus>,
    /// When the last message was charged; the time of opening if no message is sent.
    pub sent_at: Timestamp,
}

/// An attempt to charge, before it is judged.
#[derive(Debug, Clone)]
pub struct AttemptRequest {
    /// The challenge that the attempt answers.
    pub challenge: ChallengeId,
    /// The caller.
    pub caller: CallerName,
    /// The id of the attempt.
    pub attempt_id: AttemptId,
    /// The digest of the payload; `None` without a request id.
    pub payload: Option<[u8; 16]>,
    /// Whether a recovery code was submitted.
    pub recovery: bool,
    /// Hash of the device token that the client presents.
    pub device: Option<DeviceTokenHash>,
    /// The time of the call.
    pub now: Timestamp,
}

/// The result of charging an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttemptChargeResult {
    /// The attempt is charged and can be judged.
    Charged(AttemptCharge),
    /// The challenge is over, or it belongs to another caller.
    Over,
    /// A budget is used up until this instant. The code must not be judged.
    Full(Timestamp),
    /// The request id was used with another payload.
    RequestIdReused,
}

/// A charged attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptCharge {
    /// The sealed challenge.
    pub sealed: SealedBytes,
    /// The budget that the attempt is charged to.
    pub class: AttemptClass,
    /// The instant at which to judge the code: the time of the first call, for a repeat.
    pub at: Timestamp,
    /// How many more attempts fit after this one: into the challenge, and into the user's rate limit.
    pub attempts_left: u8,
    /// Attempts of the challenge without those carried over, which the record counts for the replaced challenge.
    pub attempts_allowed: u8,
}

impl AttemptRequest {
    /// The key of the call; `None` without a request id. The attempt id is derived from the request id.
    pub(super) fn idempotency_key(&self) -> Option<IdempotencyKey> {
        let tag = *self.attempt_id.as_bytes();
        self.payload.map(|payload| IdempotencyKey {
            key_digest: tag,
            request_fingerprint: payload,
        })
    }
}

/// An attempt that answers no challenge, such as an account password, before it is judged.
#[derive(Debug, Clone)]
pub struct StandaloneAttempt {
    /// Takes the place of a challenge id. It is equal for repeats of the call only.
    pub challenge: ChallengeId,
    /// The id of the attempt.
    pub attempt_id: AttemptId,
    /// The digest of the payload; `None` without a request id.
    pub payload: Option<[u8; 16]>,
    /// The budget that the attempt is charged to.
    pub class: AttemptClass,
    /// The windows of that budget.
    pub windows: RateLimitWindows,
    /// The failed attempts in the durable record. Those that are not charged yet are charged.
    pub failures: Vec<FailedAttempt>,
    /// The time of the call.
    pub now: Timestamp,
}

/// The result of charging an attempt that answers no challenge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StandaloneChargeResult {
    /// The attempt is charged and can be judged.
    New,
    /// The call is a repeat. Judge it as of this instant, when the first call was charged.
    Known(Timestamp),
    /// A budget is used up until this instant. The attempt must not be judged.
    Full(Timestamp),
    /// The request id was used with another payload.
    RequestIdReused,
}

/// A request to send the same code again.
#[derive(Debug, Clone)]
pub struct ResendRequest {
    /// The challenge.
    pub challenge: ChallengeId,
    /// The caller.
    pub caller: CallerName,
    /// The key of the call; `None` without a request id.
    pub idempotency_key: Option<IdempotencyKey>,
    /// The time of the call.
    pub now: Timestamp,
}

/// The result of a request to send a code again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResendResult {
    /// The message is charged and can be sent.
    Send(ChallengeSnapshot),
    /// The call is a repeat. The first call sent the message.
    Repeated(ChallengeSnapshot),
    /// The request id was used with another payload.
    RequestIdReused,
    /// No message fits before this instant.
    Full(Timestamp),
    /// No code of this client would be judged before this instant, so none is sent.
    AttemptsFull(Timestamp),
    /// The challenge sends no messages.
    NothingToSend,
    /// The challenge is over, or it belongs to another caller.
    NotOpen,
}
