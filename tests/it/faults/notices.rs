//! Notices on their way: past notifiers that are slow or refuse, past keys that are gone, and out of an attacker's hands.

use crate::support::{
    Builder, Pair, Person, Service, Stores,
    notifier::{DeliveryBehavior, TestNotifier, notice_id},
    person::add_method,
    until,
};
use countersign::{
    config::{EndpointConfig, NotifierConfig, NotifiersConfig},
    crypto::KeyRing,
    notify::{client::NotifierClient, texts::MessageTexts},
    ports::{DeadNoticeReason, DeadNoticeSelection, NoticeFilter},
};
use countersign_domain::value::id::NoticeId;
use countersign_proto::{
    notifier::{DeliverRequest, deliver_request::Content},
    v1::{self as pb, MethodKind, begin_enrollment_request::Method},
};
use countersign_transport::system::{Clock, SystemEntropy};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

const DEADLINE: Duration = Duration::from_millis(1500);
const NUMBER: &str = "+4915123456789";

pub(super) fn on_a_runtime(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
        .block_on(test);
}

fn by(notifier: Option<&TestNotifier>, deadline: Duration) -> NotifierConfig {
    NotifierConfig {
        endpoints: notifier
            .map(|notifier| EndpointConfig::at(&notifier.url))
            .into_iter()
            .collect(),
        deadline_ms: u64::try_from(deadline.as_millis()).unwrap(),
        ..NotifierConfig::default()
    }
}

pub(super) async fn builder(sms: Option<&TestNotifier>, email: Option<&TestNotifier>) -> Builder {
    builder_with_deadline(sms, email, DEADLINE).await
}

async fn builder_with_deadline(
    sms: Option<&TestNotifier>,
    email: Option<&TestNotifier>,
    deadline: Duration,
) -> Builder {
    let client = NotifierClient::new(
        &NotifiersConfig {
            sms: by(sms, deadline),
            email: by(email, deadline),
        },
        Arc::new(MessageTexts::built_in()),
    );
    let mut builder = Builder::new(Stores::of(Pair::Embedded).await);
    builder.notifier = Some(Arc::new(client.unwrap()));
    builder
}

async fn delivering(sms: &TestNotifier, email: &TestNotifier) -> Service {
    builder(Some(sms), Some(email)).await.start()
}

/// A person who has a number on file beside the address, from the start: nobody is told of a change.
async fn reachable(person: Person) -> Person {
    let profile = pb::Profile {
        phone_number: NUMBER.to_owned(),
        phone_number_verified: true,
        locale: "de".to_owned(),
        ..person.get().await.unwrap().profile.unwrap()
    };
    person.delete().await.unwrap();
    person.upsert(profile).await.unwrap();
    person
}

fn notices(notifier: &TestNotifier) -> Vec<DeliverRequest> {
    let mut messages = notifier.messages();
    messages.retain(|message| matches!(message.content, Some(Content::Notice(_))));
    messages
}

pub(super) async fn until_attempted(notifier: &TestNotifier, times: usize) -> Vec<DeliverRequest> {
    until(async || notices(notifier), |tried| tried.len() >= times).await
}

#[expect(clippy::disallowed_methods, reason = "waits are measured in real time")]
fn now() -> Instant {
    Instant::now()
}

#[test]
fn a_hanging_notifier_of_one_channel_holds_up_no_other_channel() {
    on_a_runtime(async {
        let (sms, email) = (
            TestNotifier::start(DeliveryBehavior::Hangs).await,
            TestNotifier::start(DeliveryBehavior::Takes).await,
        );
        // So long that a busy machine does not matter.
        let deadline = Duration::from_secs(15);
        let builder = builder_with_deadline(Some(&sms), Some(&email), deadline).await;
        let service = builder.start();
        let first = reachable(service.person().await).await;
        let began = now();
        for name in ["john", "jim", "joan", "jo"] {
            let person = reachable(first.colleague(name).await).await;
            person.enroll_app(&service).await;
        }
        until_attempted(&email, 4).await;
        assert!(began.elapsed() < deadline, "{:?}", began.elapsed());
    });
}

