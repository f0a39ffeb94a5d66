//! Parses and identifies messages to send.

use countersign_domain::value::secret::MacKey;
use countersign_proto::notifier::{Channel, DeliverRequest, deliver_request::Content};
use prost::Message;
use std::fmt;
use zeroize::Zeroizing;

/// The maximum length of an idempotency key, in ASCII characters.
const MAX_KEY_BYTES: usize = 128;

/// The maximum length of a subject or display name, in characters.
const MAX_LINE_CHARS: usize = 256;

/// The maximum length of an e-mail's text, in characters.
const MAX_MAIL_CHARS: usize = 16 * 1024;

/// The maximum length of a text message, in characters: about ten segments, the limit of gateways.
const MAX_SMS_CHARS: usize = 1600;

/// The maximum length of HTML, in bytes.
const MAX_HTML_BYTES: usize = 128 * 1024;

/// A keyed digest that identifies a message in the idempotency store.
pub type MessageDigest = [u8; 16];

/// A message to send. It stays in memory only while it is in flight.
pub struct ParsedMessage {
    /// The idempotency key, equal for every attempt.
    pub key: String,
    /// The channel.
    pub channel: Channel,
    /// The phone number or e-mail address.
    pub destination: String,
    /// The display name of the tenant.
    pub display_name: String,
    /// The subject of an e-mail.
    pub subject: String,
    /// The plain text.
    pub text: Zeroizing<String>,
    /// The HTML of an e-mail; empty if there is none.
    pub html: Zeroizing<String>,
    /// Whether the message may be sent again if its result is unknown.
    pub kind: RetrySafety,
}

/// Whether a message may be sent again if its result is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetrySafety {
    /// A code is not sent again: its user requests another one.
    Code,
    /// A notice is sent again: receiving it twice is better than never.
    Notice,
}

/// A message with its digests.
pub struct IdentifiedMessage {
    /// The message.
    pub letter: ParsedMessage,
    /// The digest of the idempotency key.
    pub tag: MessageDigest,
    /// The digest of tenant, channel, destination and content. It excludes the text, which is rendered again for every
    /// attempt.
    pub mark: MessageDigest,
}

/// Why a request is not a valid message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {why}")]
pub struct UnusableMessage {
    /// The field.
    pub field: &'static str,
    /// What is wrong with the field.
    pub why: &'static str,
}

impl IdentifiedMessage {
    /// Parses a request and computes its digests with the idempotency store's `key`.
    ///
    /// # Errors
    /// [`UnusableMessage`] names the malformed field.
    pub fn read(request: DeliverRequest, key: &MacKey) -> Result<Self, UnusableMessage> {
        let tag = key.tag([b"key".as_slice(), request.idempotency_key.as_bytes()]);
        let mark = mark(&request, key);
        let letter = ParsedMessage::read(request)?;
        Ok(Self { letter, tag, mark })
    }
}

impl ParsedMessage {
    /// A message that is never sent, for checking templates.
    pub(super) fn example() -> Self {
        Self {
            key: "example".to_owned(),
            channel: Channel::Sms,
            destination: "+10000000000".to_owned(),
            display_name: String::new(),
            subject: String::new(),
            text: Zeroizing::default(),
            html: Zeroizing::default(),
            kind: RetrySafety::Code,
        }
    }

    fn read(request: DeliverRequest) -> Result<Self, UnusableMessage> {
        let channel = request.channel();
        let DeliverRequest {
            idempotency_key,
            tenant_id: _,
            channel: _,
            destination,
            locale: _,
            display_name,
            account_name: _,
            subject,
            text,
            content,
            html,
        } = request;
        let (text, html) = (Zeroizing::new(text), Zeroizing::new(html));
        if !is_key(&idempotency_key) {
            let why = "has to be 1 to 128 visible ASCII characters";
            return Err(malformed("idempotency_key", why));
        }
        if channel == Channel::Unspecified {
            return Err(malformed("channel", "has to be SMS or EMAIL"));
        }
        if destination.is_empty() {
            return Err(malformed("destination", "must not be empty"));
        }
        if text.is_empty() {
            return Err(malformed("text", "must not be empty"));
        }
        let longest = longest_text(channel);
        if text.chars().count() > longest || html.len() > MAX_HTML_BYTES {
            return Err(malformed(
                "text",
                "is too long: at most 1,600 characters for SMS, 16,384 for e-mail, 128 KiB of HTML",
            ));
        }
        if !is_line(&subject) {
            return Err(malformed(
                "subject",
                "has to be one line of at most 256 characters",
            ));
        }
        if !is_line(&display_name) {
            return Err(malformed(
                "display_name",
                "has to be one line of at most 256 characters",
            ));
        }
        let kind = kind(content, &subject)?;
        Ok(Self {
            key: idempotency_key,
            channel,
            destination,
            display_name,
            subject,
            text,
            html,
            kind,
        })
    }
}

fn kind(content: Option<Content>, subject: &str) -> Result<RetrySafety, UnusableMessage> {
    let code = match content {
        // Content of a later version of the contract: its text is sent, but not twice.
        None => return Ok(RetrySafety::Code),
        Some(Content::Notice(_)) => return Ok(RetrySafety::Notice),
        Some(Content::Code(code)) => Zeroizing::new(code.code),
    };
    // Subjects are shown on locked screens.
    if !code.is_empty() && subject.contains(code.as_str()) {
        return Err(malformed("subject", "must not contain the code"));
    }
    Ok(RetrySafety::Code)
}

fn mark(request: &DeliverRequest, key: &MacKey) -> MessageDigest {
    let alone = DeliverRequest {
        content: request.content.clone(),
        ..DeliverRequest::default()
    };
    let content = Zeroizing::new(alone.encode_to_vec());
    key.tag([
        b"content".as_slice(),
        request.tenant_id.as_bytes(),
        &request.channel.to_be_bytes(),
        request.destination.as_bytes(),
        &content,
    ])
}

const fn malformed(field: &'static str, why: &'static str) -> UnusableMessage {
    UnusableMessage { field, why }
}

const fn longest_text(channel: Channel) -> usize {
    match channel {
        Channel::Sms => MAX_SMS_CHARS,
        Channel::Email | Channel::Unspecified => MAX_MAIL_CHARS,
    }
}

fn is_key(key: &str) -> bool {
    (1..=MAX_KEY_BYTES).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())
}

/// No control character, so that a value can't start another header.
fn is_line(text: &str) -> bool {
    text.chars().count() <= MAX_LINE_CHARS && !text.chars().any(char::is_control)
}

impl fmt::Debug for ParsedMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Letter([redacted])")
    }
}

#[cfg(test)]
mod tests;
