//! Wrong attempts as the durable record keeps them: what fills the rate-limit windows, and what makes a repeated
//! attempt harmless.

use crate::{
    account::{Account, change::FailedAttempt},
    challenge::{approval::Approval, totp::ClockSkew},
    limits::budget::AttemptClass,
    value::{
        id::{AttemptId, ChallengeId},
        time::Timestamp,
    },
};
use std::time::Duration;

/// An attempt that was judged wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrongAttempt {
    /// At which challenge.
    pub challenge: ChallengeId,
    /// Which attempt.
    pub attempt: AttemptId,
    /// Which budget it is charged to; none once an administrator lifted the windows.
    pub class: Option<AttemptClass>,
    /// When it was judged.
    pub at: Timestamp,
    /// Where the code belongs, if it is of another time.
    pub skew: Option<ClockSkew>,
}

/// How long a wrong attempt fills the window of its class. Longer windows have no source in the policy.
const ATTEMPT_RETENTION: Duration = Duration::from_hours(24);

/// The same for attempts at recovery codes, whose window is shorter, and for those that fill no window any more: as
/// long as their challenge, or a repeat of their call, may still ask for them.
const RECOVERY_ATTEMPT_RETENTION: Duration = Duration::from_hours(1);

/// How many wrong attempts are kept at most. The built-in windows admit 45 within the spans above; administrators who lift
/// them again and again let the oldest go first.
pub const MAX_WRONG_ATTEMPTS: usize = 48;

/// How long an approval may authorize something: the longest life of [`crate::authorization`], and room for clocks.
const APPROVAL_RETENTION: Duration = Duration::from_mins(11);

/// How many approvals are kept at most; of more, the latest. Each took a second factor, and lives for minutes.
pub const MAX_APPROVALS: usize = 8;

impl Account {
    /// Drops the attempts that no rule asks for any more.
    pub(crate) fn forget_old_attempts(&mut self, now: Timestamp) {
        self.wrong_attempts.retain(|attempt| attempt.counts(now));
        let surplus = self.wrong_attempts.len().saturating_sub(MAX_WRONG_ATTEMPTS);
        self.wrong_attempts.drain(..surplus);
    }

    /// Keeps an attempt that was judged wrong.
    pub(crate) fn keep_wrong_attempt(&mut self, attempt: WrongAttempt) {
        self.wrong_attempts.push(attempt);
        self.forget_old_attempts(attempt.at);
    }

    /// Drops the approvals that are too old to authorize anything, or were given in another epoch.
    pub(crate) fn forget_old_approvals(&mut self, now: Timestamp) {
        let epoch = self.epoch;
        self.approvals
            .retain(|kept| now.since(kept.at) <= APPROVAL_RETENTION && kept.epoch == epoch);
    }

    /// Keeps an approval, if there is anything that it may authorize.
    pub(crate) fn keep_approval(&mut self, approval: Approval) {
        self.forget_old_approvals(approval.at);
        if !approval.purpose.may_authorize() {
            return;
        }
        let surplus = (self.approvals.len() + 1).saturating_sub(MAX_APPROVALS);
        self.approvals.drain(..surplus);
        self.approvals.push(approval);
    }
}

impl WrongAttempt {
    fn counts(&self, now: Timestamp) -> bool {
        let long = match self.class {
            Some(AttemptClass::Unknown | AttemptClass::Known) => ATTEMPT_RETENTION,
            Some(AttemptClass::Recovery) | None => RECOVERY_ATTEMPT_RETENTION,
        };
        now.since(self.at) < long
    }

    /// The attempt as rate-limit windows count it; nothing once they were lifted.
    #[must_use]
    pub fn failure(&self) -> Option<FailedAttempt> {
        Some(FailedAttempt {
            challenge: self.challenge,
            attempt_id: self.attempt,
            class: self.class?,
            at: self.at,
        })
    }
}

#[cfg(test)]
mod tests;
