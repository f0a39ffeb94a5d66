//! Texts with places to fill in, such as `{destination}`.

use crate::gateways::letter::Letter;
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// Secrets by name.
pub(super) type Secrets = BTreeMap<String, Zeroizing<String>>;

/// A text with places to fill in.
pub(super) struct Template(Vec<Part>);

/// A text that is no template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadTemplate {
    /// A brace that nothing opens or closes.
    #[error("a brace is not closed, or not opened; `{{{{` and `}}}}` are braces")]
    Brace,
    /// A place that there is not.
    #[error(
        "there is no `{{{0}}}`; there are destination, digits, text, sender, key, and secret:NAME"
    )]
    Unknown(String),
    /// A secret that there is not.
    #[error("there is no secret `{0}` in gateway.secrets")]
    NoSecret(String),
    /// There is no sender.
    #[error("gateway.sender is not set")]
    NoSender,
    /// A message where none may be.
    #[error("`{{text}}` can't go into a header")]
    TextInHeader,
}

enum Part {
    Text(Zeroizing<String>),
    Field(Field),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Field {
    Destination,
    Digits,
    Text,
    Key,
}

impl Template {
    /// Reads a text. The sender and secrets never change, and are filled in at once.
    ///
    /// # Errors
    /// [`BadTemplate`].
    pub(super) fn read(text: &str, sender: &str, secrets: &Secrets) -> Result<Self, BadTemplate> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(place) = rest.find(['{', '}']) {
            let (before, brace) = rest.split_at(place);
            parts.push(Part::text(before));
            rest = if let Some(double @ ("{{" | "}}")) = brace.get(..2) {
                parts.push(Part::text(double.get(..1).unwrap_or_default()));
                brace.get(2..).unwrap_or_default()
            } else {
                let inside = brace.strip_prefix('{').ok_or(BadTemplate::Brace)?;
                let (name, after) = inside.split_once('}').ok_or(BadTemplate::Brace)?;
                parts.push(part(name, sender, secrets)?);
                after
            };
        }
        parts.push(Part::text(rest));
        Ok(Self(parts))
    }

    /// The same for a header, which carries no message.
    ///
    /// # Errors
    /// [`BadTemplate`].
    pub(super) fn header(text: &str, sender: &str, secrets: &Secrets) -> Result<Self, BadTemplate> {
        let template = Self::read(text, sender, secrets)?;
        let is_text = |part: &Part| matches!(part, Part::Field(Field::Text));
        if template.0.iter().any(is_text) {
            return Err(BadTemplate::TextInHeader);
        }
        Ok(template)
    }

    /// The text for a message.
    pub(super) fn fill(&self, letter: &Letter) -> Zeroizing<String> {
        let mut filled = Zeroizing::new(String::new());
        for part in &self.0 {
            filled.push_str(match part {
                Part::Text(text) => text.as_str(),
                Part::Field(Field::Destination) => &letter.destination,
                Part::Field(Field::Digits) => letter.destination.trim_start_matches('+'),
                Part::Field(Field::Text) => letter.text.as_str(),
                Part::Field(Field::Key) => &letter.key,
            });
        }
        filled
    }
}

impl Part {
    fn text(text: &str) -> Self {
        Self::Text(Zeroizing::new(text.to_owned()))
    }
}

fn part(name: &str, sender: &str, secrets: &Secrets) -> Result<Part, BadTemplate> {
    if let Some(secret) = name.strip_prefix("secret:") {
        let value = secrets.get(secret);
        let value = value.ok_or_else(|| BadTemplate::NoSecret(secret.to_owned()))?;
        return Ok(Part::Text(value.clone()));
    }
    Ok(match name {
        "destination" => Part::Field(Field::Destination),
        "digits" => Part::Field(Field::Digits),
        "text" => Part::Field(Field::Text),
        "key" => Part::Field(Field::Key),
        "sender" if sender.is_empty() => return Err(BadTemplate::NoSender),
        "sender" => Part::text(sender),
        _ => return Err(BadTemplate::Unknown(name.to_owned())),
    })
}

#[cfg(test)]
mod tests;
