//! An account: all durable state of one user, as one load returns it.

mod attempts;
pub mod change;
mod code_hash;
mod default_method;
pub mod directory;
pub mod ended_approval;
pub mod groups;
pub mod lost_method;
pub mod profile;
mod reset;
mod revert;

pub use attempts::{MAX_APPROVALS, MAX_WRONG_ATTEMPTS, WrongAttempt};
pub use code_hash::{PendingAttempt, StoredHashLookup};
pub use default_method::{AvailableChannels, DefaultMethod, DefaultReason, MethodRequirements};

use crate::{
    account::{change::FailedAttempt, ended_approval::EndedApproval, lost_method::LostMethod},
    challenge::{answered_by::AnsweredBy, approval::Approval},
    device::{Device, DeviceTokenHash},
    limits::budget::AttemptClass,
    method::{Method, MethodKind, MethodLabel, MethodStrength, ineligibility::MethodIneligibility},
    policy::{AttemptBudgets, Policy, PolicyOverride, PolicyRules},
    recovery::{
        FEW_CODES_LEFT, RecoverySet, RecoverySetKind, RecoveryStatus, bypass_code::LiveBypassCode,
        reset::Reset,
    },
    refusal::Refusal,
    revert::RevertRecord,
    value::{
        epoch::Epoch,
        id::{ApprovalId, DeviceId, MethodId, Subject},
        secret::SealedBytes,
        time::Timestamp,
    },
};

/// All durable state of one user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The user.
    pub subject: Subject,
    /// The credential epoch. Proofs carry the epoch in which they were issued.
    pub epoch: Epoch,
    /// Grows with each change decided from a revision. A change decided from an older revision is rejected.
    pub revision: i64,
    /// The policy override of the tenant's administrator.
    pub tenant_layer: PolicyOverride,
    /// The user's own key, which seals personal fields of audit events.
    pub user_key: SealedBytes,
    /// The sealed profile.
    pub profile: SealedBytes,
    /// The authentication tag of the profile that the store keeps beside the record. It detects an older profile. No
    /// rule reads or changes it.
    pub profile_tag: Vec<u8>,
    /// Digest of the e-mail address, by which users are found.
    pub email_tag: Option<[u8; 16]>,
    /// Whether the e-mail address is known to belong to the user.
    pub email_verified: bool,
    /// Grows with each change of the e-mail address.
    pub email_version: u32,
    /// The enrolled methods, oldest first.
    pub methods: Vec<Method>,
    /// The default method that the user chose.
    pub user_default: Option<MethodId>,
    /// The current set of recovery codes or recovery key.
    pub recovery: Option<RecoverySet>,
    /// The recognized devices.
    pub devices: Vec<Device>,
    /// The wrong attempts that a rule may still need, oldest first.
    pub wrong_attempts: Vec<WrongAttempt>,
    /// Classes whose windows filled up and have not been empty since. The user was alerted to them.
    pub announced_windows: Vec<AttemptClass>,
    /// Approvals that may still authorize a change, oldest first.
    pub approvals: Vec<Approval>,
    /// The number of notice turns so far. Each change with notices and each security alert takes the next number.
    pub notice_turn: i64,
    /// The changes that can be reverted.
    pub revertible: Vec<RevertRecord>,
    /// Whether sign-in is suspended pending administrator review, because somebody else turned two-factor off.
    pub pending_review: bool,
    /// When the user was created by `UpsertUser`.
    pub created_at: Timestamp,
    /// When the account last changed.
    pub updated_at: Timestamp,
    /// The latest bypass code, until it is used.
    pub bypass: Option<LiveBypassCode>,
    /// Since when the user has this e-mail address.
    pub email_since: Timestamp,
    /// The reset that was requested without a sign-in.
    pub reset: Option<Reset>,
    /// Methods that were removed by recovery code in the last 72 hours.
    pub lost_methods: Vec<LostMethod>,
    /// Until when the recovery codes or key authorize no change after a sign-in, because a code to the mailbox created
    /// them.
    pub recovery_restricted_until: Option<Timestamp>,
    /// Approvals that ended less than an hour ago, in the order in which they ended.
    pub ended_approvals: Vec<EndedApproval>,
}

impl Account {
    /// Whether two-factor is on: a method is enrolled, whatever its state, or somebody else turned two-factor off.
    #[must_use]
    pub const fn two_factor_enabled(&self) -> bool {
        !self.methods.is_empty() || self.pending_review
    }

    /// Whether two-factor protects the user: a method that counts is enrolled, whatever its state, or a review is
    /// pending. An attacker who disables a method or turns two-factor off does not end the protection.
    #[must_use]
    pub fn is_protected(&self, rules: &PolicyRules) -> bool {
        self.pending_review || self.methods_that_count(rules).next().is_some()
    }

