//! Opens the stores that the configuration names.

use crate::{
    app::run_every_script,
    config::{Config, InvalidConfig, PoolerMode, RedisConfig},
    crypto::KeyRing,
    ports::{AccountStore, BudgetStore, ChallengeStore, KeyService, ResealStore},
    server::{
        data_dir::DataDir, keys::read_key_ring, start_error::StartError,
        startup_report::without_password, tls_requirements,
    },
    store::{
        CanaryError, RecordForms,
        memory::{MemoryBudgets, MemoryChallenges},
        postgres::{ConnectionSettings, Pooler, PostgresAccounts, ServerAddress},
        redis::{RedisBudgets, RedisChallenges, RedisCheck, RedisLink, check},
        sqlite::SqliteAccounts,
    },
};
use countersign_transport::{
    config::LoadedConfig,
    startup_report::StartupReportLine,
    system::{Clock, RandomSource, SystemClock, SystemEntropy},
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// The stores of challenges and budgets, which forget.
pub(super) struct ShortLivedStores {
    pub(super) challenges: Arc<dyn ChallengeStore>,
    pub(super) budgets: Arc<dyn BudgetStore>,
}

pub(super) async fn durable(
    loaded: &LoadedConfig<Config>,
    ring: &Arc<KeyRing>,
) -> Result<(Arc<dyn AccountStore>, Option<DataDir>, StartupReportLine), StartError> {
    if loaded.config.postgres.url.is_some() {
        let (postgres, used) = checked_postgres(loaded, ring).await?;
        postgres.claim_for_key_ring(SystemClock.now()).await?;
        return Ok((Arc::new(postgres), None, used));
    }
    let data_dir = DataDir::kept(data_dir(&loaded.config))?.locked()?;
    let file = data_dir.database();
    let keys = Arc::clone(ring) as Arc<dyn KeyService>;
    let sqlite = SqliteAccounts::open(&file, keys, Arc::new(SystemEntropy)).await?;
    sqlite.claim_for_key_ring(SystemClock.now()).await?;
    let used = sqlite_used(&file, &pending(sqlite.forms().await?));
    Ok((Arc::new(sqlite), Some(data_dir), used))
}

/// What [`durable`] would open, and what it would do to it first. Nothing is made, changed or brought up to date.
pub(super) async fn check_durable_store(
    loaded: &LoadedConfig<Config>,
    ring: &Arc<KeyRing>,
) -> Result<StartupReportLine, StartError> {
    if loaded.config.postgres.url.is_some() {
        let (postgres, used) = checked_postgres(loaded, ring).await?;
        postgres.check_key_ring().await?;
        return Ok(used);
    }
    let (file, there) = DataDir::look(data_dir(&loaded.config))?;
    let would = if !there {
        "; the file would be made".to_owned()
    } else if SqliteAccounts::is_migrated(&file).await? {
        let keys = Arc::clone(ring) as Arc<dyn KeyService>;
        pending(SqliteAccounts::check_forms(&file, keys, Arc::new(SystemEntropy)).await?)
    } else {
        "; its tables would be brought up to date".to_owned()
    };
    Ok(sqlite_used(&file, &would))
}

/// What is said of an upgrade that is not finished.
fn pending(forms: RecordForms) -> String {
    if !forms.is_behind() {
        return String::new();
    }
    let RecordForms { writes, knows } = forms;
    format!(
        "; records are written in form {writes} of {knows}: once no older replica runs, `countersign migrate --finish`"
    )
}

/// The PostgreSQL that is configured, if its tables are there and it keeps what it is told.
async fn checked_postgres(
    loaded: &LoadedConfig<Config>,
    ring: &Arc<KeyRing>,
) -> Result<(PostgresAccounts, StartupReportLine), StartError> {
    let settings = connection_settings(&loaded.config)?;
    let postgres = postgres(&settings, ring)?;
    for session in postgres.session_settings().await? {
        session.check(&settings)?;
    }
    if !postgres.is_migrated().await? {
        return Err(StartError::NotMigrated);
    }
    let durability = postgres.durability().await?;
    durability.check()?;
    postgres.check_writes().await?;
    let pending = pending(postgres.forms().await?);
    let behind = match settings.pooler {
        Pooler::None => "",
        Pooler::Transaction => " behind a pooler in transaction mode",
    };
    let failover = if durability.tells_timeline {
        ""
    } else {
        "; it tells no timeline, so a failover is not noticed"
    };
    let address = ServerAddress::parse(&settings.url).map(|address| address.without_password());
    let address = address.map_err(|cause| {
        StartError::Configuration(vec![InvalidConfig::PostgresUrl(cause.to_string())])
    })?;
    let value = format!("PostgreSQL, {address}{behind}{failover}{pending}");
    let used = StartupReportLine::new(
        "durable",
        value,
        source_of_url(
            loaded,
            "postgres.url",
            loaded.config.postgres.url_file.as_ref(),
        ),
    );
    Ok((postgres, used))
}

/// Where the address of a store comes from: its field, or the file that a field names.
fn source_of_url(loaded: &LoadedConfig<Config>, field: &str, file: Option<&PathBuf>) -> String {
    match file {
        Some(file) => format!("{}, named by {field}_file", file.display()),
        None => loaded.source_of(field),
    }
}

fn data_dir(config: &Config) -> &Path {
    config.data_dir.as_deref().unwrap_or(Path::new("."))
}

fn sqlite_used(file: &Path, would: &str) -> StartupReportLine {
    let value = format!("SQLite, {}; one process only{would}", file.display());
    StartupReportLine::new("durable", value, "postgres.url is not set")
}

/// The durable store and the key ring, for a command that works on them beside the service.
pub struct CommandStore {
    /// Everything durable.
    pub accounts: Arc<dyn AccountStore>,
    /// What of it is sealed.
    pub sealed: Arc<dyn ResealStore>,
    /// The key ring.
    pub ring: Arc<KeyRing>,
    /// Why the ring can't open all that is stored, where it is the one of the database all the same.
    pub lacks: Option<CanaryError>,
}

/// The durable store and the key ring, for a command that opens what is stored.
///
/// # Errors
/// See [`StartError`].
pub async fn record(
    loaded: &LoadedConfig<Config>,
) -> Result<(Arc<dyn AccountStore>, Arc<KeyRing>), StartError> {
    let store = command_store(loaded).await?;
    match store.lacks {
        Some(lacks) => Err(lacks.into()),
        None => Ok((store.accounts, store.ring)),
    }
}

/// The durable store and the key ring, which may lack a key.
///
/// # Errors
/// See [`StartError`].
pub async fn command_store(loaded: &LoadedConfig<Config>) -> Result<CommandStore, StartError> {
    let config = &loaded.config;
    if config.postgres.url.is_none() && config.data_dir.is_none() {
        return Err(StartError::Configuration(vec![
            InvalidConfig::NowhereDurable,
        ]));
    }
    if let Some(problem) = tls_requirements::of_postgres(config) {
        return Err(StartError::Configuration(vec![problem]));
    }
    let ring = Arc::new(read_key_ring(&key_file(config)?)?);
    if config.postgres.url.is_some() {
        let (postgres, _used) = checked_postgres(loaded, &ring).await?;
        let checked = postgres.check_key_ring().await;
        return of_command(Arc::new(postgres), ring, checked);
    }
    let file = DataDir::kept(data_dir(config))?.database();
    let keys = Arc::clone(&ring) as Arc<dyn KeyService>;
    let sqlite = SqliteAccounts::open(&file, keys, Arc::new(SystemEntropy)).await?;
    let checked = sqlite.check_key_ring().await;
    of_command(Arc::new(sqlite), ring, checked)
}

/// The key ring that is configured, or the one that `dev` made.
fn key_file(config: &Config) -> Result<PathBuf, StartError> {
    let of_dev = || config.data_dir.as_deref().map(DataDir::key_file);
    let file = config.keys.file.clone();
    file.or_else(|| of_dev().filter(|file| file.exists()))
        .ok_or_else(|| StartError::Configuration(vec![InvalidConfig::NoKeys]))
}

fn of_command<Store: AccountStore + ResealStore + 'static>(
    store: Arc<Store>,
    ring: Arc<KeyRing>,
    checked: Result<(), CanaryError>,
) -> Result<CommandStore, StartError> {
    let lacks = match checked {
        Ok(()) => None,
        Err(lacks @ CanaryError::LacksKey(_)) => Some(lacks),
        Err(other) => return Err(other.into()),
    };
    Ok(CommandStore {
        accounts: Arc::clone(&store) as Arc<dyn AccountStore>,
        sealed: store,
        ring,
        lacks,
    })
}

