//! At most once per idempotency key, whoever calls and whatever dies.

use crate::{
    notifiers::runtime,
    support::{
        gateways::{PythonServer, RunningNotifier, code, notice},
        refused,
        tables::open_sqlite,
    },
};
use countersign_proto::notifier::DeliverRequest;
use tokio::task::JoinSet;
use tonic::Code;

const PLAIN: &str = "tls = \"none\"\n";

async fn at_once(notifier: &RunningNotifier, requests: Vec<DeliverRequest>) {
    let mut calls = JoinSet::new();
    for request in requests {
        let mut client = notifier.client();
        calls.spawn(async move { client.deliver(request).await });
    }
    while let Some(answer) = calls.join_next().await {
        answer.unwrap().unwrap();
    }
}

#[test]
fn a32_calls_with_one_key_at_once_are_one_message() {
    runtime().block_on(async {
        let mailbox = PythonServer::mailbox(&[]);
        let notifier = RunningNotifier::smtp(&mailbox, PLAIN).started();
        at_once(&notifier, vec![code("k-1", "jane@example.org"); 32]).await;
        at_once(&notifier, vec![code("k-1", "jane@example.org"); 8]).await;
        notifier.taken(code("k-2", "jane@example.org")).await;
        assert_eq!(mailbox.heard_at_least(2).await.len(), 2);
    });
}

#[test]
fn a32_calls_with_keys_of_their_own_are_as_many_messages_control() {
    runtime().block_on(async {
        let mailbox = PythonServer::mailbox(&[]);
        let notifier = RunningNotifier::smtp(&mailbox, PLAIN).started();
        let requests = (0..32).map(|place| code(&format!("k-{place}"), "jane@example.org"));
        at_once(&notifier, requests.collect()).await;
        assert_eq!(mailbox.heard_at_least(32).await.len(), 32);
    });
}

#[test]
fn another_message_under_the_same_key_is_refused() {
    runtime().block_on(async {
        let mailbox = PythonServer::mailbox(&[]);
        let notifier = RunningNotifier::smtp(&mailbox, PLAIN).started();
        notifier.taken(code("k-1", "jane@example.org")).await;
        let status = notifier
            .deliver(code("k-1", "john@example.org"))
            .await
            .unwrap_err();
        assert_eq!(status.code(), Code::AlreadyExists);
        let notice = notice("k-1", "jane@example.org");
        let status = notifier.deliver(notice).await.unwrap_err();
        assert_eq!(status.code(), Code::AlreadyExists);
        let reworded = DeliverRequest {
            text: "the same in other words".to_owned(),
            ..code("k-1", "jane@example.org")
        };
        notifier.taken(reworded).await;
        assert_eq!(mailbox.heard().len(), 1);
    });
}

#[test]
fn a32_what_became_of_a_message_outlives_a_kill() {
    runtime().block_on(async {
        let mailbox = PythonServer::mailbox(&[]);
        let mut notifier = RunningNotifier::smtp(&mailbox, PLAIN).started();
        let id = notifier.taken(code("k-1", "jane@example.org")).await;
        notifier.kill();
        notifier.start();
        assert_eq!(notifier.taken(code("k-1", "jane@example.org")).await, id);
        assert_eq!(mailbox.heard().len(), 1);
    });
}

#[test]
fn a32_after_a_kill_in_the_middle_a_code_is_not_sent_twice_and_a_notice_not_lost() {
    runtime().block_on(async {
        let mailbox = PythonServer::mailbox(&[]);
        let mut notifier = RunningNotifier::smtp(&mailbox, PLAIN).started();
        let mut hanging = JoinSet::new();
        for request in [
            code("k-1", "silent@example.org"),
            notice("k-2", "silent@example.org"),
        ] {
            let mut client = notifier.client();
            hanging.spawn(async move { client.deliver(request).await });
        }
        mailbox.heard_at_least(2).await;
        notifier.kill();
        while let Some(answer) = hanging.join_next().await {
            answer.unwrap().unwrap_err();
        }
        notifier.start();
        let status = notifier
            .deliver(code("k-1", "silent@example.org"))
            .await
            .unwrap_err();
        assert_eq!(
            status.code(),
            Code::Unknown,
            "nobody knows whether it arrived"
        );
        let mut client = notifier.client();
        hanging.spawn(async move { client.deliver(notice("k-2", "silent@example.org")).await });
        let mails = mailbox.heard_at_least(3).await;
        let ids: Vec<&str> = mails
            .iter()
            .filter(|mail| mail["text"].as_str().unwrap().contains("added"))
            .map(|mail| mail["headers"]["Message-ID"].as_str().unwrap())
            .collect();
        assert_eq!(ids.len(), 2, "the notice, twice: {mails:?}");
        assert_eq!(ids[0], ids[1]);
    });
}