    /// The methods that count, whatever their state: the kind is allowed and strong enough for a sign-in.
    pub fn methods_that_count(&self, rules: &PolicyRules) -> impl Iterator<Item = &Method> {
        let counts = |method: &&Method| rules.count(method.kind);
        self.methods.iter().filter(counts)
    }

    /// Whether removing a method turns two-factor off: it is the only method, or the only one that counts.
    #[must_use]
    pub fn ends_with(&self, gone: MethodId, rules: &PolicyRules) -> bool {
        let only = |methods: Vec<MethodId>| methods == [gone];
        let ids = self.methods.iter().map(|method| method.id);
        let counting = self.methods_that_count(rules).map(|method| method.id);
        only(ids.collect()) || only(counting.collect())
    }

    /// The strength of the user's strongest method of an allowed kind, whatever its state.
    #[must_use]
    pub fn strongest(&self, rules: &PolicyRules) -> Option<MethodStrength> {
        let kinds = self.methods.iter().map(|method| method.kind);
        let allowed = kinds.filter(|kind| rules.allowed_kinds.contain(*kind));
        allowed.map(MethodKind::strength).max()
    }

    /// Whether the recovery codes or key authorize no change after a sign-in yet.
    #[must_use]
    pub fn has_restricted_recovery(&self, now: Timestamp) -> bool {
        let until = self.recovery_restricted_until;
        until.is_some_and(|until| now < until)
    }

    /// Whether a method was lost less than 72 hours ago.
    #[must_use]
    pub fn has_lost_method(&self, now: Timestamp) -> bool {
        self.lost_methods.iter().any(|lost| lost.weighs(now))
    }

    /// The strength of the strongest lost method of an allowed kind.
    #[must_use]
    pub fn strongest_lost(&self, rules: &PolicyRules, now: Timestamp) -> Option<MethodStrength> {
        let lost = self.lost_methods.iter().filter(|lost| lost.weighs(now));
        let kinds = lost.map(|lost| lost.kind);
        let allowed = kinds.filter(|kind| rules.allowed_kinds.contain(*kind));
        allowed.map(MethodKind::strength).max()
    }

    /// Finds a method by id.
    #[must_use]
    pub fn method(&self, id: MethodId) -> Option<&Method> {
        self.methods.iter().find(|method| method.id == id)
    }

    pub(crate) fn method_mut(&mut self, id: MethodId) -> Option<&mut Method> {
        self.methods.iter_mut().find(|method| method.id == id)
    }

    /// Finds a device by id.
    #[must_use]
    pub fn device(&self, id: DeviceId) -> Option<&Device> {
        self.devices.iter().find(|device| device.id == id)
    }

    /// Finds the device that holds a token.
    #[must_use]
    pub fn device_holding(&self, token: DeviceTokenHash) -> Option<&Device> {
        self.devices.iter().find(|device| device.holds(token))
    }

    /// When attempts of a class were judged wrong.
    pub fn failures_of(&self, class: AttemptClass) -> impl Iterator<Item = Timestamp> {
        let of_class = self
            .wrong_attempts
            .iter()
            .filter(move |attempt| attempt.class == Some(class));
        of_class.map(|attempt| attempt.at)
    }

    /// Until when no further attempt of a class is judged; `None` if its rate limit has room.
    #[must_use]
    pub fn throttled_until(
        &self,
        budgets: &AttemptBudgets,
        class: AttemptClass,
        now: Timestamp,
    ) -> Option<Timestamp> {
        budgets.of(class).full_until(self.failures_of(class), now)
    }

    /// The wrong attempts that count in a rate-limit window.
    #[must_use]
    pub fn failures(&self) -> Vec<FailedAttempt> {
        let attempts = self.wrong_attempts.iter();
        attempts.filter_map(WrongAttempt::failure).collect()
    }

    /// Finds an approval that may still authorize a change.
    #[must_use]
    pub fn approval(&self, id: ApprovalId) -> Option<&Approval> {
        self.approvals.iter().find(|approval| approval.id == id)
    }

    /// The label of a method: the requested one, or a generated one if none is requested.
    ///
    /// # Errors
    /// [`Refusal::LabelTaken`] if another method has the requested label.
    pub fn label_for(
        &self,
        requested: Option<MethodLabel>,
        kind: MethodKind,
        replaced_method_id: Option<MethodId>,
    ) -> Result<MethodLabel, Refusal> {
        let others = self
            .methods
            .iter()
            .filter(|method| Some(method.id) != replaced_method_id);
        let taken: Vec<&MethodLabel> = others.map(|method| &method.label).collect();
        match requested {
            Some(label) if label.is_among(&taken) => Err(Refusal::LabelTaken),
            Some(label) => Ok(label),
            None => Ok(MethodLabel::made_up(kind, &taken)),
        }
    }