/// Brings the tables of the durable store up to date, and, if told to, finishes the upgrade: records are written in the newest
/// form from then on. The forms afterwards.
///
/// # Errors
/// See [`StartError`].
pub async fn migrate(config: &Config, finishes: bool) -> Result<RecordForms, StartError> {
    // Migrations open nothing that is sealed, so that a ring of their own will do.
    let ring = KeyRing::parse(&KeyRing::new_text(&SystemEntropy));
    let ring = Arc::new(ring.map_err(|bad| StartError::KeyRing(PathBuf::new(), bad))?);
    if config.postgres.url.is_some() {
        let postgres = postgres(&connection_settings(config)?, &ring)?;
        postgres.migrate().await?;
        if finishes {
            postgres.finish_upgrade().await?;
        }
        return Ok(postgres.forms().await?);
    }
    let data_dir = config.data_dir.as_deref();
    let data_dir =
        data_dir.ok_or_else(|| StartError::Configuration(vec![InvalidConfig::NowhereDurable]))?;
    let file = DataDir::kept(data_dir)?.database();
    let sqlite = SqliteAccounts::open(&file, ring, Arc::new(SystemEntropy)).await?;
    if finishes {
        sqlite.finish_upgrade().await?;
    }
    Ok(sqlite.forms().await?)
}

