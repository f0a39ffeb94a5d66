//! The settings page: what a user can do with each kind of method, why not, and who decided that.

use crate::{
    account::{Account, AvailableChannels, MethodRequirements},
    method::{MethodKind, ineligibility::MethodIneligibility},
    policy::{Policy, PolicyOverride, PolicyRules},
};

/// The inputs of a user's settings page.
#[derive(Debug, Clone, Copy)]
pub struct SettingsPage<'a> {
    /// The user.
    pub account: &'a Account,
    /// Whether there is an e-mail address on file.
    pub has_email: bool,
    /// The policy that applies to the user.
    pub policy: &'a Policy,
    /// The part of the policy that the operator of the service decided.
    pub service_layer: &'a PolicyOverride,
    /// The channels that have a notifier.
    pub served: AvailableChannels,
    /// The kind of the open enrollment.
    pub pending: Option<MethodKind>,
}

/// The status of a kind on the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MethodKindStatus {
    /// The kind.
    pub kind: MethodKind,
    /// What the user can do with it now.
    pub state: MethodKindState,
    /// Why the user can't enroll another method of this kind; `None` if they can.
    pub ineligibility: Option<MethodIneligibility>,
    /// Who decided that; `None` if no policy did.
    pub decided_by: Option<DecisionSource>,
    /// Whether the administrator chose this kind as the default.
    pub set_as_default: bool,
}

/// What a user can do with a kind now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MethodKindState {
    /// A method of this kind is enrolled, and its kind counts.
    Active,
    /// A method of this kind can be enrolled.
    Available,
    /// An enrollment is open and needs its code.
    Pending,
    /// No method of this kind can be enrolled, or the enrolled one does not count, for this reason.
    Ineligible(MethodIneligibility),
}

/// The source of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DecisionSource {
    /// The built-in policy.
    BuiltIn,
    /// The operator of the service, for every tenant.
    Service,
    /// The administrator of the tenant.
    Administrator,
}

impl SettingsPage<'_> {
    /// The status of each kind, strongest first.
    #[must_use]
    pub fn kinds(&self) -> Vec<MethodKindStatus> {
        MethodKind::ALL
            .into_iter()
            .map(|kind| self.kind(kind))
            .collect()
    }

    fn kind(&self, kind: MethodKind) -> MethodKindStatus {
        let ineligibility = self.enrolling(kind, &self.policy.rules).err();
        MethodKindStatus {
            kind,
            state: self.state(kind, ineligibility),
            ineligibility,
            decided_by: ineligibility
                .and_then(|ineligibility| self.decided_by(kind, ineligibility)),
            set_as_default: self.policy.rules.default_kind == Some(kind),
        }
    }

    fn state(
        &self,
        kind: MethodKind,
        ineligibility: Option<MethodIneligibility>,
    ) -> MethodKindState {
        let terms = MethodRequirements::of_sign_in(&self.policy.rules, self.served);
        let methods = self.account.methods.iter();
        let enrolled = methods
            .filter(|method| method.kind == kind)
            .map(|method| terms.ineligibility(method))
            .next();
        match enrolled {
            Some(Some(
                reason @ (MethodIneligibility::NotAllowed | MethodIneligibility::TooWeak),
            )) => return MethodKindState::Ineligible(reason),
            Some(_) => return MethodKindState::Active,
            None if self.pending == Some(kind) => return MethodKindState::Pending,
            None => {}
        }
        ineligibility.map_or(MethodKindState::Available, MethodKindState::Ineligible)
    }

    fn enrolling(&self, kind: MethodKind, rules: &PolicyRules) -> Result<(), MethodIneligibility> {
        rules.permit_enrolling(kind, self.account)?;
        let no_country = rules.sms_countries.as_ref().is_some_and(Vec::is_empty);
        if kind == MethodKind::Sms && no_country {
            return Err(MethodIneligibility::NoCountry);
        }
        if !self.served.serves(kind) {
            return Err(MethodIneligibility::NoNotifier);
        }
        self.account.email_allows(kind, rules, self.has_email)?;
        if self.account.methods.len() >= self.policy.methods_per_user {
            return Err(MethodIneligibility::TooManyMethods);
        }
        Ok(())
    }

    /// The source of a reason: the lowest layer of the policy under which it holds.
    fn decided_by(
        &self,
        kind: MethodKind,
        ineligibility: MethodIneligibility,
    ) -> Option<DecisionSource> {
        if matches!(
            ineligibility,
            MethodIneligibility::NoNotifier
                | MethodIneligibility::EmailMissing
                | MethodIneligibility::TooManyMethods
                | MethodIneligibility::Disabled
                | MethodIneligibility::Suspended
        ) {
            return None;
        }
        let holds = |rules: &PolicyRules| self.enrolling(kind, rules) == Err(ineligibility);
        Some(if holds(&PolicyRules::built_in()) {
            DecisionSource::BuiltIn
        } else if holds(&PolicyRules::of(self.service_layer)) {
            DecisionSource::Service
        } else {
            DecisionSource::Administrator
        })
    }
}

#[cfg(test)]
mod tests;
