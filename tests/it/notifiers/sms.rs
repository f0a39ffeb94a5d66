//! `countersign notifier sms` and a real HTTP server.

use crate::{
    notifiers::runtime,
    support::{
        gateways::{PythonServer, RunningNotifier, certificate, code, notice},
        reason,
    },
};
use countersign_proto::notifier::{RefusalReason, deliver_response::Outcome};
use data_encoding::BASE64URL;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tonic::Code;
use url::form_urlencoded;

const NUMBER: &str = "+4915123456789";

/// An address that answers like this.
fn answering(gateway: &PythonServer, status: u16, body: &Value) -> String {
    let body = BASE64URL.encode(body.to_string().as_bytes());
    format!("http://localhost:{}/answer/{status}/{body}", gateway.port)
}

/// The simplest configuration.
fn plain(url: &str) -> String {
    format!("url = {url:?}\nform = {{ to = \"{{destination}}\", text = \"{{text}}\" }}\n")
}

fn form(request: &Value) -> BTreeMap<String, String> {
    let body = request["body"].as_str().unwrap();
    form_urlencoded::parse(body.as_bytes())
        .into_owned()
        .collect()
}

#[test]
fn a_gateway_that_takes_a_form_and_a_password_is_asked_in_its_shape() {
    runtime().block_on(async {
        let gateway = PythonServer::sms_gateway(&[]);
        let url = answering(&gateway, 201, &json!({"sid": "SM1"}));
        let folder = TempDir::new().unwrap();
        let password = folder.path().join("password");
        std::fs::write(&password, "s3cret\n").unwrap();
        let notifier = RunningNotifier::sms(&format!(
            "preset = \"twilio\"\nurl = {url:?}\nsender = \"+15005550006\"\nbasic_auth = {{ user = \"AC1\" }}\n\
             secrets = {{ password = {password:?} }}\n"
        ))
        .started();
        assert_eq!(notifier.taken(code("k-1", NUMBER)).await, "SM1");
        let request = gateway.heard_at_least(1).await.remove(0);
        assert_eq!(request["method"], "POST");
        let basic = data_encoding::BASE64.encode(b"AC1:s3cret");
        assert_eq!(request["headers"]["authorization"], format!("Basic {basic}"));
        let form = form(&request);
        assert_eq!(form["To"], NUMBER);
        assert_eq!(form["From"], "+15005550006");
        assert_eq!(form["Body"], "Your code is 135792. Do not share it.");
        for secret in ["s3cret", &basic, NUMBER, "135792", "4915123456789"] {
            assert!(!notifier.keeps(secret), "{secret}");
        }
    });
}

#[test]
fn a_gateway_that_takes_json_and_a_key_is_asked_in_its_shape() {
    runtime().block_on(async {
        let gateway = PythonServer::sms_gateway(&[]);
        let url = answering(&gateway, 201, &json!({"id": "m-1"}));
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("key");
        std::fs::write(&file, "s3cret").unwrap();
        let notifier = RunningNotifier::sms(&format!(
            "preset = \"messagebird\"\nurl = {url:?}\nsender = \"Acme\"\nsecrets = {{ access_key = {file:?} }}\n"
        ))
        .started();
        let mut request = code("k-1", NUMBER);
        request.text = "Your \"code\" is {key} \u{4f60}\u{597d}\n135792".to_owned();
        assert_eq!(notifier.taken(request).await, "m-1");
        let request = gateway.heard_at_least(1).await.remove(0);
        assert_eq!(request["headers"]["authorization"], "AccessKey s3cret");
        assert_eq!(request["headers"]["content-type"], "application/json");
        let body: Value = serde_json::from_str(request["body"].as_str().unwrap()).unwrap();
        assert_eq!(
            body,
            json!({
                "originator": "Acme", "recipients": ["4915123456789"], "datacoding": "auto", "reference": "k-1",
                "body": "Your \"code\" is {key} \u{4f60}\u{597d}\n135792",
            })
        );
    });
}

#[test]
fn get_puts_the_form_into_the_query() {
    runtime().block_on(async {
        let gateway = PythonServer::sms_gateway(&[]);
        let url = answering(&gateway, 200, &json!({}));
        let notifier =
            RunningNotifier::sms(&format!("method = \"GET\"\n{}", plain(&url))).started();
        notifier.taken(code("k-1", NUMBER)).await;
        let request = gateway.heard_at_least(1).await.remove(0);
        let path = request["path"].as_str().unwrap();
        assert_eq!(request["method"], "GET");
        assert!(
            path.contains("to=%2B4915123456789") && path.contains("text=Your+code"),
            "{path}"
        );
    });
}

