//! Applies a verdict to the durable record.
//!
//! The caller holds the lock on the user's row, so no other verdict or change interferes.

use super::{
    ChallengeOutcome, DeviceUpdate, MethodStatus, Verdict, VerdictInputs, VerdictRequest,
    VerdictResult,
};
use crate::{
    account::{
        Account, WrongAttempt,
        change::{IdempotencyRecord, UnapprovedEnding},
    },
    audit_event::AuditEvent,
    challenge::{AttemptEffect, AttemptJudgment, approval::Approval, totp::ClockSkew},
    device::{Device, DeviceTrust, forget_surplus_tokens},
    notice::alert::SecurityAlert,
    recovery::{CodeSlot, RecoveryKey},
    value::time::Timestamp,
};
use std::cmp::Reverse;

/// What the store read under the lock, beside the account.
#[derive(Debug, Clone)]
pub struct VerdictContext {
    /// The outcome of the challenge, if it is over.
    pub ended: Option<ChallengeOutcome>,
    /// Whether the request id already has an idempotency record, if this verdict would write one.
    pub request_used: bool,
    /// When the store's current timeline started. A failover to a standby starts a new one.
    pub timeline_started_at: Timestamp,
}

/// The result of a verdict, and what to write beside the account.
#[derive(Debug, Clone)]
pub struct RecordedVerdict<'a> {
    /// The result.
    pub verdict_result: VerdictResult,
    /// The outcome of the challenge to write.
    pub ending: Option<ChallengeOutcome>,
    /// Security alerts to raise, each with its notice turn.
    pub alerts: Vec<(i64, SecurityAlert)>,
    /// The audit event to write; `None` if the account is unchanged.
    pub event: Option<&'a AuditEvent>,
    /// The idempotency record to write.
    pub idempotency_record: Option<&'a IdempotencyRecord>,
}

