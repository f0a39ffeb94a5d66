//! README's commands do what README says that they do.
//!
//! In a section, each `sh` block is run by one shell after the other blocks; a `json` or `text` block shows what the
//! block before it prints, where `…` stands for anything.

mod clients;

use crate::{
    support::{
        processes::{Process, run},
        stores::{new_schema, setting},
        until,
    },
    tools::{printed, text},
};
use serde_json::Value;
use std::{
    env,
    fmt::Write as _,
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;

/// The address of README's service.
const ADDRESS: &str = "127.0.0.1:50051";

/// A fenced block of README.
struct Block {
    language: String,
    text: String,
}

/// The blocks of one section of README.
fn section(heading: &str) -> Vec<Block> {
    section_of("README.md", heading)
}

fn section_of(document: &str, heading: &str) -> Vec<Block> {
    let readme = fs::read_to_string(document).unwrap();
    let heading = format!("\n## {heading}\n");
    let (_, rest) = readme
        .split_once(&heading)
        .unwrap_or_else(|| panic!("{document} has no section {heading}"));
    blocks(rest.split("\n## ").next().unwrap())
}

fn blocks(text: &str) -> Vec<Block> {
    let blocks = text.split("\n```").skip(1).step_by(2).map(|fenced| {
        let (language, text) = fenced.split_once('\n').unwrap();
        Block {
            language: language.to_owned(),
            text: text.to_owned(),
        }
    });
    blocks.collect()
}

/// A folder in which README's commands are run.
struct Shell {
    folder: TempDir,
    /// What README says, and what it is here.
    here: Vec<(String, String)>,
}

impl Shell {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        symlink(
            Path::new("proto").canonicalize().unwrap(),
            folder.path().join("proto"),
        )
        .unwrap();
        Self {
            folder,
            here: Vec::new(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What README says, as it is here.
    #[track_caller]
    fn replace(&mut self, said: &str, here: &str) {
        self.here.push((said.to_owned(), here.to_owned()));
    }

    fn here(&self, text: &str) -> String {
        let replaced = |text: String, (said, here): &(String, String)| text.replace(said, here);
        self.here.iter().fold(text.to_owned(), replaced)
    }

    /// Runs the `sh` blocks, compares what they print with the blocks after them, and gives what they said on stderr.
    fn run(&self, blocks: &[Block]) -> String {
        let mut script = "set -euo pipefail\n".to_owned();
        for (place, block) in blocks.iter().enumerate() {
            if block.language == "sh" {
                writeln!(script, "{{\n{}\n}} > {place}.out", self.here(&block.text)).unwrap();
            }
        }
        let ran = Command::new("bash")
            .args(["-c", &script])
            .current_dir(&self.folder)
            .env_clear()
            .env("PATH", path())
            .output()
            .unwrap();
        printed(&ran);
        for (place, shown) in blocks.iter().enumerate() {
            let Some(command) = place.checked_sub(1).filter(|_| shown.language != "sh") else {
                continue;
            };
            let said = fs::read_to_string(self.path(&format!("{command}.out"))).unwrap();
            let expected = self.here(&shown.text);
            assert!(
                is_shown(&shown.language, &expected, &said),
                "README shows\n{expected}\nbut\n{}\nprints\n{said}",
                blocks[command].text
            );
        }
        String::from_utf8(ran.stderr).unwrap()
    }
}

/// Where the tools are, Python with what guides import, and the binary.
#[expect(
    clippy::disallowed_methods,
    reason = "the shell finds its programs as the tests do"
)]
fn path() -> String {
    let tools = Path::new("target/tools/bin").canonicalize();
    let tools = tools.expect("run tests/install-tools.sh");
    let python = Path::new("target/tools/python/bin").canonicalize();
    let python = python.expect("run tests/install-tools.sh");
    let binary = Path::new(env!("CARGO_BIN_EXE_countersign"));
    let system = env::var("PATH").unwrap();
    format!(
        "{}:{}:{}:{system}",
        text(&tools),
        text(&python),
        text(binary.parent().unwrap())
    )
}

fn is_shown(language: &str, expected: &str, said: &str) -> bool {
    match language {
        "json" => matches_json(
            &serde_json::from_str(expected).expect("README's JSON is JSON"),
            &serde_json::from_str(said).unwrap_or_else(|_| panic!("it is not JSON: {said}")),
        ),
        _ => matches_text(expected.trim(), said.trim()),
    }
}

/// The same fields with the same values; `…` in a text stands for anything, `"…"` at the end of a list for further ones.
fn matches_json(expected: &Value, actual: &Value) -> bool {
    match (expected, actual) {
        (Value::Object(expected), Value::Object(actual)) => {
            expected.len() == actual.len()
                && expected.iter().all(|(name, value)| {
                    actual
                        .get(name)
                        .is_some_and(|actual| matches_json(value, actual))
                })
        }
        (Value::Array(expected), Value::Array(actual)) => {
            let open = expected.last().is_some_and(|last| last == "…");
            let shown = expected.len() - usize::from(open);
            (if open {
                actual.len() > shown
            } else {
                actual.len() == shown
            }) && expected[..shown]
                .iter()
                .zip(actual)
                .all(|(expected, actual)| matches_json(expected, actual))
        }
        (Value::String(expected), Value::String(actual)) => matches_text(expected, actual),
        _ => expected == actual,
    }
}

/// `…` stands for anything.
fn matches_text(expected: &str, actual: &str) -> bool {
    let Some((head, tail)) = expected.split_once('…') else {
        return expected == actual;
    };
    let Some(rest) = actual.strip_prefix(head) else {
        return false;
    };
    rest.char_indices()
        .map(|(place, _)| place)
        .chain([rest.len()])
        .any(|place| matches_text(tail, &rest[place..]))
}

#[test]
fn the_readme_transcript_runs() {
    let blocks = section("A minute to the first verified code");
    let is_start = |block: &Block| block.text.trim() == "cargo run --release -- dev";
    let (start, rest) = blocks.split_first().unwrap();
    assert!(is_start(start), "it begins by starting the service");
    let dev = Process::start(&["dev", "--listen", "127.0.0.1:0"]);
    let mut shell = Shell::new();
    shell.replace(ADDRESS, &dev.address);
    let (greeting, rest) = rest.split_first().unwrap();
    assert!(is_shown("text", &shell.here(&greeting.text), &dev.said()));
    shell.run(rest);
}

/// A guide whose commands are run against `countersign dev`, from its first block to its last.
fn guide_runs(guide: &str) {
    let guide = fs::read_to_string(guide).unwrap();
    let dev = Process::start(&["dev", "--listen", "127.0.0.1:0"]);
    let mut shell = Shell::new();
    shell.replace(ADDRESS, &dev.address);
    shell.run(&blocks(&guide));
}

#[test]
fn the_guide_that_integrates_sign_in_runs() {
    guide_runs("docs/guides/integrate-sign-in.md");
}

#[test]
fn the_guide_that_checks_an_assertion_runs() {
    guide_runs("docs/guides/check-an-assertion.md");
}

#[test]
fn the_guide_that_enforces_two_factor_runs() {
    guide_runs("docs/guides/enforce-2fa-for-a-company.md");
}

#[test]
fn the_guide_of_trusted_devices_runs() {
    guide_runs("docs/guides/trusted-devices.md");
}

#[test]
fn the_guide_for_a_lost_phone_runs() {
    guide_runs("docs/guides/lost-phone.md");
}

#[test]
fn the_guide_that_switches_sms_to_email_runs() {
    guide_runs("docs/guides/switch-sms-to-email.md");
}

#[test]
fn the_readme_runs_for_production() {
    let blocks = section("Production");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut shell = Shell::new();
    shell.replace(
        "postgres://countersign@127.0.0.1:5432/countersign",
        &runtime.block_on(new_schema()),
    );
    shell.replace("redis://127.0.0.1:6379", &setting("TEST_COUNTERSIGN_REDIS"));
    let keys = shell.path("keys.toml");
    shell.replace("\"keys.toml\"", &format!("{keys:?}"));

    let file = blocks.iter().find(|block| block.language == "toml");
    let file = shell.here(&file.expect("it shows a configuration").text);
    fs::write(shell.path("countersign.toml"), file).unwrap();
    let blocks: Vec<Block> = blocks
        .into_iter()
        .filter(|block| block.language != "toml")
        .collect();
    let start = blocks
        .iter()
        .position(|block| block.text.trim() == "countersign serve --config countersign.toml")
        .expect("it starts the service");

    let said = shell.run(&blocks[..start]);
    let token = said.lines().find(|line| line.starts_with("cs_"));
    shell.replace("cs_…", token.expect("`callers add` shows a token"));
    let config = shell.path("countersign.toml");
    let serve = Process::start(&[
        "serve",
        "--config",
        text(&config),
        "--listen",
        "127.0.0.1:0",
    ]);
    shell.replace(ADDRESS, &serve.address);
    let probe = async || run(&["healthcheck", &serve.url()]).status.success();
    runtime.block_on(until(probe, |is_serving| *is_serving));
    shell.run(&blocks[start + 1..]);
}

/// Blocks that start the file verifier, and `countersign dev` with the configuration that they show, are run against them.
fn runs_with_passwords(document: &str, blocks: Vec<Block>) {
    let file = blocks.iter().find(|block| block.language == "toml");
    let file = file.expect("it shows a configuration").text.clone();
    let others = blocks.into_iter().filter(|block| block.language != "toml");
    let blocks: Vec<Block> = others.collect();
    let starts = |command: &str| {
        let start = blocks.iter().position(|block| block.text.trim() == command);
        start.unwrap_or_else(|| panic!("{document} does not show {command}"))
    };
    let verifier = starts("countersign identity file --users users --config verifier.toml");
    let dev = starts("countersign dev --config dev.toml");
    assert_eq!(dev, verifier + 1);

    let mut shell = Shell::new();
    shell.run(&blocks[..verifier]);
    let [users, config, token, dev_file] =
        ["users", "verifier.toml", "identity-token", "dev.toml"].map(|name| shell.path(name));
    let (users, config) = (text(&users), text(&config));
    let anywhere = ["--listen", "127.0.0.1:0"];
    let file_verifier = ["identity", "file", "--users", users, "--config", config];
    let verifier = Process::start(&[&file_verifier[..], &anywhere].concat());
    shell.replace("127.0.0.1:50071", &verifier.address);
    shell.replace("\"identity-token\"", &format!("\"{}\"", token.display()));
    fs::write(&dev_file, shell.here(&file)).unwrap();
    let start = ["dev", "--config", text(&dev_file)];
    let service = Process::start(&[&start[..], &anywhere].concat());
    shell.replace(ADDRESS, &service.address);
    shell.run(&blocks[dev + 1..]);
}

#[test]
fn the_guide_to_passwords_runs() {
    let guide = "docs/guides/bring-your-own-password-check.md";
    runs_with_passwords(guide, section_of(guide, "Try it with a file of passwords"));
}

#[test]
fn the_help_pages_are_played_line_by_line() {
    let pages = "docs/help-pages.md";
    runs_with_passwords(pages, blocks(&fs::read_to_string(pages).unwrap()));
}

#[test]
fn a_shown_answer_that_differs_is_caught_control() {
    let differs = |expected: &str, actual: &str| !is_shown("json", expected, actual);
    assert!(!differs(
        r#"{"a": "x…z", "b": ["1", "…"]}"#,
        r#"{"b":["1","2"],"a":"xyz"}"#
    ));
    assert!(differs(r#"{"a": "x…z"}"#, r#"{"a":"xy"}"#));
    assert!(differs(r#"{"a": "…"}"#, r#"{"a":"x","b":1}"#));
    assert!(differs(r#"{"a": "…", "b": 1}"#, r#"{"a":"x"}"#));
    assert!(differs(r#"{"b": ["1", "…"]}"#, r#"{"b":["1"]}"#));
    assert!(differs(r#"{"b": ["1"]}"#, r#"{"b":["1","2"]}"#));
    assert!(is_shown("text", "made … it", "made in\nor by it"));
    assert!(!is_shown("text", "made … it", "made of them"));
}
