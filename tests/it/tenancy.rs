//! Every statement on PostgreSQL finds its rows by `tenant_id`, so that the data can be distributed by tenant. The test reads
//! the sources; what does otherwise is listed with the reason, and a line without its statement fails, too.
//!
//! A use of a table counts as found by a column if its own conditions say what that is equal to, or if an `INSERT` fills it.

mod sql;

use sql::{Statement, Table, references, statements, strings, tables, tables_of};
use std::collections::BTreeMap;

/// A table without `tenant_id`, whether it could have one, and why it has none.
struct TableWithoutTenant(&'static str, CouldHaveTenant, &'static str);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CouldHaveTenant {
    /// Distributing the data takes this change first.
    Yes,
    /// It is kept whole on one node, or copied to each.
    No,
}

const WITHOUT_TENANT: [TableWithoutTenant; 8] = [
    TableWithoutTenant(
        "outbox",
        CouldHaveTenant::Yes,
        "found by the user's pseudonym, a digest of tenant and user",
    ),
    TableWithoutTenant(
        "outbox_queues",
        CouldHaveTenant::Yes,
        "a queue is named by the user's pseudonym",
    ),
    TableWithoutTenant(
        "idempotency_records",
        CouldHaveTenant::Yes,
        "found by a digest of caller, RPC, user and request id; its erasure by the pseudonym",
    ),
    TableWithoutTenant(
        "attestations",
        CouldHaveTenant::No,
        "an attestation is accepted once per caller, in whatever tenant",
    ),
    TableWithoutTenant("audit_cursor", CouldHaveTenant::No, "one row"),
    TableWithoutTenant("database_state", CouldHaveTenant::No, "one row"),
    TableWithoutTenant(
        "histories",
        CouldHaveTenant::No,
        "one row for each history of the database",
    ),
    TableWithoutTenant("write_probe", CouldHaveTenant::No, "one row"),
];

/// Uses of a table that are not found by a column, in one file: file, table, how many, why.
struct Exception(&'static str, &'static str, usize, &'static str);

const NOT_BY_TENANT: [Exception; 11] = [
    Exception(
        "postgres/announce.sql",
        "alerts",
        1,
        "the alert by its position; tenant and user are known and could be named",
    ),
    Exception(
        "postgres/engine.rs",
        "alerts",
        1,
        "the alert by its position; its tenant is known and could be named",
    ),
    Exception(
        "postgres/claim_notices.sql",
        "alerts",
        1,
        "alerts before a notice, by the pseudonym, as the outbox is",
    ),
    Exception(
        "postgres/outbox.rs",
        "alerts",
        1,
        "the worker reads what is due, of all tenants",
    ),
    Exception(
        "postgres/audit_chain.rs",
        "events",
        2,
        "after a restore, the chain catches up with all tenants under one lock",
    ),
    Exception(
        "postgres/next_events.sql",
        "events",
        1,
        "the chain's worker reads in the order of transactions, of all tenants",
    ),
    Exception(
        "postgres/unchained_events.sql",
        "events",
        2,
        "the chain's backlog, of all tenants",
    ),
    Exception(
        "postgres/retention.rs",
        "ended_challenges",
        2,
        "retention deletes by age, of all tenants",
    ),
    Exception(
        "postgres/reseal.rs",
        "accounts",
        2,
        "a walk over all tenants, and how long it will be",
    ),
    Exception(
        "postgres/reseal.rs",
        "ended_challenges",
        2,
        "a walk over all tenants, and how long it will be",
    ),
    Exception(
        "postgres/reseal.rs",
        "policies",
        2,
        "a walk over all tenants, and how long it will be",
    ),
];

/// Found by `tenant_id` but not by `user_id`, though the table has one.
const NOT_BY_USER: [Exception; 4] = [
    Exception(
        "postgres/page.sql",
        "accounts",
        1,
        "a page of a tenant's users",
    ),
    Exception(
        "postgres/logins.sql",
        "accounts",
        1,
        "users with an address",
    ),
    Exception(
        "postgres/engine.rs",
        "accounts",
        1,
        "how many users a tenant has",
    ),
    Exception(
        "postgres/siblings.rs",
        "accounts",
        1,
        "users whose ids look alike",
    ),
];

/// Keys that hold across tenants, though their table has `tenant_id`: a distributed table's keys name it.
const KEYS_ACROSS_TENANTS: [(&str, &str); 2] = [("alerts", "position"), ("events", "position")];

/// What a statement does not say of a table that it uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Lack {
    Tenant,
    User,
}

