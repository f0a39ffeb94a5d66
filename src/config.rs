//! Configuration: defaults, then the file, then the environment. One struct for each section; their field docs are the
//! reference in the README.

mod callers;
mod check;
mod hashing;
mod identity;
mod keys;
mod notifiers;
mod policy;
mod postgres;
mod redis;
mod reference;
mod revert_page;
mod tenants;

pub use callers::{CallerConfig, InvalidCaller, by_token, without_audience};
pub use check::InvalidConfig;
pub use hashing::HashingConfig;
pub use identity::IdentityConfig;
pub use keys::KeysConfig;
pub use notifiers::{EndpointConfig, NotifierConfig, NotifiersConfig};
pub use policy::{InvalidPolicy, PolicyConfig, weaknesses};
pub use postgres::{PoolerMode, PostgresConfig};
pub use redis::RedisConfig;
pub use reference::reference;
pub use revert_page::RevertPage;
pub use tenants::{InvalidTenant, TenantBranding, TenantConfig, display_names, tenants};

use countersign_transport::{
    config::{ConfigReadError, LoadedConfig, LogConfig, Overrides, ServerConfig, load_over},
    secret_file::read_secret,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

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
    /// Who knows the passwords of accounts.
    pub identity: IdentityConfig,
    /// Slow hashes of recovery codes.
    pub hashing: HashingConfig,
    /// What holds for every tenant, unless it decides more strictly.
    pub policy: PolicyConfig,
    /// What the process says.
    pub log: LogConfig,
    /// The internal services that may call, each a `[[callers]]` table made by `countersign callers add`.
    pub callers: Vec<CallerConfig>,
    /// What messages of a company look like, each a `[[tenants]]` table.
    pub tenants: Vec<TenantConfig>,
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
            identity: IdentityConfig::default(),
            hashing: HashingConfig::default(),
            policy: PolicyConfig::default(),
            log: LogConfig::default(),
            callers: Vec::new(),
            tenants: Vec::new(),
        }
    }
}

/// Reads the configuration of `serve`, with what its files of secrets hold.
///
/// # Errors
/// Tells which value is wrong, and where it stands.
pub fn load(overrides: &Overrides) -> Result<LoadedConfig<Config>, ConfigReadError> {
    let mut loaded: LoadedConfig<Config> = load_over(overrides, None)?;
    let Config {
        postgres, redis, ..
    } = &mut loaded.config;
    if let Some(file) = &postgres.url_file {
        let is_free = postgres.url.is_none();
        let url = secret_of_file(["postgres.url", "postgres.url_file"], file, is_free)?;
        postgres.url = Some(url.to_string());
    }
    if let Some(file) = &redis.urls_file {
        let is_free = redis.urls.is_empty();
        let urls = secret_of_file(["redis.urls", "redis.urls_file"], file, is_free)?;
        let urls = urls.split(',').map(str::trim);
        let urls = urls.filter(|url| !url.is_empty());
        redis.urls = urls.map(str::to_owned).collect();
    }
    Ok(loaded)
}

/// What a file of secrets holds, unless the field itself is set too.
fn secret_of_file(
    [field, file_field]: [&'static str; 2],
    file: &Path,
    is_free: bool,
) -> Result<Zeroizing<String>, ConfigReadError> {
    if !is_free {
        return Err(ConfigReadError::SetTwice(field, file_field));
    }
    read_secret(file).map_err(|cause| ConfigReadError::SecretFile(file_field, cause))
}
