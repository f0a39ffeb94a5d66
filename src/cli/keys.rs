//! `countersign keys`.

mod progress;
mod report;

use crate::{
    app::{ResealSettings, key_usage, reseal},
    cli::common::{CommandError, CommonArgs},
    config,
    crypto::KeyRing,
    ports::KeyInUse,
    server,
    server::CommandStore,
};
use clap::Subcommand;
use countersign_domain::value::secret::KeyId;
use countersign_transport::{
    secret_file::write_secret,
    system::{SystemClock, SystemEntropy},
};
use progress::ProgressBar;
use report::KeyUsageReport;
use std::{collections::BTreeSet, num::NonZeroU32, path::PathBuf};

/// Rows that are saved in a second unless told otherwise.
const DEFAULT_ROWS_PER_SECOND: u32 = 500;

/// The key ring.
#[derive(Debug, Subcommand)]
pub(super) enum KeysCommand {
    /// Make a new key ring with one key. A file that exists is left alone.
    New {
        /// Where to; only its owner can read it.
        file: PathBuf,
    },
    /// Count what is stored under each key, and say which keys may leave the ring. Changes nothing. Fails while anything is
    /// stored under an older key.
    Status {
        #[command(flatten)]
        common: CommonArgs,
    },
    /// Save what is stored under older keys again, under the active key. Safe to stop and to repeat. Fails while anything is
    /// left under an older key.
    Reseal {
        /// Rows that are saved in a second at most.
        #[arg(long, value_name = "ROWS", default_value_t = DEFAULT_ROWS_PER_SECOND, value_parser = clap::value_parser!(u32).range(1..))]
        rate: u32,
        #[command(flatten)]
        common: CommonArgs,
    },
    /// Start without a key that is lost. What is stored under it can never be read again.
    GiveUp {
        /// The id of the key, which the ring no longer has.
        key: String,
        #[command(flatten)]
        common: CommonArgs,
    },
}

pub(super) async fn run(keys: KeysCommand) -> Result<(), CommandError> {
    match keys {
        KeysCommand::New { file } => new(&file),
        KeysCommand::Status { common } => status(&common).await,
        KeysCommand::Reseal { rate, common } => reseal_all(rate, &common).await,
        KeysCommand::GiveUp { key, common } => give_up(&KeyId::new(&key), &common).await,
    }
}

fn new(file: &std::path::Path) -> Result<(), CommandError> {
    write_secret(file, &KeyRing::new_text(&SystemEntropy))
        .map_err(|cause| format!("{} can't be made: {cause}", file.display()))?;
    println!(
        "made {}: name it in `keys.file`, give every process of the deployment the same, and keep a copy in a vault",
        file.display()
    );
    Ok(())
}

async fn open(common: &CommonArgs) -> Result<CommandStore, CommandError> {
    let store = server::command_store(&config::load(&common.overrides())?).await?;
    if let Some(lacks) = &store.lacks {
        eprintln!("{lacks}");
    }
    Ok(store)
}

fn settings(rate: u32) -> ResealSettings {
    ResealSettings {
        rate: NonZeroU32::new(rate).unwrap_or(NonZeroU32::MIN),
        silence: KeyInUse::KEY_USE_EXPIRY,
    }
}

async fn status(common: &CommonArgs) -> Result<(), CommandError> {
    let CommandStore { sealed, ring, .. } = open(common).await?;
    let mut bar = ProgressBar::new("counting");
    let mut listener = |progress| bar.show(progress);
    let counted = key_usage(
        &*sealed,
        &*ring,
        &SystemClock,
        settings(DEFAULT_ROWS_PER_SECOND),
        &mut listener,
    )
    .await;
    bar.end();
    let usage = counted?;
    let in_use = sealed.keys_in_use().await?;
    let report = KeyUsageReport::new(&ring, &usage, &in_use);
    print!("{report}");
    report.outcome()
}

async fn reseal_all(rate: u32, common: &CommonArgs) -> Result<(), CommandError> {
    let CommandStore { sealed, ring, .. } = open(common).await?;
    eprintln!("making sure that no replica has another key active");
    let mut bar = ProgressBar::new("resealing");
    let mut listener = |progress| bar.show(progress);
    let resealed = reseal(
        &*sealed,
        &*ring,
        &SystemClock,
        settings(rate),
        &mut listener,
    )
    .await;
    bar.end();
    let resealed = resealed?;
    println!("rows that were sealed again: {}\n", resealed.saved);
    let in_use = sealed.keys_in_use().await?;
    let report = KeyUsageReport::new(&ring, &resealed.usage, &in_use);
    print!("{report}");
    if let Some(other) = resealed.other_active {
        return Err(format!(
            "a process had the key `{}` active meanwhile: give every replica this ring, restart them, and run the command again",
            other.as_str()
        )
        .into());
    }
    report.outcome()
}

async fn give_up(key: &KeyId, common: &CommonArgs) -> Result<(), CommandError> {
    let CommandStore { sealed, ring, .. } = open(common).await?;
    if ring.ids().contains(&key.as_str()) {
        return Err(format!(
            "the ring has the key `{0}`, so nothing is lost: run `countersign keys reseal`, and take `{0}` out of the ring when \
             it says that it may go",
            key.as_str()
        )
        .into());
    }
    let in_use = sealed.keys_in_use().await?;
    if !in_use.iter().any(|of| of.key == *key) {
        return Err(format!("nothing waits for a key `{}`", key.as_str()).into());
    }
    sealed
        .remove_sealing_keys(&BTreeSet::from([key.clone()]), &in_use)
        .await?;
    println!(
        "replicas start without `{0}`. What is stored under it stays, and opens again if `{0}` comes back: users whose records \
         lie under it are answered UNAVAILABLE; `countersign keys status` counts them",
        key.as_str()
    );
    Ok(())
}
