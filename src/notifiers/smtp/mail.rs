//! Builds mails (RFC 5322) from messages.

use crate::{config::SmtpConfig, parsed_message::ParsedMessage};
use data_encoding::HEXLOWER;
use lettre::{
    Address, Message,
    message::{
        Mailbox, MultiPart, SinglePart,
        header::{Header, HeaderName, HeaderValue},
    },
};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// The sender of mails.
pub(super) struct MailSender {
    from: Address,
    name: Option<String>,
    reply_to: Option<Address>,
}

/// A mail that is ready to be sent.
pub(super) struct OutgoingMail {
    pub(super) from: Address,
    pub(super) to: Address,
    pub(super) message_id: String,
    pub(super) content: Zeroizing<Vec<u8>>,
}

/// Marks mails as automatic, so that no out-of-office reply is sent (RFC 3834 §5).
#[derive(Clone)]
struct AutoSubmitted;

impl MailSender {
    /// Reads the sender from the configuration; `None` if an address is malformed.
    pub(super) fn new(config: &SmtpConfig) -> Option<Self> {
        let reply_to = config.reply_to.as_deref().map(str::parse);
        Some(Self {
            from: config.from.parse().ok()?,
            name: config.from_name.clone(),
            reply_to: reply_to.transpose().ok()?,
        })
    }

    pub(super) fn domain(&self) -> &str {
        self.from.domain()
    }

    /// Builds the mail for a message; `None` if its destination is not an address.
    pub(super) fn mail(&self, letter: &ParsedMessage) -> Option<OutgoingMail> {
        let to: Address = letter.destination.parse().ok()?;
        if !letter.destination.is_ascii() {
            return None;
        }
        let name = self.name.as_ref().unwrap_or(&letter.display_name);
        let name = (!name.is_empty()).then(|| name.clone());
        let message_id = message_id(&letter.key, self.domain());
        let mut builder = Message::builder()
            .from(Mailbox::new(name, self.from.clone()))
            .to(Mailbox::new(None, to.clone()))
            .subject(letter.subject.as_str())
            .message_id(Some(format!("<{message_id}>")))
            .header(AutoSubmitted);
        if let Some(reply_to) = &self.reply_to {
            builder = builder.reply_to(Mailbox::new(None, reply_to.clone()));
        }
        let text = letter.text.as_str().to_owned();
        let built = if letter.html.is_empty() {
            builder.singlepart(SinglePart::plain(text))
        } else {
            let html = letter.html.as_str().to_owned();
            builder.multipart(MultiPart::alternative_plain_html(text, html))
        };
        Some(OutgoingMail {
            from: self.from.clone(),
            to,
            message_id,
            content: Zeroizing::new(built.ok()?.formatted()),
        })
    }
}

/// The `Message-ID`. It is the same for every attempt of a message and for every notifier, so mail systems can
/// recognize duplicates.
fn message_id(key: &str, domain: &str) -> String {
    let digest = Sha256::digest(["countersign message id", key].join("\0").as_bytes());
    let half = digest.get(..16).unwrap_or_default();
    format!("{}@{domain}", HEXLOWER.encode(half))
}

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

#[cfg(test)]
mod tests;
