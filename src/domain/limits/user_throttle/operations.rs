//! What is asked of a book, and what it answers.

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
    /// Its id.
    pub id: ChallengeId,
    /// Whose it is.
    pub caller: CallerName,
    /// Hash of the token that the client proved itself with, where it is a known device.
    pub device: Option<DeviceTokenHash>,
    /// The challenge itself.
    pub sealed: SealedBytes,
    /// When it is opened.
    pub now: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// How many wrong codes it bears.
    pub attempts: u8,
    /// The budgets of its guesses.
    pub wrong_codes: AttemptBudgets,
    /// What the durable record knows of wrong guesses; the windows are raised to it.
    pub failures: Vec<FailedAttempt>,
    /// The message that it sends, if any.
    pub send: Option<SendCharge>,
    /// An open challenge that dies; its attempts and sends are carried over.
    pub replaced_challenge_id: Option<ChallengeId>,
    /// Whether it confirms a new method: there is one such at a time.
    pub enrollment: bool,
    /// How many challenges may be open at once.
    pub max_open: u32,
    /// Of the call, where it has a request id.
    pub idempotency_key: Option<IdempotencyKey>,
}

/// A destination as budgets know it: 128 bits of a MAC.
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

/// What a message costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SendCharge {
    /// To where.
    pub destination: DestinationTag,
    /// How many to there.
    pub windows: RateLimitWindows,
    /// The waits after the first, second, third message; the last repeats.
    pub waits: [Duration; 3],
    /// How many for one challenge.
    pub per_challenge: u32,
}

/// A challenge that had to go for another, and whose it was.
pub type SupersededChallenge = (ChallengeId, CallerName);

/// What opening came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OpeningResult {
    /// It is open. These had to go for it.
    Fresh(ChallengeSnapshot, Vec<SupersededChallenge>),
    /// This very call opened it before, and these had to go for it.
    Repeated(ChallengeSnapshot, Vec<SupersededChallenge>),
    /// This very call opened one before, which is over.
    Over,
    /// The request id was used with another payload.
    RequestIdReused,
    /// The next message has to wait until then.
    SendsFull(Timestamp),
    /// The challenge that was to die is not open.
    NotOpen,
}

/// An open challenge as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChallengeSnapshot {
    /// Its id.
    pub id: ChallengeId,
    /// The challenge itself.
    pub sealed: SealedBytes,
    /// How many more wrong codes it bears.
    pub attempts_left: u8,
    /// How many messages it sent, those of the challenges before it included.
    pub sends: u32,
    /// How many it may still send.
    pub sends_left: u32,
    /// When the next one can go; nothing if none can.
    pub next_send_at: Option<Timestamp>,
    /// What became of the last message; nothing while it is on its way, or where none is sent.
    pub delivery: Option<DeliveryStatus>,
    /// When the last message was begun.
    pub sent_at: Timestamp,
}

/// A guess that is about to be judged.
#[derive(Debug, Clone)]
pub struct AttemptRequest {
    /// At which challenge.
    pub challenge: ChallengeId,
    /// Who asks.
    pub caller: CallerName,
    /// Its id.
    pub attempt_id: AttemptId,
    /// The payload's digest, where the call has a request id.
    pub payload: Option<[u8; 16]>,
    /// Whether a recovery code is guessed.
    pub recovery: bool,
    /// Hash of the token that the client shows.
    pub device: Option<DeviceTokenHash>,
    /// When.
    pub now: Timestamp,
}

/// What charging a guess came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttemptChargeResult {
    /// It is charged: judge it.
    Charged(AttemptCharge),
    /// The challenge is over, or not this caller's.
    Over,
    /// A budget is used up until then: do not look at the code.
    Full(Timestamp),
    /// The request id was used with another payload.
    RequestIdReused,
}

/// A guess that is charged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptCharge {
    /// The challenge itself.
    pub sealed: SealedBytes,
    /// To which budget.
    pub class: AttemptClass,
    /// As of when to judge: the instant of the first call, for a repeat.
    pub at: Timestamp,
    /// How many more attempts fit after this one: into the challenge, and into the user's rate limit.
    pub attempts_left: u8,
    /// How many guesses of its own the challenge bears: those that it carried over are another's on record.
    pub attempts_allowed: u8,
}

impl AttemptRequest {
    /// Of the call, where it has a request id: the guess is named after it.
    pub(super) fn idempotency_key(&self) -> Option<IdempotencyKey> {
        let tag = *self.attempt_id.as_bytes();
        self.payload.map(|payload| IdempotencyKey {
            key_digest: tag,
            request_fingerprint: payload,
        })
    }
}

/// A guess at what no challenge asks, about to be judged.
#[derive(Debug, Clone)]
pub struct StandaloneAttempt {
    /// Stands for the challenge: the same for a repeat of the call, and for nothing else.
    pub challenge: ChallengeId,
    /// Its id.
    pub attempt_id: AttemptId,
    /// The payload's digest, where the call has a request id.
    pub payload: Option<[u8; 16]>,
    /// To which budget.
    pub class: AttemptClass,
    /// The bounds of that budget.
    pub windows: RateLimitWindows,
    /// What the durable record knows of wrong guesses; the windows are raised to it.
    pub failures: Vec<FailedAttempt>,
    /// When.
    pub now: Timestamp,
}

/// What charging a guess came to that answers no challenge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StandaloneChargeResult {
    /// It is charged now: judge it.
    New,
    /// The call that this one repeats was charged for it: judge it as of then.
    Known(Timestamp),
    /// A budget is used up until then: do not look at the guess.
    Full(Timestamp),
    /// The request id was used with another payload.
    RequestIdReused,
}

/// A call for the same code again.
#[derive(Debug, Clone)]
pub struct ResendRequest {
    /// Of which challenge.
    pub challenge: ChallengeId,
    /// Who asks.
    pub caller: CallerName,
    /// Of the call, where it has a request id.
    pub idempotency_key: Option<IdempotencyKey>,
    /// When.
    pub now: Timestamp,
}

/// What a call for the same code came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResendResult {
    /// It is charged: send it.
    Send(ChallengeSnapshot),
    /// This very call sent it before.
    Repeated(ChallengeSnapshot),
    /// The request id was used with another payload.
    RequestIdReused,
    /// The next message has to wait until then.
    Full(Timestamp),
    /// Nothing is sent for this challenge.
    NothingToSend,
    /// The challenge is over, or not this caller's.
    NotOpen,
}
