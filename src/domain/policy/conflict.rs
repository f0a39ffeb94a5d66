//! Conflicts and weaknesses of a policy: rules that contradict each other, are weaker than the built-in ones, or have
//! less effect than expected.

use super::{MethodKinds, Policy, PolicyRules, ProtectedChange, TwoFactorMode};
use crate::{account::AvailableChannels, method::MethodKind};

/// Two rules that contradict each other. The text says how to resolve the conflict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PolicyConflict {
    /// No kind could answer a challenge.
    #[error("no kind is allowed: name one in allowed_kinds, or set two_factor to OFF")]
    NoKindAllowed,
    /// The default kind can't be used.
    #[error(
        "default_kind is not among allowed_kinds: add it to allowed_kinds, or choose another default_kind"
    )]
    DefaultNotAllowed,
    /// The default kind can't answer a sign-in.
    #[error(
        "default_kind is weaker than sign_in_strength: choose a stronger default_kind, or lower sign_in_strength"
    )]
    DefaultTooWeak,
    /// No kind could answer a sign-in.
    #[error(
        "no allowed kind reaches sign_in_strength: allow a stronger kind, or lower sign_in_strength"
    )]
    SignInStrengthOutOfReach,
    /// No kind could answer a step-up.
    #[error(
        "no allowed kind reaches step_up_strength: allow a stronger kind, or lower step_up_strength"
    )]
    StepUpStrengthOutOfReach,
    /// Users who must enroll could not.
    #[error(
        "two_factor is REQUIRED, but every kind that counts for sign-in is locked or has no country: unlock one, allow \
         a country, or set two_factor to OPTIONAL"
    )]
    NothingToEnroll,
    /// A stolen password would be enough to take two-factor over, but not to turn it off.
    #[error(
        "password_suffices names changes that can end two-factor, but not DISABLE_TWO_FACTOR: name DISABLE_TWO_FACTOR \
         too, or none of ADD_METHOD, REPLACE_METHOD, REMOVE_METHOD and GENERATE_RECOVERY_CODES"
    )]
    PasswordWeakerThanDisabling,
    /// An attestation would be enough to take two-factor over, but not to turn it off.
    #[error(
        "attestation_suffices names changes that can end two-factor, but not DISABLE_TWO_FACTOR: name \
         DISABLE_TWO_FACTOR too, or none of ADD_METHOD, REPLACE_METHOD, REMOVE_METHOD and GENERATE_RECOVERY_CODES"
    )]
    AttestationWeakerThanDisabling,
    /// A code to the mailbox would bring a way in or take one away.
    #[error(
        "mailbox_code_suffices names other changes than DISABLE_TWO_FACTOR and GENERATE_RECOVERY_CODES: name only those"
    )]
    MailboxCodeForOtherChange,
    /// Control of the mailbox would give both the second factor and its reset.
    #[error(
        "logged_out_reset is true, but e-mail is the only allowed kind: allow another kind, or set logged_out_reset to \
         false"
    )]
    ResetByTheOnlyFactor,
}

