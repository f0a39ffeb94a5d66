//! Where rules contradict each other, where they are weaker than the built-in ones, and where they do less than they seem to.

use super::{MethodKinds, Policy, PolicyRules, ProtectedChange, TwoFactorMode};
use crate::{account::AvailableChannels, method::MethodKind};

/// Two rules that can't hold together. Each sentence says what would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PolicyConflict {
    /// Nothing could answer.
    #[error("no kind is allowed: name one in allowed_kinds, or set two_factor to OFF")]
    NoKindAllowed,
    /// The default can't be chosen.
    #[error("default_kind is not among allowed_kinds: allow it, or make another one the default")]
    DefaultNotAllowed,
    /// The default can't answer a sign-in.
    #[error("default_kind is weaker than sign_in_strength: make a stronger kind the default")]
    DefaultTooWeak,
    /// No sign-in could be answered.
    #[error("no allowed kind reaches sign_in_strength: allow a stronger kind, or ask for less")]
    SignInStrengthOutOfReach,
    /// No step-up could be answered.
    #[error("no allowed kind reaches step_up_strength: allow a stronger kind, or ask for less")]
    StepUpStrengthOutOfReach,
    /// Users who have to enroll could not.
    #[error(
        "two-factor is required, but every kind that could answer a sign-in is locked or has no country: unlock one, or require nothing"
    )]
    NothingToEnroll,
    /// A password thief could take two-factor over where they could not turn it off.
    #[error(
        "password_suffices for adding, replacing or removing a method, or for new recovery codes, but not for disabling two-factor: the proof for those is never weaker; name DISABLE_TWO_FACTOR too, or none of the others"
    )]
    PasswordWeakerThanDisabling,
    /// The same of a caller's word.
    #[error(
        "attestation_suffices for adding, replacing or removing a method, or for new recovery codes, but not for disabling two-factor: the proof for those is never weaker; name DISABLE_TWO_FACTOR too, or none of the others"
    )]
    AttestationWeakerThanDisabling,
    /// Whoever reads the mailbox would hold the second factor and the way around it.
    #[error(
        "logged_out_reset is by e-mail, and e-mail is the only allowed kind: allow another kind, or have no such reset"
    )]
    ResetByTheOnlyFactor,
}

/// A rule that is weaker than the built-in one, or does less than it seems to. Nothing forbids it; it is said wherever the
/// policy is explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PolicyWeakness {
    /// Nobody is asked.
    #[error("two_factor is OFF: nobody is asked for a second factor")]
    TwoFactorOff,
    /// Methods beside an address that may be a stranger's.
    #[error(
        "email_must_be_verified is off: notices and codes may go to an address that is somebody else's"
    )]
    EmailNotVerified,
    /// Changes that nobody hears of.
    #[error(
        "confirmations are off: nobody hears of a change made in their name (NIST SP 800-63B-4 §4.6 asks for it)"
    )]
    NoChangeNotices,
    /// A stolen password goes further.
    #[error("password_suffices names changes: a stolen password is enough for them")]
    PasswordSuffices,
    /// A caller's mistake goes further.
    #[error(
        "attestation_suffices names changes: whoever signs in on a trusted device needs nothing more for them"
    )]
    AttestationSuffices,
    /// Trust that outlives the reason for it.
    #[error("trust_lifetime is longer than 30 days")]
    LongTrust,
    /// Trust that nobody was asked for.
    #[error("mobile_trusted_automatically: the company's app is trusted without a question")]
    TrustUnasked,
    /// A way around the second factor.
    #[error(
        "logged_out_reset is on: who holds the mailbox for as long as reset_hold gets around the second factor"
    )]
    LoggedOutReset,
    /// Less time to object.
    #[error("reset_hold is shorter than 72 hours: the owner has less time to object")]
    ShortHold,
    /// One mailbox for both factors.
    #[error("reset_beside_mailed_password: one mailbox is enough to reset both factors")]
    OneMailboxForBoth,
    /// Codes that can be read later.
    #[error("challenge_lifetime is longer than 5 minutes")]
    LongChallenges,
    /// More guesses at one code.
    #[error("attempts_per_challenge is more than 5")]
    ManyAttempts,
    /// A name in another case is another user.
    #[error(
        "case_sensitive_ids: a login service that spells a name in another case means another user"
    )]
    CaseSensitiveIds,
    /// Who was there before gets no time to enroll.
    #[error(
        "grace_period without required_from counts from when each user was made: who is older than that has none; set required_from to the day of the change"
    )]
    GraceWithoutDate,
    /// Nobody gets these codes.
    #[error("allowed_kinds names a kind for which the service has no notifier: nobody can use it")]
    NoNotifier,
    /// Nobody can enroll.
    #[error(
        "the service has no notifier for any kind that could be enrolled: nobody can enroll, and where two-factor is required nobody who did not can sign in"
    )]
    NothingDelivered,
}

