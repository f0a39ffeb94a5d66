//! `countersign notifier smtp` and a real mail server.

use crate::{
    notifiers::runtime,
    support::{
        gateways::{PythonServer, RunningNotifier, certificate, code, notice},
        reason,
    },
};
use countersign_proto::notifier::{RefusalReason, deliver_response::Outcome};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tonic::Code;

const PLAIN: &str = "tls = \"none\"\n";

#[test]
fn a_mail_arrives_as_text_and_as_html() {
    runtime().block_on(async {
        let mailbox = PythonServer::mailbox(&[]);
        let notifier =
            RunningNotifier::smtp(&mailbox, "tls = \"none\"\nreply_to = \"help@example.com\"")
                .started();
        let id = notifier.taken(code("k-1", "jane@example.org")).await;
        assert_eq!(id, "4F0C21A", "the id under which the server queued it");
        let mail = mailbox.heard_at_least(1).await.remove(0);
        assert_eq!(mail["sender"], "no-reply@example.com");
        assert_eq!(mail["to"], serde_json::json!(["jane@example.org"]));
        assert_eq!(
            mail["text"].as_str().unwrap().trim(),
            "Your code is 135792. Do not share it."
        );
        assert_eq!(
            mail["html"].as_str().unwrap().trim(),
            "<p>Your code is <b>135792</b>.</p>"
        );
        let headers = &mail["headers"];
        assert_eq!(headers["From"], "Acme <no-reply@example.com>");
        assert_eq!(headers["Reply-To"], "help@example.com");
        assert_eq!(headers["Subject"], "Your code");
        assert_eq!(headers["Auto-Submitted"], "auto-generated");
        assert!(!headers.to_string().contains("135792"), "{headers}");
        let message_id = headers["Message-ID"].as_str().unwrap();
        assert!(message_id.ends_with("@example.com>") && !message_id.contains("k-1"));
    });
}

#[test]
fn it_logs_in_over_starttls_and_uses_a_connection_again() {
    runtime().block_on(async {
        let folder = TempDir::new().unwrap();
        let (cert, key) = certificate(folder.path());
        let (cert_file, key) = (cert.to_str().unwrap(), key.to_str().unwrap());
        let mailbox =
            PythonServer::mailbox(&["--cert", cert_file, "--key", key, "--password", "pass word"]);
        let password = folder.path().join("password");
        std::fs::write(&password, "pass word\n").unwrap();
        let login = format!("user = \"acme\"\npassword_file = {password:?}");
        let notifier = RunningNotifier::smtp(&mailbox, &login)
            .trusting(&cert)
            .started();
        notifier.taken(code("k-1", "jane@example.org")).await;
        notifier.taken(code("k-2", "jane@example.org")).await;
        let refused = notifier
            .deliver(code("k-3", "nobody@example.org"))
            .await
            .unwrap();
        assert!(matches!(refused, Outcome::Refused(_)));
        notifier.taken(code("k-4", "jane@example.org")).await;
        let mails = mailbox.heard_at_least(3).await;
        for mail in &mails {
            assert_eq!(
                (mail["encrypted"].as_bool(), mail["user"].as_str()),
                (Some(true), Some("acme"))
            );
            assert_eq!(mail["peer"], mails[0]["peer"], "one connection");
        }
        assert!(!notifier.keeps("pass word"));
    });
}

#[test]
fn it_speaks_tls_from_the_first_byte_where_it_is_told_to() {
    runtime().block_on(async {
        let folder = TempDir::new().unwrap();
        let (cert, key) = certificate(folder.path());
        let (cert_file, key) = (cert.to_str().unwrap(), key.to_str().unwrap());
        let mailbox = PythonServer::mailbox(&["--cert", cert_file, "--key", key, "--implicit"]);
        let notifier = RunningNotifier::smtp(&mailbox, "tls = \"implicit\"")
            .trusting(&cert)
            .started();
        notifier.taken(code("k-1", "jane@example.org")).await;
        let stranger = RunningNotifier::smtp(&mailbox, "tls = \"implicit\"").started();
        let status = stranger
            .deliver(code("k-2", "jane@example.org"))
            .await
            .unwrap_err();
        assert_eq!(
            (status.code(), reason(&status).as_str()),
            (Code::Unavailable, "NOT_TAKEN")
        );
        assert_eq!(
            mailbox.heard().len(),
            1,
            "a certificate that nobody vouches for"
        );
    });
}

#[test]
fn nothing_goes_out_in_plaintext_where_the_server_has_no_starttls() {
    runtime().block_on(async {
        let mailbox = PythonServer::mailbox(&[]);
        let notifier = RunningNotifier::smtp(&mailbox, "").started();
        let status = notifier
            .deliver(code("k-1", "jane@example.org"))
            .await
            .unwrap_err();
        assert_eq!(status.code(), Code::Unavailable);
        assert!(mailbox.heard().is_empty());
    });
}

#[test]
fn a_wrong_password_is_no_address_error() {
    runtime().block_on(async {
        let mailbox = PythonServer::mailbox(&["--password", "right"]);
        let folder = TempDir::new().unwrap();
        let password = folder.path().join("password");
        std::fs::write(&password, "wrong").unwrap();
        let login = format!("tls = \"none\"\nuser = \"acme\"\npassword_file = {password:?}");
        let notifier = RunningNotifier::smtp(&mailbox, &login).started();
        let status = notifier
            .deliver(code("k-1", "jane@example.org"))
            .await
            .unwrap_err();
        assert_eq!(status.code(), Code::Unavailable);
        assert!(status.message().contains("login"), "{status}");
    });
}

