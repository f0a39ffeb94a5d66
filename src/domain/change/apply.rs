//! A change carried out on an account.
//!
//! The caller holds the lock on the user's row. The account is the one in the row, which may be newer than the one that
//! the change was decided from: each write asks for what it rests on.

use super::{Base, Change, Rotation, Spend, Write};
use crate::{
    account::Account,
    bypass::LiveBypassCode,
    device::{Device, Trust, forget_surplus_tokens},
    epoch::Epoch,
    id::{DeviceId, MethodId, ResetId},
    method::Method,
    recovery::{NewRecoverySet, RecoverySet},
    reset::{QUIET_AFTER_CANCEL, Reset},
    revert::{Did, REVERT_LIFE, Revertible, Reverting},
    secret::Sealed,
    time::Timestamp,
};

/// How many changes can be reverted at a time; the oldest goes first.
pub const REVERTIBLE_AT_MOST: usize = 24;

/// What a change came to that was carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The place of its notices among all that the user is told; nothing if it has none.
    pub notice_turn: Option<i64>,
}

/// Why a change was not carried out. The account may be half changed, and has to be thrown away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotApplied {
    /// The account is not the one any more that the change was decided from.
    ChangedConcurrently,
    /// A proof is consumed already.
    ProofConsumed,
}

type Outcome = Result<(), NotApplied>;

const CHANGED: NotApplied = NotApplied::ChangedConcurrently;

impl Account {
    /// The account that a change makes where there was none.
    ///
    /// # Errors
    /// [`NotApplied`] if the change was decided from an account.
    pub fn created_by(change: &Change) -> Result<(Self, Applied), NotApplied> {
        match change.base {
            Base::Absent | Base::AbsentToTheCase => {}
            Base::Present(..) | Base::Epoch(_) => return Err(CHANGED),
        }
        let mut account = Self {
            subject: change.subject.clone(),
            epoch: change.epoch,
            revision: 1,
            tenant_layer: crate::policy::Layer::default(),
            user_key: Sealed::from_bytes(Vec::new()),
            profile: Sealed::from_bytes(Vec::new()),
            profile_tag: Vec::new(),
            email_tag: None,
            email_verified: false,
            email_version: 0,
            methods: Vec::new(),
            chosen_default: None,
            recovery: None,
            devices: Vec::new(),
            wrong_attempts: Vec::new(),
            announced_windows: Vec::new(),
            approvals: Vec::new(),
            notice_turn: 0,
            revertible: Vec::new(),
            held: false,
            created_at: change.now,
            updated_at: change.now,
            bypass: None,
            email_since: Timestamp::from_millis(0),
            reset: None,
        };
        let applied = account.carry_out(change)?;
        Ok((account, applied))
    }

    /// Carries out a change, if the account still is what it was decided from.
    ///
    /// # Errors
    /// [`NotApplied`] says why not.
    pub fn apply(&mut self, change: &Change) -> Result<Applied, NotApplied> {
        match change.base {
            Base::Present(epoch, revision) if (self.epoch, self.revision) == (epoch, revision) => {
                self.epoch = change.epoch;
                self.revision = self.revision.saturating_add(1);
                self.updated_at = change.now;
            }
            Base::Epoch(epoch) if self.epoch == epoch => {}
            Base::Present(..) | Base::Epoch(_) | Base::Absent | Base::AbsentToTheCase => {
                return Err(CHANGED);
            }
        }
        self.carry_out(change)
    }

    fn carry_out(&mut self, change: &Change) -> Result<Applied, NotApplied> {
        for spend in &change.spends {
            self.consume(spend)?;
        }
        for write in &change.writes {
            self.write(change, write)?;
        }
        if let Base::Present(before, _) = change.base
            && before != change.epoch
        {
            self.cancel_outlived_reset(before, change.now);
        }
        self.forget_what_ended(change.now);
        let notice_turn = (!change.notices.is_empty()).then(|| self.next_notice_turn());
        Ok(Applied { notice_turn })
    }

