//! A32: notifiers that refuse, hang, answer late, drop the connection, deliver twice.

use crate::{
    faults::proxy::Proxy,
    support::{
        Builder, EnrolledApp, Pair, Person, Service, Stores,
        notifier::{DeliveryBehavior, TestNotifier},
        on_a_runtime,
        person::add_method,
        refused, until,
    },
};
use countersign::{
    config::{EndpointConfig, NotifierConfig, NotifiersConfig},
    notify::{client::NotifierClient, texts::MessageTexts},
};
use countersign_domain::{
    limits::budget::{RateLimit, RateLimitWindows},
    policy::{MessageBudgets, Policy, TenantMessageBudgets},
};
use countersign_proto::v1::{
    self as pb, DeliveryState, MethodKind, begin_enrollment_request::Method,
};
use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::task::JoinSet;
use tonic::{Code, Status};

const DEADLINE: Duration = Duration::from_millis(500);

/// The how many-th of many numbers.
fn number(index: u64) -> String {
    format!("+{}", 4_915_112_340_000 + index)
}

fn config(url: &str) -> NotifierConfig {
    NotifierConfig {
        endpoints: vec![EndpointConfig::at(url)],
        deadline_ms: u64::try_from(DEADLINE.as_millis()).unwrap(),
        // No test but its own is about it.
        breaker_failures: u32::MAX,
        ..NotifierConfig::default()
    }
}

async fn builder(sms: NotifierConfig) -> Builder {
    let config = NotifiersConfig {
        sms,
        email: NotifierConfig::default(),
    };
    let client = NotifierClient::new(&config, Arc::new(MessageTexts::built_in())).unwrap();
    let mut builder = Builder::new(Stores::of(Pair::Embedded).await);
    builder.notifier = Some(Arc::new(client));
    builder
}

async fn begin(service: &Service, person: &Person, number: &str) -> Result<pb::Challenge, Status> {
    let method = Method::Sms(pb::EnrollSms {
        phone_number: number.to_owned(),
    });
    let authorization = person.attested(service, add_method(MethodKind::Sms));
    let begun = person.begin_enrollment(person.enrollment_request(method, authorization));
    Ok(begun.await?.challenge.unwrap())
}

#[expect(clippy::disallowed_methods, reason = "a deadline is kept in real time")]
async fn timed<T>(call: impl Future<Output = T>) -> (T, Duration) {
    let began = Instant::now();
    let answer = call.await;
    (answer, began.elapsed())
}

#[test]
fn a32_whatever_a_notifier_does_there_is_a_typed_outcome_within_the_deadline() {
    on_a_runtime(async {
        let notifier = TestNotifier::start(DeliveryBehavior::Takes).await;
        let service = builder(config(&notifier.url)).await.start();
        let jane = service.person().await;
        let told = [
            (DeliveryBehavior::Refuses, DeliveryState::Failed),
            (DeliveryBehavior::Hangs, DeliveryState::Unknown),
            (
                DeliveryBehavior::AnswersAfter(DEADLINE * 2),
                DeliveryState::Unknown,
            ),
            (DeliveryBehavior::TakesTwice, DeliveryState::HandedOver),
        ];
        for (index, (behavior, expected)) in (0..).zip(told) {
            notifier.behave(behavior);
            let (challenge, took) = timed(begin(&service, &jane, &number(index))).await;
            assert_eq!(challenge.unwrap().delivery(), expected, "{behavior:?}");
            assert!(took < DEADLINE * 2, "{behavior:?} took {took:?}");
        }
    });
}

#[test]
fn a32_a_dropped_connection_is_an_unknown_outcome_and_the_next_message_gets_through() {
    on_a_runtime(async {
        let notifier = TestNotifier::start(DeliveryBehavior::Hangs).await;
        let address = notifier.url.trim_start_matches("http://").parse();
        let proxy = Proxy::to(address.unwrap()).await;
        let url = format!("http://127.0.0.1:{}", proxy.port);
        let service = builder(config(&url)).await.start();
        let jane = service.person().await;
        let cut = async {
            until(async || notifier.messages().len(), |count| *count == 1).await;
            proxy.cut();
        };
        let (number, other) = (number(0), number(1));
        let (dropped, ()) = tokio::join!(begin(&service, &jane, &number), cut);
        assert_eq!(dropped.unwrap().delivery(), DeliveryState::Unknown);
        notifier.behave(DeliveryBehavior::Takes);
        let next = begin(&service, &jane, &other).await.unwrap();
        assert_eq!(next.delivery(), DeliveryState::HandedOver);
    });
}

