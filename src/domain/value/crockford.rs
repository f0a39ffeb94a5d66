//! Symbols of Crockford's base32 for recovery and bypass codes. The last symbol of a code is its check symbol.

use crate::value::{malformed::MalformedValue, text};
use zeroize::Zeroizing;

pub(crate) const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// `N` symbols, each below 32. The last one is the check symbol.
pub(crate) struct CrockfordSymbols<const N: usize>(Zeroizing<[u8; N]>);

impl<const N: usize> CrockfordSymbols<N> {
    /// Takes the `N - 1` symbols of a code and appends the check symbol.
    pub(crate) fn of(checked: impl IntoIterator<Item = u8>) -> Self {
        let mut symbols = Zeroizing::new([0; N]);
        let places = symbols.iter_mut().take(N.saturating_sub(1));
        for (place, symbol) in places.zip(checked) {
            *place = symbol & 31;
        }
        let check = check_symbol(symbols.as_slice());
        if let Some(last) = symbols.last_mut() {
            *last = check;
        }
        Self(symbols)
    }

    /// Reads a code in any case. Spaces and dashes are ignored; O is read as 0, and I and L as 1.
    ///
    /// # Errors
    /// [`MalformedValue::NotACode`] unless the text has `N` symbols and a matching check symbol.
    pub(crate) fn parse(text: &str) -> Result<Self, MalformedValue> {
        let mut symbols = Zeroizing::new([0; N]);
        let mut places = symbols.iter_mut();
        for character in typed(text) {
            let place = places.next().ok_or(MalformedValue::NotACode)?;
            *place = symbol(character).ok_or(MalformedValue::NotACode)?;
        }
        let complete = places.next().is_none();
        if complete && symbols.last() == Some(&check_symbol(symbols.as_slice())) {
            return Ok(Self(symbols));
        }
        Err(MalformedValue::NotACode)
    }

    /// Returns the symbols in groups of `group`, joined by hyphens.
    pub(crate) fn expose(&self, group: usize) -> String {
        let letter = |symbol: &u8| {
            ALPHABET
                .get(usize::from(*symbol))
                .map_or('?', |byte| char::from(*byte))
        };
        let groups = self.0.as_slice().chunks(group);
        let groups: Vec<String> = groups
            .map(|group| group.iter().map(letter).collect())
            .collect();
        groups.join("-")
    }

    /// The value of each symbol, as input of a hash.
    pub(crate) fn as_slice(&self) -> &[u8] {
        self.0.as_slice()
    }

    /// The value of the first symbol.
    pub(crate) fn first(&self) -> u8 {
        self.0.first().copied().unwrap_or_default()
    }
}

/// The characters of `text` without spaces and dashes.
pub(crate) fn typed(text: &str) -> impl Iterator<Item = char> {
    text.chars()
        .filter(|character| !text::is_blank(*character) && !text::is_dash(*character))
}

/// Splits random bytes into 5-bit numbers, starting with the last byte. The number of bytes is a multiple of five.
pub(crate) fn fives(seed: &[u8]) -> impl Iterator<Item = u8> {
    let (mut bits, mut held) = (0_u32, 0_u32);
    let mut bytes = seed.iter().rev();
    std::iter::from_fn(move || {
        if held < 5 {
            bits |= u32::from(*bytes.next()?) << held;
            held += 8;
        }
        let symbol = u8::try_from(bits & 31).ok();
        bits >>= 5;
        held -= 5;
        symbol
    })
}

fn symbol(character: char) -> Option<u8> {
    let canonical = match character.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    };
    let position = ALPHABET
        .iter()
        .position(|known| char::from(*known) == canonical)?;
    u8::try_from(position).ok()
}

/// The check symbol: a weighted sum over GF(32). Up to 31 symbols have distinct weights, so it detects each wrong
/// symbol and each swap of two neighbors. Weights start at 2 because the check symbol itself has weight 1.
fn check_symbol(symbols: &[u8]) -> u8 {
    let checked = symbols.len().saturating_sub(1);
    let checked = symbols.iter().take(checked);
    let (sum, _) = checked.fold((0, 2), |(sum, weight), symbol| {
        (sum ^ product(*symbol, weight), product(weight, 2))
    });
    sum
}

/// The product in GF(2^5) modulo x^5 + x^2 + 1. The element x (2) generates the 31 nonzero elements.
fn product(a: u8, b: u8) -> u8 {
    let mut product = 0;
    let mut shifted = a;
    for bit in 0..5 {
        if b >> bit & 1 == 1 {
            product ^= shifted;
        }
        shifted = shifted << 1 ^ if shifted & 16 == 16 { 0b10_0101 } else { 0 };
    }
    product & 31
}

#[cfg(test)]
mod tests;
