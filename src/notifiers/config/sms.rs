//! `countersign notifier sms`.

use crate::config::{
    CommonNotifierConfig, DeliveryConfig, InvalidNotifierConfig, MetricsConfig,
    check::{common, zeros},
};
use countersign_transport::config::{CallerTokensConfig, LogConfig, ServerConfig, is_safe};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{collections::BTreeMap, path::PathBuf};
use url::Url;

/// The configuration of the SMS notifier, which sends messages through an HTTP gateway.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SmsNotifierConfig {
    /// Folder of the idempotency store, which prevents messages from being sent twice. Each process needs its own folder.
    pub data_dir: Option<PathBuf>,
    /// The SMS gateway.
    pub gateway: GatewayConfig,
    /// The tokens of callers.
    pub caller: CallerTokensConfig,
    /// The settings of deliveries.
    pub delivery: DeliveryConfig,
    /// The settings of the gRPC server.
    pub server: ServerConfig,
    /// The settings of the metrics endpoint.
    pub metrics: MetricsConfig,
    /// The settings of the log.
    pub log: LogConfig,
}

/// The SMS gateway: how to build requests, and how to read responses.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GatewayConfig {
    /// Preset that provides defaults for the other fields: `generic`, `messagebird`, `sinch`, `twilio` or `vonage`.
    pub preset: Option<String>,
    /// URL that messages are sent to. Redirects are not followed.
    pub url: String,
    /// HTTP method: `POST`, `PUT` or `GET`. With `GET`, the form is sent as the query.
    pub method: HttpMethod,
    /// Number or name that messages come from; the value of `{sender}`.
    pub sender: String,
    /// Fields of the form. In values, `{destination}` is the number with its plus, `{digits}` the number without it, `{text}` the message, `{key}` the idempotency key, `{sender}` the sender, and `{secret:NAME}` a secret. `{{` and `}}` are literal braces.
    pub form: BTreeMap<String, String>,
    /// JSON object to send instead of a form. Its strings may contain the same placeholders.
    pub json: BTreeMap<String, Value>,
    /// Request headers. They may contain the same placeholders, except `{text}`.
    pub headers: BTreeMap<String, String>,
    /// HTTP basic authentication (RFC 7617). User and password may contain `{sender}` and `{secret:NAME}`.
    pub basic_auth: Option<BasicAuthConfig>,
    /// Files with secrets, by the name used in `{secret:NAME}`.
    pub secrets: BTreeMap<String, PathBuf>,
    /// When a message counts as accepted.
    pub success: SuccessConfig,
    /// JSON pointer (RFC 6901) to the gateway's message id in its response.
    pub message_id: Option<String>,
    /// Responses that refuse a message permanently. The first that matches applies.
    pub refusals: Vec<RefusalConfig>,
    /// Timeout of one request to the gateway, in milliseconds.
    pub timeout_ms: u64,
    /// Timeout for connecting to the gateway, in milliseconds.
    pub connect_timeout_ms: u64,
}

/// The HTTP method of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum HttpMethod {
    /// `GET`.
    Get,
    /// `POST`.
    Post,
    /// `PUT`.
    Put,
}

/// Credentials of HTTP basic authentication.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BasicAuthConfig {
    /// User name.
    pub user: String,
    /// Password, such as `{secret:password}`.
    pub password: String,
}

/// When a message counts as accepted.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SuccessConfig {
    /// HTTP statuses or ranges, such as `200` or `200-299`, of a successful response.
    pub statuses: Vec<String>,
    /// JSON pointer to a value in the response that has to match as well.
    pub pointer: Option<String>,
    /// Accepted values at `pointer`.
    pub equals: Vec<String>,
}

/// A response that refuses a message permanently.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RefusalConfig {
    /// HTTP statuses or ranges, such as `400` or `400-499`. An empty list matches any status.
    #[serde(default)]
    pub statuses: Vec<String>,
    /// JSON pointer to a value in the response.
    #[serde(default)]
    pub pointer: Option<String>,
    /// Matching values at `pointer`.
    #[serde(default)]
    pub equals: Vec<String>,
    /// Reason of the refusal: `INVALID_DESTINATION`, `OPTED_OUT` or `NOT_SERVED`.
    pub reason: ConfiguredRefusal,
}

