//! Chooses the adapters, once, and says what was chosen and why.

use crate::{
    app::{App, Hashing, Parts},
    config::{Config, HashingConfig, InvalidCaller, Loaded, by_token},
    crypto::{BadKeyRing, KeyRing},
    grpc::callers::Callers,
    notify::inbox::Inbox,
    ports::{Accounts, Budgets, Challenges, Entropy, Notifier, Unavailable},
    store::{
        memory::{MemoryBudgets, MemoryChallenges},
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
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

const DATABASE: &str = "countersign.db";
const KEY_RING: &str = "keys.toml";

/// Why the service does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A store does not answer.
    #[error(transparent)]
    Store(#[from] Unavailable),
    /// The key ring can't be read.
    #[error("the key ring {0} can't be read: {1}")]
    KeyFile(PathBuf, io::Error),
    /// The key ring is none.
    #[error("the key ring {0} can't be used: {1}")]
    KeyRing(PathBuf, BadKeyRing),
    /// A caller can't be used.
    #[error(transparent)]
    Caller(#[from] InvalidCaller),
    /// The data folder can't be used.
    #[error("the data folder {0} can't be used: {1}")]
    DataDir(PathBuf, io::Error),
    /// The address can't be bound.
    #[error("can't listen on {0}: {1}")]
    Listen(SocketAddr, io::Error),
    /// `dev` listens on loopback and nowhere else.
    #[error(
        "dev lets everyone do everything, so it listens on loopback only, not on {0}; for anything else use `countersign serve`"
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

/// A data folder. One that was not asked for goes with the process.
pub struct DataDir {
    path: PathBuf,
    kept: bool,
}

impl DataDir {
    fn open(asked: Option<&Path>, entropy: &dyn Entropy) -> Result<Self, StartError> {
        let (path, kept) = match asked {
            Some(path) => (path.to_path_buf(), true),
            None => {
                let mut name = [0; 8];
                entropy.fill(&mut name);
                let name = format!("countersign-dev-{}", data_encoding::HEXLOWER.encode(&name));
                (std::env::temp_dir().join(name), false)
            }
        };
        let made = fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&path);
        made.map_err(|cause| StartError::DataDir(path.clone(), cause))?;
        Ok(Self { path, kept })
    }
}

impl Drop for DataDir {
    fn drop(&mut self) {
        if !self.kept {
            let _gone_or_not = fs::remove_dir_all(&self.path);
        }
    }
}

/// The embedded default: nothing to install, nothing to configure, everyone on this machine may do everything.
///
/// # Errors
/// See [`StartError`].
pub async fn dev(loaded: &Loaded) -> Result<(Chosen, DataDir), StartError> {
    let config = &loaded.config;
    if !config.server.listen.ip().is_loopback() {
        return Err(StartError::DevOffLoopback(config.server.listen));
    }
    let entropy = SystemEntropy;
    let data_dir = DataDir::open(config.data_dir.as_deref(), &entropy)?;
    let file = data_dir.path.join(DATABASE);
    let accounts: Arc<dyn Accounts> = Arc::new(SqliteAccounts::open(&file).await?);
    let challenges: Arc<dyn Challenges> = Arc::new(MemoryChallenges::default());
    let inbox = Arc::new(Inbox::new(Arc::new(SystemClock), true));
    let ring = dev_key_ring(&data_dir, &entropy)?;
    let everyone = Caller {
        name: CallerName::new("dev"),
        rights: Right::ALL.to_vec(),
        audiences: vec![Audience::new("dev")],
        tenants: Tenants::All,
    };
    let lasts = if data_dir.kept {
        "data_dir; kept over restarts"
    } else {
        "gone at exit; --data-dir DIR keeps it"
    };
    let used = vec![
        Used::new(
            "listening",
            format!("{}, plaintext", config.server.listen),
            "dev; loopback only",
        ),
        Used::new("durable", format!("SQLite, {}", file.display()), lasts),
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
        Used::new("keys", format!("{KEY_RING} in the same folder"), lasts),
        Used::new(
            "callers",
            "everyone on this machine, with every right",
            "dev; serve knows its callers",
        ),
    ];
    let parts = parts(
        config,
        ring,
        (Arc::clone(&accounts), Arc::clone(&challenges)),
        Arc::clone(&inbox) as _,
    );
    let chosen = Chosen {
        app: App::new(parts),
        accounts,
        challenges,
        callers: Arc::new(Callers::Open(Arc::new(everyone))),
        inbox: Some(inbox),
        used,
    };
    Ok((chosen, data_dir))
}

/// What the configuration asks for.
///
/// # Errors
/// See [`StartError`].
pub async fn choose(_loaded: &Loaded) -> Result<Chosen, StartError> {
    todo!()
}

fn parts(
    config: &Config,
    ring: KeyRing,
    (accounts, challenges): (Arc<dyn Accounts>, Arc<dyn Challenges>),
    notifier: Arc<dyn Notifier>,
) -> Parts {
    let entropy = SystemEntropy;
    let mut seed = [0; 16];
    entropy.fill(&mut seed);
    let HashingConfig {
        memory_kib,
        passes,
        at_once,
    } = config.hashing;
    Parts {
        accounts,
        challenges,
        budgets: Arc::new(MemoryBudgets::default()) as Arc<dyn Budgets>,
        notifier,
        keys: Arc::new(ring),
        clock: Arc::new(SystemClock),
        entropy: Arc::new(entropy),
        hashing: Hashing::new(at_once, HashCost { memory_kib, passes }, &seed),
        policy: Policy::built_in(),
        issuer: config.issuer.clone(),
    }
}

/// The key ring of a data folder, made where there is none.
fn dev_key_ring(data_dir: &DataDir, entropy: &dyn Entropy) -> Result<KeyRing, StartError> {
    use io::Write;
    let file = data_dir.path.join(KEY_RING);
    let fails = |cause| StartError::KeyFile(file.clone(), cause);
    if !file.exists() {
        let mut made = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&file)
            .map_err(fails)?;
        made.write_all(KeyRing::new_text(entropy).as_bytes())
            .map_err(fails)?;
        made.sync_all().map_err(fails)?;
    }
    read_key_ring(&file)
}

/// The key ring in a file.
///
/// # Errors
/// If it can't be read, or is none.
pub fn read_key_ring(file: &Path) -> Result<KeyRing, StartError> {
    let text =
        fs::read_to_string(file).map_err(|cause| StartError::KeyFile(file.to_path_buf(), cause))?;
    let text = zeroize::Zeroizing::new(text);
    KeyRing::parse(&text).map_err(|bad| StartError::KeyRing(file.to_path_buf(), bad))
}
