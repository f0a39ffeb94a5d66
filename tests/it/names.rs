//! Names: one type name stands for one thing, and words that only this project used do not come back.

use crate::layers::sources;
use std::{collections::BTreeMap, fs, path::Path};

/// Names that are always used qualified.
const CONVENTIONAL: [&str; 1] = ["Error"];

/// Words of names that had a meaning here only, and what is said instead.
const RETIRED: [(&str, &str); 38] = [
    ("alarm", "alert"),
    ("alarms", "alerts"),
    ("anew", "again"),
    ("announcer", "alert dispatcher"),
    ("bears", "allowed attempts"),
    ("bells", "wakeup"),
    ("breath", "retry delay"),
    ("desk", "dispatcher"),
    ("fate", "simulated state"),
    ("glance", "projection"),
    ("glances", "projections"),
    ("hastily", "concurrently"),
    ("hindrance", "ineligibility"),
    ("judgement", "judgment"),
    ("ledger", "idempotency store"),
    ("lest", "so that no"),
    ("manner", "behavior"),
    ("mend", "fix"),
    ("news", "change notice"),
    ("nobodys", "dummy"),
    ("patience", "timeout"),
    ("reverting", "revert plan"),
    ("ruling", "verdict"),
    ("rulings", "verdicts"),
    ("sealer", "audit chain worker"),
    ("settle", "record verdict"),
    ("settled", "recorded verdict"),
    ("settlement", "verdict request"),
    ("settlements", "verdict requests"),
    ("standing", "snapshot, status"),
    ("sweep", "purge"),
    ("swept", "purged"),
    ("tally", "counts"),
    ("thereof", "of it"),
    ("vault", "sealing"),
    ("warrant", "enrollment authorization"),
    ("whence", "client description"),
    ("whoever", "users who"),
];

/// The text without comments and strings.
fn code_of(text: &str) -> String {
    let mut code = String::new();
    let mut rest = text;
    while let Some(place) = rest.find(['"', '/', '\'']) {
        code.push_str(&rest[..place]);
        rest = &rest[place..];
        if rest.starts_with("'\"'") {
            rest = &rest[3..];
        } else if rest.starts_with('\'') {
            rest = &rest[1..];
        } else if rest.starts_with("//") {
            let end = rest.find('\n').unwrap_or(rest.len());
            rest = &rest[end..];
        } else if rest.starts_with('/') {
            rest = &rest[1..];
        } else {
            rest = after_string(rest);
        }
    }
    code.push_str(rest);
    code
}

/// What comes behind the string that `text` begins with.
fn after_string(text: &str) -> &str {
    let mut escaped = false;
    for (place, character) in text.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return &text[place + 1..],
            _ => {}
        }
    }
    ""
}

/// The type that a line defines. Associated types are indented and begin with `type`.
fn type_of(line: &str) -> Option<&str> {
    let trimmed = line.trim_start();
    let item = match trimmed.strip_prefix("pub") {
        Some(rest) if rest.starts_with('(') => rest.split_once(") ")?.1,
        Some(rest) => rest.trim_start(),
        None => trimmed,
    };
    let (keyword, name) = item.split_once(' ')?;
    let is_type = match keyword {
        "struct" | "enum" | "trait" | "union" => true,
        "type" => trimmed.len() == line.len(),
        _ => false,
    };
    let end = name
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(name.len());
    let is_name = name.starts_with(char::is_uppercase);
    (is_type && is_name).then(|| &name[..end])
}

/// The words of a name: `RateLimit` and `rate_limit` have two.
fn words_of(name: &str) -> Vec<String> {
    let mut words: Vec<String> = vec![String::new()];
    for character in name.chars() {
        let is_border = character == '_' || character.is_uppercase();
        if is_border && words.last().is_some_and(|word| !word.is_empty()) {
            words.push(String::new());
        }
        if character != '_' {
            words.last_mut().unwrap().extend(character.to_lowercase());
        }
    }
    words
}

fn sources_of(folders: &[&str]) -> BTreeMap<String, String> {
    let mut files = Vec::new();
    for folder in folders {
        sources(Path::new(folder), &mut files);
    }
    let read = |path: &std::path::PathBuf| code_of(&fs::read_to_string(path).unwrap());
    files
        .iter()
        .map(|path| (path.display().to_string(), read(path)))
        .collect()
}

/// Names that more than one type has, with their files.
fn doubled(files: &BTreeMap<String, String>) -> BTreeMap<&str, Vec<&str>> {
    let mut types: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (file, code) in files {
        for name in code.lines().filter_map(type_of) {
            types.entry(name).or_default().push(file);
        }
    }
    types.retain(|name, files| files.len() > 1 && !CONVENTIONAL.contains(name));
    types
}

/// Names with a retired word in them, with their files.
fn retired(files: &BTreeMap<String, String>) -> Vec<String> {
    let mut found = Vec::new();
    for (file, code) in files {
        let names = code.split(|c: char| !c.is_alphanumeric() && c != '_');
        for name in names.filter(|name| !name.is_empty()) {
            for word in words_of(name) {
                if let Some((_, instead)) = RETIRED.iter().find(|(old, _)| *old == word) {
                    found.push(format!("{file}: {name}: say {instead}"));
                }
            }
        }
    }
    found.sort();
    found.dedup();
    found
}

#[test]
fn a_type_name_stands_for_one_thing() {
    let files = sources_of(&["src", "tests", "benches", "examples"]);
    assert!(files.len() > 500, "{}", files.len());
    assert_eq!(doubled(&files), BTreeMap::new());
}

#[test]
fn a_type_name_that_stands_for_two_things_is_found_control() {
    let file = |text: &str| code_of(text);
    let files = BTreeMap::from([
        (
            "one.rs".to_owned(),
            file("pub(crate) struct Twice;\n// struct Comment;\n"),
        ),
        (
            "two.rs".to_owned(),
            file(
                "enum Twice {}\nconst TEXT: &str = \"struct Once\";\nimpl A {\n    type Once = u8;\n}\nstruct Once;\n",
            ),
        ),
    ]);
    let expected = BTreeMap::from([("Twice", vec!["one.rs", "two.rs"])]);
    assert_eq!(doubled(&files), expected);
}

#[test]
fn no_name_has_a_retired_word() {
    let files = sources_of(&["src", "tests", "benches"]);
    assert_eq!(retired(&files), Vec::<String>::new());
}

#[test]
fn a_retired_word_is_found_control() {
    let code = code_of("fn settle_it(from: WhenceItCame) {} // desk\n");
    let files = BTreeMap::from([("one.rs".to_owned(), code)]);
    let found = retired(&files);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].contains("WhenceItCame"), "{found:?}");
}
