//! Reasons why a kind can't be enrolled, or a method can't answer.

use crate::refusal::Refusal;

/// Why a user can't enroll a kind, or a method can't answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MethodIneligibility {
    /// The policy turned two-factor off.
    TwoFactorNotOffered,
    /// The policy does not allow the kind.
    NotAllowed,
    /// The policy requires a stronger method.
    TooWeak,
    /// The administrator locked the kind.
    Locked,
    /// The administrator does not permit users to change methods.
    ChangesLocked,
    /// The policy permits one method per user. Another one can only replace it.
    OneMethodOnly,
    /// No notifier delivers by its channel.
    NoNotifier,
    /// There is no e-mail address on file.
    EmailMissing,
    /// The user's e-mail address is not verified.
    EmailNotVerified,
    /// The user has the largest permitted number of methods.
    TooManyMethods,
    /// The policy allows phone numbers of no country.
    NoCountry,
    /// Too many consecutive failures disabled the method.
    Disabled,
    /// The enrollment of the method was reverted.
    Suspended,
}

impl MethodIneligibility {
    /// All reasons.
    pub const ALL: [Self; 13] = [
        Self::TwoFactorNotOffered,
        Self::NotAllowed,
        Self::TooWeak,
        Self::Locked,
        Self::ChangesLocked,
        Self::OneMethodOnly,
        Self::NoNotifier,
        Self::EmailMissing,
        Self::EmailNotVerified,
        Self::TooManyMethods,
        Self::NoCountry,
        Self::Disabled,
        Self::Suspended,
    ];

    /// A sentence for the user.
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
            Self::EmailMissing => {
                "There is no e-mail address for you here: ask your administrator to add one."
            }
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
            MethodIneligibility::EmailMissing => Self::EmailMissing,
            MethodIneligibility::EmailNotVerified => Self::EmailNotVerified,
            MethodIneligibility::TooManyMethods => Self::TooManyMethods,
            MethodIneligibility::NoCountry => Self::CountryNotAllowed,
            MethodIneligibility::Disabled => Self::MethodDisabled,
            MethodIneligibility::Suspended => Self::MethodSuspended,
        }
    }
}
