//! The list of all texts, and the values that each may contain.

use countersign_domain::{
    method::MethodKind,
    notice::message::{CodePurpose, NoticeKind},
};

/// One text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MessageTemplate {
    /// Its name in the files.
    pub(super) id: String,
    /// Values that the text has to contain.
    pub(super) must: Vec<&'static str>,
    /// Further values that the text may contain.
    pub(super) may: Vec<&'static str>,
}

pub(super) const SMS_TRANSACTION: &str = "sms-transaction";
pub(super) const SMS_MINUTES: &str = "sms-minutes";
pub(super) const SMS_ACCOUNT: &str = "sms-account";
pub(super) const SMS_CLIENT: &str = "sms-client";
pub(super) const SMS_DO_NOT_SHARE: &str = "sms-do-not-share";
pub(super) const SMS_NOT_YOU: &str = "sms-not-you";
pub(super) const MAIL_TRANSACTION: &str = "mail-transaction";
pub(super) const MAIL_MINUTES: &str = "mail-minutes";
pub(super) const MAIL_ACCOUNT: &str = "mail-account";
pub(super) const MAIL_CLIENT: &str = "mail-client";
pub(super) const MAIL_DO_NOT_SHARE: &str = "mail-do-not-share";
pub(super) const MAIL_WHEN: &str = "mail-when";
pub(super) const MAIL_NOT_YOU: &str = "mail-not-you";
pub(super) const MAIL_RESET_HOLD: &str = "mail-reset-hold";
pub(super) const MAIL_RESET_PAGE: &str = "mail-reset-page";
pub(super) const MAIL_REVERT: &str = "mail-revert";

/// Texts that several messages share: name, required values, allowed values.
const SHARED: [(&str, &[&str], &[&str]); 16] = [
    (SMS_TRANSACTION, &["transaction"], &[]),
    (SMS_MINUTES, &["minutes"], &[]),
    (SMS_ACCOUNT, &["account"], &[]),
    (SMS_CLIENT, &["client"], &[]),
    (SMS_DO_NOT_SHARE, &[], &[]),
    (SMS_NOT_YOU, &[], &[]),
    (MAIL_TRANSACTION, &["transaction"], &[]),
    (MAIL_MINUTES, &["minutes"], &[]),
    (MAIL_ACCOUNT, &["account"], &[]),
    (MAIL_CLIENT, &["client"], &[]),
    (MAIL_DO_NOT_SHARE, &[], &["company"]),
    (MAIL_WHEN, &["time"], &[]),
    (MAIL_NOT_YOU, &[], &["company"]),
    (MAIL_RESET_HOLD, &["due", "token"], &[]),
    (MAIL_RESET_PAGE, &["due"], &[]),
    (MAIL_REVERT, &["hours"], &["company"]),
];

/// All texts.
pub(super) fn templates() -> Vec<MessageTemplate> {
    let codes = CodePurpose::ALL.into_iter().flat_map(of_code);
    let notices = NoticeKind::ALL.into_iter().flat_map(of_notice);
    let shared = SHARED
        .into_iter()
        .map(|(id, must, may)| template(id.to_owned(), must, may));
    let methods = MethodKind::ALL
        .into_iter()
        .map(|kind| template(method(kind).to_owned(), &[], &[]));
    codes.chain(notices).chain(shared).chain(methods).collect()
}

fn of_code(purpose: CodePurpose) -> [MessageTemplate; 3] {
    let stem = code(purpose);
    [
        template(sms(stem), &["company", "code"], &[]),
        template(subject(stem), &[], &["company"]),
        template(mail(stem), &[], &["company"]),
    ]
}

/// The text message of a notice.
pub(super) fn of_notice_sms(kind: NoticeKind) -> MessageTemplate {
    let must = [&["company"], required_values(kind)].concat();
    template(sms(notice(kind)), &must, &[])
}

fn of_notice(kind: NoticeKind) -> [MessageTemplate; 3] {
    let stem = notice(kind);
    let notice = required_values(kind);
    [
        of_notice_sms(kind),
        template(subject(stem), &[], &["company"]),
        template(mail(stem), notice, &["company"]),
    ]
}

