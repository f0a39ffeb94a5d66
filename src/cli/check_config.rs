//! `countersign check-config`.

use crate::{
    cli::{common::CommandError, serving},
    config, server,
};
use countersign_transport::{config::Overrides, telemetry};

pub(super) async fn run(overrides: &Overrides) -> Result<(), CommandError> {
    let loaded = config::load(overrides)?;
    match &loaded.file {
        Some(file) => println!("reading {} and the environment\n", file.display()),
        None => println!("reading the environment only; --config FILE reads a file\n"),
    }
    let _readable = telemetry::filter(&loaded.config.log)?;
    let report = server::look(&loaded).await?;
    print!("{}", serving::table(&report.used));
    for warning in &report.warnings {
        println!("  warning      {warning}");
    }
    println!("\n`countersign serve` would start with this.");
    Ok(())
}
