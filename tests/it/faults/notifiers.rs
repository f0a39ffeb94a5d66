//! A32: notifiers that are slow, lying or dead.

use crate::support::{
    Builder, Pair, Person, Service, Stores,
    notifier::{DeliveryBehavior, TestNotifier},
    person::add_method,
    refused,
};
use countersign::{
    config::{EndpointConfig, NotifierConfig, NotifiersConfig},
    notify::{client::NotifierClient, texts::MessageTexts},
};
use countersign_proto::v1::{
    self as pb, DeliveryState, MethodKind, begin_enrollment_request::Method,
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tonic::Code;

const NUMBER: &str = "+4915123456789";
const DEADLINE: Duration = Duration::from_millis(600);

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

/// A service that delivers to these notifiers, in this order.
async fn delivering_to(notifiers: &[&TestNotifier]) -> Service {
    with_config(NotifierConfig {
        endpoints: notifiers
            .iter()
            .map(|notifier| EndpointConfig::at(&notifier.url))
            .collect(),
        ..config()
    })
    .await
}

fn config() -> NotifierConfig {
    NotifierConfig {
        deadline_ms: u64::try_from(DEADLINE.as_millis()).unwrap(),
        ..NotifierConfig::default()
    }
}

async fn with_config(config: NotifierConfig) -> Service {
    let client = NotifierClient::new(
        &NotifiersConfig {
            sms: config.clone(),
            email: config,
        },
        Arc::new(MessageTexts::built_in()),
    )
    .unwrap();
    let mut builder = Builder::new(Stores::of(Pair::Embedded).await);
    builder.notifier = Some(Arc::new(client));
    builder.start()
}

async fn begin(service: &Service, jane: &Person) -> pb::Challenge {
    let method = Method::Sms(pb::EnrollSms {
        phone_number: NUMBER.to_owned(),
    });
    let authorization = jane.attested(service, add_method(MethodKind::Sms));
    let request = jane.enrollment_request(method, authorization);
    jane.begin_enrollment(request)
        .await
        .unwrap()
        .challenge
        .unwrap()
}

#[expect(clippy::disallowed_methods, reason = "a deadline is kept in real time")]
async fn within_the_deadline<T>(call: impl Future<Output = T>) -> T {
    let began = Instant::now();
    let answer = call.await;
    assert!(began.elapsed() < DEADLINE * 2, "{:?}", began.elapsed());
    answer
}

#[test]
fn a_code_reaches_its_person_through_a_notifier() {
    runtime().block_on(async {
        let notifier = TestNotifier::start(DeliveryBehavior::Takes).await;
        let service = delivering_to(&[&notifier]).await;
        let jane = service.person().await;
        let challenge = begin(&service, &jane).await;
        assert_eq!(challenge.delivery(), DeliveryState::HandedOver);
        let message = notifier.messages().remove(0);
        assert_eq!(
            (message.destination.as_str(), message.tenant_id.as_str()),
            (NUMBER, jane.tenant_id.as_str())
        );
        assert_eq!(
            (message.display_name, message.channel),
            (jane.tenant_id.clone(), 1)
        );
        assert!(
            !message.idempotency_key.is_empty()
                && message.text.contains(&notifier.last_code(NUMBER).unwrap())
        );
        jane.confirm(
            &challenge.challenge_id,
            &notifier.last_code(NUMBER).unwrap(),
        )
        .await;
        service.app.deliver_due_notices().await.unwrap();
        crate::support::until(async || notifier.messages().len(), |count| *count == 3).await;
    });
}

#[test]
fn a_dead_notifier_is_passed_over_with_the_same_key() {
    runtime().block_on(async {
        let (dead, live) = (
            TestNotifier::start(DeliveryBehavior::Errs).await,
            TestNotifier::start(DeliveryBehavior::Takes).await,
        );
        let service = delivering_to(&[&dead, &live]).await;
        let jane = service.person().await;
        let challenge = within_the_deadline(begin(&service, &jane)).await;
        assert_eq!(challenge.delivery(), DeliveryState::HandedOver);
        assert_eq!(
            dead.messages()[0].idempotency_key,
            live.messages()[0].idempotency_key
        );
        dead.die();
        service.advance(30);
        let resent = within_the_deadline(jane.resend(&challenge.challenge_id))
            .await
            .unwrap();
        assert_eq!(resent.delivery(), DeliveryState::HandedOver);
        assert_ne!(
            live.messages()[0].idempotency_key,
            live.messages()[1].idempotency_key,
            "another message"
        );
    });
}

#[test]
fn a_hanging_notifier_is_given_up_on_within_the_deadline() {
    runtime().block_on(async {
        let (hanging, live) = (
            TestNotifier::start(DeliveryBehavior::Hangs).await,
            TestNotifier::start(DeliveryBehavior::Takes).await,
        );
        let service = delivering_to(&[&hanging, &live]).await;
        let jane = service.person().await;
        let challenge = within_the_deadline(begin(&service, &jane)).await;
        assert_eq!(challenge.delivery(), DeliveryState::HandedOver);
        live.behave(DeliveryBehavior::Hangs);
        service.advance(30);
        let unknown = within_the_deadline(jane.resend(&challenge.challenge_id))
            .await
            .unwrap();
        assert_eq!(unknown.delivery(), DeliveryState::Unknown, "it may arrive");
    });
}

#[test]
fn what_a_notifier_says_is_told_as_it_is() {
    runtime().block_on(async {
        let notifier = TestNotifier::start(DeliveryBehavior::Takes).await;
        let service = delivering_to(&[&notifier]).await;
        let told = [
            (DeliveryBehavior::Refuses, DeliveryState::Failed),
            (DeliveryBehavior::Errs, DeliveryState::Failed),
            (DeliveryBehavior::CallsItInvalid, DeliveryState::Failed),
            (DeliveryBehavior::SaysNothing, DeliveryState::Unknown),
            (DeliveryBehavior::TakesAndErrs, DeliveryState::Unknown),
            (DeliveryBehavior::Hangs, DeliveryState::Unknown),
        ];
        for (behavior, expected) in told {
            notifier.behave(behavior);
            let jane = service.person().await;
            let challenge = begin(&service, &jane).await;
            assert_eq!(challenge.delivery(), expected, "{behavior:?}");
            service.advance(24 * 60 * 60);
        }
    });
}

#[test]
fn a_failed_message_starts_no_wait_but_stays_charged() {
    runtime().block_on(async {
        let notifier = TestNotifier::start(DeliveryBehavior::Errs).await;
        let service = delivering_to(&[&notifier]).await;
        let jane = service.person().await;
        let challenge = begin(&service, &jane).await;
        assert_eq!(challenge.delivery(), DeliveryState::Failed);
        notifier.behave(DeliveryBehavior::Takes);
        let resent = jane
            .resend(&challenge.challenge_id)
            .await
            .expect("no wait after a failure");
        assert_eq!(resent.delivery(), DeliveryState::HandedOver);
        service.advance(30);
        jane.resend(&challenge.challenge_id).await.unwrap();
        service.advance(60);
        refused(
            jane.resend(&challenge.challenge_id).await,
            Code::ResourceExhausted,
            "TOO_MANY_SENDS",
        );
    });
}

#[test]
fn a_hanging_notifier_holds_up_nothing_but_its_messages() {
    runtime().block_on(async {
        let notifier = TestNotifier::start(DeliveryBehavior::Takes).await;
        let full = NotifierConfig {
            endpoints: vec![EndpointConfig::at(&notifier.url)],
            max_in_flight: 1,
            deadline_ms: 5000,
            ..config()
        };
        let service = with_config(full).await;
        let jane = service.person().await;
        let app = jane.enroll_app(&service).await;
        let john = jane.colleague("john").await;
        let jim = jane.colleague("jim").await;
        // The news of the app has left before the notifier hangs. Text messages have a bulkhead of their own.
        crate::support::until(async || notifier.messages().len(), |count| *count == 1).await;
        notifier.behave(DeliveryBehavior::Hangs);
        let by_text = |person: &Person, number: &str| {
            let method = Method::Sms(pb::EnrollSms {
                phone_number: number.to_owned(),
            });
            person.enrollment_request(
                method,
                person.attested(&service, add_method(MethodKind::Sms)),
            )
        };
        let request = by_text(&john, NUMBER);
        let mut waiting = tokio::task::JoinSet::new();
        waiting.spawn(async move { john.begin_enrollment(request).await });
        crate::support::until(async || notifier.messages().len(), |count| *count == 2).await;

        within_the_deadline(jane.sign_in(&service, &app)).await;
        let request = by_text(&jim, "+4915123456780");
        let challenge = within_the_deadline(jim.begin_enrollment(request))
            .await
            .unwrap()
            .challenge
            .unwrap();
        assert_eq!(
            challenge.delivery(),
            DeliveryState::Failed,
            "the bulkhead is full"
        );
    });
}

#[test]
fn a_notifier_hears_the_token_and_the_trace() {
    runtime().block_on(async {
        let notifier = TestNotifier::start(DeliveryBehavior::Takes).await;
        let folder = tempfile::TempDir::new().unwrap();
        let token_file = folder.path().join("token");
        std::fs::write(&token_file, "secret-of-the-notifier\n").unwrap();
        let service = with_config(NotifierConfig {
            endpoints: vec![EndpointConfig::at(&notifier.url)],
            token_file: Some(token_file),
            ..config()
        })
        .await;
        let jane = service.person().await;
        begin(&service, &jane).await;
        let metadata = notifier.metadata().remove(0);
        assert_eq!(
            metadata.get("authorization").unwrap(),
            "Bearer secret-of-the-notifier"
        );
    });
}

#[test]
fn a_kind_without_a_notifier_can_not_be_enrolled() {
    runtime().block_on(async {
        let service = with_config(config()).await;
        let jane = service.person().await;
        let method = Method::Sms(pb::EnrollSms {
            phone_number: NUMBER.to_owned(),
        });
        let authorization = jane.attested(&service, add_method(MethodKind::Sms));
        let outcome = jane
            .begin_enrollment(jane.enrollment_request(method, authorization))
            .await;
        refused(outcome, Code::FailedPrecondition, "NO_NOTIFIER");
        let settings = jane.settings().await;
        assert_eq!(settings.kinds[1].state(), pb::KindState::NoNotifier);
    });
}

#[test]
fn a_notice_that_failed_is_sent_again_until_it_is_taken() {
    runtime().block_on(async {
        let notifier = TestNotifier::start(DeliveryBehavior::Errs).await;
        let service = delivering_to(&[&notifier]).await;
        let jane = service.person().await;
        jane.enroll_app(&service).await;
        let tried = async || notifier.messages().len();
        crate::support::until(tried, |count| *count >= 1).await;
        notifier.behave(DeliveryBehavior::Takes);
        // Its workers may have it, or this call.
        let tried_again = async || {
            service.advance(2);
            service.app.deliver_due_notices().await.unwrap();
            notifier.messages().len()
        };
        crate::support::until(tried_again, |count| *count >= 2).await;
        let messages = notifier.messages();
        assert_eq!(
            messages[0].idempotency_key,
            messages.last().unwrap().idempotency_key
        );
        // A worker may have taken it and not said so yet.
        let sent_again = async || {
            let before = notifier.messages().len();
            service.advance(60);
            service.app.deliver_due_notices().await.unwrap();
            notifier.messages().len() - before
        };
        crate::support::until(sent_again, |more| *more == 0).await;
    });
}
