//! What holds in the sessions of PostgreSQL: timeouts and isolation, on each kind of connection, by each way to it; the roles
//! that `countersign grants` makes; and what is refused where something is missing.

use super::{pgbouncer::PgBouncer, servers::OwnPostgres, stores::runtime};
use crate::{
    contract::{
        accounts::{next, random_subject},
        lanes::attempt,
        verdicts::prepare,
    },
    support::{
        Person,
        processes::{Deployment, now, run},
        schema::{ROUTES, Route, Schema},
        service::unique,
        stores::{pooled_settings, postgres_with, setting},
        tables::postgres_session,
    },
};
use countersign::{ports::AccountStore, store::postgres::SessionSettings};
use std::process::Output;
use tokio_postgres::Client;

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned()
}

async fn server() -> Client {
    postgres_session(&setting("TEST_COUNTERSIGN_POSTGRES")).await
}

async fn administer(connection: &Client, sql: String) {
    connection.batch_execute(&sql).await.unwrap();
}

/// Notes what holds in each session that writes to `accounts`.
const NOTE: &str = "
    CREATE TABLE seen (name text, value text);
    CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
    BEGIN
        INSERT INTO seen SELECT n, current_setting(n) FROM unnest(ARRAY['statement_timeout', 'lock_timeout',
            'idle_in_transaction_session_timeout', 'transaction_isolation']) n;
        RETURN NULL;
    END $$;
    CREATE TRIGGER note AFTER UPDATE ON accounts FOR EACH ROW EXECUTE FUNCTION note()";

#[test]
fn timeouts_and_isolation_hold_on_each_kind_of_connection() {
    for route in ROUTES {
        runtime().block_on(settings_hold(route));
    }
}

async fn settings_hold(route: Route) {
    let mut schema = Schema::new(route).await;
    let administrator = postgres_session(&schema.url).await;
    administer(&administrator, NOTE.to_owned()).await;
    if route == Route::Direct {
        // Whatever the role has, a session has what we ask for.
        let role = format!("lax_{}", unique());
        let lax = format!(
            "CREATE ROLE {role} LOGIN SUPERUSER;
            ALTER ROLE {role} SET default_transaction_isolation = 'serializable';
            ALTER ROLE {role} SET statement_timeout = 0"
        );
        administer(&administrator, lax).await;
        schema.settings.url = schema.url.replace("postgres@", &format!("{role}@"));
    }
    let accounts = schema.accounts();
    let sessions = accounts.session_settings().await.unwrap();
    assert_eq!(sessions.len(), 3);
    for session in sessions {
        session.check(&schema.settings).unwrap();
        let expected = SessionSettings {
            role: session.role.clone(),
            isolation: "read committed".to_owned(),
            statement_timeout: 5_000,
            lock_timeout: 5_000,
            idle_in_transaction_timeout: 6_000,
        };
        assert_eq!(session, expected);
    }
    // Verdicts have lanes of their own, which only they can tell of.
    let (subject, tag) = random_subject();
    prepare(&accounts, &subject, tag).await;
    administer(&administrator, "TRUNCATE seen".to_owned()).await;
    let user = (subject, tag);
    accounts
        .record_verdict(&attempt(&user, 1, 1, true))
        .await
        .unwrap();
    let (subject, tag) = user;
    let change = next(&accounts, &subject, tag, Vec::new()).await;
    accounts.commit(&change).await.unwrap();
    let rows = "SELECT name, value, count(*) FROM seen GROUP BY name, value ORDER BY name";
    let rows = administrator.query(rows, &[]).await.unwrap();
    let seen = rows.iter().map(|row| (row.get(0), row.get(1), row.get(2)));
    let seen: Vec<(String, String, i64)> = seen.collect();
    let expected = [
        ("idle_in_transaction_session_timeout", "6s"),
        ("lock_timeout", "5s"),
        ("statement_timeout", "5s"),
        ("transaction_isolation", "read committed"),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned(), 2));
    assert_eq!(seen, expected);
}

