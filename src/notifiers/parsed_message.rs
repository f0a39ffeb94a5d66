//! A message to hand on, as it was asked for.

use countersign_domain::value::secret::MacKey;
use countersign_proto::notifier::{Channel, DeliverRequest, deliver_request::Content};
use prost::Message;
use std::fmt;
use zeroize::Zeroizing;

/// The longest idempotency key, in characters.
const MAX_KEY_BYTES: usize = 128;

/// The longest subject or name, in characters.
const MAX_LINE_BYTES: usize = 256;

/// The longest text of an e-mail, in characters.
const MAX_MAIL_BYTES: usize = 16 * 1024;

/// The longest text message, in characters: about ten segments, which is what gateways take.
const MAX_SMS_BYTES: usize = 1600;

/// The longest HTML, in bytes.
const MAX_HTML_BYTES: usize = 128 * 1024;

/// Names a message in the idempotency store.
pub type MessageDigest = [u8; 16];

/// A message to hand on. It is in memory only while it is on its way.
pub struct ParsedMessage {
    /// The same for every try.
    pub key: String,
    /// How.
    pub channel: Channel,
    /// Where to.
    pub destination: String,
    /// The company's name.
    pub display_name: String,
    /// The subject of an e-mail.
    pub subject: String,
    /// The message.
    pub text: Zeroizing<String>,
    /// The same as HTML; empty where there is none.
    pub html: Zeroizing<String>,
    /// What may happen to it when it is not known what became of it.
    pub kind: RetrySafety,
}

/// What may happen to a message when it is not known what became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetrySafety {
    /// A code is never sent twice: whoever waits for it asks for another one.
    Code,
    /// A notice is sent again: better twice than never.
    Notice,
}

/// A message and how the idempotency store knows it.
pub struct IdentifiedMessage {
    /// The message.
    pub letter: ParsedMessage,
    /// By its idempotency key.
    pub tag: MessageDigest,
    /// By what it is: tenant, channel, destination, content. Not by its wording, which is made anew for every try.
    pub mark: MessageDigest,
}

/// A request that no message can be made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {why}")]
pub struct UnusableMessage {
    /// Which field.
    pub field: &'static str,
    /// Why.
    pub why: &'static str,
}

impl IdentifiedMessage {
    /// Reads a request; `key` is the idempotency store's.
    ///
    /// # Errors
    /// [`UnusableMessage`].
    pub fn read(request: DeliverRequest, key: &MacKey) -> Result<Self, UnusableMessage> {
        let tag = key.tag([b"key".as_slice(), request.idempotency_key.as_bytes()]);
        let mark = mark(&request, key);
        let letter = ParsedMessage::read(request)?;
        Ok(Self { letter, tag, mark })
    }
}

impl ParsedMessage {
    /// A letter that goes nowhere, to try templates with.
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
            return Err(malformed("destination", "is empty"));
        }
        if text.is_empty() {
            return Err(malformed("text", "is empty"));
        }
        let longest = longest_text(channel);
        if text.chars().count() > longest || html.len() > MAX_HTML_BYTES {
            return Err(malformed("text", "is too long to send"));
        }
        if !is_line(&subject) {
            return Err(malformed("subject", "has to be one line, not too long"));
        }
        if !is_line(&display_name) {
            return Err(malformed(
                "display_name",
                "has to be one line, not too long",
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
        // Content of a later version: its text is sent, and not twice.
        None => return Ok(RetrySafety::Code),
        Some(Content::Notice(_)) => return Ok(RetrySafety::Notice),
        Some(Content::Code(code)) => Zeroizing::new(code.code),
    };
    // Subjects are shown on locked screens.
    if !code.is_empty() && subject.contains(code.as_str()) {
        return Err(malformed("subject", "has the code in it"));
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
        Channel::Sms => MAX_SMS_BYTES,
        Channel::Email | Channel::Unspecified => MAX_MAIL_BYTES,
    }
}

fn is_key(key: &str) -> bool {
    (1..=MAX_KEY_BYTES).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Nothing in it ends a header and begins another one.
fn is_line(text: &str) -> bool {
    text.chars().count() <= MAX_LINE_BYTES && !text.chars().any(char::is_control)
}

impl fmt::Debug for ParsedMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Letter([redacted])")
    }
}

#[cfg(test)]
mod tests;
