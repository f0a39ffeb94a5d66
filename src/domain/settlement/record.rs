//! A verdict on the durable record: what the record says of an attempt, and what becomes of the record.
//!
//! The caller holds the lock on the user's row, so that no other verdict or change comes between.

use super::{DeviceSeen, Ended, Facts, MethodFacts, Ruling, Settled, Settlement};
use crate::{
    account::{Account, WrongAttempt},
    alarm::Alarm,
    approval::Approval,
    challenge::{Effect, Judgement},
    change::{Ending, Receipt},
    device::{Device, Trust, forget_surplus_tokens},
    event::Event,
    recovery::{RecoveryKey, Slot},
    time::Timestamp,
    totp::Skew,
};
use std::cmp::Reverse;

/// What the store read under the lock, beside the account.
#[derive(Debug, Clone)]
pub struct VerdictContext {
    /// How the challenge ended, if it has.
    pub ended: Option<Ended>,
    /// Whether another call left an idempotency record under this one's request id, where this one would leave one.
    pub request_used: bool,
    /// When the store's present history began: a failover to a standby begins a new one.
    pub history_began: Timestamp,
}

/// What a verdict comes to: the answer, and what to write beside the account.
#[derive(Debug, Clone)]
pub struct RecordedVerdict<'a> {
    /// The answer.
    pub settled: Settled,
    /// The ending of the challenge to write.
    pub ending: Option<Ended>,
    /// Security alerts to raise, each with its place among all that the user is told.
    pub alerts: Vec<(i64, Alarm)>,
    /// The audit event to write; none where nothing changed, and then the account is as it was.
    pub event: Option<&'a Event>,
    /// The idempotency record to write.
    pub receipt: Option<&'a Receipt>,
}

