//! The outcome of an answer to a challenge.

/// The outcome of an answer. It is the same for every RPC that verifies a code.
pub enum AnswerOutcome<T> {
    /// Accepted, now or by an earlier call of which this is a repeat.
    Accepted(Box<T>),
    /// Rejected.
    Rejected(AnswerRejection),
}

/// Details of a rejected answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnswerRejection {
    /// Whether the challenge has ended.
    pub over: bool,
    /// Attempts that the challenge still allows.
    pub attempts_left: u8,
    /// Whether two consecutive, different codes were correct under the same clock error.
    pub clock_skew_suspected: bool,
}

impl AnswerRejection {
    pub(super) const OVER: Self = Self {
        over: true,
        attempts_left: 0,
        clock_skew_suspected: false,
    };
}
