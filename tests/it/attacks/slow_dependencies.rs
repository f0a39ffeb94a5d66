//! A66: a slow dependency starves an independent path. Each dependency of ours that answers slowly, but successfully,
//! keeps 300 calls of one caller waiting; meanwhile users of the same caller sign in with an app.

use crate::support::{
    Builder, Pair, Person, Service, Stores,
    notifier::{DeliveryBehavior, TestNotifier},
    on_a_runtime,
    passwords::{self, TestVerifier, VerifierBehavior, by_password},
    person::add_method,
    provider::{CheckBehavior, StartBehavior, TestProvider},
    reason,
    tamper::HangingAccounts,
};
use countersign::{
    config::{EndpointConfig, NotifierConfig, NotifiersConfig},
    notify::{client::NotifierClient, texts::MessageTexts},
};
use countersign_domain::{
    limits::budget::{RateLimit, RateLimitWindows},
    policy::{MessageBudgets, Policy, TenantMessageBudgets},
};
use countersign_proto::{
    notifier::{DeliverRequest, deliver_request::Content},
    v1::{self as pb, MethodKind, begin_enrollment_request::Method},
};
use std::{
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};
use tonic::Status;

/// More calls than one caller has permits.
const CALLS: usize = 300;

/// Calls that begin at the same time.
const AT_ONCE: usize = 50;

/// Longer than any test waits for a call that is answered at last.
const DEADLINE_MS: u64 = 120_000;

type SlowCall = Pin<Box<dyn Future<Output = Result<(), Status>> + Send>>;

/// A service whose notifiers are `endpoint`, with room for more calls than a caller has permits.
async fn builder(endpoint: EndpointConfig) -> Builder {
    let channel = NotifierConfig {
        endpoints: vec![endpoint],
        deadline_ms: DEADLINE_MS,
        max_in_flight: 2 * CALLS,
        ..NotifierConfig::default()
    };
    let config = NotifiersConfig {
        sms: channel.clone(),
        email: channel,
    };
    let client = NotifierClient::new(&config, Arc::new(MessageTexts::built_in())).unwrap();
    let mut builder = Builder::new(Stores::of(Pair::Embedded).await);
    builder.notifier = Some(Arc::new(client));
    builder.policy = without_tenant_budgets();
    builder.config.deadline_seconds = DEADLINE_MS / 1000;
    builder
}

fn without_tenant_budgets() -> Policy {
    let boundless = RateLimitWindows::only(RateLimit::new(1_000_000, Duration::from_hours(24)));
    let spanning = TenantMessageBudgets {
        unconfirmed: boundless,
        confirmed: boundless,
    };
    let built_in = Policy::built_in();
    Policy {
        sends: MessageBudgets {
            per_country: spanning,
            per_tenant: spanning,
            unconfirmed_emails: boundless,
            ..built_in.sends.clone()
        },
        ..built_in
    }
}

/// The users of one tenant, over four connections of one caller.
async fn users(service: &Service) -> Vec<Person> {
    let jane = service.person().await;
    let connections: Vec<Person> = (0..4).map(|_| jane.through(service.portal())).collect();
    let mut users = Vec::new();
    for place in 0..CALLS {
        let connection = &connections[place % connections.len()];
        users.push(connection.colleague(&format!("user-{place}")).await);
    }
    users
}

fn number(place: usize) -> String {
    format!("+{}", 4_915_112_340_000 + place)
}

fn by_sms(place: usize) -> (Method, MethodKind) {
    let phone_number = number(place);
    let method = Method::Sms(pb::EnrollSms { phone_number });
    (method, MethodKind::Sms)
}

fn by_email(_: usize) -> (Method, MethodKind) {
    (Method::Email(pb::EnrollEmail {}), MethodKind::Email)
}

fn enrollment(
    service: &Service,
    person: &Person,
    (method, kind): (Method, MethodKind),
) -> pb::BeginEnrollmentRequest {
    person.enrollment_request(method, person.attested(service, add_method(kind)))
}

fn slow_enrollment(person: Person, request: pb::BeginEnrollmentRequest) -> SlowCall {
    Box::pin(async move { person.begin_enrollment(request).await.map(drop) })
}

/// The median of sign-ins with an app: of many samples, half may be slow for reasons of their own.
#[expect(clippy::disallowed_methods, reason = "a bound is kept in real time")]
async fn median_sign_in(service: &Service, samples: usize) -> Duration {
    let mary = service.person().await;
    let app = mary.enroll_app(service).await;
    let mut took = Vec::new();
    for _ in 0..samples {
        let began = Instant::now();
        mary.sign_in(service, &app).await;
        took.push(began.elapsed());
    }
    took.sort_unstable();
    took[took.len() / 2]
}

/// Waits until so many calls have reached the dependency. None may end before.
async fn wait_for(
    calls: &mut JoinSet<Result<(), Status>>,
    count: usize,
    waiting: impl Fn() -> usize,
) {
    let reached = async {
        while waiting() < count {
            if let Some(ended) = calls.try_join_next() {
                panic!("a call did not wait for its dependency: {ended:?}");
            }
            sleep(Duration::from_millis(2)).await;
        }
    };
    let reached = timeout(Duration::from_mins(1), reached).await;
    reached.unwrap_or_else(|_| panic!("only {} calls wait", waiting()));
}

