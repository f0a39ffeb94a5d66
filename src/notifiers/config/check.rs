//! What a notifier refuses to start with: configuration that fails to unsafe, or lacks something.

use crate::{
    config::ServerConfig,
    notifiers::config::{CommonNotifierConfig, NotifierCallerConfig},
};
use data_encoding::HEXLOWER_PERMISSIVE;

/// The shortest that it may be remembered what became of a message, in hours. Countersign tries a notice for 72, and its last
/// try comes up to a quarter of an hour later.
const MIN_RETENTION_HOURS: u64 = 73;

/// Fields of sections shared with `serve` that are of no use to a service in a process of its own; [`InvalidNotifierConfig::Reflection`].
pub const REFUSED: [&str; 1] = ["server.reflection"];

/// A configuration that a notifier does not start with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidNotifierConfig {
    /// Something that has to be set is not.
    #[error("{0} is not set{1}")]
    Missing(&'static str, &'static str),
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
    /// The provider would be talked to in the clear.
    #[error(
        "{0} is plaintext off loopback: use TLS, or set server.mesh = true where a mesh encrypts"
    )]
    PlaintextPeer(&'static str),
    /// There is no reflection.
    #[error("server.reflection is for `countersign serve`; there is none here")]
    Reflection,
    /// A bound that lets nothing through.
    #[error("{0} is 0, so that nothing would get through")]
    Zero(&'static str),
    /// Messages would be forgotten while they may still be repeated.
    #[error(
        "delivery.keep_hours is below 73, so that a notice that is tried again could be sent twice"
    )]
    ShortMemory,
    /// An address that can't be read.
    #[error("{0} is not {1}")]
    NotA(&'static str, &'static str),
    /// Credentials where they would be shown.
    #[error(
        "gateway.url has a user or a password in it: use gateway.basic_auth and gateway.secrets"
    )]
    CredentialsInUrl,
    /// Half a login.
    #[error("smtp.user and smtp.password_file belong together; one of them is not set")]
    HalfALogin,
    /// No body, or two.
    #[error("set gateway.form or gateway.json, and not both; a preset may have set the other one")]
    NotOneBody,
    /// A query and a body at once.
    #[error("gateway.json can't go with GET")]
    GetWithJson,
    /// A test of half a value.
    #[error("{0}: pointer and equals belong together, and a test needs a status or a pointer")]
    HalfATest(&'static str),
}

/// What is refused of either notifier.
pub(super) fn common(config: &CommonNotifierConfig<'_>) -> Vec<InvalidNotifierConfig> {
    let mut problems = serving(config.server, config.caller, "countersign notifier token");
    if config.data_dir.is_none() {
        problems.push(InvalidNotifierConfig::Missing(
            "data_dir",
            ": name a folder for the ledger",
        ));
    }
    if config.delivery.keep_hours < MIN_RETENTION_HOURS {
        problems.push(InvalidNotifierConfig::ShortMemory);
    }
    problems.extend(zeros(&[(
        "delivery.max_in_flight",
        size(config.delivery.max_in_flight),
    )]));
    problems
}

/// What is refused of any service in a process of its own.
pub(crate) fn serving(
    server: &ServerConfig,
    caller: &NotifierCallerConfig,
    token_command: &'static str,
) -> Vec<InvalidNotifierConfig> {
    let mut problems = Vec::new();
    let hashes = &caller.token_sha256;
    if hashes.is_empty() {
        problems.push(InvalidNotifierConfig::NoToken(token_command));
    }
    if hashes.iter().any(|hash| token_hash(hash).is_none()) {
        problems.push(InvalidNotifierConfig::NotAHash(token_command));
    }
    if server.tls.is_none() && !server.listen.ip().is_loopback() && !server.mesh {
        problems.push(InvalidNotifierConfig::PlaintextListener);
    }
    if server.reflection {
        problems.push(InvalidNotifierConfig::Reflection);
    }
    problems.extend(zeros(&[
        ("server.deadline_seconds", server.deadline_seconds),
        ("server.drain_seconds", server.drain_seconds),
        ("server.max_connections", size(server.max_connections)),
        (
            "server.max_concurrent_streams",
            u64::from(server.max_concurrent_streams),
        ),
        (
            "server.max_header_bytes",
            u64::from(server.max_header_bytes),
        ),
        ("server.keepalive_seconds", server.keepalive_seconds),
        (
            "server.keepalive_timeout_seconds",
            server.keepalive_timeout_seconds,
        ),
        (
            "server.max_connection_age_seconds",
            server.max_connection_age_seconds,
        ),
    ]));
    problems
}

/// A count as the number that [`zeros`] takes.
pub(super) fn size(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// The hash of a token, if it is one.
pub(in crate::notifiers) fn token_hash(text: &str) -> Option<[u8; 32]> {
    let bytes = HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok()?;
    bytes.try_into().ok()
}

/// The bounds that are 0, by name.
pub(super) fn zeros(bounds: &[(&'static str, u64)]) -> Vec<InvalidNotifierConfig> {
    let zeros = bounds.iter().filter(|(_, bound)| *bound == 0);
    zeros
        .map(|(name, _)| InvalidNotifierConfig::Zero(name))
        .collect()
}