    /// Checks that the user may have one more method.
    ///
    /// # Errors
    /// [`Refusal::TooManyMethods`].
    pub fn place_for_method(
        &self,
        policy: &Policy,
        replaced_method_id: Option<MethodId>,
    ) -> Result<(), Refusal> {
        let after = self.methods.len() + usize::from(replaced_method_id.is_none());
        if after > policy.methods_per_user {
            return Err(Refusal::TooManyMethods);
        }
        Ok(())
    }

    /// Checks that a kind can be enrolled with the e-mail address on file.
    ///
    /// # Errors
    /// [`MethodIneligibility::EmailMissing`], [`MethodIneligibility::EmailNotVerified`].
    pub fn email_allows(
        &self,
        kind: MethodKind,
        rules: &PolicyRules,
        has_email: bool,
    ) -> Result<(), MethodIneligibility> {
        let must_be_verified = rules.email_must_be_verified;
        if !has_email && (must_be_verified || kind == MethodKind::Email) {
            return Err(MethodIneligibility::EmailMissing);
        }
        if must_be_verified && !self.email_verified {
            return Err(MethodIneligibility::EmailNotVerified);
        }
        Ok(())
    }

    /// Whether the user has a recovery code, a recovery key or a bypass code that can sign in.
    #[must_use]
    pub fn can_recover(&self, policy: &Policy, now: Timestamp) -> bool {
        let by_code = policy.rules.has_recovery() && self.recovery_codes_left() > 0;
        by_code || self.bypass_until().is_some_and(|until| now < until)
    }

    /// When the bypass code expires; `None` without one of the current epoch.
    #[must_use]
    pub fn bypass_until(&self) -> Option<Timestamp> {
        let live = self.bypass.as_ref().filter(|code| code.epoch == self.epoch);
        live.map(|code| code.issued.expires_at)
    }

    /// The user's recovery options, as a challenge keeps them.
    #[must_use]
    pub fn recovery_status(&self, policy: &Policy) -> RecoveryStatus {
        RecoveryStatus {
            accepted: policy.rules.has_recovery(),
            kind: self.recovery.as_ref().map(|set| set.kind),
            saved: self
                .recovery
                .as_ref()
                .is_some_and(|set| set.confirmed_at.is_some()),
        }
    }

    /// The number of recovery codes that can sign in.
    #[must_use]
    pub fn recovery_codes_accepted(&self, policy: &Policy) -> u32 {
        if policy.rules.has_recovery() {
            self.recovery_codes_left()
        } else {
            0
        }
    }

    /// The number of unused recovery codes.
    #[must_use]
    pub fn recovery_codes_left(&self) -> u32 {
        self.recovery.as_ref().map_or(0, RecoverySet::left)
    }
}

/// A recommendation to a user after a sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advice {
    /// Few recovery codes are left.
    RecoveryCodesLow,
    /// No recovery code is left.
    RecoveryCodesExhausted,
    /// The user signed in by recovery or bypass code. The approval authorizes a new method for ten minutes; after a
    /// recovery code, the removal of a lost one instead.
    SwitchMethod,
    /// The user has not confirmed that they saved their recovery codes or key.
    RecoveryCodesNotSaved,
}

/// The recommendations to a user who signed in with `answered_by` and has `codes_left` recovery codes.
/// `recovery_status` is that of the challenge.
#[must_use]
pub fn advice(
    answered_by: AnsweredBy,
    codes_left: u32,
    recovery_status: Option<RecoveryStatus>,
) -> Vec<Advice> {
    let mut advice = Vec::new();
    if answered_by.is_fallback() {
        advice.push(Advice::SwitchMethod);
    }
    if recovery_status.is_some_and(|recovery_status| !recovery_status.accepted) {
        return advice;
    }
    let kind = recovery_status.and_then(|recovery_status| recovery_status.kind);
    match (codes_left, kind) {
        (0, _) => advice.push(Advice::RecoveryCodesExhausted),
        (1..=FEW_CODES_LEFT, Some(RecoverySetKind::Codes) | None) => {
            advice.push(Advice::RecoveryCodesLow);
        }
        _ => {}
    }
    // A user who submits a code has saved the set. A used recovery key is replaced, and the new one is not saved yet.
    let saved = match answered_by {
        AnsweredBy::RecoveryKey => false,
        AnsweredBy::RecoveryCode => true,
        AnsweredBy::Code(_) | AnsweredBy::BypassCode | AnsweredBy::Password => {
            recovery_status.is_none_or(|recovery_status| recovery_status.saved)
        }
    };
    if codes_left > 0 && !saved {
        advice.push(Advice::RecoveryCodesNotSaved);
    }
    advice
}

#[cfg(test)]
mod tests;
