//! The SQL by which an administrator makes the roles: one that owns the tables and migrates, one that serves. And whether the
//! role that serves has what it needs.

use super::{PostgresEngine, connection::PostgresFailure, connector::CLOSE_GRACE};
use std::{fmt, time::Duration};

/// How long a statement of the owner may take: migrations.
const OWNER_TIMEOUT: Duration = Duration::from_mins(10);

/// Who may do what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleGrants {
    /// Where the tables are.
    pub schema: String,
    /// The role that owns them, for `countersign migrate`.
    pub owner: String,
    /// The role that serves.
    pub role: String,
    /// `postgres.statement_timeout_ms`.
    pub statement_timeout: Duration,
}

/// The tables of the service.
pub(super) const TABLES: [&str; 14] = [
    "accounts",
    "alerts",
    "attestations",
    "audit_cursor",
    "audit_segments",
    "database_state",
    "ended_challenges",
    "events",
    "histories",
    "idempotency_records",
    "outbox",
    "outbox_queues",
    "policies",
    "write_probe",
];

impl PostgresEngine {
    /// Refuses a role that lacks what [`RoleGrants`] grants on any table.
    pub(super) async fn check_privileges(&self) -> Result<(), PostgresFailure> {
        const LACKING: &str = "SELECT coalesce(string_agg(format('%s on %s', privilege, name), ', ' ORDER BY name, privilege), '')
            FROM unnest($1::text[]) name
            CROSS JOIN LATERAL unnest(CASE
                WHEN name IN ('histories', 'audit_segments') THEN ARRAY['SELECT', 'INSERT']
                WHEN name = 'events' THEN ARRAY['SELECT', 'INSERT', 'DELETE']
                ELSE ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE'] END) privilege
            WHERE NOT has_table_privilege(to_regclass(name), privilege)";
        let tables = TABLES.to_vec();
        let rows = self.scans.read(LACKING, &[&tables]).await?;
        let lacking: Option<String> = rows.first().map(|row| row.try_get(0)).transpose()?;
        match lacking.filter(|lacking| !lacking.is_empty()) {
            Some(lacking) => Err(PostgresFailure::LacksPrivileges(lacking)),
            None => Ok(()),
        }
    }
}

impl fmt::Display for RoleGrants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [schema, owner, role] = [&self.schema, &self.owner, &self.role].map(|s| identifier(s));
        writeln!(
            f,
            "-- The roles of Countersign. Run this as an administrator in the database of Countersign, before the first\n\
             -- `countersign migrate` and again after each. It is safe to repeat. Give both roles a password, or another way\n\
             -- to log in."
        )?;
        f.write_str(&create_role(&self.owner))?;
        f.write_str(&create_role(&self.role))?;
        writeln!(
            f,
            "CREATE SCHEMA IF NOT EXISTS {schema} AUTHORIZATION {owner};"
        )?;
        writeln!(f, "GRANT USAGE ON SCHEMA {schema} TO {role};")?;
        f.write_str(&settings(&owner, &schema, OWNER_TIMEOUT))?;
        f.write_str(&settings(&role, &schema, self.statement_timeout))?;
        f.write_str(&self.tables())
    }
}

impl RoleGrants {
    /// Nothing lets the role that serves change an event or the chain, or say which migrations ran.
    fn tables(&self) -> String {
        let [schema, role] = [&self.schema, &self.role].map(|name| literal(name));
        format!(
            "DO $grants$
DECLARE
    name text;
BEGIN
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = {schema} LOOP
        EXECUTE format('REVOKE ALL ON %I.%I FROM %I', {schema}, name, {role});
        EXECUTE format('GRANT %s ON %I.%I TO %I', CASE name
            WHEN 'refinery_schema_history' THEN 'SELECT'
            WHEN 'histories' THEN 'SELECT, INSERT'
            WHEN 'audit_segments' THEN 'SELECT, INSERT'
            -- The audit chain locks the table after a restore, which takes the right to delete.
            WHEN 'events' THEN 'SELECT, INSERT, DELETE'
            ELSE 'SELECT, INSERT, UPDATE, DELETE'
        END, {schema}, name, {role});
    END LOOP;
END
$grants$;
"
        )
    }
}

fn create_role(name: &str) -> String {
    let (text, name) = (literal(name), identifier(name));
    format!(
        "DO $grants$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = {text}) THEN
        CREATE ROLE {name} LOGIN;
    END IF;
END
$grants$;
"
    )
}

/// What holds in each session of a role; both are identifiers.
fn settings(role: &str, schema: &str, statement_timeout: Duration) -> String {
    let millis = statement_timeout.as_millis();
    let between = (statement_timeout + CLOSE_GRACE).as_millis();
    format!(
        "ALTER ROLE {role} SET search_path = {schema};
ALTER ROLE {role} SET default_transaction_isolation = 'read committed';
ALTER ROLE {role} SET statement_timeout = {millis};
ALTER ROLE {role} SET lock_timeout = {millis};
ALTER ROLE {role} SET idle_in_transaction_session_timeout = {between};
"
    )
}

/// A name as SQL has it.
pub(super) fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
