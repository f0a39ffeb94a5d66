//! Who may name whom inside the service and its crates: the arrows of `docs/architecture.md`, read off the sources.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// What a module must not name: crates, and modules of ours as `crate::…`.
fn forbidden(module: &str) -> &'static [&'static str] {
    match module {
        "ports" => &[
            "tonic",
            "prost",
            "rusqlite",
            "tokio_postgres",
            "redis",
            "crate::app",
            "crate::store",
            "crate::notify",
            "crate::password_client",
            "crate::outbound",
            "crate::crypto",
            "crate::grpc",
            "crate::config",
            "crate::server",
        ],
        "app" => &[
            "tonic",
            "prost",
            "prost_types",
            "rusqlite",
            "tokio_postgres",
            "redis",
            "rand",
            "figment",
            "std::env",
            "std::fs",
            "SystemTime",
            "Instant",
            "crate::config",
            "crate::store",
            "crate::notify",
            "crate::password_client",
            "crate::outbound",
            "crate::crypto",
            "crate::grpc",
            "countersign_proto",
            "crate::server",
            // Of `system`, the traits alone.
            "SystemClock",
            "SystemEntropy",
            "crate::cli",
        ],
        "grpc" => &[
            "rusqlite",
            "tokio_postgres",
            "redis",
            "figment",
            "crate::store",
            "crate::notify",
            "crate::password_client",
            "crate::outbound",
            "crate::config",
            "crate::crypto",
            "crate::server",
            "crate::cli",
        ],
        "store" => &[
            "tonic",
            "crate::app",
            "crate::grpc",
            "crate::config",
            "crate::notify",
            "crate::password_client",
            "crate::outbound",
            "crate::crypto",
            "countersign_proto::v1",
            "countersign_proto::notifier",
            "countersign_proto::identity",
            "countersign_proto::testing",
            "crate::server",
        ],
        "crypto" => &[
            "tonic",
            "prost",
            "rusqlite",
            "tokio_postgres",
            "redis",
            "crate::app",
            "crate::grpc",
            "crate::config",
            "crate::store",
            "crate::notify",
            "crate::password_client",
            "crate::outbound",
            "crate::server",
        ],
        "notify" => &[
            "rusqlite",
            "tokio_postgres",
            "redis",
            "crate::app",
            "crate::grpc",
            "crate::store",
            "crate::crypto",
            "crate::server",
            "crate::password_client",
        ],
        "password_client" => &[
            "rusqlite",
            "tokio_postgres",
            "redis",
            "crate::app",
            "crate::grpc",
            "crate::store",
            "crate::notify",
            "crate::crypto",
            "crate::server",
        ],
        // Plumbing of clients: it knows nothing of what is asked.
        "outbound" => &[
            "rusqlite",
            "tokio_postgres",
            "redis",
            "crate::app",
            "crate::grpc",
            "crate::store",
            "crate::notify",
            "crate::password_client",
            "crate::crypto",
            "crate::server",
            "countersign_proto",
        ],
        "notifier_check" => &["std::env", "std::fs", "SystemTime", "Instant"],
        // Processes of their own.
        "notifiers" | "password_verifier" => &["std::env", "SystemTime", "std::time::Instant"],
        // It has a section named `redis`, so the crate of that name is looked for by what it is used for.
        "config" => &[
            "tonic",
            "rusqlite",
            "tokio_postgres",
            "redis::aio",
            "redis::Client",
            "deadpool_redis",
            "crate::app",
            "crate::store",
            "crate::notify",
            "crate::password_client",
            "crate::outbound",
            "crate::crypto",
            "crate::server",
        ],
        "transport" => &["prost", "std::env"],
        "domain" => &[
            "tokio",
            "tonic",
            "prost",
            "rusqlite",
            "tokio_postgres",
            "redis",
            "rand",
            "tracing",
            "async_trait",
            "async fn",
            "SystemTime",
            "Instant",
            "std::env",
            "std::fs",
            "std::net::Tcp",
        ],
        _ => &[],
    }
}

/// Crates of processes beside the service: the command line starts them, and nothing else names them.
const SEPARATE_PROCESSES: [&str; 3] = [
    "countersign_notifier_check",
    "countersign_notifiers",
    "countersign_password_verifier",
];

/// The modules of `countersign-transport` that a module may name; any, where nothing is said.
fn allowed_of_transport(module: &str) -> Option<&'static [&'static str]> {
    match module {
        "cli" | "server" | "transport" | "notifiers" | "password_verifier" => None,
        "config" => Some(&["callers", "config", "secret_file"]),
        "crypto" => Some(&["config_error", "system"]),
        "grpc" => Some(&["access_log", "callers", "edge", "status"]),
        "app" | "notify" => Some(&["system"]),
        "store" => Some(&["system", "tls"]),
        "outbound" => Some(&["secret_file", "trace_context"]),
        _ => Some(&[]),
    }
}

/// The modules of `countersign-transport` that a line names, and its module must not.
fn transport_breaches<'a>(module: &str, line: &'a str) -> Vec<&'a str> {
    let Some(allowed) = allowed_of_transport(module) else {
        return Vec::new();
    };
    let named = line.split("countersign_transport::").skip(1);
    let named = named.map(|path| {
        let end = path.find(|c: char| !c.is_alphanumeric() && c != '_');
        &path[..end.unwrap_or(path.len())]
    });
    named
        .filter(|name| !name.is_empty() && !allowed.contains(name))
        .collect()
}

