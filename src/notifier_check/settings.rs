//! How a notifier is reached, and what may be asked of it.

use countersign_proto::notifier::Channel;
use std::time::Duration;

/// How a notifier is reached, and what may be asked.
pub struct NotifierCheckSettings {
    /// `http://…` or `https://…`.
    pub url: String,
    /// Certificates to trust beside the system's, PEM.
    pub ca: Option<Vec<u8>>,
    /// The token that was agreed on.
    pub token: Option<String>,
    /// By which channel, and whereto if messages may be sent.
    pub destination: TestDestination,
    /// How long a call may take.
    pub call_timeout: Duration,
    /// What tells this run from others: part of every key.
    pub run: String,
    /// The time, in seconds since 1970.
    pub now: i64,
}

/// A notifier that can't be asked.
#[derive(Debug, thiserror::Error)]
pub enum NotifierCheckError {
    /// The address can't be read.
    #[error("`{0}` is no address: give HOST:PORT, http://HOST:PORT or https://HOST:PORT")]
    Address(String),
    /// The certificates can't be read.
    #[error("the certificates of --ca can't be read: {0}")]
    Certificates(tonic::transport::Error),
    /// The token can't be sent.
    #[error("the token has characters that a header can't carry")]
    Token,
}

/// Where messages go.
#[derive(Clone)]
pub struct TestDestination {
    /// By which channel.
    pub channel: Channel,
    /// A number or an address, if messages may be sent at all.
    pub address: Option<String>,
}
