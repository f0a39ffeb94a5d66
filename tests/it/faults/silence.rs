//! A53: a PostgreSQL that takes connections and never answers hangs no call, and uses up no place of the pool.

use crate::{
    contract::accounts::{new_user, random_subject},
    faults::proxy::Proxy,
    support::stores::{direct, new_schema, postgres_with},
};
use countersign::{
    ports::{AccountLookup, AccountStore, AuditChain},
    store::postgres::{ConnectionSettings, PostgresAccounts, ServerAddress},
};
use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{task::JoinSet, time::timeout};

const STATEMENT: Duration = Duration::from_secs(1);
const CONNECTIONS: u32 = 3;

/// For a connection, for the statement, and for slow machines.
const BOUND: Duration = Duration::from_secs(3 + 2 + 2);

struct Cut {
    proxy: Proxy,
    accounts: Arc<PostgresAccounts>,
}

impl Cut {
    async fn off() -> Self {
        let url = new_schema().await;
        let port = ServerAddress::parse(&url).unwrap().ports[0];
        let proxy = Proxy::to(SocketAddr::from(([127, 0, 0, 1], port))).await;
        let url = url.replace(&format!(":{port}/"), &format!(":{}/", proxy.port));
        let accounts = postgres_with(&ConnectionSettings {
            max_connections: CONNECTIONS,
            statement_timeout: STATEMENT,
            ..direct(&url)
        });
        Self {
            proxy,
            accounts: Arc::new(accounts),
        }
    }

    /// Calls of each kind, more than there are connections.
    fn calls(&self) -> JoinSet<bool> {
        let mut calls = JoinSet::new();
        for _ in 0..CONNECTIONS {
            let (subject, tag) = random_subject();
            let change = new_user(&subject, tag);
            let accounts = Arc::clone(&self.accounts);
            calls.spawn(async move {
                accounts
                    .load(&subject, AccountLookup::default())
                    .await
                    .is_ok()
            });
            let accounts = Arc::clone(&self.accounts);
            calls.spawn(async move { accounts.commit(&change).await.is_ok() });
            let accounts = Arc::clone(&self.accounts);
            calls.spawn(async move { accounts.seal_events().await.is_ok() });
            let accounts = Arc::clone(&self.accounts);
            calls.spawn(async move { accounts.clock().await.is_ok() });
        }
        calls
    }
}

fn on_a_runtime(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
        .block_on(test);
}

async fn all_fail_in_time(calls: JoinSet<bool>) {
    let outcomes = timeout(BOUND, calls.join_all())
        .await
        .expect("a call hangs");
    assert!(outcomes.iter().all(|answered| !answered), "{outcomes:?}");
}

async fn all_are_answered(calls: JoinSet<bool>) {
    let outcomes = timeout(BOUND, calls.join_all())
        .await
        .expect("a call hangs");
    assert!(outcomes.iter().all(|answered| *answered), "{outcomes:?}");
}

#[test]
fn a53_a_postgres_that_falls_silent_hangs_no_call() {
    on_a_runtime(async {
        let cut = Cut::off().await;
        all_are_answered(cut.calls()).await;
        cut.proxy.fall_silent();
        all_fail_in_time(cut.calls()).await;
        all_fail_in_time(cut.calls()).await;
    });
}

#[test]
fn a53_connections_that_fell_silent_are_not_used_again() {
    on_a_runtime(async {
        let cut = Cut::off().await;
        all_are_answered(cut.calls()).await;
        cut.proxy.fall_silent();
        all_fail_in_time(cut.calls()).await;
        cut.proxy.open_again();
        let began = now();
        while cut.accounts.clock().await.is_err() {
            assert!(began.elapsed() < Duration::from_secs(5));
        }
        all_are_answered(cut.calls()).await;
    });
}

/// Connections that were idle, and are silent without anybody having noticed.
#[test]
fn a53_idle_connections_that_fell_silent_are_replaced() {
    on_a_runtime(async {
        let cut = Cut::off().await;
        all_are_answered(cut.calls()).await;
        cut.proxy.open_again();
        tokio::time::sleep(Duration::from_millis(1200)).await;
        all_are_answered(cut.calls()).await;
    });
}

#[test]
fn a53_a_call_that_is_given_up_on_keeps_no_connection() {
    on_a_runtime(async {
        let cut = Cut::off().await;
        all_are_answered(cut.calls()).await;
        cut.proxy.fall_silent();
        let given_up = Duration::from_millis(50);
        for _ in 0..CONNECTIONS {
            assert!(timeout(given_up, cut.accounts.clock()).await.is_err());
        }
        cut.proxy.open_again();
        let began = now();
        while cut.accounts.clock().await.is_err() {
            assert!(began.elapsed() < Duration::from_secs(5));
        }
        all_are_answered(cut.calls()).await;
    });
}

#[expect(clippy::disallowed_methods, reason = "waits are measured in real time")]
fn now() -> Instant {
    Instant::now()
}