/// The module that a file belongs to.
fn module_of(file: &Path) -> String {
    let inside = file.strip_prefix("src").unwrap();
    let first = inside
        .components()
        .next()
        .unwrap()
        .as_os_str()
        .to_string_lossy()
        .into_owned();
    first.trim_end_matches(".rs").to_owned()
}

pub(crate) fn sources(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let is_test = path.file_stem().is_some_and(|name| name == "tests");
        if path.is_dir() {
            sources(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") && !is_test {
            files.push(path);
        }
    }
}

/// Whether a line of code names something: as a path's beginning, not as part of a longer word.
fn names(line: &str, name: &str) -> bool {
    line.match_indices(name).any(|(place, _)| {
        let before = line[..place].chars().next_back();
        let after = line[place + name.len()..].chars().next();
        let inside =
            |character: Option<char>| character.is_some_and(|c| c.is_alphanumeric() || c == '_');
        let path = name.contains("::")
            || after == Some(':')
            || line[place + name.len()..].starts_with(" as ")
            || name.starts_with(char::is_uppercase)
            || name == "async fn";
        !inside(before) && !inside(after) && path
    })
}

/// Every breach, as `file:line names what`.
fn breaches(code: &BTreeMap<String, Vec<(String, String)>>) -> Vec<String> {
    let mut found = Vec::new();
    for (module, files) in code {
        for (file, text) in files {
            for (number, line) in text.lines().enumerate() {
                let line = line.split("//").next().unwrap_or_default();
                for name in forbidden(module).iter().filter(|name| names(line, name)) {
                    found.push(format!("{file}:{} names {name}", number + 1));
                }
                let beside = SEPARATE_PROCESSES.iter().filter(|_| module != "cli");
                for name in beside.filter(|name| names(line, name)) {
                    found.push(format!("{file}:{} names {name}", number + 1));
                }
                for name in transport_breaches(module, line) {
                    found.push(format!("{file}:{} names {name} of transport", number + 1));
                }
            }
        }
    }
    found
}

#[test]
fn no_layer_names_what_it_must_not_see() {
    let mut files = Vec::new();
    sources(Path::new("src"), &mut files);
    let mut code: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for file in files {
        // Unit tests may use the real thing.
        if file.components().any(|part| part.as_os_str() == "tests") {
            continue;
        }
        let text = flattened(&fs::read_to_string(&file).unwrap());
        code.entry(module_of(&file))
            .or_default()
            .push((file.display().to_string(), text));
    }
    assert!(code.len() >= 10, "{:?}", code.keys());
    assert_eq!(breaches(&code), Vec::<String>::new());
}

/// `use crate::{a, b}` as `crate::a crate::b`, on the same line, so that a grouped import hides nothing.
fn flattened(text: &str) -> String {
    let mut lines = String::new();
    let mut root: Option<&str> = None;
    let mut depth = 0_usize;
    for line in text.lines() {
        lines.push_str(line);
        let trimmed = line.trim_start();
        let begun = root.is_none().then(|| begun_group(trimmed)).flatten();
        let (named, body) = match (begun, root) {
            (Some((named, body)), _) => (named, body),
            (None, Some(named)) => (named, trimmed),
            (None, None) => {
                lines.push('\n');
                continue;
            }
        };
        if begun.is_some() || depth == 1 {
            for part in outer_parts(body) {
                let part = part.trim_matches([' ', '}', ';']);
                let end = part.find(|c: char| !c.is_alphanumeric() && c != '_' && c != ':');
                let path = part[..end.unwrap_or(part.len())].trim_end_matches(':');
                if !path.is_empty() {
                    lines.extend([" ", named, "::", path]);
                }
            }
        }
        depth += line.matches('{').count();
        depth = depth.saturating_sub(line.matches('}').count());
        root = (depth > 0).then_some(named);
        lines.push('\n');
    }
    lines
}

/// The parts of a list, which may be groups themselves.
fn outer_parts(list: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_usize;
    list.split(move |character| {
        match character {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        character == ',' && depth == 0
    })
}

/// The crate that a grouped import is of, and what follows on its line.
fn begun_group(line: &str) -> Option<(&str, &str)> {
    let (_, import) = line.split_once("use ").filter(|(before, _)| {
        before.is_empty() || (before.starts_with("pub") && !before.contains(['/', '"']))
    })?;
    import.split_once("::{")
}

#[test]
fn a_breach_is_found_control() {
    let planted = "
use countersign_notifiers::serve;
use crate::{
    ports::Keys,
    store::memory::MemoryBudgets,
};
use countersign_transport::{
    callers::{CallerRegistry, hash},
    system::{Clock, SystemClock},
};
use countersign_proto::v1 as pb;
fn now() { std::time::SystemTime::now(); }
use tonic::Status;
";
    let code = BTreeMap::from([(
        "app".to_owned(),
        vec![("planted.rs".to_owned(), flattened(planted))],
    )]);
    let found = breaches(&code);
    let expected = [
        "planted.rs:2 names countersign_notifiers",
        "planted.rs:5 names crate::store",
        "planted.rs:8 names callers of transport",
        "planted.rs:9 names SystemClock",
        "planted.rs:11 names countersign_proto",
        "planted.rs:12 names SystemTime",
        "planted.rs:13 names tonic",
    ];
    assert_eq!(found, expected);
}
