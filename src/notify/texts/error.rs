//! Errors in texts, for the people who wrote them.

use crate::notify::texts::segments::{SmsAlphabet, SmsSize};
use std::{fmt, io};

/// Texts that can't be used.
#[derive(Debug, thiserror::Error)]
pub struct TextErrors(pub Vec<TextError>);

/// A text that can't be used.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {what}")]
pub struct TextError {
    /// The file, or the field of the configuration.
    pub file: String,
    /// The error.
    pub what: TextErrorKind,
}

/// What is wrong with a text or a file.
#[derive(Debug, thiserror::Error)]
pub enum TextErrorKind {
    /// The file or folder can't be read.
    #[error("can't be read: {0}")]
    Unreadable(io::Error),
    /// The folder has no texts.
    #[error("the folder has no .ftl file")]
    NoFiles,
    /// The file name is not a language tag.
    #[error("the file name is not a language tag: name the file like pt-BR.ftl")]
    NotALanguage,
    /// The file is not valid Fluent.
    #[error("line {line}: {what}")]
    Syntax {
        /// The line, counted from 1.
        line: usize,
        /// The message of the parser.
        what: String,
    },
    /// The file has an entry that is not a plain text.
    #[error("{0}: only texts and comments are allowed, without attributes")]
    NotAText(String),
    /// No text has this name.
    #[error("{0}: no text has this name")]
    UnknownText(String),
    /// The file defines the text twice.
    #[error("{0}: defined twice; remove one")]
    Twice(String),
    /// A language that is not built in lacks a text.
    #[error("{0}: missing; a language that is not built in needs every text")]
    Missing(String),
    /// A language has no texts.
    #[error("no texts in `{0}` or in a language that it falls back to")]
    NoTexts(String),
    /// The text contains a value that it can't have.
    #[error("{id}: ${variable} is not allowed in this text; it may contain {known}")]
    UnknownVariable {
        /// The text.
        id: String,
        /// The unknown value.
        variable: String,
        /// The values that the text may contain.
        known: String,
    },
    /// The text lacks a required value.
    #[error("{id}: ${variable} is missing; every form of the text has to contain it")]
    MissingVariable {
        /// The text.
        id: String,
        /// The missing value.
        variable: &'static str,
    },
    /// The text contains more than text, values and choices.
    #[error(
        "{0}: only text, values and choices are allowed, no functions, literals or other texts"
    )]
    Reference(String),
    /// The text contains a link.
    #[error("{0}: contains a link or the name of a website, which texts must not")]
    Link(String),
    /// The text has line breaks or invisible characters.
    #[error("{0}: has to be one line, without invisible characters or changes of text direction")]
    NotOneLine(String),
    /// The text does not fit into one text message.
    #[error(
        "{id}: too long: with {beside} and the longest values it has {length} of at most {limit} {alphabet} characters{because}",
        limit = size.alphabet.single(), length = size.length, alphabet = named(size.alphabet),
        because = because.map(outside).unwrap_or_default()
    )]
    TooLong {
        /// The text.
        id: String,
        /// The other texts of the same message.
        beside: &'static str,
        /// The size of the message.
        size: SmsSize,
        /// The first character outside the GSM alphabet, if there is one.
        because: Option<char>,
    },
}

impl TextErrorKind {
    /// The text that the error is about; empty if it is about the file.
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
