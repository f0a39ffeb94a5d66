//! Configuration of the reference notifiers: one struct for each of them, one for each section. Their field docs are the
//! reference in `docs/guides/run-the-notifiers.md`.

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

/// How messages are handed on.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DeliveryConfig {
    /// How many messages may be on their way at once; more are turned away at once.
    pub max_in_flight: usize,
    /// How long it is remembered what became of a message, in hours; at least 73, because a notice is tried for 72.
    pub keep_hours: u64,
}

/// What Prometheus may read.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MetricsConfig {
    /// Address and port where `GET /metrics` is answered, in plaintext: counts and times, nothing of any message. Not served where it is not set.
    pub listen: Option<SocketAddr>,
}

/// What both notifiers have in common.
#[derive(Debug, Clone, Copy)]
pub struct CommonNotifierConfig<'a> {
    /// Folder of the idempotency store.
    pub data_dir: Option<&'a Path>,
    /// Where and how to listen.
    pub server: &'a ServerConfig,
    /// Who may call.
    pub caller: &'a CallerTokensConfig,
    /// How messages are handed on.
    pub delivery: &'a DeliveryConfig,
    /// What Prometheus may read.
    pub metrics: &'a MetricsConfig,
    /// What the process says.
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

/// A file whose text is a secret, read once.
pub(super) fn secret(file: &Path) -> Result<zeroize::Zeroizing<String>, SecretFileError> {
    let text = std::fs::read_to_string(file).map(zeroize::Zeroizing::new);
    let text = text.map_err(|cause| SecretFileError::Unreadable(file.to_path_buf(), cause))?;
    let trimmed = text.trim();
    if trimmed.is_empty() || trimmed.chars().any(char::is_control) {
        return Err(SecretFileError::NoSecret(file.to_path_buf()));
    }
    Ok(zeroize::Zeroizing::new(trimmed.to_owned()))
}

/// A file that holds no secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretFileError {
    /// It can't be read.
    #[error("the secret in {0} can't be read: {1}")]
    Unreadable(PathBuf, std::io::Error),
    /// It has none.
    #[error("{0} is empty, or has more than one line")]
    NoSecret(PathBuf),
}
