//! Applies a change to an account.
//!
//! The caller holds the lock on the user's row. The row may be newer than the account from which the change was
//! decided, so each write checks its preconditions.

mod devices;

use super::{AccountChange, AccountWriteOp, ChangeBase, ConsumedProof};
use crate::{
    account::{Account, ended_approval::ApprovalEnding, lost_method::LostMethod},
    method::Method,
    recovery::{
        NewRecoverySet, RecoverySet,
        bypass_code::LiveBypassCode,
        reset::{CANCELED_RESET_COOLDOWN, Reset},
    },
    revert::{REVERT_LIFETIME, RevertPlan, RevertRecord, RevertibleChange},
    value::{
        epoch::Epoch,
        id::{MethodId, ResetId},
        secret::SealedBytes,
        time::Timestamp,
    },
};

/// The largest number of changes that can be reverted at a time. Beyond that, the oldest records are deleted.
pub const MAX_REVERT_RECORDS: usize = 24;

/// The result of a change that was applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppliedChange {
    /// The turn of its notices among all notices to the user; `None` without notices.
    pub notice_turn: Option<i64>,
}

/// Why a change was rejected. The account may be half changed and must be discarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeRejection {
    /// The account changed since the change was decided.
    ChangedConcurrently,
    /// A proof is used up already.
    ProofConsumed,
}

type ChangeResult = Result<(), ChangeRejection>;

const CHANGED: ChangeRejection = ChangeRejection::ChangedConcurrently;

impl Account {
    /// Creates the account of a change that was decided without one.
    ///
    /// # Errors
    /// [`ChangeRejection`] if the change was decided from an existing account.
    pub fn created_by(change: &AccountChange) -> Result<(Self, AppliedChange), ChangeRejection> {
        match change.base {
            ChangeBase::Absent | ChangeBase::AbsentToTheCase => {}
            ChangeBase::Present(..) | ChangeBase::Epoch(_) => return Err(CHANGED),
        }
        let mut account = Self {
            subject: change.subject.clone(),
            epoch: change.epoch,
            revision: 1,
            tenant_layer: crate::policy::PolicyOverride::default(),
            user_key: SealedBytes::from_bytes(Vec::new()),
            profile: SealedBytes::from_bytes(Vec::new()),
            profile_tag: Vec::new(),
            email_tag: None,
            email_verified: false,
            email_version: 0,
            methods: Vec::new(),
            user_default: None,
            recovery: None,
            devices: Vec::new(),
            wrong_attempts: Vec::new(),
            announced_windows: Vec::new(),
            approvals: Vec::new(),
            notice_turn: 0,
            revertible: Vec::new(),
            pending_review: false,
            created_at: change.now,
            updated_at: change.now,
            bypass: None,
            email_since: Timestamp::from_millis(0),
            reset: None,
            lost_methods: Vec::new(),
            ended_approvals: Vec::new(),
            recovery_restricted_until: None,
        };
        let applied = account.carry_out(change)?;
        Ok((account, applied))
    }

    /// Applies a change, if the account is still at the change's base.
    ///
    /// # Errors
    /// [`ChangeRejection`] says why the change was rejected.
    pub fn apply(&mut self, change: &AccountChange) -> Result<AppliedChange, ChangeRejection> {
        match change.base {
            ChangeBase::Present(epoch, revision)
                if (self.epoch, self.revision) == (epoch, revision) =>
            {
                self.epoch = change.epoch;
                self.revision = self.revision.saturating_add(1);
                self.updated_at = change.now;
            }
            ChangeBase::Epoch(epoch) if self.epoch == epoch => {}
            ChangeBase::Present(..)
            | ChangeBase::Epoch(_)
            | ChangeBase::Absent
            | ChangeBase::AbsentToTheCase => {
                return Err(CHANGED);
            }
        }
        self.carry_out(change)
    }

    fn carry_out(&mut self, change: &AccountChange) -> Result<AppliedChange, ChangeRejection> {
        for consumed_proof in &change.consumed_proofs {
            self.consume(consumed_proof)?;
        }
        for write in &change.writes {
            self.write(change, write)?;
        }
        if let ChangeBase::Present(before, _) = change.base
            && before != change.epoch
        {
            self.cancel_outlived_reset(before, change.now);
        }
        self.forget_what_ended(change.now);
        let notice_turn = (!change.notices.is_empty()).then(|| self.next_notice_turn());
        Ok(AppliedChange { notice_turn })
    }

