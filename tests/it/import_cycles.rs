//! No file imports a file that imports it back, directly or through others: each can be read after those that it names.
//!
//! A re-export (`pub use`) is not an import: what is imported through one counts as imported from where it is defined.

use crate::layers::sources;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// Paths of modules (`countersign::app::call`), and the text of each.
type Modules = BTreeMap<String, String>;

/// What a file says about names: what it imports, and what its own names stand for.
#[derive(Default)]
struct Names {
    imports: BTreeSet<String>,
    aliases: BTreeMap<String, String>,
}

/// The parts of a path.
fn segments(path: &str) -> Vec<&str> {
    path.split("::").collect()
}

/// `a::{b, c::d}` as `a::b` and `a::c::d`, without `as`.
fn flattened(tree: &str) -> Vec<String> {
    let tree = tree.trim();
    let Some((prefix, group)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap_or_default();
        return vec![path.split_whitespace().collect()];
    };
    let group = group.rsplit_once('}').map_or(group, |(group, _)| group);
    let (mut parts, mut depth) = (vec![String::new()], 0_usize);
    for character in group.chars() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if character == ',' && depth == 0 {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push(character);
        }
    }
    let parts = parts.iter().filter(|part| !part.trim().is_empty());
    parts
        .flat_map(|part| flattened(part))
        .map(|rest| format!("{}{rest}", prefix.trim()))
        .collect()
}

/// A path of a module's code from the root of a crate; none if it is not of this workspace.
fn absolute(modules: &Modules, module: &str, path: &str) -> Option<String> {
    let mut rest = segments(path).into_iter().peekable();
    let mut from = segments(module);
    match *rest.peek()? {
        "crate" => {
            rest.next();
            from.truncate(1);
        }
        "self" => {
            rest.next();
        }
        "super" => {
            while rest.next_if_eq(&"super").is_some() {
                from.pop();
            }
        }
        first if modules.contains_key(first) => from.clear(),
        first if modules.contains_key(&format!("{module}::{first}")) => {}
        _ => return None,
    }
    from.extend(rest.filter(|name| *name != "self"));
    Some(from.join("::"))
}

/// Paths in code: `crate::a::B`, `super::a`, `countersign_domain::a`, `child::a`.
fn paths(code: &str) -> Vec<String> {
    let is_part = |character: char| character.is_alphanumeric() || "_:".contains(character);
    let words = code.split(|character| !is_part(character));
    words
        .filter(|word| word.contains("::") && !word.starts_with(':'))
        .map(|word| word.trim_end_matches(':').to_owned())
        .collect()
}

fn names_of(modules: &Modules, module: &str, text: &str) -> Names {
    let lines = text.lines();
    let code = lines.map(|line| line.split("//").next().unwrap_or_default());
    let code: Vec<&str> = code.collect();
    let code = code.join("\n");
    let mut names = Names::default();
    let mut body = String::new();
    for statement in code.split_inclusive(';') {
        // What is before `use` in the statement ends with the line before it.
        let start = ["\nuse ", " use "]
            .iter()
            .find_map(|word| statement.rfind(word));
        let start = start.or_else(|| statement.starts_with("use ").then_some(0));
        let Some(start) = start else {
            body.push_str(statement);
            continue;
        };
        let line = statement[..start].rfind('\n').map_or(0, |at| at + 1);
        let before = if statement[start..].starts_with('\n') {
            ""
        } else {
            statement[line..start].trim()
        };
        let is_use = before.is_empty()
            || before == "pub"
            || (before.starts_with("pub(") && before.ends_with(')'));
        if !is_use {
            body.push_str(statement);
            continue;
        }
        let tree = statement[start..].trim_start().trim_start_matches("use ");
        for path in flattened(tree.trim_end_matches(';')) {
            let Some(path) = absolute(modules, module, &path) else {
                continue;
            };
            if let Some(name) = segments(&path).last() {
                names.aliases.insert((*name).to_owned(), path.clone());
            }
            if before.is_empty() {
                names.imports.insert(path);
            }
        }
    }
    let paths = paths(&body);
    let paths = paths
        .iter()
        .filter_map(|path| absolute(modules, module, path));
    names.imports.extend(paths);
    names
}