#[test]
fn what_the_server_says_is_told_as_it_is() {
    runtime().block_on(async {
        let mailbox = PythonServer::mailbox(&[]);
        let notifier = RunningNotifier::smtp(&mailbox, PLAIN).started();
        for destination in ["nobody@example.org", "no address", "+4915123456789@"] {
            let request = code(&format!("k-{}", destination.len()), destination);
            let outcome = notifier
                .deliver(countersign_proto::notifier::DeliverRequest {
                    channel: 2,
                    ..request
                })
                .await;
            let Outcome::Refused(refused) = outcome.unwrap() else {
                panic!("{destination}")
            };
            assert_eq!(refused.reason(), RefusalReason::InvalidDestination);
        }
        for local in ["later", "policy", "unwanted"] {
            let request = code(&format!("k-{local}"), &format!("{local}@example.org"));
            let status = notifier.deliver(request.clone()).await.unwrap_err();
            assert_eq!(status.code(), Code::ResourceExhausted, "{local}");
            assert_eq!(reason(&status), "NOT_TAKEN", "{local}");
            let again = notifier.deliver(request).await.unwrap_err();
            assert_eq!(
                again.code(),
                Code::ResourceExhausted,
                "{local}, tried again"
            );
        }
        let by_text = notifier
            .deliver(code("k-sms", "+4915123456789"))
            .await
            .unwrap();
        let Outcome::Refused(refused) = by_text else {
            panic!("{by_text:?}")
        };
        assert_eq!(refused.reason(), RefusalReason::NotServed);
        assert!(mailbox.heard().is_empty());
        assert!(
            !notifier.keeps("nobody@example.org"),
            "the server's words have the address"
        );
    });
}

#[test]
fn a_server_that_can_not_be_reached_took_nothing() {
    runtime().block_on(async {
        let mailbox = PythonServer::mailbox(&[]);
        let notifier = RunningNotifier::smtp(&mailbox, PLAIN).started();
        drop(mailbox);
        let status = notifier
            .deliver(code("k-1", "jane@example.org"))
            .await
            .unwrap_err();
        assert_eq!(
            (status.code(), reason(&status).as_str()),
            (Code::Unavailable, "NOT_TAKEN")
        );
    });
}

#[expect(clippy::disallowed_methods, reason = "a deadline is kept in real time")]
#[test]
fn a32_a_server_that_hangs_is_given_up_on_and_took_nothing_before_the_content() {
    runtime().block_on(async {
        let mailbox = PythonServer::mailbox(&[]);
        let notifier =
            RunningNotifier::smtp(&mailbox, "tls = \"none\"\ntimeout_ms = 600").started();
        let began = Instant::now();
        let slow = notifier
            .deliver(code("k-1", "slow@example.org"))
            .await
            .unwrap_err();
        assert_eq!(
            (slow.code(), reason(&slow).as_str()),
            (Code::Unavailable, "NOT_TAKEN")
        );
        let silent = notifier
            .deliver(code("k-2", "silent@example.org"))
            .await
            .unwrap_err();
        assert_eq!(
            (silent.code(), reason(&silent).as_str()),
            (Code::Unknown, "IN_DOUBT")
        );
        assert!(
            began.elapsed() < Duration::from_secs(3),
            "{:?}",
            began.elapsed()
        );
        let again = notifier
            .deliver(code("k-2", "silent@example.org"))
            .await
            .unwrap_err();
        assert_eq!(again.code(), Code::Unknown, "a code is not sent twice");
        notifier
            .deliver(notice("k-3", "silent@example.org"))
            .await
            .unwrap_err();
        notifier
            .deliver(notice("k-3", "silent@example.org"))
            .await
            .unwrap_err();
        let heard = mailbox.heard();
        let mails: Vec<_> = heard
            .iter()
            .filter(|mail| mail["sender"].is_string())
            .collect();
        assert_eq!(mails.len(), 3, "a code once, a notice twice: {mails:?}");
        assert_eq!(
            mails[1]["headers"]["Message-ID"],
            mails[2]["headers"]["Message-ID"]
        );
        notifier.taken(code("k-4", "jane@example.org")).await;
    });
}

#[expect(clippy::disallowed_methods, reason = "a deadline is kept in real time")]
#[test]
fn what_is_not_started_at_the_callers_deadline_is_not_sent_later() {
    runtime().block_on(async {
        let mailbox = PythonServer::mailbox(&[]);
        let notifier = RunningNotifier::smtp(&mailbox, PLAIN).started();
        let mut request = tonic::Request::new(code("k-1", "slow@example.org"));
        request.set_timeout(Duration::from_millis(400));
        let began = Instant::now();
        let status = notifier.client().deliver(request).await.unwrap_err();
        assert!(
            [Code::DeadlineExceeded, Code::Cancelled, Code::Unavailable].contains(&status.code()),
            "{status}"
        );
        assert!(began.elapsed() < Duration::from_secs(2));
        // It is noted as not taken, so that it may be tried again.
        let noted = async || notifier.process().said().contains("message not accepted");
        crate::support::until(noted, |noted| *noted).await;
        assert!(
            began.elapsed() < Duration::from_secs(2),
            "not the eight seconds that the server may take"
        );
    });
}

#[test]
fn a_call_in_a_hurry_does_not_hurry_those_who_wait_with_it() {
    runtime().block_on(async {
        let mailbox = PythonServer::mailbox(&[]);
        let notifier = RunningNotifier::smtp(&mailbox, PLAIN).started();
        for place in 0..20 {
            let request = code(&format!("k-{place}"), "jane@example.org");
            let mut hurried = tonic::Request::new(request.clone());
            hurried.set_timeout(Duration::from_millis(place));
            let _either = notifier.client().deliver(hurried).await;
            notifier.taken(request).await;
        }
        assert_eq!(mailbox.heard_at_least(20).await.len(), 20, "each once");
    });
}
