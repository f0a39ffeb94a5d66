//! Tenants: what a company is called.

use crate::value::{id::TenantId, malformed::MalformedValue, text};
use std::collections::HashMap;

/// A company's name, as people know it: it signs messages, and apps show it. 1 to 64 bytes of one line without a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisplayName(String);

/// What companies are called.
#[derive(Debug, Clone, Default)]
pub struct DisplayNames(HashMap<TenantId, DisplayName>);

impl DisplayName {
    /// From what an operator wrote.
    ///
    /// # Errors
    /// Tells what is malformed.
    pub fn parse(name: &str) -> Result<Self, MalformedValue> {
        if name.is_empty() {
            return Err(MalformedValue::Empty);
        }
        text::plain_line_without_link(name, 64).map(|line| Self(line.to_owned()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl DisplayNames {
    /// What a company is called; its id, where nobody said.
    #[must_use]
    pub fn of(&self, tenant: &TenantId) -> String {
        let named = self.0.get(tenant).map(DisplayName::as_str);
        named.unwrap_or(tenant.as_str()).to_owned()
    }
}

impl FromIterator<(TenantId, DisplayName)> for DisplayNames {
    fn from_iter<T: IntoIterator<Item = (TenantId, DisplayName)>>(names: T) -> Self {
        Self(names.into_iter().collect())
    }
}

#[cfg(test)]
mod tests;
