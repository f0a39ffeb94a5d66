//! `countersign descriptors`.

use crate::cli::common::CommandError;
use clap::Args;
use countersign_proto::DESCRIPTORS;
use std::{
    fs,
    io::{self, IsTerminal, Write},
    path::PathBuf,
};

/// Where the descriptors go.
#[derive(Debug, Args)]
pub(super) struct DescriptorsArgs {
    /// Write to this file instead of standard output.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) fn run(DescriptorsArgs { output }: DescriptorsArgs) -> Result<(), CommandError> {
    if let Some(file) = output {
        return fs::write(&file, DESCRIPTORS)
            .map_err(|cause| format!("{} can't be written: {cause}", file.display()).into());
    }
    let mut stdout = io::stdout().lock();
    if stdout.is_terminal() {
        return Err(
            "a FileDescriptorSet is binary and is not written to a terminal: use `--output FILE`, or redirect standard \
             output"
                .into(),
        );
    }
    stdout.write_all(DESCRIPTORS)?;
    Ok(stdout.flush()?)
}
