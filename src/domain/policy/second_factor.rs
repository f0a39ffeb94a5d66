//! The rules for one user: whether a second factor is required, and which kinds count as one.

use crate::{
    account::{Account, groups::UserGroups, profile::Profile},
    authorization::action::Action,
    method::MethodKind,
    policy::{PolicyRules, ProtectedChange, TwoFactorMode},
    refusal::Refusal,
    value::time::Timestamp,
};

/// Whether a second factor is required of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecondFactorRequirement {
    /// No second factor is requested.
    Off,
    /// A second factor is requested only of users who enrolled.
    Optional {
        /// By when the user must enroll; `None` without a date.
        enroll_by: Option<Timestamp>,
    },
    /// A second factor is required.
    Required {
        /// When the grace period ends.
        enroll_by: Timestamp,
    },
}

impl PolicyRules {
    /// Whether a second factor is required of this user now. A dated exception of the user only extends the grace
    /// period.
    ///
    /// # Errors
    /// [`Refusal::GroupsUnknown`]: a user with unknown groups must not pass for one outside a group.
    pub fn requirement(
        &self,
        account: &Account,
        profile: &Profile,
        now: Timestamp,
    ) -> Result<SecondFactorRequirement, Refusal> {
        match self.two_factor {
            TwoFactorMode::Off => return Ok(SecondFactorRequirement::Off),
            TwoFactorMode::Optional => {
                return Ok(SecondFactorRequirement::Optional { enroll_by: None });
            }
            TwoFactorMode::Required => {}
        }
        if !self.required_of(&profile.groups)? {
            return Ok(SecondFactorRequirement::Optional { enroll_by: None });
        }
        let since = self.required_from.max(Some(account.created_at));
        let put_off = since.unwrap_or(account.created_at).plus(self.grace_period);
        let excepted = profile.grace.as_ref().map(|grace| grace.until);
        let enroll_by = excepted.map_or(put_off, |until| until.max(put_off));
        Ok(match self.required_from {
            Some(from) if now < from => SecondFactorRequirement::Optional {
                enroll_by: Some(enroll_by),
            },
            _ => SecondFactorRequirement::Required { enroll_by },
        })
    }

    fn required_of(&self, groups: &UserGroups) -> Result<bool, Refusal> {
        if self.required_groups.is_empty() {
            return Ok(true);
        }
        let is_member = groups.include_any(&self.required_groups);
        is_member.ok_or(Refusal::GroupsUnknown)
    }

    /// Whether methods of a kind count as a second factor: they must be allowed and strong enough for sign-in.
    #[must_use]
    pub fn count(&self, kind: MethodKind) -> bool {
        self.allowed_kinds.contain(kind) && kind.strength() >= self.sign_in_strength
    }

    /// Whether no kind counts. Only the merge of two layers can cause that, because each layer is checked for it.
    #[must_use]
    pub fn nothing_qualifies(&self) -> bool {
        !MethodKind::ALL.into_iter().any(|kind| self.count(kind))
    }

    /// Whether an attestation suffices for an action while two-factor is on.
    #[must_use]
    pub fn attestation_permits(&self, action: &Action) -> bool {
        lets(&self.attestation_suffices, action)
    }

    /// Whether a code to the mailbox suffices for an action, though stronger methods are enrolled. It must be able to
    /// answer sign-ins: otherwise recovery codes created by it could do what it can't.
    #[must_use]
    pub fn mailbox_permits(&self, action: &Action) -> bool {
        let change = action.change().filter(|change| change.may_go_by_mailbox());
        change.is_some_and(|change| self.mailbox_code_suffices.contains(&change))
            && self.count(MethodKind::Email)
    }

    /// Whether the account password suffices for an action while two-factor is on.
    #[must_use]
    pub fn password_permits(&self, action: &Action) -> bool {
        lets(&self.password_suffices, action)
    }
}

fn lets(changes: &[ProtectedChange], action: &Action) -> bool {
    let Some(change) = action.change() else {
        return false;
    };
    let is_named = |change| changes.contains(&change);
    is_named(change)
        && (!change.disables_two_factor() || is_named(ProtectedChange::DisableTwoFactor))
}
