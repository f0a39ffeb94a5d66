//! What the policy lets a user change, whatever they prove: asked before any proof is looked at.

use crate::{
    account::{Account, Availability},
    action::Action,
    device::TrustTerms,
    id::MethodId,
    method::Kind,
    policy::{Requirement, Rules, TwoFactorMode},
    profile::Profile,
    refusal::Refusal,
    time::Timestamp,
};

/// What keeps a user from enrolling a kind, or a method from answering.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hindrance {
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

impl Hindrance {
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

impl From<Hindrance> for Refusal {
    fn from(hindrance: Hindrance) -> Self {
        match hindrance {
            Hindrance::TwoFactorNotOffered => Self::TwoFactorNotOffered,
            Hindrance::NotAllowed => Self::MethodNotAllowed,
            Hindrance::TooWeak => Self::MethodTooWeak,
            Hindrance::Locked => Self::MethodLocked,
            Hindrance::ChangesLocked => Self::ChangesLocked,
            Hindrance::OneMethodOnly => Self::OneMethodOnly,
            Hindrance::NoNotifier => Self::NoNotifier,
            Hindrance::EmailNotVerified => Self::EmailNotVerified,
            Hindrance::TooManyMethods => Self::TooManyMethods,
            Hindrance::NoCountry => Self::CountryNotAllowed,
            Hindrance::Disabled => Self::MethodDisabled,
            Hindrance::Suspended => Self::MethodSuspended,
        }
    }
}

impl Availability {
    /// What keeps the method from answering.
    #[must_use]
    pub const fn hindrance(self) -> Option<Hindrance> {
        match self {
            Self::Active => None,
            Self::NotAllowed => Some(Hindrance::NotAllowed),
            Self::TooWeak => Some(Hindrance::TooWeak),
            Self::Disabled => Some(Hindrance::Disabled),
            Self::Suspended => Some(Hindrance::Suspended),
            Self::NoNotifier => Some(Hindrance::NoNotifier),
        }
    }
}

impl Rules {
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
            Action::TrustDevice(_) => TrustTerms::of(self)
                .map(drop)
                .ok_or(Refusal::TrustNotAllowed),
            Action::GenerateRecoveryCodes | Action::Caller(_) => Ok(()),
        }
    }

    /// Whether a user may enrol a method of a kind beside those that they have. A first one is let in though users may
    /// change nothing: they could not sign in without.
    ///
    /// # Errors
    /// What forbids it.
    pub fn permit_enrolling(&self, kind: Kind, account: &Account) -> Result<(), Hindrance> {
        self.permit_kind(kind)?;
        self.permit_changes(account)?;
        if self.single_method && account.is_protected(self) {
            return Err(Hindrance::OneMethodOnly);
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
            Requirement::Required { .. } => Err(Refusal::LastMethodRequired),
            Requirement::Off | Requirement::Optional { .. } => Ok(()),
        }
    }

    fn permit_kind(&self, kind: Kind) -> Result<(), Hindrance> {
        if self.two_factor == TwoFactorMode::Off {
            return Err(Hindrance::TwoFactorNotOffered);
        }
        self.permit_answering(kind)?;
        if self.locked_kinds.contain(kind) {
            return Err(Hindrance::Locked);
        }
        Ok(())
    }

    fn permit_answering(&self, kind: Kind) -> Result<(), Hindrance> {
        if !self.allowed_kinds.contain(kind) {
            return Err(Hindrance::NotAllowed);
        }
        if kind.strength() < self.sign_in_strength {
            return Err(Hindrance::TooWeak);
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

    fn permit_changes(&self, account: &Account) -> Result<(), Hindrance> {
        if !self.users_may_change && account.is_protected(self) {
            return Err(Hindrance::ChangesLocked);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
