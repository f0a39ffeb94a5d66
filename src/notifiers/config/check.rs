//! Configurations that a notifier refuses to start with: unsafe or incomplete ones.

use crate::config::CommonNotifierConfig;
use countersign_transport::config::{InvalidServerConfig, check_server_config};

/// The minimum retention of results, in hours. Countersign retries a notice for 72 hours, and the last attempt comes up
/// to a quarter of an hour later.
const MIN_RETENTION_HOURS: u64 = 73;

/// Why a notifier refuses its configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidNotifierConfig {
    /// The server can't be started.
    #[error(transparent)]
    Server(#[from] InvalidServerConfig),
    /// A required field is not set.
    #[error("{0} is not set{1}")]
    Missing(&'static str, &'static str),
    /// The connection to the provider would be unencrypted.
    #[error(
        "{0} is plaintext off loopback: use TLS, or set server.mesh = true where a mesh encrypts"
    )]
    PlaintextPeer(&'static str),
    /// A limit is 0.
    #[error("{0} is 0, so that nothing would get through")]
    Zero(&'static str),
    /// Results would be deleted while messages may still be retried.
    #[error("delivery.keep_hours is below 73: a retried notice could be sent twice")]
    ShortMemory,
    /// A value is malformed.
    #[error("{0} is not {1}")]
    NotA(&'static str, &'static str),
    /// The URL contains credentials, which would be printed.
    #[error(
        "gateway.url contains a user or a password: use gateway.basic_auth and gateway.secrets"
    )]
    CredentialsInUrl,
    /// The user is set without a password, or the other way round.
    #[error("set both smtp.user and smtp.password_file, or neither")]
    HalfALogin,
    /// Neither body is set, or both are.
    #[error("set either gateway.form or gateway.json, not both; a preset may already set one")]
    NotOneBody,
    /// A JSON body is set with method GET.
    #[error("gateway.json needs gateway.method POST or PUT, not GET")]
    GetWithJson,
    /// A response test is incomplete.
    #[error("{0}: set pointer and equals together, and set statuses or pointer")]
    HalfATest(&'static str),
}

/// Checks the sections that both notifiers have.
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

/// Converts a count to the type that [`zeros`] takes.
pub(super) fn size(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// The limits that are 0, by name.
pub(super) fn zeros(bounds: &[(&'static str, u64)]) -> Vec<InvalidNotifierConfig> {
    let zeros = bounds.iter().filter(|(_, bound)| *bound == 0);
    zeros
        .map(|(name, _)| InvalidNotifierConfig::Zero(name))
        .collect()
}
