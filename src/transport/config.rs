//! How configuration is read: defaults, then the file, then the environment, then flags. And the sections that every process
//! has.

mod caller;
mod check;
mod log;
mod reference;
mod server;

pub use caller::CallerTokensConfig;
pub use check::{InvalidServerConfig, REFUSED, check_server_config, is_safe};
pub use log::{LogConfig, LogFormat};
pub use reference::reference_of;
pub use server::{ServerConfig, TlsConfig};

use crate::config_error::ConfigError;
use figment::{
    Figment, Metadata,
    providers::{Env, Format, Serialized, Toml},
    value::UncasedStr,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::{
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
};

/// Environment variables of the configuration begin with this; `__` separates section and field.
pub const PREFIX: &str = "COUNTERSIGN_";

/// What values come from, where they come from no file.
const DEFAULT: &str = "default";
const ENVIRONMENT: &str = "environment";
const COMMAND_LINE: &str = "command line";
const PRESET: &str = "preset";

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
pub struct LoadedConfig<T> {
    /// The values.
    pub config: T,
    /// The file that was read.
    pub file: Option<PathBuf>,
    sources: Figment,
}

/// A configuration that can't be read.
#[derive(Debug, thiserror::Error)]
pub enum ConfigReadError {
    /// The file named on the command line is not there.
    #[error("there is no configuration file {0}")]
    NoFile(PathBuf),
    /// It can't be read.
    #[error("the configuration file {0} can't be read: {1}")]
    File(PathBuf, io::Error),
    /// Variables begin as those of the configuration do, and nothing reads them.
    #[error(
        "{} in the environment: nothing reads {}; a field is {PREFIX}SECTION__FIELD, and tables such as `callers` stand in the file",
        .0.join(", "), if .0.len() == 1 { "it" } else { "them" }
    )]
    UnknownVariables(Vec<String>),
    /// It is not TOML, or a value is unknown or malformed.
    #[error("{0}: {1}")]
    Mistake(String, ConfigError),
}

/// Reads the configuration of any process, over a preset, which is a text of this program's own.
///
/// # Errors
/// Tells which value is wrong, and where it stands.
pub fn load_over<T>(
    overrides: &Overrides,
    preset: Option<&'static str>,
) -> Result<LoadedConfig<T>, ConfigReadError>
where
    T: Default + Serialize + DeserializeOwned,
{
    let mut sources = Figment::from(Serialized::defaults(T::default()));
    if let Some(preset) = preset {
        sources = sources.merge(Toml::string(preset));
    }
    let mut read = None;
    if let Some(file) = &overrides.file {
        if !file.is_file() {
            return Err(ConfigReadError::NoFile(file.clone()));
        }
        let text = fs::read_to_string(file);
        let text = text.map_err(|cause| ConfigReadError::File(file.clone(), cause))?;
        if let Some(mistake) = ConfigError::from_syntax(&text) {
            return Err(ConfigReadError::Mistake(
                file.display().to_string(),
                mistake,
            ));
        }
        sources = sources.merge(Toml::file_exact(file));
        read = Some((file.as_path(), text));
    }
    let unknown = unknown_variables(&outside_sections(&T::default()));
    if !unknown.is_empty() {
        return Err(ConfigReadError::UnknownVariables(unknown));
    }
    sources = sources.merge(environment(&T::default()));
    if let Some(listen) = overrides.listen {
        sources = sources.merge(Serialized::default("server.listen", listen));
    }
    if let Some(data_dir) = &overrides.data_dir {
        sources = sources.merge(Serialized::default("data_dir", data_dir));
    }
    let config = sources.extract().map_err(|error| {
        malformed(
            &error,
            read.as_ref().map(|(file, text)| (*file, text.as_str())),
        )
    })?;
    Ok(LoadedConfig {
        config,
        file: overrides.file.clone(),
        sources,
    })
}

