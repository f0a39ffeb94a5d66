//! Formats values for texts.

use crate::notify::texts::language::LanguageTexts;
use countersign_domain::value::time::Timestamp;
use fluent_bundle::{FluentArgs, FluentValue};
use std::time::Duration;

/// Starts text with a direction of its own (UAX #9).
const ISOLATE: char = '\u{2068}';

/// Ends text with a direction of its own.
const POP_ISOLATE: char = '\u{2069}';

/// Values by name.
pub(super) fn args<'a, V: Into<FluentValue<'a>>, const N: usize>(
    values: [(&'static str, V); N],
) -> FluentArgs<'a> {
    values.into_iter().collect()
}

/// The lifetime in minutes, rounded up and at least one.
pub(super) fn minutes(valid_for: Duration) -> u64 {
    valid_for.as_secs().div_ceil(60).max(1)
}

/// A time with its zone: `2027-01-15 08:00 UTC+00:00`.
pub(super) fn clear_time(at: Timestamp) -> String {
    let seconds = at.millis().div_euclid(1000);
    let rfc3339 = prost_types::Timestamp { seconds, nanos: 0 }.to_string();
    let (date, time) = rfc3339.split_once('T').unwrap_or((&rfc3339, ""));
    format!("{date} {} UTC+00:00", time.get(..5).unwrap_or(time))
}

/// The name of a method, with the masked destination of its messages.
pub(super) fn method(name: Option<String>, masked: Option<String>) -> String {
    match (name, masked) {
        (Some(name), Some(masked)) => format!("{name} ({masked})"),
        (name, masked) => name.or(masked).unwrap_or_default(),
    }
}

/// A list of values, separated as the language requires.
pub(super) fn listed(language: &LanguageTexts, values: &[String]) -> String {
    let separator = match language.tag().get(..2) {
        Some("ar" | "fa" | "ur") => "، ",
        Some("zh" | "ja") => "，",
        _ => ", ",
    };
    values.join(separator)
}

/// Shortens a text to `longest` UTF-16 units. Two full stops replace the rest, because the GSM alphabet has no
/// ellipsis.
pub(super) fn shortened(text: &str, longest: usize) -> String {
    const CUT: &str = "..";
    if text.encode_utf16().count() <= longest {
        return text.to_owned();
    }
    let room = longest.saturating_sub(CUT.len());
    let mut kept = String::new();
    for character in text.chars() {
        if kept.encode_utf16().count() + character.len_utf16() > room {
            break;
        }
        kept.push(character);
    }
    format!("{}{CUT}", kept.trim_end())
}

/// Isolates the direction of a value, if the language or the value is written from right to left.
pub(super) fn isolated(language: &LanguageTexts, value: &str) -> String {
    let turns = language.is_right_to_left() || value.chars().any(is_right_to_left);
    if turns && !value.is_empty() {
        format!("{ISOLATE}{value}{POP_ISOLATE}")
    } else {
        value.to_owned()
    }
}

/// Whether a character is from a right-to-left script, such as Hebrew or Arabic.
const fn is_right_to_left(character: char) -> bool {
    matches!(character,
        '\u{0590}'..='\u{08FF}' | '\u{FB1D}'..='\u{FDFF}' | '\u{FE70}'..='\u{FEFF}'
        | '\u{10800}'..='\u{10FFF}' | '\u{1E800}'..='\u{1EFFF}')
}

#[cfg(test)]
mod tests;
