//! How long a build of the release binary takes on all cores, from nothing but downloaded sources.

use super::BenchSetup;
use crate::{ALL_CORES, BenchResult};
use std::{process::Command, time::Instant};

/// The fact that tells it.
pub(crate) const COLD_BUILD: &str = "cold build of the release binary";

pub(super) fn measure(setup: &mut BenchSetup<'_>) -> BenchResult<()> {
    let folder = tempfile::tempdir_in(&setup.options.out)?;
    let started = Instant::now();
    let built = Command::new("taskset")
        .args(["-c", ALL_CORES, env!("CARGO"), "build", "--release"])
        .args(["--locked", "--bin", "countersign", "--target-dir"])
        .arg(folder.path())
        .status()?;
    if !built.success() {
        return Err(format!("cargo build: {built}").into());
    }
    let minutes = started.elapsed().as_secs_f64() / 60.0;
    setup.report.note(COLD_BUILD, "min", minutes);
    Ok(())
}
