//! Why a call can't be granted as things stand, and what would do.

/// A precondition that does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Another id differs only in case.
    #[error("another user's id differs from this one only in case; use the id that exists")]
    UserIdDiffersInCase,
    /// The address on file is not verified.
    #[error(
        "the e-mail address on file is not verified: issue a challenge with verify_email, or upsert it as verified"
    )]
    EmailNotVerified,
    /// There is no address on file.
    #[error("there is no e-mail address on file: give it to UpsertUser first")]
    EmailMissing,
    /// No number was given.
    #[error("no number was given and there is none on file: set sms.phone_number")]
    PhoneMissing,
    /// Two-factor is on.
    #[error(
        "two-factor is on: pass a step_up challenge for this very action and send its approval_id"
    )]
    StepUpRequired,
    /// Somebody turned two-factor off, and the owner said that it was not they.
    #[error(
        "the user waits for an administrator, and no step_up ends that: call IssueBypassCode or ResetUser, or bring the approval of a sign-in by recovery code"
    )]
    WaitsForAdministrator,
    /// The first method.
    #[error(
        "the first method needs the account password, the ticket that BeginSignIn gave, or an attestation of a fresh first factor, from a caller with the right `attest`"
    )]
    AttestationRequired,
    /// The proof does not fit.
    #[error(
        "the authorization is used, too old, for another action, from before a change, or not this caller's: obtain a new one"
    )]
    AuthorizationNotAccepted,
    /// The password is wrong.
    #[error(
        "the account password is wrong: ask for it again; each try counts like a wrong code of the user's"
    )]
    PasswordRejected,
    /// Nobody knows passwords.
    #[error(
        "the service has nobody to ask whether a password is right: bring another proof, or configure identity.endpoints"
    )]
    NoPasswordService,
    /// The proof is too weak.
    #[error(
        "the step_up was passed with too weak a method: a method goes only by one at least as strong, a new method or new recovery codes come only by the strongest the user has, and trust in a device by one that could sign in"
    )]
    StrongerMethodRequired,
    /// Nobody could answer.
    #[error(
        "the user has no method that could answer: enroll one, or issue the challenge with recovery_only"
    )]
    NoMethod,
    /// The method is disabled.
    #[error(
        "the method is disabled after too many consecutive failures: choose another, or sign in by recovery code and bind it again"
    )]
    MethodDisabled,
    /// Too many methods.
    #[error("the user has ten methods, which is the most that there can be: remove one first")]
    TooManyMethods,
    /// The name is taken.
    #[error("another method of the user carries this label: choose another")]
    LabelTaken,
    /// The destination is enrolled.
    #[error(
        "this destination is enrolled already: choose another, or remove the method that has it first"
    )]
    DestinationEnrolled,
    /// Recovery codes are for sign-in.
    #[error(
        "recovery codes answer sign_in challenges only: type the code that the challenge asks for"
    )]
    RecoveryCodeNotAccepted,
    /// No recovery codes.
    #[error(
        "the user has no recovery codes left: GenerateRecoveryCodes makes new ones for whoever is signed in; for whoever is not, an administrator issues a bypass code"
    )]
    NoRecoveryCodes,
    /// The wrong RPC for it.
    #[error(
        "the challenge has another purpose: answer enrollments with ConfirmEnrollment, resets with ConfirmReset and all others with VerifyChallenge"
    )]
    WrongPurpose,
    /// The challenge is over.
    #[error("the challenge is over: issue a new one")]
    ChallengeOver,
    /// Nothing is sent for it.
    #[error("nothing is delivered for this challenge, so nothing can be sent again")]
    NothingToSend,
    /// No notifier.
    #[error("the service has no notifier for this channel: choose another method")]
    NoNotifier,
    /// A number of a country that the policy does not name.
    #[error(
        "the policy lets no numbers of this country be enrolled: choose another number or method"
    )]
    CountryNotAllowed,
    /// Two-factor is off.
    #[error("two-factor is off for this user: enroll a method first")]
    TwoFactorOff,
    /// Group rules, and no groups.
    #[error(
        "the policy names groups, and which of them the user is in is not known: give profile.groups to UpsertUser, without names where there are none"
    )]
    GroupsUnknown,
    /// Two layers of the policy leave no kind that counts.
    #[error(
        "what the operator and the administrator decided leaves no kind that could answer a sign-in, so that no method of the user counts: allow one that reaches sign_in_strength, or ask for less; ExplainPolicy says who decided what"
    )]
    PolicyContradictsItself,
    /// The policy has two-factor off.
    #[error(
        "the policy has two-factor off: nobody is asked for a second factor, and nobody can enroll one"
    )]
    TwoFactorNotOffered,
    /// The kind is not allowed.
    #[error("the policy does not allow methods of this kind: choose another")]
    MethodNotAllowed,
    /// The kind is too weak.
    #[error("the policy asks for a stronger method: choose another")]
    MethodTooWeak,
    /// The kind is locked.
    #[error(
        "methods of this kind are locked by your administrator: they can be neither added nor replaced nor removed"
    )]
    MethodLocked,
    /// Nothing may be changed.
    #[error("changes are locked by your administrator")]
    ChangesLocked,
    /// The default may not be changed.
    #[error("the default is locked by your administrator")]
    DefaultLocked,
    /// One method is all there may be.
    #[error("the policy gives users one method: name the one that goes in `replaces`")]
    OneMethodOnly,
    /// The last method while one is required.
    #[error(
        "two-factor is required of this user, and this is the last method that counts: replace it, or enroll another first"
    )]
    LastMethodRequired,
    /// The policy has no recovery codes.
    #[error("the policy gives users no recovery codes or key: an administrator can let them in")]
    RecoveryNotOffered,
    /// No recovery codes to be saved.
    #[error("these recovery codes are not the user's present ones: show the new ones to be saved")]
    RecoveryCodesReplaced,
    /// An administrator's call for their own account.
    #[error("acting_user_id is the user itself: another administrator has to do it")]
    ActsOnThemselves,
    /// The method is suspended.
    #[error(
        "the method is suspended, because the user says that it was not they who enrolled it: choose another, or sign in by recovery code and replace it"
    )]
    MethodSuspended,
    /// The token reverts nothing.
    #[error(
        "the token is unknown, used or older than 72 hours: ask an administrator for a reset, if the account is not the user's own any more"
    )]
    RevertTokenNotAccepted,
    /// Nothing is trusted.
    #[error(
        "the policy lets no device skip the second factor: it has no trusted devices, or asks for a code at every sign-in"
    )]
    TrustNotAllowed,
}
