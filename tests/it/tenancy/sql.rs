//! The tables of the migrations and the statements of the PostgreSQL store, read off the sources.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

const STORE: &str = "src/store/postgres";

/// A table and what a row is found by.
#[derive(Debug, Clone, Default)]
pub(super) struct Table {
    pub(super) columns: Vec<String>,
    /// The columns of each primary key and unique constraint.
    pub(super) keys: Vec<Vec<String>>,
}

/// A statement, and the file that it is in.
#[derive(Debug)]
pub(super) struct Statement {
    pub(super) file: String,
    pub(super) sql: String,
}

/// One use of a table in a statement.
#[derive(Debug)]
pub(super) struct Reference {
    /// What names the columns of the row: the table itself or its alias.
    qualifiers: Vec<String>,
    /// The conditions, or the columns that an `INSERT` fills.
    scope: Scope,
}

#[derive(Debug)]
enum Scope {
    Inserted(Vec<String>),
    Conditions(String),
}

impl Table {
    pub(super) fn has(&self, column: &str) -> bool {
        self.columns.iter().any(|own| own == column)
    }
}

/// All tables that the migrations make, by name.
pub(super) fn tables() -> BTreeMap<String, Table> {
    let mut files: Vec<PathBuf> = fs::read_dir(Path::new(STORE).join("migrations"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let read = |file: &PathBuf| fs::read_to_string(file).unwrap();
    tables_of(&files.iter().map(read).collect::<Vec<_>>().join("\n"))
}

pub(super) fn tables_of(migrations: &str) -> BTreeMap<String, Table> {
    let sql = without_comments(migrations);
    let mut tables = BTreeMap::new();
    for (place, found) in sql.match_indices("CREATE TABLE ") {
        let declared = &sql[place + found.len()..];
        let (name, rest) = declared.split_once('(').unwrap();
        let name = name.replace("IF NOT EXISTS", "").trim().to_owned();
        tables.insert(name, table(group(rest)));
    }
    for (place, found) in sql.match_indices("ALTER TABLE ") {
        let altered = sql[place + found.len()..].split(';').next().unwrap();
        let name = words(altered)[0].to_owned();
        for (place, found) in altered.match_indices("ADD COLUMN ") {
            let column = words(&altered[place + found.len()..])[0].to_owned();
            tables.entry(name.clone()).or_default().columns.push(column);
        }
    }
    tables
}

fn table(declared: &str) -> Table {
    let mut table = Table::default();
    for part in split(declared) {
        let first = words(&part)[0].to_owned();
        let is_constraint = ["PRIMARY", "UNIQUE", "CONSTRAINT", "CHECK", "FOREIGN"];
        let unique = ["PRIMARY KEY", "UNIQUE"]
            .into_iter()
            .find_map(|key| part.split_once(key));
        if !is_constraint.contains(&first.as_str()) {
            table.columns.push(first.clone());
            if unique.is_some() {
                table.keys.push(vec![first]);
            }
        } else if let Some((_, columns)) = unique {
            let columns = columns.trim_start().strip_prefix('(').unwrap();
            table.keys.push(split(group(columns)));
        }
    }
    table
}

/// Every statement of the store: each file, and each string of the sources that is SQL.
pub(super) fn statements(tables: &BTreeMap<String, Table>) -> Vec<Statement> {
    let mut files = vec![PathBuf::from(format!("{STORE}.rs"))];
    collect(Path::new(STORE), &mut files);
    files.sort();
    let mut statements = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let name = file.strip_prefix("src/store").unwrap();
        let name = name.display().to_string();
        let found = if file.extension().is_some_and(|extension| extension == "sql") {
            vec![text]
        } else {
            strings(&text)
        };
        for text in found {
            let sql = without_comments(&text);
            if is_sql(&sql, tables) {
                let file = name.clone();
                statements.push(Statement { file, sql });
            }
        }
    }
    statements
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let is_source = [".rs", ".sql"].iter().any(|end| name.ends_with(end));
        if path.is_dir() && name != "migrations" && name != "tests" {
            collect(&path, files);
        } else if is_source && name != "tests.rs" {
            files.push(path);
        }
    }
}

