//! `countersign identity`.

use crate::{
    cli::{
        Failure,
        notifier::{TokenFor, token},
        serving, stop,
    },
    config::Overrides,
    ports::Entropy,
    server::{self, Used},
    system::SystemEntropy,
    telemetry,
    verifier::{self, Chosen},
};
use clap::{Args, Subcommand};
use countersign_domain::{
    id::{TenantId, UserId},
    password::{LONGEST, Password},
};
use futures_util::stream;
use std::{io::Read, net::SocketAddr, path::PathBuf};
use tokio::signal::unix::{SignalKind, signal};
use tokio_stream::Stream;
use zeroize::Zeroizing;

const TOKEN: TokenFor = TokenFor {
    prefix: "csi_",
    field: "identity.token_file",
    whose: "password service's",
};

/// A password service to try things with: a process of its own that tells Countersign whether account passwords are right.
#[derive(Debug, Subcommand)]
pub(super) enum Identity {
    /// Serve passwords from a file of argon2id hashes.
    File(Start),
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
pub(super) struct Start {
    /// The file of passwords; overrides `users`.
    #[arg(long, value_name = "FILE")]
    users: Option<PathBuf>,
    /// The configuration file, TOML.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Address and port to listen on; overrides `server.listen`.
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// Say what would be used and why, and what would be refused; start nothing.
    #[arg(long)]
    check: bool,
}

pub(super) async fn run(identity: Identity) -> Result<(), Failure> {
    match identity {
        Identity::File(start) => file(start).await,
        Identity::Hash { account } => hash(account.as_deref()),
        Identity::Token { file } => token(&file, TOKEN),
    }
}

async fn file(start: Start) -> Result<(), Failure> {
    let Start {
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
    let chosen = verifier::choose(&overrides, users, &SystemEntropy)?;
    if check {
        let _readable = telemetry::filter(&chosen.log.filter)?;
        print!("{}", serving::table(&chosen.used));
        println!("\nThe password service would start with this.");
        return Ok(());
    }
    telemetry::init(&chosen.log)?;
    to_the_end(chosen).await
}

async fn to_the_end(chosen: Chosen) -> Result<(), Failure> {
    let listener = server::listen(&chosen.server, chosen.tls.clone()).await?;
    let address = listener.local_addr()?;
    for Used { what, value, why } in &chosen.used {
        tracing::info!(what, value, why, "using");
    }
    tracing::info!(%address, version = env!("CARGO_PKG_VERSION"), "listening");
    chosen
        .run(listener.connections(), stop::asked(), told()?)
        .await?;
    tracing::info!("drained");
    Ok(())
}

/// Each SIGHUP.
fn told() -> Result<impl Stream<Item = ()> + Send, Failure> {
    let hangup = signal(SignalKind::hangup())?;
    Ok(stream::unfold(hangup, |mut hangup| async {
        hangup.recv().await.map(|()| ((), hangup))
    }))
}

fn hash(account: Option<&str>) -> Result<(), Failure> {
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
    let hash = password.hash(&salt, verifier::cost());
    match account {
        Some(account) => println!("{account}:{}", hash.as_phc()),
        None => println!("{}", hash.as_phc()),
    }
    Ok(())
}

/// The first line of the standard input.
fn typed() -> Result<Password, Failure> {
    let mut text = Zeroizing::new(String::with_capacity(LONGEST + 2));
    let longest = u64::try_from(LONGEST + 2)?;
    std::io::stdin()
        .take(longest)
        .read_to_string(&mut text)
        .map_err(|cause| format!("the password can't be read: {cause}"))?;
    let line = text.split(['\r', '\n']).next().unwrap_or_default();
    let password = Password::parse(Zeroizing::new(line.to_owned()));
    Ok(password.map_err(|why| format!("the password {why}"))?)
}
