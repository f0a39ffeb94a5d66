//! Device names: given by the user, or derived from the client.

use super::ClientApp;
use crate::value::{malformed::MalformedValue, text};

/// The name of a device: 1 to 64 bytes, one line, no link (A33).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceName(String);

/// Marks of browsers in a `User-Agent` (RFC 9110 §10.1.5). Browsers that claim to be others as well come first.
const BROWSERS: [(&str, &str); 7] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];

/// Marks of operating systems in a `User-Agent`.
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
    /// Reads a name that the user gave.
    ///
    /// # Errors
    /// [`MalformedValue`] says what is wrong.
    pub fn parse(text: &str) -> Result<Self, MalformedValue> {
        if text.is_empty() {
            return Err(MalformedValue::Empty);
        }
        text::plain_line_without_link(text, 64).map(|line| Self(line.to_owned()))
    }

    /// The name until the user gives one: from the caller's description, or from known marks in the `User-Agent`.
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

    /// Restores a name from a store.
    #[must_use]
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }
}

/// Describes a client by known marks only. No text that the client sent is copied.
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