impl Lack {
    const fn column(self) -> &'static str {
        match self {
            Self::Tenant => "tenant_id",
            Self::User => "user_id",
        }
    }
}

type Found<'s> = BTreeMap<(Lack, String, String), Vec<&'s str>>;

/// The uses of tables that are not found by tenant, or by user, by file and table.
fn lacking<'s>(statements: &'s [Statement], tables: &BTreeMap<String, Table>) -> Found<'s> {
    let mut found = Found::new();
    for Statement { file, sql } in statements {
        for (name, table) in tables.iter().filter(|(_, table)| table.has("tenant_id")) {
            for reference in references(sql, name) {
                let lack = if !reference.binds("tenant_id") {
                    Lack::Tenant
                } else if table.has("user_id") && !reference.binds("user_id") {
                    Lack::User
                } else {
                    continue;
                };
                let place = (lack, file.clone(), name.clone());
                found.entry(place).or_default().push(sql);
            }
        }
    }
    found
}

#[test]
fn every_statement_finds_its_rows_by_tenant_and_user() {
    let tables = tables();
    let statements = statements(&tables);
    assert!(statements.len() > 50, "some are not found");
    let found = lacking(&statements, &tables);
    let of = |lack: Lack, exceptions: &[Exception]| -> Vec<_> {
        let line = |Exception(file, table, count, why): &Exception| {
            let place = (lack, (*file).to_owned(), (*table).to_owned());
            (place, (*count, *why))
        };
        exceptions.iter().map(line).collect()
    };
    let listed: BTreeMap<_, (usize, &str)> = [
        of(Lack::Tenant, &NOT_BY_TENANT),
        of(Lack::User, &NOT_BY_USER),
    ]
    .concat()
    .into_iter()
    .collect();
    for (place, statements) in &found {
        let allowed = listed.get(place).map_or(0, |(count, _)| *count);
        let (lack, file, table) = place;
        let text = statements.join("\n\n");
        assert!(
            statements.len() <= allowed,
            "{file} uses {table} without its {}. Name it, or list the reason:\n{text}",
            lack.column()
        );
    }
    for (place, (allowed, why)) in listed {
        let uses = found.get(&place).map_or(0, Vec::len);
        assert_eq!(
            uses, allowed,
            "lower the count, or take the line out: {place:?}, {why}"
        );
    }
}

#[test]
fn every_table_has_a_tenant_or_a_reason() {
    let tables = tables();
    let without = tables.iter().filter(|(_, table)| !table.has("tenant_id"));
    let without: Vec<&str> = without.map(|(name, _)| name.as_str()).collect();
    let mut listed: Vec<&str> = WITHOUT_TENANT
        .iter()
        .map(|TableWithoutTenant(name, ..)| *name)
        .collect();
    listed.sort_unstable();
    assert_eq!(without, listed);
    let page = std::fs::read_to_string("docs/sizing.md").unwrap();
    for TableWithoutTenant(name, could, why) in WITHOUT_TENANT {
        let is_told = page.contains(&format!("`{name}`"));
        assert!(is_told, "docs/sizing.md: {name}, {could:?}: {why}");
    }
}

#[test]
fn the_keys_of_a_tenants_rows_name_the_tenant() {
    let tables = tables();
    let across = tables.iter().filter(|(_, table)| table.has("tenant_id"));
    let across = across.flat_map(|(name, table)| {
        let keys = table.keys.iter();
        let keys = keys.filter(|key| !key.iter().any(|column| column == "tenant_id"));
        keys.map(|key| (name.as_str(), key.join(", ")))
    });
    let across: Vec<(&str, String)> = across.collect();
    let listed = KEYS_ACROSS_TENANTS.map(|(name, key)| (name, key.to_owned()));
    assert_eq!(across, listed);
}

