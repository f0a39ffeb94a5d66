//! The whole chain: a real `countersign serve`, a real notifier, a mailbox or a phone, and back.

use crate::{
    notifiers::runtime,
    support::{
        Authenticator, Person,
        gateways::{PythonServer, RunningNotifier, TOKEN},
        person::{add_method, attested_at},
        processes::{Deployment, Process, last_step, now},
        service::unique,
    },
};
use countersign_proto::v1::{
    self as pb, DeliveryState, MethodKind, begin_enrollment_request::Method,
};
use serde_json::Value;
use std::{
    fmt::Write,
    time::{Duration, Instant},
};
use tokio::task::JoinSet;
use url::form_urlencoded;

pub(super) const NUMBER: &str = "+4915123456789";

/// A service that delivers through these.
async fn serving(channels: &[(&str, &RunningNotifier)]) -> (Deployment, Process) {
    serving_within(8000, channels).await
}

async fn serving_within(
    millis: u64,
    channels: &[(&str, &RunningNotifier)],
) -> (Deployment, Process) {
    let mut deployment = Deployment::new().await;
    let token = deployment.path("notifier-token");
    std::fs::write(&token, TOKEN).unwrap();
    for (channel, notifier) in channels {
        write!(
            deployment.extra,
            "[notifiers.{channel}]\nendpoints = [{:?}]\ntoken_file = \"{}\"\ndeadline_ms = {millis}\n",
            notifier.process().url(),
            token.display()
        )
        .unwrap();
    }
    let process = deployment.serve();
    (deployment, process)
}

/// Six digits that stand alone.
fn code_in(text: &str) -> String {
    let mut words = text.split(|character: char| !character.is_alphanumeric());
    words
        .find(|word| word.len() == 6 && word.bytes().all(|byte| byte.is_ascii_digit()))
        .unwrap_or_else(|| panic!("no code in {text}"))
        .to_owned()
}

async fn begin(person: &Person, method: Method, kind: MethodKind) -> pb::Challenge {
    let request = person.enrollment_request(method, attested_at(now(), add_method(kind)));
    person
        .begin_enrollment(request)
        .await
        .unwrap()
        .challenge
        .unwrap()
}

#[test]
fn a_code_goes_from_the_service_to_a_mailbox_and_back() {
    runtime().block_on(async {
        let mailbox = PythonServer::mailbox(&[]);
        let notifier = RunningNotifier::smtp(&mailbox, "tls = \"none\"").started();
        let (_deployment, service) = serving(&[("email", &notifier)]).await;
        let jane = Person::new(service.portal(), format!("tenant-{}", unique()), "jane").await;
        let challenge = begin(&jane, Method::Email(pb::EnrollEmail {}), MethodKind::Email).await;
        assert_eq!(challenge.delivery(), DeliveryState::HandedOver);
        let mails = mailbox.heard_at_least(1).await;
        let code = code_in(mails[0]["text"].as_str().unwrap());
        assert!(
            !mails[0]["headers"].to_string().contains(&code),
            "not where a locked screen shows it"
        );
        jane.confirm(&challenge.challenge_id, &code).await;

        // The news of it, and then a code for somebody else.
        let mails = mailbox.heard_at_least(2).await;
        assert_ne!(
            mails[1]["headers"]["Message-ID"],
            mails[0]["headers"]["Message-ID"]
        );
        let john = jane.colleague("john").await;
        let challenge = john.issue_verify_email().await.unwrap();
        let mails = mailbox.heard_at_least(3).await;
        let code = code_in(mails[2]["text"].as_str().unwrap());
        john.approved(&challenge.challenge_id, &code).await;
    });
}

#[test]
fn a_code_goes_from_the_service_to_a_phone_and_back() {
    runtime().block_on(async {
        let gateway = PythonServer::sms_gateway(&[]);
        let url = format!("http://localhost:{}/answer/200/e30=", gateway.port);
        let notifier = RunningNotifier::sms(&format!(
            "url = {url:?}\nform = {{ to = \"{{destination}}\", text = \"{{text}}\" }}\n"
        ))
        .started();
        let (_deployment, service) = serving(&[("sms", &notifier)]).await;
        let jane = Person::new(service.portal(), format!("tenant-{}", unique()), "jane").await;
        let method = Method::Sms(pb::EnrollSms {
            phone_number: NUMBER.to_owned(),
        });
        let challenge = begin(&jane, method, MethodKind::Sms).await;
        assert_eq!(challenge.delivery(), DeliveryState::HandedOver);
        let heard = gateway.heard_at_least(1).await;
        jane.confirm(&challenge.challenge_id, &code_in(&text_of(&heard[0])))
            .await;
    });
}

pub(super) fn text_of(request: &Value) -> String {
    let body = request["body"].as_str().unwrap();
    let mut fields = form_urlencoded::parse(body.as_bytes());
    fields
        .find(|(name, _)| name == "text")
        .unwrap()
        .1
        .into_owned()
}

