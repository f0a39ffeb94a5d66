//! `countersign notifier`.

use crate::cli::{
    common::{CommandError, CommonArgs},
    serving, stop,
};
use clap::{Args, Subcommand};
use countersign_notifiers::{
    composition::{SelectedNotifier, sms, smtp},
    serve,
};
use countersign_transport::{
    callers::hash,
    listener::listen,
    secret_file::write_secret,
    startup_report::StartupReportLine,
    system::{RandomSource, SystemEntropy},
    telemetry,
};
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// A notifier: a process of its own that delivers messages for Countersign.
#[derive(Debug, Subcommand)]
pub(super) enum NotifierCommand {
    /// Deliver e-mail through a mail server.
    Smtp(StartNotifierArgs),
    /// Deliver text messages through an SMS gateway over HTTP.
    Sms(StartNotifierArgs),
    /// Make a token for Countersign to call a notifier with, and the line of configuration that lets it in.
    Token {
        /// Where the token goes to; only its owner can read it. A file that exists is left alone.
        file: PathBuf,
    },
}

/// What a token is for.
#[derive(Debug, Clone, Copy)]
pub(super) struct TokenPurpose {
    /// What it begins with.
    pub(super) prefix: &'static str,
    /// Where Countersign is told of it.
    pub(super) field: &'static str,
    /// Whose configuration lets it in.
    pub(super) whose: &'static str,
}

const TOKEN: TokenPurpose = TokenPurpose {
    prefix: "csn_",
    field: "notifiers.….token_file",
    whose: "notifier's",
};

/// How to start.
#[derive(Debug, Args)]
pub(super) struct StartNotifierArgs {
    #[command(flatten)]
    common: CommonArgs,
    /// Say what would be used and why, and what would be refused; start nothing.
    #[arg(long)]
    check: bool,
}

pub(super) async fn run(notifier: NotifierCommand) -> Result<(), CommandError> {
    let (selected, check) = match notifier {
        NotifierCommand::Smtp(StartNotifierArgs { common, check }) => {
            (smtp(&common.overrides())?, check)
        }
        NotifierCommand::Sms(StartNotifierArgs { common, check }) => {
            (sms(&common.overrides())?, check)
        }
        NotifierCommand::Token { file } => return token(&file, TOKEN),
    };
    if check {
        let _readable = telemetry::filter(&selected.log)?;
        print!("{}", serving::table(&selected.used));
        println!("\nThe notifier would start with this.");
        return Ok(());
    }
    telemetry::init(&selected.log)?;
    serve_until_stopped(selected).await
}

async fn serve_until_stopped(selected: SelectedNotifier) -> Result<(), CommandError> {
    let listener = listen(&selected.server, selected.tls.clone()).await?;
    let address = listener.local_addr()?;
    let (used, ready) = serve::prepare(selected, &SystemEntropy).await?;
    for StartupReportLine { what, value, why } in &used {
        tracing::info!(what, value, why, "using");
    }
    if let Some(address) = ready.metrics_address() {
        tracing::info!(metrics = %address, "metrics");
    }
    tracing::info!(%address, version = env!("CARGO_PKG_VERSION"), "listening");
    ready.run(listener.connections(), stop::requested()).await?;
    tracing::info!("drained");
    Ok(())
}

/// Makes a token for Countersign to call with, and prints the configuration that lets it in.
pub(super) fn token(file: &Path, what: TokenPurpose) -> Result<(), CommandError> {
    let TokenPurpose {
        prefix,
        field,
        whose,
    } = what;
    let mut bytes = Zeroizing::new([0; 32]);
    SystemEntropy.fill(bytes.as_mut_slice());
    let token = Zeroizing::new(format!(
        "{prefix}{}",
        BASE64URL_NOPAD.encode(bytes.as_slice())
    ));
    write_secret(file, &token)
        .map_err(|cause| format!("{} can't be made: {cause}", file.display()))?;
    eprintln!(
        "made {}: name it in `{field}` of `countersign serve`. The {whose} configuration:\n",
        file.display()
    );
    println!(
        "[caller]\ntoken_sha256 = [\"{}\"]",
        HEXLOWER.encode(&hash(&token))
    );
    Ok(())
}
