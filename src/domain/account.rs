//! An account: all that is durable about one user, as one load brings it.

mod attempts;
pub mod change;
mod code_hash;
mod default_method;
pub mod directory;
pub mod profile;
mod reset;
mod revert;

pub use attempts::{MAX_APPROVALS, MAX_WRONG_ATTEMPTS, WrongAttempt};
pub use code_hash::{PendingAttempt, StoredHashLookup};
pub use default_method::{AvailableChannels, DefaultMethod, DefaultReason, MethodRequirements};

use crate::{
    account::change::FailedAttempt,
    challenge::{answered_by::AnsweredBy, approval::Approval},
    device::{Device, DeviceTokenHash},
    limits::budget::AttemptClass,
    method::{Method, MethodKind, MethodLabel, MethodStrength},
    policy::{Policy, PolicyOverride, PolicyRules},
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

/// All that is durable about one user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Who.
    pub subject: Subject,
    /// Everything issued carries it.
    pub epoch: Epoch,
    /// Grows with every change; a change made from an older one is refused.
    pub revision: i64,
    /// What the administrator of the tenant decided.
    pub tenant_layer: PolicyOverride,
    /// The user's own key, under which personal fields of audit records are sealed.
    pub user_key: SealedBytes,
    /// What is on file.
    pub profile: SealedBytes,
    /// The authentication tag of what the store keeps beside the record, which tells it from anything earlier. It is the
    /// store's: no rule reads or changes it.
    pub profile_tag: Vec<u8>,
    /// The digest by which users are found who have the address on file.
    pub email_tag: Option<[u8; 16]>,
    /// Whether the address on file is known to be the user's.
    pub email_verified: bool,
    /// Grows with each change of the address on file.
    pub email_version: u32,
    /// The enrolled methods, oldest first.
    pub methods: Vec<Method>,
    /// The default that the user chose.
    pub user_default: Option<MethodId>,
    /// What is left of the recovery codes.
    pub recovery: Option<RecoverySet>,
    /// The recognized devices.
    pub devices: Vec<Device>,
    /// The wrong attempts that a rule may still ask for, oldest first.
    pub wrong_attempts: Vec<WrongAttempt>,
    /// Attempt windows that filled up and were not seen empty since: the user was told of them.
    pub announced_windows: Vec<AttemptClass>,
    /// Approvals that may still authorize a change, oldest first.
    pub approvals: Vec<Approval>,
    /// How often the user was told something: each change with notices and each security alert takes the next number.
    pub notice_turn: i64,
    /// The changes that can be reverted.
    pub revertible: Vec<RevertRecord>,
    /// Whether sign-in waits for an administrator: two-factor was turned off by somebody who was not the user.
    pub pending_review: bool,
    /// When the user was first upserted.
    pub created_at: Timestamp,
    /// When the user last changed.
    pub updated_at: Timestamp,
    /// The bypass code that was issued last, until it is used.
    pub bypass: Option<LiveBypassCode>,
    /// Since when the address on file is this one.
    pub email_since: Timestamp,
    /// The reset that somebody asked for who could not sign in.
    pub reset: Option<Reset>,
}

impl Account {
    /// Whether anything is enrolled: as soon as one method is confirmed, whatever its state; or was, and somebody else turned
    /// it off.
    #[must_use]
    pub const fn two_factor_enabled(&self) -> bool {
        !self.methods.is_empty() || self.pending_review
    }

    /// Whether a method is enrolled that counts, whatever its state: who makes it fail does not get rid of it, and who
    /// turned it off in the user's place does not either.
    #[must_use]
    pub fn is_protected(&self, rules: &PolicyRules) -> bool {
        self.pending_review || self.methods_that_count(rules).next().is_some()
    }

    /// The methods that count, whatever their state.
    pub fn methods_that_count(&self, rules: &PolicyRules) -> impl Iterator<Item = &Method> {
        let counts = |method: &&Method| rules.count(method.kind);
        self.methods.iter().filter(counts)
    }

    /// Whether two-factor is off once a method goes: it is the last one, or the last one that counts.
    #[must_use]
    pub fn ends_with(&self, gone: MethodId, rules: &PolicyRules) -> bool {
        let only = |methods: Vec<MethodId>| methods == [gone];
        let ids = self.methods.iter().map(|method| method.id);
        let counting = self.methods_that_count(rules).map(|method| method.id);
        only(ids.collect()) || only(counting.collect())
    }