/// How to reach the PostgreSQL that is configured.
///
/// # Errors
/// [`StartError::Configuration`] if there is none, or it would be talked to in the clear.
fn connection_settings(config: &Config) -> Result<ConnectionSettings, StartError> {
    let url = config.postgres.url.clone();
    let url = url.ok_or_else(|| StartError::Configuration(vec![InvalidConfig::NowhereDurable]))?;
    if let Some(problem) = tls_requirements::of_postgres(config) {
        return Err(StartError::Configuration(vec![problem]));
    }
    Ok(ConnectionSettings {
        url,
        pooler: match config.postgres.pooler {
            PoolerMode::None => Pooler::None,
            PoolerMode::Transaction => Pooler::Transaction,
        },
        max_connections: config.postgres.max_connections,
        statement_timeout: Duration::from_millis(config.postgres.statement_timeout_ms),
    })
}

fn postgres(
    settings: &ConnectionSettings,
    ring: &Arc<KeyRing>,
) -> Result<PostgresAccounts, StartError> {
    let keys = Arc::clone(ring) as Arc<dyn KeyService>;
    let entropy = Arc::new(SystemEntropy);
    Ok(PostgresAccounts::new(settings, keys, entropy)?)
}

/// Short-lived memory, what is said of it, and what is warned of.
pub(super) async fn short_lived(
    loaded: &LoadedConfig<Config>,
) -> Result<(ShortLivedStores, StartupReportLine, Vec<String>), StartError> {
    let RedisConfig {
        urls,
        urls_file,
        cluster,
        timeout_ms,
    } = &loaded.config.redis;
    if urls.is_empty() {
        let memory = ShortLivedStores {
            challenges: Arc::new(MemoryChallenges::default()),
            budgets: Arc::new(MemoryBudgets::default()),
        };
        let used = StartupReportLine::new(
            "short-lived",
            "in this process; one process only",
            "redis.urls is not set",
        );
        return Ok((memory, used, Vec::new()));
    }
    let reply_timeout = Duration::from_millis(*timeout_ms);
    let is_cluster = *cluster || urls.len() > 1;
    let RedisCheck {
        warnings,
        discovered,
    } = check(urls, is_cluster, reply_timeout).await?;
    let problems = tls_requirements::of_nodes(&discovered, &loaded.config);
    if !problems.is_empty() {
        return Err(StartError::Configuration(problems));
    }
    let link = Arc::new(RedisLink::new(urls, is_cluster, reply_timeout)?);
    let redis = ShortLivedStores {
        challenges: Arc::new(RedisChallenges::new(Arc::clone(&link))),
        budgets: Arc::new(RedisBudgets::new(link)),
    };
    let mut seed = [0; 16];
    SystemEntropy.fill(&mut seed);
    let (challenges, budgets) = (redis.challenges.as_ref(), redis.budgets.as_ref());
    run_every_script(challenges, budgets, seed, SystemClock.now()).await?;
    let shown: Vec<String> = urls.iter().map(|url| without_password(url)).collect();
    let kind = if is_cluster { "Redis Cluster" } else { "Redis" };
    let value = format!("{kind}, {}", shown.join(", "));
    let used = StartupReportLine::new(
        "short-lived",
        value,
        source_of_url(loaded, "redis.urls", urls_file.as_ref()),
    );
    Ok((redis, used, warnings))
}
