//! Templates with placeholders such as `{destination}`.

use crate::parsed_message::ParsedMessage;
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// Secrets by name.
pub(super) type TemplateSecrets = BTreeMap<String, Zeroizing<String>>;

/// A parsed template.
pub(super) struct RequestTemplate(Vec<TemplatePart>);

/// Why a template is malformed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A brace is unmatched.
    #[error("a brace is unmatched; write `{{{{` or `}}}}` for a literal brace")]
    Brace,
    /// A placeholder is unknown.
    #[error(
        "unknown placeholder `{{{0}}}`; allowed are destination, digits, text, sender, key and secret:NAME"
    )]
    Unknown(String),
    /// A secret is unknown.
    #[error("gateway.secrets has no secret `{0}`")]
    NoSecret(String),
    /// The template uses the sender, which is not set.
    #[error("gateway.sender is not set, but a template uses `{{sender}}`")]
    NoSender,
    /// A header uses the text of the message.
    #[error("`{{text}}` is not allowed in a header")]
    TextInHeader,
}

enum TemplatePart {
    Text(Zeroizing<String>),
    Field(TemplateField),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum TemplateField {
    Destination,
    Digits,
    Text,
    Key,
}

impl RequestTemplate {
    /// Parses a template. The sender and secrets never change, so they are filled in now.
    ///
    /// # Errors
    /// [`TemplateError`] says what is malformed.
    pub(super) fn read(
        text: &str,
        sender: &str,
        secrets: &TemplateSecrets,
    ) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(place) = rest.find(['{', '}']) {
            let (before, brace) = rest.split_at(place);
            parts.push(TemplatePart::text(before));
            rest = if let Some(double @ ("{{" | "}}")) = brace.get(..2) {
                parts.push(TemplatePart::text(double.get(..1).unwrap_or_default()));
                brace.get(2..).unwrap_or_default()
            } else {
                let inside = brace.strip_prefix('{').ok_or(TemplateError::Brace)?;
                let (name, after) = inside.split_once('}').ok_or(TemplateError::Brace)?;
                parts.push(part(name, sender, secrets)?);
                after
            };
        }
        parts.push(TemplatePart::text(rest));
        Ok(Self(parts))
    }

    /// Parses a template for a header, which must not contain the message.
    ///
    /// # Errors
    /// [`TemplateError`] says what is malformed.
    pub(super) fn header(
        text: &str,
        sender: &str,
        secrets: &TemplateSecrets,
    ) -> Result<Self, TemplateError> {
        let template = Self::read(text, sender, secrets)?;
        let is_text =
            |part: &TemplatePart| matches!(part, TemplatePart::Field(TemplateField::Text));
        if template.0.iter().any(is_text) {
            return Err(TemplateError::TextInHeader);
        }
        Ok(template)
    }

    /// Fills the template in for a message.
    pub(super) fn fill(&self, letter: &ParsedMessage) -> Zeroizing<String> {
        let mut filled = Zeroizing::new(String::new());
        for part in &self.0 {
            filled.push_str(match part {
                TemplatePart::Text(text) => text.as_str(),
                TemplatePart::Field(TemplateField::Destination) => &letter.destination,
                TemplatePart::Field(TemplateField::Digits) => {
                    letter.destination.trim_start_matches('+')
                }
                TemplatePart::Field(TemplateField::Text) => letter.text.as_str(),
                TemplatePart::Field(TemplateField::Key) => &letter.key,
            });
        }
        filled
    }
}

impl TemplatePart {
    fn text(text: &str) -> Self {
        Self::Text(Zeroizing::new(text.to_owned()))
    }
}

fn part(
    name: &str,
    sender: &str,
    secrets: &TemplateSecrets,
) -> Result<TemplatePart, TemplateError> {
    if let Some(secret) = name.strip_prefix("secret:") {
        let value = secrets.get(secret);
        let value = value.ok_or_else(|| TemplateError::NoSecret(secret.to_owned()))?;
        return Ok(TemplatePart::Text(value.clone()));
    }
    Ok(match name {
        "destination" => TemplatePart::Field(TemplateField::Destination),
        "digits" => TemplatePart::Field(TemplateField::Digits),
        "text" => TemplatePart::Field(TemplateField::Text),
        "key" => TemplatePart::Field(TemplateField::Key),
        "sender" if sender.is_empty() => return Err(TemplateError::NoSender),
        "sender" => TemplatePart::text(sender),
        _ => return Err(TemplateError::Unknown(name.to_owned())),
    })
}

#[cfg(test)]
mod tests;
