//! `countersign migrate`.

use crate::{
    cli::common::{CommandError, CommonArgs},
    config, server,
    server::RecordForms,
};
use clap::Args;

/// What `migrate` takes.
#[derive(Debug, Args)]
pub(super) struct MigrateArgs {
    #[command(flatten)]
    common: CommonArgs,
    /// Finish an upgrade: write records in the newest form from now on. Replicas of older versions then refuse to write, so
    /// replace all of them first. It can't be taken back.
    #[arg(long)]
    finish: bool,
}

pub(super) async fn run(arguments: MigrateArgs) -> Result<(), CommandError> {
    let loaded = config::load(&arguments.common.overrides())?;
    let names_a_store = loaded.config.postgres.url.is_some() || loaded.config.data_dir.is_some();
    if !names_a_store && !arguments.finish {
        println!(
            "postgres.url is not set; the tables of the SQLite file are brought up to date whenever it is opened"
        );
        return Ok(());
    }
    let forms = server::migrate(&loaded.config, arguments.finish).await?;
    let store = if loaded.config.postgres.url.is_some() {
        "PostgreSQL"
    } else {
        "the SQLite file"
    };
    println!("the tables in {store} are up to date");
    println!("{}", describe_forms(forms));
    Ok(())
}

/// What is said of the forms of records.
fn describe_forms(forms: RecordForms) -> String {
    let RecordForms { writes, knows } = forms;
    if forms.is_behind() {
        return format!(
            "records are written in form {writes}; `countersign migrate --finish` would raise it to {knows}, which replicas of \
             older versions can't write: run it once none of them runs"
        );
    }
    format!("records are written in form {writes}: there is nothing to finish")
}

#[cfg(test)]
mod tests;
