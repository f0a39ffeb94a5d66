//! What a settlement finds that its user has to hear of.

use super::{Facts, Settlement};
use crate::{
    alarm::Alarm,
    challenge::{Effect, Judgement},
};

impl Settlement {
    /// Whether the user has to hear of an approval: after it, `codes_left` recovery codes are unused.
    #[must_use]
    pub fn alarm_of_approval(&self, facts: &Facts, codes_left: u32) -> Option<Alarm> {
        match self.judgement {
            Judgement::Right(Effect::RecoveryCode { .. }) => {
                Some(Alarm::RecoveryCodeUsed { left: codes_left })
            }
            Judgement::Right(Effect::BypassCode { .. }) => Some(Alarm::BypassCodeUsed),
            Judgement::Right(Effect::RecoveryKey { .. }) => Some(Alarm::RecoveryKeyUsed),
            Judgement::Right(_) if self.trusts(facts) => Some(Alarm::DeviceTrusted),
            Judgement::Right(_) | Judgement::Wrong { .. } => None,
        }
    }

    fn trusts(&self, facts: &Facts) -> bool {
        let device = self.device.as_ref();
        let trusted_until = device.and_then(|device| device.trusted_until);
        trusted_until.is_some() && !facts.trust_withdrawn
    }

    /// Of what in a failure the user has to hear: the method that it disabled, the window that it filled.
    #[must_use]
    pub fn alarms_of_rejection(&self, facts: &Facts) -> Vec<Alarm> {
        let told_already = facts.window_announced && !self.window_was_empty(facts);
        let fills = (self.fills_a_window(facts) && !told_already).then_some(Alarm::ManyWrongCodes);
        self.method_disabled(facts)
            .into_iter()
            .chain(fills)
            .collect()
    }

    /// Whether no earlier failure of the class is in its longer window: what was told of it before is over.
    #[must_use]
    pub fn window_was_empty(&self, facts: &Facts) -> bool {
        let within = self.guess.windows.long.within;
        let mut failed_at = facts.failed_at.iter();
        failed_at.all(|at| at.plus(within) <= self.guess.at)
    }

    fn fills_a_window(&self, facts: &Facts) -> bool {
        let at = self.guess.at;
        let with_this_one = facts.failed_at.iter().copied().chain([at]);
        self.guess.windows.full_until(with_this_one, at).is_some()
    }

    fn method_disabled(&self, facts: &Facts) -> Option<Alarm> {
        let ((id, _), method) = (self.asked?, facts.method?);
        let failures = method.consecutive_failures.saturating_add(1);
        let disables = !method.disabled && failures >= self.failures_until_disabled;
        disables.then_some(Alarm::MethodDisabled {
            method: id,
            kind: method.kind,
        })
    }
}