    /// Attestations are unique across users, so the store consumes them.
    fn consume(&mut self, consumed_proof: &ConsumedProof) -> ChangeResult {
        let ConsumedProof::Approval(id) = consumed_proof else {
            return Ok(());
        };
        let place = self.approvals.iter().position(|kept| kept.id == *id);
        let place = place.ok_or(ChangeRejection::ProofConsumed)?;
        let used = self.approvals.remove(place);
        self.end_approval(&used, ApprovalEnding::Used);
        Ok(())
    }

    fn write(&mut self, change: &AccountChange, write: &AccountWriteOp) -> ChangeResult {
        let now = change.now;
        match write {
            AccountWriteOp::Profile { .. } | AccountWriteOp::UserKey(_) => self.save_profile(write),
            AccountWriteOp::AddMethod(method, step) => {
                self.pending_review = false;
                self.add_method(Method {
                    last_step: *step,
                    ..method.clone()
                });
            }
            AccountWriteOp::RenameMethod(id, label) => {
                self.method_mut(*id).ok_or(CHANGED)?.label = label.clone();
            }
            AccountWriteOp::SetDefault(id) => {
                let method = self.method(*id).ok_or(CHANGED)?;
                self.user_default = Some(method.id);
            }
            AccountWriteOp::RemoveMethod(id) => self.remove_method(*id)?,
            AccountWriteOp::RemoveLostMethod(id) => self.remove_lost_method(*id, now)?,
            AccountWriteOp::RemoveAllMethods => {
                self.methods.clear();
                self.lost_methods.clear();
                self.user_default = None;
                self.pending_review = false;
            }
            AccountWriteOp::RecoveryCodes(_)
            | AccountWriteOp::ConfirmRecoveryCodes(_)
            | AccountWriteOp::NoRecoveryCodes
            | AccountWriteOp::RestrictRecovery(_)
            | AccountWriteOp::BypassCode(_)
            | AccountWriteOp::NoBypassCode
            | AccountWriteOp::BeginReset(_)
            | AccountWriteOp::MailResetCode(..)
            | AccountWriteOp::CancelReset(_)
            | AccountWriteOp::FinishReset(_) => self.write_recovery(change, write)?,
            AccountWriteOp::LiftWindows => self.lift_windows(),
            AccountWriteOp::Revertible(token, change_kind) => self.revertible.push(RevertRecord {
                token: *token,
                change_kind: *change_kind,
                at: now,
                revision: self.revision,
            }),
            AccountWriteOp::Revert(revert_plan) => self.revert_changes(revert_plan)?,
            AccountWriteOp::NoRevertible => self.revertible.clear(),
            AccountWriteOp::RotateToken(_)
            | AccountWriteOp::TrustDevices(..)
            | AccountWriteOp::UntrustDevice(_)
            | AccountWriteOp::UntrustDevices
            | AccountWriteOp::ForgetDevice(_)
            | AccountWriteOp::RenameDevice(..)
            | AccountWriteOp::NoDevices => self.write_devices(change, write)?,
            // The store deletes the row.
            AccountWriteOp::Erase => {}
        }
        Ok(())
    }

    fn save_profile(&mut self, write: &AccountWriteOp) {
        match write {
            AccountWriteOp::UserKey(key) => self.user_key = key.clone(),
            AccountWriteOp::Profile {
                profile,
                email_verified,
                email_version,
                email_tag,
                email_since,
            } => {
                self.profile = profile.clone();
                self.email_verified = *email_verified;
                self.email_version = *email_version;
                self.email_tag = *email_tag;
                self.email_since = email_since.unwrap_or(self.email_since);
            }
            _ => {}
        }
    }

    fn add_method(&mut self, method: Method) {
        self.methods.push(method);
        self.methods
            .sort_by_key(|method| (method.created_at, method.id));
    }

    fn remove_method(&mut self, id: MethodId) -> ChangeResult {
        let place = self.methods.iter().position(|method| method.id == id);
        self.methods.remove(place.ok_or(CHANGED)?);
        if self.user_default == Some(id) {
            self.user_default = None;
        }
        Ok(())
    }

    fn remove_lost_method(&mut self, id: MethodId, now: Timestamp) -> ChangeResult {
        let kind = self.method(id).ok_or(CHANGED)?.kind;
        self.remove_method(id)?;
        self.lost_methods.retain(|lost| lost.kind != kind);
        self.lost_methods.push(LostMethod {
            kind,
            removed_at: now,
        });
        Ok(())
    }

