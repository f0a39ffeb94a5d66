//! The size of text messages: alphabet, characters and segments (3GPP TS 23.038, TS 23.040).

/// Characters of one septet (3GPP TS 23.038 §6.2.1).
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?\
                     ¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";

/// Characters of two septets: an escape and a septet (3GPP TS 23.038 §6.2.1.1).
const EXTENSION: &str = "\u{0C}^{}\\[~]|€";

/// The alphabet of a text message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmsAlphabet {
    /// The GSM 7-bit default alphabet with its extension table.
    Gsm7,
    /// UCS-2, used if any character is outside the GSM alphabet.
    Ucs2,
}

/// The size of a text message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SmsSize {
    /// The alphabet that the text needs.
    pub alphabet: SmsAlphabet,
    /// The length in septets (GSM-7) or UTF-16 units (UCS-2).
    pub length: usize,
    /// The number of segments.
    pub segments: usize,
}

impl SmsAlphabet {
    /// The length that fits into a single segment.
    #[must_use]
    pub const fn single(self) -> usize {
        match self {
            Self::Gsm7 => 160,
            Self::Ucs2 => 70,
        }
    }

    /// The length that fits into each of several segments, next to the header that joins them.
    const fn joined(self) -> usize {
        match self {
            Self::Gsm7 => 153,
            Self::Ucs2 => 67,
        }
    }

    fn width(self, character: char) -> usize {
        match self {
            Self::Gsm7 if EXTENSION.contains(character) => 2,
            Self::Gsm7 => 1,
            Self::Ucs2 => character.len_utf16(),
        }
    }
}

/// Measures a text as a text message.
#[must_use]
pub fn measure(text: &str) -> SmsSize {
    let alphabet = match outside_gsm(text) {
        Some(_) => SmsAlphabet::Ucs2,
        None => SmsAlphabet::Gsm7,
    };
    let widths = || text.chars().map(|character| alphabet.width(character));
    let length = widths().sum();
    let segments = if length <= alphabet.single() {
        1
    } else {
        joined_segments(widths(), alphabet.joined())
    };
    SmsSize {
        alphabet,
        length,
        segments,
    }
}

/// The first character outside the GSM alphabet.
#[must_use]
pub fn outside_gsm(text: &str) -> Option<char> {
    text.chars()
        .find(|character| !BASIC.contains(*character) && !EXTENSION.contains(*character))
}

/// Counts segments. A segment's end never splits a character.
fn joined_segments(widths: impl Iterator<Item = usize>, room: usize) -> usize {
    let (mut segments, mut taken) = (1, 0);
    for width in widths {
        if taken + width > room {
            segments += 1;
            taken = 0;
        }
        taken += width;
    }
    segments
}

#[cfg(test)]
mod tests;
