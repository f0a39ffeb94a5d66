//! Configuration of the reference verifier. Its field docs are the reference table in
//! `docs/guides/bring-your-own-password-check.md`. Keep each on one line.

use countersign_transport::{
    config::{
        CallerTokensConfig, InvalidServerConfig, LogConfig, ServerConfig, check_server_config,
    },
    startup_report::StartupReportLine,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The configuration of the verifier.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FileVerifierConfig {
    /// Password file with a line `tenant/user:$argon2id$…` for each account. Empty lines and lines that start with `#` are skipped. The file is reloaded when it changes and on SIGHUP. If it can't be used, the previous content stays in use.
    pub users: Option<PathBuf>,
    /// Slow hashes (argon2id).
    pub hashing: HashesConfig,
    /// The tokens of callers.
    pub caller: CallerTokensConfig,
    /// The settings of the gRPC server.
    pub server: ServerConfig,
    /// The settings of the log.
    pub log: LogConfig,
}

/// Slow hashes (argon2id).
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HashesConfig {
    /// Maximum number of concurrent hashes. Further passwords are refused with `RESOURCE_EXHAUSTED`.
    pub at_once: usize,
}

/// Why the verifier refuses its configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidVerifierConfig {
    /// No password file is configured.
    #[error("users is not set: name the password file there, or pass --users")]
    NoUsers,
    /// No hash may be computed.
    #[error("hashing.at_once is 0, so that nothing would get through")]
    NoHashes,
    /// The server can't be started.
    #[error(transparent)]
    Server(#[from] InvalidServerConfig),
}

impl Default for FileVerifierConfig {
    fn default() -> Self {
        Self {
            users: None,
            hashing: HashesConfig::default(),
            caller: CallerTokensConfig::default(),
            server: ServerConfig::on_port(50071),
            log: LogConfig::default(),
        }
    }
}

impl Default for HashesConfig {
    fn default() -> Self {
        Self { at_once: 4 }
    }
}

impl FileVerifierConfig {
    /// Everything that is wrong with the configuration.
    #[must_use]
    pub fn problems(&self) -> Vec<InvalidVerifierConfig> {
        let mut problems = Vec::new();
        if self.users.is_none() {
            problems.push(InvalidVerifierConfig::NoUsers);
        }
        if self.hashing.at_once == 0 {
            problems.push(InvalidVerifierConfig::NoHashes);
        }
        let serving = check_server_config(&self.server, &self.caller, "countersign identity token");
        problems.extend(serving.into_iter().map(InvalidVerifierConfig::Server));
        problems
    }

    /// The values in use and their sources, for the startup report.
    pub(super) fn used(&self, source_of: &dyn Fn(&str) -> String) -> Vec<StartupReportLine> {
        let server = &self.server;
        let transport = match (&server.tls, server.mesh) {
            (Some(_), _) => "TLS",
            (None, true) => "plaintext, a mesh is declared",
            (None, false) => "plaintext on loopback",
        };
        let line = |what, value: String, key| StartupReportLine::new(what, value, source_of(key));
        let tokens = self.caller.token_sha256.len();
        vec![
            line(
                "listening",
                format!("{}, {transport}", server.listen),
                "server.listen",
            ),
            line(
                "callers",
                format!("{tokens} bearer tokens"),
                "caller.token_sha256",
            ),
            line(
                "hashes",
                format!("{} at once", self.hashing.at_once),
                "hashing.at_once",
            ),
        ]
    }
}
