//! What the caller keeps on file of a user.

use crate::value::{
    destination::{Destination, Email, Phone},
    malformed::MalformedValue,
    text,
    time::Timestamp,
};
use icu_locale_core::Locale as LanguageTag;
use serde::{Deserialize, Serialize};

/// What is on file. It is kept sealed; whether the address is verified stands beside it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// The address on file.
    pub email: Option<Email>,
    /// The number on file.
    pub phone: Option<Phone>,
    /// Whether the caller knows the number to be the user's.
    pub phone_verified: bool,
    /// Language of messages.
    pub locale: Option<Locale>,
    /// Groups that policy may name; not known where absent.
    pub groups: Option<Vec<GroupName>>,
    /// The label in the app.
    pub account_name: Option<AccountName>,
    /// When the password last changed.
    pub password_changed_at: Option<Timestamp>,
    /// A dated exception from having to enroll.
    pub grace: Option<EnrollmentGrace>,
}

/// An exception for one user: enrolling may be put off until a date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrollmentGrace {
    /// Until when.
    pub until: Timestamp,
    /// Why.
    pub reason: GraceReason,
}

/// Why a user has an exception: 1 to 200 bytes of one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GraceReason(String);

/// A BCP-47 language tag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Locale(String);

/// The name of a group: 1 to 128 bytes of one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupName(String);

/// The label in an authenticator app: 1 to 128 bytes of one line.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountName(String);

/// The fields to write; the others stay.
#[derive(Debug, Clone, Default)]
pub struct ProfileUpdate {
    /// The address; `Some(None)` takes it off file.
    pub email: Option<Option<Email>>,
    /// Whether it is verified. A changed address is not, unless this says so.
    pub email_verified: Option<bool>,
    /// The number.
    pub phone: Option<Option<Phone>>,
    /// Whether it is verified. A changed number is not, unless this says so.
    pub phone_verified: Option<bool>,
    /// The language.
    pub locale: Option<Option<Locale>>,
    /// The groups.
    pub groups: Option<Option<Vec<GroupName>>>,
    /// The label.
    pub account_name: Option<Option<AccountName>>,
    /// When the password last changed.
    pub password_changed_at: Option<Option<Timestamp>>,
    /// The exception from having to enroll.
    pub grace: Option<Option<EnrollmentGrace>>,
}

/// What is on file, and whether the address is verified.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProfileRecord {
    /// What is sealed.
    pub profile: Profile,
    /// Whether the address is known to be the user's.
    pub email_verified: bool,
    /// Grows with each change of the address, so that a code sent to the old one verifies nothing.
    pub email_version: u32,
}

impl ProfileRecord {
    /// The address and the number that are known to be the user's.
    #[must_use]
    pub fn verified(&self) -> Vec<Destination> {
        let Profile {
            email,
            phone,
            phone_verified,
            ..
        } = &self.profile;
        let email = email.clone().filter(|_| self.email_verified);
        let phone = phone.clone().filter(|_| *phone_verified);
        let email = email.map(Destination::Email);
        email
            .into_iter()
            .chain(phone.map(Destination::Phone))
            .collect()
    }

    /// Whether another address or number is on file than was before.
    #[must_use]
    pub fn changed_since(&self, before: &Self) -> bool {
        let (new, old) = (&self.profile, &before.profile);
        new.email != old.email || new.phone != old.phone
    }
}

impl ProfileUpdate {
    /// What is on file after this update, and whether it says that the password changed since.
    #[must_use]
    pub fn apply(self, before: &ProfileRecord) -> (ProfileRecord, bool) {
        let old = &before.profile;
        let profile = Profile {
            email: self.email.unwrap_or_else(|| old.email.clone()),
            phone: self.phone.unwrap_or_else(|| old.phone.clone()),
            phone_verified: old.phone_verified,
            locale: self.locale.unwrap_or_else(|| old.locale.clone()),
            groups: self.groups.unwrap_or_else(|| old.groups.clone()),
            account_name: self
                .account_name
                .unwrap_or_else(|| old.account_name.clone()),
            password_changed_at: self.password_changed_at.unwrap_or(old.password_changed_at),
            grace: self.grace.unwrap_or_else(|| old.grace.clone()),
        };
        let email_moved = profile.email != old.email;
        let phone_verified = self
            .phone_verified
            .unwrap_or(old.phone_verified && profile.phone == old.phone);
        let email_verified = self
            .email_verified
            .unwrap_or(before.email_verified && !email_moved);
        let password_changed = profile.password_changed_at > old.password_changed_at;
        let after = ProfileRecord {
            email_verified: email_verified && profile.email.is_some(),
            email_version: before.email_version.saturating_add(u32::from(email_moved)),
            profile: Profile {
                phone_verified: phone_verified && profile.phone.is_some(),
                ..profile
            },
        };
        (after, password_changed)
    }
}

impl Locale {
    /// From what the caller sent; nothing if it sent none. The canonical spelling is kept.
    ///
    /// # Errors
    /// [`MalformedValue::NotALocale`].
    pub fn parse(tag: &str) -> Result<Option<Self>, MalformedValue> {
        if tag.is_empty() {
            return Ok(None);
        }
        if tag.len() > 64 {
            return Err(MalformedValue::TooLong(64));
        }
        let tag = LanguageTag::try_from_str(tag).map_err(|_| MalformedValue::NotALocale)?;
        Ok(Some(Self(tag.to_string())))
    }

    /// The tag.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl GroupName {
    /// From what the caller sent.
    ///
    /// # Errors
    /// Tells what is malformed.
    pub fn parse(name: &str) -> Result<Self, MalformedValue> {
        filled_line(name, 128).map(Self)
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl GraceReason {
    /// From what the caller sent.
    ///
    /// # Errors
    /// Tells what is malformed.
    pub fn parse(text: &str) -> Result<Self, MalformedValue> {
        filled_line(text, 200).map(Self)
    }

    /// The reason.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AccountName {
    /// From what the caller sent; nothing if it sent none.
    ///
    /// # Errors
    /// Tells what is malformed.
    pub fn parse(name: &str) -> Result<Option<Self>, MalformedValue> {
        if name.is_empty() {
            return Ok(None);
        }
        filled_line(name, 128).map(|name| Some(Self(name)))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn filled_line(line: &str, longest: usize) -> Result<String, MalformedValue> {
    if line.is_empty() {
        return Err(MalformedValue::Empty);
    }
    text::plain_line(line, longest).map(str::to_owned)
}

impl std::fmt::Debug for AccountName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AccountName([redacted])")
    }
}

#[cfg(test)]
mod tests;
