//! `countersign descriptors`, and the options that clients and gateways read in them.

use crate::support::processes::run;
use countersign_proto::DESCRIPTORS;
use prost::Message;
use prost_reflect::{DescriptorPool, ServiceDescriptor};
use prost_types::{FileDescriptorSet, method_options::IdempotencyLevel};
use std::{fs, process::Command};
use tempfile::TempDir;

/// The RPCs that only read. `ExportUser` is not among them: it leaves an audit event.
const READS: [&str; 11] = [
    "countersign.testing.v1.TestingService.ListMessages",
    "countersign.v1.ChallengeService.GetChallenge",
    "countersign.v1.ChallengeService.GetSignInOptions",
    "countersign.v1.DeviceService.ListDevices",
    "countersign.v1.KeyService.GetJwks",
    "countersign.v1.MethodService.GetMethodSettings",
    "countersign.v1.PolicyService.ExplainPolicy",
    "countersign.v1.PolicyService.GetPolicy",
    "countersign.v1.PolicyService.SimulatePolicy",
    "countersign.v1.UserService.GetUser",
    "countersign.v1.UserService.ListUsers",
];

/// The RPCs whose contract demands an idempotency key.
const IDEMPOTENT: [&str; 4] = [
    "countersign.identity.v1.PasswordService.VerifyPassword",
    "countersign.notifier.v1.NotifierService.Deliver",
    "countersign.notifier.v1.VerificationService.CheckVerification",
    "countersign.notifier.v1.VerificationService.StartVerification",
];

#[test]
fn descriptors_go_to_a_pipe_and_to_a_file_whole() {
    let piped = run(&["descriptors"]);
    assert!(piped.status.success(), "{piped:?}");
    assert_eq!(piped.stdout, DESCRIPTORS);
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("countersign.pb");
    let written = run(&["descriptors", "--output", file.to_str().unwrap()]);
    assert!(
        written.status.success() && written.stdout.is_empty(),
        "{written:?}"
    );
    assert_eq!(fs::read(&file).unwrap(), DESCRIPTORS);
    let nowhere = folder.path().join("not/there.pb");
    let refused = run(&["descriptors", "--output", nowhere.to_str().unwrap()]);
    assert!(!refused.status.success());
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("there.pb can't be written: "), "{said}");
}

/// `script` gives the command a terminal.
#[cfg(target_os = "linux")]
#[test]
fn descriptors_are_not_written_to_a_terminal() {
    let command = format!("{} descriptors", env!("CARGO_BIN_EXE_countersign"));
    let shown = Command::new("script")
        .args(["--quiet", "--return", "--command", &command, "/dev/null"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&shown.stdout);
    assert!(!shown.status.success(), "{said}");
    assert!(
        said.starts_with("countersign: ") && said.contains("--output FILE"),
        "{said}"
    );
    assert!(said.len() < 300, "{said}");
}

/// A gateway needs the types of the details of errors, and the files stand before those that import them.
#[test]
fn the_descriptors_stand_alone() {
    let set = FileDescriptorSet::decode(DESCRIPTORS).unwrap();
    let mut before: Vec<&str> = Vec::new();
    for file in &set.file {
        for import in &file.dependency {
            assert!(
                before.contains(&import.as_str()),
                "{}: {import}",
                file.name()
            );
        }
        before.push(file.name());
    }
    let pool = DescriptorPool::decode(DESCRIPTORS).unwrap();
    for name in ["Status", "ErrorInfo", "BadRequest", "RetryInfo"] {
        let name = format!("google.rpc.{name}");
        assert!(pool.get_message_by_name(&name).is_some(), "{name}");
    }
}

#[test]
fn what_only_reads_and_what_takes_a_key_is_marked() {
    let pool = DescriptorPool::decode(DESCRIPTORS).unwrap();
    let marked = |level: IdempotencyLevel| {
        let services: Vec<ServiceDescriptor> = pool.services().collect();
        let mut names: Vec<String> = services
            .iter()
            .flat_map(|service| service.methods().collect::<Vec<_>>())
            .filter(|rpc| {
                let options = rpc.method_descriptor_proto().options.as_ref();
                options.is_some_and(|options| options.idempotency_level() == level)
            })
            .map(|rpc| rpc.full_name().to_owned())
            .collect();
        names.sort();
        names
    };
    assert_eq!(marked(IdempotencyLevel::NoSideEffects), READS);
    assert_eq!(marked(IdempotencyLevel::Idempotent), IDEMPOTENT);
}