#[test]
fn our_transactions_are_read_committed_whatever_the_role_has() {
    runtime().block_on(async {
        let schema = Schema::new(Route::Pooled).await;
        let administrator = postgres_session(&schema.url).await;
        administer(&administrator, NOTE.to_owned()).await;
        let role = schema.role();
        let strict =
            format!("ALTER ROLE {role} SET default_transaction_isolation = 'serializable'");
        administer(&administrator, strict).await;
        let accounts = schema.accounts();
        let sessions = accounts.session_settings().await.unwrap();
        let refused = sessions[0].check(&schema.settings).unwrap_err().to_string();
        assert!(
            refused.contains("default_transaction_isolation"),
            "{refused}"
        );
        let (subject, tag) = random_subject();
        prepare(&accounts, &subject, tag).await;
        let right = attempt(&(subject, tag), 1, 1, true);
        accounts.record_verdict(&right).await.unwrap();
        let seen = "SELECT DISTINCT value FROM seen WHERE name = 'transaction_isolation'";
        let seen = administrator.query(seen, &[]).await.unwrap();
        let seen: Vec<String> = seen.iter().map(|row| row.get(0)).collect();
        assert_eq!(seen, ["read committed"]);
    });
}

/// The lines of `[postgres]` behind a pooler, as they go between the quotes of the URL.
pub(super) fn pooled(url: &str) -> String {
    format!("{url}\"\npooler = \"transaction")
}

#[test]
fn a58_a_role_without_its_settings_is_refused_and_told_how_to_get_them() {
    runtime().block_on(async {
        let server = server().await;
        let settings = [
            (
                "default_transaction_isolation",
                "'read committed'",
                "'serializable'",
            ),
            ("statement_timeout", "5000", "0"),
            ("lock_timeout", "5000", "5001"),
            ("idle_in_transaction_session_timeout", "6000", "0"),
        ];
        let pooler = setting("TEST_COUNTERSIGN_PGBOUNCER");
        let mut deployment = Deployment::new().await;
        for (missing, needed, has) in settings {
            let role = format!("r_{}", unique());
            administer(&server, format!("CREATE ROLE {role} LOGIN")).await;
            for (name, value, _) in settings {
                let value = if name == missing { has } else { value };
                let set = format!("ALTER ROLE {role} SET {name} = {value}");
                administer(&server, set).await;
            }
            deployment.postgres = pooled(&format!("postgres://{role}@{pooler}/postgres"));
            let config = deployment.config();
            for command in ["check-config", "serve"] {
                let output = run(&[command, "--config", config.to_str().unwrap()]);
                let said = said(&output);
                let cure = format!("ALTER ROLE \"{role}\" SET {missing} = {needed}");
                assert!(!output.status.success(), "{said}");
                for part in [&*cure, "RECONNECT", "countersign grants"] {
                    assert!(said.contains(part), "{part} in {said}");
                }
            }
        }
    });
}

#[test]
fn a58_a_pooler_that_nobody_declared_is_told_of() {
    runtime().block_on(async {
        let mut deployment = Deployment::new().await;
        let refusal = |deployment: &Deployment| {
            let config = deployment.config();
            let output = run(&["check-config", "--config", config.to_str().unwrap()]);
            let said = said(&output);
            assert!(!output.status.success(), "{said}");
            said
        };
        let cure = "set postgres.pooler = \"transaction\"";
        let pooler = setting("TEST_COUNTERSIGN_PGBOUNCER");
        deployment.postgres = format!("postgres://postgres@{pooler}/postgres");
        let said = refusal(&deployment);
        assert!(said.contains(cure), "{said}");

        let server = setting("TEST_COUNTERSIGN_POSTGRES");
        let port = url::Url::parse(&server).unwrap().port().unwrap();
        let deaf = PgBouncer::start(port, "ignore_startup_parameters = options");
        deployment.postgres = deaf.url("postgres");
        let said = refusal(&deployment);
        assert!(
            said.contains(cure) && said.contains("statement_timeout"),
            "{said}"
        );

        let url = format!("postgres://postgres@{pooler}/postgres?options=-c%20search_path%3Dx");
        deployment.postgres = pooled(&url);
        let said = refusal(&deployment);
        assert!(
            said.contains("`options`") && said.contains("ALTER ROLE"),
            "{said}"
        );
    });
}

