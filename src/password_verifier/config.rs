//! Configuration of the reference verifier. Its field docs are the reference in
//! `docs/guides/bring-your-own-password-check.md`.

use countersign_transport::{
    config::{
        CallerTokensConfig, InvalidServerConfig, LogConfig, ServerConfig, check_server_config,
    },
    startup_report::StartupReportLine,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Everything that can be configured of it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FileVerifierConfig {
    /// File with a line `tenant/user:$argon2id$…` for each account; empty lines and those that begin with `#` are skipped. It is read anew when it changes, and at SIGHUP; one that can't be used leaves the last one in use.
    pub users: Option<PathBuf>,
    /// Slow hashes.
    pub hashing: HashesConfig,
    /// Who may call.
    pub caller: CallerTokensConfig,
    /// Where and how to listen.
    pub server: ServerConfig,
    /// What the process says.
    pub log: LogConfig,
}

/// Slow hashes.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HashesConfig {
    /// How many run at once; more are turned away, not queued.
    pub at_once: usize,
}

/// A configuration that the verifier does not start with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidVerifierConfig {
    /// Nobody's password is known.
    #[error("users is not set: name the file of passwords, or give --users")]
    NoUsers,
    /// No hash could be made.
    #[error("hashing.at_once is 0, so that nothing would get through")]
    NoHashes,
    /// The process can't serve.
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
    /// Everything that the verifier refuses to start with.
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

    /// What is used, and why.
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
                format!("whoever has one of {tokens} tokens"),
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
