//! What we depend on: licences, sources, names that must not come in, duplicates with a reason each.

use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
    sync::OnceLock,
};

/// Licences that a dependency may have, alone or as one side of an `OR`.
const LICENCES: [&str; 14] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "OpenSSL",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Crates that must not come in, each with its reason.
const BANNED: [(&str, &str); 8] = [
    ("openssl", "one TLS provider: rustls with aws-lc-rs"),
    ("openssl-sys", "one TLS provider: rustls with aws-lc-rs"),
    ("native-tls", "one TLS provider: rustls with aws-lc-rs"),
    ("ring", "one crypto provider: aws-lc-rs"),
    ("josekit", "needs OpenSSL"),
    ("phonenumber", "parser panics (RUSTSEC-2024-0369)"),
    ("atty", "unmaintained"),
    (
        "sqlx-core",
        "one driver a database: tokio-postgres and rusqlite",
    ),
];

/// Crates of which two versions are in the program, and who keeps the older one.
const TWICE: &[(&str, &str)] = &[
    ("base64", "tonic, jsonwebtoken and tokio-postgres by 0.22"),
    ("const-oid", "tokio-postgres-rustls 0.14 by x509-cert 0.2"),
    ("fallible-iterator", "tokio-postgres 0.7"),
    ("getrandom", "opentelemetry_sdk 0.33 by rand 0.9"),
    (
        "hashbrown",
        "rlibphonenumber by dashmap 5; rusqlite by hashlink",
    ),
    ("miniz_oxide", "png 0.18"),
    ("rand", "opentelemetry_sdk 0.33"),
    ("rand_core", "opentelemetry_sdk 0.33 by rand 0.9"),
    ("syn", "procedural macros, at build time only"),
    ("thiserror", "rlibphonenumber"),
    ("thiserror-impl", "rlibphonenumber by thiserror 1"),
    ("untrusted", "aws-lc-rs"),
];

/// How many packages of others may be locked. More needs a reason in the commit that raises it.
const MOST_PACKAGES: usize = 428;

/// The version below which a crate has a known hole.
const AT_LEAST: [(&str, &str); 1] = [("h2", "0.4.16")];

fn metadata() -> &'static Value {
    static METADATA: OnceLock<Value> = OnceLock::new();
    METADATA.get_or_init(|| {
        let output = Command::new(env!("CARGO"))
            .args(["metadata", "--format-version", "1", "--locked"])
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_slice(&output.stdout).unwrap()
    })
}

fn packages() -> impl Iterator<Item = &'static Value> {
    metadata()["packages"].as_array().unwrap().iter()
}

fn foreign() -> impl Iterator<Item = &'static Value> {
    packages().filter(|package| !package["source"].is_null())
}

#[test]
fn every_licence_is_one_that_we_take() {
    let refused: Vec<String> = foreign()
        .filter(|package| {
            let licence = package["license"]
                .as_str()
                .unwrap_or_default()
                .replace('/', " OR ");
            let taken = |choice: &str| {
                let all = choice.trim_matches(['(', ')', ' ']).split(" AND ");
                all.into_iter()
                    .all(|part| LICENCES.contains(&part.trim_matches(['(', ')', ' '])))
            };
            !licence.split(" OR ").any(taken)
        })
        .map(|package| format!("{} {}", package["name"], package["license"]))
        .collect();
    assert!(refused.is_empty(), "{refused:?}");
}

#[test]
fn everything_comes_from_the_registry() {
    for package in foreign() {
        let source = package["source"].as_str().unwrap();
        assert!(
            source.starts_with("registry+"),
            "{} comes from {source}",
            package["name"]
        );
    }
}

#[test]
fn nothing_banned_comes_in() {
    for (name, why) in BANNED {
        assert!(
            !built("all").iter().any(|(built, _)| built == name),
            "{name} came in: {why}"
        );
    }
}

#[test]
fn what_had_a_hole_is_newer_than_it() {
    let number = |version: &str| -> Vec<u64> {
        version
            .split('.')
            .map(|part| part.parse().unwrap())
            .collect()
    };
    for (name, least) in AT_LEAST {
        for package in packages().filter(|package| package["name"] == name) {
            let version = package["version"].as_str().unwrap();
            assert!(
                number(version) >= number(least),
                "{name} {version} is older than {least}"
            );
        }
    }
}

#[test]
fn the_tree_stays_lean() {
    let count = foreign().count();
    assert!(count <= MOST_PACKAGES, "{count} packages are locked");
}

#[test]
fn what_is_there_twice_has_a_reason() {
    let mut versions: BTreeMap<String, usize> = BTreeMap::new();
    for (name, _) in built("normal") {
        *versions.entry(name).or_default() += 1;
    }
    versions.retain(|_, count| *count > 1);
    let twice: Vec<String> = versions.into_keys().collect();
    let known: Vec<&str> = TWICE.iter().map(|(name, _)| *name).collect();
    assert_eq!(
        twice, known,
        "a crate came in twice, or a reason is out of date"
    );
}

