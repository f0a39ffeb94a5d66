//! A hundred thousand notices are delivered in ten minutes.

use crate::{
    long_runs::{Stopwatch, on_a_runtime},
    support::{Pair, backlog, sink::Sink},
};
use countersign_domain::value::destination::Channel::Email;
use std::{sync::Arc, time::Duration};

const USERS: usize = 10_000;
const NOTICES_EACH: usize = 10;
const LIMIT: Duration = Duration::from_mins(10);

async fn drain(pair: Pair) {
    let watch = Stopwatch::start();
    let backlog = backlog::queue(pair, USERS, NOTICES_EACH, &[Email]).await;
    watch.print(&format!("{pair:?}, queued"), USERS * NOTICES_EACH);
    let sink = Arc::new(Sink::default());
    let mut service = backlog.service;
    service.notifier = Some(Arc::clone(&sink) as _);
    let watch = Stopwatch::start();
    let service = service.start();
    while sink.seen().keys.len() < USERS * NOTICES_EACH {
        assert!(watch.elapsed() < LIMIT, "{} came", sink.seen().keys.len());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    watch.print(&format!("{pair:?}, delivered"), USERS * NOTICES_EACH);
    service.stop().await;
    let seen = sink.seen();
    println!("{pair:?}, at once: {}", seen.most);
    let mut keys = seen.keys.clone();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), USERS * NOTICES_EACH);
    assert_eq!(seen.keys.len(), keys.len(), "some came twice");
}

#[test]
#[ignore = "long: make test-all"]
fn sqlite_delivers_a_hundred_thousand_notices_in_ten_minutes() {
    on_a_runtime(drain(Pair::Embedded));
}

#[test]
#[ignore = "long: make test-all"]
fn postgresql_delivers_a_hundred_thousand_notices_in_ten_minutes() {
    on_a_runtime(drain(Pair::MemoryAndPostgres));
}
