//! Wrong attempts in the durable record. They fill rate-limit windows, and they identify repeated attempts.

use crate::{
    account::{
        Account,
        change::FailedAttempt,
        ended_approval::{ApprovalEnding, EndedApproval, MAX_ENDED_APPROVALS},
    },
    authorization::{caller::CallerName, rejection::AuthorizationRejection},
    challenge::{approval::Approval, totp::ClockSkew},
    limits::budget::AttemptClass,
    value::{
        id::{ApprovalId, AttemptId, ChallengeId},
        time::Timestamp,
    },
};
use std::time::Duration;

/// An attempt that was judged wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrongAttempt {
    /// The challenge.
    pub challenge: ChallengeId,
    /// The attempt.
    pub attempt: AttemptId,
    /// The budget that it is charged to; `None` after an administrator lifted the windows.
    pub class: Option<AttemptClass>,
    /// When it was judged.
    pub at: Timestamp,
    /// The clock skew that the code shows, if it is right for another time.
    pub skew: Option<ClockSkew>,
}

/// How long a wrong attempt counts in the windows of its class. No policy has longer windows.
const ATTEMPT_RETENTION: Duration = Duration::from_hours(24);

/// The retention of attempts with recovery codes, whose window is shorter, and of attempts in no window. Until then,
/// their challenge or a repeat of the call may need them.
const RECOVERY_ATTEMPT_RETENTION: Duration = Duration::from_hours(1);

/// The largest number of wrong attempts kept. The built-in windows admit 45 within the spans above. If administrators
/// lift the windows repeatedly, the oldest attempts are deleted first.
pub const MAX_WRONG_ATTEMPTS: usize = 48;

/// How long an approval is kept: the longest lifetime in [`crate::authorization`], and a margin for clock differences.
const APPROVAL_RETENTION: Duration = Duration::from_mins(16);

/// The largest number of approvals kept, the latest ones. Each took a second factor and is valid for minutes.
pub const MAX_APPROVALS: usize = 8;

impl Account {
    /// Deletes the attempts that no rule needs any more.
    pub(crate) fn forget_old_attempts(&mut self, now: Timestamp) {
        self.wrong_attempts.retain(|attempt| attempt.counts(now));
        let surplus = self.wrong_attempts.len().saturating_sub(MAX_WRONG_ATTEMPTS);
        self.wrong_attempts.drain(..surplus);
    }

    /// Adds an attempt that was judged wrong.
    pub(crate) fn keep_wrong_attempt(&mut self, attempt: WrongAttempt) {
        self.wrong_attempts.push(attempt);
        self.forget_old_attempts(attempt.at);
    }

    /// Ends approvals that are too old to authorize anything, or of another epoch.
    pub(crate) fn forget_old_approvals(&mut self, now: Timestamp) {
        let epoch = self.epoch;
        let ended = self.approvals.extract_if(.., |kept| {
            now.since(kept.at) > APPROVAL_RETENTION || kept.epoch != epoch
        });
        let ended: Vec<Approval> = ended.collect();
        for approval in &ended {
            let ending = if approval.epoch == epoch {
                ApprovalEnding::Expired
            } else {
                ApprovalEnding::AccountChanged
            };
            self.end_approval(approval, ending);
        }
        self.ended_approvals
            .retain(|ended| ended.is_remembered(now));
    }

    /// Remembers how an approval ended.
    pub(crate) fn end_approval(&mut self, approval: &Approval, ending: ApprovalEnding) {
        self.ended_approvals.push(EndedApproval {
            id: approval.id,
            caller: approval.caller.clone(),
            approved_at: approval.at,
            ending,
        });
        let surplus = self
            .ended_approvals
            .len()
            .saturating_sub(MAX_ENDED_APPROVALS);
        self.ended_approvals.drain(..surplus);
    }

    /// Why an approval that the account does not have authorizes nothing. Another caller's approval is unknown.
    #[must_use]
    pub fn rejection_of(
        &self,
        id: ApprovalId,
        caller: &CallerName,
        now: Timestamp,
    ) -> AuthorizationRejection {
        let mut ended = self.ended_approvals.iter();
        ended
            .find(|ended| ended.id == id && ended.caller == *caller && ended.is_remembered(now))
            .map_or(AuthorizationRejection::Unknown, EndedApproval::rejection)
    }

    /// Adds an approval, if its purpose may authorize anything.
    pub(crate) fn keep_approval(&mut self, approval: Approval) {
        self.forget_old_approvals(approval.at);
        if !approval.purpose.may_authorize() {
            return;
        }
        let surplus = (self.approvals.len() + 1).saturating_sub(MAX_APPROVALS);
        let displaced: Vec<Approval> = self.approvals.drain(..surplus).collect();
        for oldest in &displaced {
            self.end_approval(oldest, ApprovalEnding::Displaced);
        }
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

    /// The attempt as rate-limit windows count it; `None` after the windows were lifted.
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
