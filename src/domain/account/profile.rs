//! The profile that the caller keeps for a user.

use crate::{
    account::groups::UserGroups,
    value::{
        destination::{Destination, Email, Phone},
        locale::Locale,
        malformed::MalformedValue,
        text::filled_line,
        time::Timestamp,
    },
};
use serde::{Deserialize, Serialize};

/// The profile. It is stored sealed. Whether the e-mail address is verified is stored beside it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// The e-mail address.
    pub email: Option<Email>,
    /// The phone number.
    pub phone: Option<Phone>,
    /// Whether the caller knows that the number belongs to the user.
    pub phone_verified: bool,
    /// The language of messages.
    pub locale: Option<Locale>,
    /// Groups that a policy may name.
    pub groups: UserGroups,
    /// The account label in the authenticator app.
    pub account_name: Option<AccountName>,
    /// When the password last changed.
    pub password_changed_at: Option<Timestamp>,
    /// A dated exception from required enrollment.
    pub grace: Option<EnrollmentGrace>,
}

/// An exception for one user: enrollment may be postponed until a date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrollmentGrace {
    /// When the exception ends.
    pub until: Timestamp,
    /// The reason that the caller gave.
    pub reason: GraceReason,
}

/// The reason of an exception: 1 to 200 bytes, one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GraceReason(String);

/// The account label in an authenticator app: 1 to 128 bytes, one line.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountName(String);

/// An update of a profile. Fields that are `None` stay as they are; `Some(None)` clears a field.
#[derive(Debug, Clone, Default)]
pub struct ProfileUpdate {
    /// The e-mail address.
    pub email: Option<Option<Email>>,
    /// Whether the address is verified. Without it, a changed address is unverified.
    pub email_verified: Option<bool>,
    /// The phone number.
    pub phone: Option<Option<Phone>>,
    /// Whether the number is verified. Without it, a changed number is unverified.
    pub phone_verified: Option<bool>,
    /// The language of messages.
    pub locale: Option<Option<Locale>>,
    /// The groups.
    pub groups: Option<UserGroups>,
    /// The account label in the authenticator app.
    pub account_name: Option<Option<AccountName>>,
    /// When the password last changed.
    pub password_changed_at: Option<Option<Timestamp>>,
    /// The exception from required enrollment.
    pub grace: Option<Option<EnrollmentGrace>>,
}

/// The profile and what is stored beside it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProfileRecord {
    /// The profile.
    pub profile: Profile,
    /// Whether the e-mail address is known to belong to the user.
    pub email_verified: bool,
    /// Grows with each change of the e-mail address. A code sent to the old address then verifies nothing.
    pub email_version: u32,
}

impl ProfileRecord {
    /// The verified destinations: e-mail address first, then phone number.
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

    /// Whether the e-mail address or phone number differs from `before`. Another spelling of the same mailbox is no
    /// other address.
    #[must_use]
    pub fn changed_since(&self, before: &Self) -> bool {
        self.mailbox_changed_since(before) || self.profile.phone != before.profile.phone
    }

    /// Whether the e-mail address belongs to another mailbox than in `before`.
    #[must_use]
    pub fn mailbox_changed_since(&self, before: &Self) -> bool {
        match (&self.profile.email, &before.profile.email) {
            (Some(new), Some(old)) => !new.is_same_mailbox(old),
            (new, old) => new != old,
        }
    }

    /// The stored address, if it is verified and `new` is another spelling of it. Codes go to the verified spelling.
    fn verified_spelling(&self, new: &Email) -> Option<Email> {
        let own = self.profile.email.as_ref()?;
        (self.email_verified && own.is_same_mailbox(new)).then(|| own.clone())
    }
}

impl ProfileUpdate {
    /// Applies the update. The second value says whether the password changed since `before`.
    #[must_use]
    pub fn apply(self, before: &ProfileRecord) -> (ProfileRecord, bool) {
        let old = &before.profile;
        let keeps_spelling = self.email_verified != Some(false);
        let spelled = |new: Email| {
            let verified = before.verified_spelling(&new).filter(|_| keeps_spelling);
            verified.unwrap_or(new)
        };
        let email = self.email.map(|email| email.map(spelled));
        let profile = Profile {
            email: email.unwrap_or_else(|| old.email.clone()),
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

impl GraceReason {
    /// Reads a reason.
    ///
    /// # Errors
    /// [`MalformedValue`] says what is wrong.
    pub fn parse(text: &str) -> Result<Self, MalformedValue> {
        filled_line(text, 200).map(|text| Self(text.to_owned()))
    }

    /// The reason.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AccountName {
    /// Reads an account label; `None` if it is empty.
    ///
    /// # Errors
    /// [`MalformedValue`] says what is wrong.
    pub fn parse(name: &str) -> Result<Option<Self>, MalformedValue> {
        if name.is_empty() {
            return Ok(None);
        }
        filled_line(name, 128).map(|name| Some(Self(name.to_owned())))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for AccountName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AccountName([redacted])")
    }
}

#[cfg(test)]
mod tests;
