//! What is wrong with a text in TOML: where it stands and what kind of mistake it is. Never the text itself, which may
//! hold a key or a password.

use figment::error::{Actual, Error, Kind};
use std::fmt;
use toml_edit::{ImDocument, Item};

/// A mistake in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    place: Option<TextPosition>,
    field: String,
    what: String,
}

/// Where something stands, both counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct TextPosition {
    line: usize,
    column: usize,
}

impl ConfigError {
    /// The mistake that keeps a text from being TOML at all, if there is one.
    #[must_use]
    pub fn from_syntax(text: &str) -> Option<Self> {
        let error = ImDocument::parse(text).err()?;
        Some(Self {
            place: error.span().map(|span| TextPosition::of(span.start, text)),
            field: String::new(),
            what: without_names(error.message()),
        })
    }

    /// A text that can't be read, for a reason that nothing tells.
    pub(crate) fn unreadable() -> Self {
        Self {
            place: None,
            field: String::new(),
            what: "it can't be read".to_owned(),
        }
    }

    /// A value that is not what its field takes. It stands in `text`, unless it comes from elsewhere.
    #[must_use]
    pub fn from_value(error: &Error, text: Option<&str>) -> Self {
        let mut path = error.path.clone();
        if let Kind::UnknownField(name, _) = &error.kind
            && path.last() != Some(name)
        {
            path.push(name.clone());
        }
        Self {
            place: text.and_then(|text| place_of(&path, text)),
            field: path.join("."),
            what: what(&error.kind),
        }
    }

    /// Whether it stands in the text that was given.
    #[must_use]
    pub const fn has_position(&self) -> bool {
        self.place.is_some()
    }
}

impl TextPosition {
    fn of(start: usize, text: &str) -> Self {
        let before = text.get(..start).unwrap_or(text);
        let (line, last) = before.split('\n').enumerate().last().unwrap_or((0, before));
        Self {
            line: line + 1,
            column: last.chars().count() + 1,
        }
    }
}

/// Where a value stands, if it stands in this text.
fn place_of(path: &[String], text: &str) -> Option<TextPosition> {
    let document = ImDocument::parse(text).ok()?;
    let mut item = document.as_item();
    for key in path {
        item = within(item, key)?;
    }
    item.span().map(|span| TextPosition::of(span.start, text))
}

fn within<'a>(item: &'a Item, key: &str) -> Option<&'a Item> {
    match key.parse::<usize>() {
        Ok(place) if !item.is_table_like() => item.get(place),
        _ => item.get(key),
    }
}

/// The parser says what it expected, which shows nothing, and names keys, which may be a secret in the wrong place.
fn without_names(message: &str) -> String {
    match message.split_once(" key `") {
        Some((kind, _)) => format!("{kind} key"),
        None => message.lines().collect::<Vec<_>>().join(", "),
    }
}

fn what(kind: &Kind) -> String {
    match kind {
        Kind::InvalidType(actual, expected) | Kind::InvalidValue(actual, expected) => {
            format!("it has to be {expected}, and is {}", sort(actual))
        }
        Kind::InvalidLength(length, expected) => {
            format!("it has to be {expected}, and has {length} entries")
        }
        Kind::UnknownVariant(_, known) => format!("it has to be one of {}", known.join(", ")),
        Kind::UnknownField(_, known) => {
            format!("there is no such field; there are {}", known.join(", "))
        }
        Kind::MissingField(name) => format!("`{name}` is missing"),
        Kind::DuplicateField(name) => format!("`{name}` is given twice"),
        Kind::ISizeOutOfRange(_) | Kind::USizeOutOfRange(_) => "it is out of range".to_owned(),
        Kind::Message(_) | Kind::Unsupported(_) | Kind::UnsupportedKey(..) => {
            "it is not what this field takes".to_owned()
        }
    }
}

/// What sort of value was found, and never which.
const fn sort(actual: &Actual) -> &'static str {
    match actual {
        Actual::Bool(_) => "a truth value",
        Actual::Unsigned(_) | Actual::Signed(_) | Actual::Float(_) => "a number of another kind",
        Actual::Char(_) | Actual::Str(_) | Actual::Bytes(_) => "a text",
        Actual::Seq => "a list",
        Actual::Map => "a table",
        _ => "something else",
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(TextPosition { line, column }) = self.place {
            write!(f, "line {line}, column {column}: ")?;
        }
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        f.write_str(&self.what)
    }
}

#[cfg(test)]
mod tests;
