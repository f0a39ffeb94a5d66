//! The messages that checks send. Each says that it is a test.

use crate::{notifier::CheckedNotifier, settings::TestDestination};
use countersign_proto::notifier::{
    Channel, CodeContent, CodePurpose, DeliverRequest, NoticeContent, deliver_request::Content,
};
use prost_types::Timestamp;

/// The lifetime that a test message states for its code, in seconds.
const GOOD_FOR_SECONDS: i64 = 300;

impl CheckedNotifier {
    /// A message with a code. Each name gives another idempotency key.
    pub(super) fn code(&self, name: &str) -> DeliverRequest {
        let now = self.settings.now;
        let content = Content::Code(CodeContent {
            code: "000000".to_owned(),
            purpose: CodePurpose::SignIn.into(),
            transaction_text: String::new(),
            expire_time: Some(seconds(now + GOOD_FOR_SECONDS)),
            request_time: Some(seconds(now)),
            place: String::new(),
            device_name: String::new(),
        });
        self.message(name, content)
    }

    /// A message with a notice. Each name gives another idempotency key.
    pub(super) fn notice(&self, name: &str, kind: i32) -> DeliverRequest {
        let content = Content::Notice(NoticeContent {
            kind,
            method_kind: "TOTP".to_owned(),
            masked_destination: String::new(),
            change_time: Some(seconds(self.settings.now)),
            recovery_codes_left: 3,
            reset_due_time: None,
            reset_cancel_token: String::new(),
            reset_cancel_url: String::new(),
            revert_url: String::new(),
            revert_token: String::new(),
        });
        self.message(name, content)
    }

    /// A message without a destination, so that it can't be sent.
    pub(super) fn to_nowhere(&self, name: &str) -> DeliverRequest {
        DeliverRequest {
            destination: String::new(),
            ..self.code(name)
        }
    }

    fn message(&self, name: &str, content: Content) -> DeliverRequest {
        let TestDestination { channel, address } = &self.settings.destination;
        let run = &self.settings.run;
        let text = format!("Countersign notifier check: {name}. A test, please ignore. 000000");
        let is_email = *channel == Channel::Email;
        let of_email = |text: String| if is_email { text } else { String::new() };
        DeliverRequest {
            idempotency_key: format!("notifier-check-{run}-{name}"),
            tenant_id: "countersign-notifier-check".to_owned(),
            channel: (*channel).into(),
            destination: address.clone().unwrap_or_default(),
            locale: "en".to_owned(),
            display_name: "Countersign notifier check".to_owned(),
            account_name: "jane".to_owned(),
            subject: of_email(format!("Countersign notifier check: {name}")),
            html: of_email(format!("<p>{text}</p>")),
            text,
            content: Some(content),
        }
    }
}

const fn seconds(seconds: i64) -> Timestamp {
    Timestamp { seconds, nanos: 0 }
}
