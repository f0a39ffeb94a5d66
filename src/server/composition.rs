//! Chooses the adapters, once, and says what was chosen and why.

use crate::{
    app::{App, AppDependencies, HashingPool},
    config::{
        Config, HashingConfig, by_token, display_names, tenants, weaknesses, without_audience,
    },
    crypto::KeyRing,
    notify::{client::NotifierClient, inbox::Inbox, texts::MessageTexts},
    outbound::EndpointError,
    password_client::PasswordClient,
    ports::{AccountStore, Notifier, PasswordChecker},
    server::{
        data_dir::DataDir,
        files,
        keys::read_key_ring,
        start_error::StartError,
        startup_report::used,
        stores::{ShortLivedStores, check_durable_store, durable, short_lived},
        tls_requirements,
    },
};
use countersign_domain::{
    authorization::caller::Caller,
    challenge::code::DigitCount,
    policy::{Policy, PolicyOverride},
    recovery::HashCost,
    value::tenant::DisplayNames,
};
use countersign_transport::{
    callers::{CallerRegistry, CallerTokenHash},
    config::LoadedConfig,
    secret_file::warning_if_shared,
    startup_report::StartupReportLine,
    system::{RandomSource, SystemClock, SystemEntropy},
    tls,
};
use std::{
    collections::{BTreeSet, HashMap},
    path::Path,
    sync::Arc,
};

/// What was chosen.
pub struct SelectedParts {
    /// The use cases.
    pub app: Arc<App>,
    /// Who may call.
    pub callers: Arc<CallerRegistry>,
    /// The development inbox, where there is one.
    pub inbox: Option<Arc<Inbox>>,
    /// The certificate that callers see, where there is one.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// What an operator should know, a sentence each.
    pub warnings: Vec<String>,
    /// What is used, and why, to be printed.
    pub used: Vec<StartupReportLine>,
    /// The folder of the embedded default, where it is used.
    pub data_dir: Option<DataDir>,
}

/// What [`choose`] would say.
pub struct StartupReport {
    /// What an operator should know, a sentence each.
    pub warnings: Vec<String>,
    /// What would be used, and why, to be printed.
    pub used: Vec<StartupReportLine>,
}

/// What the configuration asks for, if it is safe, and if what it names keeps what it is told.
///
/// # Errors
/// See [`StartError`].
pub async fn choose(loaded: &LoadedConfig<Config>) -> Result<SelectedParts, StartError> {
    let config = &loaded.config;
    let read = LoadedFiles::of(config)?;
    let (accounts, data_dir, durable) = durable(loaded, &read.ring).await?;
    let (peers, report) = peers_of(loaded, &read, durable).await?;
    let parts = AppDependencies {
        display_names: read.wording.display_names,
        passwords: peers.passwords,
        service_layer: read.service_layer,
        ..parts(
            config,
            read.ring,
            accounts,
            peers.short_lived,
            peers.notifier,
        )
    };
    Ok(SelectedParts {
        app: App::new(parts),
        callers: Arc::new(CallerRegistry::ByToken(read.callers)),
        inbox: None,
        tls: read.tls,
        warnings: report.warnings,
        used: report.used,
        data_dir,
    })
}

/// What [`choose`] would say, or refuse. Nothing is made or changed for it.
///
/// # Errors
/// See [`StartError`].
pub async fn look(loaded: &LoadedConfig<Config>) -> Result<StartupReport, StartError> {
    let read = LoadedFiles::of(&loaded.config)?;
    let durable = check_durable_store(loaded, &read.ring).await?;
    let (_peers, report) = peers_of(loaded, &read, durable).await?;
    Ok(report)
}

/// What the configuration and the files that it names say.
struct LoadedFiles {
    tls: Option<Arc<rustls::ServerConfig>>,
    callers: HashMap<CallerTokenHash, Arc<Caller>>,
    wording: TenantTexts,
    service_layer: PolicyOverride,
    ring: Arc<KeyRing>,
}

