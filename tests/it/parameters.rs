//! No function takes a tuple: a tuple parameter is a missing type or a missing argument.

use crate::layers::sources;
use std::{collections::BTreeMap, fs, path::Path};

/// The functions of a source that take a tuple, by name.
fn functions_with_tuples(text: &str) -> Vec<String> {
    let code = without_comments(text);
    let mut found = Vec::new();
    for (place, _) in code.match_indices("fn ") {
        let before = code[..place].chars().next_back();
        if before.is_some_and(|character| character.is_alphanumeric() || character == '_') {
            continue;
        }
        let declared = &code[place + "fn ".len()..];
        let name: String = declared
            .chars()
            .take_while(|character| character.is_alphanumeric() || *character == '_')
            .collect();
        let parameters = parameters(&declared[name.len()..]);
        if !name.is_empty() && parameters.iter().any(|parameter| is_tuple(parameter)) {
            found.push(name);
        }
    }
    found
}

fn without_comments(text: &str) -> String {
    let lines = text.lines().map(|line| match line.split_once("//") {
        Some((code, _)) => code,
        None => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The parameters behind a function's name, each as it is written.
fn parameters(declared: &str) -> Vec<String> {
    let Some(listed) = without_generics(declared).strip_prefix('(') else {
        return Vec::new();
    };
    let (mut parameters, mut current, mut depth) = (Vec::new(), String::new(), 0_usize);
    let mut previous = ' ';
    for character in listed.chars() {
        let closes_angle = character == '>' && previous != '-' && previous != '=';
        match character {
            '(' | '[' | '{' | '<' => depth += 1,
            ')' | ']' | '}' if depth > 0 => depth -= 1,
            ')' => break,
            '>' if closes_angle => depth = depth.saturating_sub(1),
            _ => {}
        }
        if character == ',' && depth == 0 {
            parameters.push(std::mem::take(&mut current));
        } else {
            current.push(character);
        }
        previous = character;
    }
    parameters.push(current);
    parameters
}

fn without_generics(declared: &str) -> &str {
    if !declared.starts_with('<') {
        return declared;
    }
    let (mut depth, mut previous) = (0_usize, ' ');
    for (place, character) in declared.char_indices() {
        match character {
            '<' => depth += 1,
            '>' if previous != '-' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return &declared[place + 1..];
        }
        previous = character;
    }
    declared
}

/// Whether a parameter is a tuple, by its pattern or by its type.
fn is_tuple(parameter: &str) -> bool {
    let parameter = parameter.trim();
    let is_pattern = parameter.starts_with('(');
    let of_type = parameter.split_once(':').is_some_and(|(_, of_type)| {
        let of_type = of_type.trim_start().trim_start_matches('&').trim_start();
        of_type.starts_with('(') && of_type.contains(',')
    });
    is_pattern || of_type
}

/// How many functions of each source take a tuple.
fn counted() -> BTreeMap<String, usize> {
    let mut files = Vec::new();
    sources(Path::new("src"), &mut files);
    let mut counted = BTreeMap::new();
    for file in files {
        if file.components().any(|part| part.as_os_str() == "tests") {
            continue;
        }
        let count = functions_with_tuples(&fs::read_to_string(&file).unwrap()).len();
        if count > 0 {
            counted.insert(file.display().to_string(), count);
        }
    }
    counted
}

#[test]
fn no_function_takes_a_tuple() {
    let found = counted();
    assert!(
        found.is_empty(),
        "give these a type or arguments: {found:?}"
    );
}

#[test]
fn a_tuple_is_found_control() {
    let planted = "
        fn pattern(&self, (a, b): (A, B)) {}
        pub(super) async fn of_type<T: Fn(u8) -> u8>(\n    first: u8, // (a, b): of nothing\n    pair: &(A, B),\n) -> (A, B) {}
        fn innocent(map: HashMap<(A, B), C>, call: impl Fn(A) -> (A, B), name: Option<(A, B)>) -> (A, B) {}
        fn unit(nothing: ()) {}
    ";
    assert_eq!(functions_with_tuples(planted), ["pattern", "of_type"]);
}
