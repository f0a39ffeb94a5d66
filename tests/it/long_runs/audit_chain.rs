//! The audit chain keeps up with at least 5,000 events a second.

use crate::{
    contract::accounts::{START, random, random_subject},
    long_runs::{Stopwatch, on_a_runtime},
    support::{
        Builder, Pair, Stores,
        stores::{new_schema, postgres_at},
    },
};
use countersign::ports::{AccountStore, AuditLag};
use countersign_domain::{
    audit_event::{AuditDetails, AuditEvent, AuditEventKind},
    authorization::caller::CallerName,
    value::secret::SealedBytes,
};
use std::{sync::Arc, time::Duration};
use tokio::task::JoinSet;

const RATE: usize = 5_500;
const SECONDS: usize = 60;
/// How many events a lane of verdicts commits at once.
const BATCH: usize = 50;
const TENANTS: usize = 40;

/// Beside the worker of a service, events are appended at a steady rate; at the end, the chain is not far behind.
async fn keeps_up(stores: Stores, name: &str, append: impl AsyncFn(usize)) {
    let accounts = Arc::clone(&stores.accounts);
    let service = Builder::new(stores).start();
    let watch = Stopwatch::start();
    let mut appended = 0;
    let mut worst = 0;
    while appended < RATE * SECONDS {
        append(appended).await;
        appended += BATCH;
        let due = Duration::from_micros(u64::try_from(appended * 1_000_000 / RATE).unwrap());
        tokio::time::sleep(due.saturating_sub(watch.elapsed())).await;
        if appended.is_multiple_of(RATE) {
            worst = worst.max(waiting(&*accounts).await);
        }
    }
    watch.print(&format!("{name}, appended"), appended);
    let left = waiting(&*accounts).await;
    println!("{name}, behind the chain: at most {worst}, at the end {left}");
    assert!(
        watch.elapsed() < Duration::from_secs(66),
        "appended too slowly"
    );
    let few = u64::try_from(4 * RATE).unwrap();
    assert!(worst < few, "the chain falls behind");
    service.stop().await;
}

async fn waiting(accounts: &dyn AccountStore) -> u64 {
    let lag: Option<AuditLag> = accounts.audit_lag().await.unwrap();
    lag.map_or(0, |lag| lag.waiting_events)
}

#[test]
#[ignore = "long: make test-all"]
fn postgresql_chains_5000_events_a_second() {
    on_a_runtime(async {
        let url = new_schema().await;
        let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls)
            .await
            .unwrap();
        tokio::runtime::Handle::current().spawn(connection);
        let mut stores = Stores::of(Pair::Embedded).await;
        stores.accounts = Arc::new(postgres_at(&url));
        let append = "INSERT INTO events (event_id, tenant_id, subject, kind, caller, at, details, personal)
            SELECT int8send(n), 'tenant-' || n % $3, int8send(n), 'CHALLENGE_APPROVED', 'portal', $4,
                'challenge=01234567-0123-0123-0123-0123456789ab answered_by=TOTP purpose=SIGN_IN', int8send(n)
            FROM generate_series($1::bigint, $1 + $2 - 1) n";
        let append = client.prepare(append).await.unwrap();
        let [batch, tenants] = [BATCH, TENANTS].map(|count| i64::try_from(count).unwrap());
        keeps_up(stores, "PostgreSQL", async |from| {
            let from = i64::try_from(from).unwrap();
            let values: [&(dyn tokio_postgres::types::ToSql + Sync); 4] =
                [&from, &batch, &tenants, &START.millis()];
            client.execute(&append, &values).await.unwrap();
        })
        .await;
    });
}

#[test]
#[ignore = "long: make test-all"]
fn sqlite_chains_5000_events_a_second() {
    on_a_runtime(async {
        let stores = Stores::of(Pair::Embedded).await;
        let accounts = Arc::clone(&stores.accounts);
        let tenants: Vec<_> = std::iter::repeat_with(random_subject)
            .take(TENANTS)
            .collect();
        let tenants = Arc::new(tenants);
        keeps_up(stores, "SQLite", async |from| {
            let mut events = JoinSet::new();
            for place in from..from + BATCH {
                let (accounts, tenants) = (Arc::clone(&accounts), Arc::clone(&tenants));
                events.spawn(async move {
                    let (subject, tag) = &tenants[place % TENANTS];
                    let event = AuditEvent {
                        id: random(),
                        tenant: subject.tenant.clone(),
                        subject: *tag,
                        kind: AuditEventKind::ChallengeApproved,
                        caller: CallerName::new("portal"),
                        at: START,
                        details: AuditDetails::none(),
                        personal: SealedBytes::from_bytes(vec![3; 40]),
                    };
                    accounts.record(&event).await.unwrap();
                });
            }
            events.join_all().await;
        })
        .await;
    });
}
