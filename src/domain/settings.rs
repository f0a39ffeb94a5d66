//! The settings page: what a user can do with each kind, why not, and who decided that.

use crate::{
    account::{Account, Availability, Served, Terms},
    method::Kind,
    permission::Hindrance,
    policy::{Layer, Policy, Rules},
};

/// Whose settings, under what.
#[derive(Debug, Clone, Copy)]
pub struct Page<'a> {
    /// The user.
    pub account: &'a Account,
    /// What holds for them.
    pub policy: &'a Policy,
    /// What the operator of the service decided of it.
    pub service_layer: &'a Layer,
    /// What the service can do.
    pub served: Served,
    /// The kind of the enrolment that waits for its code.
    pub pending: Option<Kind>,
}

/// A kind on the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KindStanding {
    /// The kind.
    pub kind: Kind,
    /// What the user can do with it now.
    pub state: KindState,
    /// What keeps them from enrolling one more of it.
    pub hindrance: Option<Hindrance>,
    /// Who decided that it does, where somebody did.
    pub decided_by: Option<DecidedBy>,
    /// Whether the administrator wants it asked for first.
    pub set_as_default: bool,
}

/// What a user can do with a kind now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KindState {
    /// At least one method of it is enrolled, and counts.
    Active,
    /// It can be enrolled.
    Available,
    /// An enrolment waits for its code.
    Pending,
    /// The address on file has to be verified first.
    NeedsVerifiedEmail,
    /// Nobody delivers to it.
    NoNotifier,
    /// The policy does not allow it; what is enrolled of it does not count.
    NotAllowed,
    /// The administrator locked it, or all changes.
    LockedByAdministrator,
    /// The policy asks for more than it proves; what is enrolled of it does not count.
    TooWeak,
    /// The policy has two-factor off.
    TwoFactorOff,
    /// It can take the place of another method.
    OnlyAsReplacement,
}

/// Who decided something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DecidedBy {
    /// Nobody: it is so where nobody decides.
    BuiltIn,
    /// The operator of the service, for every tenant.
    Service,
    /// The administrator of the tenant.
    Administrator,
}

impl Page<'_> {
    /// Every kind, strongest first.
    #[must_use]
    pub fn kinds(&self) -> Vec<KindStanding> {
        Kind::ALL.into_iter().map(|kind| self.kind(kind)).collect()
    }

    fn kind(&self, kind: Kind) -> KindStanding {
        let hindrance = self.enrolling(kind, &self.policy.rules).err();
        KindStanding {
            kind,
            state: self.state(kind, hindrance),
            hindrance,
            decided_by: hindrance.and_then(|hindrance| self.decided_by(kind, hindrance)),
            set_as_default: self.policy.rules.default_kind == Some(kind),
        }
    }

    fn state(&self, kind: Kind, hindrance: Option<Hindrance>) -> KindState {
        let terms = Terms::of_sign_in(&self.policy.rules, self.served);
        let methods = self.account.methods.iter();
        let enrolled = methods
            .filter(|method| method.kind == kind)
            .map(|method| terms.availability(method))
            .next();
        match enrolled {
            Some(Availability::NotAllowed) => return KindState::NotAllowed,
            Some(Availability::TooWeak) => return KindState::TooWeak,
            Some(_) => return KindState::Active,
            None if self.pending == Some(kind) => return KindState::Pending,
            None => {}
        }
        match hindrance {
            None | Some(Hindrance::Disabled | Hindrance::Suspended) => KindState::Available,
            Some(Hindrance::TwoFactorNotOffered) => KindState::TwoFactorOff,
            Some(Hindrance::NotAllowed | Hindrance::NoCountry) => KindState::NotAllowed,
            Some(Hindrance::TooWeak) => KindState::TooWeak,
            Some(Hindrance::Locked | Hindrance::ChangesLocked) => KindState::LockedByAdministrator,
            Some(Hindrance::OneMethodOnly | Hindrance::TooManyMethods) => {
                KindState::OnlyAsReplacement
            }
            Some(Hindrance::NoNotifier) => KindState::NoNotifier,
            Some(Hindrance::EmailNotVerified) => KindState::NeedsVerifiedEmail,
        }
    }

    fn enrolling(&self, kind: Kind, rules: &Rules) -> Result<(), Hindrance> {
        rules.permit_enrolling(kind, self.account)?;
        let no_country = rules.sms_countries.as_ref().is_some_and(Vec::is_empty);
        if kind == Kind::Sms && no_country {
            return Err(Hindrance::NoCountry);
        }
        if !self.served.serves(kind) {
            return Err(Hindrance::NoNotifier);
        }
        if rules.email_must_be_verified && !self.account.email_verified {
            return Err(Hindrance::EmailNotVerified);
        }
        if self.account.methods.len() >= self.policy.methods_per_user {
            return Err(Hindrance::TooManyMethods);
        }
        Ok(())
    }

    /// The lowest layer under which it is so already.
    fn decided_by(&self, kind: Kind, hindrance: Hindrance) -> Option<DecidedBy> {
        if matches!(
            hindrance,
            Hindrance::NoNotifier
                | Hindrance::TooManyMethods
                | Hindrance::Disabled
                | Hindrance::Suspended
        ) {
            return None;
        }
        let holds = |rules: &Rules| self.enrolling(kind, rules) == Err(hindrance);
        Some(if holds(&Rules::built_in()) {
            DecidedBy::BuiltIn
        } else if holds(&Rules::of(self.service_layer)) {
            DecidedBy::Service
        } else {
            DecidedBy::Administrator
        })
    }
}

#[cfg(test)]
mod tests;