impl PolicyRules {
    /// Everything in it that can't hold together.
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
            (is_required && strongest.is_none(), PolicyConflict::NoKindAllowed),
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
                self.logged_out_reset && only_email,
                PolicyConflict::ResetByTheOnlyFactor,
            ),
        ];
        let found = found.into_iter().filter(|(holds, _)| *holds);
        found.map(|(_, conflict)| conflict).collect()
    }

    /// Whether somebody without a method could get one that answers a sign-in.
    fn permits_enrollment(&self) -> bool {
        self.enrollable().next().is_some()
    }

    /// The kinds that somebody without a method could enroll, if they are served.
    fn enrollable(&self) -> impl Iterator<Item = MethodKind> {
        let no_country = self.sms_countries.as_ref().is_some_and(Vec::is_empty);
        MethodKind::ALL.into_iter().filter(move |kind| {
            self.count(*kind)
                && !self.locked_kinds.contain(*kind)
                && !(*kind == MethodKind::Sms && no_country)
        })
    }

    /// Whether there is time to enroll, but only for users who are new.
    fn grace_without_date(&self) -> bool {
        self.two_factor == TwoFactorMode::Required
            && self.required_from.is_none()
            && !self.grace_period.is_zero()
    }

    /// Whether kinds could be enrolled, and the service has no notifier for any of them.
    fn nothing_delivered(&self, served: AvailableChannels) -> bool {
        self.two_factor != TwoFactorMode::Off
            && self.permits_enrollment()
            && !self.enrollable().any(|kind| served.serves(kind))
    }

    /// Whether somebody chose a kind that the service has no notifier for. That all are allowed is nobody's choice.
    fn chooses_unserved(&self, served: AvailableChannels) -> bool {
        let unserved = |kind| !served.serves(kind);
        self.allowed_kinds != MethodKinds::ALL && self.allowed_kinds.iter().any(unserved)
    }
}

impl Policy {
    /// Everything in it that is weaker than the built-in policy, or does less than it seems to in a service that can do so
    /// much.
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
                !rules.password_suffices.is_empty(),
                PolicyWeakness::PasswordSuffices,
            ),
            (
                !rules.attestation_suffices.is_empty(),
                PolicyWeakness::AttestationSuffices,
            ),
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
            (rules.grace_without_date(), PolicyWeakness::GraceWithoutDate),
            (rules.chooses_unserved(served), PolicyWeakness::NoNotifier),
            (
                rules.nothing_delivered(served),
                PolicyWeakness::NothingDelivered,
            ),
        ];
        let found = found.into_iter().filter(|(holds, _)| *holds);
        found.map(|(_, weakness)| weakness).collect()
    }
}

/// Whether a proof that does not turn two-factor off suffices for what comes to the same.
fn weaker_than_disabling(suffices_for: &[ProtectedChange]) -> bool {
    let mut changes = suffices_for.iter();
    changes.any(|change| change.disables_two_factor())
        && !suffices_for.contains(&ProtectedChange::DisableTwoFactor)
}

#[cfg(test)]
mod tests;
