//! Interprets the replies of a mail server.

use crate::outcome::provider_id;
use lettre::transport::smtp::Error;
use std::error::Error as _;

/// Permanent replies to a recipient that concern us or the dialogue (RFC 5321 §4.2.2, RFC 4954 §6).
const NOT_ADDRESS_REFUSALS: [&str; 6] = ["500", "502", "503", "504", "530", "535"];

/// Whether a reply to a recipient says that the address will never receive mail.
///
/// The reply has to be permanent. It must not concern policy, the system, the dialogue or the sender, as far as the
/// server distinguishes them (RFC 3463 §3). Many servers check the sender only at this step.
pub(super) fn is_of_the_address(error: &Error) -> bool {
    let code = error.status().map(|code| code.to_string());
    let enhanced = enhanced(error);
    code.is_some_and(|code| is_address_refusal(&code, enhanced.as_deref()))
}

fn is_address_refusal(code: &str, enhanced: Option<&str>) -> bool {
    let permanent = code.starts_with('5') && !NOT_ADDRESS_REFUSALS.contains(&code);
    let status_code = enhanced.and_then(|enhanced| enhanced.split_once('.'));
    let (subject, detail) = status_code
        .and_then(|(_, status_code)| status_code.split_once('.'))
        .unwrap_or_default();
    let of_the_sender = subject == "1" && matches!(detail, "7" | "8");
    permanent && !of_the_sender && !matches!(subject, "3" | "5" | "7")
}

/// The enhanced status code at the start of a reply, such as `5.1.1` (RFC 2034).
pub(super) fn enhanced(error: &Error) -> Option<String> {
    let words = error.source()?.to_string();
    let first = words.split_whitespace().next()?;
    is_enhanced(first).then(|| first.to_owned())
}

fn is_enhanced(word: &str) -> bool {
    let numbers: Vec<&str> = word.split('.').collect();
    let is_number = |number: &&str| {
        (1..=3).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit())
    };
    numbers.len() == 3 && numbers.iter().all(is_number)
}

/// The id under which the server has queued a message. Servers agree on these words only.
pub(super) fn queue_id<'a>(mut lines: impl Iterator<Item = &'a str>) -> Option<String> {
    let line = lines.find(|line| line.to_ascii_lowercase().contains("queued as "))?;
    let start = line.to_ascii_lowercase().find("queued as ")? + "queued as ".len();
    let id = provider_id(line.get(start..)?.split_whitespace().next()?);
    (!id.is_empty()).then_some(id)
}

#[cfg(test)]
mod tests;
