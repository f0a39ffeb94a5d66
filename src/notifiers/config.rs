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

use countersign_transport::config::{CallerTokensConfig, ListenAddress, LogConfig, ServerConfig};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::Path;

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
    /// Address of the Prometheus endpoint `GET /metrics`, in plaintext, in the forms of `server.listen`. If unset, metrics are not served.
    pub listen: Option<ListenAddress>,
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