#[test]
fn what_the_mail_server_says_reaches_the_caller() {
    runtime().block_on(async {
        let mailbox = PythonServer::mailbox(&[]);
        let notifier =
            RunningNotifier::smtp(&mailbox, "tls = \"none\"\ntimeout_ms = 600").started();
        let (_deployment, service) = serving(&[("email", &notifier)]).await;
        for (local, expected) in [
            ("nobody", DeliveryState::Failed),
            ("later", DeliveryState::Failed),
            ("silent", DeliveryState::Unknown),
        ] {
            let tenant = format!("tenant-{}", unique());
            let person = Person::new(service.portal(), tenant, local).await;
            let challenge = begin(
                &person,
                Method::Email(pb::EnrollEmail {}),
                MethodKind::Email,
            )
            .await;
            assert_eq!(challenge.delivery(), expected, "{local}");
        }
    });
}

/// Else whoever has such addresses could keep everybody's mail from being sent.
#[test]
fn a32_addresses_that_the_mail_server_puts_off_keep_nobody_elses_mail_from_being_sent() {
    runtime().block_on(async {
        let mailbox = PythonServer::mailbox(&[]);
        let notifier = RunningNotifier::smtp(&mailbox, "tls = \"none\"").started();
        let (_deployment, service) = serving(&[("email", &notifier)]).await;
        let sent_to = async |local: &str| {
            let tenant = format!("tenant-{}", unique());
            let person = Person::new(service.portal(), tenant, local).await;
            let method = Method::Email(pb::EnrollEmail {});
            begin(&person, method, MethodKind::Email).await.delivery()
        };
        for index in 0..6 {
            let local = ["later", "policy", "unwanted"][index % 3];
            assert_eq!(sent_to(local).await, DeliveryState::Failed);
        }
        assert_eq!(sent_to("jane").await, DeliveryState::HandedOver);
    });
}

/// The notifier hears how long it has, and says in time that nothing went out.
#[test]
fn a32_a_mail_whose_content_never_went_out_has_failed() {
    runtime().block_on(async {
        let mailbox = PythonServer::mailbox(&[]);
        let notifier = RunningNotifier::smtp(&mailbox, "tls = \"none\"").started();
        let (_deployment, service) = serving_within(1000, &[("email", &notifier)]).await;
        let tenant = format!("tenant-{}", unique());
        let person = Person::new(service.portal(), tenant, "slow").await;
        let method = Method::Email(pb::EnrollEmail {});
        let challenge = begin(&person, method, MethodKind::Email).await;
        assert_eq!(challenge.delivery(), DeliveryState::Failed);
    });
}

/// People with an app each, and the key in it.
async fn with_an_app(service: &Process, count: usize) -> Vec<(Person, Authenticator)> {
    let mut people = Vec::new();
    for _ in 0..count {
        let jane = Person::new(service.portal(), format!("tenant-{}", unique()), "jane").await;
        let authorization = attested_at(now(), add_method(MethodKind::Totp));
        let request = jane.enrollment_request(Method::Totp(pb::EnrollTotp {}), authorization);
        let begun = jane.begin_enrollment(request).await.unwrap();
        let app = Authenticator::from_base32(&begun.totp.unwrap().secret);
        let challenge = begun.challenge.unwrap();
        jane.confirm(&challenge.challenge_id, &app.code_at(last_step().await))
            .await;
        people.push((jane, app));
    }
    people
}

/// The middle of how long it takes them to sign in.
#[expect(
    clippy::disallowed_methods,
    reason = "how long something takes is real time"
)]
async fn sign_in(people: &[(Person, Authenticator)]) -> Duration {
    let mut took = Vec::new();
    for (person, app) in people {
        let began = Instant::now();
        let challenge = person.issue().await;
        person
            .approved(&challenge.challenge_id, &app.code_at(now()))
            .await;
        took.push(began.elapsed());
    }
    took.sort();
    took[took.len() / 2]
}

#[test]
fn a32_a_mail_server_that_hangs_leaves_sign_ins_with_an_app_as_fast_as_they_were() {
    runtime().block_on(async {
        let mailbox = PythonServer::mailbox(&[]);
        let notifier =
            RunningNotifier::smtp(&mailbox, "tls = \"none\"\ntimeout_ms = 4000").started();
        let (_deployment, service) = serving(&[("email", &notifier)]).await;
        let people = with_an_app(&service, 18).await;
        let (first, second) = people.split_at(9);
        let before = sign_in(first).await;
        let mut slow = Vec::new();
        for _ in 0..8 {
            let tenant = format!("tenant-{}", unique());
            slow.push(Person::new(service.portal(), tenant, "slow").await);
        }
        let asked = mailbox.heard().len();
        let mut hanging = JoinSet::new();
        for person in slow {
            hanging.spawn(async move { person.issue_verify_email().await.unwrap() });
        }
        mailbox.heard_at_least(asked + 8).await;
        let meanwhile = sign_in(second).await;
        assert!(
            hanging.try_join_next().is_none(),
            "they hang all the while, which took {meanwhile:?} each"
        );
        let bound = before * 3 + Duration::from_millis(50);
        assert!(
            meanwhile < bound,
            "{before:?} before, {meanwhile:?} while it hangs"
        );
        while let Some(challenge) = hanging.join_next().await {
            assert_eq!(challenge.unwrap().delivery(), DeliveryState::Failed);
        }
    });
}
