//! A message as notifiers see it.

use crate::proto::notifier::{
    Channel as SentChannel, CodeContent, CodePurpose as SentPurpose, DeliverRequest, NoticeContent,
    NoticeKind, deliver_request::Content as Sent,
};
use countersign_domain::{
    destination::Channel,
    message::{CodePurpose, Content, Message, Notice},
    time::Timestamp,
};

/// The request that hands a message over.
pub(super) fn request(message: &Message) -> DeliverRequest {
    let channel = match message.destination.channel() {
        Channel::Sms => SentChannel::Sms,
        Channel::Email => SentChannel::Email,
    };
    DeliverRequest {
        idempotency_key: message.key.clone(),
        tenant_id: message.tenant.as_str().to_owned(),
        channel: channel.into(),
        destination: message.destination.as_str().to_owned(),
        locale: message.locale.clone().unwrap_or_default(),
        display_name: message.display_name.clone(),
        subject: message.subject(),
        text: message.text(),
        content: Some(content(&message.content)),
    }
}

fn content(content: &Content) -> Sent {
    match content {
        Content::Code {
            code,
            purpose,
            transaction,
            good_for: _,
            expires_at,
        } => Sent::Code(CodeContent {
            code: code.expose().to_owned(),
            purpose: match purpose {
                CodePurpose::SignIn => SentPurpose::SignIn,
                CodePurpose::StepUp => SentPurpose::StepUp,
                CodePurpose::VerifyEmail => SentPurpose::VerifyEmail,
                CodePurpose::Enrollment => SentPurpose::Enrollment,
            }
            .into(),
            transaction_text: transaction
                .as_ref()
                .map(|text| text.as_str().to_owned())
                .unwrap_or_default(),
            expire_time: Some(timestamp(*expires_at)),
        }),
        Content::Notice(Notice::MethodAdded {
            kind,
            destination,
            at,
        }) => Sent::Notice(NoticeContent {
            kind: NoticeKind::MethodAdded.into(),
            method_kind: kind.as_str().to_owned(),
            masked_destination: destination.clone().unwrap_or_default(),
            change_time: Some(timestamp(*at)),
        }),
    }
}

fn timestamp(at: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp {
        seconds: at.millis().div_euclid(1000),
        nanos: 0,
    }
}
