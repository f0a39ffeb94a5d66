//! The settings of a run.

use countersign_proto::notifier::Channel;
use std::time::Duration;

/// The address of the notifier, and what checks may do.
pub struct NotifierCheckSettings {
    /// The URL: `http://…` or `https://…`.
    pub url: String,
    /// Certificates to trust in addition to the system's, as PEM.
    pub ca: Option<Vec<u8>>,
    /// The agreed token.
    pub token: Option<String>,
    /// The channel, and the destination if messages may be sent.
    pub destination: TestDestination,
    /// The timeout of a call.
    pub call_timeout: Duration,
    /// The id of this run. It is part of every idempotency key.
    pub run: String,
    /// The time, in seconds since 1970.
    pub now: i64,
}

/// Why a notifier can't be checked.
#[derive(Debug, thiserror::Error)]
pub enum NotifierCheckError {
    /// The address is malformed.
    #[error("`{0}` is no address: give HOST:PORT, http://HOST:PORT or https://HOST:PORT")]
    Address(String),
    /// The certificates can't be read.
    #[error("the certificates of --ca can't be read: {0}")]
    Certificates(tonic::transport::Error),
    /// The token can't be sent in a header.
    #[error("the token has characters that a header can't carry")]
    Token,
}

/// The destination of test messages.
#[derive(Clone)]
pub struct TestDestination {
    /// The channel.
    pub channel: Channel,
    /// The phone number or e-mail address; `None` if no messages may be sent.
    pub address: Option<String>,
}