    /// An attestation is unique across users: the store consumes it.
    fn consume(&mut self, spend: &Spend) -> Outcome {
        let Spend::Approval(id) = spend else {
            return Ok(());
        };
        let place = self.approvals.iter().position(|kept| kept.id == *id);
        let place = place.ok_or(NotApplied::ProofConsumed)?;
        self.approvals.remove(place);
        Ok(())
    }

    fn write(&mut self, change: &Change, write: &Write) -> Outcome {
        let now = change.now;
        match write {
            Write::Profile { .. } | Write::UserKey(_) => self.put_on_file(write),
            Write::AddMethod(method, step) => {
                self.held = false;
                self.add_method(Method {
                    last_step: *step,
                    ..method.clone()
                });
            }
            Write::RenameMethod(id, label) => {
                self.method_mut(*id).ok_or(CHANGED)?.label = label.clone();
            }
            Write::SetDefault(id) => {
                let method = self.method(*id).ok_or(CHANGED)?;
                self.chosen_default = Some(method.id);
            }
            Write::RemoveMethod(id) => self.remove_method(*id)?,
            Write::RemoveAllMethods => {
                self.methods.clear();
                self.chosen_default = None;
                self.held = false;
            }
            Write::RecoveryCodes(_)
            | Write::ConfirmRecoveryCodes(_)
            | Write::NoRecoveryCodes
            | Write::BypassCode(_)
            | Write::NoBypassCode
            | Write::BeginReset(_)
            | Write::MailResetCode(..)
            | Write::CancelReset(_)
            | Write::FinishReset(_) => self.write_recovery(change, write)?,
            Write::LiftWindows => self.lift_windows(),
            Write::Revertible(token, did) => self.revertible.push(Revertible {
                token: *token,
                did: *did,
                at: now,
                revision: self.revision,
            }),
            Write::Revert(reverting) => self.revert_changes(reverting)?,
            Write::NoRevertible => self.revertible.clear(),
            Write::RotateToken(_)
            | Write::TrustDevices(..)
            | Write::UntrustDevice(_)
            | Write::UntrustDevices
            | Write::ForgetDevice(_)
            | Write::RenameDevice(..)
            | Write::NoDevices => self.write_devices(change, write)?,
            // The store deletes the row.
            Write::Erase => {}
        }
        Ok(())
    }