/// The contents of all string literals.
pub(super) fn strings(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = source;
    while let Some(next) = rest.find(['"', '\'', '/', 'r']) {
        let before = rest[..next].chars().next_back();
        rest = &rest[next..];
        let is_raw = !before.is_some_and(char::is_alphanumeric)
            && rest[1..].trim_start_matches('#').starts_with('"');
        if rest.starts_with("//") {
            rest = rest.split_once('\n').map_or("", |(_, after)| after);
        } else if rest.starts_with('r') && is_raw {
            let hashes = rest[1..].find('"').unwrap();
            let end = format!("\"{}", "#".repeat(hashes));
            let (text, after) = rest[hashes + 2..].split_once(&end).unwrap();
            found.push(text.to_owned());
            rest = after;
        } else if rest.starts_with('"') {
            let (text, after) = quoted(&rest[1..]);
            found.push(text);
            rest = after;
        } else if rest.starts_with("'\\") {
            rest = rest[3..].split_once('\'').unwrap().1;
        } else if rest.starts_with('\'') && rest.chars().nth(2) == Some('\'') {
            rest = &rest[1 + rest[1..].chars().next().unwrap().len_utf8() + 1..];
        } else {
            rest = &rest[1..];
        }
    }
    found
}

/// The text of a literal up to its closing quote, and what is behind that.
fn quoted(literal: &str) -> (String, &str) {
    let (mut text, mut is_escaped) = (String::new(), false);
    for (place, character) in literal.char_indices() {
        match character {
            '"' if !is_escaped => return (text, &literal[place + 1..]),
            '\\' if !is_escaped => is_escaped = true,
            _ => {
                text.push(character);
                is_escaped = false;
            }
        }
    }
    (text, "")
}

/// Whether a text names a table where SQL does.
fn is_sql(text: &str, tables: &BTreeMap<String, Table>) -> bool {
    const KEYWORDS: [&str; 11] = [
        "SELECT", "INSERT", "UPDATE", "DELETE", "FROM", "JOIN", "INTO", "TABLE", "TRUNCATE",
        "COPY", "MERGE",
    ];
    let is_named = |table: &String| !places(text, table).is_empty();
    words(text).iter().any(|word| KEYWORDS.contains(word)) && tables.keys().any(is_named)
}

/// Each use of a table in a statement, other than as the qualifier of a column.
pub(super) fn references(sql: &str, table: &str) -> Vec<Reference> {
    let places = places(sql, table).into_iter();
    let places = places.filter(|place| !sql[place + table.len()..].starts_with('.'));
    places.map(|place| reference(sql, table, place)).collect()
}

fn reference(sql: &str, table: &str, place: usize) -> Reference {
    let behind = &sql[place + table.len()..];
    let before = words(&sql[..place]).pop().unwrap_or_default();
    if before == "INTO" {
        let columns = behind.trim_start().strip_prefix('(').map(group);
        let columns = columns.map(split).unwrap_or_default();
        let qualifiers = Vec::new();
        return Reference {
            qualifiers,
            scope: Scope::Inserted(columns),
        };
    }
    let names = words(behind);
    let alias = names.iter().find(|word| **word != "AS");
    let is_alias = |word: &&&str| word.starts_with(|first: char| first.is_lowercase());
    let is_next = alias.is_some_and(|alias| {
        let between = behind.split_once(alias).unwrap().0.replace("AS", "");
        between.trim().is_empty()
    });
    let alias = alias.filter(is_alias).filter(|_| is_next);
    let qualifiers = match alias {
        Some(alias) => vec![(*alias).to_owned()],
        None => vec![table.to_owned(), String::new()],
    };
    Reference {
        qualifiers,
        scope: Scope::Conditions(conditions(sql, place)),
    }
}