/// A rule that is weaker than the built-in one, or has less effect than expected. It is permitted, and reported
/// wherever the policy is explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PolicyWeakness {
    /// No second factor is requested.
    #[error("two_factor is OFF: no second factor is requested")]
    TwoFactorOff,
    /// Messages may go to an unverified address.
    #[error("email_must_be_verified is false: notices and codes may go to somebody else's address")]
    EmailNotVerified,
    /// Users are not notified of changes.
    #[error(
        "change_notices is false: users are not notified of changes made in their name (NIST SP 800-63B-4 §4.6 asks \
         for notices)"
    )]
    NoChangeNotices,
    /// A stolen password is enough for some changes.
    #[error("password_suffices is not empty: a stolen password is enough for the changes in it")]
    PasswordSuffices,
    /// An attestation is enough for some changes.
    #[error(
        "attestation_suffices is not empty: a sign-in on a trusted device is enough for the changes in it"
    )]
    AttestationSuffices,
    /// Control of the mailbox is enough for some changes.
    #[error(
        "mailbox_code_suffices is not empty: an attacker who controls the mailbox can make the changes in it, though the \
         user has a stronger method"
    )]
    MailboxCodeSuffices,
    /// A session is enough for new recovery codes.
    #[error(
        "sign_in_authorizes_recovery_codes is true: an attacker who takes over a session within 15 minutes of its \
         sign-in can create recovery codes"
    )]
    SignInAuthorizesRecoveryCodes,
    /// Trust lasts longer than by default.
    #[error("trust_lifetime is longer than the built-in 30 days")]
    LongTrust,
    /// Devices are trusted without asking.
    #[error(
        "mobile_trusted_automatically is true: the tenant's mobile app is trusted without asking the user"
    )]
    TrustUnasked,
    /// The second factor can be bypassed by a reset.
    #[error(
        "logged_out_reset is true: an attacker who controls the mailbox for the length of reset_hold bypasses the \
         second factor"
    )]
    LoggedOutReset,
    /// The waiting period of a reset is shorter than by default.
    #[error(
        "reset_hold is shorter than the built-in 72 hours: the user has less time to cancel a reset"
    )]
    ShortHold,
    /// Control of one mailbox is enough to reset both factors.
    #[error(
        "reset_beside_mailed_password is true: control of one mailbox is enough to reset both factors"
    )]
    OneMailboxForBoth,
    /// Codes are valid for longer than by default.
    #[error("challenge_lifetime is longer than the built-in 5 minutes")]
    LongChallenges,
    /// More attempts are allowed for one challenge than by default.
    #[error("attempts_per_challenge is more than the built-in 5")]
    ManyAttempts,
    /// Ids in another case belong to other users.
    #[error(
        "case_sensitive_ids is true: a login service that spells an id in another case refers to another user"
    )]
    CaseSensitiveIds,
    /// Ids that look alike belong to other users.
    #[error(
        "accent_sensitive_ids is true: an id that looks like another user's refers to another user"
    )]
    AccentSensitiveIds,
    /// Users who existed before have no grace period.
    #[error(
        "grace_period without required_from starts when each user was created, so older users have none: set \
         required_from to the date of the change"
    )]
    GraceWithoutDate,
    /// A kind has no notifier.
    #[error("allowed_kinds names a kind that has no notifier: nobody can use it")]
    NoNotifier,
    /// No kind that could be enrolled has a notifier.
    #[error(
        "no kind that could be enrolled has a notifier: nobody can enroll, and where two-factor is required, users \
         without a method can't sign in"
    )]
    NothingDelivered,
}

impl PolicyRules {
    /// All conflicts of the rules.
    #[must_use]
    pub fn conflicts(&self) -> Vec<PolicyConflict> {
        let is_required = self.two_factor != TwoFactorMode::Off;
        let strongest = self.allowed_kinds.iter().map(MethodKind::strength).max();
        let default_allowed = |kind| self.allowed_kinds.contain(kind);
        let default_strong = |kind: MethodKind| kind.strength() >= self.sign_in_strength;
        let only_email = self
            .allowed_kinds
            .iter()
            .all(|kind| kind == MethodKind::Email);
        let found = [
            (
                is_required && strongest.is_none(),
                PolicyConflict::NoKindAllowed,
            ),
            (
                !self.default_kind.is_none_or(default_allowed),
                PolicyConflict::DefaultNotAllowed,
            ),
            (
                !self.default_kind.is_none_or(default_strong),
                PolicyConflict::DefaultTooWeak,
            ),
            (
                is_required && strongest.is_some_and(|most| most < self.sign_in_strength),
                PolicyConflict::SignInStrengthOutOfReach,
            ),
            (
                is_required && strongest.is_some_and(|most| most < self.step_up_strength),
                PolicyConflict::StepUpStrengthOutOfReach,
            ),
            (
                self.two_factor == TwoFactorMode::Required && !self.permits_enrollment(),
                PolicyConflict::NothingToEnroll,
            ),
            (
                weaker_than_disabling(&self.password_suffices),
                PolicyConflict::PasswordWeakerThanDisabling,
            ),
            (
                weaker_than_disabling(&self.attestation_suffices),
                PolicyConflict::AttestationWeakerThanDisabling,
            ),
            (
                self.mailbox_code_suffices
                    .iter()
                    .any(|change| !change.may_go_by_mailbox()),
                PolicyConflict::MailboxCodeForOtherChange,
            ),
            (
                self.logged_out_reset && only_email,
                PolicyConflict::ResetByTheOnlyFactor,
            ),
        ];
        let found = found.into_iter().filter(|(holds, _)| *holds);
        found.map(|(_, conflict)| conflict).collect()
    }

    /// Whether a user without a method could enroll one that counts for sign-in.
    fn permits_enrollment(&self) -> bool {
        self.enrollable().next().is_some()
    }

