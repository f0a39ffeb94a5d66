//! How configuration is read: defaults, then the file, then the environment, then flags. And the sections that every process
//! has.

mod caller;
mod check;
mod environment;
mod layer;
mod listen_address;
mod log;
mod read_error;
mod reference;
mod schema;
mod server;

pub use caller::CallerTokensConfig;
pub use check::{InvalidServerConfig, REFUSED, check_server_config, is_safe};
pub(crate) use listen_address::is_localhost;
pub use listen_address::{InvalidListenAddress, ListenAddress};
pub use log::{LogConfig, LogFormat};
pub use read_error::{ConfigReadError, PREFIX};
pub use reference::reference_of;
pub use server::{ServerConfig, TlsConfig};

use crate::config_error::ConfigError;
use environment::{ENVIRONMENT, PORT_SOURCE};
use figment::{
    Figment, Metadata,
    providers::{Format, Serialized, Toml},
    value::Dict,
};
use layer::ConfigLayer;
use schemars::{JsonSchema, schema_for};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// What values come from, where they come from no file.
const DEFAULT: &str = "default";
const COMMAND_LINE: &str = "command line";
const PRESET: &str = "preset";

/// What the command line may override.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// The file to read.
    pub file: Option<PathBuf>,
    /// Where to listen.
    pub listen: Option<ListenAddress>,
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

/// What a configuration is read from. The file is read once: it may be a pipe.
pub struct ConfigSources {
    overrides: Overrides,
    file: Option<ConfigFile>,
}

/// A file that was read.
struct ConfigFile {
    path: PathBuf,
    text: String,
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
    T: Default + Serialize + DeserializeOwned + JsonSchema,
{
    ConfigSources::read(overrides)?.load(preset)
}

impl ConfigSources {
    /// Reads the file, if one is named.
    ///
    /// # Errors
    /// [`ConfigReadError`] if it can't be read, or is not TOML.
    pub fn read(overrides: &Overrides) -> Result<Self, ConfigReadError> {
        let file = overrides
            .file
            .as_deref()
            .map(ConfigFile::read)
            .transpose()?;
        Ok(Self {
            overrides: overrides.clone(),
            file,
        })
    }

    /// The configuration, over a preset.
    ///
    /// # Errors
    /// Tells which value is wrong, and where it stands.
    pub fn load<T>(&self, preset: Option<&'static str>) -> Result<LoadedConfig<T>, ConfigReadError>
    where
        T: Default + Serialize + DeserializeOwned + JsonSchema,
    {
        let mut sources = Figment::from(Serialized::defaults(T::default()));
        if let Some(preset) = preset {
            sources = sources.merge(Toml::string(preset));
        }
        if let Some(port) = environment::port() {
            sources = sources.merge(port);
        }
        if let Some(file) = &self.file {
            sources = sources.merge(ConfigLayer::file(&file.path, file.values()?));
        }
        for variable in environment::variables(&schema_for!(T).to_value())? {
            sources = sources.merge(variable);
        }
        if let Some(listen) = &self.overrides.listen {
            sources = sources.merge(Serialized::default("server.listen", listen));
        }
        if let Some(data_dir) = &self.overrides.data_dir {
            sources = sources.merge(Serialized::default("data_dir", data_dir));
        }
        let config = sources
            .extract()
            .map_err(|error| malformed(&error, self.file.as_ref()))?;
        Ok(LoadedConfig {
            config,
            file: self.overrides.file.clone(),
            sources,
        })
    }
}

impl ConfigFile {
    fn read(path: &Path) -> Result<Self, ConfigReadError> {
        let text = fs::read_to_string(path).map_err(|cause| match cause.kind() {
            io::ErrorKind::NotFound => ConfigReadError::NoFile(path.to_path_buf()),
            _ => ConfigReadError::File(path.to_path_buf(), cause),
        })?;
        let file = Self {
            path: path.to_path_buf(),
            text,
        };
        match ConfigError::from_syntax(&file.text) {
            Some(mistake) => Err(file.mistake(mistake)),
            None => Ok(file),
        }
    }

    fn values(&self) -> Result<Dict, ConfigReadError> {
        let values = Toml::from_str(&self.text);
        values.map_err(|_| self.mistake(ConfigError::unreadable()))
    }

    fn mistake(&self, mistake: ConfigError) -> ConfigReadError {
        ConfigReadError::Mistake(self.path.display().to_string(), mistake)
    }
}

/// A value that its field does not take. What comes neither from the environment nor from the command line stands in the
/// file, because defaults fit.
fn malformed(error: &figment::Error, file: Option<&ConfigFile>) -> ConfigReadError {
    let source = error.metadata.as_ref().map(source).unwrap_or_default();
    let file =
        file.filter(|_| ![ENVIRONMENT, COMMAND_LINE, PORT_SOURCE].contains(&source.as_str()));
    let mistake = ConfigError::from_value(error, file.map(|file| file.text.as_str()));
    match file.filter(|_| mistake.has_position()) {
        Some(file) => file.mistake(mistake),
        None if source == DEFAULT => ConfigReadError::Mistake(ENVIRONMENT.to_owned(), mistake),
        None => ConfigReadError::Mistake(source, mistake),
    }
}

impl<T> LoadedConfig<T> {
    /// Whether the port to listen on is named by the variable `PORT`.
    #[must_use]
    pub fn listens_on_port_variable(&self) -> bool {
        self.source_of("server.listen") == PORT_SOURCE
    }

    /// Where a value comes from: `default`, `preset`, a file, `environment` or `command line`.
    #[must_use]
    pub fn source_of(&self, key: &str) -> String {
        let metadata = self.sources.find_metadata(key);
        metadata.map_or_else(|| DEFAULT.to_owned(), source)
    }
}

fn source(metadata: &Metadata) -> String {
    if let Some(named) = [ENVIRONMENT, PORT_SOURCE]
        .into_iter()
        .find(|name| metadata.name == *name)
    {
        return named.to_owned();
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