#[test]
fn the_drain_waits_for_one_delivery_and_not_for_the_outbox() {
    on_a_runtime(async {
        let (sms, email) = (
            TestNotifier::start(DeliveryBehavior::Hangs).await,
            TestNotifier::start(DeliveryBehavior::Takes).await,
        );
        let service = delivering(&sms, &email).await;
        let first = reachable(service.person().await).await;
        for name in ["john", "jim", "joan", "jo", "jack", "jill"] {
            let person = reachable(first.colleague(name).await).await;
            person.enroll_app(&service).await;
        }
        until_attempted(&sms, 1).await;
        let began = now();
        service.stop().await;
        let took = began.elapsed();
        assert!(took < DEADLINE + Duration::from_secs(1), "{took:?}");
    });
}

#[test]
fn what_is_refused_for_good_is_not_tried_again_and_holds_up_nothing() {
    for behavior in [DeliveryBehavior::Refuses, DeliveryBehavior::CallsItInvalid] {
        on_a_runtime(async {
            let (sms, email) = (
                TestNotifier::start(behavior).await,
                TestNotifier::start(DeliveryBehavior::Takes).await,
            );
            let service = delivering(&sms, &email).await;
            let jane = reachable(service.person().await).await;
            let app = jane.enroll_app(&service).await;
            let refused = until_attempted(&sms, 1).await.remove(0);
            sms.behave(DeliveryBehavior::Takes);

            service.advance(24 * 60 * 60);
            let authorization = jane
                .step_up(&service, &app, add_method(MethodKind::Email))
                .await;
            let method = Method::Email(pb::EnrollEmail {});
            let begun = jane
                .begin_enrollment(jane.enrollment_request(method, authorization))
                .await
                .unwrap();
            let code = email.last_code(&jane.email).unwrap();
            jane.confirm(&begun.challenge.unwrap().challenge_id, &code)
                .await;
            let tried = until_attempted(&sms, 2).await;
            service.app.deliver_due_notices().await.unwrap();
            let again = notices(&sms)
                .iter()
                .filter(|notice| notice.idempotency_key == refused.idempotency_key)
                .count();
            assert_eq!(again, 1, "{behavior:?}");
            assert_ne!(tried[1].idempotency_key, refused.idempotency_key);
        });
    }
}

/// A notice waits in the outbox while a process with another ring works on it. What that process was told to try, and
/// what becomes of the notice once the ring is the right one again.
async fn with_another_ring(ring: impl Fn(&str) -> String) -> (usize, usize) {
    let (sms, email) = (
        TestNotifier::start(DeliveryBehavior::Takes).await,
        TestNotifier::start(DeliveryBehavior::Errs).await,
    );
    let text = KeyRing::new_text(&SystemEntropy);
    let mut first = builder(Some(&sms), Some(&email)).await;
    first.ring = Arc::new(KeyRing::parse(&text).unwrap());
    let first = first.start();
    let jane = first.person().await;
    jane.enroll_app(&first).await;
    until_attempted(&email, 1).await;
    email.behave(DeliveryBehavior::Takes);
    let (stores, clock) = (first.stores.clone(), Arc::clone(&first.clock));
    first.stop().await;
    let before = notices(&email).len();
    let mut tried = Vec::new();
    for ring in [ring(&text), text.to_string()] {
        let mut other = builder(Some(&sms), Some(&email)).await;
        other.stores = stores.clone();
        other.clock = Arc::clone(&clock);
        other.ring = Arc::new(KeyRing::parse(&ring).unwrap());
        let other = other.start();
        other.advance(16 * 60);
        other.app.deliver_due_notices().await.unwrap();
        // The worker beside us may be at one of them.
        tokio::time::sleep(Duration::from_millis(500)).await;
        let johns = notices(&email).len();
        let john = other.person().await;
        john.enroll_app(&other).await;
        let told = until_attempted(&email, johns + 1).await;
        assert_eq!(told.last().unwrap().destination, john.email, "held up");
        tried.push(johns - before);
        other.stop().await;
    }
    (tried[0], tried[1])
}