#[test]
fn a32_a_notifier_hears_of_each_message_once() {
    on_a_runtime(async {
        let (erring, live) = (
            TestNotifier::start(DeliveryBehavior::Errs).await,
            TestNotifier::start(DeliveryBehavior::Takes).await,
        );
        let both = NotifierConfig {
            endpoints: [&erring, &live]
                .map(|one| EndpointConfig::at(&one.url))
                .into(),
            ..config("")
        };
        let service = builder(both).await.start();
        let jane = service.person().await;
        for index in 0..20 {
            begin(&service, &jane, &number(index)).await.unwrap();
        }
        for notifier in [&erring, &live] {
            let messages = notifier.messages();
            let keys = messages.iter().map(|message| &message.idempotency_key);
            assert_eq!(keys.collect::<HashSet<_>>().len(), 20);
            assert_eq!(messages.len(), 20);
        }
    });
}

#[test]
fn a32_a_message_that_comes_twice_has_one_key_and_its_code_is_accepted_once() {
    on_a_runtime(async {
        let notifier = TestNotifier::start(DeliveryBehavior::TakesTwice).await;
        let service = builder(config(&notifier.url)).await.start();
        let jane = service.person().await;
        let begun = begin(&service, &jane, &number(0)).await.unwrap();
        let code = notifier.last_code(&number(0)).unwrap();
        let enrolled = jane.confirm(&begun.challenge_id, &code).await;
        service.advance(60);
        let method = enrolled.method.unwrap().method_id;
        let challenge = jane.issue_for(&method).await.unwrap();
        let code = notifier.last_code(&number(0)).unwrap();
        let twice = notifier.messages().into_iter().rev().take(2);
        let keys: HashSet<String> = twice.map(|message| message.idempotency_key).collect();
        assert_eq!(keys.len(), 1);
        jane.approved(&challenge.challenge_id, &code).await;
        let again = jane.rejected(&challenge.challenge_id, &code).await;
        assert_eq!(again.reason(), pb::RejectionReason::ChallengeOver);
    });
}

/// All ways in which a message can be known not to be sent.
async fn failing() -> Vec<(&'static str, NotifierConfig, TestNotifier)> {
    let refusing = TestNotifier::start(DeliveryBehavior::Refuses).await;
    let erring = TestNotifier::start(DeliveryBehavior::Errs).await;
    let objecting = TestNotifier::start(DeliveryBehavior::CallsItInvalid).await;
    let broken = TestNotifier::start(DeliveryBehavior::Errs).await;
    let breaker = NotifierConfig {
        breaker_failures: 1,
        breaker_wait_ms: 60 * 60 * 1000,
        ..config(&broken.url)
    };
    let unasked = TestNotifier::start(DeliveryBehavior::Takes).await;
    let full = NotifierConfig {
        max_in_flight: 0,
        ..config(&unasked.url)
    };
    vec![
        ("refused", config(&refusing.url), refusing),
        ("not taken", config(&erring.url), erring),
        ("called invalid", config(&objecting.url), objecting),
        ("passed over", breaker, broken),
        ("no place", full, unasked),
    ]
}

#[test]
fn a32_a_failed_message_makes_nobody_wait_and_stays_charged() {
    on_a_runtime(async {
        for (how, config, _notifier) in failing().await {
            let service = builder(config).await.start();
            let jane = service.person().await;
            let john = jane.colleague("john").await;
            let number = number(0);
            let first = begin(&service, &jane, &number).await.unwrap();
            assert_eq!(first.delivery(), DeliveryState::Failed, "{how}");
            let second = jane.resend(&first.challenge_id).await;
            let second = second.unwrap_or_else(|status| panic!("{how}: {status}"));
            assert_eq!(second.delivery(), DeliveryState::Failed, "{how}");
            let third = begin(&service, &john, &number).await;
            third.unwrap_or_else(|status| panic!("{how}, another user: {status}"));
            let fourth = jane.resend(&first.challenge_id).await;
            refused(fourth, Code::ResourceExhausted, "TOO_MANY_SENDS");
            let fourth = begin(&service, &john, &number).await;
            refused(fourth, Code::ResourceExhausted, "TOO_MANY_SENDS");
        }
    });
}

/// The repeat of a call whose message failed is not charged, and begins no wait.
#[test]
fn a32_a_repeat_of_a_failed_message_makes_nobody_wait() {
    on_a_runtime(async {
        let notifier = TestNotifier::start(DeliveryBehavior::Errs).await;
        let service = builder(config(&notifier.url)).await.start();
        let jane = service.person().await;
        let method = Method::Sms(pb::EnrollSms {
            phone_number: number(0),
        });
        let request = pb::BeginEnrollmentRequest {
            request_id: "request-1".to_owned(),
            ..jane.enrollment_request(method, jane.attested(&service, add_method(MethodKind::Sms)))
        };
        for _ in 0..3 {
            let begun = jane.begin_enrollment(request.clone()).await.unwrap();
            let challenge = begun.challenge.unwrap();
            assert_eq!(challenge.delivery(), DeliveryState::Failed);
        }
        assert_eq!(notifier.messages().len(), 1);
        let john = jane.colleague("john").await;
        begin(&service, &john, &number(0)).await.unwrap();
    });
}

