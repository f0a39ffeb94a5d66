//! `AccountStore::seal_events`: each committed event has one place in the chain of its tenant.

use crate::{
    contract::accounts::{START, on_each, random, random_subject, seal_until},
    support::schema::{ROUTES, Route, Schema},
};
use countersign::ports::{AccountStore, AuditChain, AuditLag};
use countersign_domain::{
    audit_event::{AuditDetails, AuditEvent, AuditEventKind, ChainHead, StoredAuditEvent},
    authorization::caller::CallerName,
    value::{
        id::{Subject, SubjectTag},
        secret::SealedBytes,
    },
};
use tokio_postgres::Client;

async fn record(accounts: &dyn AccountStore, (subject, tag): &(Subject, SubjectTag)) {
    let event = AuditEvent {
        id: random(),
        tenant: subject.tenant.clone(),
        subject: *tag,
        kind: AuditEventKind::SignInAllowed,
        caller: CallerName::new("portal"),
        at: START,
        details: AuditDetails::none(),
        personal: SealedBytes::from_bytes(vec![3]),
    };
    accounts.record(&event).await.unwrap();
}

/// The chain of a tenant, made from its events in an order.
async fn chain_of(client: &Client, tenant: &str, order: &str) -> ChainHead {
    let sql = format!(
        "SELECT position, event_id, subject, kind, caller, at, details, personal FROM events
         WHERE tenant_id = $1 ORDER BY {order}"
    );
    let rows = client.query(&sql, &[&tenant]).await.unwrap();
    rows.iter().fold(ChainHead::EMPTY, |head, row| {
        head.after(&StoredAuditEvent {
            row: row.get(0),
            id: row.get(1),
            tenant: tenant.to_owned(),
            subject: row.get(2),
            kind: row.get(3),
            caller: row.get(4),
            at: row.get(5),
            details: row.get(6),
            personal: row.get(7),
        })
    })
}

async fn head_of(client: &Client, tenant: &str) -> ChainHead {
    let sql = "SELECT last_sequence, hash FROM audit_segments WHERE tenant_id = $1 ORDER BY number DESC LIMIT 1";
    let row = client.query_one(sql, &[&tenant]).await.unwrap();
    let hash: Vec<u8> = row.get(1);
    ChainHead {
        sequence: row.get(0),
        hash: hash.try_into().unwrap(),
    }
}

/// Segments follow each other without a gap.
async fn assert_whole(client: &Client, tenant: &str) {
    let sql =
        "SELECT number, first_sequence, last_sequence, previous_hash, hash FROM audit_segments
        WHERE tenant_id = $1 ORDER BY number";
    let (mut number, mut sequence, mut hash) = (0_i64, 0_i64, vec![0_u8; 32]);
    for row in client.query(sql, &[&tenant]).await.unwrap() {
        assert_eq!(row.get::<_, i64>(0), number + 1);
        assert_eq!(row.get::<_, i64>(1), sequence + 1);
        assert_eq!(row.get::<_, Vec<u8>>(3), hash);
        (number, sequence, hash) = (row.get(0), row.get(2), row.get(4));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_commits_late_is_not_left_out() {
    for route in ROUTES {
        commit_late(route).await;
    }
}

async fn commit_late(route: Route) {
    let schema = Schema::new(route).await;
    let accounts = schema.accounts();
    let (client, connection) = tokio_postgres::connect(&schema.url, tokio_postgres::NoTls)
        .await
        .unwrap();
    tokio::runtime::Handle::current().spawn(connection);
    let users = [random_subject(), random_subject()];
    for user in [0, 1, 0, 0, 1] {
        record(&accounts, &users[user]).await;
    }
    client.batch_execute("BEGIN").await.unwrap();
    let late =
        "INSERT INTO events (event_id, tenant_id, subject, kind, caller, at, details, personal)
        VALUES ('late', $1, '', 'SIGN_IN_ALLOWED', 'portal', 0, '', '')";
    let tenant = users[0].0.tenant.as_str();
    client.execute(late, &[&tenant]).await.unwrap();
    for user in [0, 1] {
        record(&accounts, &users[user]).await;
    }
    sealed(&accounts, 5).await;
    assert_eq!(accounts.seal_events().await.unwrap(), 0);
    client.batch_execute("COMMIT").await.unwrap();
    sealed(&accounts, 3).await;
    for (subject, _) in &users {
        let tenant = subject.tenant.as_str();
        let expected = chain_of(&client, tenant, "events.xid, position").await;
        assert_eq!(head_of(&client, tenant).await, expected);
        assert_whole(&client, tenant).await;
    }
}

async fn sealed(accounts: &dyn AccountStore, count: u64) {
    assert_eq!(seal_until(accounts, count).await, count);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_chain_goes_on_after_a_restore_into_another_cluster() {
    for route in ROUTES {
        restore_into_another_cluster(route).await;
    }
}

async fn restore_into_another_cluster(route: Route) {
    let schema = Schema::new(route).await;
    let accounts = schema.accounts();
    let (client, connection) = tokio_postgres::connect(&schema.url, tokio_postgres::NoTls)
        .await
        .unwrap();
    tokio::runtime::Handle::current().spawn(connection);
    let user = random_subject();
    for _ in 0..3 {
        record(&accounts, &user).await;
    }
    sealed(&accounts, 3).await;
    record(&accounts, &user).await;
    // As if all of it came from a cluster whose transaction ids were far ahead.
    let restored = "UPDATE events SET xid = (1000000000000 + position)::text::xid8;
        UPDATE audit_cursor SET system_identifier = 1, xid = '1000000000003'";
    client.batch_execute(restored).await.unwrap();
    record(&accounts, &user).await;
    sealed(&accounts, 2).await;
    record(&accounts, &user).await;
    sealed(&accounts, 1).await;
    let tenant = user.0.tenant.as_str();
    let expected = chain_of(&client, tenant, "position").await;
    assert_eq!(head_of(&client, tenant).await, expected);
    assert_eq!(expected.sequence, 6);
    assert_whole(&client, tenant).await;
}

#[test]
fn the_lag_is_the_first_event_that_is_in_no_chain() {
    on_each(async |accounts| {
        assert_eq!(accounts.audit_lag().await.unwrap(), None);
        let user = random_subject();
        for _ in 0..3 {
            record(&*accounts, &user).await;
        }
        let behind = AuditLag {
            oldest_at: START,
            waiting_events: 3,
        };
        assert_eq!(accounts.audit_lag().await.unwrap(), Some(behind));
        sealed(&*accounts, 3).await;
        assert_eq!(accounts.audit_lag().await.unwrap(), None);
    });
}
