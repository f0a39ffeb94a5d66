//! Events of transactions that commit late: the audit chain leaves none of them behind.

use crate::support::stores::{new_schema, postgres_at};
use countersign::ports::AuditChain;
use countersign_domain::audit_event::{ChainHead, StoredAuditEvent};
use countersign_transport::system::{RandomSource, SystemEntropy};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::task::JoinSet;
use tokio_postgres::Client;

const WRITERS: usize = 12;
const TRANSACTIONS: usize = 25;
const TENANTS: u64 = 3;

/// A flaw: no transaction seems to run. Other functions of the server are found behind this one.
const NO_HORIZON: &str =
    "CREATE FUNCTION pg_snapshot_xmin(pg_snapshot) RETURNS xid8 LANGUAGE sql AS
    $$ SELECT '18446744073709551615'::xid8 $$";

async fn sql(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls)
        .await
        .unwrap();
    tokio::runtime::Handle::current().spawn(connection);
    client
}

fn random_below(bound: u64) -> u64 {
    let mut bytes = [0; 8];
    SystemEntropy.fill(&mut bytes);
    u64::from_be_bytes(bytes) % bound
}

/// Transactions that draw their id and position at once, and commit in another order.
async fn write_late(url: String) {
    const EVENT: &str =
        "INSERT INTO events (event_id, tenant_id, subject, kind, caller, at, details, personal)
        VALUES (int4send($1), $2, '', 'SIGN_IN_ALLOWED', 'portal', 0, '', '')";
    let client = sql(&url).await;
    for transaction in 0..TRANSACTIONS {
        client.batch_execute("BEGIN").await.unwrap();
        for _ in 0..=random_below(2) {
            let tenant = format!("tenant-{}", random_below(TENANTS));
            let id = i32::try_from(transaction).unwrap();
            client.execute(EVENT, &[&id, &tenant]).await.unwrap();
            tokio::time::sleep(Duration::from_millis(random_below(12))).await;
        }
        let end = if random_below(8) == 0 {
            "ROLLBACK"
        } else {
            "COMMIT"
        };
        client.batch_execute(end).await.unwrap();
    }
}

/// Two processes chain while others commit, then until nothing is left. How many events are in no chain, or in a wrong
/// place of one.
async fn misplaced(url: &str) -> i64 {
    let (mut writers, mut chaining) = (JoinSet::new(), JoinSet::new());
    for _ in 0..WRITERS {
        writers.spawn(write_late(url.to_owned()));
    }
    for _ in 0..2 {
        let process = Arc::new(postgres_at(url));
        chaining.spawn(async move {
            loop {
                process.seal_events().await.unwrap();
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        });
    }
    while let Some(writer) = writers.join_next().await {
        writer.unwrap();
    }
    chaining.shutdown().await;
    let last = postgres_at(url);
    // Transactions of other tests hold the chain back, too.
    for _ in 0..400 {
        last.seal_events().await.unwrap();
        if last.audit_lag().await.unwrap().is_none() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    differences(&sql(url).await).await
}

/// The chain of each tenant, made again from its events.
async fn differences(client: &Client) -> i64 {
    const EVENTS: &str = "SELECT position, event_id, tenant_id, subject, kind, caller, at, details, personal FROM events
        ORDER BY events.xid, position";
    const HEADS: &str =
        "SELECT DISTINCT ON (tenant_id) tenant_id, last_sequence, hash FROM audit_segments
        ORDER BY tenant_id, number DESC";
    let mut expected: BTreeMap<String, ChainHead> = BTreeMap::new();
    for row in client.query(EVENTS, &[]).await.unwrap() {
        let event = StoredAuditEvent {
            row: row.get(0),
            id: row.get(1),
            tenant: row.get(2),
            subject: row.get(3),
            kind: row.get(4),
            caller: row.get(5),
            at: row.get(6),
            details: row.get(7),
            personal: row.get(8),
        };
        let head = expected.entry(event.tenant.clone());
        let head = head.or_insert(ChainHead::EMPTY);
        *head = head.after(&event);
    }
    assert_eq!(expected.len(), 3);
    let mut differences = 0;
    for row in client.query(HEADS, &[]).await.unwrap() {
        let tenant: String = row.get(0);
        let expected = expected.remove(&tenant).unwrap_or(ChainHead::EMPTY);
        let hash: Vec<u8> = row.get(2);
        let missing = (expected.sequence - row.get::<_, i64>(1)).abs();
        let differs = i64::from(hash != expected.hash);
        differences += missing.max(differs);
    }
    differences + expected.values().map(|head| head.sequence).sum::<i64>()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a67_events_that_commit_late_are_in_the_chain() {
    let url = new_schema().await;
    assert_eq!(misplaced(&url).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a67_a_chain_without_the_xid_horizon_is_caught_control() {
    let url = new_schema().await;
    sql(&url).await.batch_execute(NO_HORIZON).await.unwrap();
    let flawed = format!("{url}%2Cpg_catalog");
    assert!(misplaced(&flawed).await > 0);
}
