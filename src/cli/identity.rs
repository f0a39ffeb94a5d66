//! `countersign identity`.

use crate::cli::{
    common::CommandError,
    notifier::{TokenPurpose, token},
    serving, stop,
};
use clap::{Args, Subcommand};
use countersign_domain::{
    authorization::password::{MAX_PASSWORD_BYTES, Password},
    value::id::{TenantId, UserId},
};
use countersign_password_verifier::SelectedVerifier;
use countersign_transport::{
    config::{ListenAddress, Overrides},
    listener::listen,
    startup_report::StartupReportLine,
    system::{RandomSource, SystemEntropy},
    telemetry,
};
use futures_util::stream;
use std::{io::Read, path::PathBuf};
use tokio::signal::unix::{SignalKind, signal};
use tokio_stream::Stream;
use zeroize::Zeroizing;

const TOKEN: TokenPurpose = TokenPurpose {
    prefix: "csi_",
    field: "identity.token_file",
    whose: "password service's",
};

/// A password service to try things with: a process of its own that tells Countersign whether account passwords are right.
#[derive(Debug, Subcommand)]
pub(super) enum IdentityCommand {
    /// Serve passwords from a file of argon2id hashes.
    File(StartIdentityArgs),
    /// Hash a password for such a file: it is read from the standard input, up to the first line break.
    Hash {
        /// The account; with it, the whole line of the file is printed.
        #[arg(value_name = "TENANT/USER")]
        account: Option<String>,
    },
    /// Make a token for Countersign to call a password service with, and the line of configuration that lets it in.
    Token {
        /// Where the token goes to; only its owner can read it. A file that exists is left alone.
        file: PathBuf,
    },
}

/// How to start.
#[derive(Debug, Args)]
pub(super) struct StartIdentityArgs {
    /// The file of passwords; overrides `users`.
    #[arg(long, value_name = "FILE")]
    users: Option<PathBuf>,
    /// The configuration file, TOML.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where to listen; overrides `server.listen`.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<ListenAddress>,
    /// Say what would be used and why, and what would be refused; start nothing.
    #[arg(long)]
    check: bool,
}

pub(super) async fn run(identity: IdentityCommand) -> Result<(), CommandError> {
    match identity {
        IdentityCommand::File(start) => file(start).await,
        IdentityCommand::Hash { account } => hash(account.as_deref()),
        IdentityCommand::Token { file } => token(&file, TOKEN),
    }
}

async fn file(start: StartIdentityArgs) -> Result<(), CommandError> {
    let StartIdentityArgs {
        users,
        config,
        listen,
        check,
    } = start;
    let overrides = Overrides {
        file: config,
        listen,
        data_dir: None,
    };
    let selected = countersign_password_verifier::choose(&overrides, users, &SystemEntropy)?;
    if check {
        let _readable = telemetry::filter(&selected.log)?;
        print!("{}", serving::table(&selected.used));
        println!("\nThe password service would start with this.");
        return Ok(());
    }
    telemetry::init(&selected.log)?;
    serve_until_stopped(selected).await
}

async fn serve_until_stopped(selected: SelectedVerifier) -> Result<(), CommandError> {
    let listener = listen(&selected.server, selected.tls.clone()).await?;
    let address = listener.local_addr()?;
    for StartupReportLine { what, value, why } in &selected.used {
        tracing::info!(what, value, why, "using");
    }
    tracing::info!(%address, version = env!("CARGO_PKG_VERSION"), "listening");
    selected
        .run(
            listener.connections(),
            stop::requested_but_hangup(),
            notified()?,
        )
        .await?;
    tracing::info!("drained");
    Ok(())
}

/// Each SIGHUP.
fn notified() -> Result<impl Stream<Item = ()> + Send, CommandError> {
    let hangup = signal(SignalKind::hangup())?;
    Ok(stream::unfold(hangup, |mut hangup| async {
        hangup.recv().await.map(|()| ((), hangup))
    }))
}

fn hash(account: Option<&str>) -> Result<(), CommandError> {
    if let Some(account) = account {
        let is_one = account.split_once('/').is_some_and(|(tenant, user)| {
            TenantId::parse(tenant).is_ok() && UserId::parse(user).is_ok()
        });
        if !is_one {
            return Err(format!("`{account}` is no account: give TENANT/USER").into());
        }
    }
    let password = typed()?;
    let mut salt = [0; 16];
    SystemEntropy.fill(&mut salt);
    let hash = password.hash(&salt, countersign_password_verifier::cost());
    match account {
        Some(account) => println!("{account}:{}", hash.to_phc()),
        None => println!("{}", hash.to_phc()),
    }
    Ok(())
}

/// The first line of the standard input.
fn typed() -> Result<Password, CommandError> {
    let mut text = Zeroizing::new(String::with_capacity(MAX_PASSWORD_BYTES + 2));
    let longest = u64::try_from(MAX_PASSWORD_BYTES + 2)?;
    std::io::stdin()
        .take(longest)
        .read_to_string(&mut text)
        .map_err(|cause| format!("the password can't be read: {cause}"))?;
    let line = text.split(['\r', '\n']).next().unwrap_or_default();
    let password = Password::parse(Zeroizing::new(line.to_owned()));
    Ok(password.map_err(|why| format!("the password {why}"))?)
}
