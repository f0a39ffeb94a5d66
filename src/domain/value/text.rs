//! Checks of text that people or callers wrote.

mod joiners;

pub(crate) use joiners::{is_joiner, is_same_without_joiners};

use crate::value::malformed::MalformedValue;

/// Checks that `text` is one line of at most `longest` bytes. It must not have control characters, line separators,
/// changes of direction, or spaces around it, nor invisible characters, but for joiners that a script or an emoji needs
/// (A33).
pub(crate) fn plain_line(text: &str, longest: usize) -> Result<&str, MalformedValue> {
    if text.len() > longest {
        return Err(MalformedValue::TooLong(longest));
    }
    if has_hidden_character(text) || text.trim() != text {
        return Err(MalformedValue::NotPlainText);
    }
    Ok(text)
}

/// The longest beginning of `text` that has at most `longest` bytes and ends between characters.
#[must_use]
pub fn cut(text: &str, longest: usize) -> &str {
    text.get(..text.floor_char_boundary(longest))
        .unwrap_or(text)
}

/// Checks that `text` is a plain line and not empty.
pub(crate) fn filled_line(text: &str, longest: usize) -> Result<&str, MalformedValue> {
    if text.is_empty() {
        return Err(MalformedValue::Empty);
    }
    plain_line(text, longest)
}

/// Checks that `text` is a plain line in which no phone or mail program finds a link (A33).
pub(crate) fn plain_line_without_link(text: &str, longest: usize) -> Result<&str, MalformedValue> {
    let line = plain_line(text, longest)?;
    if holds_link(line) {
        return Err(MalformedValue::Link);
    }
    Ok(line)
}

/// Whether a phone or mail program would find a link in `text`.
#[must_use]
pub fn holds_link(text: &str) -> bool {
    holds_url(text) || text.split_whitespace().any(is_linked)
}

/// Whether there is a URL with a scheme in `text`.
pub(crate) fn holds_url(text: &str) -> bool {
    text.contains("://")
}

/// Whether a word looks like a host name: a letter or digit, a dot, and two letters.
fn is_linked(word: &str) -> bool {
    let characters: Vec<char> = word.chars().collect();
    characters.windows(4).any(|window| match window {
        [before, '.', first, second] => {
            before.is_alphanumeric() && first.is_alphabetic() && second.is_alphabetic()
        }
        _ => false,
    })
}

/// Checks that `text` has 1 to `longest` bytes, all of them allowed. `says` lists the allowed characters.
pub(crate) fn restricted<'a>(
    text: &'a str,
    longest: usize,
    allowed: fn(u8) -> bool,
    says: &'static str,
) -> Result<&'a str, MalformedValue> {
    if text.is_empty() {
        return Err(MalformedValue::Empty);
    }
    if text.len() > longest {
        return Err(MalformedValue::TooLong(longest));
    }
    if !text.bytes().all(allowed) {
        return Err(MalformedValue::Character(says));
    }
    Ok(text)
}

/// Whether a character is a space that people and clients put between groups of a code.
pub(crate) const fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\u{A0}' | '\u{202F}')
}

/// Whether a character is a hyphen or one of the dashes that clients put in its place.
pub(crate) const fn is_dash(character: char) -> bool {
    matches!(character, '-' | '\u{2010}'..='\u{2015}')
}

/// Whether a character of `text` hides something, and is no joiner in its place.
fn has_hidden_character(text: &str) -> bool {
    if !text.chars().any(hides_something) {
        return false;
    }
    let characters: Vec<char> = text.chars().collect();
    (0..characters.len()).any(|place| {
        let (before, rest) = characters.split_at(place);
        rest.split_first().is_some_and(|(&character, after)| {
            hides_something(character) && !joiners::is_in_place(before, character, after)
        })
    })
}

/// Whether a character breaks the line, is invisible, or changes the direction of the text after it.
#[must_use]
pub fn hides_something(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{00AD}' | '\u{061C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

#[cfg(test)]
mod tests;
