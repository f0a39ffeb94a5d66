//! `countersign migrate`.

use crate::{
    cli::Failure,
    config::{self, Overrides},
    server,
};

pub(super) async fn run(overrides: &Overrides) -> Result<(), Failure> {
    let loaded = config::load(overrides)?;
    if loaded.config.postgres.url.is_none() {
        println!(
            "postgres.url is not set; the tables of the SQLite file are brought up to date whenever it is opened"
        );
        return Ok(());
    }
    server::migrate(&loaded.config).await?;
    println!("the tables in PostgreSQL are up to date");
    Ok(())
}
