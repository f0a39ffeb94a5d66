//! `[server]`.

use crate::config::ListenAddress;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Where and how to listen.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ServerConfig {
    /// Where to listen: `ADDRESS:PORT`, `HOST:PORT`, `:PORT` or `PORT` for every address of the machine, or `unix:/path`. If it is set nowhere, the environment variable `PORT` names the port.
    pub listen: ListenAddress,
    /// Certificate and key. Needed off loopback, unless a mesh encrypts.
    pub tls: Option<TlsConfig>,
    /// A service mesh encrypts and authenticates what goes between processes, so that plaintext off loopback is allowed: to callers, Redis, PostgreSQL and notifiers.
    pub mesh: bool,
    /// Serve gRPC reflection. `dev` always does.
    pub reflection: bool,
    /// The longest that a call may take, in seconds; a shorter deadline of the caller's wins.
    pub deadline_seconds: u64,
    /// How many connections may be open at once; further ones wait until one ends. A connection that gets through no handshake within 5 seconds, or says nothing within 10, is closed.
    pub max_connections: usize,
    /// How many calls one connection may have open at once.
    pub max_concurrent_streams: u32,
    /// The largest set of headers of a call, in bytes.
    pub max_header_bytes: u32,
    /// How often an idle connection is asked whether it lives, in seconds.
    pub keepalive_seconds: u64,
    /// How long it has for the answer, in seconds.
    pub keepalive_timeout_seconds: u64,
    /// How old a connection gets before it is asked to reconnect, in seconds, so that load balancers rebalance; a tenth more or less, drawn at the start.
    pub max_connection_age_seconds: u64,
    /// How long what was begun may take to end after SIGTERM, in seconds.
    pub drain_seconds: u64,
}

/// Certificate and key.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TlsConfig {
    /// Certificate chain, PEM.
    pub cert: PathBuf,
    /// Private key, PEM.
    pub key: PathBuf,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            listen: ListenAddress::loopback(50051),
            tls: None,
            mesh: false,
            reflection: false,
            deadline_seconds: 10,
            max_connections: 4096,
            max_concurrent_streams: 256,
            max_header_bytes: 8 * 1024,
            keepalive_seconds: 30,
            keepalive_timeout_seconds: 10,
            max_connection_age_seconds: 30 * 60,
            drain_seconds: 15,
        }
    }
}

impl ServerConfig {
    /// The defaults, on a port of loopback.
    #[must_use]
    pub fn on_port(port: u16) -> Self {
        Self {
            listen: ListenAddress::loopback(port),
            ..Self::default()
        }
    }

    /// The bounds that must not be 0, by field.
    #[must_use]
    pub fn bounds(&self) -> [(&'static str, u64); 8] {
        let max_connections = u64::try_from(self.max_connections).unwrap_or(u64::MAX);
        [
            ("server.deadline_seconds", self.deadline_seconds),
            ("server.drain_seconds", self.drain_seconds),
            ("server.max_connections", max_connections),
            (
                "server.max_concurrent_streams",
                self.max_concurrent_streams.into(),
            ),
            ("server.max_header_bytes", self.max_header_bytes.into()),
            ("server.keepalive_seconds", self.keepalive_seconds),
            (
                "server.keepalive_timeout_seconds",
                self.keepalive_timeout_seconds,
            ),
            (
                "server.max_connection_age_seconds",
                self.max_connection_age_seconds,
            ),
        ]
    }

    /// Whether callers on other machines would talk in the clear, unless a mesh encrypts.
    #[must_use]
    pub fn is_plaintext_off_loopback(&self) -> bool {
        self.tls.is_none() && !self.listen.is_local()
    }
}
