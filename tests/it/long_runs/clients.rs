//! Clients in Go and Java: the commands of the guide generate and compile every service, with nothing set but folders.
//! They fetch what the generated code needs, so they are not part of `make test`.

use std::{fs, path::Path, process::Command};
use tempfile::TempDir;

const GUIDE: &str = "docs/guides/generate-a-client.md";

/// The commands of a section of the guide.
fn commands(section: &str) -> String {
    let guide = fs::read_to_string(GUIDE).unwrap();
    let (_, rest) = guide.split_once(&format!("\n## {section}\n")).unwrap();
    let section = rest.split("\n## ").next().unwrap();
    let blocks = section.split("```sh\n").skip(1);
    blocks
        .map(|block| block.split("```").next().unwrap())
        .collect()
}

/// Runs the commands beside copies of `proto/` and `examples/`, in a folder of the copies.
fn run_commands(section: &str, folder: &str) -> TempDir {
    let copies = TempDir::new().unwrap();
    for name in ["proto", "examples"] {
        let status = Command::new("cp")
            .args(["-r", name])
            .arg(copies.path())
            .status();
        assert!(status.unwrap().success(), "{name}");
    }
    let script = format!("set -euo pipefail\n{}", commands(section));
    let ran = Command::new("bash")
        .args(["-c", &script])
        .current_dir(copies.path().join(folder))
        .output()
        .unwrap();
    assert!(
        ran.status.success(),
        "{script}\n{}{}\nrun tests/install-tools.sh --all",
        String::from_utf8_lossy(&ran.stdout),
        String::from_utf8_lossy(&ran.stderr)
    );
    copies
}

#[track_caller]
fn assert_there(folder: &Path, files: &[&str]) {
    for file in files {
        assert!(folder.join(file).exists(), "{file} was not generated");
    }
}

#[ignore = "it fetches modules of Go"]
#[test]
fn a_client_in_go_is_generated_without_options_and_compiles() {
    let copies = run_commands("Go", "");
    let generated = copies
        .path()
        .join("gen/github.com/countersign/countersign/gen/go/countersign/v1");
    assert_there(
        &generated,
        &["policy.pb.go", "challenge_service_grpc.pb.go"],
    );
}

#[ignore = "it fetches artifacts of Maven"]
#[test]
fn a_client_in_java_is_generated_without_options_and_compiles() {
    let copies = run_commands("Java", "examples/clients/java");
    let classes = copies.path().join("examples/clients/java/target/classes");
    assert_there(
        &classes,
        &[
            "dev/countersign/v1/ChallengeServiceGrpc.class",
            "dev/countersign/notifier/v1/NotifierServiceGrpc.class",
            "dev/countersign/identity/v1/PasswordServiceGrpc.class",
        ],
    );
}