    fn write_recovery(&mut self, change: &AccountChange, write: &AccountWriteOp) -> ChangeResult {
        let now = change.now;
        match write {
            AccountWriteOp::RecoveryCodes(set) => {
                self.recovery = Some(new_recovery_set(set, now));
                self.recovery_restricted_until = None;
            }
            AccountWriteOp::RestrictRecovery(until) => {
                self.recovery_restricted_until = Some(*until);
            }
            AccountWriteOp::ConfirmRecoveryCodes(id) => {
                let set = self.recovery.as_mut().filter(|set| set.id == *id);
                set.ok_or(CHANGED)?.confirmed_at.get_or_insert(now);
            }
            AccountWriteOp::NoRecoveryCodes => {
                self.recovery = None;
                self.recovery_restricted_until = None;
            }
            AccountWriteOp::BypassCode(issued) => {
                self.bypass = Some(LiveBypassCode {
                    issued: issued.clone(),
                    epoch: change.epoch,
                });
            }
            AccountWriteOp::NoBypassCode => self.bypass = None,
            AccountWriteOp::BeginReset(reset) => self.reset = Some(reset.clone()),
            AccountWriteOp::MailResetCode(id, challenge) => {
                self.open_reset(*id)?.challenge = Some(*challenge);
            }
            AccountWriteOp::CancelReset(id) => self.open_reset(*id)?.canceled_at = Some(now),
            AccountWriteOp::FinishReset(id) => {
                self.open_reset(*id)?;
                self.reset = None;
            }
            _ => {}
        }
        Ok(())
    }

    /// Keeps the attempts on record, so that each counts once and an exhausted challenge stays exhausted.
    fn lift_windows(&mut self) {
        let attempts = self.wrong_attempts.iter_mut();
        attempts.for_each(|attempt| attempt.class = None);
        self.announced_windows.clear();
    }

    fn open_reset(&mut self, id: ResetId) -> Result<&mut Reset, ChangeRejection> {
        let reset = self.reset.as_mut();
        let open = reset.filter(|reset| reset.id == id && reset.canceled_at.is_none());
        open.ok_or(CHANGED)
    }

    /// Cancels a reset that is pending when the epoch grows. No other one can be started for seven days.
    fn cancel_outlived_reset(&mut self, before: Epoch, now: Timestamp) {
        if let Some(reset) = &mut self.reset
            && reset.is_pending(before, now)
        {
            reset.canceled_at = Some(now);
        }
    }

    /// Keeps the revert records of methods that were added by recovery code. Such a method is reverted with its codes,
    /// whichever change is reverted first.
    fn revert_changes(&mut self, revert_plan: &RevertPlan) -> ChangeResult {
        let RevertPlan {
            suspends,
            voids_codes,
            forgets_default,
            holds,
            from,
        } = revert_plan;
        let before = self.revertible.len();
        self.revertible.retain(|change| {
            change.revision < *from
                || matches!(change.change_kind, RevertibleChange::RecoveredMethod(_))
        });
        if self.revertible.len() == before {
            return Err(CHANGED);
        }
        for id in suspends {
            self.method_mut(*id).ok_or(CHANGED)?.suspended = true;
        }
        if *voids_codes {
            self.recovery = None;
        }
        if *forgets_default {
            self.user_default = None;
        }
        self.pending_review |= *holds;
        Ok(())
    }

    /// Deletes what no rule needs any more, and keeps the rest within its bounds.
    fn forget_what_ended(&mut self, now: Timestamp) {
        self.forget_old_attempts(now);
        self.forget_old_approvals(now);
        self.revertible
            .retain(|change| now.since(change.at) < REVERT_LIFETIME);
        self.lost_methods.retain(|lost| lost.weighs(now));
        self.recovery_restricted_until
            .take_if(|until| *until <= now);
        let surplus = self.revertible.len().saturating_sub(MAX_REVERT_RECORDS);
        self.revertible.drain(..surplus);
        self.bypass.take_if(|code| code.issued.expires_at < now);
        self.reset
            .take_if(|reset| reset.ends_at.plus(CANCELED_RESET_COOLDOWN) < now);
    }
}

fn new_recovery_set(set: &NewRecoverySet, now: Timestamp) -> RecoverySet {
    RecoverySet {
        id: set.id,
        kind: set.kind,
        total: u32::try_from(set.hashes.len()).unwrap_or(u32::MAX),
        unused: set.hashes.clone(),
        created_at: now,
        confirmed_at: None,
    }
}

#[cfg(test)]
mod tests;
