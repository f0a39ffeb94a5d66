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

/// Everything that can be configured of the notifier that speaks SMTP.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SmtpNotifierConfig {
    /// Folder of the idempotency store, which keeps what became of each message, so that none is sent twice. One process to a folder.
    pub data_dir: Option<PathBuf>,
    /// The mail server.
    pub smtp: SmtpConfig,
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

/// The mail server, and what its mails look like.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SmtpConfig {
    /// Name or address of the mail server that takes the messages.
    pub host: String,
    /// Its port; without it 587 for `starttls`, 465 for `implicit`, 25 for `none`.
    pub port: Option<u16>,
    /// `starttls` (RFC 3207, never without), `implicit` (RFC 8314), or `none`, which is for loopback and for a declared mesh. Certificates are checked against the machine's trust store.
    pub tls: SmtpTls,
    /// The user to log in as (AUTH PLAIN or LOGIN); nobody logs in where it is not set.
    pub user: Option<String>,
    /// File with the password.
    pub password_file: Option<PathBuf>,
    /// Address that messages come from, in the envelope and in `From`.
    pub from: String,
    /// Name beside that address; without it the company's name that comes with each message.
    pub from_name: Option<String>,
    /// Address that answers go to.
    pub reply_to: Option<String>,
    /// Name that this machine greets with; without it the domain of `from`.
    pub hello_name: Option<String>,
    /// How long the mail server may take for one message, in milliseconds.
    pub timeout_ms: u64,
    /// How many connections to it there are at most.
    pub max_connections: usize,
    /// How long an idle connection is used again, in seconds.
    pub idle_seconds: u64,
}

/// How the connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SmtpTls {
    /// Begins in plaintext, and says nothing before it is encrypted.
    Starttls,
    /// From the first byte.
    Implicit,
    /// Not at all.
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
    /// The port that is used.
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
        problems.extend(refused(&self.smtp, self.server.mesh));
        problems
    }
}

/// What is refused of a mail server.
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
