//! How long a text message is: characters of the alphabet that it needs, and segments (3GPP TS 23.038, TS 23.040).

/// One septet each (3GPP TS 23.038 §6.2.1).
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?\
                     ¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";

/// An escape and a septet each (3GPP TS 23.038 §6.2.1.1).
const EXTENSION: &str = "\u{0C}^{}\\[~]|€";

/// In which alphabet a text message travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmsAlphabet {
    /// The GSM 7-bit default alphabet and its extension table.
    Gsm7,
    /// UCS-2, as soon as one character is in neither.
    Ucs2,
}

/// How long a text message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SmsSize {
    /// The alphabet that it needs.
    pub alphabet: SmsAlphabet,
    /// How many septets or UTF-16 units it takes.
    pub length: usize,
    /// Over how many segments.
    pub segments: usize,
}

impl SmsAlphabet {
    /// What fits into a message of one segment.
    #[must_use]
    pub const fn single(self) -> usize {
        match self {
            Self::Gsm7 => 160,
            Self::Ucs2 => 70,
        }
    }

    /// What fits into each of several segments, beside the header that joins them.
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

/// How long this text is as a text message.
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

/// The first character that the GSM alphabet lacks.
#[must_use]
pub fn outside_gsm(text: &str) -> Option<char> {
    text.chars()
        .find(|character| !BASIC.contains(*character) && !EXTENSION.contains(*character))
}

/// No character is cut in two by the end of a segment.
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
