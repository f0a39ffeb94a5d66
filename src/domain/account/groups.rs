//! The groups of a user, as the caller tells them.

use crate::value::{
    malformed::MalformedValue,
    text::{filled_line, is_same_without_joiners},
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
        is_same_without_joiners(&self.0, &other.0)
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
                let is_exact = own.iter().any(|group| named.contains(group));
                Some(is_exact || has_same(own, named) || has_same(named, own))
            }
            Self::TooMany => Some(!named.is_empty()),
        }
    }
}

/// Whether a name outside ASCII differs from one of `others` in joiners at most. No joiner is ASCII, so pairs of ASCII
/// names need no comparison.
fn has_same(names: &[GroupName], others: &[GroupName]) -> bool {
    names
        .iter()
        .filter(|name| !name.0.is_ascii())
        .any(|name| others.iter().any(|other| name.is_same(other)))
}

#[cfg(test)]
mod tests;