#[test]
fn a32_a_message_that_may_arrive_makes_everybody_wait_control() {
    on_a_runtime(async {
        for behavior in [DeliveryBehavior::Takes, DeliveryBehavior::SaysNothing] {
            let notifier = TestNotifier::start(behavior).await;
            let service = builder(config(&notifier.url)).await.start();
            let jane = service.person().await;
            let john = jane.colleague("john").await;
            let first = begin(&service, &jane, &number(0)).await.unwrap();
            let second = jane.resend(&first.challenge_id).await;
            refused(second, Code::ResourceExhausted, "TOO_MANY_SENDS");
            let second = begin(&service, &john, &number(0)).await;
            refused(second, Code::ResourceExhausted, "TOO_MANY_SENDS");
        }
    });
}

/// A service under whose notifier many messages hang for as long as it is measured.
struct Measured {
    service: Service,
    jane: Person,
    app: EnrolledApp,
    notifier: TestNotifier,
}

impl Measured {
    async fn start() -> Self {
        let notifier = TestNotifier::start(DeliveryBehavior::Takes).await;
        let patient = NotifierConfig {
            deadline_ms: 6000,
            ..config(&notifier.url)
        };
        let mut builder = builder(patient).await;
        let boundless = RateLimitWindows::only(RateLimit::new(1_000_000, Duration::from_hours(24)));
        let spanning = TenantMessageBudgets {
            unconfirmed: boundless,
            confirmed: boundless,
        };
        let built_in = Policy::built_in();
        builder.policy = Policy {
            sends: MessageBudgets {
                per_country: spanning,
                per_tenant: spanning,
                ..built_in.sends.clone()
            },
            ..built_in
        };
        let service = builder.start();
        let jane = service.person().await;
        let app = jane.enroll_app(&service).await;
        Self {
            service,
            jane,
            app,
            notifier,
        }
    }

    async fn sign_in(&self) -> Duration {
        timed(self.jane.sign_in(&self.service, &self.app)).await.1
    }

    /// Messages that are on their way at any time, each from a user of its own.
    async fn keep_hanging(&self, messages: u64) -> JoinSet<()> {
        let mut hanging = JoinSet::new();
        for index in 0..messages {
            let person = self.jane.colleague(&format!("user-{index}")).await;
            let authorization = person.attested(&self.service, add_method(MethodKind::Sms));
            let method = Method::Sms(pb::EnrollSms {
                phone_number: number(index),
            });
            let request = person.enrollment_request(method, authorization);
            hanging.spawn(async move {
                person.begin_enrollment(request).await.unwrap();
            });
        }
        until(
            async || self.notifier.messages().len(),
            |count| u64::try_from(*count).unwrap() >= messages,
        )
        .await;
        hanging
    }
}

/// All but the slowest hundredth are at most this slow.
fn p99(mut samples: Vec<Duration>) -> Duration {
    samples.sort_unstable();
    samples[samples.len() * 99 / 100 - 1]
}

/// Turn by turn in the same run, so that a busy machine slows down both.
#[test]
fn a32_a_hanging_notifier_leaves_sign_ins_by_app_as_fast_as_they_are() {
    on_a_runtime(async {
        let (calm, hanging) = (Measured::start().await, Measured::start().await);
        hanging.notifier.behave(DeliveryBehavior::Hangs);
        let (mut without, mut with, mut by_message) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..4 {
            let mut messages = hanging.keep_hanging(20).await;
            for _ in 0..25 {
                without.push(calm.sign_in().await);
                with.push(hanging.sign_in().await);
            }
            assert!(
                messages.try_join_next().is_none(),
                "they hang all the while"
            );
            while messages.join_next().await.is_some() {}
            let other = hanging.jane.colleague("by-message").await;
            let (_, took) = timed(begin(&hanging.service, &other, &number(9999))).await;
            by_message.push(took);
            hanging.service.advance(24 * 60 * 60);
        }
        let (without, with, by_message) = (p99(without), p99(with), by_message);
        println!("p99 of sign-ins by app: {without:?}, while a notifier hangs {with:?}");
        assert!(with < without * 4, "{without:?} without, {with:?} with");
        let slowest = by_message.into_iter().max().unwrap();
        assert!(slowest > without * 4, "control: what waits for it is slow");
    });
}
