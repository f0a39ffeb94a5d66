//! Security alerts that a verdict raises.

use super::{VerdictInputs, VerdictRequest};
use crate::{
    challenge::{AttemptEffect, AttemptJudgment},
    notice::alert::SecurityAlert,
};

impl VerdictRequest {
    /// The alert that an approval raises. After it, `codes_left` recovery codes are unused.
    #[must_use]
    pub fn approval_alert(&self, inputs: &VerdictInputs, codes_left: u32) -> Option<SecurityAlert> {
        match self.judgment {
            AttemptJudgment::Right(AttemptEffect::RecoveryCode { .. }) => {
                Some(SecurityAlert::RecoveryCodeUsed { left: codes_left })
            }
            AttemptJudgment::Right(AttemptEffect::BypassCode { .. }) => {
                Some(SecurityAlert::BypassCodeUsed)
            }
            AttemptJudgment::Right(AttemptEffect::RecoveryKey { .. }) => {
                Some(SecurityAlert::RecoveryKeyUsed)
            }
            AttemptJudgment::Right(_) if self.trusts(inputs) => Some(SecurityAlert::DeviceTrusted),
            AttemptJudgment::Right(_) | AttemptJudgment::Wrong { .. } => None,
        }
    }

    fn trusts(&self, inputs: &VerdictInputs) -> bool {
        let device = self.device.as_ref();
        let trusted_until = device.and_then(|device| device.trusted_until);
        trusted_until.is_some() && !inputs.trust_withdrawn
    }

    /// The alerts that a failure raises: the method that it disabled, and the window that it filled.
    #[must_use]
    pub fn rejection_alerts(&self, inputs: &VerdictInputs) -> Vec<SecurityAlert> {
        let told_already = inputs.window_announced && !self.window_was_empty(inputs);
        let fills =
            (self.fills_a_window(inputs) && !told_already).then_some(SecurityAlert::ManyWrongCodes);
        self.method_disabled(inputs)
            .into_iter()
            .chain(fills)
            .collect()
    }

    /// Whether no earlier failure of the class is in the long window. The user can then be alerted again.
    #[must_use]
    pub fn window_was_empty(&self, inputs: &VerdictInputs) -> bool {
        let within = self.attempt.windows.long.within;
        let mut failed_at = inputs.failed_at.iter();
        failed_at.all(|at| at.plus(within) <= self.attempt.at)
    }

    fn fills_a_window(&self, inputs: &VerdictInputs) -> bool {
        let at = self.attempt.at;
        let with_this_one = inputs.failed_at.iter().copied().chain([at]);
        self.attempt.windows.full_until(with_this_one, at).is_some()
    }

    fn method_disabled(&self, inputs: &VerdictInputs) -> Option<SecurityAlert> {
        let ((id, _), method) = (self.asked?, inputs.method?);
        let failures = method.consecutive_failures.saturating_add(1);
        let disables = !method.disabled && failures >= self.failures_until_disabled;
        disables.then_some(SecurityAlert::MethodDisabled {
            method: id,
            kind: method.kind,
        })
    }
}