/// The module in which what a path names is defined, behind re-exports.
fn defined_in(modules: &Modules, names: &BTreeMap<&str, Names>, path: &str) -> Option<String> {
    let mut path = path.to_owned();
    for _ in 0..8 {
        let parts = segments(&path);
        let module = (1..=parts.len())
            .rev()
            .map(|length| (length, parts[..length].join("::")))
            .find(|(_, module)| modules.contains_key(module));
        let (length, module) = module?;
        let alias = parts
            .get(length)
            .and_then(|name| names[module.as_str()].aliases.get(*name));
        match alias {
            Some(target) if *target != path => path = target.clone(),
            _ => return Some(module),
        }
    }
    None
}

/// Groups of modules each of which is reached from each other one of its group.
fn cycles(modules: &Modules) -> Vec<Vec<String>> {
    let names: BTreeMap<&str, Names> = modules
        .iter()
        .map(|(module, text)| (module.as_str(), names_of(modules, module, text)))
        .collect();
    let mut reached: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (module, own) in &names {
        let imports = own.imports.iter();
        let imports = imports.filter_map(|path| defined_in(modules, &names, path));
        reached.insert(module, imports.filter(|other| other != module).collect());
    }
    loop {
        let before: usize = reached.values().map(BTreeSet::len).sum();
        for module in modules.keys() {
            let behind: BTreeSet<String> = reached[module.as_str()]
                .iter()
                .flat_map(|other| reached[other.as_str()].clone())
                .collect();
            if let Some(all) = reached.get_mut(module.as_str()) {
                all.extend(behind);
            }
        }
        let after: usize = reached.values().map(BTreeSet::len).sum();
        if before == after {
            break;
        }
    }
    let groups: BTreeSet<Vec<String>> = modules
        .keys()
        .filter(|module| reached[module.as_str()].contains(*module))
        .map(|module| {
            let others = reached[module.as_str()].iter();
            others
                .filter(|other| reached[other.as_str()].contains(module))
                .cloned()
                .collect()
        })
        .collect();
    groups.into_iter().collect()
}

/// Every module of the workspace's crates, without unit tests.
fn workspace() -> Modules {
    let mut files = Vec::new();
    sources(Path::new("src"), &mut files);
    let mut modules = Modules::new();
    for file in files {
        if file.components().any(|part| part.as_os_str() == "tests")
            || file.ends_with("src/main.rs")
        {
            continue;
        }
        let root = file
            .ancestors()
            .skip(1)
            .find(|folder| folder.join("lib.rs").exists());
        let root = root.unwrap();
        let name = match root.file_name().unwrap().to_str().unwrap() {
            "src" => "countersign".to_owned(),
            folder => format!("countersign_{folder}"),
        };
        let inside = file.strip_prefix(root).unwrap().with_extension("");
        let path = inside.to_str().unwrap().replace('/', "::");
        let module = match path.as_str() {
            "lib" => name,
            _ => format!("{name}::{path}"),
        };
        modules.insert(module, fs::read_to_string(&file).unwrap());
    }
    modules
}

#[test]
fn no_files_import_each_other() {
    let modules = workspace();
    assert!(modules.len() > 300, "{} modules", modules.len());
    assert_eq!(cycles(&modules), Vec::<Vec<String>>::new());
}

#[test]
fn a_cycle_between_a_file_and_its_child_is_found_control() {
    let modules: Modules = [
        ("countersign", "mod a;\n"),
        (
            "countersign::a",
            "mod child;\nfn own() -> u8 { child::next() }\n",
        ),
        (
            "countersign::a::child",
            "fn next() -> u8 { super::own() }\n",
        ),
    ]
    .map(|(module, text)| (module.to_owned(), text.to_owned()))
    .into();
    let expected = ["countersign::a", "countersign::a::child"];
    assert_eq!(cycles(&modules), [expected.map(str::to_owned).to_vec()]);
}

#[test]
fn a_cycle_is_found_through_groups_re_exports_and_paths_control() {
    let modules: Modules = [
        (
            "countersign",
            "pub mod a;\npub mod b;\npub mod c;\npub use c::Third;\n",
        ),
        (
            "countersign::a",
            "use crate::{\n    b::{Second, other},\n};\n",
        ),
        (
            "countersign::b",
            "fn second() -> super::Third { todo!() }\n",
        ),
        (
            "countersign::c",
            "// use crate::b::Second;\npub use crate::b::Second;\nuse crate::a::First;\n",
        ),
        ("countersign::d", "use crate::a::First;\n"),
    ]
    .map(|(module, text)| (module.to_owned(), text.to_owned()))
    .into();
    let found = cycles(&modules);
    let expected = ["countersign::a", "countersign::b", "countersign::c"];
    assert_eq!(found, [expected.map(str::to_owned).to_vec()]);
}
