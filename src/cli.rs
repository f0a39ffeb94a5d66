//! The command line.

mod callers;
mod check_config;
mod common;
mod descriptors;
mod dev;
mod grants;
mod healthcheck;
mod identity;
mod keys;
mod migrate;
mod notices;
mod notifier;
mod notifier_check;
mod serve;
mod serving;
mod stop;

use clap::{Parser, Subcommand};
use common::CommonArgs;
use std::process::ExitCode;

/// Two-factor authentication as one gRPC microservice.
#[derive(Debug, Parser)]
#[command(version, about, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start for development: nothing to install or configure, everyone on this machine may do everything.
    Dev(CommonArgs),
    /// Start for production. Refuses what is unsafe, and says what it uses and why.
    Serve(CommonArgs),
    /// Bring the tables of the durable store up to date. Safe to repeat.
    Migrate(migrate::MigrateArgs),
    /// Print the SQL by which an administrator of PostgreSQL makes the roles and grants them what they need.
    Grants(grants::GrantsArgs),
    /// Say what `serve` would use and why, and what it would refuse; starts, makes and changes nothing.
    CheckConfig(CommonArgs),
    /// Print the protobuf descriptors of the API (a `FileDescriptorSet`), for `grpcurl -protoset` and for gateways such as Envoy.
    Descriptors(descriptors::DescriptorsArgs),
    /// Ask a running service whether it is serving: a probe for images without a shell.
    Healthcheck(healthcheck::HealthcheckArgs),
    /// Ask a running notifier whether it keeps to the contract; sends nothing without `--allow-send`.
    NotifierCheck(notifier_check::NotifierCheckArgs),
    /// Internal services that may call.
    #[command(subcommand)]
    Callers(callers::CallersCommand),
    /// The key ring.
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// Notices that wait to be delivered, and dead ones.
    #[command(subcommand)]
    Notices(notices::NoticesCommand),
    /// A password service to try things with: a process of its own that tells Countersign whether account passwords are right.
    #[command(subcommand)]
    Identity(identity::IdentityCommand),
    /// A notifier: a process of its own that delivers messages for Countersign.
    #[command(subcommand)]
    Notifier(notifier::NotifierCommand),
}

/// Runs a command to its end.
#[must_use]
pub fn run(cli: Cli) -> ExitCode {
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(cause) => {
            eprintln!("countersign: the runtime can't start: {cause}");
            return ExitCode::FAILURE;
        }
    };
    let outcome = runtime.block_on(async {
        // One provider of TLS for the whole process; libraries ask for the installed one.
        let _installed_already = rustls::crypto::aws_lc_rs::default_provider().install_default();
        match cli.command {
            Command::Dev(common) => Box::pin(dev::run(&common.overrides())).await,
            Command::Serve(common) => Box::pin(serve::run(&common.overrides())).await,
            Command::Migrate(arguments) => migrate::run(arguments).await,
            Command::Grants(arguments) => grants::run(arguments),
            Command::CheckConfig(common) => check_config::run(&common.overrides()).await,
            Command::Descriptors(arguments) => descriptors::run(arguments),
            Command::Healthcheck(healthcheck) => healthcheck::run(healthcheck).await,
            Command::NotifierCheck(arguments) => notifier_check::run(arguments).await,
            Command::Callers(callers) => callers::run(callers),
            Command::Keys(keys) => keys::run(keys).await,
            Command::Notices(notices) => notices::run(notices).await,
            Command::Identity(identity) => identity::run(identity).await,
            Command::Notifier(notifier) => notifier::run(notifier).await,
        }
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("countersign: {failure}");
            ExitCode::FAILURE
        }
    }
}