#[test]
fn statements_without_tenant_or_user_are_found_control() {
    let tables = tables_of(
        "CREATE TABLE accounts (tenant_id text NOT NULL, user_id text, at bigint, PRIMARY KEY (tenant_id, user_id));
         CREATE TABLE settings (tenant_id text COLLATE \"C\" PRIMARY KEY, -- one (row) each
            layer text CHECK (layer IN ('accounts', 'b')));
         CREATE TABLE queues (subject bytea); ALTER TABLE queues ADD COLUMN tenant_id text;",
    );
    assert_eq!(tables["accounts"].columns, ["tenant_id", "user_id", "at"]);
    assert_eq!(tables["accounts"].keys, [["tenant_id", "user_id"]]);
    assert_eq!(tables["settings"].columns, ["tenant_id", "layer"]);
    assert_eq!(tables["settings"].keys, [["tenant_id"]]);
    assert_eq!(tables["queues"].columns, ["subject", "tenant_id"]);
    let lacks = |sql: &str| {
        let statement = Statement {
            file: String::new(),
            sql: sql.to_owned(),
        };
        let found = lacking(std::slice::from_ref(&statement), &tables);
        let lacks = found.into_iter();
        lacks
            .flat_map(|((lack, _, table), uses)| vec![format!("{lack:?} of {table}"); uses.len()])
            .collect::<Vec<_>>()
    };
    let nothing: [&str; 0] = [];
    for named in [
        "SELECT at FROM accounts WHERE tenant_id = $1 AND user_id = $2",
        "SELECT 1 FROM unnest($1) n JOIN accounts AS a ON n.tenant_id = a.tenant_id AND a.user_id = n.user_id",
        "INSERT INTO accounts (at, tenant_id, user_id) SELECT * FROM unnest($1, $2, $3)",
        "WITH x AS (DELETE FROM queues WHERE tenant_id = $1) SELECT accounts.at FROM accounts
            WHERE accounts.tenant_id = $1 AND user_id = $2",
    ] {
        assert_eq!(lacks(named), nothing, "{named}");
    }
    for (lacking, what) in [
        (
            "SELECT tenant_id, user_id FROM accounts",
            vec!["Tenant of accounts"],
        ),
        (
            "SELECT 1 FROM accounts WHERE tenant_id = $1 AND user_id <= $2",
            vec!["User of accounts"],
        ),
        (
            "UPDATE accounts SET tenant_id = $1, user_id = $2",
            vec!["Tenant of accounts"],
        ),
        (
            "INSERT INTO settings (layer) VALUES ($1)",
            vec!["Tenant of settings"],
        ),
        (
            "INSERT INTO settings VALUES ($1)",
            vec!["Tenant of settings"],
        ),
        (
            "SELECT 1 FROM settings s WHERE EXISTS (SELECT 1 FROM queues WHERE tenant_id = $1)",
            vec!["Tenant of settings"],
        ),
        (
            "SELECT (SELECT layer FROM settings) FROM queues WHERE tenant_id = $1",
            vec!["Tenant of settings"],
        ),
        (
            "SELECT 1 FROM settings WHERE tenant_id = $1 UNION SELECT 1 FROM settings",
            vec!["Tenant of settings"],
        ),
        (
            "SELECT 1 FROM settings s, queues q WHERE s.tenant_id = $1",
            vec!["Tenant of queues"],
        ),
        ("LOCK TABLE queues IN SHARE MODE", vec!["Tenant of queues"]),
    ] {
        assert_eq!(lacks(lacking), what, "{lacking}");
    }
}

#[test]
fn strings_of_a_source_are_found_control() {
    let source = r#"
        // "a comment"
        const A: &str = "one \"two\"
            three"; // "another"
        fn f<'a>(c: char) -> &'a str { if c == '"' || c == '\'' { HASHED } else { b"bytes" } }
    "#;
    let source = &source.replace("HASHED", "r#\"raw \"x\"\"#");
    let found = strings(source);
    let found: Vec<String> = found
        .iter()
        .map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(found, ["one \"two\" three", "raw \"x\"", "bytes"]);
}
