//! Turns a configuration into a notifier that is ready to start, and reports the values in use.

use crate::{
    config::{
        CommonNotifierConfig, DeliveryConfig, GatewayConfig, InvalidNotifierConfig, MetricsConfig,
        SmsNotifierConfig, SmtpConfig, SmtpNotifierConfig, SmtpTls,
    },
    dispatcher::MessageProvider,
    idempotency_store::IdempotencyStoreOpenError,
    sms::{SmsGateway, SmsGatewayError, preset},
    smtp::{SmtpConfigError, SmtpRelay},
};
use countersign_transport::{
    callers::CallerRegistry,
    config::{
        ConfigReadError, ConfigSources, LoadedConfig, LogConfig, Overrides, ServerConfig, load_over,
    },
    socket::ListenError,
    startup_report::StartupReportLine,
    tls::{self, TlsConfigError},
};
use std::{path::PathBuf, sync::Arc};
use url::Url;

/// A notifier that is ready to start.
pub struct SelectedNotifier {
    /// The mail server or SMS gateway.
    pub provider: MessageProvider,
    /// The callers and their token digests.
    pub callers: Arc<CallerRegistry>,
    /// The TLS configuration of the listener; `None` for plaintext.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// The folder of the idempotency store.
    pub data_dir: PathBuf,
    /// The settings of the gRPC server.
    pub server: ServerConfig,
    /// The settings of deliveries.
    pub delivery: DeliveryConfig,
    /// The settings of the metrics endpoint.
    pub metrics: MetricsConfig,
    /// The settings of the log.
    pub log: LogConfig,
    /// The values in use and their sources, to be printed.
    pub used: Vec<StartupReportLine>,
}