impl Reference {
    /// Whether the rows are found by this column, or filled with it.
    pub(super) fn binds(&self, column: &str) -> bool {
        match &self.scope {
            Scope::Inserted(columns) => columns.iter().any(|filled| filled == column),
            Scope::Conditions(conditions) => self
                .qualifiers
                .iter()
                .any(|qualifier| equals(conditions, qualifier, column)),
        }
    }
}

/// Whether a condition says what a column is equal to.
fn equals(conditions: &str, qualifier: &str, column: &str) -> bool {
    let name = match qualifier {
        "" => column.to_owned(),
        _ => format!("{qualifier}.{column}"),
    };
    places(conditions, &name).into_iter().any(|place| {
        let before = conditions[..place].trim_end();
        let is_qualified = before.ends_with('.');
        let is_second = before.ends_with('=')
            && !["<=", ">=", "!="]
                .iter()
                .any(|other| before.ends_with(other));
        let is_first = conditions[place + name.len()..]
            .trim_start()
            .starts_with('=');
        !is_qualified && (is_first || is_second)
    })
}

/// The conditions of the query that a place is in: behind `WHERE` or `ON`, without what is in parentheses there.
fn conditions(sql: &str, place: usize) -> String {
    const MARK: char = '\u{1}';
    let (mut before, mut depth) = (String::new(), 0_i32);
    for character in sql[..place].chars().rev() {
        depth += i32::from(character == ')') - i32::from(character == '(');
        if depth < 0 {
            break;
        }
        if depth == 0 {
            before.insert(0, character);
        }
    }
    let (mut query, mut depth) = (before, 0_i32);
    query.push(MARK);
    for character in sql[place..].chars() {
        depth += i32::from(character == '(') - i32::from(character == ')');
        if depth < 0 {
            break;
        }
        if depth == 0 {
            query.push(character);
        }
    }
    let parts = query.split("UNION").find(|part| part.contains(MARK));
    let part = parts.unwrap_or_default();
    let from = ["WHERE", "ON"].map(|word| places(part, word).first().copied());
    let from = from.into_iter().flatten().min();
    from.map_or_else(String::new, |from| part[from..].to_owned())
}

/// Where a word begins, by itself.
fn places(text: &str, word: &str) -> Vec<usize> {
    let inside = |character: Option<char>| {
        character.is_some_and(|character| character.is_alphanumeric() || character == '_')
    };
    let places = text.match_indices(word).map(|(place, _)| place);
    places
        .filter(|place| {
            let behind = text[place + word.len()..].chars().next();
            !inside(text[..*place].chars().next_back()) && !inside(behind)
        })
        .collect()
}

/// Without comments and quoted values.
fn without_comments(sql: &str) -> String {
    let lines = sql
        .lines()
        .map(|line| line.split_once("--").map_or(line, |(sql, _)| sql));
    let sql = lines.collect::<Vec<_>>().join("\n");
    let parts = sql.split('\'').enumerate();
    let code = parts.filter(|(number, _)| number % 2 == 0);
    code.map(|(_, part)| part).collect::<Vec<_>>().join("''")
}

fn words(text: &str) -> Vec<&str> {
    let words = text.split(|character: char| !character.is_alphanumeric() && character != '_');
    words.filter(|word| !word.is_empty()).collect()
}

/// What is in parentheses, behind the opening one.
fn group(text: &str) -> &str {
    let mut depth = 1_i32;
    let end = text.char_indices().find(|(_, character)| {
        depth += i32::from(*character == '(') - i32::from(*character == ')');
        depth == 0
    });
    &text[..end.unwrap().0]
}

/// The parts between commas that are not in parentheses.
fn split(text: &str) -> Vec<String> {
    let (mut parts, mut depth) = (vec![String::new()], 0_i32);
    for character in text.chars() {
        depth += i32::from(character == '(') - i32::from(character == ')');
        if character == ',' && depth == 0 {
            parts.push(String::new());
        } else {
            parts.last_mut().unwrap().push(character);
        }
    }
    parts
        .iter()
        .map(|part| part.trim().to_owned())
        .filter(|part| !part.is_empty())
        .collect()
}
