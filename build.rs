//! Generates the gRPC code from `proto/`, without a system `protoc`.

#![expect(
    clippy::disallowed_methods,
    reason = "cargo tells a build script where to write by an environment variable"
)]

use std::{env, error::Error, fmt::Write, fs, path::Path};

/// Messages whose `Debug` would print a secret, a number, an address or a token. Theirs is written here instead.
const SECRET: [&str; 44] = [
    "countersign.identity.v1.VerifyPasswordRequest",
    "countersign.notifier.v1.CheckVerificationRequest",
    "countersign.notifier.v1.CodeContent",
    "countersign.notifier.v1.DeliverRequest",
    "countersign.notifier.v1.NoticeContent",
    "countersign.notifier.v1.StartVerificationRequest",
    "countersign.storage.v1.AccountRecord",
    "countersign.storage.v1.Approval",
    "countersign.storage.v1.Argon2idHash",
    "countersign.storage.v1.BypassCode",
    "countersign.storage.v1.ChallengeEnding",
    "countersign.storage.v1.CodeHash",
    "countersign.storage.v1.Device",
    "countersign.storage.v1.IdempotencyRecord",
    "countersign.storage.v1.Method",
    "countersign.storage.v1.RecoverySet",
    "countersign.storage.v1.Reset",
    "countersign.storage.v1.RevertRecord",
    "countersign.storage.v1.UnusedCode",
    "countersign.testing.v1.ListMessagesRequest",
    "countersign.testing.v1.Message",
    "countersign.v1.Approved",
    "countersign.v1.Authorization",
    "countersign.v1.BeginEnrollmentResponse",
    "countersign.v1.BeginResetRequest",
    "countersign.v1.CancelResetRequest",
    "countersign.v1.ClientContext",
    "countersign.v1.ConfirmEnrollmentRequest",
    "countersign.v1.ConfirmResetRequest",
    "countersign.v1.EnrollSms",
    "countersign.v1.ExportedEvent",
    "countersign.v1.ExportedMessage",
    "countersign.v1.ExportedMethod",
    "countersign.v1.IssueBypassCodeRequest",
    "countersign.v1.IssueBypassCodeResponse",
    "countersign.v1.Password",
    "countersign.v1.Profile",
    "countersign.v1.RecoveryCodes",
    "countersign.v1.ResetUserRequest",
    "countersign.v1.SignInAllowed",
    "countersign.v1.StepUp",
    "countersign.v1.TotpSetup",
    "countersign.v1.UnlockUserRequest",
    "countersign.v1.VerifyChallengeRequest",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto");
    let out_dir = env::var("OUT_DIR")?;
    let out = Path::new(&out_dir);

    let mut files = Vec::new();
    find(Path::new("proto"), &mut files)?;
    files.sort();

    let mut compiler = protox::Compiler::new(["proto"])?;
    compiler
        .include_imports(true)
        .include_source_info(true)
        .open_files(&files)?;
    fs::write(
        out.join("descriptors.bin"),
        compiler.encode_file_descriptor_set(),
    )?;

    tonic_prost_build::configure()
        .skip_debug(SECRET)
        .emit_rerun_if_changed(false)
        .compile_fds(compiler.file_descriptor_set())?;

    for package in [
        "countersign.v1",
        "countersign.notifier.v1",
        "countersign.identity.v1",
        "countersign.storage.v1",
        "countersign.testing.v1",
    ] {
        let mut redacted = String::new();
        let prefix = format!("{package}.");
        for name in SECRET.iter().filter_map(|name| name.strip_prefix(&prefix)) {
            writeln!(
                redacted,
                "impl ::core::fmt::Debug for {name} {{\n    \
                     fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {{\n        \
                         f.write_str(\"{name}([redacted])\")\n    }}\n}}"
            )?;
        }
        fs::write(out.join(format!("{package}.redacted.rs")), redacted)?;
    }
    Ok(())
}

fn find(folder: &Path, files: &mut Vec<String>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            find(&path, files)?;
        } else if path
            .extension()
            .is_some_and(|extension| extension == "proto")
        {
            let relative = path.strip_prefix("proto")?;
            files.push(relative.to_string_lossy().into_owned());
        }
    }
    Ok(())
}
