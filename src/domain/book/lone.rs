//! Guesses at what no challenge asks, such as the account password: charged to the user like any other.

use crate::{
    book::{Book, LoneCharge, LoneGuess, requests::Seen},
    id::{ChallengeId, GuessId},
    request::RequestMark,
};

impl Book {
    /// Charges a guess before it is judged: raises the windows to the durable record first, because no challenge was
    /// opened that did. Charging what is charged already changes nothing.
    pub fn charge_guess(&mut self, lone: &LoneGuess) -> LoneCharge {
        self.forget(lone.now);
        let mark = lone.mark();
        if matches!(self.requests.seen(mark), Seen::WithAnotherPayload) {
            return LoneCharge::RequestIdReused;
        }
        self.guesses.raise(&lone.failures);
        if let Some(at) = self.guesses.charged_at(lone.challenge, lone.guess) {
            return LoneCharge::Known(at);
        }
        if let Some(until) = self.guesses.full_until(lone.class, &lone.windows, lone.now) {
            return LoneCharge::Full(until);
        }
        self.guesses
            .charge(lone.class, (lone.challenge, lone.guess), lone.now);
        self.requests.remember(mark, lone.challenge, lone.now);
        LoneCharge::New
    }

    /// Gives a guess back: it was right, or nobody looked at it.
    pub fn refund_guess(&mut self, challenge: ChallengeId, guess: GuessId) {
        self.guesses.refund(challenge, guess);
    }
}

impl LoneGuess {
    /// Of the call, where it has a request id: the guess is named after it.
    fn mark(&self) -> Option<RequestMark> {
        let tag = *self.guess.as_bytes();
        self.payload.map(|payload| RequestMark { tag, payload })
    }
}
