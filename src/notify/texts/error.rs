//! What is wrong with a text, so that whoever wrote it can mend it.

use crate::notify::texts::segments::{SmsAlphabet, SmsSize};
use std::{fmt, io};

/// Texts that can't be used.
#[derive(Debug, thiserror::Error)]
pub struct TextErrors(pub Vec<TextError>);

/// A text that can't be used.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {what}")]
pub struct TextError {
    /// Where it stands.
    pub file: String,
    /// What is wrong with it.
    pub what: TextErrorKind,
}

/// What is wrong.
#[derive(Debug, thiserror::Error)]
pub enum TextErrorKind {
    /// It can't be read.
    #[error("it can't be read: {0}")]
    Unreadable(io::Error),
    /// A folder without texts.
    #[error("the folder has no file whose name ends in .ftl")]
    NoFiles,
    /// A file that is named after no language.
    #[error("the file has to be named after a language, such as pt-BR.ftl")]
    NotALanguage,
    /// It is not Fluent.
    #[error("line {line}: {what}")]
    Syntax {
        /// Counted from 1.
        line: usize,
        /// What the parser says.
        what: String,
    },
    /// Something other than a text.
    #[error("{0}: there may be texts and comments only, without attributes")]
    NotAText(String),
    /// Nothing has this name.
    #[error("{0}: there is no text of that name")]
    UnknownText(String),
    /// Its name stands there twice.
    #[error("{0}: it stands there twice")]
    Twice(String),
    /// A language of one's own lacks a text.
    #[error("{0}: it is missing; a language that is not built in needs every text")]
    Missing(String),
    /// A language without texts.
    #[error("there are no texts in `{0}`, nor in what it falls back to")]
    NoTexts(String),
    /// A value that this text does not have.
    #[error("{id}: there is no ${variable} in this text; there may be {known}")]
    UnknownVariable {
        /// The text.
        id: String,
        /// The value.
        variable: String,
        /// What there may be.
        known: String,
    },
    /// A value that this text needs.
    #[error("{id}: ${variable} is missing, in the text or in one of its forms")]
    MissingVariable {
        /// The text.
        id: String,
        /// The value.
        variable: &'static str,
    },
    /// More than text and values.
    #[error("{0}: it may hold text, values and choices, but no functions, literals or other texts")]
    Reference(String),
    /// A link.
    #[error("{0}: it holds a link or the name of a website; no message has one")]
    Link(String),
    /// A line break or something that does not show.
    #[error("{0}: it has to be one line without characters that hide or turn what stands there")]
    NotOneLine(String),
    /// Too long for a text message.
    #[error(
        "{id}: with {beside} and the longest values it takes {length} of {limit} {alphabet} characters{because}",
        limit = size.alphabet.single(), length = size.length, alphabet = named(size.alphabet),
        because = because.map(outside).unwrap_or_default()
    )]
    TooLong {
        /// The text.
        id: String,
        /// What stands beside it.
        beside: &'static str,
        /// How long it is.
        size: SmsSize,
        /// The character that the GSM alphabet lacks.
        because: Option<char>,
    },
}

impl TextErrorKind {
    /// The text that it is about; nothing where it is about the file.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Unreadable(_)
            | Self::NoFiles
            | Self::NotALanguage
            | Self::Syntax { .. }
            | Self::NoTexts(_) => "",
            Self::NotAText(id)
            | Self::UnknownText(id)
            | Self::Twice(id)
            | Self::Missing(id)
            | Self::Reference(id)
            | Self::Link(id)
            | Self::NotOneLine(id)
            | Self::UnknownVariable { id, .. }
            | Self::MissingVariable { id, .. }
            | Self::TooLong { id, .. } => id,
        }
    }
}

const fn named(alphabet: SmsAlphabet) -> &'static str {
    match alphabet {
        SmsAlphabet::Gsm7 => "GSM-7",
        SmsAlphabet::Ucs2 => "UCS-2",
    }
}

fn outside(character: char) -> String {
    format!("; `{character}` is not in the GSM alphabet")
}

impl fmt::Display for TextErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("texts of messages can't be used:")?;
        self.0.iter().try_for_each(|bad| write!(f, "\n  - {bad}"))
    }
}
