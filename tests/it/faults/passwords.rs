//! Password services that are down, slow or silent: nothing is changed, and nobody waits for long.

use crate::{
    attacks::once::failures,
    support::{
        Person, Service, on_both_pairs, on_embedded,
        passwords::{TOKEN, TestVerifier, VerifierBehavior, by_password, client},
        refused, until,
    },
};
use countersign::config::IdentityConfig;
use countersign_proto::v1::{self as pb, begin_enrollment_request::Method};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tonic::{Code, Status};

fn asking(service: &Service, verifiers: &[&TestVerifier]) -> Service {
    asking_with(service, verifiers, |_| {})
}

fn asking_with(
    service: &Service,
    verifiers: &[&TestVerifier],
    change: impl Fn(&mut IdentityConfig),
) -> Service {
    let urls: Vec<&str> = verifiers
        .iter()
        .map(|verifier| verifier.url.as_str())
        .collect();
    let mut builder = service.twin_builder();
    builder.passwords = Some(client(&urls, change));
    builder.start()
}

async fn enroll(person: &Person) -> Result<pb::BeginEnrollmentResponse, Status> {
    let app = Method::Totp(pb::EnrollTotp {});
    let request = person.enrollment_request(app, by_password("a password"));
    person.begin_enrollment(request).await
}

#[expect(clippy::disallowed_methods, reason = "a bound is kept in real time")]
#[test]
fn a_password_service_without_a_verdict_changes_nothing() {
    on_both_pairs(async |service| {
        let verifier = TestVerifier::start(VerifierBehavior::Hangs).await;
        let service = asking(&service, &[&verifier]);
        let jane = service.person().await;
        for behavior in [
            VerifierBehavior::Hangs,
            VerifierBehavior::FallsOver,
            VerifierBehavior::SaysNothing,
            VerifierBehavior::IsBusy,
        ] {
            verifier.behave(behavior);
            let began = Instant::now();
            let outcome = enroll(&jane).await;
            refused(outcome, Code::Unavailable, "PASSWORD_SERVICE_UNAVAILABLE");
            assert!(began.elapsed() < Duration::from_secs(3), "{behavior:?}");
        }
        assert_eq!(failures(&service, &jane).await, 0);
        assert!(!jane.settings().await.two_factor_enabled);
        verifier.behave(VerifierBehavior::Matches);
        enroll(&jane).await.unwrap();
    });
}

#[test]
fn a_dead_password_service_changes_nothing_and_costs_no_try() {
    on_both_pairs(async |service| {
        let verifier = TestVerifier::start(VerifierBehavior::Matches).await;
        verifier.die();
        let service = asking_with(&service, &[&verifier], |config| config.breaker_failures = 3);
        let jane = service.person().await;
        for _ in 0..15 {
            let outcome = enroll(&jane).await;
            refused(outcome, Code::Unavailable, "PASSWORD_SERVICE_UNAVAILABLE");
        }
        assert!(verifier.asked().is_empty());
    });
}

#[test]
fn the_next_password_service_is_asked_with_the_same_key() {
    on_embedded(async |service| {
        let first = TestVerifier::start(VerifierBehavior::Hangs).await;
        let second = TestVerifier::start(VerifierBehavior::DoesNotMatch).await;
        let service = asking(&service, &[&first, &second]);
        let jane = service.person().await;
        for behavior in [
            VerifierBehavior::Hangs,
            VerifierBehavior::FallsOver,
            VerifierBehavior::IsBusy,
            VerifierBehavior::SaysNothing,
        ] {
            first.behave(behavior);
            let outcome = enroll(&jane).await;
            refused(outcome, Code::FailedPrecondition, "PASSWORD_REJECTED");
        }
        let keys = |verifier: &TestVerifier| -> Vec<String> {
            let asked = verifier.asked().into_iter();
            asked.map(|(request, _)| request.idempotency_key).collect()
        };
        assert_eq!(keys(&first), keys(&second));
        assert_eq!(keys(&first).len(), 4);
        assert_eq!(
            failures(&service, &jane).await,
            4,
            "each try is charged once"
        );
    });
}

#[test]
fn a_verdict_is_final() {
    on_embedded(async |service| {
        let first = TestVerifier::start(VerifierBehavior::DoesNotMatch).await;
        let second = TestVerifier::start(VerifierBehavior::Matches).await;
        let service = asking(&service, &[&first, &second]);
        let jane = service.person().await;
        let outcome = enroll(&jane).await;
        refused(outcome, Code::FailedPrecondition, "PASSWORD_REJECTED");
        assert!(second.asked().is_empty());
    });
}

#[test]
fn the_token_and_the_account_go_with_a_password() {
    on_embedded(async |service| {
        let verifier = TestVerifier::start(VerifierBehavior::Matches).await;
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), format!("{TOKEN}\n")).unwrap();
        let service = asking_with(&service, &[&verifier], |config| {
            config.token_file = Some(file.path().to_owned());
        });
        let jane = service.person().await;
        enroll(&jane).await.unwrap();
        let [(request, metadata)] = verifier.asked().try_into().unwrap();
        assert_eq!(
            (
                request.tenant_id,
                request.user_id,
                request.password.as_str()
            ),
            (jane.tenant_id, jane.user_id, "a password")
        );
        let bearer = metadata.get("authorization").unwrap().to_str().unwrap();
        assert_eq!(bearer, format!("Bearer {TOKEN}"));
    });
}

/// A32 for passwords: those that hang have places, and the rest of the service goes on.
#[test]
fn a32_passwords_that_hang_have_a_bound() {
    on_embedded(async |service| {
        let verifier = TestVerifier::start(VerifierBehavior::Hangs).await;
        let service = asking_with(&service, &[&verifier], |config| {
            config.max_in_flight = 2;
            config.deadline_ms = 60_000;
        });
        let jane = service.person().await;
        let mut hanging = JoinSet::new();
        for _ in 0..2 {
            let jane = jane.clone();
            hanging.spawn(async move { enroll(&jane).await });
        }
        until(async || verifier.asked().len(), |asked| *asked == 2).await;
        let outcome = enroll(&jane).await;
        refused(outcome, Code::Unavailable, "PASSWORD_SERVICE_UNAVAILABLE");
        assert_eq!(verifier.asked().len(), 2);
        jane.enroll_app(&service).await;
    });
}

/// How often a service is asked that fails so, of twelve people's passwords.
async fn asked_of(service: &Service, behavior: VerifierBehavior) -> usize {
    let verifier = TestVerifier::start(behavior).await;
    let service = asking_with(service, &[&verifier], |config| {
        config.breaker_failures = 3;
        config.breaker_wait_ms = 600_000;
        config.deadline_ms = 10_000;
    });
    for _ in 0..12 {
        let outcome = enroll(&service.person().await).await;
        refused(outcome, Code::Unavailable, "PASSWORD_SERVICE_UNAVAILABLE");
    }
    verifier.asked().len()
}

/// A52: else whoever asks time after time could switch it off for everyone.
#[test]
fn a52_a_password_service_that_is_busy_or_finds_fault_with_an_account_is_not_passed_over() {
    on_embedded(async |service| {
        assert_eq!(asked_of(&service, VerifierBehavior::IsBusy).await, 12);
        assert_eq!(asked_of(&service, VerifierBehavior::KnowsNobody).await, 12);
    });
}

#[test]
fn a52_one_that_falls_over_is_passed_over_control() {
    on_embedded(async |service| {
        assert_eq!(asked_of(&service, VerifierBehavior::FallsOver).await, 3);
    });
}
