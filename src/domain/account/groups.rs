//! The groups of a user, as the caller tells them.

use crate::value::{
    malformed::MalformedValue,
    text::{filled_line, without_joiners},
};
use serde::{Deserialize, Serialize};

/// The name of a group: 1 to 255 bytes, one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupName(String);

/// The groups of a user. The order of the variants is stored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum UserGroups {
    /// The caller has not told them.
    #[default]
    Unknown,
    /// All of them.
    Listed(Vec<GroupName>),
    /// The caller told more than are kept. The user counts as a member of every group.
    TooMany,
}

impl GroupName {
    /// The longest name, in bytes.
    const MAX_LENGTH: usize = 255;

    /// Reads a group name.
    ///
    /// # Errors
    /// [`MalformedValue`] says what is wrong.
    pub fn parse(name: &str) -> Result<Self, MalformedValue> {
        filled_line(name, Self::MAX_LENGTH).map(|name| Self(name.to_owned()))
    }

    /// Whether both name one group. Joiners make no difference.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self == other || without_joiners(&self.0) == without_joiners(&other.0)
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl UserGroups {
    /// The most groups that are kept of one user.
    pub const MAX_GROUPS: usize = 1000;

    /// Reads the names that the caller told. Too many or too long names are no error: a directory, not the user,
    /// decides on them.
    ///
    /// # Errors
    /// [`MalformedValue`] if a name is empty or not one line of plain text.
    pub fn parse(names: &[String]) -> Result<Self, MalformedValue> {
        if names.len() > Self::MAX_GROUPS {
            return Ok(Self::TooMany);
        }
        let names: Result<Vec<GroupName>, _> =
            names.iter().map(|name| GroupName::parse(name)).collect();
        match names {
            Ok(names) => Ok(Self::Listed(names)),
            Err(MalformedValue::TooLong(_)) => Ok(Self::TooMany),
            Err(why) => Err(why),
        }
    }

    /// Whether the user is a member of one of these groups; `None` if that is unknown.
    #[must_use]
    pub fn include_any(&self, named: &[GroupName]) -> Option<bool> {
        match self {
            Self::Unknown => None,
            Self::Listed(own) => {
                let is_named = |group: &GroupName| named.iter().any(|other| group.is_same(other));
                Some(own.iter().any(is_named))
            }
            Self::TooMany => Some(!named.is_empty()),
        }
    }
}

#[cfg(test)]
mod tests;
