//! How people write numbers and domains.

use crate::value::text::{is_blank, is_dash};
use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};

/// The longest spelling of a number, in bytes.
const MAX_NUMBER_BYTES: usize = 128;

/// The longest spelling of a number that is left, in characters: all digits, each with something around it.
const MAX_PLAIN_LENGTH: usize = 40;

const URI_SCHEME: &str = "tel:";

/// Top-level domains that never exist (RFC 6761 §6.3, §6.4).
const NEVER_DOMAINS: [&str; 2] = ["invalid", "localhost"];

/// A number as a `+`, ASCII digits and what may stand between them; `None` if there is anything else, such as an extension or
/// the parameters of a URI, which name another subscriber.
pub(super) fn plain_number(text: &str) -> Option<String> {
    if text.len() > MAX_NUMBER_BYTES {
        return None;
    }
    let visible: String = text.chars().filter(|&mark| !is_mark(mark)).collect();
    let number = visible.trim();
    let number = match number.split_at_checked(URI_SCHEME.len()) {
        Some((scheme, number)) if scheme.eq_ignore_ascii_case(URI_SCHEME) => number.trim_start(),
        _ => number,
    };
    let plain: Option<String> = number.chars().map(plain_character).collect();
    let plain = plain.filter(|plain| plain.starts_with('+') && plain.len() <= MAX_PLAIN_LENGTH)?;
    Some(without_mexican_token(&plain).unwrap_or(plain))
}

/// Mexican mobile numbers were written with a `1` behind the country code until 2020, which many address books keep. It names
/// the same number as the ten digits after it.
fn without_mexican_token(plain: &str) -> Option<String> {
    const NATIONAL_DIGITS: usize = 10;
    let digits: String = plain.chars().filter(char::is_ascii_digit).collect();
    let national = digits.strip_prefix("521")?;
    let is_one = plain.matches('+').count() == 1 && national.len() == NATIONAL_DIGITS;
    is_one.then(|| format!("+52{national}"))
}

/// Marks without a shape that address books and clipboards put around numbers: directions, joiners, soft hyphens.
const fn is_mark(character: char) -> bool {
    matches!(character,
        '\u{AD}' | '\u{61C}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
}

/// What stands between digits, in ASCII.
fn plain_character(character: char) -> Option<char> {
    const BLANKS: [char; 3] = ['\t', '\u{2007}', '\u{2009}'];
    const MINUS: char = '\u{2212}';
    match character {
        '0'..='9' | '+' | '(' | ')' | '.' | '/' => Some(character),
        blank if is_blank(blank) || BLANKS.contains(&blank) => Some(' '),
        dash if is_dash(dash) || dash == MINUS => Some('-'),
        _ => None,
    }
}

/// The domain of an address in A-labels (UTS #46, strict), unless no host can have it: it is an IPv4 address, or its top-level
/// domain is never given away.
pub(super) fn existing_domain(domain: &str) -> Option<String> {
    let strict = Uts46::new().to_ascii(
        domain.as_bytes(),
        AsciiDenyList::STD3,
        Hyphens::CheckFirstLast,
        DnsLength::Verify,
    );
    let ascii = strict.ok()?.to_ascii_lowercase();
    let (_, top) = ascii.rsplit_once('.')?;
    (is_top_level(top) && !NEVER_DOMAINS.contains(&top)).then_some(ascii)
}

/// A top-level domain is letters, or an A-label (RFC 3696 §2).
fn is_top_level(label: &str) -> bool {
    let is_alphabetic = label.bytes().all(|byte| byte.is_ascii_alphabetic());
    label.len() >= 2 && (is_alphabetic || label.starts_with("xn--"))
}