impl Settlement {
    /// Decides on the attempt by what the record says now, and brings the account up to date.
    #[must_use]
    pub fn record(
        &self,
        account: Option<&mut Account>,
        context: VerdictContext,
    ) -> RecordedVerdict<'_> {
        let facts = self.facts_of(account.as_deref(), context);
        let ruling = self.rule(&facts);
        match (ruling, account) {
            (Ruling::Approve, Some(account)) => self.approve(account, &facts),
            (Ruling::Reject, Some(account)) => self.reject(account, &facts),
            (Ruling::ApprovedBefore(approval), Some(account)) => {
                unchanged(approved(approval, account))
            }
            (Ruling::RejectedBefore, Some(account)) => unchanged(Settled::Rejected {
                previous_skew: self.previous_skew(account),
            }),
            (Ruling::Full(until), _) => unchanged(Settled::Full(until)),
            // Without an account, the rule knows no other answer.
            (_, None) | (Ruling::Over, _) => unchanged(Settled::Over),
        }
    }

    /// What the record says of the attempt.
    #[must_use]
    pub fn facts_of(&self, account: Option<&Account>, context: VerdictContext) -> Facts {
        let VerdictContext {
            ended,
            request_used,
            history_began,
        } = context;
        let at = self.guess.at;
        let attempts = account.map_or(&[][..], |account| &account.wrong_attempts);
        let here = || {
            attempts
                .iter()
                .filter(|past| past.challenge == self.challenge)
        };
        Facts {
            epoch: account.map(|account| account.epoch),
            ended,
            recorded: here().any(|past| past.attempt == self.guess.id),
            failed_at: account.map_or_else(Vec::new, |account| {
                account.failures_of(self.guess.class).collect()
            }),
            failed_here: u32::try_from(here().count()).unwrap_or(u32::MAX),
            window_announced: account
                .is_some_and(|account| account.announced_windows.contains(&self.guess.class)),
            method: account.and_then(|account| self.method_facts(account)),
            code_unused: account.is_some_and(|account| self.code_unused(account)),
            reset_pending: account.is_some_and(|account| {
                let reset = account.reset.as_ref();
                reset.is_some_and(|reset| reset.is_pending(account.epoch, at))
            }),
            request_used,
            email_version: account.map_or(0, |account| account.email_version),
            trust_withdrawn: account.is_some_and(|account| self.trust_withdrawn(account)),
            history_began,
        }
    }

    fn method_facts(&self, account: &Account) -> Option<MethodFacts> {
        let (id, _) = self.asked?;
        let method = account.method(id)?;
        Some(MethodFacts {
            kind: method.kind,
            version: method.version,
            disabled: method.disabled,
            consecutive_failures: method.consecutive_failures,
            last_step: method.last_step,
        })
    }

    fn code_unused(&self, account: &Account) -> bool {
        let unused = |set, slot: Slot| {
            let codes = account.recovery.as_ref().filter(|codes| codes.id == set);
            codes.is_some_and(|codes| codes.unused_in(slot).is_some())
        };
        match self.judgement {
            Judgement::Right(Effect::RecoveryCode { set, slot }) => unused(set, slot),
            Judgement::Right(Effect::RecoveryKey { set }) => unused(set, RecoveryKey::SLOT),
            Judgement::Right(Effect::BypassCode { id }) => {
                let live = account.bypass.as_ref();
                live.is_some_and(|live| {
                    live.issued.id == id
                        && live.epoch == account.epoch
                        && live.issued.expires_at > self.guess.at
                })
            }
            Judgement::Right(_) | Judgement::Wrong { .. } => false,
        }
    }

    fn trust_withdrawn(&self, account: &Account) -> bool {
        let device = self
            .device
            .as_ref()
            .and_then(|seen| account.device(seen.id));
        device.is_some_and(|device| device.trust == Trust::Withdrawn)
    }

    /// Where the code before this one at the same challenge belonged.
    fn previous_skew(&self, account: &Account) -> Option<Skew> {
        let attempts = account.wrong_attempts.iter();
        let others = attempts
            .filter(|past| past.challenge == self.challenge && past.attempt != self.guess.id);
        others.max_by_key(|past| (past.at, past.attempt))?.skew
    }

    fn approve(&self, account: &mut Account, facts: &Facts) -> RecordedVerdict<'_> {
        let at = self.guess.at;
        let mut approval = Box::new(self.approval.clone());
        approval.epoch = self.epoch_after();
        let mut alerts = Vec::new();
        if self.cancels_reset(facts) {
            if let Some(reset) = &mut account.reset {
                reset.cancelled_at = Some(at);
            }
            account.revision += 1;
            alerts.push((account.next_notice_turn(), Alarm::ResetCancelled));
        }
        self.apply_effect(account);
        if let Some((id, _)) = self.asked
            && let Some(method) = account.method_mut(id)
        {
            method.consecutive_failures = 0;
            method.last_used_at = Some(at);
        }
        if let Some(seen) = &self.device {
            account.see_device(seen, &approval);
        }
        if let Some(alert) = self.alarm_of_approval(facts, account.recovery_codes_left()) {
            alerts.push((account.next_notice_turn(), alert));
        }
        account.keep_approval((*approval).clone());
        account.forget_old_attempts(at);
        RecordedVerdict {
            ending: Some(Ended::Approved(approval.clone())),
            settled: approved(approval, account),
            alerts,
            event: Some(&self.approved_event),
            receipt: self.receipt(),
        }
    }

    fn apply_effect(&self, account: &mut Account) {
        let Judgement::Right(effect) = self.judgement else {
            return;
        };
        match effect {
            Effect::Plain => return,
            Effect::Step { step, .. } => {
                let asked = self.asked.map(|(id, _)| id);
                if let Some(method) = asked.and_then(|id| account.method_mut(id)) {
                    method.last_step = Some(step);
                }
                return;
            }
            Effect::RecoveryCode { slot, .. } => {
                if let Some(codes) = &mut account.recovery {
                    codes.unused.retain(|(unused, _)| *unused != slot);
                }
            }
            Effect::RecoveryKey { .. } => {
                if let (Some(codes), Some((next, _))) = (&mut account.recovery, &self.next_key) {
                    codes.id = next.set;
                    codes.unused = vec![(RecoveryKey::SLOT, next.hash.clone())];
                    codes.created_at = self.guess.at;
                    codes.confirmed_at = None;
                }
            }
            Effect::BypassCode { .. } => account.bypass = None,
            Effect::EmailVerified { .. } => account.email_verified = true,
        }
        account.epoch = self.epoch_after();
        account.revision += 1;
    }

    fn reject(&self, account: &mut Account, facts: &Facts) -> RecordedVerdict<'_> {
        let previous_skew = self.previous_skew(account);
        let (at, class) = (self.guess.at, self.guess.class);
        let skew = match self.judgement {
            Judgement::Wrong { skew } => skew,
            Judgement::Right(_) => None,
        };
        account.keep_wrong_attempt(WrongAttempt {
            challenge: self.challenge,
            attempt: self.guess.id,
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
        if self.window_was_empty(facts) {
            account
                .announced_windows
                .retain(|announced| *announced != class);
        }
        let mut alerts = Vec::new();
        for alert in self.alarms_of_rejection(facts) {
            if alert == Alarm::ManyWrongCodes {
                account.announced_windows.push(class);
            }
            alerts.push((account.next_notice_turn(), alert));
        }
        RecordedVerdict {
            settled: Settled::Rejected { previous_skew },
            ending: self
                .exhausts(facts)
                .then_some(Ended::Without(Ending::Exhausted)),
            alerts,
            event: Some(&self.rejected_event),
            receipt: None,
        }
    }
}

