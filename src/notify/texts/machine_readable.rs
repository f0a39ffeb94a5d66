//! Lines of a text message that browsers and apps read the code from.

/// What stands behind a code in a text message, for programs to read. No template can break it.
#[derive(Debug, Clone, Default)]
pub(super) struct MachineReadableLines {
    /// The host that browsers bind a code to.
    pub(super) host: Option<String>,
    /// The app that Android hands a code to.
    pub(super) app_hash: Option<String>,
}

impl MachineReadableLines {
    /// The lines behind this code, in their order. Browsers read the last line of a message and nothing else (WICG,
    /// origin-bound one-time codes); Android looks for the app's hash anywhere.
    pub(super) fn of(&self, code: &str) -> [Option<String>; 2] {
        let origin = self.host.as_ref().map(|host| format!("@{host} #{code}"));
        [self.app_hash.clone(), origin]
    }
}
