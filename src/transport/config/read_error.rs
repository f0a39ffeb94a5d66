//! Why a configuration can't be read.

use crate::{config_error::ConfigError, secret_file::SecretFileError};
use std::{io, path::PathBuf};

/// Environment variables of the configuration begin with this; `__` separates section and field.
pub const PREFIX: &str = "COUNTERSIGN_";

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
        "{} in the environment: nothing reads {}; a field is {PREFIX}SECTION__FIELD, a table {PREFIX}TABLE",
        .0.join(", "), if .0.len() == 1 { "it" } else { "them" }
    )]
    UnknownVariables(Vec<String>),
    /// Variables that should hold a secret are empty.
    #[error(
        "{} in the environment: empty, and should hold a secret or lead to one; set {it}, or remove {it}",
        .0.join(", "), it = if .0.len() == 1 { "it" } else { "them" }
    )]
    EmptySecrets(Vec<String>),
    /// The value of a variable is not TOML.
    #[error("{0} in the environment is not TOML: {1}")]
    Variable(String, ConfigError),
    /// A file of a secret can't be used.
    #[error("{0}: {1}")]
    SecretFile(&'static str, SecretFileError),
    /// A value and the file of it are both set.
    #[error("{0} and {1} are both set: remove one of them")]
    SetTwice(&'static str, &'static str),
    /// It is not TOML, or a value is unknown or malformed.
    #[error("{0}: {1}")]
    Mistake(String, ConfigError),
}
