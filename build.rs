//! Generates the gRPC code from `proto/`, without a system `protoc`. It is the build script of `src/proto`, in which it runs.

#![expect(
    clippy::disallowed_methods,
    reason = "cargo tells a build script where to write by an environment variable"
)]

use protox::prost_reflect::{DescriptorPool, FieldDescriptor};
use std::{env, error::Error, fmt::Write, fs, path::Path};

/// Where the proto files are, seen from `src/proto`.
const PROTO_ROOT: &str = "../../proto";

/// The packages that Rust code is generated for.
const PACKAGES: [&str; 5] = [
    "countersign.v1",
    "countersign.notifier.v1",
    "countersign.identity.v1",
    "countersign.storage.v1",
    "countersign.testing.v1",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={PROTO_ROOT}");
    let out_dir = env::var("OUT_DIR")?;
    let out = Path::new(&out_dir);

    let mut files = Vec::new();
    find(Path::new(PROTO_ROOT), &mut files)?;
    files.sort();

    let mut compiler = protox::Compiler::new([PROTO_ROOT])?;
    compiler
        .include_imports(true)
        .include_source_info(true)
        .open_files(&files)?;
    fs::write(
        out.join("descriptors.bin"),
        compiler.encode_file_descriptor_set(),
    )?;

    let redacted = redacted_messages(&compiler.descriptor_pool());
    let mut ours = compiler.file_descriptor_set();
    ours.file.retain(|file| !is_only_described(file.package()));
    tonic_prost_build::configure()
        .skip_debug(&redacted)
        .emit_rerun_if_changed(false)
        .compile_fds(ours)?;
    fs::write(out.join("redacted.rs"), format!("{redacted:?}"))?;
    for package in PACKAGES {
        write_redacted_debug(out, package, &redacted)?;
    }
    Ok(())
}

/// Whether a package is in the descriptors for clients only: no Rust code is generated for it.
fn is_only_described(package: &str) -> bool {
    ["google.api", "google.rpc"].contains(&package)
}

/// The messages that have a field with `debug_redact`: a secret, a number, an address or a token.
fn redacted_messages(pool: &DescriptorPool) -> Vec<String> {
    let mut names: Vec<String> = pool
        .all_messages()
        .filter(|message| message.package_name().starts_with("countersign."))
        .filter(|message| message.fields().any(|field| is_redacted(&field)))
        .map(|message| message.full_name().to_owned())
        .collect();
    names.sort();
    names
}

fn is_redacted(field: &FieldDescriptor) -> bool {
    let options = field.options();
    let option = options.get_field_by_name("debug_redact");
    option.is_some_and(|value| value.as_bool() == Some(true))
}

/// Writes the `Debug` of a package's redacted messages, which are not derived.
fn write_redacted_debug(
    out: &Path,
    package: &str,
    redacted: &[String],
) -> Result<(), Box<dyn Error>> {
    let prefix = format!("{package}.");
    let mut code = String::new();
    for name in redacted
        .iter()
        .filter_map(|name| name.strip_prefix(&prefix))
    {
        writeln!(
            code,
            "impl ::core::fmt::Debug for {name} {{\n    \
                 fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {{\n        \
                     f.write_str(\"{name}([redacted])\")\n    }}\n}}"
        )?;
    }
    fs::write(out.join(format!("{package}.redacted.rs")), code)?;
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
            let relative = path.strip_prefix(PROTO_ROOT)?;
            files.push(relative.to_string_lossy().into_owned());
        }
    }
    Ok(())
}
