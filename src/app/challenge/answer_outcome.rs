//! What became of an answer to a challenge.

/// What became of an answer: the same for every RPC that takes a code.
pub enum AnswerOutcome<T> {
    /// It was accepted, now or by this very call before.
    Accepted(Box<T>),
    /// It was not accepted.
    Rejected(AnswerRejection),
}

/// An answer that was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnswerRejection {
    /// Whether the challenge is over.
    pub over: bool,
    /// How many more codes it will look at.
    pub attempts_left: u8,
    /// Two different codes in a row came from the same wrong time.
    pub clock_skew_suspected: bool,
}

impl AnswerRejection {
    pub(super) const OVER: Self = Self {
        over: true,
        attempts_left: 0,
        clock_skew_suspected: false,
    };
}