#[test]
fn a_ring_without_its_key_holds_a_notice_back_and_loses_it_not() {
    on_a_runtime(async {
        let another = |_: &str| KeyRing::new_text(&SystemEntropy).to_string();
        let (meanwhile, once_mended) = with_another_ring(another).await;
        // Once mended, jane's arrives, and john's that was told of by the other ring was delivered by it.
        assert_eq!((meanwhile, once_mended), (0, 2));
    });
}

#[test]
fn what_is_not_what_was_sealed_is_dead_and_holds_up_nothing() {
    on_a_runtime(async {
        let same_id_other_secret = |text: &str| {
            let id_of = |text: &str| {
                let line = text.lines().find(|line| line.starts_with("id ")).unwrap();
                line.to_owned()
            };
            let other = KeyRing::new_text(&SystemEntropy);
            let lookup = |text: &str| {
                let line = text
                    .lines()
                    .find(|line| line.starts_with("lookup "))
                    .unwrap();
                line.to_owned()
            };
            other
                .replace(&id_of(&other), &id_of(text))
                .replace(&lookup(&other), &lookup(text))
        };
        let (meanwhile, once_mended) = with_another_ring(same_id_other_secret).await;
        assert_eq!((meanwhile, once_mended), (0, 1), "only john's");
    });
}

#[test]
fn nobody_is_promised_a_notice_that_no_notifier_delivers() {
    on_a_runtime(async {
        let email = TestNotifier::start(DeliveryBehavior::Takes).await;
        let service = builder(None, Some(&email)).await.start();
        let jane = reachable(service.person().await).await;
        let method = Method::Email(pb::EnrollEmail {});
        let authorization = jane.attested(&service, add_method(MethodKind::Email));
        let begun = jane
            .begin_enrollment(jane.enrollment_request(method, authorization))
            .await
            .unwrap();
        let code = email.last_code(&jane.email).unwrap();
        let enrolled = jane
            .confirm(&begun.challenge.unwrap().challenge_id, &code)
            .await;
        let channels: Vec<MethodKind> = enrolled
            .queued_notices
            .iter()
            .map(pb::QueuedNotice::channel)
            .collect();
        assert_eq!(channels, [MethodKind::Email]);
        until_attempted(&email, 1).await;
        let left = service
            .stores
            .accounts
            .claim_notices(
                countersign_domain::value::destination::Channel::Sms,
                countersign_domain::value::time::Timestamp::LATEST,
                countersign_domain::value::time::Timestamp::LATEST,
                1,
            )
            .await;
        assert_eq!(left.unwrap().notices, [], "nothing waits for ever");
    });
}

#[test]
fn an_erased_user_is_told_nothing_more() {
    on_a_runtime(async {
        let (sms, email) = (
            TestNotifier::start(DeliveryBehavior::Takes).await,
            TestNotifier::start(DeliveryBehavior::Errs).await,
        );
        let service = delivering(&sms, &email).await;
        let jane = service.person().await;
        jane.enroll_app(&service).await;
        let tried = until_attempted(&email, 1).await.len();
        jane.delete().await.unwrap();
        email.behave(DeliveryBehavior::Takes);
        service.advance(60 * 60);
        service.app.deliver_due_notices().await.unwrap();
        assert_eq!(notices(&email).len(), tried);
    });
}

