//! `countersign callers`.

use crate::{
    cli::common::CommandError,
    config::{CallerConfig, without_audience},
};
use clap::Subcommand;
use countersign_transport::{
    callers::hash,
    system::{RandomSource, SystemEntropy},
};
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};

/// Internal services that may call.
#[derive(Debug, Subcommand)]
pub(super) enum CallersCommand {
    /// Make a token for a caller, and the lines of configuration that let it in.
    Add {
        /// Its name: in audit records, and on what belongs to it.
        name: String,
        /// What it may call: names of services, and `attest` if its word for a first factor counts.
        #[arg(long, required = true, value_delimiter = ',')]
        rights: Vec<String>,
        /// Relying services that it may ask assertions for; with the right `ChallengeService` it needs one at least.
        #[arg(long, value_delimiter = ',')]
        audiences: Vec<String>,
        /// Tenants that it may act for; `*` means all.
        #[arg(long, required = true, value_delimiter = ',')]
        tenants: Vec<String>,
    },
}

pub(super) fn run(
    CallersCommand::Add {
        name,
        rights,
        audiences,
        tenants,
    }: CallersCommand,
) -> Result<(), CommandError> {
    let mut bytes = [0; 32];
    SystemEntropy.fill(&mut bytes);
    let token = format!("cs_{}", BASE64URL_NOPAD.encode(&bytes));
    let caller = CallerConfig {
        name,
        token_sha256: HEXLOWER.encode(&hash(&token)),
        rights,
        audiences,
        tenants,
    };
    let (_hash, known) = caller.caller()?;
    eprintln!(
        "The token, shown this once. Give it to the caller as `authorization: Bearer …`:\n\n{token}\n"
    );
    eprintln!("Add these lines to the configuration file:\n");
    println!("\n{}", lines(&caller));
    if let Some(warning) = without_audience(&known) {
        eprintln!("\nwarning: {warning}");
    }
    Ok(())
}

/// The caller as TOML. Debug's strings are TOML's, because a caller's names have no characters that differ.
fn lines(caller: &CallerConfig) -> String {
    let CallerConfig {
        name,
        token_sha256,
        rights,
        audiences,
        tenants,
    } = caller;
    format!(
        "[[callers]]\nname = {name:?}\ntoken_sha256 = {token_sha256:?}\nrights = {rights:?}\naudiences = {audiences:?}\n\
         tenants = {tenants:?}"
    )
}
