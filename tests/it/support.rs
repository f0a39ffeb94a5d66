//! What the tests share: a whole service in memory, people who use it, a clock that goes when it is told to.

pub(crate) mod authenticator;
pub(crate) mod backlog;
pub(crate) mod browser;
pub(crate) mod changes;
pub(crate) mod clients;
pub(crate) mod clock;
pub(crate) mod commit_proxy;
pub(crate) mod database;
pub(crate) mod effects;
pub(crate) mod gateways;
pub(crate) mod mutations;
pub(crate) mod notifier;
pub(crate) mod passwords;
pub(crate) mod person;
pub(crate) mod processes;
pub(crate) mod provider;
pub(crate) mod raw;
pub(crate) mod schema;
pub(crate) mod service;
pub(crate) mod sink;
pub(crate) mod sql_proxy;
pub(crate) mod stores;
pub(crate) mod tables;
pub(crate) mod tamper;
pub(crate) mod verdicts;
pub(crate) mod wayward;
pub(crate) mod weak_keys;

pub(crate) use authenticator::Authenticator;
pub(crate) use browser::Browser;
pub(crate) use clients::Clients;
pub(crate) use clock::ManualClock;
pub(crate) use person::{EnrolledApp, Person};
pub(crate) use service::{Builder, Service, on_both_pairs, on_embedded, on_production};
pub(crate) use stores::{Pair, Stores};

use tonic::{Code, Status};
use tonic_types::StatusExt;

/// Runs a test on a runtime of its own. Tasks that hang are left behind.
pub(crate) fn on_a_runtime(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(test);
    runtime.shutdown_background();
}

/// The machine-readable reason of a refusal.
pub(crate) fn reason(status: &Status) -> String {
    status
        .get_details_error_info()
        .map(|info| info.reason)
        .unwrap_or_default()
}

/// The field that a refusal names.
pub(crate) fn field(status: &Status) -> String {
    let violations = status
        .get_details_bad_request()
        .map(|bad| bad.field_violations)
        .unwrap_or_default();
    violations
        .into_iter()
        .map(|violation| violation.field)
        .collect()
}

/// Asserts that a call was refused with this code and reason.
#[track_caller]
pub(crate) fn refused<T: std::fmt::Debug>(
    outcome: Result<T, Status>,
    code: Code,
    why: &str,
) -> Status {
    let status = outcome.expect_err("the call should have been refused");
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (code, why),
        "{status}"
    );
    status
}

/// Asks until the answer is the one that was waited for. What follows an answer comes a moment after it.
pub(crate) async fn until<T>(ask: impl AsyncFn() -> T, is_it: impl Fn(&T) -> bool) -> T {
    for _ in 0..2000 {
        let answer = ask().await;
        if is_it(&answer) {
            return answer;
        }
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    panic!("it never came");
}