/// Why a notifier does not start.
#[derive(Debug, thiserror::Error)]
pub enum NotifierStartError {
    /// The configuration can't be read.
    #[error(transparent)]
    Unreadable(#[from] ConfigReadError),
    /// The configuration is unsafe or incomplete.
    #[error("the configuration can't be used:{}", listed(.0))]
    Configuration(Vec<InvalidNotifierConfig>),
    /// The mail server can't be used.
    #[error(transparent)]
    Smtp(#[from] SmtpConfigError),
    /// The preset is unknown.
    #[error(transparent)]
    Preset(#[from] crate::sms::UnknownPreset),
    /// The gateway can't be used.
    #[error(transparent)]
    Gateway(#[from] SmsGatewayError),
    /// The idempotency store can't be opened.
    #[error(transparent)]
    IdempotencyStore(#[from] IdempotencyStoreOpenError),
    /// The certificate can't be used.
    #[error(transparent)]
    Tls(#[from] TlsConfigError),
    /// The address of the metrics endpoint can't be bound.
    #[error("metrics.listen: {0}")]
    Metrics(ListenError),
}

/// Prepares the SMTP notifier.
///
/// # Errors
/// [`NotifierStartError`] says why it does not start.
pub fn smtp(overrides: &Overrides) -> Result<SelectedNotifier, NotifierStartError> {
    let loaded: LoadedConfig<SmtpNotifierConfig> = load_over(overrides, None)?;
    refuse(loaded.config.problems())?;
    let provider = MessageProvider::Smtp(Box::new(SmtpRelay::new(&loaded.config.smtp)?));
    let mut used = used(&loaded, &loaded.config.common());
    used.extend(used_of_smtp(&loaded, &loaded.config.smtp));
    selected(&loaded.config.common(), provider, used)
}

/// Prepares the SMS notifier.
///
/// # Errors
/// [`NotifierStartError`] says why it does not start.
pub fn sms(overrides: &Overrides) -> Result<SelectedNotifier, NotifierStartError> {
    let sources = ConfigSources::read(overrides)?;
    let mut loaded: LoadedConfig<SmsNotifierConfig> = sources.load(None)?;
    if let Some(name) = &loaded.config.gateway.preset {
        loaded = sources.load(Some(preset(name)?))?;
    }
    refuse(loaded.config.problems())?;
    let provider = MessageProvider::Sms(Box::new(SmsGateway::new(&loaded.config.gateway)?));
    let mut used = used(&loaded, &loaded.config.common());
    used.extend(used_of_gateway(&loaded, &loaded.config.gateway));
    selected(&loaded.config.common(), provider, used)
}

fn refuse(problems: Vec<InvalidNotifierConfig>) -> Result<(), NotifierStartError> {
    if problems.is_empty() {
        return Ok(());
    }
    Err(NotifierStartError::Configuration(problems))
}

fn selected(
    common: &CommonNotifierConfig<'_>,
    provider: MessageProvider,
    used: Vec<StartupReportLine>,
) -> Result<SelectedNotifier, NotifierStartError> {
    let tls = common.server.tls.as_ref().map(tls::load).transpose()?;
    Ok(SelectedNotifier {
        provider,
        callers: common.caller.registry(),
        tls,
        data_dir: common.data_dir.map(PathBuf::from).unwrap_or_default(),
        server: common.server.clone(),
        delivery: common.delivery.clone(),
        metrics: common.metrics.clone(),
        log: common.log.clone(),
        used,
    })
}

fn used<T>(loaded: &LoadedConfig<T>, common: &CommonNotifierConfig<'_>) -> Vec<StartupReportLine> {
    let server = common.server;
    let transport = match (&server.tls, server.mesh) {
        (Some(_), _) => "TLS",
        (None, true) => "plaintext, a mesh is declared",
        (None, false) => "plaintext on loopback",
    };
    let line =
        |what, value: String, key| StartupReportLine::new(what, value, loaded.source_of(key));
    let folder = common.data_dir.map(|folder| folder.display().to_string());
    let hours = common.delivery.keep_hours;
    let idempotency_store = format!("{}; kept for {hours} h", folder.unwrap_or_default());
    let tokens = common.caller.token_sha256.len();
    let metrics = common.metrics.listen.as_ref();
    let metrics = metrics.map_or_else(|| "not served".to_owned(), |at| format!("/metrics on {at}"));
    vec![
        line(
            "listening",
            format!("{}, {transport}", server.listen),
            "server.listen",
        ),
        line("idempotency store", idempotency_store, "data_dir"),
        line(
            "callers",
            format!("{tokens} bearer tokens"),
            "caller.token_sha256",
        ),
        line(
            "in flight",
            format!("{} messages", common.delivery.max_in_flight),
            "delivery.max_in_flight",
        ),
        line("metrics", metrics, "metrics.listen"),
    ]
}

fn used_of_smtp<T>(loaded: &LoadedConfig<T>, smtp: &SmtpConfig) -> Vec<StartupReportLine> {
    let line =
        |what, value: String, key| StartupReportLine::new(what, value, loaded.source_of(key));
    let transport = match smtp.tls {
        SmtpTls::Starttls => "STARTTLS, never without",
        SmtpTls::Implicit => "TLS",
        SmtpTls::None => "plaintext",
    };
    let login = match &smtp.user {
        Some(_) => "as a user",
        None => "without a login",
    };
    let server = format!("{}:{}, {transport}, {login}", smtp.host, smtp.port());
    let name = smtp.from_name.as_deref().unwrap_or("each company's name");
    vec![
        line("mail server", server, "smtp.host"),
        line("from", format!("{name} <{}>", smtp.from), "smtp.from"),
    ]
}

fn used_of_gateway<T>(loaded: &LoadedConfig<T>, gateway: &GatewayConfig) -> Vec<StartupReportLine> {
    let line =
        |what, value: String, key| StartupReportLine::new(what, value, loaded.source_of(key));
    let preset = gateway.preset.as_deref().unwrap_or("none");
    let shape = if gateway.json.is_empty() {
        "a form"
    } else {
        "JSON"
    };
    vec![
        line("gateway", place_of(&gateway.url), "gateway.url"),
        line(
            "shape",
            format!("{shape}; preset {preset}"),
            "gateway.preset",
        ),
        line("sender", gateway.sender.clone(), "gateway.sender"),
    ]
}

/// The URL without credentials and query, which may be secret.
fn place_of(url: &str) -> String {
    let Ok(url) = Url::parse(url) else {
        return String::new();
    };
    format!("{}{}", url.origin().ascii_serialization(), url.path())
}

fn listed(problems: &[InvalidNotifierConfig]) -> String {
    let line = |problem: &InvalidNotifierConfig| format!("\n  - {problem}");
    problems.iter().map(line).collect::<Vec<_>>().concat()
}
