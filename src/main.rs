//! The program: parses the command line, runs it, gives its exit code.

use clap::Parser;
use countersign::cli::{Cli, run};
use std::process::ExitCode;

fn main() -> ExitCode {
    run(Cli::parse())
}