/// An attacker who adds a method chooses its name and the language of the call. The owner's notice has neither.
#[test]
fn a_notice_has_nothing_that_the_attacker_chose() {
    on_a_runtime(async {
        let notifier = TestNotifier::start(DeliveryBehavior::Takes).await;
        let service = delivering(&notifier, &notifier).await;
        let jane = reachable(service.person().await).await;
        let method = Method::Sms(pb::EnrollSms {
            phone_number: "+4915123456780".to_owned(),
        });
        let authorization = jane.attested(&service, add_method(MethodKind::Sms));
        let begun = jane
            .begin_enrollment(pb::BeginEnrollmentRequest {
                label: "Call 0900 555 0100 to undo".to_owned(),
                ..jane.enrollment_request(method, authorization)
            })
            .await
            .unwrap();
        let code = notifier.last_code("+4915123456780").unwrap();
        let confirmation = pb::ConfirmEnrollmentRequest {
            context: Some(pb::ClientContext {
                locale: "ja".to_owned(),
                ..pb::ClientContext::default()
            }),
            ..jane.confirmation(&begun.challenge.unwrap().challenge_id, &code)
        };
        jane.confirm_with(confirmation).await.unwrap();
        for notice in until_attempted(&notifier, 3).await {
            assert_eq!(notice.locale, "de");
            assert!(!format!("{notice:?}").contains("0900"), "{notice:?}");
            assert!(notice.text.contains("SMS (+49"), "{}", notice.text);
        }
    });
}

async fn dead(service: &Service) -> Vec<(NoticeId, DeadNoticeReason)> {
    let dead = service
        .stores
        .accounts
        .waiting_notices(NoticeFilter::Dead, 0);
    let dead = dead.await.unwrap().into_iter();
    dead.map(|notice| (notice.id, notice.dead.unwrap().1))
        .collect()
}

#[test]
fn what_nobody_takes_for_three_days_is_dead_until_it_is_retried_and_holds_up_nothing() {
    on_a_runtime(async {
        let (sms, email) = (
            TestNotifier::start(DeliveryBehavior::Takes).await,
            TestNotifier::start(DeliveryBehavior::Errs).await,
        );
        let service = delivering(&sms, &email).await;
        let jane = service.person().await;
        let app = jane.enroll_app(&service).await;
        let first = until_attempted(&email, 1).await.remove(0);
        for hours in [1, 69] {
            let tried = notices(&email).len();
            service.advance(hours * 60 * 60);
            // What was tried a moment ago may be put off by the clock of now.
            let again = async || {
                service.advance(1);
                notices(&email).len()
            };
            until(again, |now| *now > tried).await;
            assert_eq!(dead(&service).await, []);
        }
        service.advance(2 * 60 * 60);
        let later = async || {
            service.advance(1);
            dead(&service).await
        };
        let died = until(later, |dead| !dead.is_empty()).await;
        assert_eq!(died[0].0.to_string(), notice_id(&first));
        assert_eq!(died[0].1, DeadNoticeReason::TooOld);

        email.behave(DeliveryBehavior::Takes);
        let before = notices(&email).len();
        let challenge = jane.issue().await;
        jane.approved(&challenge.challenge_id, &app.recovery_codes[0])
            .await;
        let next = until_attempted(&email, before + 1).await.pop().unwrap();
        assert_ne!(next.idempotency_key, first.idempotency_key);

        let accounts = &service.stores.accounts;
        let revived = accounts.revive_notices(DeadNoticeSelection::All, service.clock.now());
        assert_eq!(revived.await.unwrap(), 1);
        let again = until_attempted(&email, before + 2).await.pop().unwrap();
        assert_eq!(notice_id(&again), notice_id(&first));
        assert_ne!(
            again.idempotency_key, first.idempotency_key,
            "a notifier that refused it would refuse it again"
        );
        until(
            async || {
                accounts
                    .waiting_notices(NoticeFilter::All, 0)
                    .await
                    .unwrap()
            },
            Vec::is_empty,
        )
        .await;
    });
}
