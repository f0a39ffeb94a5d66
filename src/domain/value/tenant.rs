//! Display names of tenants.

use crate::value::{id::TenantId, malformed::MalformedValue, text};
use std::collections::HashMap;

/// The display name of a tenant, shown in messages and authenticator apps: 1 to 64 bytes, one line, no URL. The operator
/// configures it and no RPC sets it, so that it may look like a host name: `Booking.com`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisplayName(String);

/// The display names that the operator configured.
#[derive(Debug, Clone, Default)]
pub struct DisplayNames(HashMap<TenantId, DisplayName>);

impl DisplayName {
    /// Reads a name from the configuration.
    ///
    /// # Errors
    /// [`MalformedValue`] says what is wrong.
    pub fn parse(name: &str) -> Result<Self, MalformedValue> {
        if name.is_empty() {
            return Err(MalformedValue::Empty);
        }
        let line = text::plain_line(name, 64)?;
        if text::holds_url(line) {
            return Err(MalformedValue::Link);
        }
        Ok(Self(line.to_owned()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl DisplayNames {
    /// The display name of a tenant; its id if none is configured.
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