/// Name and version of all that is built here. `Cargo.lock` also lists what other platforms and features would need.
fn built(edges: &str) -> BTreeSet<(String, String)> {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--workspace", "--locked", "--edges", edges])
        .args(["--prefix", "none", "--format", "{p}"])
        .output()
        .unwrap();
    assert!(
        tree.status.success(),
        "{}",
        String::from_utf8_lossy(&tree.stderr)
    );
    let text = String::from_utf8(tree.stdout).unwrap();
    text.lines()
        .filter_map(|line| {
            let mut words = line.split(' ');
            Some((words.next()?.to_owned(), words.next()?.to_owned()))
        })
        .collect()
}

/// A line of a manifest that names a dependency.
struct DependencyLine {
    file: String,
    section: String,
    before: String,
    line: String,
}

impl DependencyLine {
    fn name(&self) -> &str {
        self.line.split(['.', ' ']).next().unwrap()
    }

    /// Whether it says which version is wanted, for every crate that names it.
    fn is_declaration(&self) -> bool {
        self.section == "[workspace.dependencies]"
    }
}

/// What the manifests of our own crates name.
fn dependency_lines() -> Vec<DependencyLine> {
    let own = packages().filter(|package| package["source"].is_null());
    let mut found = Vec::new();
    for package in own {
        let file = package["manifest_path"].as_str().unwrap();
        let (mut section, mut before) = ("", "");
        let text = std::fs::read_to_string(file).unwrap();
        for line in text.lines() {
            if line.starts_with('[') {
                section = line;
            } else if section.ends_with("dependencies]")
                && !line.is_empty()
                && !line.starts_with('#')
            {
                found.push(DependencyLine {
                    file: file.to_owned(),
                    section: section.to_owned(),
                    before: before.to_owned(),
                    line: line.to_owned(),
                });
            }
            before = line;
        }
    }
    found
}

#[test]
fn every_direct_dependency_says_why_it_is_there() {
    let (declared, used): (Vec<_>, Vec<_>) = dependency_lines()
        .into_iter()
        .partition(DependencyLine::is_declaration);
    assert!(declared.len() > 60, "{}", declared.len());
    for DependencyLine { before, line, .. } in &declared {
        assert!(before.starts_with('#'), "Cargo.toml: why `{line}`?");
    }
    for dependency in &used {
        let DependencyLine { file, line, .. } = dependency;
        assert!(
            line.contains("workspace = true"),
            "{file}: `{line}` has a version of its own"
        );
    }
    let used: BTreeSet<&str> = used.iter().map(DependencyLine::name).collect();
    let declared: BTreeSet<&str> = declared.iter().map(DependencyLine::name).collect();
    assert_eq!(declared, used, "no crate names what Cargo.toml declares");
}

/// The products that benchmarks measure beside the service.
mod peers {
    use super::Value;

    fn read(file: &str) -> String {
        std::fs::read_to_string(format!("benches/peers/{file}")).unwrap()
    }

    fn is_exact(version: &str) -> bool {
        let mut parts = version.split('.');
        parts.all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
    }

    #[test]
    fn npm_packages_have_exact_versions_and_digests_and_no_address() {
        let manifest: Value = serde_json::from_str(&read("better-auth/package.json")).unwrap();
        for (name, version) in manifest["dependencies"].as_object().unwrap() {
            assert!(is_exact(version.as_str().unwrap()), "{name}: {version}");
        }
        let lock: Value = serde_json::from_str(&read("better-auth/package-lock.json")).unwrap();
        let packages = lock["packages"].as_object().unwrap();
        let packages: Vec<_> = packages
            .iter()
            .filter(|(name, _)| !name.is_empty())
            .collect();
        assert!(!packages.is_empty());
        for (name, package) in packages {
            assert!(package["integrity"].is_string(), "{name}");
            assert!(package["resolved"].is_null(), "{name}: {package}");
        }
    }

    #[test]
    fn python_packages_have_exact_versions_and_digests_and_no_address() {
        let requirements = read("django-otp/requirements.txt");
        let without_comments = |line: &&str| !line.trim_start().starts_with('#');
        let lines: Vec<&str> = requirements.lines().filter(without_comments).collect();
        // A requirement goes on over the lines that end with a backslash.
        let joined = lines.join("\n").replace("\\\n", "");
        let joined: Vec<&str> = joined.lines().collect();
        assert!(!joined.is_empty());
        for requirement in joined {
            let mut words = requirement.split_whitespace();
            let (_, version) = words.next().unwrap().split_once("==").unwrap();
            assert!(is_exact(version), "{requirement}");
            assert_ne!(words.clone().count(), 0, "{requirement}");
            assert!(
                words.all(|word| word.starts_with("--hash=sha256:")),
                "{requirement}"
            );
        }
    }

    #[test]
    fn scripts_name_no_registry() {
        for peer in ["keycloak", "better-auth", "django-otp"] {
            let script = read(&format!("{peer}/install.sh"));
            for word in [
                "://",
                "--index",
                "--find-links",
                "--registry",
                "-DremoteRep",
            ] {
                assert!(!script.contains(word), "{peer}: {word}");
            }
        }
        let script = read("keycloak/install.sh");
        let version = script
            .lines()
            .find_map(|line| line.strip_prefix("version="));
        assert!(is_exact(version.unwrap()), "{version:?}");
    }
}