impl VerdictRequest {
    /// Decides on the attempt by the current record, and updates the account.
    #[must_use]
    pub fn apply_to(
        &self,
        account: Option<&mut Account>,
        context: VerdictContext,
    ) -> RecordedVerdict<'_> {
        let inputs = self.verdict_inputs(account.as_deref(), context);
        let verdict = self.rule(&inputs);
        match (verdict, account) {
            (Verdict::Approve, Some(account)) => self.approve(account, &inputs),
            (Verdict::Reject, Some(account)) => self.reject(account, &inputs),
            (Verdict::ApprovedBefore(approval), Some(account)) => {
                unchanged(approved(approval, account))
            }
            (Verdict::RejectedBefore, Some(account)) => unchanged(VerdictResult::Rejected {
                previous_skew: self.previous_skew(account),
            }),
            (Verdict::Full(until), _) => unchanged(VerdictResult::Full(until)),
            // Without an account, the decision is always that the challenge is over.
            (_, None) | (Verdict::Over, _) => unchanged(VerdictResult::Over),
        }
    }

    /// The state of the record that matters for the attempt.
    #[must_use]
    pub fn verdict_inputs(
        &self,
        account: Option<&Account>,
        context: VerdictContext,
    ) -> VerdictInputs {
        let VerdictContext {
            ended,
            request_used,
            timeline_started_at,
        } = context;
        let at = self.attempt.at;
        let attempts = account.map_or(&[][..], |account| &account.wrong_attempts);
        let here = || {
            attempts
                .iter()
                .filter(|past| past.challenge == self.challenge)
        };
        VerdictInputs {
            epoch: account.map(|account| account.epoch),
            ended,
            is_recorded_failure: here().any(|past| past.attempt == self.attempt.id),
            failed_at: account.map_or_else(Vec::new, |account| {
                account.failures_of(self.attempt.class).collect()
            }),
            failures_of_challenge: u32::try_from(here().count()).unwrap_or(u32::MAX),
            window_announced: account
                .is_some_and(|account| account.announced_windows.contains(&self.attempt.class)),
            method: account.and_then(|account| self.method_status(account)),
            code_unused: account.is_some_and(|account| self.code_unused(account)),
            reset_pending: account.is_some_and(|account| {
                let reset = account.reset.as_ref();
                reset.is_some_and(|reset| reset.is_pending(account.epoch, at))
            }),
            request_used,
            email_version: account.map_or(0, |account| account.email_version),
            trust_withdrawn: account.is_some_and(|account| self.trust_withdrawn(account)),
            timeline_started_at,
        }
    }

    fn method_status(&self, account: &Account) -> Option<MethodStatus> {
        let (id, _) = self.asked?;
        let method = account.method(id)?;
        Some(MethodStatus {
            kind: method.kind,
            version: method.version,
            disabled: method.disabled,
            consecutive_failures: method.consecutive_failures,
            last_step: method.last_step,
        })
    }

    fn code_unused(&self, account: &Account) -> bool {
        let unused = |set, slot: CodeSlot| {
            let codes = account.recovery.as_ref().filter(|codes| codes.id == set);
            codes.is_some_and(|codes| codes.unused_in(slot).is_some())
        };
        match self.judgment {
            AttemptJudgment::Right(AttemptEffect::RecoveryCode { set, slot }) => unused(set, slot),
            AttemptJudgment::Right(AttemptEffect::RecoveryKey { set }) => {
                unused(set, RecoveryKey::SLOT)
            }
            AttemptJudgment::Right(AttemptEffect::BypassCode { id }) => {
                let live = account.bypass.as_ref();
                live.is_some_and(|live| {
                    live.issued.id == id
                        && live.epoch == account.epoch
                        && live.issued.expires_at > self.attempt.at
                })
            }
            AttemptJudgment::Right(_) | AttemptJudgment::Wrong { .. } => false,
        }
    }

    fn trust_withdrawn(&self, account: &Account) -> bool {
        let device = self
            .device
            .as_ref()
            .and_then(|seen| account.device(seen.id));
        device.is_some_and(|device| device.trust == DeviceTrust::Withdrawn)
    }

    /// The clock skew of the previous attempt at the challenge.
    fn previous_skew(&self, account: &Account) -> Option<ClockSkew> {
        let attempts = account.wrong_attempts.iter();
        let others = attempts
            .filter(|past| past.challenge == self.challenge && past.attempt != self.attempt.id);
        others.max_by_key(|past| (past.at, past.attempt))?.skew
    }

    fn approve(&self, account: &mut Account, inputs: &VerdictInputs) -> RecordedVerdict<'_> {
        let at = self.attempt.at;
        let mut approval = Box::new(self.approval.clone());
        approval.epoch = self.epoch_after();
        let mut alerts = Vec::new();
        if self.cancels_reset(inputs) {
            if let Some(reset) = &mut account.reset {
                reset.canceled_at = Some(at);
            }
            account.revision += 1;
            alerts.push((account.next_notice_turn(), SecurityAlert::ResetCanceled));
        }
        self.apply_effect(account);
        if let Some((id, _)) = self.asked
            && let Some(method) = account.method_mut(id)
        {
            method.consecutive_failures = 0;
            method.last_used_at = Some(at);
        }
        if let Some(seen) = &self.device
            && !account.see_device(seen, &approval)
        {
            approval.device = None;
        }
        let alert = self.approval_alert(inputs, account.recovery_codes_left());
        let is_remembered = approval.device.is_some();
        if let Some(alert) =
            alert.filter(|alert| is_remembered || *alert != SecurityAlert::DeviceTrusted)
        {
            alerts.push((account.next_notice_turn(), alert));
        }
        account.keep_approval((*approval).clone());
        account.forget_old_attempts(at);
        RecordedVerdict {
            ending: Some(ChallengeOutcome::Approved(approval.clone())),
            verdict_result: approved(approval, account),
            alerts,
            event: Some(&self.approved_event),
            idempotency_record: self.idempotency_record(),
        }
    }

    fn apply_effect(&self, account: &mut Account) {
        let AttemptJudgment::Right(effect) = self.judgment else {
            return;
        };
        match effect {
            AttemptEffect::Plain => return,
            AttemptEffect::Step { step, .. } => {
                let asked = self.asked.map(|(id, _)| id);
                if let Some(method) = asked.and_then(|id| account.method_mut(id)) {
                    method.last_step = Some(step);
                }
                return;
            }
            AttemptEffect::RecoveryCode { slot, .. } => {
                if let Some(codes) = &mut account.recovery {
                    codes.unused.retain(|(unused, _)| *unused != slot);
                }
            }
            AttemptEffect::RecoveryKey { .. } => {
                if let (Some(codes), Some((next, _))) = (&mut account.recovery, &self.next_key) {
                    codes.id = next.set;
                    codes.unused = vec![(RecoveryKey::SLOT, next.hash.clone())];
                    codes.created_at = self.attempt.at;
                    codes.confirmed_at = None;
                }
            }
            AttemptEffect::BypassCode { .. } => account.bypass = None,
            AttemptEffect::EmailVerified { .. } => account.email_verified = true,
        }
        account.epoch = self.epoch_after();
        account.revision += 1;
    }

    fn reject(&self, account: &mut Account, inputs: &VerdictInputs) -> RecordedVerdict<'_> {
        let previous_skew = self.previous_skew(account);
        let (at, class) = (self.attempt.at, self.attempt.class);
        let skew = match self.judgment {
            AttemptJudgment::Wrong { skew } => skew,
            AttemptJudgment::Right(_) => None,
        };
        account.keep_wrong_attempt(WrongAttempt {
            challenge: self.challenge,
            attempt: self.attempt.id,
            class: Some(class),
            at,
            skew,
        });
        if let Some((id, _)) = self.asked
            && let Some(method) = account.method_mut(id)
        {
            method.consecutive_failures = method.consecutive_failures.saturating_add(1);
            method.disabled |= method.consecutive_failures >= self.failures_until_disabled;
        }
        if self.window_was_empty(inputs) {
            account
                .announced_windows
                .retain(|announced| *announced != class);
        }
        let mut alerts = Vec::new();
        for alert in self.rejection_alerts(inputs) {
            if alert == SecurityAlert::ManyWrongCodes {
                account.announced_windows.push(class);
            }
            alerts.push((account.next_notice_turn(), alert));
        }
        RecordedVerdict {
            verdict_result: VerdictResult::Rejected { previous_skew },
            ending: self
                .exhausts(inputs)
                .then_some(ChallengeOutcome::Without(UnapprovedEnding::Exhausted)),
            alerts,
            event: Some(&self.rejected_event),
            idempotency_record: None,
        }
    }
}

