//! What a process with one service refuses to start with, and which addresses are safe.

use crate::config::{CallerTokensConfig, ServerConfig, caller::token_hash};
use url::{Host, Url};

/// Fields of sections shared with `serve` that are of no use to a service in a process of its own; [`InvalidServerConfig::Reflection`].
pub const REFUSED: [&str; 1] = ["server.reflection"];

/// A configuration that no process with one service starts with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidServerConfig {
    /// Nobody could call.
    #[error("caller.token_sha256 is not set, so that nobody could call: make a token with `{0}`")]
    NoToken(&'static str),
    /// A token that can't be one.
    #[error(
        "caller.token_sha256 has an entry that is not 64 hexadecimal characters; `{0}` makes it"
    )]
    NotAHash(&'static str),
    /// Callers would talk in the clear.
    #[error(
        "server.listen is off loopback in plaintext: set server.tls, or server.mesh = true where a mesh encrypts"
    )]
    PlaintextListener,
    /// There is no reflection.
    #[error("server.reflection is for `countersign serve`; there is none here")]
    Reflection,
    /// A bound that lets nothing through.
    #[error("{0} is 0, so that nothing would get through")]
    Zero(&'static str),
}

/// What is refused of any service in a process of its own.
#[must_use]
pub fn check_server_config(
    server: &ServerConfig,
    caller: &CallerTokensConfig,
    token_command: &'static str,
) -> Vec<InvalidServerConfig> {
    let mut problems = Vec::new();
    let hashes = &caller.token_sha256;
    if hashes.is_empty() {
        problems.push(InvalidServerConfig::NoToken(token_command));
    }
    if hashes.iter().any(|hash| token_hash(hash).is_none()) {
        problems.push(InvalidServerConfig::NotAHash(token_command));
    }
    if server.is_plaintext_off_loopback() && !server.mesh {
        problems.push(InvalidServerConfig::PlaintextListener);
    }
    if server.reflection {
        problems.push(InvalidServerConfig::Reflection);
    }
    let zeros = server.bounds().into_iter().filter(|(_, bound)| *bound == 0);
    problems.extend(zeros.map(|(name, _)| InvalidServerConfig::Zero(name)));
    problems
}

/// Whether what goes to this address is encrypted to a peer that proved its name, or never leaves the machine.
#[must_use]
pub fn is_safe(url: &Url) -> bool {
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    loopback || url.scheme() == "https"
}
