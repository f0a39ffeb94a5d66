//! The guide to clients: its commands generate, call, and go through Envoy.

#[cfg(target_os = "linux")]
mod envoy;

use super::{Shell, section_of};
use crate::support::processes::Process;

const GUIDE: &str = "docs/guides/generate-a-client.md";
const ADDRESS: &str = "127.0.0.1:50051";

fn run_against_dev(section: &str) {
    let dev = Process::start(&["dev", "--listen", "127.0.0.1:0"]);
    let mut shell = Shell::new();
    shell.replace(ADDRESS, &dev.address);
    shell.run(&section_of(GUIDE, section));
}

#[test]
fn a_client_in_python_is_generated_without_options_and_reads_errors() {
    run_against_dev("Python");
}

#[test]
fn grpcurl_takes_the_descriptors() {
    run_against_dev("grpcurl");
}