impl Account {
    /// Takes the next notice turn.
    pub(crate) fn next_notice_turn(&mut self) -> i64 {
        self.notice_turn = self.notice_turn.saturating_add(1);
        self.notice_turn
    }

    /// Updates or adds the device that answered, with its new token. Trust that the user withdrew is not given again
    /// automatically. A new device is not remembered if there is no place left and all others are trusted: then this
    /// returns false.
    fn see_device(&mut self, seen: &DeviceUpdate, approval: &Approval) -> bool {
        let trust = seen.trusted_until.map(|until| DeviceTrust::Given {
            at: approval.at,
            until,
            epoch: approval.epoch,
        });
        let known = self.devices.iter().position(|device| device.id == seen.id);
        let known = known.map(|place| self.devices.swap_remove(place));
        let others = usize::try_from(seen.at_most)
            .unwrap_or(usize::MAX)
            .saturating_sub(1);
        if !self.forget_surplus_devices(others, approval, known.is_none()) {
            return false;
        }
        let device = match known {
            Some(known) => Device {
                app: seen.app.or(known.app),
                place: seen.place.clone().or(known.place.clone()),
                trust: trust
                    .filter(|_| known.trust != DeviceTrust::Withdrawn)
                    .unwrap_or(known.trust),
                series: seen.series,
                proved_by: seen.proved_by,
                seen_at: approval.at,
                ..with_token(known, seen)
            },
            None => Device {
                id: seen.id,
                name: seen.name.clone(),
                app: seen.app,
                place: seen.place.clone(),
                series: seen.series,
                accepted: seen.presented,
                given: vec![seen.token],
                proved_by: seen.proved_by,
                trust: trust.unwrap_or(DeviceTrust::Never),
                created_at: approval.at,
                seen_at: approval.at,
            },
        };
        self.devices.insert(0, device);
        forget_surplus_tokens(&mut self.devices);
        true
    }

    /// Deletes devices until at most `at_most` are left, and sorts the others by when they were seen. Devices that never
    /// presented a token go first: their clients may not keep any. Then go untrusted devices, those not seen for longest
    /// first. A new device, which has not presented its token yet, replaces no trusted one: then this returns false.
    fn forget_surplus_devices(
        &mut self,
        at_most: usize,
        approval: &Approval,
        for_new: bool,
    ) -> bool {
        let is_trusted = |device: &Device| {
            matches!(device.trust, DeviceTrust::Given { until, epoch, .. }
                if epoch == approval.epoch && approval.at < until)
        };
        self.devices
            .sort_by_key(|device| (Reverse(device.seen_at), device.id));
        while self.devices.len() > at_most {
            let last = self.devices.iter().enumerate().rev();
            let rank = |device: &Device| (is_trusted(device), device.accepted.is_some());
            let Some((place, device)) = last.min_by_key(|(_, device)| rank(device)) else {
                break;
            };
            if for_new && is_trusted(device) {
                return false;
            }
            self.devices.remove(place);
        }
        true
    }
}

fn with_token(known: Device, seen: &DeviceUpdate) -> Device {
    match seen.presented {
        Some(presented) => known.given_for(presented, seen.token),
        None => Device {
            accepted: None,
            given: vec![seen.token],
            ..known
        },
    }
}

fn approved(approval: Box<Approval>, account: &Account) -> VerdictResult {
    VerdictResult::Approved {
        approval,
        codes_left: account.recovery_codes_left(),
        devices: account.devices.clone(),
    }
}

fn unchanged<'a>(verdict_result: VerdictResult) -> RecordedVerdict<'a> {
    RecordedVerdict {
        verdict_result,
        ending: None,
        alerts: Vec::new(),
        event: None,
        idempotency_record: None,
    }
}

#[cfg(test)]
mod tests;
