//! Configuration of the reference notifiers: one struct for each notifier and section.
//!
//! Field docs are the reference tables in `docs/guides/run-the-notifiers.md`. Keep each on one line.

mod check;
mod sms;
mod smtp;

pub use check::InvalidNotifierConfig;
pub use sms::{
    BasicAuthConfig, ConfiguredRefusal, GatewayConfig, HttpMethod, RefusalConfig,
    SmsNotifierConfig, SuccessConfig,
};
pub use smtp::{SmtpConfig, SmtpNotifierConfig, SmtpTls};

use countersign_transport::config::{CallerTokensConfig, LogConfig, ServerConfig};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

/// Settings of deliveries.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DeliveryConfig {
    /// Maximum number of messages in flight. Further messages are refused with `RESOURCE_EXHAUSTED`.
    pub max_in_flight: usize,
    /// How long the result of a message is kept, in hours. At least 73, because a notice is retried for 72 hours.
    pub keep_hours: u64,
}

/// Settings of the metrics endpoint.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MetricsConfig {
    /// Address and port of the Prometheus endpoint `GET /metrics`, in plaintext. If unset, metrics are not served.
    pub listen: Option<SocketAddr>,
}

/// The sections that both notifiers have.
#[derive(Debug, Clone, Copy)]
pub struct CommonNotifierConfig<'a> {
    /// The folder of the idempotency store.
    pub data_dir: Option<&'a Path>,
    /// The settings of the gRPC server.
    pub server: &'a ServerConfig,
    /// The tokens of callers.
    pub caller: &'a CallerTokensConfig,
    /// The settings of deliveries.
    pub delivery: &'a DeliveryConfig,
    /// The settings of the metrics endpoint.
    pub metrics: &'a MetricsConfig,
    /// The settings of the log.
    pub log: &'a LogConfig,
}

impl Default for DeliveryConfig {
    fn default() -> Self {
        Self {
            max_in_flight: 64,
            keep_hours: 96,
        }
    }
}

/// Reads a secret from a file. The file has one line.
pub(super) fn secret(file: &Path) -> Result<zeroize::Zeroizing<String>, SecretFileError> {
    let text = std::fs::read_to_string(file).map(zeroize::Zeroizing::new);
    let text = text.map_err(|cause| SecretFileError::Unreadable(file.to_path_buf(), cause))?;
    let trimmed = text.trim();
    if trimmed.is_empty() || trimmed.chars().any(char::is_control) {
        return Err(SecretFileError::NoSecret(file.to_path_buf()));
    }
    Ok(zeroize::Zeroizing::new(trimmed.to_owned()))
}

/// Why a secret can't be read.
#[derive(Debug, thiserror::Error)]
pub enum SecretFileError {
    /// The file can't be read.
    #[error("the secret file {0} can't be read: {1}")]
    Unreadable(PathBuf, std::io::Error),
    /// The file is empty, or has more than one line.
    #[error("the secret file {0} has to contain exactly one line")]
    NoSecret(PathBuf),
}