impl Account {
    /// The next place among all that the user is told.
    pub(crate) fn next_notice_turn(&mut self) -> i64 {
        self.notice_turn = self.notice_turn.saturating_add(1);
        self.notice_turn
    }

    /// A device answered rightly and takes its new token. The devices not seen for longest make room, never this one,
    /// even where another process's clock is ahead. A user's "no" to trust outlives what a policy gives by itself.
    fn see_device(&mut self, seen: &DeviceSeen, approval: &Approval) {
        let trust = seen.trusted_until.map(|until| Trust::Given {
            at: approval.at,
            until,
            epoch: approval.epoch,
        });
        let known = self.devices.iter().position(|device| device.id == seen.id);
        let device = match known.map(|place| self.devices.swap_remove(place)) {
            Some(known) => Device {
                app: seen.app.or(known.app),
                trust: trust
                    .filter(|_| known.trust != Trust::Withdrawn)
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
                series: seen.series,
                accepted: seen.presented,
                given: vec![seen.token],
                proved_by: seen.proved_by,
                trust: trust.unwrap_or(Trust::Never),
                created_at: approval.at,
                seen_at: approval.at,
            },
        };
        self.devices
            .sort_by_key(|device| (Reverse(device.seen_at), device.id));
        self.devices.insert(0, device);
        let at_most = usize::try_from(seen.at_most).unwrap_or(usize::MAX);
        self.devices.truncate(at_most);
        forget_surplus_tokens(&mut self.devices);
    }
}

fn with_token(known: Device, seen: &DeviceSeen) -> Device {
    match seen.presented {
        Some(presented) => known.given_for(presented, seen.token),
        None => Device {
            accepted: None,
            given: vec![seen.token],
            ..known
        },
    }
}

fn approved(approval: Box<Approval>, account: &Account) -> Settled {
    Settled::Approved {
        approval,
        codes_left: account.recovery_codes_left(),
        devices: account.devices.clone(),
    }
}

fn unchanged<'a>(settled: Settled) -> RecordedVerdict<'a> {
    RecordedVerdict {
        settled,
        ending: None,
        alerts: Vec::new(),
        event: None,
        receipt: None,
    }
}

#[cfg(test)]
mod tests;
