//! Why the service does not start.

use crate::{
    config::{InvalidCaller, InvalidConfig, InvalidPolicy, InvalidTenant},
    crypto::KeyRingError,
    notify::{client::NotifierConfigError, texts::TextErrors},
    outbound::EndpointError,
    ports::StoreUnavailable,
    store::{
        CanaryError,
        postgres::{UnsafeDurability, UnsafeSession},
        redis::UnsafeRedis,
    },
};
use countersign_transport::{config::ListenAddress, tls::TlsConfigError};
use std::{io, path::PathBuf};

/// Why the service does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration is unsafe, or lacks something.
    #[error("the configuration can't be used:{}", listed(.0))]
    Configuration(Vec<InvalidConfig>),
    /// A store does not answer.
    #[error(transparent)]
    Store(#[from] StoreUnavailable),
    /// PostgreSQL may forget.
    #[error(transparent)]
    NotDurable(#[from] UnsafeDurability),
    /// Sessions of PostgreSQL lack a setting.
    #[error(transparent)]
    UnsafeSession(#[from] UnsafeSession),
    /// Redis may forget.
    #[error(transparent)]
    Unsafe(#[from] UnsafeRedis),
    /// The tables are missing or old.
    #[error(
        "the tables in PostgreSQL are missing or old: run `countersign migrate` with the same configuration"
    )]
    NotMigrated,
    /// The key ring is not the one of the database.
    #[error(transparent)]
    WrongKeyRing(#[from] CanaryError),
    /// The key ring can't be read.
    #[error("the key ring {0} can't be read: {1}")]
    KeyFile(PathBuf, io::Error),
    /// The key ring is none.
    #[error("the key ring {0} can't be used: {1}")]
    KeyRing(PathBuf, KeyRingError),
    /// A caller can't be used.
    #[error(transparent)]
    Caller(#[from] InvalidCaller),
    /// A notifier can't be used.
    #[error(transparent)]
    Notifier(#[from] NotifierConfigError),
    /// Whoever knows passwords can't be called.
    #[error(transparent)]
    Identity(#[from] EndpointError),
    /// A company's settings can't be used.
    #[error(transparent)]
    Tenant(#[from] InvalidTenant),
    /// The policy of the service can't be used.
    #[error(transparent)]
    Policy(#[from] InvalidPolicy),
    /// A company's texts can't be used.
    #[error(transparent)]
    Texts(#[from] TextErrors),
    /// A certificate or its key can't be used.
    #[error(transparent)]
    Tls(#[from] TlsConfigError),
    /// The data folder can't be used.
    #[error("the data folder {0} can't be used: {1}")]
    DataDir(PathBuf, io::Error),
    /// Another process serves from the data folder.
    #[error(
        "the data folder {0} is in use by another `serve` or `dev`: stop that process, or name another folder with --data-dir"
    )]
    DataDirInUse(PathBuf),
    /// `dev` listens on loopback and nowhere else.
    #[error(
        "dev lets everyone do everything, so it listens on loopback only, not on {0}; use `countersign serve` for anything else"
    )]
    DevOffLoopback(ListenAddress),
}

fn listed(problems: &[InvalidConfig]) -> String {
    let line = |problem: &InvalidConfig| format!("\n  - {problem}");
    problems.iter().map(line).collect::<Vec<_>>().concat()
}
