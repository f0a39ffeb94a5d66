//! Which crates ours depend on. The compiler holds what follows: what a manifest does not name, no source can.

use std::{collections::BTreeSet, fs};

/// What the manifest of each crate beside the service may name in `[dependencies]`.
const ALLOWED_DEPENDENCIES: [(&str, &str); 6] = [
    (
        "src/domain",
        "argon2 data-encoding email_address hmac icu_locale_core icu_normalizer icu_properties idna rlibphonenumber serde sha1 sha2 subtle thiserror \
         totp-rs unic-langid zeroize",
    ),
    ("src/proto", "prost prost-types tonic tonic-prost"),
    (
        "src/transport",
        "countersign-domain countersign-proto data-encoding figment futures-util http opentelemetry opentelemetry_sdk rand \
         rustls schemars serde serde_json sha2 thiserror tokio tokio-rustls tokio-stream tokio-util toml_edit tonic \
         tonic-types tower tracing tracing-subscriber url zeroize",
    ),
    (
        "src/notifiers",
        "countersign-domain countersign-proto countersign-transport data-encoding deadpool http hyper hyper-util lettre \
         prometheus-client prost refinery reqwest rusqlite rustls schemars serde serde_json sha2 thiserror tokio \
         tokio-stream tokio-util tonic tonic-types tracing url zeroize",
    ),
    (
        "src/notifier_check",
        "countersign-proto futures-util hyper-util prost prost-types serde_json thiserror tokio tokio-stream tonic \
         tonic-reflection tower",
    ),
    (
        "src/password_verifier",
        "countersign-domain countersign-proto countersign-transport data-encoding futures-util rustls schemars serde \
         thiserror tokio tokio-stream tokio-util tonic tonic-types tracing zeroize",
    ),
];

/// What the service must not name: other processes alone need it, or `transport` has the one place that does.
const FORBIDDEN_TO_THE_SERVICE: [&str; 10] = [
    "deadpool",
    "hyper",
    "hyper-util",
    "lettre",
    "opentelemetry_sdk",
    "prometheus-client",
    "rand",
    "reqwest",
    "tokio-rustls",
    "tracing-subscriber",
];

/// What a manifest names in `[dependencies]`.
fn dependencies_of(manifest: &str) -> BTreeSet<&str> {
    let headers = manifest.lines().filter(|line| line.starts_with('['));
    let mut headers = headers.filter(|header| header.contains("dependencies"));
    let known = [
        "[dependencies]",
        "[dev-dependencies]",
        "[build-dependencies]",
        "[workspace.dependencies]",
    ];
    // One in a section of its own, or of one platform, would not be seen below.
    assert!(headers.all(|header| known.contains(&header)), "{manifest}");
    let section = manifest.split("\n[dependencies]\n").nth(1).unwrap();
    let section = section.split("\n[").next().unwrap();
    let named = section
        .lines()
        .filter_map(|line| line.split(['.', ' ']).next());
    named
        .filter(|name| !name.is_empty() && *name != "#")
        .collect()
}

#[test]
fn each_crate_depends_on_what_it_may_and_nothing_else() {
    for (folder, allowed) in ALLOWED_DEPENDENCIES {
        let manifest = fs::read_to_string(format!("{folder}/Cargo.toml")).unwrap();
        let allowed: BTreeSet<&str> = allowed.split(' ').collect();
        assert_eq!(dependencies_of(&manifest), allowed, "{folder}");
    }
    let manifest = fs::read_to_string("Cargo.toml").unwrap();
    let named = dependencies_of(&manifest);
    assert!(named.contains("countersign-notifiers"), "{named:?}");
    let forbidden = BTreeSet::from(FORBIDDEN_TO_THE_SERVICE);
    assert_eq!(named.intersection(&forbidden).count(), 0, "{named:?}");
}

#[test]
fn every_crate_of_the_workspace_is_looked_at() {
    let manifest = fs::read_to_string("Cargo.toml").unwrap();
    for (folder, _) in ALLOWED_DEPENDENCIES {
        assert!(manifest.contains(&format!("\"{folder}\"")), "{folder}");
    }
    let members = manifest.lines().find(|line| line.starts_with("members = "));
    let members = members.unwrap().matches("\"src/").count();
    assert_eq!(members, ALLOWED_DEPENDENCIES.len());
}
