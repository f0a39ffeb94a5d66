//! Chooses the adapters, once, and says what was chosen and why.

use crate::{
    app::{App, Hashing, Parts},
    config::{Config, HashingConfig, InvalidCaller, Loaded, Problem, RedisConfig, by_token},
    crypto::{BadKeyRing, KeyRing},
    grpc::callers::Callers,
    notify::{
        client::{BadNotifier, NotifierClient},
        inbox::Inbox,
    },
    ports::{Accounts, Budgets, Challenges, Entropy, Notifier, Unavailable},
    server::data_dir::DataDir,
    store::{
        memory::{MemoryBudgets, MemoryChallenges},
        postgres::{NotDurable, PostgresAccounts},
        redis::{Link, RedisBudgets, RedisChallenges, Unsafe, check},
        sqlite::SqliteAccounts,
    },
    system::{SystemClock, SystemEntropy},
};
use countersign_domain::{
    caller::{Audience, Caller, CallerName, Right, Tenants},
    policy::Policy,
    recovery::HashCost,
};
use std::{
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use url::Url;

/// Why the service does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration is unsafe, or lacks something.
    #[error("the configuration can't be used:{}", listed(.0))]
    Configuration(Vec<Problem>),
    /// A store does not answer.
    #[error(transparent)]
    Store(#[from] Unavailable),
    /// PostgreSQL may forget.
    #[error(transparent)]
    NotDurable(#[from] NotDurable),
    /// Redis may forget.
    #[error(transparent)]
    Unsafe(#[from] Unsafe),
    /// The tables are missing or old.
    #[error(
        "the tables in PostgreSQL are missing or old: run `countersign migrate` with the same configuration"
    )]
    NotMigrated,
    /// The key ring can't be read.
    #[error("the key ring {0} can't be read: {1}")]
    KeyFile(PathBuf, io::Error),
    /// The key ring is none.
    #[error("the key ring {0} can't be used: {1}")]
    KeyRing(PathBuf, BadKeyRing),
    /// A caller can't be used.
    #[error(transparent)]
    Caller(#[from] InvalidCaller),
    /// A notifier can't be used.
    #[error(transparent)]
    Notifier(#[from] BadNotifier),
    /// A certificate can't be read.
    #[error("server.tls: {0} can't be read: {1}")]
    Tls(PathBuf, io::Error),
    /// The data folder can't be used.
    #[error("the data folder {0} can't be used: {1}")]
    DataDir(PathBuf, io::Error),
    /// The address can't be bound.
    #[error("can't listen on {0}: {1}")]
    Listen(SocketAddr, io::Error),
    /// `dev` listens on loopback and nowhere else.
    #[error(
        "dev lets everyone do everything, so it listens on loopback only, not on {0}; use `countersign serve` for anything else"
    )]
    DevOffLoopback(SocketAddr),
}

/// What was chosen.
pub struct Chosen {
    /// The use cases.
    pub app: Arc<App>,
    /// Durable memory.
    pub accounts: Arc<dyn Accounts>,
    /// Short-lived memory.
    pub challenges: Arc<dyn Challenges>,
    /// Who may call.
    pub callers: Arc<Callers>,
    /// The development inbox, where there is one.
    pub inbox: Option<Arc<Inbox>>,
    /// What is used, and why, to be printed.
    pub used: Vec<Used>,
    /// The folder of the embedded default, where it is used.
    pub data_dir: Option<DataDir>,
}

/// One thing that is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Used {
    /// What for.
    pub what: &'static str,
    /// What.
    pub value: String,
    /// Why.
    pub why: String,
}

impl Used {
    fn new(what: &'static str, value: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            what,
            value: value.into(),
            why: why.into(),
        }
    }
}

/// Short-lived memory and what goes with it.
type ShortLived = (Arc<dyn Challenges>, Arc<dyn Budgets>);