impl LoadedFiles {
    fn of(config: &Config) -> Result<Self, StartError> {
        let mut problems = config.problems();
        problems.extend(tls_requirements::problems(config));
        if !problems.is_empty() {
            return Err(StartError::Configuration(problems));
        }
        Ok(Self {
            tls: config.server.tls.as_ref().map(tls::load).transpose()?,
            callers: by_token(&config.callers)?,
            wording: wording(config)?,
            service_layer: config.policy.layer()?,
            ring: Arc::new(read_key_ring(
                config.keys.file.as_deref().unwrap_or(Path::new("")),
            )?),
        })
    }
}

/// Whom the service talks to, beside the durable record.
struct RemoteServices {
    short_lived: ShortLivedStores,
    notifier: Arc<dyn Notifier>,
    passwords: Option<Arc<dyn PasswordChecker>>,
}

async fn peers_of(
    loaded: &LoadedConfig<Config>,
    read: &LoadedFiles,
    durable: StartupReportLine,
) -> Result<(RemoteServices, StartupReport), StartError> {
    let config = &loaded.config;
    let (short_lived, kept, mut warnings) = short_lived(loaded).await?;
    warnings.extend(files::allow(config.server.max_connections));
    warnings.extend(shared_files(config));
    let texts = Arc::clone(&read.wording.texts);
    let notifier: Arc<dyn Notifier> = Arc::new(NotifierClient::new(&config.notifiers, texts)?);
    warnings.extend(read.wording.warnings.iter().cloned());
    let callers = read.callers.values();
    let of_callers = callers.filter_map(|caller| without_audience(caller));
    // By name: a map's order differs from start to start.
    warnings.extend(of_callers.collect::<BTreeSet<_>>());
    warnings.extend(weaknesses(&read.service_layer, notifier.served()));
    let peers = RemoteServices {
        short_lived,
        notifier,
        passwords: passwords(config)?,
    };
    let used = used(loaded, [durable, kept], &read.ring, &read.service_layer);
    Ok((peers, StartupReport { warnings, used }))
}

/// A warning for the key ring and for the SQLite file, where others than their owner can use them.
fn shared_files(config: &Config) -> impl Iterator<Item = String> {
    let is_embedded = config.postgres.url.is_none();
    let folder = config.data_dir.as_deref().filter(|_| is_embedded);
    let files = [config.keys.file.clone(), folder.map(DataDir::database_file)];
    files
        .into_iter()
        .flatten()
        .filter_map(|file| warning_if_shared(&file))
}

/// Who knows the passwords of accounts, where anybody does.
pub(super) fn passwords(
    config: &Config,
) -> Result<Option<Arc<dyn PasswordChecker>>, EndpointError> {
    let client = PasswordClient::new(&config.identity)?;
    Ok(client.map(|client| Arc::new(client) as Arc<dyn PasswordChecker>))
}

pub(super) fn parts(
    config: &Config,
    ring: Arc<KeyRing>,
    accounts: Arc<dyn AccountStore>,
    short_lived: ShortLivedStores,
    notifier: Arc<dyn Notifier>,
) -> AppDependencies {
    let mut seed = [0; 16];
    SystemEntropy.fill(&mut seed);
    let HashingConfig {
        memory_kib,
        passes,
        at_once,
    } = config.hashing;
    AppDependencies {
        accounts,
        challenges: short_lived.challenges,
        budgets: short_lived.budgets,
        notifier,
        passwords: None,
        keys: ring,
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
        hashing: HashingPool::new(at_once, HashCost { memory_kib, passes }, &seed),
        policy: Policy::built_in(),
        service_layer: PolicyOverride::default(),
        issuer: config.issuer.clone(),
        display_names: DisplayNames::default(),
    }
}

/// What companies are called, and what they say to people.
pub(super) struct TenantTexts {
    pub(super) texts: Arc<MessageTexts>,
    pub(super) display_names: DisplayNames,
    /// What an operator should know of it.
    pub(super) warnings: Vec<String>,
}

pub(super) fn wording(config: &Config) -> Result<TenantTexts, StartError> {
    let tenants = tenants(&config.tenants)?;
    let (texts, warnings) = MessageTexts::load(&tenants, DigitCount::TEN)?;
    Ok(TenantTexts {
        texts: Arc::new(texts),
        display_names: display_names(&tenants),
        warnings,
    })
}
