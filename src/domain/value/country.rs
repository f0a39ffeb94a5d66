//! Countries, as far as numbers know them.

use rlibphonenumber::{PHONE_NUMBER_UTIL, Region};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A country by its two letters (ISO 3166-1), or `001` for numbers that belong to none, such as those of satellites.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Country(Region);

/// A text that names no country with numbers of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a country is two capital letters, such as DE, or 001 for numbers that belong to none")]
pub struct UnknownCountry;

impl Country {
    /// Where numbers are from that belong to no country.
    pub const NONE: Self = Self(Region::World);

    /// Reads two capital letters.
    ///
    /// # Errors
    /// [`UnknownCountry`] for anything else, and for letters that no country with numbers has.
    pub fn parse(text: &str) -> Result<Self, UnknownCountry> {
        let country = Region::from_code(text).map_or(Self::NONE, Self);
        if country == Self::NONE {
            return (text == "001").then_some(country).ok_or(UnknownCountry);
        }
        let has_numbers = PHONE_NUMBER_UTIL
            .get_supported_regions()
            .any(|region| Self(region) == country);
        (has_numbers && country.to_string() == text)
            .then_some(country)
            .ok_or(UnknownCountry)
    }

    pub(crate) const fn of_region(region: Region) -> Self {
        Self(region)
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.as_region_str())
    }
}

impl TryFrom<String> for Country {
    type Error = UnknownCountry;

    fn try_from(text: String) -> Result<Self, UnknownCountry> {
        Self::parse(&text)
    }
}

impl From<Country> for String {
    fn from(country: Country) -> Self {
        country.to_string()
    }
}

#[cfg(test)]
mod tests;
