//! Countries of phone numbers.

use rlibphonenumber::{PHONE_NUMBER_UTIL, Region};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A two-letter country code (ISO 3166-1), or `001` for numbers that belong to no country, such as satellite numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Country(Region);

/// The text is not the code of a country that has phone numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be the two-letter code of a country in capitals, such as DE, or 001 for numbers that belong to no country"
)]
pub struct UnknownCountry;

impl Country {
    /// The code `001`, for numbers that belong to no country.
    pub const NONE: Self = Self(Region::World);

    /// Reads a two-letter code in capitals, or `001`.
    ///
    /// # Errors
    /// [`UnknownCountry`] for any other text, and for codes of countries that have no phone numbers.
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
