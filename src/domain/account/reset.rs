//! Resets requested without a sign-in: whether an account may be reset, and the decision on a request.

use crate::{
    account::Account,
    method::MethodKind,
    policy::PolicyRules,
    recovery::reset::{CANCELED_RESET_COOLDOWN, Reset, ResetDecision},
    value::time::Timestamp,
};

impl Account {
    /// Decides on a request for a reset. `independent` is the caller's statement that no mail to the user's address can
    /// reset the password.
    #[must_use]
    pub fn decide_reset(
        &self,
        rules: &PolicyRules,
        independent: bool,
        now: Timestamp,
    ) -> ResetDecision {
        let beside = independent || rules.reset_beside_mailed_password;
        if !beside || !self.may_be_reset(rules) || !self.email_is_older_than_hold(rules, now) {
            return ResetDecision::Nothing;
        }
        match &self.reset {
            Some(reset) if reset.is_due(self.epoch, rules, now) => {
                ResetDecision::Confirm(reset.clone())
            }
            Some(reset) if reset.is_open(now) => ResetDecision::Nothing,
            Some(reset) if was_canceled_recently(reset, now) => ResetDecision::Nothing,
            Some(_) | None => ResetDecision::Begin(now.plus(rules.reset_hold)),
        }
    }

    /// Whether a reset by e-mail proves anything: two-factor is on, the address is verified, and no method uses e-mail.
    /// A reset does not end a pending administrator review.
    #[must_use]
    pub fn may_be_reset(&self, rules: &PolicyRules) -> bool {
        let by_mail = self
            .methods
            .iter()
            .any(|method| method.kind == MethodKind::Email);
        let to_reset = self.two_factor_enabled() && !self.pending_review;
        rules.logged_out_reset && to_reset && self.email_verified && !by_mail
    }

    fn email_is_older_than_hold(&self, rules: &PolicyRules, now: Timestamp) -> bool {
        now.since(self.email_since) > rules.reset_hold
    }
}

fn was_canceled_recently(reset: &Reset, now: Timestamp) -> bool {
    reset
        .canceled_at
        .is_some_and(|at| now.since(at) < CANCELED_RESET_COOLDOWN)
}

#[cfg(test)]
mod tests;