#[test]
fn answers_are_read_as_they_are_configured() {
    runtime().block_on(async {
        let gateway = PythonServer::sms_gateway(&[]);
        let tests = "[gateway.success]\npointer = \"/status\"\nequals = [\"0\"]\n\
                     [[gateway.refusals]]\npointer = \"/status\"\nequals = [\"7\"]\nreason = \"OPTED_OUT\"\n";
        let told = async |status: u16, body: Value| {
            let url = answering(&gateway, status, &body);
            let notifier = RunningNotifier::sms(&format!("{}{tests}", plain(&url))).started();
            notifier.deliver(code("k-1", NUMBER)).await
        };
        assert!(matches!(told(200, json!({"status": "0"})).await, Ok(Outcome::Accepted(_))));
        let Ok(Outcome::Refused(refused)) = told(200, json!({"status": 7})).await else {
            panic!("it should be refused")
        };
        assert_eq!(refused.reason(), RefusalReason::OptedOut);
        for (status, body, code) in [
            (200, json!({"status": "1"}), Code::ResourceExhausted),
            (400, json!({}), Code::ResourceExhausted),
            (200, json!("nonsense"), Code::Unknown),
            (401, json!({}), Code::Unavailable),
            (429, json!({}), Code::Unavailable),
            (500, json!({}), Code::Unknown),
            (503, json!({}), Code::Unavailable),
        ] {
            assert_eq!(told(status, body).await.unwrap_err().code(), code, "{status}");
        }
    });
}

#[test]
fn a_redirect_is_not_followed() {
    runtime().block_on(async {
        let gateway = PythonServer::sms_gateway(&[]);
        let url = format!("http://localhost:{}/redirect", gateway.port);
        let notifier = RunningNotifier::sms(&plain(&url)).started();
        let status = notifier.deliver(code("k-1", NUMBER)).await.unwrap_err();
        assert_eq!(
            (status.code(), reason(&status).as_str()),
            (Code::Unavailable, "NOT_TAKEN")
        );
        assert!(status.message().contains("redirect"), "{status}");
        let heard = gateway.heard_at_least(1).await;
        assert_eq!(heard.len(), 1, "nobody else heard it: {heard:?}");
    });
}

#[expect(clippy::disallowed_methods, reason = "a deadline is kept in real time")]
#[test]
fn a32_a_gateway_that_hangs_or_hangs_up_leaves_open_what_happened() {
    runtime().block_on(async {
        let gateway = PythonServer::sms_gateway(&[]);
        for how in ["hang", "close"] {
            let url = format!("http://localhost:{}/{how}", gateway.port);
            let before = gateway.heard().len();
            let notifier =
                RunningNotifier::sms(&format!("timeout_ms = 500\n{}", plain(&url))).started();
            let began = Instant::now();
            for _ in 0..2 {
                let status = notifier.deliver(code("k-1", NUMBER)).await.unwrap_err();
                assert_eq!(
                    (status.code(), reason(&status).as_str()),
                    (Code::Unknown, "IN_DOUBT"),
                    "{how}"
                );
            }
            assert_eq!(
                gateway.heard_at_least(before + 1).await.len(),
                before + 1,
                "{how}: a code once"
            );
            for _ in 0..2 {
                notifier.deliver(notice("k-2", NUMBER)).await.unwrap_err();
            }
            assert_eq!(
                gateway.heard_at_least(before + 3).await.len(),
                before + 3,
                "{how}: a notice again"
            );
            assert!(began.elapsed() < Duration::from_secs(5));
        }
    });
}

#[test]
fn a_gateway_that_can_not_be_reached_took_nothing() {
    runtime().block_on(async {
        let gateway = PythonServer::sms_gateway(&[]);
        let url = answering(&gateway, 200, &json!({}));
        drop(gateway);
        let notifier = RunningNotifier::sms(&plain(&url)).started();
        let status = notifier.deliver(code("k-1", NUMBER)).await.unwrap_err();
        assert_eq!(
            (status.code(), reason(&status).as_str()),
            (Code::Unavailable, "NOT_TAKEN")
        );
    });
}

#[test]
fn a_certificate_has_to_be_vouched_for() {
    runtime().block_on(async {
        let folder = TempDir::new().unwrap();
        let (cert, key) = certificate(folder.path());
        let gateway = PythonServer::sms_gateway(&[cert.to_str().unwrap(), key.to_str().unwrap()]);
        let url = answering(&gateway, 200, &json!({})).replace("http://", "https://");
        let trusting = RunningNotifier::sms(&plain(&url)).trusting(&cert).started();
        trusting.taken(code("k-1", NUMBER)).await;
        let other = TempDir::new().unwrap();
        let (other, _) = certificate(other.path());
        let stranger = RunningNotifier::sms(&plain(&url))
            .trusting(&other)
            .started();
        let status = stranger.deliver(code("k-2", NUMBER)).await.unwrap_err();
        assert_eq!(status.code(), Code::Unavailable);
        assert_eq!(gateway.heard().len(), 1);
    });
}

#[test]
fn what_is_no_number_is_refused() {
    runtime().block_on(async {
        let gateway = PythonServer::sms_gateway(&[]);
        let url = answering(&gateway, 200, &json!({}));
        let notifier = RunningNotifier::sms(&plain(&url)).started();
        for number in [
            "+49",
            "+49151234567890123",
            "+4915123a56789",
            "+4915123456789,+4915123456780",
        ] {
            let outcome = notifier.deliver(code(number, number)).await.unwrap();
            let Outcome::Refused(refused) = outcome else {
                panic!("{number}")
            };
            assert_eq!(refused.reason(), RefusalReason::InvalidDestination);
        }
        assert!(gateway.heard().is_empty());
    });
}