/// The embedded default: nothing to install, nothing to configure, everyone on this machine may do everything.
///
/// # Errors
/// See [`StartError`].
pub async fn dev(loaded: &Loaded) -> Result<Chosen, StartError> {
    let config = &loaded.config;
    if !config.server.listen.ip().is_loopback() {
        return Err(StartError::DevOffLoopback(config.server.listen));
    }
    let data_dir = match &config.data_dir {
        Some(path) => DataDir::kept(path)?,
        None => DataDir::passing(&SystemEntropy)?,
    };
    let file = data_dir.database();
    let accounts: Arc<dyn Accounts> = Arc::new(SqliteAccounts::open(&file).await?);
    let challenges: Arc<dyn Challenges> = Arc::new(MemoryChallenges::default());
    let short_lived: ShortLived = (Arc::clone(&challenges), Arc::new(MemoryBudgets::default()));
    let inbox = Arc::new(Inbox::new(Arc::new(SystemClock), true));
    let (key_file, ring) = data_dir.key_ring(&SystemEntropy)?;
    let used = vec![
        Used::new(
            "listening",
            format!("{}, plaintext", config.server.listen),
            "dev; loopback only",
        ),
        Used::new(
            "durable",
            format!("SQLite, {}", file.display()),
            data_dir.lasts(),
        ),
        Used::new(
            "short-lived",
            "in this process",
            "dev; open challenges end with it",
        ),
        Used::new(
            "messages",
            "development inbox",
            "dev; printed here, and in TestingService/ListMessages",
        ),
        Used::new("keys", key_file.display().to_string(), data_dir.lasts()),
        Used::new(
            "callers",
            "everyone on this machine, with every right",
            "dev; serve knows its callers",
        ),
    ];
    let notifier: Arc<dyn Notifier> = Arc::clone(&inbox) as _;
    let parts = parts(config, ring, Arc::clone(&accounts), short_lived, notifier);
    Ok(Chosen {
        app: App::new(parts),
        accounts,
        challenges,
        callers: Arc::new(Callers::Open(Arc::new(everyone()))),
        inbox: Some(inbox),
        used,
        data_dir: Some(data_dir),
    })
}

/// What the configuration asks for, if it is safe, and if what it names keeps what it is told.
///
/// # Errors
/// See [`StartError`].
pub async fn choose(loaded: &Loaded) -> Result<Chosen, StartError> {
    let config = &loaded.config;
    let problems = config.problems();
    if !problems.is_empty() {
        return Err(StartError::Configuration(problems));
    }
    let callers = by_token(&config.callers)?;
    let ring = read_key_ring(config.keys.file.as_deref().unwrap_or(Path::new("")))?;
    let (accounts, data_dir, durable) = durable(loaded).await?;
    let (short_lived, kept) = short_lived(loaded).await?;
    let used = used(loaded, [durable, kept], &ring);
    let challenges = Arc::clone(&short_lived.0);
    let notifier: Arc<dyn Notifier> = Arc::new(NotifierClient::new(&config.notifiers)?);
    let parts = parts(config, ring, Arc::clone(&accounts), short_lived, notifier);
    Ok(Chosen {
        app: App::new(parts),
        accounts,
        challenges,
        callers: Arc::new(Callers::ByToken(callers)),
        inbox: None,
        used,
        data_dir,
    })
}

/// What `serve` uses, and why.
fn used(loaded: &Loaded, [durable, short_lived]: [Used; 2], ring: &KeyRing) -> Vec<Used> {
    let config = &loaded.config;
    let server = &config.server;
    let transport = match (&server.tls, server.mesh) {
        (Some(_), _) => "TLS",
        (None, true) => "plaintext, a mesh is declared",
        (None, false) => "plaintext on loopback",
    };
    let names: Vec<&str> = config
        .callers
        .iter()
        .map(|caller| caller.name.as_str())
        .collect();
    let said = |what, value: String, key| Used::new(what, value, loaded.source_of(key));
    let reflection = if server.reflection { "on" } else { "off" };
    vec![
        said(
            "listening",
            format!("{}, {transport}", server.listen),
            "server.listen",
        ),
        durable,
        short_lived,
        said(
            "SMS",
            notifiers(&config.notifiers.sms.endpoints),
            "notifiers.sms.endpoints",
        ),
        said(
            "e-mail",
            notifiers(&config.notifiers.email.endpoints),
            "notifiers.email.endpoints",
        ),
        said("keys", ring.ids().join(", "), "keys.file"),
        said("callers", names.join(", "), "callers"),
        said("reflection", reflection.to_owned(), "server.reflection"),
    ]
}