/// A value that its field does not take. What comes neither from the environment nor from the command line stands in the
/// file, because defaults fit.
fn malformed(error: &figment::Error, file: Option<(&Path, &str)>) -> ConfigReadError {
    let source = error.metadata.as_ref().map(source).unwrap_or_default();
    let file = file.filter(|_| ![ENVIRONMENT, COMMAND_LINE].contains(&source.as_str()));
    let mistake = ConfigError::from_value(error, file.map(|(_, text)| text));
    match file.filter(|_| mistake.has_position()) {
        Some((file, _)) => ConfigReadError::Mistake(file.display().to_string(), mistake),
        None if source == DEFAULT => ConfigReadError::Mistake(ENVIRONMENT.to_owned(), mistake),
        None => ConfigReadError::Mistake(source, mistake),
    }
}

/// Variables with our prefix that name no field, so that somebody thinks that something is set which is not.
fn unknown_variables(outside: &[String]) -> Vec<String> {
    let keys = Env::prefixed(PREFIX).lowercase(false);
    let keys = keys.iter().map(|(key, _)| key.into_string());
    let unknown = keys.filter(|key| {
        let is_field = outside.iter().any(|field| field.eq_ignore_ascii_case(key));
        !key.contains("__") && !is_field && !is_set_by_kubernetes(key)
    });
    let mut unknown: Vec<String> = unknown.map(|key| format!("{PREFIX}{key}")).collect();
    unknown.sort_unstable();
    unknown
}

/// Kubernetes sets variables such as `COUNTERSIGN_SERVICE_HOST` and `COUNTERSIGN_PORT_50051_TCP_ADDR` in every container
/// beside a service of that name, or of one that begins alike.
fn is_set_by_kubernetes(key: &str) -> bool {
    let of_service = ["SERVICE_HOST", "SERVICE_PORT", "PORT"];
    let ends = |name: &str| key == name || key.ends_with(&format!("_{name}"));
    let of_port = key.split_once("PORT_").is_some_and(|(before, rest)| {
        let is_service = before == "SERVICE_" || before.ends_with("_SERVICE_");
        let is_number = rest.starts_with(|first: char| first.is_ascii_digit());
        is_service || (is_number && (before.is_empty() || before.ends_with('_')))
    });
    of_service.into_iter().any(ends) || of_port
}

/// Variables that name a field.
fn environment(defaults: &impl Serialize) -> Env {
    let outside = outside_sections(defaults);
    let names_a_field = move |key: &UncasedStr| {
        key.as_str().contains("__") || outside.iter().any(|field| key == field)
    };
    Env::prefixed(PREFIX).filter(names_a_field).split("__")
}

/// The fields that stand in no section, and are none.
fn outside_sections(defaults: &impl Serialize) -> Vec<String> {
    let is_field = |value: &Value| !value.is_object() && !value.is_array();
    let Ok(Value::Object(fields)) = serde_json::to_value(defaults) else {
        return Vec::new();
    };
    let fields = fields.into_iter().filter(|(_, value)| is_field(value));
    fields.map(|(name, _)| name).collect()
}

impl<T> LoadedConfig<T> {
    /// Where a value comes from: `default`, `preset`, a file, `environment` or `command line`.
    #[must_use]
    pub fn source_of(&self, key: &str) -> String {
        let metadata = self.sources.find_metadata(key);
        metadata.map_or_else(|| DEFAULT.to_owned(), source)
    }
}

fn source(metadata: &Metadata) -> String {
    if metadata.name.contains(ENVIRONMENT) {
        return ENVIRONMENT.to_owned();
    }
    let file = metadata
        .source
        .as_ref()
        .and_then(|source| source.file_path());
    match file {
        Some(file) => file.display().to_string(),
        None if metadata.name.contains("Config") => DEFAULT.to_owned(),
        None if metadata.name.contains("TOML") => PRESET.to_owned(),
        None => COMMAND_LINE.to_owned(),
    }
}