fn template(id: String, must: &[&'static str], may: &[&'static str]) -> MessageTemplate {
    MessageTemplate {
        id,
        must: must.to_vec(),
        may: may.to_vec(),
    }
}

/// The name of the text message.
pub(super) fn sms(stem: &str) -> String {
    format!("{stem}-sms")
}

/// The name of the e-mail's subject.
pub(super) fn subject(stem: &str) -> String {
    format!("{stem}-subject")
}

/// The name of the e-mail's sentence.
pub(super) fn mail(stem: &str) -> String {
    format!("{stem}-mail")
}

/// The common prefix of a code's texts.
pub(super) const fn code(purpose: CodePurpose) -> &'static str {
    match purpose {
        CodePurpose::SignIn => "code-sign-in",
        CodePurpose::StepUp => "code-step-up",
        CodePurpose::VerifyEmail => "code-verify-email",
        CodePurpose::Enrollment => "code-enrollment",
        CodePurpose::Reset => "code-reset",
    }
}

/// The text with the name of a method.
pub(super) const fn method(kind: MethodKind) -> &'static str {
    match kind {
        MethodKind::Totp => "method-totp",
        MethodKind::Sms => "method-sms",
        MethodKind::Email => "method-email",
    }
}

/// The common prefix of a notice's texts.
pub(super) const fn notice(kind: NoticeKind) -> &'static str {
    match kind {
        NoticeKind::MethodAdded => "notice-method-added",
        NoticeKind::MethodRemoved => "notice-method-removed",
        NoticeKind::MethodReplaced => "notice-method-replaced",
        NoticeKind::DefaultChanged => "notice-default-changed",
        NoticeKind::MethodDisabled => "notice-method-disabled",
        NoticeKind::TwoFactorDisabled => "notice-two-factor-disabled",
        NoticeKind::RecoveryCodesGenerated => "notice-recovery-codes-generated",
        NoticeKind::RecoveryCodeUsed => "notice-recovery-code-used",
        NoticeKind::RecoveryCodesLow => "notice-recovery-codes-low",
        NoticeKind::RecoveryCodesExhausted => "notice-recovery-codes-exhausted",
        NoticeKind::DeviceTrusted => "notice-device-trusted",
        NoticeKind::ResetStarted => "notice-reset-started",
        NoticeKind::ResetCanceled => "notice-reset-canceled",
        NoticeKind::ResetDone => "notice-reset-done",
        NoticeKind::AddressChanged => "notice-address-changed",
        NoticeKind::ManyWrongCodes => "notice-many-wrong-codes",
        NoticeKind::BypassCodeIssued => "notice-bypass-code-issued",
        NoticeKind::BypassCodeUsed => "notice-bypass-code-used",
        NoticeKind::ChangeReverted => "notice-change-reverted",
        NoticeKind::RecoveryKeyUsed => "notice-recovery-key-used",
        NoticeKind::DeviceDisowned => "notice-device-disowned",
        NoticeKind::DeviceTokenReused => "notice-device-token-reused",
    }
}

/// The values that the texts of a notice have to contain.
const fn required_values(kind: NoticeKind) -> &'static [&'static str] {
    match kind {
        NoticeKind::MethodAdded
        | NoticeKind::MethodRemoved
        | NoticeKind::MethodReplaced
        | NoticeKind::DefaultChanged
        | NoticeKind::MethodDisabled => &["method"],
        NoticeKind::RecoveryCodeUsed | NoticeKind::RecoveryCodesLow => &["left"],
        NoticeKind::TwoFactorDisabled
        | NoticeKind::RecoveryCodesGenerated
        | NoticeKind::RecoveryCodesExhausted
        | NoticeKind::DeviceTrusted
        | NoticeKind::ResetStarted
        | NoticeKind::ResetCanceled
        | NoticeKind::ResetDone
        | NoticeKind::AddressChanged
        | NoticeKind::ManyWrongCodes
        | NoticeKind::BypassCodeIssued
        | NoticeKind::BypassCodeUsed
        | NoticeKind::ChangeReverted
        | NoticeKind::RecoveryKeyUsed
        | NoticeKind::DeviceDisowned
        | NoticeKind::DeviceTokenReused => &[],
    }
}
