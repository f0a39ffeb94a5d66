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

/// Everything that can be configured of the notifier that speaks to an SMS gateway over HTTP.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SmsNotifierConfig {
    /// Folder of the idempotency store, which keeps what became of each message, so that none is sent twice. One process to a folder.
    pub data_dir: Option<PathBuf>,
    /// The SMS gateway.
    pub gateway: GatewayConfig,
    /// Who may call.
    pub caller: CallerTokensConfig,
    /// How messages are handed on.
    pub delivery: DeliveryConfig,
    /// Where and how to listen.
    pub server: ServerConfig,
    /// What Prometheus may read.
    pub metrics: MetricsConfig,
    /// What the process says.
    pub log: LogConfig,
}

/// The SMS gateway: what it is asked, and how its answers are read.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GatewayConfig {
    /// The shape of a well-known gateway, whose fields stand in for all that are not set here: `generic`, `messagebird`, `sinch`, `twilio` or `vonage`.
    pub preset: Option<String>,
    /// Where messages are sent to. Redirects are not followed.
    pub url: String,
    /// `POST`, `PUT` or `GET`; with `GET` the form is the query.
    pub method: HttpMethod,
    /// Number or name that messages come from, for `{sender}`.
    pub sender: String,
    /// The form, field by field. In its values `{destination}` is the number with its plus, `{digits}` without, `{text}` the message, `{key}` the idempotency key, `{sender}` the sender, `{secret:NAME}` a secret; `{{` and `}}` are braces.
    pub form: BTreeMap<String, String>,
    /// The JSON object, instead of a form. Its texts are filled in alike.
    pub json: BTreeMap<String, Value>,
    /// Headers, filled in alike, but without `{text}`.
    pub headers: BTreeMap<String, String>,
    /// User and password (RFC 7617), filled in alike.
    pub basic_auth: Option<BasicAuthConfig>,
    /// Files with secrets, by name.
    pub secrets: BTreeMap<String, PathBuf>,
    /// When a message is taken.
    pub success: SuccessConfig,
    /// Where the gateway's own id of the message stands in its answer, as a JSON pointer (RFC 6901).
    pub message_id: Option<String>,
    /// Answers that say that a message will never be delivered; the first that fits.
    pub refusals: Vec<RefusalConfig>,
    /// How long the gateway may take, in milliseconds.
    pub timeout_ms: u64,
    /// How long it may take to connect, in milliseconds.
    pub connect_timeout_ms: u64,
}

/// How to call.
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

/// User and password.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BasicAuthConfig {
    /// The user.
    pub user: String,
    /// The password, such as `{secret:password}`.
    pub password: String,
}

/// When a message is taken.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SuccessConfig {
    /// HTTP statuses, each one or a range.
    pub statuses: Vec<String>,
    /// A value in the answer that has to be right too, as a JSON pointer.
    pub pointer: Option<String>,
    /// What it has to be: one of these.
    pub equals: Vec<String>,
}

/// An answer that says that a message will never be delivered.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RefusalConfig {
    /// HTTP statuses, each one or a range; any where there are none.
    #[serde(default)]
    pub statuses: Vec<String>,
    /// A value in the answer, as a JSON pointer.
    #[serde(default)]
    pub pointer: Option<String>,
    /// What it is: one of these.
    #[serde(default)]
    pub equals: Vec<String>,
    /// What it means.
    pub reason: ConfiguredRefusal,
}

/// Why a message will never be delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ConfiguredRefusal {
    /// The number can't exist or can't receive.
    InvalidDestination,
    /// The person asked for no more messages.
    OptedOut,
    /// The gateway does not serve this country.
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
    /// What both notifiers have in common.
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

    /// Everything that the notifier refuses to start with.
    #[must_use]
    pub fn problems(&self) -> Vec<InvalidNotifierConfig> {
        let mut problems = common(&self.common());
        problems.extend(refused(&self.gateway, self.server.mesh));
        problems
    }
}

/// What is refused of an SMS gateway, before its templates are read.
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
