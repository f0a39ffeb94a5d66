//! `countersign grants`.

use crate::{
    cli::common::{CommandError, CommonArgs},
    config,
    store::postgres::{RoleGrants, ServerAddress},
};
use clap::Args;
use std::time::Duration;

/// What the names are.
#[derive(Debug, Args)]
pub(super) struct GrantsArgs {
    /// The role that owns the tables and runs `countersign migrate`.
    #[arg(long, value_name = "ROLE", default_value = "countersign_owner")]
    owner: String,
    /// The schema of the tables.
    #[arg(long, value_name = "SCHEMA", default_value = "countersign")]
    schema: String,
    #[command(flatten)]
    common: CommonArgs,
}

pub(super) fn run(arguments: GrantsArgs) -> Result<(), CommandError> {
    let config = config::load(&arguments.common.overrides())?.config;
    let address = config.postgres.url.as_deref().map(ServerAddress::parse);
    let user = address.transpose()?.and_then(|address| address.user);
    let grants = RoleGrants {
        schema: arguments.schema,
        owner: arguments.owner,
        role: user.unwrap_or_else(|| "countersign".to_owned()),
        statement_timeout: Duration::from_millis(config.postgres.statement_timeout_ms),
    };
    if grants.owner == grants.role {
        return Err(format!(
            "`{}` in postgres.url would own the tables: name there the role that serves, or another owner by --owner",
            grants.role
        )
        .into());
    }
    print!("{grants}");
    Ok(())
}
