//! Destinations: phone numbers and e-mail addresses, each in one canonical form (A31).

mod spelling;

use crate::value::{country::Country, malformed::MalformedValue, text};
use email_address::{EmailAddress, Options};
use rlibphonenumber::{PhoneNumber, PhoneNumberFormat, PhoneNumberType};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The channel that delivers a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Channel {
    /// Text message.
    Sms,
    /// E-mail.
    Email,
}

/// A mobile number in E.164.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Phone(String);

/// An e-mail address with its domain as lower-case A-labels.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Email(String);

/// A phone number or an e-mail address.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Destination {
    /// A mobile number, reached by text message.
    Phone(Phone),
    /// An e-mail address.
    Email(Email),
}

impl Phone {
    /// Reads a number in international form, or a `tel` URI without parameters (RFC 3966). What people, address books and
    /// clipboards put around and between digits is removed.
    ///
    /// # Errors
    /// [`MalformedValue::NotANumber`] if no such number can exist, [`MalformedValue::NotAMobileNumber`] if it can't
    /// receive text messages.
    pub fn parse(text: &str) -> Result<Self, MalformedValue> {
        let plain = spelling::plain_number(text).ok_or(MalformedValue::NotANumber)?;
        let number: PhoneNumber = plain.parse().map_err(|_| MalformedValue::NotANumber)?;
        if !number.is_valid() {
            return Err(MalformedValue::NotANumber);
        }
        match number.get_type() {
            PhoneNumberType::Mobile | PhoneNumberType::FixedLineOrMobile => {
                Ok(Self(number.format_as(PhoneNumberFormat::E164).into_owned()))
            }
            _ => Err(MalformedValue::NotAMobileNumber),
        }
    }

    /// The number in E.164.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The country of the number; [`Country::NONE`] if it belongs to no country.
    #[must_use]
    pub fn country(&self) -> Country {
        let number = self.0.parse::<PhoneNumber>().ok();
        number
            .and_then(|number| number.get_region_code())
            .map_or(Country::NONE, Country::of_region)
    }
}

impl Email {
    /// Reads an address (RFC 5322, without display name or domain literal). Only its domain may have characters
    /// outside ASCII, and is converted to A-labels (RFC 5890 §2.3.2.1). A domain that can't exist is refused.
    ///
    /// # Errors
    /// [`MalformedValue::NotAnAddress`].
    pub fn parse(text: &str) -> Result<Self, MalformedValue> {
        let strict = Options::default()
            .with_required_tld()
            .without_display_text()
            .without_domain_literal();
        let ascii = with_ascii_domain(text).ok_or(MalformedValue::NotAnAddress)?;
        let address = EmailAddress::parse_with_options(&ascii, strict)
            .map_err(|_| MalformedValue::NotAnAddress)?;
        let domain = address.domain().to_ascii_lowercase();
        Ok(Self(format!("{}@{domain}", address.local_part())))
    }

    /// The address, its local part as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What all spellings of one mailbox have in common: they differ only in the case of ASCII letters, which most mail
    /// servers ignore. Other differences, such as dots and what follows a `+`, are significant.
    #[must_use]
    pub fn mailbox(&self) -> String {
        self.0.to_ascii_lowercase()
    }

    /// Whether both addresses are spellings of one mailbox.
    #[must_use]
    pub fn is_same_mailbox(&self, other: &Self) -> bool {
        self.mailbox() == other.mailbox()
    }
}

/// The address with its domain in ASCII; `None` if it has other characters elsewhere, or control characters.
fn with_ascii_domain(text: &str) -> Option<String> {
    if text.chars().any(text::hides_something) {
        return None;
    }
    let (local, domain) = text.rsplit_once('@')?;
    let domain = spelling::existing_domain(domain)?;
    local.is_ascii().then(|| format!("{local}@{domain}"))
}

impl Destination {
    /// The number or address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Phone(phone) => phone.as_str(),
            Self::Email(email) => email.as_str(),
        }
    }

    /// The channel that reaches this destination.
    #[must_use]
    pub const fn channel(&self) -> Channel {
        match self {
            Self::Phone(_) => Channel::Sms,
            Self::Email(_) => Channel::Email,
        }
    }

    /// The country of a phone number; `None` for an e-mail address.
    #[must_use]
    pub fn country(&self) -> Option<Country> {
        match self {
            Self::Phone(phone) => Some(phone.country()),
            Self::Email(_) => None,
        }
    }

    /// The key of the destination's budgets: the same for every spelling that reaches the same person.
    #[must_use]
    pub fn bucket(&self) -> String {
        match self {
            Self::Phone(phone) => phone.as_str().to_owned(),
            Self::Email(email) => email.mailbox(),
        }
    }

    /// Whether both reach the same person.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.bucket() == other.bucket()
    }

    /// A masked form that its owner recognizes, such as `+49*******89` or `j***@e***.com`.
    #[must_use]
    pub fn masked(&self) -> String {
        match self {
            Self::Phone(Phone(number)) => mask_middle(number, 3, 2),
            Self::Email(Email(address)) => {
                let (local, domain) = address.rsplit_once('@').unwrap_or((address, ""));
                let (name, suffix) = domain.rsplit_once('.').unwrap_or((domain, ""));
                format!("{}@{}.{suffix}", first_only(local), first_only(name))
            }
        }
    }
}

fn mask_middle(text: &str, head: usize, tail: usize) -> String {
    let length = text.chars().count();
    let hidden = |place: usize| place >= head && place + tail < length;
    let shown = text.chars().enumerate();
    shown
        .map(|(place, character)| if hidden(place) { '*' } else { character })
        .collect()
}

fn first_only(text: &str) -> String {
    text.chars().take(1).chain("***".chars()).collect()
}

impl Channel {
    /// The name in stores, events and the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sms => "SMS",
            Self::Email => "EMAIL",
        }
    }

    /// Finds the channel by the name from [`Self::as_str`].
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Sms, Self::Email]
            .into_iter()
            .find(|channel| channel.as_str() == name)
    }
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Phone([redacted])")
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email([redacted])")
    }
}

impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Destination([redacted])")
    }
}

#[cfg(test)]
mod tests;
