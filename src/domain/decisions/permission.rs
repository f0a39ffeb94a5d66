//! What the policy permits users to change. It is checked before any proof.

use crate::{
    account::{Account, profile::Profile},
    authorization::action::Action,
    device::DeviceTrustTerms,
    method::{MethodKind, ineligibility::MethodIneligibility},
    policy::{PolicyRules, SecondFactorRequirement, TwoFactorMode},
    refusal::Refusal,
    value::{id::MethodId, time::Timestamp},
};

impl PolicyRules {
    /// Checks that the policy permits an action, regardless of proof.
    ///
    /// # Errors
    /// [`Refusal`] says what forbids it.
    pub fn permit(
        &self,
        action: &Action,
        account: &Account,
        profile: &Profile,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        match action {
            Action::AddMethod(kind) => Ok(self.permit_enrolling(*kind, account)?),
            Action::ReplaceMethod(old, kind) => {
                self.permit_kind(*kind)?;
                self.permit_touching(*old, account)
            }
            Action::RemoveMethod(id) => {
                self.permit_touching(*id, account)?;
                self.permit_being_without(&[*id], account, profile, now)
            }
            Action::SetDefaultMethod(id) => {
                if self.default_locked {
                    return Err(Refusal::DefaultLocked);
                }
                self.permit_changes(account)?;
                match account.method(*id) {
                    Some(method) => Ok(self.permit_answering(method.kind)?),
                    None => Ok(()),
                }
            }
            Action::DisableTwoFactor => {
                let all: Vec<MethodId> = account.methods.iter().map(|method| method.id).collect();
                for id in &all {
                    self.permit_touching(*id, account)?;
                }
                self.permit_being_without(&all, account, profile, now)
            }
            Action::TrustDevice(_) => DeviceTrustTerms::of(self)
                .map(drop)
                .ok_or(Refusal::TrustNotAllowed),
            Action::GenerateRecoveryCodes | Action::Caller(_) => Ok(()),
        }
    }

    /// Checks that the user may enroll another method of this kind. A first method is permitted even if users may
    /// change nothing, because they could not sign in without it.
    ///
    /// # Errors
    /// [`MethodIneligibility`] says what forbids it.
    pub fn permit_enrolling(
        &self,
        kind: MethodKind,
        account: &Account,
    ) -> Result<(), MethodIneligibility> {
        self.permit_kind(kind)?;
        self.permit_changes(account)?;
        if self.single_method && account.is_protected(self) {
            return Err(MethodIneligibility::OneMethodOnly);
        }
        Ok(())
    }

    /// Checks that the user may lose these methods. If a method is required, the last one that counts can't be removed.
    ///
    /// # Errors
    /// [`Refusal::LastMethodRequired`], or [`Refusal::GroupsUnknown`].
    pub fn permit_being_without(
        &self,
        gone: &[MethodId],
        account: &Account,
        profile: &Profile,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let mut counting = account.methods_that_count(self);
        let still_protected = counting.any(|method| !gone.contains(&method.id));
        if !account.is_protected(self) || still_protected {
            return Ok(());
        }
        match self.requirement(account, profile, now)? {
            SecondFactorRequirement::Required { .. } => Err(Refusal::LastMethodRequired),
            SecondFactorRequirement::Off | SecondFactorRequirement::Optional { .. } => Ok(()),
        }
    }

    fn permit_kind(&self, kind: MethodKind) -> Result<(), MethodIneligibility> {
        if self.two_factor == TwoFactorMode::Off {
            return Err(MethodIneligibility::TwoFactorNotOffered);
        }
        self.permit_answering(kind)?;
        if self.locked_kinds.contain(kind) {
            return Err(MethodIneligibility::Locked);
        }
        Ok(())
    }

    fn permit_answering(&self, kind: MethodKind) -> Result<(), MethodIneligibility> {
        if !self.allowed_kinds.contain(kind) {
            return Err(MethodIneligibility::NotAllowed);
        }
        if kind.strength() < self.sign_in_strength {
            return Err(MethodIneligibility::TooWeak);
        }
        Ok(())
    }

    /// Methods of a locked kind can't be changed.
    fn permit_touching(&self, id: MethodId, account: &Account) -> Result<(), Refusal> {
        let locked = |kind| self.locked_kinds.contain(kind);
        if account.method(id).is_some_and(|method| locked(method.kind)) {
            return Err(Refusal::MethodLocked);
        }
        Ok(self.permit_changes(account)?)
    }

    fn permit_changes(&self, account: &Account) -> Result<(), MethodIneligibility> {
        if !self.users_may_change && account.is_protected(self) {
            return Err(MethodIneligibility::ChangesLocked);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
