//! What several commands share.

use clap::Args;
use countersign_transport::config::{ListenAddress, Overrides};
use std::path::PathBuf;

/// What every command that reads the configuration takes. Everything else is in the file or the environment.
#[derive(Debug, Clone, Args)]
pub(super) struct CommonArgs {
    /// The configuration file, TOML.
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Where to listen; overrides `server.listen`.
    #[arg(long, value_name = "ADDRESS")]
    pub(super) listen: Option<ListenAddress>,
    /// Folder of the embedded default; overrides `data_dir`.
    #[arg(long, value_name = "DIR")]
    pub(super) data_dir: Option<PathBuf>,
}

impl CommonArgs {
    pub(super) fn overrides(&self) -> Overrides {
        Overrides {
            file: self.config.clone(),
            listen: self.listen.clone(),
            data_dir: self.data_dir.clone(),
        }
    }
}

/// Why a command did not do what it should: its message is for people.
pub(super) type CommandError = Box<dyn std::error::Error + Send + Sync>;