#[test]
fn the_roles_that_grants_prints_migrate_and_serve_and_may_do_no_more() {
    runtime().block_on(async {
        let postgres = OwnPostgres::start("");
        let pooler = PgBouncer::start(postgres.port(), "default_pool_size = 4");
        let administrator = postgres_session(&postgres.url()).await;
        let mut deployment = Deployment::new().await;
        deployment.postgres = pooled(&pooler.url("countersign"));
        let config = deployment.config();
        let config = config.to_str().unwrap();
        let printed = run(&["grants", "--config", config]);
        assert!(printed.status.success(), "{printed:?}");
        let sql = String::from_utf8(printed.stdout).unwrap();
        administer(&administrator, sql.clone()).await;

        let mut owner = Deployment::on(deployment.redis.clone(), String::new());
        owner.postgres = pooled(&pooler.url("countersign_owner"));
        let migrated = run(&["migrate", "--config", owner.config().to_str().unwrap()]);
        assert!(migrated.status.success(), "{migrated:?}");
        let unready = said(&run(&["check-config", "--config", config]));
        assert!(
            unready.contains("permission denied") && unready.contains("countersign grants"),
            "{unready}"
        );
        administer(&administrator, sql.clone()).await;
        administer(&administrator, sql).await;

        let process = deployment.serve();
        let jane = Person::new(process.portal(), format!("tenant-{}", unique()), "jane").await;
        let app = super::startup::enroll(&jane).await;
        let challenge = jane.issue().await;
        jane.approved(&challenge.challenge_id, &app.code_at(now() + 30))
            .await;

        let as_role = postgres.url().replace("postgres@", "countersign@");
        let role = postgres_session(&as_role).await;
        for forbidden in [
            "UPDATE events SET details = ''",
            "UPDATE audit_segments SET hash = ''",
            "DELETE FROM audit_segments",
            "DELETE FROM refinery_schema_history",
            "UPDATE histories SET began_at = 0",
            "TRUNCATE accounts",
            "ALTER TABLE accounts ADD COLUMN more text",
            "CREATE TABLE more (id bigint)",
            "CREATE TABLE public.more (id bigint)",
            "CREATE ROLE more",
        ] {
            let error = role.batch_execute(forbidden).await.unwrap_err();
            let code = error.code().unwrap();
            assert_eq!(code.code(), "42501", "{forbidden}: {error}");
        }
        assert!(role.batch_execute("SELECT FROM accounts").await.is_ok());
    });
}

#[test]
fn processes_that_migrate_at_once_through_a_pooler_wait_for_each_other() {
    runtime().block_on(async {
        let postgres = OwnPostgres::start("");
        let pooler = PgBouncer::start(postgres.port(), "default_pool_size = 2");
        let settings = pooled_settings(pooler.url("postgres"));
        let mut migrations = tokio::task::JoinSet::new();
        for _ in 0..4 {
            let accounts = postgres_with(&settings);
            migrations.spawn(async move { accounts.migrate().await });
        }
        for migrated in migrations.join_all().await {
            migrated.unwrap();
        }
        assert!(postgres_with(&settings).is_migrated().await.unwrap());
    });
}

#[test]
fn grants_take_names_that_sql_has_to_quote() {
    runtime().block_on(async {
        let mut deployment = Deployment::new().await;
        let name = unique();
        deployment.postgres = format!("postgres://it%27s%22{name}@localhost/postgres");
        let config = deployment.config();
        let (owner, schema) = (format!("o'\"{name}"), format!("s'\"{name}"));
        let names = ["--owner", &owner, "--schema", &schema];
        let printed = run(&[
            &["grants", "--config", config.to_str().unwrap()],
            &names[..],
        ]
        .concat());
        let sql = String::from_utf8(printed.stdout).unwrap();
        let server = server().await;
        administer(&server, sql.clone()).await;
        administer(&server, sql).await;
        let known = "SELECT count(*) FROM pg_roles WHERE rolname IN ($1, $2)";
        let role = format!("it's\"{name}");
        let known = server.query_one(known, &[&owner, &role]).await.unwrap();
        let known: i64 = known.get(0);
        assert_eq!(known, 2);

        let same = ["--owner", &format!("it's\"{name}")];
        let same = run(&[&["grants", "--config", config.to_str().unwrap()], &same[..]].concat());
        assert!(
            !same.status.success() && said(&same).contains("--owner"),
            "{same:?}"
        );
    });
}

#[test]
fn a58_fewer_connections_than_are_needed_are_refused() {
    runtime().block_on(async {
        let mut deployment = Deployment::new().await;
        let url = deployment.postgres.clone();
        for (connections, starts) in [(0, false), (7, false), (8, true)] {
            deployment.postgres =
                format!("{url}\"\nmax_connections = {connections}\npooler = \"none");
            let config = deployment.config();
            let checked = run(&["check-config", "--config", config.to_str().unwrap()]);
            let said = said(&checked);
            assert_eq!(checked.status.success(), starts, "{said}");
            assert_eq!(said.contains("has to be at least 8"), !starts, "{said}");
        }
        assert_eq!(
            countersign::store::postgres::MIN_CONNECTIONS,
            countersign::config::PostgresConfig::MIN_CONNECTIONS
        );
    });
}
