//! What a notifier refuses to start with: configuration that fails to unsafe, or lacks something.

use crate::config::CommonNotifierConfig;
use countersign_transport::config::{InvalidServerConfig, check_server_config};

/// The shortest that it may be remembered what became of a message, in hours. Countersign tries a notice for 72, and its last
/// try comes up to a quarter of an hour later.
const MIN_RETENTION_HOURS: u64 = 73;

/// A configuration that a notifier does not start with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidNotifierConfig {
    /// The process can't serve.
    #[error(transparent)]
    Server(#[from] InvalidServerConfig),
    /// Something that has to be set is not.
    #[error("{0} is not set{1}")]
    Missing(&'static str, &'static str),
    /// The provider would be talked to in the clear.
    #[error(
        "{0} is plaintext off loopback: use TLS, or set server.mesh = true where a mesh encrypts"
    )]
    PlaintextPeer(&'static str),
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
    let serving = check_server_config(config.server, config.caller, "countersign notifier token");
    let mut problems: Vec<_> = serving.into_iter().map(Into::into).collect();
    if config.data_dir.is_none() {
        problems.push(InvalidNotifierConfig::Missing(
            "data_dir",
            ": name a folder for the idempotency store",
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

/// A count as the number that [`zeros`] takes.
pub(super) fn size(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// The bounds that are 0, by name.
pub(super) fn zeros(bounds: &[(&'static str, u64)]) -> Vec<InvalidNotifierConfig> {
    let zeros = bounds.iter().filter(|(_, bound)| *bound == 0);
    zeros
        .map(|(name, _)| InvalidNotifierConfig::Zero(name))
        .collect()
}