#[test]
fn a32_while_the_idempotency_store_is_held_or_the_disk_full_nothing_is_sent_and_then_once() {
    runtime().block_on(async {
        let mailbox = PythonServer::mailbox(&[]);
        let notifier = RunningNotifier::smtp(&mailbox, PLAIN).started_on_limited_disk();
        notifier.taken(code("k-0", "jane@example.org")).await;
        let nothing_is_sent = async || {
            let mut calls = JoinSet::new();
            for key in ["k-1", "k-2"] {
                let mut client = notifier.client();
                calls.spawn(async move { client.deliver(code(key, "jane@example.org")).await });
            }
            for outcome in calls.join_all().await {
                refused(outcome, Code::Unavailable, "IDEMPOTENCY_STORE_UNAVAILABLE");
            }
            assert_eq!(mailbox.heard().len(), 1);
        };

        let other = open_sqlite(&notifier.idempotency_store());
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        nothing_is_sent().await;
        other.execute_batch("ROLLBACK").unwrap();
        notifier.process().limit_file_size(Some(0));
        nothing_is_sent().await;
        notifier.process().limit_file_size(None);

        for key in ["k-1", "k-2", "k-1", "k-2"] {
            notifier.taken(code(key, "jane@example.org")).await;
        }
        assert_eq!(mailbox.heard_at_least(3).await.len(), 3);
        let metrics = notifier.metrics("/metrics");
        assert!(
            metrics.contains("idempotency_store_failures_total 4"),
            "{metrics}"
        );
    });
}

#[test]
fn a32_a_code_whose_outcome_could_not_be_noted_is_not_sent_twice_also_after_a_kill() {
    runtime().block_on(async {
        let mailbox = PythonServer::mailbox(&[]);
        let mut notifier = RunningNotifier::smtp(&mailbox, PLAIN).started();
        let change = |statements: &str| {
            let idempotency_store = open_sqlite(&notifier.idempotency_store());
            idempotency_store.execute_batch(statements).unwrap();
        };
        change(
            "CREATE TRIGGER full BEFORE UPDATE ON messages BEGIN SELECT RAISE(ABORT, 'full'); END",
        );
        notifier.taken(code("k-1", "jane@example.org")).await;
        change("DROP TRIGGER full");
        for _ in 0..2 {
            let again = notifier.deliver(code("k-1", "jane@example.org")).await;
            refused(again, Code::Unknown, "IN_DOUBT");
            notifier.kill();
            notifier.start();
        }
        assert_eq!(mailbox.heard().len(), 1);
    });
}

#[test]
fn a43_neither_idempotency_store_nor_log_has_anything_of_a_message() {
    runtime().block_on(async {
        let mailbox = PythonServer::mailbox(&[]);
        let mut notifier = RunningNotifier::smtp(&mailbox, PLAIN).started();
        notifier.taken(code("k-1", "jane.canary@example.org")).await;
        for local in ["nobody", "later", "policy", "unwanted"] {
            let request = code(
                &format!("k-{local}"),
                &format!("{local}.canary@example.org"),
            );
            let _whatever = notifier.deliver(request).await;
            let request = code(&format!("l-{local}"), &format!("{local}@example.org"));
            let _whatever = notifier.deliver(request).await;
        }
        let (_, said) = notifier.stop();
        assert!(
            said.contains("k-nobody"),
            "its key is what a message is found by: {said}"
        );
        for secret in [
            "canary",
            "jane",
            "example.org",
            "135792",
            "Do not share",
            super::super::support::gateways::TOKEN,
        ] {
            assert!(
                !notifier.keeps(secret) && !said.contains(secret),
                "{secret} in {said}"
            );
        }
    });
}

#[test]
fn a43_what_is_kept_would_be_found_control() {
    runtime().block_on(async {
        let mailbox = PythonServer::mailbox(&[]);
        let notifier = RunningNotifier::smtp(&mailbox, PLAIN).started();
        let id = notifier.taken(code("k-1", "jane@example.org")).await;
        assert!(
            notifier.keeps(&id),
            "the provider's id is in the idempotency store"
        );
    });
}
