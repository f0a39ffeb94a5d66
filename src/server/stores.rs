//! Opens the stores that the configuration names.

use crate::{
    config::{Config, Loaded, PoolerMode, Problem, RedisConfig},
    crypto::KeyRing,
    ports::{Accounts, Budgets, Challenges, Keys},
    server::{
        choose::read_key_ring,
        data_dir::DataDir,
        peers,
        start_error::StartError,
        used::{Used, without_password},
    },
    store::{
        Forms,
        memory::{MemoryBudgets, MemoryChallenges},
        postgres::{ConnectionSettings, Pooler, PostgresAccounts},
        redis::{Checked, Link, RedisBudgets, RedisChallenges, check},
        sqlite::SqliteAccounts,
    },
    system::SystemEntropy,
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// Short-lived memory and what goes with it.
pub(super) type ShortLived = (Arc<dyn Challenges>, Arc<dyn Budgets>);

pub(super) async fn durable(
    loaded: &Loaded,
    ring: &Arc<KeyRing>,
) -> Result<(Arc<dyn Accounts>, Option<DataDir>, Used), StartError> {
    if loaded.config.postgres.url.is_some() {
        let (postgres, used) = checked_postgres(loaded, ring).await?;
        postgres.claim_for_key_ring().await?;
        return Ok((Arc::new(postgres), None, used));
    }
    let data_dir = DataDir::kept(data_dir(&loaded.config))?.locked()?;
    let file = data_dir.database();
    let keys = Arc::clone(ring) as Arc<dyn Keys>;
    let sqlite = SqliteAccounts::open(&file, keys, Arc::new(SystemEntropy)).await?;
    sqlite.claim_for_key_ring().await?;
    let used = sqlite_used(&file, &pending(sqlite.forms().await?));
    Ok((Arc::new(sqlite), Some(data_dir), used))
}

/// What [`durable`] would open, and what it would do to it first. Nothing is made, changed or brought up to date.
pub(super) async fn look_at_durable(
    loaded: &Loaded,
    ring: &Arc<KeyRing>,
) -> Result<Used, StartError> {
    if loaded.config.postgres.url.is_some() {
        return Ok(checked_postgres(loaded, ring).await?.1);
    }
    let (file, there) = DataDir::look(data_dir(&loaded.config))?;
    let would = if !there {
        "; the file would be made".to_owned()
    } else if SqliteAccounts::is_migrated(&file).await? {
        let keys = Arc::clone(ring) as Arc<dyn Keys>;
        pending(SqliteAccounts::look_at_forms(&file, keys, Arc::new(SystemEntropy)).await?)
    } else {
        "; its tables would be brought up to date".to_owned()
    };
    Ok(sqlite_used(&file, &would))
}

/// What is said of an upgrade that is not finished.
fn pending(forms: Forms) -> String {
    if !forms.is_behind() {
        return String::new();
    }
    let Forms { writes, knows } = forms;
    format!(
        "; records are written in form {writes} of {knows}: once no older replica runs, `countersign migrate --finish`"
    )
}

/// The PostgreSQL that is configured, if its tables are there and it keeps what it is told.
async fn checked_postgres(
    loaded: &Loaded,
    ring: &Arc<KeyRing>,
) -> Result<(PostgresAccounts, Used), StartError> {
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
    postgres.check_key_ring().await?;
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
    let value = format!(
        "PostgreSQL, {}{behind}{failover}{pending}",
        without_password(&settings.url)
    );
    let used = Used::new("durable", value, loaded.source_of("postgres.url"));
    Ok((postgres, used))
}

fn data_dir(config: &Config) -> &Path {
    config.data_dir.as_deref().unwrap_or(Path::new("."))
}

fn sqlite_used(file: &Path, would: &str) -> Used {
    let value = format!("SQLite, {}; one process only{would}", file.display());
    Used::new("durable", value, "postgres.url is not set")
}

/// The durable record and the key ring, for a command that works on them beside the service.
///
/// # Errors
/// See [`StartError`].
pub async fn record(loaded: &Loaded) -> Result<(Arc<dyn Accounts>, Arc<KeyRing>), StartError> {
    let config = &loaded.config;
    if config.postgres.url.is_none() && config.data_dir.is_none() {
        return Err(StartError::Configuration(vec![Problem::NowhereDurable]));
    }
    if let Some(problem) = peers::of_postgres(config) {
        return Err(StartError::Configuration(vec![problem]));
    }
    let ring = read_key_ring(config.keys.file.as_deref().unwrap_or(Path::new("")))?;
    let ring = Arc::new(ring);
    if config.postgres.url.is_some() {
        let (postgres, _used) = checked_postgres(loaded, &ring).await?;
        return Ok((Arc::new(postgres), ring));
    }
    let file = DataDir::kept(data_dir(config))?.database();
    let keys = Arc::clone(&ring) as Arc<dyn Keys>;
    let sqlite = SqliteAccounts::open(&file, keys, Arc::new(SystemEntropy)).await?;
    sqlite.check_key_ring().await?;
    Ok((Arc::new(sqlite), ring))
}

/// Brings the tables of the durable store up to date, and, if told to, finishes the upgrade: records are written in the newest
/// form from then on. The forms afterwards.
///
/// # Errors
/// See [`StartError`].
pub async fn migrate(config: &Config, finishes: bool) -> Result<Forms, StartError> {
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
        data_dir.ok_or_else(|| StartError::Configuration(vec![Problem::NowhereDurable]))?;
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
    let url = url.ok_or_else(|| StartError::Configuration(vec![Problem::NowhereDurable]))?;
    if let Some(problem) = peers::of_postgres(config) {
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
    let keys = Arc::clone(ring) as Arc<dyn Keys>;
    let entropy = Arc::new(SystemEntropy);
    Ok(PostgresAccounts::new(settings, keys, entropy)?)
}

/// Short-lived memory, what is said of it, and what is warned of.
pub(super) async fn short_lived(
    loaded: &Loaded,
) -> Result<(ShortLived, Used, Vec<String>), StartError> {
    let RedisConfig {
        urls,
        cluster,
        timeout_ms,
    } = &loaded.config.redis;
    if urls.is_empty() {
        let memory: ShortLived = (
            Arc::new(MemoryChallenges::default()),
            Arc::new(MemoryBudgets::default()),
        );
        let used = Used::new(
            "short-lived",
            "in this process; one process only",
            "redis.urls is not set",
        );
        return Ok((memory, used, Vec::new()));
    }
    let patience = Duration::from_millis(*timeout_ms);
    let is_cluster = *cluster || urls.len() > 1;
    let Checked {
        warnings,
        discovered,
    } = check(urls, is_cluster, patience).await?;
    let problems = peers::of_nodes(&discovered, &loaded.config);
    if !problems.is_empty() {
        return Err(StartError::Configuration(problems));
    }
    let link = Arc::new(Link::new(urls, is_cluster, patience)?);
    let redis: ShortLived = (
        Arc::new(RedisChallenges::new(Arc::clone(&link))),
        Arc::new(RedisBudgets::new(link)),
    );
    let shown: Vec<String> = urls.iter().map(|url| without_password(url)).collect();
    let kind = if is_cluster { "Redis Cluster" } else { "Redis" };
    let value = format!("{kind}, {}", shown.join(", "));
    let used = Used::new("short-lived", value, loaded.source_of("redis.urls"));
    Ok((redis, used, warnings))
}