/// Keeps the calls waiting while others sign in with an app; then all are answered.
async fn starves_nobody(
    dependency: &str,
    service: &Service,
    calls: Vec<SlowCall>,
    waiting: impl Fn() -> usize,
    release: impl Fn(),
) {
    let calm = median_sign_in(service, 9).await;
    let all = calls.into_iter().enumerate();
    let mut calls = JoinSet::new();
    for (place, call) in all {
        calls.spawn(call);
        // Fewer than a caller has permits begin at once, so that a slow machine keeps none of them in the queue.
        if (place + 1) % AT_ONCE == 0 {
            wait_for(&mut calls, place + 1, &waiting).await;
        }
    }
    // Each sign-in is approved, and none is BUSY.
    let meanwhile = median_sign_in(service, 9).await;
    println!("{dependency}: sign-ins take {calm:?}, while it is slow {meanwhile:?}");
    assert!(calls.try_join_next().is_none(), "they wait all the while");
    // Generous: what waits for the dependency would take until the test releases it.
    let bound = calm * 10 + Duration::from_secs(1);
    assert!(meanwhile < bound, "{dependency}: {meanwhile:?}");
    release();
    while let Some(ended) = calls.join_next().await {
        let answered = ended.unwrap();
        answered.unwrap_or_else(|status| panic!("{dependency}: {status}"));
    }
}

#[test]
fn a66_a_slow_notifier_starves_nobody() {
    on_a_runtime(async {
        type NewMethod = fn(usize) -> (Method, MethodKind);
        let channels: [(&str, NewMethod); 2] = [("SMS", by_sms), ("e-mail", by_email)];
        for (channel, method) in channels {
            let notifier = TestNotifier::start(DeliveryBehavior::AnswersWhenReleased).await;
            let builder = builder(EndpointConfig::at(&notifier.url)).await;
            let service = builder.start();
            let users = users(&service).await.into_iter().enumerate();
            let calls = users.map(|(place, person)| {
                let request = enrollment(&service, &person, method(place));
                slow_enrollment(person, request)
            });
            let calls = calls.collect();
            // Notices go to the same notifier, and wait there too.
            let is_code =
                |message: &DeliverRequest| matches!(message.content, Some(Content::Code(_)));
            let waiting = || notifier.messages().iter().filter(|it| is_code(it)).count();
            let release = || notifier.release(10 * CALLS);
            starves_nobody(channel, &service, calls, waiting, release).await;
        }
    });
}

fn owning(provider: &TestProvider) -> EndpointConfig {
    EndpointConfig {
        name: Some("verify".to_owned()),
        owns_code: true,
        ..EndpointConfig::at(&provider.url)
    }
}

#[test]
fn a66_a_provider_that_sends_slowly_starves_nobody() {
    on_a_runtime(async {
        let provider = TestProvider::start().await;
        provider.starts(StartBehavior::WhenReleased);
        let service = builder(owning(&provider)).await.start();
        let users = users(&service).await.into_iter().enumerate();
        let calls = users.map(|(place, person)| {
            let request = enrollment(&service, &person, by_sms(place));
            slow_enrollment(person, request)
        });
        let calls = calls.collect();
        let waiting = || provider.started().len();
        starves_nobody("start", &service, calls, waiting, || {
            provider.release(CALLS);
        })
        .await;
    });
}

#[test]
fn a66_a_provider_that_checks_slowly_starves_nobody() {
    on_a_runtime(async {
        let provider = TestProvider::start().await;
        let service = builder(owning(&provider)).await.start();
        let mut calls: Vec<SlowCall> = Vec::new();
        for (place, person) in users(&service).await.into_iter().enumerate() {
            let request = enrollment(&service, &person, by_sms(place));
            let begun = person.begin_enrollment(request).await.unwrap();
            let challenge = begun.challenge.unwrap();
            let request = person.confirmation(&challenge.challenge_id, "123456");
            calls.push(Box::pin(async move {
                person.confirm_with(request).await.map(drop)
            }));
        }
        provider.judges(CheckBehavior::WhenReleased);
        let waiting = || provider.checked().len();
        starves_nobody("check", &service, calls, waiting, || {
            provider.release(CALLS);
        })
        .await;
    });
}

#[test]
fn a66_a_slow_password_service_starves_nobody() {
    on_a_runtime(async {
        let verifier = TestVerifier::start(VerifierBehavior::MatchesWhenReleased).await;
        let notifier = TestNotifier::start(DeliveryBehavior::Takes).await;
        let mut builder = builder(EndpointConfig::at(&notifier.url)).await;
        builder.passwords = Some(passwords::client(&[&verifier.url], |config| {
            config.deadline_ms = DEADLINE_MS;
            config.max_in_flight = 2 * CALLS;
        }));
        let service = builder.start();
        let users = users(&service).await.into_iter();
        let calls = users.map(|person| {
            let app = Method::Totp(pb::EnrollTotp {});
            let request = person.enrollment_request(app, by_password("a password"));
            slow_enrollment(person, request)
        });
        let calls = calls.collect();
        let waiting = || verifier.asked().len();
        starves_nobody("passwords", &service, calls, waiting, || {
            verifier.release(CALLS);
        })
        .await;
    });
}

/// Calls that keep their permits while they wait, as those for a store do, leave none for a sign-in.
#[test]
fn a66_calls_that_wait_under_their_permits_starve_others_control() {
    on_a_runtime(async {
        let notifier = TestNotifier::start(DeliveryBehavior::Takes).await;
        let service = builder(EndpointConfig::at(&notifier.url)).await.start();
        let users = users(&service).await;
        let mut twin = service.twin_builder();
        twin.stores.accounts = Arc::new(HangingAccounts);
        let hanging = twin.start();
        let connections: Vec<_> = (0..4).map(|_| hanging.portal()).collect();
        let mut calls = JoinSet::new();
        for (place, person) in users.into_iter().enumerate() {
            let person = person.through(connections[place % 4].clone());
            calls.spawn(async move { person.begin_sign_in().await });
        }
        let ended = calls.join_next().await.unwrap().unwrap();
        assert_eq!(reason(&ended.unwrap_err()), "BUSY");
    });
}
