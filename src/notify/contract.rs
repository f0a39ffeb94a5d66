//! Converts messages to requests of the notifier contract.

use crate::notify::texts::{MessageTexts, RenderedMessage};
use countersign_domain::{
    challenge::provider_code::{ProviderCodeCheck, ProviderCodeRequest},
    method::MethodKind,
    notice::message::{CodePurpose, MessageContent, Notice, NoticeKind, OutboundMessage},
    value::{destination::Channel, time::Timestamp},
};
use countersign_proto::notifier::{
    Channel as SentChannel, CheckVerificationRequest, CodeContent, CodePurpose as SentPurpose,
    DeliverRequest, NoticeContent, NoticeKind as SentKind, StartVerificationRequest,
    deliver_request::Content as Sent,
};

/// The request that delivers a message.
pub(super) fn request(message: &OutboundMessage, texts: &MessageTexts) -> DeliverRequest {
    let RenderedMessage {
        subject,
        text,
        html,
    } = texts.render(message);
    DeliverRequest {
        idempotency_key: message.key.clone(),
        tenant_id: message.tenant.as_str().to_owned(),
        channel: channel(message.destination.channel()).into(),
        destination: message.destination.as_str().to_owned(),
        locale: message.locale.clone().unwrap_or_default(),
        display_name: message.display_name.clone(),
        account_name: message.account.as_str().to_owned(),
        subject,
        text,
        html,
        content: Some(content(message, texts)),
    }
}

/// The request that asks a provider to send a code of its own. It contains no tenant and no user.
pub(super) fn start(start: &ProviderCodeRequest) -> StartVerificationRequest {
    let ProviderCodeRequest {
        key,
        verification,
        destination,
        locale,
        display_name,
        purpose,
        expires_at,
    } = start;
    StartVerificationRequest {
        idempotency_key: key.clone(),
        verification_id: verification.id.to_string(),
        channel: channel(destination.channel()).into(),
        destination: destination.as_str().to_owned(),
        locale: locale.clone().unwrap_or_default(),
        display_name: display_name.clone(),
        purpose: sent_purpose(*purpose).into(),
        code_digits: u32::from(verification.digits.get()),
        expire_time: Some(timestamp(*expires_at)),
    }
}

/// The request that asks a provider to check digits.
pub(super) fn check(check: &ProviderCodeCheck<'_>) -> CheckVerificationRequest {
    let ProviderCodeCheck {
        key,
        verification,
        channel: _,
        digits,
    } = check;
    CheckVerificationRequest {
        idempotency_key: key.clone(),
        verification_id: verification.id.to_string(),
        digits: digits.expose().to_owned(),
    }
}

fn content(message: &OutboundMessage, texts: &MessageTexts) -> Sent {
    match &message.content {
        MessageContent::Code {
            code,
            purpose,
            transaction,
            asked_at,
            client_description,
            valid_for: _,
            expires_at,
        } => Sent::Code(CodeContent {
            code: code.expose().to_owned(),
            purpose: sent_purpose(*purpose).into(),
            transaction_text: transaction
                .as_ref()
                .map(|text| text.as_str().to_owned())
                .unwrap_or_default(),
            expire_time: Some(timestamp(*expires_at)),
            request_time: Some(timestamp(*asked_at)),
            place: client_description.place.clone().unwrap_or_default(),
            device_name: client_description.device.clone().unwrap_or_default(),
        }),
        MessageContent::Notice(notice) => Sent::Notice(NoticeContent {
            kind: kind(notice.kind).into(),
            method_kind: notice
                .method
                .map(MethodKind::as_str)
                .unwrap_or_default()
                .to_owned(),
            masked_destination: notice.destination.clone().unwrap_or_default(),
            change_time: Some(timestamp(notice.at)),
            recovery_codes_left: notice.codes_left.unwrap_or_default(),
            reset_due_time: notice.reset.as_ref().map(|reset| timestamp(reset.due_at)),
            reset_cancel_token: notice
                .reset
                .as_ref()
                .map(|reset| reset.cancel_token.clone())
                .unwrap_or_default(),
            reset_cancel_url: texts.cancel_reset_link(message).unwrap_or_default(),
            revert_url: texts.revert_link(message).unwrap_or_default(),
            revert_token: token(notice),
        }),
    }
}

const fn channel(channel: Channel) -> SentChannel {
    match channel {
        Channel::Sms => SentChannel::Sms,
        Channel::Email => SentChannel::Email,
    }
}

const fn sent_purpose(purpose: CodePurpose) -> SentPurpose {
    match purpose {
        CodePurpose::SignIn => SentPurpose::SignIn,
        CodePurpose::StepUp => SentPurpose::StepUp,
        CodePurpose::VerifyEmail => SentPurpose::VerifyEmail,
        CodePurpose::Enrollment => SentPurpose::Enrollment,
        CodePurpose::Reset => SentPurpose::Reset,
    }
}

const fn kind(kind: NoticeKind) -> SentKind {
    match kind {
        NoticeKind::MethodAdded => SentKind::MethodAdded,
        NoticeKind::MethodRemoved => SentKind::MethodRemoved,
        NoticeKind::MethodReplaced => SentKind::MethodReplaced,
        NoticeKind::DefaultChanged => SentKind::DefaultChanged,
        NoticeKind::MethodDisabled => SentKind::MethodDisabled,
        NoticeKind::TwoFactorDisabled => SentKind::TwoFactorDisabled,
        NoticeKind::RecoveryCodesGenerated => SentKind::RecoveryCodesGenerated,
        NoticeKind::RecoveryCodeUsed => SentKind::RecoveryCodeUsed,
        NoticeKind::RecoveryCodesLow => SentKind::RecoveryCodesLow,
        NoticeKind::RecoveryCodesExhausted => SentKind::RecoveryCodesExhausted,
        NoticeKind::DeviceTrusted => SentKind::DeviceTrusted,
        NoticeKind::ResetStarted => SentKind::ResetStarted,
        NoticeKind::ResetCanceled => SentKind::ResetCanceled,
        NoticeKind::ResetDone => SentKind::ResetDone,
        NoticeKind::AddressChanged => SentKind::AddressChanged,
        NoticeKind::ManyWrongCodes => SentKind::ManyWrongCodes,
        NoticeKind::BypassCodeIssued => SentKind::BypassCodeIssued,
        NoticeKind::BypassCodeUsed => SentKind::BypassCodeUsed,
        NoticeKind::ChangeReverted => SentKind::ChangeReverted,
        NoticeKind::RecoveryKeyUsed => SentKind::RecoveryKeyUsed,
        NoticeKind::DeviceDisowned => SentKind::DeviceDisowned,
        NoticeKind::DeviceTokenReused => SentKind::DeviceTokenReused,
    }
}

fn token(notice: &Notice) -> String {
    let disclaimer = notice.disclaimer.as_ref();
    disclaimer
        .map(|disclaimer| disclaimer.token.expose())
        .unwrap_or_default()
}

fn timestamp(at: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp {
        seconds: at.millis().div_euclid(1000),
        nanos: 0,
    }
}
