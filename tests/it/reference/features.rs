//! Each feature that README lists has a story, and each row of the features has stories.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// The rows: methods and sign-in, set-up and change, recovery, policy, trusted devices.
fn rows() -> impl Iterator<Item = String> {
    let numbers = [1..=18, 20..=25, 30..=33, 40..=44];
    let numbers = numbers.into_iter().flatten();
    numbers.map(|number: u8| format!("S{number:02}"))
}

/// A story as README names it.
struct Link {
    row: String,
    story: String,
    file: String,
}

/// The stories that a list of features links to.
fn links(list: &str) -> Vec<Link> {
    let features = list.lines().filter(|line| line.starts_with("| S"));
    let links = features.flat_map(|line| {
        let row = line[2..5].to_owned();
        line.split("[`").skip(1).map(move |link| {
            let (story, rest) = link.split_once("`](").unwrap();
            let (file, _) = rest.split_once(')').unwrap();
            Link {
                row: row.clone(),
                story: story.to_owned(),
                file: file.to_owned(),
            }
        })
    });
    links.collect()
}

/// A test from its name to the one after it.
fn test_of<'text>(source: &'text str, name: &str) -> Option<&'text str> {
    let (_, rest) = source.split_once(&format!("fn {name}()"))?;
    rest.split("#[test]").next()
}

fn listed() -> String {
    let readme = fs::read_to_string("README.md").unwrap();
    let (_, rest) = readme.split_once("\n## What it does\n").unwrap();
    rest.split("\n## ").next().unwrap().to_owned()
}

/// What is wrong with a list of features.
fn faults(list: &str) -> Vec<String> {
    let links = links(list);
    let mut faults = Vec::new();
    for row in rows() {
        if !links.iter().any(|link| link.row == row) {
            faults.push(format!("{row} has no story"));
        }
    }
    for Link { row, story, file } in &links {
        if !rows().any(|known| known == *row) {
            faults.push(format!("{row} is no row"));
        }
        if !story.starts_with(&format!("{}_", row.to_lowercase())) {
            faults.push(format!("{story} is no story of {row}"));
        }
        let source = fs::read_to_string(file).unwrap_or_default();
        let Some(test) = test_of(&source, story) else {
            faults.push(format!("{file} has no {story}"));
            continue;
        };
        if test.contains("on_embedded(") || test.contains("on_production(") {
            faults.push(format!("{story} is played on one pair of stores only"));
        }
    }
    faults
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// How many stories each row has.
fn stories() -> BTreeMap<String, usize> {
    let mut files = Vec::new();
    sources(Path::new("tests/it/stories"), &mut files);
    let mut counts = BTreeMap::new();
    for file in files {
        let source = fs::read_to_string(file).unwrap();
        let tests = source.split("#[test]\nfn s").skip(1);
        for row in tests.filter_map(|test| test.split_once('_')) {
            *counts.entry(format!("S{}", row.0)).or_default() += 1;
        }
    }
    counts
}

#[test]
fn every_feature_of_the_readme_has_its_stories() {
    assert_eq!(faults(&listed()), Vec::<String>::new());
}

#[test]
fn every_row_has_a_story_and_every_story_a_row() {
    let counted: Vec<String> = stories().into_keys().collect();
    assert_eq!(counted, rows().collect::<Vec<_>>());
}

#[test]
fn a_feature_without_its_story_is_caught_control() {
    let list = listed();
    let without = list.replace("s14_sms", "s14_text");
    assert!(faults(&without)[0].contains("has no s14_text"));
    let (head, tail) = list.split_once("| S24 |").unwrap();
    let (_, tail) = tail.split_once('\n').unwrap();
    assert_eq!(faults(&format!("{head}{tail}")), ["S24 has no story"]);
    let moved = list.replace("| S44 |", "| S45 |");
    let faults = faults(&moved);
    assert_eq!(faults[..2], ["S44 has no story", "S45 is no row"]);
    assert!(faults[2].ends_with("is no story of S45"), "{faults:?}");
}
