//! Configuration: defaults, then the file, then the environment. One struct for each section; their field docs are the
//! reference in the README.

mod callers;
mod check;
mod hashing;
mod keys;
mod log;
mod notifiers;
mod postgres;
mod redis;
mod reference;
mod server;

pub use callers::{CallerConfig, InvalidCaller, by_token};
pub use check::Problem;
pub use hashing::HashingConfig;
pub use keys::KeysConfig;
pub use log::{LogConfig, LogFormat};
pub use notifiers::{NotifierConfig, NotifiersConfig};
pub use postgres::PostgresConfig;
pub use redis::RedisConfig;
pub use reference::reference;
pub use server::{ServerConfig, TlsConfig};

use figment::{
    Figment,
    providers::{Env, Format, Serialized, Toml},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

/// Environment variables of the configuration begin with this; `__` separates section and field.
pub const PREFIX: &str = "COUNTERSIGN_";

/// Everything that can be configured.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// `iss` of assertions: the name by which relying services know this deployment.
    pub issuer: String,
    /// Folder of the embedded default: the SQLite file, and in `dev` the key ring. Needed by `serve` without `postgres.url`.
    pub data_dir: Option<PathBuf>,
    /// Where and how to listen.
    pub server: ServerConfig,
    /// Durable memory.
    pub postgres: PostgresConfig,
    /// Short-lived memory.
    pub redis: RedisConfig,
    /// The key ring.
    pub keys: KeysConfig,
    /// Who delivers messages.
    pub notifiers: NotifiersConfig,
    /// Slow hashes of recovery codes.
    pub hashing: HashingConfig,
    /// What the process says.
    pub log: LogConfig,
    /// The internal services that may call, each a `[[callers]]` table made by `countersign callers add`.
    pub callers: Vec<CallerConfig>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            issuer: "countersign".to_owned(),
            data_dir: None,
            server: ServerConfig::default(),
            postgres: PostgresConfig::default(),
            redis: RedisConfig::default(),
            keys: KeysConfig::default(),
            notifiers: NotifiersConfig::default(),
            hashing: HashingConfig::default(),
            log: LogConfig::default(),
            callers: Vec::new(),
        }
    }
}

/// What the command line may override.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// The file to read.
    pub file: Option<PathBuf>,
    /// Where to listen.
    pub listen: Option<SocketAddr>,
    /// Folder of the embedded default.
    pub data_dir: Option<PathBuf>,
}

/// A configuration, and where each of its values comes from.
pub struct Loaded {
    /// The values.
    pub config: Config,
    /// The file that was read.
    pub file: Option<PathBuf>,
    sources: Figment,
}

/// A configuration that can't be read.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// The file named on the command line is not there.
    #[error("there is no configuration file {0}")]
    NoFile(PathBuf),
    /// A value is unknown or malformed.
    #[error("{0}")]
    Value(#[from] Box<figment::Error>),
}

/// Reads the configuration.
///
/// # Errors
/// Tells which value is wrong, and where it stands.
pub fn load(overrides: &Overrides) -> Result<Loaded, Unreadable> {
    let mut sources = Figment::from(Serialized::defaults(Config::default()));
    if let Some(file) = &overrides.file {
        if !file.is_file() {
            return Err(Unreadable::NoFile(file.clone()));
        }
        sources = sources.merge(Toml::file_exact(file));
    }
    sources = sources.merge(environment());
    if let Some(listen) = overrides.listen {
        sources = sources.merge(Serialized::default("server.listen", listen));
    }
    if let Some(data_dir) = &overrides.data_dir {
        sources = sources.merge(Serialized::default("data_dir", data_dir));
    }
    let config = sources.extract().map_err(Box::new)?;
    Ok(Loaded {
        config,
        file: overrides.file.clone(),
        sources,
    })
}

/// Variables that name a field. Others that begin alike are somebody else's: Kubernetes sets `COUNTERSIGN_SERVICE_HOST`
/// and the like in every container beside a service of that name.
fn environment() -> Env {
    let names_a_field = |key: &figment::value::UncasedStr| {
        key.as_str().contains("__") || key == "issuer" || key == "data_dir"
    };
    Env::prefixed(PREFIX).filter(names_a_field).split("__")
}

impl Loaded {
    /// Where a value comes from, such as `default` or `COUNTERSIGN_REDIS__URL environment variable`.
    #[must_use]
    pub fn source_of(&self, key: &str) -> String {
        let Some(metadata) = self.sources.find_metadata(key) else {
            return "default".to_owned();
        };
        if metadata.name.contains("environment") {
            return "environment".to_owned();
        }
        match metadata
            .source
            .as_ref()
            .and_then(|source| source.file_path().map(Path::to_path_buf))
        {
            Some(file) => file.display().to_string(),
            None if metadata.name.contains("Config") => "default".to_owned(),
            None => "command line".to_owned(),
        }
    }
}