    /// The kinds that a user without a method could enroll, if notifiers deliver their codes.
    fn enrollable(&self) -> impl Iterator<Item = MethodKind> {
        let no_country = self.sms_countries.as_ref().is_some_and(Vec::is_empty);
        MethodKind::ALL.into_iter().filter(move |kind| {
            self.count(*kind)
                && !self.locked_kinds.contain(*kind)
                && !(*kind == MethodKind::Sms && no_country)
        })
    }

    /// Whether only new users have a grace period.
    fn grace_without_date(&self) -> bool {
        self.two_factor == TwoFactorMode::Required
            && self.required_from.is_none()
            && !self.grace_period.is_zero()
    }

    /// Whether kinds could be enrolled, but none of them has a notifier.
    fn nothing_delivered(&self, served: AvailableChannels) -> bool {
        self.two_factor != TwoFactorMode::Off
            && self.permits_enrollment()
            && !self.enrollable().any(|kind| served.serves(kind))
    }

    /// Which proofs suffice that are weaker than the user's strongest method.
    fn weak_proofs(&self) -> [(bool, PolicyWeakness); 4] {
        [
            (
                !self.password_suffices.is_empty(),
                PolicyWeakness::PasswordSuffices,
            ),
            (
                !self.attestation_suffices.is_empty(),
                PolicyWeakness::AttestationSuffices,
            ),
            (
                !self.mailbox_code_suffices.is_empty(),
                PolicyWeakness::MailboxCodeSuffices,
            ),
            (
                self.sign_in_authorizes_recovery_codes,
                PolicyWeakness::SignInAuthorizesRecoveryCodes,
            ),
        ]
    }

    /// Whether the policy names a kind without a notifier. The default that allows all kinds names none.
    fn chooses_unserved(&self, served: AvailableChannels) -> bool {
        let unserved = |kind| !served.serves(kind);
        self.allowed_kinds != MethodKinds::ALL && self.allowed_kinds.iter().any(unserved)
    }
}

impl Policy {
    /// All weaknesses of the policy, in a service with notifiers for these channels.
    #[must_use]
    pub fn weaknesses(&self, served: AvailableChannels) -> Vec<PolicyWeakness> {
        let (rules, usual) = (&self.rules, Self::built_in());
        let reset = rules.logged_out_reset;
        let trusted = rules.trusted_devices;
        let found = [
            (
                rules.two_factor == TwoFactorMode::Off,
                PolicyWeakness::TwoFactorOff,
            ),
            (
                !rules.email_must_be_verified,
                PolicyWeakness::EmailNotVerified,
            ),
            (!rules.change_notices, PolicyWeakness::NoChangeNotices),
            (
                trusted && rules.trust_lifetime > usual.rules.trust_lifetime,
                PolicyWeakness::LongTrust,
            ),
            (
                trusted && rules.mobile_trusted_automatically,
                PolicyWeakness::TrustUnasked,
            ),
            (reset, PolicyWeakness::LoggedOutReset),
            (
                reset && rules.reset_hold < usual.rules.reset_hold,
                PolicyWeakness::ShortHold,
            ),
            (
                reset && rules.reset_beside_mailed_password,
                PolicyWeakness::OneMailboxForBoth,
            ),
            (
                self.challenge_lifetime > usual.challenge_lifetime,
                PolicyWeakness::LongChallenges,
            ),
            (
                self.attempts_per_challenge > usual.attempts_per_challenge,
                PolicyWeakness::ManyAttempts,
            ),
            (rules.case_sensitive_ids, PolicyWeakness::CaseSensitiveIds),
            (
                rules.accent_sensitive_ids,
                PolicyWeakness::AccentSensitiveIds,
            ),
            (rules.grace_without_date(), PolicyWeakness::GraceWithoutDate),
            (rules.chooses_unserved(served), PolicyWeakness::NoNotifier),
            (
                rules.nothing_delivered(served),
                PolicyWeakness::NothingDelivered,
            ),
        ];
        let found = rules.weak_proofs().into_iter().chain(found);
        let found = found.filter(|(holds, _)| *holds);
        found.map(|(_, weakness)| weakness).collect()
    }
}

/// Whether a proof suffices for changes that can end two-factor, but not for turning it off.
fn weaker_than_disabling(suffices_for: &[ProtectedChange]) -> bool {
    let mut changes = suffices_for.iter();
    changes.any(|change| change.disables_two_factor())
        && !suffices_for.contains(&ProtectedChange::DisableTwoFactor)
}

#[cfg(test)]
mod tests;
