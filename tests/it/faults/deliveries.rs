//! Deliveries of notices: many at once on each channel, in order for each user, and each channel apart from the other.

use crate::{
    faults::notices::on_a_runtime,
    support::{
        Pair, Service, Stores,
        backlog::{self, Backlog},
        sink::Sink,
        until,
    },
};
use countersign::ports::NoticeFilter;
use countersign_domain::value::{
    destination::{
        Channel,
        Channel::{Email, Sms},
    },
    id::NoticeId,
};
use std::sync::Arc;

const BOTH: [Channel; 2] = [Sms, Email];

fn start(backlog: Backlog, sink: &Arc<Sink>) -> Service {
    let mut service = backlog.service;
    service.notifier = Some(Arc::clone(sink) as _);
    service.start()
}

async fn until_nothing_waits(stores: &Stores) {
    let waiting = async || stores.accounts.waiting_notices(NoticeFilter::All, 0).await;
    for _ in 0..20 {
        if waiting().await.unwrap().is_empty() {
            return;
        }
        drop(
            tokio::time::timeout(
                std::time::Duration::from_secs(5),
                until(waiting, is_drained),
            )
            .await,
        );
    }
    panic!("notices are left");
}

fn is_drained(
    waiting: &countersign::ports::StoreResult<Vec<countersign::ports::WaitingNotice>>,
) -> bool {
    waiting.as_ref().is_ok_and(Vec::is_empty)
}

/// Every notice came once, and those of a user and channel in their order.
fn assert_in_order(sink: &Sink, queues: &[Vec<NoticeId>]) {
    let keys = &sink.seen().keys;
    let place = |id: &NoticeId| {
        let key = format!("{id}-");
        let mut places = keys
            .iter()
            .enumerate()
            .filter(|(_, seen)| seen.starts_with(&key));
        let (place, _) = places.next().unwrap();
        assert!(places.next().is_none(), "{key} came twice");
        place
    };
    for queue in queues {
        let places: Vec<usize> = queue.iter().map(place).collect();
        assert!(places.is_sorted(), "{places:?}");
    }
    let expected: usize = queues.iter().map(Vec::len).sum();
    assert_eq!(keys.len(), expected);
}

#[test]
fn every_notice_arrives_once_and_in_the_order_of_its_user() {
    for (pair, processes) in [(Pair::Embedded, 1), (Pair::MemoryAndPostgres, 2)] {
        on_a_runtime(async {
            let backlog = backlog::queue(pair, 100, 5, &[Email]).await;
            let users = backlog.users.clone();
            let sink = Arc::new(Sink::default());
            let first = start(backlog, &sink);
            let mut services = vec![first];
            for _ in 1..processes {
                let mut twin = services[0].twin_builder();
                twin.notifier = Some(Arc::clone(&sink) as _);
                services.push(twin.start());
            }
            until_nothing_waits(&services[0].stores).await;
            for service in services {
                service.stop().await;
            }
            assert_in_order(&sink, &users);
            let most = sink.seen().most;
            assert!(most > 1, "one after the other");
            assert!(most <= 64 * processes, "{most} at once");
        });
    }
}

#[test]
fn sixty_four_notices_of_a_channel_are_on_their_way_at_once() {
    on_a_runtime(async {
        let backlog = backlog::queue(Pair::Embedded, 80, 2, &BOTH).await;
        let sink = Arc::new(Sink::hanging(&[Sms]));
        let service = start(backlog, &sink);
        // The hanging channel is full, and holds up no other.
        until(async || sink.on_their_way(Sms), |count| *count == 64).await;
        until(async || sink.seen().keys.len(), |count| *count == 64 + 160).await;
        sink.release();
        until_nothing_waits(&service.stores).await;
        service.stop().await;
        let seen = sink.seen();
        assert_eq!((seen.most, seen.keys.len()), (64, 320));
    });
}

#[test]
fn a_delivery_that_hangs_holds_up_no_other_user() {
    on_a_runtime(async {
        let first = backlog::queue(Pair::Embedded, 1, 2, &[Sms]).await;
        let sink = Arc::new(Sink::hanging(&[Sms]));
        let service = start(first, &sink);
        until(async || sink.on_their_way(Sms), |count| *count == 1).await;
        let john = service.person().await;
        john.enroll_app(&service).await;
        until(async || sink.seen().keys.len(), |count| *count == 2).await;
        assert_eq!(
            sink.on_their_way(Sms),
            1,
            "the second one of its user waits"
        );
        sink.release();
        until_nothing_waits(&service.stores).await;
        service.stop().await;
        assert_eq!(sink.seen().keys.len(), 3);
    });
}

/// Its lease runs out and is renewed: nobody is told twice.
#[test]
fn a_delivery_that_outlasts_its_lease_is_not_started_again() {
    on_a_runtime(async {
        let backlog = backlog::queue(Pair::Embedded, 1, 1, &[Sms]).await;
        let sink = Arc::new(Sink::hanging(&[Sms]));
        let service = start(backlog, &sink);
        until(async || sink.on_their_way(Sms), |count| *count == 1).await;
        service.advance(120);
        let accounts = &service.stores.accounts;
        let attempts = async || {
            let waiting = accounts
                .waiting_notices(NoticeFilter::All, 0)
                .await
                .unwrap();
            waiting[0].attempts
        };
        until(attempts, |attempts| *attempts == 2).await;
        sink.release();
        until_nothing_waits(&service.stores).await;
        service.stop().await;
        assert_eq!(sink.seen().keys.len(), 1);
    });
}

#[test]
fn the_drain_records_every_delivery_that_has_started() {
    on_a_runtime(async {
        let backlog = backlog::queue(Pair::Embedded, 80, 1, &[Sms]).await;
        let sink = Arc::new(Sink::hanging(&[Sms]));
        let service = start(backlog, &sink);
        let stores = service.stores.clone();
        until(async || sink.on_their_way(Sms), |count| *count == 64).await;
        tokio::join!(service.stop(), async { sink.release() });
        let waiting = stores.accounts.waiting_notices(NoticeFilter::All, 0).await;
        let waiting = waiting.unwrap();
        let mut keys = sink.seen().keys.clone();
        keys.sort_unstable();
        keys.dedup();
        // One that ended before the worker heard of the stop made room for another.
        assert!(keys.len() >= 64, "{}", keys.len());
        let attempts: Vec<u32> = waiting.iter().map(|notice| notice.attempts).collect();
        assert_eq!(attempts, vec![0; 80 - keys.len()]);
        assert_eq!(sink.seen().keys.len(), keys.len(), "some came twice");
    });
}
