//! What users, events and open challenges weigh in PostgreSQL and Redis: the figures of `docs/sizing.md`.

use crate::{
    long_runs::{Stopwatch, on_a_runtime},
    support::{
        Browser, Builder, EnrolledApp, Pair, Person, Service, Stores,
        person::{add_method, wrong},
        service::unique,
        stores::{new_schema, postgres_at, setting},
        tables::postgres_session,
    },
};
use countersign_domain::policy::PolicyOverride;
use countersign_proto::v1 as pb;
use std::{collections::BTreeSet, sync::Arc};
use tokio_postgres::Client;

/// How many users share a tenant.
const TENANT_USERS: usize = 100;

/// How often each user signs in with a code once everything is enrolled.
const SIGN_INS: usize = 5;

/// What a user has beside recovery codes.
#[derive(Debug, Clone, Copy)]
struct SizeUse {
    name: &'static str,
    users: usize,
    apps: usize,
    devices: usize,
    groups: usize,
    recovery_codes: u8,
}

const TYPICAL: SizeUse = SizeUse {
    name: "typical",
    users: 400,
    apps: 1,
    devices: 3,
    groups: 5,
    recovery_codes: 10,
};

/// As much as one user can have.
const HEAVY: SizeUse = SizeUse {
    name: "heavy",
    users: 40,
    apps: 9,
    devices: 20,
    groups: 100,
    recovery_codes: 32,
};

async fn measure(size: SizeUse) {
    let url = new_schema().await;
    let session = postgres_session(&url).await;
    let mut stores = Stores::of(Pair::Production).await;
    stores.accounts = Arc::new(postgres_at(&url));
    let mut service = Builder::new(stores);
    service.service_layer = PolicyOverride {
        recovery_codes: Some(size.recovery_codes),
        ..PolicyOverride::default()
    };
    let service = service.start();
    let watch = Stopwatch::start();
    let mut users: Vec<(Person, EnrolledApp)> = Vec::new();
    for number in 0..size.users {
        let person = match users.last() {
            Some((colleague, _)) if !number.is_multiple_of(TENANT_USERS) => {
                colleague.colleague(&user_id()).await
            }
            _ => Person::new(service.portal(), format!("tenant-{}", unique()), &user_id()).await,
        };
        let app = equip(&service, &person, size).await;
        users.push((person, app));
    }
    watch.print(size.name, size.users);
    record_verdict_of(&service).await;
    print_tables(&session, size, "enrolled").await;
    let before = events(&session).await;
    for _ in 0..SIGN_INS {
        for (person, app) in &users {
            Browser::new().sign_in(&service, person, app).await;
        }
    }
    record_verdict_of(&service).await;
    print_tables(&session, size, "after five sign-ins each").await;
    let added = events(&session).await - before;
    println!("events of {} sign-ins: {added}", SIGN_INS * size.users);
    measure_redis(&service, &users).await;
    service.stop().await;
}

/// An id as callers often use them: 36 characters.
fn user_id() -> String {
    format!("{}-{}-99", unique(), unique())
}

async fn equip(service: &Service, person: &Person, size: SizeUse) -> EnrolledApp {
    let groups = (0..size.groups).map(|number| format!("group-{number}"));
    let profile = pb::Profile {
        locale: "de-DE".to_owned(),
        groups: Some(pb::Groups {
            names: groups.collect(),
        }),
        ..person.get().await.unwrap().profile.unwrap()
    };
    person.upsert(profile).await.unwrap();
    let app = person.enroll_app(service).await;
    let step_up = async |kind| person.step_up(service, &app, add_method(kind)).await;
    person
        .enroll_email(step_up(pb::MethodKind::Email).await)
        .await;
    for _ in 1..size.apps {
        let proof = step_up(pb::MethodKind::Totp).await;
        person.enroll_app_with(service, proof).await;
    }
    for _ in 0..size.devices {
        let browser = Browser::new();
        browser.sign_in_and_trust(service, person, &app).await;
    }
    app
}

/// Until nothing is on its way: neither notices nor events that are not chained yet.
async fn record_verdict_of(service: &Service) {
    service.wait_for_notices().await;
    while service.stores.accounts.audit_lag().await.unwrap().is_some() {
        service.stores.accounts.seal_events().await.unwrap();
    }
}

