//! The machine-readable lines of a text message, from which browsers and apps read the code.

/// The machine-readable lines after a code. No template can change them.
#[derive(Debug, Clone, Default)]
pub(super) struct MachineReadableLines {
    /// The host that browsers bind the code to.
    pub(super) host: Option<String>,
    /// The hash of the app that Android hands the code to.
    pub(super) app_hash: Option<String>,
}

impl MachineReadableLines {
    /// The lines for a code, in order. Browsers read only the last line of a message (WICG, origin-bound one-time
    /// codes). Android finds the app's hash in any line.
    pub(super) fn of(&self, code: &str) -> [Option<String>; 2] {
        let origin = self.host.as_ref().map(|host| format!("@{host} #{code}"));
        [self.app_hash.clone(), origin]
    }
}
