//! Reverting changes of an account.

use crate::{
    account::Account,
    device::DeviceTokenHash,
    policy::PolicyRules,
    refusal::Refusal,
    revert::{REVERT_LIFETIME, RevertPlan, RevertRecord, RevertibleChange},
    value::time::Timestamp,
};

impl Account {
    /// Whether two-factor was turned off so recently that a new enrollment counts as a switch of methods.
    #[must_use]
    pub fn was_disabled_recently(&self, now: Timestamp) -> bool {
        let turned_off = |change: &RevertRecord| {
            change.change_kind == RevertibleChange::TurnOff
                && now.since(change.at) < REVERT_LIFETIME
        };
        self.methods.is_empty() && self.revertible.iter().any(turned_off)
    }

    /// Plans the revert of the change that this token belongs to. Later changes are reverted, too, because the same
    /// person may have made them. A method added by recovery code is reverted only if the codes are reverted. Methods
    /// added by reset or bypass code stay.
    ///
    /// # Errors
    /// [`Refusal::RevertTokenNotAccepted`] if the token is unknown, used or expired.
    pub fn revert(
        &self,
        token: DeviceTokenHash,
        rules: &PolicyRules,
        now: Timestamp,
    ) -> Result<(RevertibleChange, RevertPlan), Refusal> {
        let mut live = self.revertible.iter();
        let change = live
            .find(|change| change.token == token && now.since(change.at) < REVERT_LIFETIME)
            .ok_or(Refusal::RevertTokenNotAccepted)?;
        let span = self.revertible.iter();
        let span = span.filter(|other| other.revision >= change.revision);
        let span: Vec<&RevertRecord> = span.collect();
        let codes_fall = |before: i64| {
            let mut earlier = span.iter().filter(|other| other.revision < before);
            earlier.any(|other| other.change_kind.makes_codes())
        };
        let fall = span.iter().filter(|other| match other.change_kind {
            RevertibleChange::RecoveredMethod(_) => codes_fall(other.revision),
            _ => true,
        });
        let fall: Vec<RevertibleChange> = fall.map(|other| other.change_kind).collect();
        let added = fall.iter().filter_map(|change_kind| change_kind.method());
        let revert_plan = RevertPlan {
            suspends: added.filter(|id| self.method(*id).is_some()).collect(),
            voids_codes: fall.iter().any(|change_kind| change_kind.makes_codes()),
            forgets_default: fall.contains(&RevertibleChange::Default),
            holds: self.methods_that_count(rules).next().is_none()
                && fall.contains(&RevertibleChange::TurnOff),
            from: change.revision,
        };
        Ok((change.change_kind, revert_plan))
    }
}

#[cfg(test)]
mod tests;
