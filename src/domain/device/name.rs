//! What a device is called: what its user says, and until then what the caller said of the client.

use super::ClientApp;
use crate::value::{malformed::MalformedValue, text};

/// A name for a device: 1 to 64 bytes of one line, without a link (A33).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceName(String);

/// Marks of browsers in a `User-Agent` (RFC 9110 §10.1.5). Those that claim to be others come before them.
const BROWSERS: [(&str, &str); 7] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];

/// Marks of systems.
const SYSTEMS: [(&str, &str); 7] = [
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
];

impl DeviceName {
    /// From what the user typed.
    ///
    /// # Errors
    /// Tells what is malformed.
    pub fn parse(text: &str) -> Result<Self, MalformedValue> {
        if text.is_empty() {
            return Err(MalformedValue::Empty);
        }
        text::plain_line_without_link(text, 64).map(|line| Self(line.to_owned()))
    }

    /// The name until the user gives one: what the caller calls the client, or what its `User-Agent` is known to mean.
    #[must_use]
    pub fn made_up(called: Option<&str>, agent: Option<&str>, app: Option<ClientApp>) -> Self {
        let called = called.and_then(|text| Self::parse(text).ok());
        called.unwrap_or_else(|| Self(described(agent.unwrap_or_default(), app)))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// From a store.
    #[must_use]
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }
}

/// Nothing of what the client sends is repeated: only what is known in it.
fn described(agent: &str, app: Option<ClientApp>) -> String {
    let known = |marks: &[(&str, &'static str)]| {
        let found = marks.iter().find(|(mark, _)| agent.contains(mark));
        found.map(|(_, name)| *name)
    };
    let program = match app {
        Some(ClientApp::Mobile) => Some("Mobile app"),
        Some(ClientApp::Browser) | None => known(&BROWSERS),
    };
    match (program, known(&SYSTEMS), app) {
        (Some(program), Some(system), _) => format!("{program} on {system}"),
        (Some(only), None, _) | (None, Some(only), _) => only.to_owned(),
        (None, None, Some(_)) => "Browser".to_owned(),
        (None, None, None) => "Device".to_owned(),
    }
}

#[cfg(test)]
mod tests;
