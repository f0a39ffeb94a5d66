//! `countersign notifier smtp`.

use crate::config::{
    CommonNotifierConfig, DeliveryConfig, InvalidNotifierConfig, MetricsConfig,
    check::{common, size, zeros},
};
use countersign_transport::config::{CallerTokensConfig, LogConfig, ServerConfig};
use lettre::Address;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{net::IpAddr, path::PathBuf};

/// The configuration of the SMTP notifier.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SmtpNotifierConfig {
    /// Folder of the idempotency store, which prevents messages from being sent twice. Each process needs its own folder.
    pub data_dir: Option<PathBuf>,
    /// The mail server.
    pub smtp: SmtpConfig,
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

/// The mail server and the sender.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SmtpConfig {
    /// Host name or IP address of the mail server.
    pub host: String,
    /// Port of the mail server. The default is 587 for `starttls`, 465 for `implicit` and 25 for `none`.
    pub port: Option<u16>,
    /// `starttls` (RFC 3207, required), `implicit` (RFC 8314), or `none` for loopback or with `server.mesh`. Certificates are checked against the machine's trust store.
    pub tls: SmtpTls,
    /// User name for AUTH PLAIN or LOGIN. If unset, the notifier does not log in.
    pub user: Option<String>,
    /// File with the password of `smtp.user`.
    pub password_file: Option<PathBuf>,
    /// Sender address, in the envelope and in `From`.
    pub from: String,
    /// Sender name in `From`. The default is the display name in each message.
    pub from_name: Option<String>,
    /// Address for `Reply-To`.
    pub reply_to: Option<String>,
    /// Host name to send in EHLO. The default is the domain of `smtp.from`.
    pub hello_name: Option<String>,
    /// Timeout for sending one message, in milliseconds.
    pub timeout_ms: u64,
    /// Maximum number of connections to the mail server.
    pub max_connections: usize,
    /// How long an idle connection is kept for reuse, in seconds.
    pub idle_seconds: u64,
}

/// How the connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SmtpTls {
    /// Starts in plaintext, and sends nothing else before it is encrypted.
    Starttls,
    /// Encrypted from the first byte.
    Implicit,
    /// Not encrypted.
    None,
}

impl Default for SmtpNotifierConfig {
    fn default() -> Self {
        Self {
            data_dir: None,
            smtp: SmtpConfig::default(),
            caller: CallerTokensConfig::default(),
            delivery: DeliveryConfig::default(),
            server: ServerConfig::on_port(50061),
            metrics: MetricsConfig::default(),
            log: LogConfig::default(),
        }
    }
}

impl Default for SmtpConfig {
    fn default() -> Self {
        Self {
            host: String::new(),
            port: None,
            tls: SmtpTls::Starttls,
            user: None,
            password_file: None,
            from: String::new(),
            from_name: None,
            reply_to: None,
            hello_name: None,
            timeout_ms: 8000,
            max_connections: 8,
            idle_seconds: 30,
        }
    }
}

impl SmtpConfig {
    /// The port in use.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(match self.tls {
            SmtpTls::Starttls => 587,
            SmtpTls::Implicit => 465,
            SmtpTls::None => 25,
        })
    }
}

impl SmtpNotifierConfig {
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
        problems.extend(refused(&self.smtp, self.server.mesh));
        problems
    }
}

/// Everything that is wrong with the mail server's settings.
fn refused(config: &SmtpConfig, mesh: bool) -> Vec<InvalidNotifierConfig> {
    let mut problems = Vec::new();
    if config.host.is_empty() {
        problems.push(InvalidNotifierConfig::Missing("smtp.host", ""));
    }
    if config.tls == SmtpTls::None && !mesh && !is_loopback(&config.host) {
        problems.push(InvalidNotifierConfig::PlaintextPeer("smtp.host"));
    }
    let is_address = |text: &str| text.is_ascii() && text.parse::<Address>().is_ok();
    if config.from.is_empty() {
        problems.push(InvalidNotifierConfig::Missing("smtp.from", ""));
    } else if !is_address(&config.from) {
        problems.push(InvalidNotifierConfig::NotA(
            "smtp.from",
            "an e-mail address",
        ));
    }
    if config
        .reply_to
        .as_deref()
        .is_some_and(|text| !is_address(text))
    {
        problems.push(InvalidNotifierConfig::NotA(
            "smtp.reply_to",
            "an e-mail address",
        ));
    }
    if config.from_name.as_deref().is_some_and(has_controls) {
        problems.push(InvalidNotifierConfig::NotA(
            "smtp.from_name",
            "one line of text",
        ));
    }
    let is_name = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    if config
        .hello_name
        .as_deref()
        .is_some_and(|text| !is_name(text))
    {
        problems.push(InvalidNotifierConfig::NotA(
            "smtp.hello_name",
            "a host name",
        ));
    }
    if config.user.is_some() != config.password_file.is_some() {
        problems.push(InvalidNotifierConfig::HalfALogin);
    }
    problems.extend(zeros(&[
        ("smtp.timeout_ms", config.timeout_ms),
        ("smtp.max_connections", size(config.max_connections)),
    ]));
    problems
}

fn has_controls(text: &str) -> bool {
    text.chars().any(char::is_control)
}

fn is_loopback(host: &str) -> bool {
    let address: Result<IpAddr, _> = host.parse();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}
