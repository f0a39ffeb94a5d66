//! `countersign keys`.

use crate::{cli::Failure, crypto::KeyRing, server::write_secret, system::SystemEntropy};
use clap::Subcommand;
use std::path::PathBuf;

/// The key ring.
#[derive(Debug, Subcommand)]
pub(super) enum Keys {
    /// Make a new key ring with one key. A file that exists is left alone.
    New {
        /// Where to; only its owner can read it.
        file: PathBuf,
    },
}

pub(super) fn run(Keys::New { file }: Keys) -> Result<(), Failure> {
    write_secret(&file, &KeyRing::new_text(&SystemEntropy))
        .map_err(|cause| format!("{} can't be made: {cause}", file.display()))?;
    println!(
        "made {}: name it in `keys.file`, give every process of the deployment the same, and keep a copy in a vault",
        file.display()
    );
    Ok(())
}
