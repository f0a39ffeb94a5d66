//! What holds for a notifier as a process: who may call, health, metrics, bounds, drain.

use crate::{
    notifiers::runtime,
    support::{
        gateways::{PythonServer, RunningNotifier, TOKEN, code},
        processes::run,
        reason,
    },
};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tonic::Code;

const PLAIN: &str = "tls = \"none\"\n";

#[test]
fn a50_a_stranger_sends_nothing() {
    runtime().block_on(async {
        let mailbox = PythonServer::mailbox(&[]);
        let notifier = RunningNotifier::smtp(&mailbox, PLAIN).started();
        for token in ["", "wrong", "csn_a-token-that-only-tests-usE"] {
            let mut client = notifier.client_with(token);
            let status = client
                .deliver(code("k-1", "jane@example.org"))
                .await
                .unwrap_err();
            assert_eq!(
                (status.code(), reason(&status).as_str()),
                (Code::Unauthenticated, "UNKNOWN_CALLER")
            );
        }
        assert!(mailbox.heard().is_empty());
        notifier.taken(code("k-1", "jane@example.org")).await;
    });
}

#[test]
fn a_message_that_is_none_is_refused_by_its_field() {
    runtime().block_on(async {
        let mailbox = PythonServer::mailbox(&[]);
        let notifier = RunningNotifier::smtp(&mailbox, PLAIN).started();
        let mut with_the_code = code("k-1", "jane@example.org");
        "135792 is your code".clone_into(&mut with_the_code.subject);
        let status = notifier.deliver(with_the_code).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(crate::support::field(&status), "subject");
        let mut large = code("k-1", "jane@example.org");
        large.html = "x".repeat(300 * 1024);
        let status = notifier.deliver(large).await.unwrap_err();
        assert_eq!(status.code(), Code::OutOfRange);
        assert!(mailbox.heard().is_empty());
    });
}

#[test]
fn health_and_metrics_need_no_token() {
    runtime().block_on(async {
        let mailbox = PythonServer::mailbox(&[]);
        let notifier = RunningNotifier::smtp(&mailbox, PLAIN).started();
        let healthy = run(&["healthcheck", &notifier.process().url()]);
        assert!(healthy.status.success(), "{healthy:?}");
        notifier.taken(code("k-1", "jane@example.org")).await;
        notifier.taken(code("k-1", "jane@example.org")).await;
        notifier.deliver(code("k-2", "nobody@example.org")).await.unwrap();
        notifier.deliver(code("k-3", "later@example.org")).await.unwrap_err();
        let text = notifier.metrics("/metrics");
        for line in [
            "countersign_notifier_messages_total{kind=\"code\",outcome=\"taken\",reason=\"\"} 1",
            "countersign_notifier_messages_total{kind=\"code\",outcome=\"refused\",reason=\"invalid_destination\"} 1",
            "countersign_notifier_messages_total{kind=\"code\",outcome=\"failed\",reason=\"recipient\"} 1",
            "countersign_notifier_repeats_total 1",
            "countersign_notifier_in_flight 0",
            "countersign_notifier_send_duration_seconds_count 3",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
        assert!(notifier.metrics("/").starts_with("HTTP/1.1 404"));
    });
}

#[expect(clippy::disallowed_methods, reason = "a bound is kept in real time")]
#[test]
fn a32_messages_to_a_server_that_hangs_have_a_bound() {
    runtime().block_on(async {
        let mailbox = PythonServer::mailbox(&[]);
        let mut notifier = RunningNotifier::smtp(
            &mailbox,
            "tls = \"none\"\n[delivery]\nmax_in_flight = 2\n[server]\ndrain_seconds = 1",
        )
        .started();
        let mut hanging = JoinSet::new();
        for place in 0..2 {
            let mut client = notifier.client();
            let request = code(&format!("k-{place}"), "slow@example.org");
            hanging.spawn(async move { client.deliver(request).await });
        }
        mailbox.heard_at_least(2).await;
        let began = Instant::now();
        let status = notifier
            .deliver(code("k-9", "jane@example.org"))
            .await
            .unwrap_err();
        assert_eq!(
            (status.code(), reason(&status).as_str()),
            (Code::ResourceExhausted, "BUSY")
        );
        assert!(began.elapsed() < Duration::from_secs(1));
        let (exit, said) = notifier.stop();
        assert_eq!(exit, Some(0), "{said}");
        assert!(
            began.elapsed() < Duration::from_secs(5),
            "the drain has a bound"
        );
        assert!(said.contains("drain timed out"), "{said}");
    });
}

#[test]
fn what_was_started_is_finished_before_it_ends() {
    runtime().block_on(async {
        let mailbox = PythonServer::mailbox(&[]);
        let mut notifier =
            RunningNotifier::smtp(&mailbox, "tls = \"none\"\ntimeout_ms = 700").started();
        let mut client = notifier.client();
        let request = code("k-1", "silent@example.org");
        let mut hanging = JoinSet::new();
        hanging.spawn(async move { client.deliver(request).await });
        mailbox.heard_at_least(1).await;
        let (exit, said) = notifier.stop();
        assert_eq!(exit, Some(0), "{said}");
        assert!(
            said.contains("drained") && !said.contains("drain timed out"),
            "{said}"
        );
        assert!(
            said.contains("delivery result unknown"),
            "it was noted: {said}"
        );
        let answered = hanging.join_next().await.unwrap().unwrap().unwrap_err();
        assert_eq!(answered.code(), Code::Unknown);
    });
}

#[test]
fn both_keep_to_the_contract() {
    runtime().block_on(async {
        let mailbox = PythonServer::mailbox(&[]);
        let gateway = PythonServer::sms_gateway(&[]);
        let url = format!("http://localhost:{}/answer/200/e30=", gateway.port);
        let shape =
            format!("url = {url:?}\nform = {{ to = \"{{destination}}\", text = \"{{text}}\" }}\n");
        let notifiers = [
            (
                RunningNotifier::smtp(&mailbox, PLAIN).started(),
                "jane@example.org",
            ),
            (RunningNotifier::sms(&shape).started(), "+4915123456789"),
        ];
        for (notifier, destination) in notifiers {
            let token = notifier.folder.path().join("token");
            std::fs::write(&token, TOKEN).unwrap();
            let checked = run(&[
                "notifier-check",
                &notifier.process().address,
                "--token-file",
                token.to_str().unwrap(),
                "--allow-send",
                "--destination",
                destination,
            ]);
            let report = String::from_utf8(checked.stdout).unwrap();
            assert!(checked.status.success(), "{report}");
        }
    });
}
