//! Refusals: preconditions of a call that are not met, and how to meet them.

use crate::authorization::rejection::AuthorizationRejection;

/// A precondition that is not met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// An existing user id differs only in case.
    #[error("user_id differs from an existing one only in case: use the existing user_id")]
    UserIdDiffersInCase,
    /// The user's e-mail address is not verified.
    #[error(
        "the user's e-mail address is not verified: issue a challenge with verify_email, or set profile.email_verified \
         with UpsertUser"
    )]
    EmailNotVerified,
    /// The user has no e-mail address.
    #[error("the user has no e-mail address: set profile.email with UpsertUser")]
    EmailMissing,
    /// Neither request nor profile has a phone number.
    #[error("no phone number: set sms.phone_number, or profile.phone_number with UpsertUser")]
    PhoneMissing,
    /// The change needs a step-up.
    #[error("step-up required: pass a step_up challenge for this action and send its approval_id")]
    StepUpRequired,
    /// Sign-in and changes are suspended, because somebody else turned two-factor off.
    #[error(
        "account locked pending administrator review: call IssueBypassCode or ResetUser, or send the approval_id of a \
         sign-in by recovery code"
    )]
    WaitsForAdministrator,
    /// The change needs a proof of the first factor.
    #[error(
        "first factor required: send the account password, an attestation by a caller with the right `attest`, or, to \
         enroll a method, the ticket from BeginSignIn"
    )]
    AttestationRequired,
    /// The proof does not authorize the change.
    #[error("authorization not accepted: {0}")]
    AuthorizationNotAccepted(AuthorizationRejection),
    /// The account password is wrong.
    #[error(
        "the account password is wrong: ask the user for it again; each attempt counts like a wrong code"
    )]
    PasswordRejected,
    /// No password service is configured.
    #[error(
        "no password service is configured: send another proof, or configure identity.endpoints"
    )]
    NoPasswordService,
    /// The method that answered the step-up is too weak.
    #[error(
        "the method that answered the step_up is too weak: to remove a method, use one at least as strong; to add a \
         method, generate recovery codes or turn two-factor off, use one as strong as the user's strongest, where a \
         method removed by recovery code counts for 72 hours more; to trust a device, use one that counts for sign-in"
    )]
    StrongerMethodRequired,
    /// No method of the user can answer.
    #[error(
        "no method of the user can answer: enroll one, or issue the challenge with recovery_only"
    )]
    NoMethod,
    /// The method is disabled.
    #[error(
        "the method is disabled after too many consecutive failures: choose another, or sign in by recovery code and \
         replace it"
    )]
    MethodDisabled,
    /// The user has the largest permitted number of methods.
    #[error("the user has ten methods, which is the maximum: remove one first")]
    TooManyMethods,
    /// Another method has the label.
    #[error("another method of the user has this label: choose another label")]
    LabelTaken,
    /// Another method has the destination.
    #[error("the destination is already enrolled: choose another, or remove its method first")]
    DestinationEnrolled,
    /// A recovery code was submitted where none is accepted.
    #[error(
        "recovery codes answer only sign_in challenges: submit the code that the challenge asks for"
    )]
    RecoveryCodeNotAccepted,
    /// The user has no recovery codes left.
    #[error(
        "the user has no recovery codes left: call GenerateRecoveryCodes after a sign-in, or IssueBypassCode for a \
         user who can't sign in"
    )]
    NoRecoveryCodes,
    /// The RPC does not answer challenges of this purpose.
    #[error(
        "the challenge has another purpose: answer enrollments with ConfirmEnrollment, resets with ConfirmReset and all others with VerifyChallenge"
    )]
    WrongPurpose,
    /// The challenge is over.
    #[error("the challenge is over: issue a new one")]
    ChallengeOver,
    /// The challenge sends no code.
    #[error("this challenge sends no code, so there is nothing to resend")]
    NothingToSend,
    /// No notifier delivers by the channel.
    #[error("the service has no notifier for this channel: choose another method")]
    NoNotifier,
    /// The policy does not allow phone numbers of the country.
    #[error(
        "the policy does not allow phone numbers of this country: choose another number or method"
    )]
    CountryNotAllowed,
    /// Two-factor is off.
    #[error("two-factor is off for this user: enroll a method first")]
    TwoFactorOff,
    /// The policy names groups, and the user's groups are unknown.
    #[error(
        "the policy names groups, and the user's groups are unknown: set profile.groups with UpsertUser, empty if \
         there are none"
    )]
    GroupsUnknown,
    /// Two layers of the policy leave no kind that counts.
    #[error(
        "the policies of operator and administrator together leave no kind that counts for sign-in: allow one that \
         reaches sign_in_strength, or lower sign_in_strength; ExplainPolicy shows who decided what"
    )]
    PolicyContradictsItself,
    /// The policy turned two-factor off.
    #[error(
        "the policy turned two-factor off: no second factor is requested, and none can be enrolled"
    )]
    TwoFactorNotOffered,
    /// The policy does not allow the kind.
    #[error("the policy does not allow methods of this kind: choose another kind")]
    MethodNotAllowed,
    /// The kind is too weak.
    #[error("the policy requires a stronger method: choose another kind")]
    MethodTooWeak,
    /// The kind is locked.
    #[error("methods of this kind are locked by policy: they can't be added, replaced or removed")]
    MethodLocked,
    /// Users may not change methods.
    #[error("changes of methods are locked by policy: users_may_change is false")]
    ChangesLocked,
    /// The default is locked.
    #[error("the default method is locked by policy: default_locked is true")]
    DefaultLocked,
    /// The policy permits one method per user.
    #[error(
        "the policy permits one method per user: set replaced_method_id to the method to replace"
    )]
    OneMethodOnly,
    /// A method is required, and this is the last one that counts.
    #[error(
        "two-factor is required, and this is the user's last method that counts: replace it, or enroll another first"
    )]
    LastMethodRequired,
    /// A code to the mailbox created the recovery codes recently.
    #[error(
        "these recovery codes were created by a code to the mailbox less than 72 hours ago: until then they sign in, and \
         authorize no change"
    )]
    RecoveryCodesTooNew,
    /// A sign-in by recovery code would remove the last method that can sign in.
    #[error(
        "no other method can answer a sign-in: set replaced_method_id in BeginEnrollment to replace this one instead"
    )]
    NoMethodLeft,
    /// The policy offers no recovery codes or key.
    #[error("the policy offers no recovery codes or key: an administrator can issue a bypass code")]
    RecoveryNotOffered,
    /// The confirmed recovery codes are not the current ones.
    #[error(
        "these recovery codes are not the user's current ones: show the new ones and confirm those"
    )]
    RecoveryCodesReplaced,
    /// An administrator acts on their own account.
    #[error("acting_user_id is the user's own id: another administrator must make this call")]
    ActsOnThemselves,
    /// The method is suspended.
    #[error(
        "the method is suspended, because its enrollment was reverted: choose another, or sign in by recovery code and \
         replace it"
    )]
    MethodSuspended,
    /// The token reverts no change.
    #[error(
        "the token is unknown, used or older than 72 hours: if the account is compromised, ask an administrator for a \
         reset"
    )]
    RevertTokenNotAccepted,
    /// The policy permits no trusted devices.
    #[error(
        "the policy permits no trusted devices: trusted_devices is false, or challenge_every_sign_in is true"
    )]
    TrustNotAllowed,
}