async fn events(session: &Client) -> i64 {
    let count = "SELECT count(*) FROM events";
    session.query_one(count, &[]).await.unwrap().get(0)
}

/// The bytes of each table and index, by row of the table.
async fn print_tables(session: &Client, size: SizeUse, when: &str) {
    const RELATIONS: &str = "SELECT t.relname, i.relname, pg_table_size(t.oid), pg_relation_size(i.oid)
        FROM pg_class t JOIN pg_index x ON x.indrelid = t.oid JOIN pg_class i ON i.oid = x.indexrelid
        WHERE t.relnamespace = current_schema()::regnamespace ORDER BY t.relname, i.relname";
    const RECORD: &str = "SELECT avg(octet_length(record))::bigint, avg(octet_length(profile))::bigint FROM accounts";
    session.batch_execute("VACUUM ANALYZE").await.unwrap();
    println!("{}, {} users, {when}: bytes a row", size.name, size.users);
    for row in session.query(RELATIONS, &[]).await.unwrap() {
        let (table, index): (String, String) = (row.get(0), row.get(1));
        let count = format!("SELECT count(*) FROM {table}");
        let rows: i64 = session.query_one(&count, &[]).await.unwrap().get(0);
        if rows > 1 {
            let (table_bytes, index_bytes): (i64, i64) = (row.get(2), row.get(3));
            let (table_bytes, index_bytes) = (table_bytes / rows, index_bytes / rows);
            println!("  {table:<20} {rows:>7} rows {table_bytes:>6}  {index:<32} {index_bytes:>6}");
        }
    }
    let row = session.query_one(RECORD, &[]).await.unwrap();
    let (record, profile): (i64, i64) = (row.get(0), row.get(1));
    println!("  a record has {record} bytes, a profile {profile}");
}

/// The bytes of Redis with one live challenge of each user, then with one wrong code each, then with one e-mailed code.
async fn measure_redis(service: &Service, users: &[(Person, EnrolledApp)]) {
    let client = redis::Client::open(setting("TEST_COUNTERSIGN_REDIS")).unwrap();
    let mut redis = client.get_multiplexed_async_connection().await.unwrap();
    let users = &users[..users.len().min(100)];
    // What was open before is over.
    service.advance(24 * 3600 + 600);
    redis::cmd("FLUSHALL")
        .query_async::<()>(&mut redis)
        .await
        .unwrap();
    let mut challenges = Vec::new();
    for (person, _) in users {
        challenges.push(person.issue().await.challenge_id);
    }
    print_keys(&mut redis, "a live challenge for an app", users.len()).await;
    for ((person, app), challenge) in users.iter().zip(&challenges) {
        let code = wrong(&app.app.code_at(service.seconds()));
        person.rejected(challenge, &code).await;
    }
    print_keys(&mut redis, "and a wrong code", users.len()).await;
    redis::cmd("FLUSHALL")
        .query_async::<()>(&mut redis)
        .await
        .unwrap();
    for (person, _) in users {
        let methods = person.settings().await.methods;
        let email = methods
            .iter()
            .find(|method| method.kind() == pb::MethodKind::Email);
        person.issue_for(&email.unwrap().method_id).await.unwrap();
    }
    print_keys(
        &mut redis,
        "a live challenge with an e-mailed code",
        users.len(),
    )
    .await;
}

async fn print_keys(redis: &mut redis::aio::MultiplexedConnection, what: &str, users: usize) {
    let keys: BTreeSet<Vec<u8>> = redis::cmd("KEYS")
        .arg("*")
        .query_async(redis)
        .await
        .unwrap();
    let mut bytes = 0;
    for key in &keys {
        let usage: usize = redis::cmd("MEMORY")
            .arg("USAGE")
            .arg(key)
            .arg("SAMPLES")
            .arg(0)
            .query_async(redis)
            .await
            .unwrap();
        bytes += usage;
    }
    let keys = keys.len();
    println!(
        "{what}: {} bytes, {keys} keys of {users} users",
        bytes / users
    );
}

#[test]
#[ignore = "long: make test-all"]
fn what_typical_users_weigh() {
    on_a_runtime(measure(TYPICAL));
}

#[test]
#[ignore = "long: make test-all"]
fn what_heavy_users_weigh() {
    on_a_runtime(measure(HEAVY));
}