async fn durable(
    loaded: &Loaded,
) -> Result<(Arc<dyn Accounts>, Option<DataDir>, Used), StartError> {
    let config = &loaded.config;
    if config.postgres.url.is_some() {
        let postgres = postgres(config)?;
        if !postgres.is_migrated().await? {
            return Err(StartError::NotMigrated);
        }
        let durability = postgres.durability().await?;
        durability.check()?;
        let url = config.postgres.url.as_deref().unwrap_or_default();
        let failover = if durability.tells_timeline {
            ""
        } else {
            "; it tells no timeline, so a failover is not noticed"
        };
        let value = format!("PostgreSQL, {}{failover}", without_password(url));
        return Ok((
            Arc::new(postgres),
            None,
            Used::new("durable", value, loaded.source_of("postgres.url")),
        ));
    }
    let path = config.data_dir.as_deref().unwrap_or(Path::new("."));
    let data_dir = DataDir::kept(path)?;
    let file = data_dir.database();
    let sqlite = SqliteAccounts::open(&file).await?;
    let value = format!("SQLite, {}; one process only", file.display());
    Ok((
        Arc::new(sqlite),
        Some(data_dir),
        Used::new("durable", value, "postgres.url is not set"),
    ))
}

/// The PostgreSQL that is configured.
///
/// # Errors
/// [`StartError::Configuration`] if there is none.
pub fn postgres(config: &Config) -> Result<PostgresAccounts, StartError> {
    let url = config.postgres.url.as_deref();
    let url = url.ok_or_else(|| StartError::Configuration(vec![Problem::NowhereDurable]))?;
    let timeout = Duration::from_millis(config.postgres.statement_timeout_ms);
    Ok(PostgresAccounts::new(
        url,
        config.postgres.max_connections,
        timeout,
    )?)
}

async fn short_lived(loaded: &Loaded) -> Result<(ShortLived, Used), StartError> {
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
        return Ok((memory, used));
    }
    let patience = Duration::from_millis(*timeout_ms);
    for url in urls {
        check(url, patience).await?;
    }
    let is_cluster = *cluster || urls.len() > 1;
    let link = Arc::new(Link::new(urls, is_cluster, patience)?);
    let redis: ShortLived = (
        Arc::new(RedisChallenges::new(Arc::clone(&link))),
        Arc::new(RedisBudgets::new(link)),
    );
    let shown: Vec<String> = urls.iter().map(|url| without_password(url)).collect();
    let kind = if is_cluster { "Redis Cluster" } else { "Redis" };
    let value = format!("{kind}, {}", shown.join(", "));
    Ok((
        redis,
        Used::new("short-lived", value, loaded.source_of("redis.urls")),
    ))
}

fn parts(
    config: &Config,
    ring: KeyRing,
    accounts: Arc<dyn Accounts>,
    (challenges, budgets): ShortLived,
    notifier: Arc<dyn Notifier>,
) -> Parts {
    let mut seed = [0; 16];
    SystemEntropy.fill(&mut seed);
    let HashingConfig {
        memory_kib,
        passes,
        at_once,
    } = config.hashing;
    Parts {
        accounts,
        challenges,
        budgets,
        notifier,
        keys: Arc::new(ring),
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
        hashing: Hashing::new(at_once, HashCost { memory_kib, passes }, &seed),
        policy: Policy::built_in(),
        issuer: config.issuer.clone(),
    }
}

/// The one caller of development.
fn everyone() -> Caller {
    Caller {
        name: CallerName::new("dev"),
        rights: Right::ALL.to_vec(),
        audiences: vec![Audience::new("dev")],
        tenants: Tenants::All,
    }
}

/// The key ring in a file.
///
/// # Errors
/// If it can't be read, or is none.
pub(super) fn read_key_ring(file: &Path) -> Result<KeyRing, StartError> {
    let text =
        fs::read_to_string(file).map_err(|cause| StartError::KeyFile(file.to_path_buf(), cause))?;
    let text = zeroize::Zeroizing::new(text);
    KeyRing::parse(&text).map_err(|bad| StartError::KeyRing(file.to_path_buf(), bad))
}

fn notifiers(endpoints: &[String]) -> String {
    if endpoints.is_empty() {
        "no notifier; methods of this kind can't be enrolled".to_owned()
    } else {
        endpoints.join(", ")
    }
}

/// An address as it may be shown.
fn without_password(url: &str) -> String {
    match Url::parse(url) {
        Ok(mut url) => {
            if url.password().is_some() && url.set_password(Some("***")).is_err() {
                return "(an address)".to_owned();
            }
            url.set_query(None);
            url.to_string()
        }
        Err(_) => "(not a URL)".to_owned(),
    }
}

fn listed(problems: &[Problem]) -> String {
    let line = |problem: &Problem| format!("\n  - {problem}");
    problems.iter().map(line).collect::<Vec<_>>().concat()
}
