//! What `serve` refuses to start with: configuration that fails to unsafe.

use crate::config::{Config, HashingConfig};
use url::{Host, Url};

/// A configuration that `serve` does not start with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// There is no key ring.
    #[error("keys.file is not set: make a key ring with `countersign keys new` and name it there")]
    NoKeys,
    /// Nobody could call.
    #[error(
        "there are no [[callers]], so that nobody could call: make one with `countersign callers add`"
    )]
    NoCallers,
    /// Callers would talk in the clear.
    #[error(
        "server.listen is off loopback in plaintext: set server.tls, or server.mesh = true where a mesh encrypts"
    )]
    PlaintextListener,
    /// A store or notifier would be talked to in the clear.
    #[error(
        "{0} is plaintext off loopback: use TLS, or set server.mesh = true where a mesh encrypts"
    )]
    PlaintextPeer(&'static str),
    /// A store would be talked to whoever it is.
    #[error("{0} turns the check of certificates off: take `#insecure` away")]
    Unverified(&'static str),
    /// The nodes of one cluster would be talked to in two ways.
    #[error("{0} has addresses with TLS and without: nodes of one cluster are reached in one way")]
    Mixed(&'static str),
    /// A node that nobody configured would be talked to in the clear.
    #[error(
        "the Redis Cluster leads to {0} in plaintext off loopback: use rediss://, or set server.mesh = true where a mesh encrypts"
    )]
    PlaintextNode(String),
    /// An address that can't be read.
    #[error("{0} is not a URL")]
    NotAUrl(&'static str),
    /// There is nowhere to keep users.
    #[error("neither postgres.url nor data_dir is set, so that nothing durable could be kept")]
    NowhereDurable,
    /// Hashes too fast.
    #[error("hashing is below its floor of 19456 KiB and 2 passes, or hashing.at_once is 0")]
    WeakHashing,
    /// A bound that lets nothing through.
    #[error("{0} is 0, so that nothing would get through")]
    Zero(&'static str),
}

impl Config {
    /// Everything that `serve` refuses to start with.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.keys.file.is_none() {
            problems.push(Problem::NoKeys);
        }
        if self.callers.is_empty() {
            problems.push(Problem::NoCallers);
        }
        if self.postgres.url.is_none() && self.data_dir.is_none() {
            problems.push(Problem::NowhereDurable);
        }
        let floor = HashingConfig::FLOOR;
        let hashing = self.hashing;
        if hashing.memory_kib < floor.memory_kib
            || hashing.passes < floor.passes
            || hashing.at_once == 0
        {
            problems.push(Problem::WeakHashing);
        }
        problems.extend(self.zeros());
        problems.extend(self.plaintext());
        problems
    }

    fn zeros(&self) -> impl Iterator<Item = Problem> {
        let bounds = [
            ("server.deadline_seconds", self.server.deadline_seconds),
            ("server.drain_seconds", self.server.drain_seconds),
            (
                "server.max_connections",
                u64::try_from(self.server.max_connections).unwrap_or(u64::MAX),
            ),
            (
                "server.max_concurrent_streams",
                u64::from(self.server.max_concurrent_streams),
            ),
            (
                "server.max_header_bytes",
                u64::from(self.server.max_header_bytes),
            ),
            ("server.keepalive_seconds", self.server.keepalive_seconds),
            (
                "server.keepalive_timeout_seconds",
                self.server.keepalive_timeout_seconds,
            ),
            (
                "server.max_connection_age_seconds",
                self.server.max_connection_age_seconds,
            ),
            (
                "postgres.max_connections",
                u64::from(self.postgres.max_connections),
            ),
            (
                "postgres.statement_timeout_ms",
                self.postgres.statement_timeout_ms,
            ),
            ("redis.timeout_ms", self.redis.timeout_ms),
            ("notifiers.sms.deadline_ms", self.notifiers.sms.deadline_ms),
            (
                "notifiers.email.deadline_ms",
                self.notifiers.email.deadline_ms,
            ),
            (
                "notifiers.sms.max_in_flight",
                u64::try_from(self.notifiers.sms.max_in_flight).unwrap_or(u64::MAX),
            ),
            (
                "notifiers.email.max_in_flight",
                u64::try_from(self.notifiers.email.max_in_flight).unwrap_or(u64::MAX),
            ),
        ];
        bounds
            .into_iter()
            .filter(|(_, bound)| *bound == 0)
            .map(|(name, _)| Problem::Zero(name))
    }

    /// No plaintext off loopback, unless a mesh is declared. Addresses of stores are judged where their drivers are known.
    fn plaintext(&self) -> Vec<Problem> {
        let server = &self.server;
        let listener = server.tls.is_none() && !server.listen.ip().is_loopback();
        let listener = listener.then_some(Problem::PlaintextListener);
        let peers = [
            ("notifiers.sms.endpoints", &self.notifiers.sms.endpoints),
            ("notifiers.email.endpoints", &self.notifiers.email.endpoints),
        ];
        let peers = peers
            .into_iter()
            .flat_map(|(name, urls)| urls.iter().map(move |url| (name, url)));
        let peers = peers.filter_map(|(name, url)| match Url::parse(url) {
            Err(_) => Some(Problem::NotAUrl(name)),
            Ok(url) => (!is_safe(&url)).then_some(Problem::PlaintextPeer(name)),
        });
        let mesh = server.mesh;
        let problems = listener.into_iter().chain(peers);
        problems
            .filter(|problem| !mesh || matches!(problem, Problem::NotAUrl(_)))
            .collect()
    }
}

/// Whether what goes to this notifier is encrypted to a peer that proved its name, or never leaves the machine.
fn is_safe(url: &Url) -> bool {
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    loopback || url.scheme() == "https"
}
