//! What the policy lets a user change, whatever they prove: asked before any proof is looked at.

use crate::{
    account::{Account, MethodAvailability, profile::Profile},
    authorization::action::Action,
    device::DeviceTrustTerms,
    method::MethodKind,
    policy::{PolicyRules, SecondFactorRequirement, TwoFactorMode},
    refusal::Refusal,
    value::{id::MethodId, time::Timestamp},
};

/// What keeps a user from enrolling a kind, or a method from answering.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MethodIneligibility {
    /// The policy has two-factor off.
    TwoFactorNotOffered,
    /// The policy does not allow the kind.
    NotAllowed,
    /// The policy asks for more than it proves.
    TooWeak,
    /// The administrator locked the kind.
    Locked,
    /// The administrator lets users change nothing.
    ChangesLocked,
    /// A user has one method, so that another can only take its place.
    OneMethodOnly,
    /// Nobody delivers to it.
    NoNotifier,
    /// The address on file is not verified.
    EmailNotVerified,
    /// The user has as many methods as there may be.
    TooManyMethods,
    /// No country's numbers are allowed.
    NoCountry,
    /// Too many consecutive failures.
    Disabled,
    /// Somebody who was told of it said that it was not the user who enrolled it.
    Suspended,
}

impl MethodIneligibility {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::TwoFactorNotOffered,
        Self::NotAllowed,
        Self::TooWeak,
        Self::Locked,
        Self::ChangesLocked,
        Self::OneMethodOnly,
        Self::NoNotifier,
        Self::EmailNotVerified,
        Self::TooManyMethods,
        Self::NoCountry,
        Self::Disabled,
        Self::Suspended,
    ];

    /// A sentence for the user to read.
    #[must_use]
    pub const fn for_people(self) -> &'static str {
        match self {
            Self::TwoFactorNotOffered => "Your company does not use two-factor sign-in.",
            Self::NotAllowed => "Your administrator does not allow this method.",
            Self::TooWeak => "Your administrator asks for a stronger method.",
            Self::Locked => "Your administrator has locked this method.",
            Self::ChangesLocked => "Your administrator has locked changes of sign-in methods.",
            Self::OneMethodOnly => "You can have one method: replace the one that you have.",
            Self::NoNotifier => "This method is not available here.",
            Self::EmailNotVerified => "Verify your e-mail address first.",
            Self::TooManyMethods => "You have as many methods as you can have: remove one first.",
            Self::NoCountry => "Your administrator allows numbers of no country.",
            Self::Disabled => {
                "This method was turned off after too many wrong codes: set it up again."
            }
            Self::Suspended => {
                "It was reported that you did not set up this method: it can't be used any more."
            }
        }
    }
}

impl From<MethodIneligibility> for Refusal {
    fn from(ineligibility: MethodIneligibility) -> Self {
        match ineligibility {
            MethodIneligibility::TwoFactorNotOffered => Self::TwoFactorNotOffered,
            MethodIneligibility::NotAllowed => Self::MethodNotAllowed,
            MethodIneligibility::TooWeak => Self::MethodTooWeak,
            MethodIneligibility::Locked => Self::MethodLocked,
            MethodIneligibility::ChangesLocked => Self::ChangesLocked,
            MethodIneligibility::OneMethodOnly => Self::OneMethodOnly,
            MethodIneligibility::NoNotifier => Self::NoNotifier,
            MethodIneligibility::EmailNotVerified => Self::EmailNotVerified,
            MethodIneligibility::TooManyMethods => Self::TooManyMethods,
            MethodIneligibility::NoCountry => Self::CountryNotAllowed,
            MethodIneligibility::Disabled => Self::MethodDisabled,
            MethodIneligibility::Suspended => Self::MethodSuspended,
        }
    }
}

impl MethodAvailability {
    /// What keeps the method from answering.
    #[must_use]
    pub const fn ineligibility(self) -> Option<MethodIneligibility> {
        match self {
            Self::Active => None,
            Self::NotAllowed => Some(MethodIneligibility::NotAllowed),
            Self::TooWeak => Some(MethodIneligibility::TooWeak),
            Self::Disabled => Some(MethodIneligibility::Disabled),
            Self::Suspended => Some(MethodIneligibility::Suspended),
            Self::NoNotifier => Some(MethodIneligibility::NoNotifier),
        }
    }
}

impl PolicyRules {
    /// Whether a user may do something to their methods, whatever they prove.
    ///
    /// # Errors
    /// What forbids it.
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

    /// Whether a user may enroll a method of a kind beside those that they have. A first one is let in though users may
    /// change nothing: they could not sign in without.
    ///
    /// # Errors
    /// What forbids it.
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

    /// Whether a user may be without these methods: the last that counts stays where one is required.
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

    /// A method of a locked kind stays as it is.
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
