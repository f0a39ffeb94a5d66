//! Connections to services of others that went mute while the service is well: nothing comes through those that are
//! open, and new ones are answered. One call finds out.

use crate::{
    faults::proxy::Proxy,
    support::{
        Builder, Pair, Person, Service, Stores,
        notifier::{DeliveryBehavior, TestNotifier},
        on_a_runtime,
        passwords::{self, TestVerifier, VerifierBehavior, by_password},
        person::add_method,
        provider::{CheckBehavior, TestProvider},
        refused,
    },
};
use countersign::{
    config::{EndpointConfig, NotifierConfig, NotifiersConfig},
    notify::{client::NotifierClient, texts::MessageTexts},
};
use countersign_proto::v1::{
    self as pb, DeliveryState, MethodKind, begin_enrollment_request::Method,
    confirm_enrollment_response::Verdict,
};
use std::sync::Arc;
use tonic::Code;

/// How long a call waits for a service that says nothing.
const DEADLINE_MS: u64 = 500;

async fn proxy(url: &str) -> (Proxy, String) {
    let address = url.trim_start_matches("http://").parse().unwrap();
    let proxy = Proxy::to(address).await;
    let url = format!("http://127.0.0.1:{}", proxy.port);
    (proxy, url)
}

async fn builder(endpoint: EndpointConfig) -> Builder {
    let sms = NotifierConfig {
        endpoints: vec![endpoint],
        deadline_ms: DEADLINE_MS,
        // No test here is about it.
        breaker_failures: u32::MAX,
        ..NotifierConfig::default()
    };
    let config = NotifiersConfig {
        sms,
        email: NotifierConfig::default(),
    };
    let client = NotifierClient::new(&config, Arc::new(MessageTexts::built_in())).unwrap();
    let mut builder = Builder::new(Stores::of(Pair::Embedded).await);
    builder.notifier = Some(Arc::new(client));
    builder
}

async fn begin(service: &Service, jane: &Person, place: u64) -> pb::Challenge {
    let method = Method::Sms(pb::EnrollSms {
        phone_number: format!("+{}", 4_915_112_340_000 + place),
    });
    let authorization = jane.attested(service, add_method(MethodKind::Sms));
    let begun = jane.begin_enrollment(jane.enrollment_request(method, authorization));
    begun.await.unwrap().challenge.unwrap()
}

#[test]
fn a_mute_connection_to_a_notifier_costs_one_message() {
    on_a_runtime(async {
        let notifier = TestNotifier::start(DeliveryBehavior::Takes).await;
        let (proxy, url) = proxy(&notifier.url).await;
        let service = builder(EndpointConfig::at(&url)).await.start();
        let jane = service.person().await;
        let mut told = Vec::new();
        for place in 0..4 {
            if place == 1 {
                proxy.open_again();
            }
            told.push(begin(&service, &jane, place).await.delivery());
        }
        let (sent, unknown) = (DeliveryState::HandedOver, DeliveryState::Unknown);
        assert_eq!(told, [sent, unknown, sent, sent]);
    });
}

#[test]
fn a_mute_connection_to_a_provider_costs_one_code_or_one_check() {
    on_a_runtime(async {
        let provider = TestProvider::start().await;
        let (proxy, url) = proxy(&provider.url).await;
        let owner = EndpointConfig {
            name: Some("verify".to_owned()),
            owns_code: true,
            ..EndpointConfig::at(&url)
        };
        let service = builder(owner).await.start();
        let jane = service.person().await;
        begin(&service, &jane, 0).await;
        proxy.open_again();
        let unknown = begin(&service, &jane, 1).await;
        assert_eq!(unknown.delivery(), DeliveryState::Unknown);
        let sent = begin(&service, &jane, 2).await;
        assert_eq!(sent.delivery(), DeliveryState::HandedOver);

        provider.judges(CheckBehavior::Well);
        proxy.open_again();
        let confirmation = jane.confirmation(&sent.challenge_id, &provider.last_code());
        let unchecked = jane.confirm_with(confirmation.clone()).await;
        refused(unchecked, Code::Unavailable, "PROVIDER_UNAVAILABLE");
        let checked = jane.confirm_with(confirmation).await.unwrap();
        assert!(matches!(checked, Verdict::Enrolled(_)), "{checked:?}");
    });
}

#[test]
fn a_mute_connection_to_a_password_service_costs_one_call() {
    on_a_runtime(async {
        let verifier = TestVerifier::start(VerifierBehavior::Matches).await;
        let (proxy, url) = proxy(&verifier.url).await;
        let mut builder = Builder::new(Stores::of(Pair::Embedded).await);
        builder.passwords = Some(passwords::client(&[&url], |config| {
            config.breaker_failures = u32::MAX;
        }));
        let service = builder.start();
        let jane = service.person().await;
        let enroll = async || {
            let app = Method::Totp(pb::EnrollTotp {});
            let request = jane.enrollment_request(app, by_password("a password"));
            jane.begin_enrollment(request).await
        };
        enroll().await.unwrap();
        proxy.open_again();
        refused(
            enroll().await,
            Code::Unavailable,
            "PASSWORD_SERVICE_UNAVAILABLE",
        );
        enroll().await.unwrap();
    });
}

/// A service that is silent on every connection is not helped by a new one.
#[test]
fn a_service_that_is_mute_on_new_connections_too_stays_silent_control() {
    on_a_runtime(async {
        let notifier = TestNotifier::start(DeliveryBehavior::Takes).await;
        let (proxy, url) = proxy(&notifier.url).await;
        let service = builder(EndpointConfig::at(&url)).await.start();
        let jane = service.person().await;
        begin(&service, &jane, 0).await;
        proxy.fall_silent();
        for place in 1..3 {
            let challenge = begin(&service, &jane, place).await;
            assert_ne!(challenge.delivery(), DeliveryState::HandedOver);
        }
    });
}