    fn put_on_file(&mut self, write: &Write) {
        match write {
            Write::UserKey(key) => self.user_key = key.clone(),
            Write::Profile {
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

    fn remove_method(&mut self, id: MethodId) -> Outcome {
        let place = self.methods.iter().position(|method| method.id == id);
        self.methods.remove(place.ok_or(CHANGED)?);
        if self.chosen_default == Some(id) {
            self.chosen_default = None;
        }
        Ok(())
    }

    fn write_recovery(&mut self, change: &Change, write: &Write) -> Outcome {
        let now = change.now;
        match write {
            Write::RecoveryCodes(set) => self.recovery = Some(made(set, now)),
            Write::ConfirmRecoveryCodes(id) => {
                let set = self.recovery.as_mut().filter(|set| set.id == *id);
                set.ok_or(CHANGED)?.confirmed_at.get_or_insert(now);
            }
            Write::NoRecoveryCodes => self.recovery = None,
            Write::BypassCode(issued) => {
                self.bypass = Some(LiveBypassCode {
                    issued: issued.clone(),
                    epoch: change.epoch,
                });
            }
            Write::NoBypassCode => self.bypass = None,
            Write::BeginReset(reset) => self.reset = Some(reset.clone()),
            Write::MailResetCode(id, challenge) => {
                self.open_reset(*id)?.challenge = Some(*challenge);
            }
            Write::CancelReset(id) => self.open_reset(*id)?.cancelled_at = Some(now),
            Write::FinishReset(id) => {
                self.open_reset(*id)?;
                self.reset = None;
            }
            _ => {}
        }
        Ok(())
    }

    fn write_devices(&mut self, change: &Change, write: &Write) -> Outcome {
        match write {
            Write::RotateToken(rotation) => self.rotate_token(change, rotation)?,
            Write::TrustDevices(ids, until) => {
                for id in ids {
                    self.device_mut(*id)?.trust = Trust::Given {
                        at: change.now,
                        until: *until,
                        epoch: change.epoch,
                    };
                }
            }
            Write::UntrustDevice(id) => self.device_mut(*id)?.trust = Trust::Withdrawn,
            Write::UntrustDevices => {
                let devices = self.devices.iter_mut();
                devices.for_each(|device| device.trust = Trust::Withdrawn);
            }
            Write::ForgetDevice(id) => {
                self.device_mut(*id)?;
                self.devices.retain(|device| device.id != *id);
            }
            Write::RenameDevice(id, name) => self.device_mut(*id)?.name = name.clone(),
            Write::NoDevices => self.devices.clear(),
            _ => {}
        }
        Ok(())
    }

    fn device_mut(&mut self, id: DeviceId) -> Result<&mut Device, NotApplied> {
        let mut devices = self.devices.iter_mut();
        devices.find(|device| device.id == id).ok_or(CHANGED)
    }

    /// While the shown token is good, and trust holds. Of several that show the same token at once, each gets its own
    /// successor; none undoes what another wrote.
    fn rotate_token(&mut self, change: &Change, rotation: &Rotation) -> Outcome {
        let place = self
            .devices
            .iter()
            .position(|device| device.id == rotation.device);
        let place = place.ok_or(CHANGED)?;
        let device = self.devices.swap_remove(place);
        let trusted = matches!(device.trust, Trust::Given { epoch, .. } if epoch == change.epoch);
        if !trusted || !device.holds(rotation.shown) {
            return Err(CHANGED);
        }
        self.devices.push(Device {
            series: rotation.series,
            seen_at: change.now,
            ..device.given_for(rotation.shown, rotation.given)
        });
        forget_surplus_tokens(&mut self.devices);
        Ok(())
    }

    /// The attempts stay on record, so that an attempt is counted once and an exhausted challenge stays exhausted.
    fn lift_windows(&mut self) {
        let attempts = self.wrong_attempts.iter_mut();
        attempts.for_each(|attempt| attempt.class = None);
        self.announced_windows.clear();
    }

    fn open_reset(&mut self, id: ResetId) -> Result<&mut Reset, NotApplied> {
        let reset = self.reset.as_mut();
        let open = reset.filter(|reset| reset.id == id && reset.cancelled_at.is_none());
        open.ok_or(CHANGED)
    }

    /// A change that lets the epoch grow cancels the reset that is pending in it; none can be requested for a while.
    fn cancel_outlived_reset(&mut self, before: Epoch, now: Timestamp) {
        if let Some(reset) = &mut self.reset
            && reset.is_pending(before, now)
        {
            reset.cancelled_at = Some(now);
        }
    }

    /// A method that came by recovery codes falls or stays with those codes, whichever change is reverted first: its
    /// revert record stays.
    fn revert_changes(&mut self, reverting: &Reverting) -> Outcome {
        let Reverting {
            suspends,
            voids_codes,
            forgets_default,
            holds,
            from,
        } = reverting;
        let before = self.revertible.len();
        self.revertible.retain(|change| {
            change.revision < *from || matches!(change.did, Did::RecoveredMethod(_))
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
            self.chosen_default = None;
        }
        self.held |= *holds;
        Ok(())
    }

    /// Drops what no rule asks for any more, and keeps what is left within its bounds.
    fn forget_what_ended(&mut self, now: Timestamp) {
        self.forget_old_attempts(now);
        self.forget_old_approvals(now);
        self.revertible
            .retain(|change| now.since(change.at) < REVERT_LIFE);
        let surplus = self.revertible.len().saturating_sub(REVERTIBLE_AT_MOST);
        self.revertible.drain(..surplus);
        self.bypass.take_if(|code| code.issued.expires_at < now);
        self.reset
            .take_if(|reset| reset.ends_at.plus(QUIET_AFTER_CANCEL) < now);
    }
}

fn made(set: &NewRecoverySet, now: Timestamp) -> RecoverySet {
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