    /// How much the strongest method proves whose kind the policy allows, whatever its state.
    #[must_use]
    pub fn strongest(&self, rules: &PolicyRules) -> Option<MethodStrength> {
        let kinds = self.methods.iter().map(|method| method.kind);
        let allowed = kinds.filter(|kind| rules.allowed_kinds.contain(*kind));
        allowed.map(MethodKind::strength).max()
    }

    /// One of the user's methods.
    #[must_use]
    pub fn method(&self, id: MethodId) -> Option<&Method> {
        self.methods.iter().find(|method| method.id == id)
    }

    pub(crate) fn method_mut(&mut self, id: MethodId) -> Option<&mut Method> {
        self.methods.iter_mut().find(|method| method.id == id)
    }

    /// One of the user's devices.
    #[must_use]
    pub fn device(&self, id: DeviceId) -> Option<&Device> {
        self.devices.iter().find(|device| device.id == id)
    }

    /// The device that holds a token.
    #[must_use]
    pub fn device_holding(&self, token: DeviceTokenHash) -> Option<&Device> {
        self.devices.iter().find(|device| device.holds(token))
    }

    /// When guesses of a class were judged wrong.
    pub fn failures_of(&self, class: AttemptClass) -> impl Iterator<Item = Timestamp> {
        let of_class = self
            .wrong_attempts
            .iter()
            .filter(move |attempt| attempt.class == Some(class));
        of_class.map(|attempt| attempt.at)
    }

    /// The wrong attempts that fill a rate-limit window.
    #[must_use]
    pub fn failures(&self) -> Vec<FailedAttempt> {
        let attempts = self.wrong_attempts.iter();
        attempts.filter_map(WrongAttempt::failure).collect()
    }

    /// An approval that may still authorize a change.
    #[must_use]
    pub fn approval(&self, id: ApprovalId) -> Option<&Approval> {
        self.approvals.iter().find(|approval| approval.id == id)
    }

    /// The name that a new method will have: the one asked for, if it is free, or one made up.
    ///
    /// # Errors
    /// [`Refusal::LabelTaken`].
    pub fn label_for(
        &self,
        requested: Option<MethodLabel>,
        kind: MethodKind,
        replaced_challenge_id: Option<MethodId>,
    ) -> Result<MethodLabel, Refusal> {
        let others = self
            .methods
            .iter()
            .filter(|method| Some(method.id) != replaced_challenge_id);
        let taken: Vec<&MethodLabel> = others.map(|method| &method.label).collect();
        match requested {
            Some(label) if taken.contains(&&label) => Err(Refusal::LabelTaken),
            Some(label) => Ok(label),
            None => Ok(MethodLabel::made_up(kind, &taken)),
        }
    }

    /// Whether there is a place for one more method.
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

    /// Whether a kind can be enrolled with the e-mail address on file as it is.
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

    /// Whether anything is left that stands in for a method.
    #[must_use]
    pub fn can_recover(&self, policy: &Policy, now: Timestamp) -> bool {
        let by_code = policy.rules.has_recovery() && self.recovery_codes_left() > 0;
        by_code || self.bypass_until().is_some_and(|until| now < until)
    }

    /// Until when a bypass code can sign in, where one is live in this epoch.
    #[must_use]
    pub fn bypass_until(&self) -> Option<Timestamp> {
        let live = self.bypass.as_ref().filter(|code| code.epoch == self.epoch);
        live.map(|code| code.issued.expires_at)
    }

    /// How the user's way back stands, to be known when a code is judged.
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

    /// How many recovery codes can sign in.
    #[must_use]
    pub fn recovery_codes_accepted(&self, policy: &Policy) -> u32 {
        if policy.rules.has_recovery() {
            self.recovery_codes_left()
        } else {
            0
        }
    }

    /// How many recovery codes are unused.
    #[must_use]
    pub fn recovery_codes_left(&self) -> u32 {
        self.recovery.as_ref().map_or(0, RecoverySet::left)
    }
}

/// What to tell a user after a sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advice {
    /// Few recovery codes are left.
    RecoveryCodesLow,
    /// None is left.
    RecoveryCodesExhausted,
    /// A recovery or bypass code signed in: the way to a method is open for ten minutes.
    SwitchMethod,
    /// The user did not say yet that they had saved their recovery codes or key.
    RecoveryCodesNotSaved,
}

/// What to tell a user who signed in with `answered_by`, has so many recovery codes left, and whose way back stood so when
/// they were asked.
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
    // Who could type one has saved it, but nobody has saved the key that takes its place.
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