/// Why a message is refused permanently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ConfiguredRefusal {
    /// The number can't exist or can't receive messages.
    InvalidDestination,
    /// The person has opted out of messages.
    OptedOut,
    /// The gateway does not serve the country.
    NotServed,
}

impl Default for SmsNotifierConfig {
    fn default() -> Self {
        Self {
            data_dir: None,
            gateway: GatewayConfig::default(),
            caller: CallerTokensConfig::default(),
            delivery: DeliveryConfig::default(),
            server: ServerConfig::on_port(50062),
            metrics: MetricsConfig::default(),
            log: LogConfig::default(),
        }
    }
}

impl Default for GatewayConfig {
    fn default() -> Self {
        Self {
            preset: None,
            url: String::new(),
            method: HttpMethod::Post,
            sender: String::new(),
            form: BTreeMap::new(),
            json: BTreeMap::new(),
            headers: BTreeMap::new(),
            basic_auth: None,
            secrets: BTreeMap::new(),
            success: SuccessConfig::default(),
            message_id: None,
            refusals: Vec::new(),
            timeout_ms: 5000,
            connect_timeout_ms: 2000,
        }
    }
}

impl Default for SuccessConfig {
    fn default() -> Self {
        Self {
            statuses: vec!["200-299".to_owned()],
            pointer: None,
            equals: Vec::new(),
        }
    }
}

impl SmsNotifierConfig {
    /// The sections that both notifiers have.
    #[must_use]
    pub fn common(&self) -> CommonNotifierConfig<'_> {
        CommonNotifierConfig {
            data_dir: self.data_dir.as_deref(),
            server: &self.server,
            caller: &self.caller,
            delivery: &self.delivery,
            metrics: &self.metrics,
            log: &self.log,
        }
    }

    /// Everything that is wrong with the configuration.
    #[must_use]
    pub fn problems(&self) -> Vec<InvalidNotifierConfig> {
        let mut problems = common(&self.common());
        problems.extend(refused(&self.gateway, self.server.mesh));
        problems
    }
}

/// Everything that is wrong with the gateway, except its templates.
fn refused(config: &GatewayConfig, mesh: bool) -> Vec<InvalidNotifierConfig> {
    let mut problems = Vec::new();
    match Url::parse(&config.url) {
        _ if config.url.is_empty() => {
            problems.push(InvalidNotifierConfig::Missing("gateway.url", ""));
        }
        Ok(url) if ["http", "https"].contains(&url.scheme()) => {
            if !url.username().is_empty() || url.password().is_some() {
                problems.push(InvalidNotifierConfig::CredentialsInUrl);
            }
            if !mesh && !is_safe(&url) {
                problems.push(InvalidNotifierConfig::PlaintextPeer("gateway.url"));
            }
        }
        _ => problems.push(InvalidNotifierConfig::NotA(
            "gateway.url",
            "a URL of http or https",
        )),
    }
    if config.form.is_empty() == config.json.is_empty() {
        problems.push(InvalidNotifierConfig::NotOneBody);
    }
    if config.method == HttpMethod::Get && !config.json.is_empty() {
        problems.push(InvalidNotifierConfig::GetWithJson);
    }
    if let Some(basic) = &config.basic_auth {
        let halves = [
            ("gateway.basic_auth.user", &basic.user),
            ("gateway.basic_auth.password", &basic.password),
        ];
        let missing = halves.iter().filter(|(_, half)| half.is_empty());
        problems.extend(missing.map(|(name, _)| InvalidNotifierConfig::Missing(name, "")));
    }
    let success = &config.success;
    if success.statuses.is_empty() || success.pointer.is_some() == success.equals.is_empty() {
        problems.push(InvalidNotifierConfig::HalfATest("gateway.success"));
    }
    let half = config.refusals.iter().any(|refusal| {
        refusal.pointer.is_some() == refusal.equals.is_empty()
            || (refusal.pointer.is_none() && refusal.statuses.is_empty())
    });
    if half {
        problems.push(InvalidNotifierConfig::HalfATest("gateway.refusals"));
    }
    problems.extend(zeros(&[
        ("gateway.timeout_ms", config.timeout_ms),
        ("gateway.connect_timeout_ms", config.connect_timeout_ms),
    ]));
    problems
}
