//! A06, A07, A08, A17, A60 for the account password as a proof: it is a guess like a code, in the same windows, and charged
//! before anyone is asked.

use crate::{
    attacks::once::failures,
    support::{
        Browser, Builder, EnrolledApp, Person, Service, on_both_pairs, on_embedded,
        passwords::{KnownPasswords, RIGHT, by_password},
        person::wrong,
        reason, refused,
        service::unique,
        stores::memory,
        tamper::{Fault, TamperedAccounts, TamperedChallenges},
        until,
    },
};
use countersign::ports::PasswordVerdict;
use countersign_domain::{
    challenge::verdict::{JudgedAttempt, VerdictRequest},
    limits::budget::{RateLimit, RateLimitWindows},
    policy::{PolicyOverride, ProtectedChange},
};
use countersign_proto::{
    DESCRIPTORS,
    v1::{self as pb, begin_enrollment_request::Method, verify_challenge_response::Verdict},
};
use prost::Message;
use prost_types::FileDescriptorSet;
use std::{sync::Arc, time::Duration};
use tokio::{sync::Barrier, task::JoinSet};
use tonic::{Code, Status};

const WRONG: &str = "incorrect horse";

/// Every change that can be authorized. To enroll takes no less than to disable.
const CHANGES: [ProtectedChange; 7] = [
    ProtectedChange::AddMethod,
    ProtectedChange::ReplaceMethod,
    ProtectedChange::DisableTwoFactor,
    ProtectedChange::RemoveMethod,
    ProtectedChange::SetDefaultMethod,
    ProtectedChange::GenerateRecoveryCodes,
    ProtectedChange::TrustDevice,
];

/// A service that knows passwords, and those who are asked.
fn knowing(service: &Service) -> (Service, Arc<KnownPasswords>) {
    knowing_with(service.twin_builder())
}

/// The same under a policy that lets the password do for every change.
fn opted_in(service: &Service) -> (Service, Arc<KnownPasswords>) {
    let mut builder = service.twin_builder();
    builder.service_layer = PolicyOverride {
        password_suffices: Some(CHANGES.to_vec()),
        ..PolicyOverride::default()
    };
    knowing_with(builder)
}

fn knowing_with(mut builder: Builder) -> (Service, Arc<KnownPasswords>) {
    let known = Arc::new(KnownPasswords::default());
    builder.passwords = Some(Arc::clone(&known) as _);
    (builder.start(), known)
}

fn app() -> Method {
    Method::Totp(pb::EnrollTotp {})
}

async fn enroll(person: &Person, password: &str) -> Result<pb::BeginEnrollmentResponse, Status> {
    enroll_as(person, password, "").await
}

async fn enroll_as(
    person: &Person,
    password: &str,
    request_id: &str,
) -> Result<pb::BeginEnrollmentResponse, Status> {
    let request = pb::BeginEnrollmentRequest {
        request_id: request_id.to_owned(),
        ..person.enrollment_request(app(), by_password(password))
    };
    person.begin_enrollment(request).await
}

/// Somebody with an app and a device.
async fn person_to_change(service: &Service) -> (Person, EnrolledApp) {
    let jane = service.person().await;
    let enrolled = jane.enroll_app(service).await;
    Browser::new().sign_in(service, &jane, &enrolled).await;
    (jane, enrolled)
}

/// A change of the n-th kind by password.
async fn change(
    person: &Person,
    enrolled: &EnrolledApp,
    round: usize,
    password: &str,
) -> Result<(), Status> {
    let (tenant_id, user_id) = (person.tenant_id.clone(), person.user_id.clone());
    let (authorization, method_id) = (by_password(password), enrolled.method_id.clone());
    let mut methods = person.clients.methods.clone();
    match round % CHANGES.len() {
        0 => enroll(person, password).await.map(drop),
        1 => {
            let request = pb::BeginEnrollmentRequest {
                replaced_method_id: method_id,
                ..person.enrollment_request(app(), authorization)
            };
            person.begin_enrollment(request).await.map(drop)
        }
        2 => {
            let request = pb::UpdateMethodRequest {
                tenant_id,
                user_id,
                method_id,
                is_default: true,
                authorization,
                ..pb::UpdateMethodRequest::default()
            };
            methods.update_method(request).await.map(drop)
        }
        3 => {
            let request = pb::GenerateRecoveryCodesRequest {
                tenant_id,
                user_id,
                authorization,
                ..pb::GenerateRecoveryCodesRequest::default()
            };
            let mut recovery = person.clients.recovery.clone();
            recovery.generate_recovery_codes(request).await.map(drop)
        }
        4 => {
            let device = &person.devices().await[0].device_id;
            person.trust(&[device], authorization).await.map(drop)
        }
        5 => {
            let request = pb::DeleteMethodRequest {
                tenant_id,
                user_id,
                method_id,
                authorization,
                ..pb::DeleteMethodRequest::default()
            };
            methods.delete_method(request).await.map(drop)
        }
        _ => {
            let request = pb::DisableTwoFactorRequest {
                tenant_id,
                user_id,
                authorization,
                ..pb::DisableTwoFactorRequest::default()
            };
            methods.disable_two_factor(request).await.map(drop)
        }
    }
}

fn is_looked_at<T>(outcome: &Result<T, Status>) -> bool {
    match outcome {
        Ok(_) => true,
        Err(status) => match reason(status).as_str() {
            "PASSWORD_REJECTED" => true,
            "TOO_MANY_ATTEMPTS" => false,
            _ => panic!("{status}"),
        },
    }
}

/// Forty guesses, at a code and at the password by turns, and by turns at each change: how many were looked at.
async fn judged_by_turns(service: &Service) -> usize {
    let (jane, enrolled) = person_to_change(service).await;
    service.advance(30);
    let right = enrolled.app.code_at(service.seconds());
    let mut judged = 0;
    for round in 0..20 {
        let looked = is_looked_at(&change(&jane, &enrolled, round, WRONG).await);
        judged += usize::from(looked);
        let challenge = jane.issue().await;
        let answer = jane.verify(&challenge.challenge_id, &wrong(&right)).await;
        match answer {
            Ok(Verdict::Rejected(_)) => judged += 1,
            Ok(Verdict::Approved(_)) => panic!("a wrong code was approved"),
            Err(status) => assert_eq!(reason(&status), "TOO_MANY_ATTEMPTS"),
        }
    }
    judged
}

#[test]
fn a08_codes_and_passwords_have_one_budget() {
    on_both_pairs(async |service| {
        let (service, known) = opted_in(&service);
        assert_eq!(judged_by_turns(&service).await, 10);
        assert_eq!(known.asked().len(), 5, "nobody else was asked");
    });
}

/// Bounds that never fill.
fn boundless(verdict_request: VerdictRequest) -> VerdictRequest {
    VerdictRequest {
        attempt: JudgedAttempt {
            windows: RateLimitWindows::only(RateLimit::new(u32::MAX, Duration::from_secs(1))),
            ..verdict_request.attempt
        },
        ..verdict_request
    }
}

/// A service whose short-lived memory charges no password, and whose record never finds a window full.
fn charging_no_password(service: &Service) -> (Service, Arc<KnownPasswords>) {
    let mut builder = service.twin_builder();
    builder.service_layer = PolicyOverride {
        password_suffices: Some(CHANGES.to_vec()),
        ..PolicyOverride::default()
    };
    let stores = &service.stores;
    let inner = Arc::clone(&stores.challenges);
    builder.stores.challenges = Arc::new(TamperedChallenges::charging_no_standalone_attempt(inner));
    let inner = Arc::clone(&stores.accounts);
    builder.stores.accounts = Arc::new(TamperedAccounts::rewriting_verdicts(inner, boundless));
    knowing_with(builder)
}

#[test]
fn a08_passwords_without_a_charge_are_found_control() {
    on_embedded(async |service| {
        let (service, known) = charging_no_password(&service);
        assert!(judged_by_turns(&service).await > 10);
        assert_eq!(known.asked().len(), 20);
    });
}

#[test]
fn a08_the_eleventh_password_is_not_looked_at_right_or_wrong() {
    on_both_pairs(async |service| {
        let (service, known) = knowing(&service);
        let jane = service.person().await;
        for _ in 0..10 {
            let outcome = enroll(&jane, WRONG).await;
            refused(outcome, Code::FailedPrecondition, "PASSWORD_REJECTED");
        }
        for password in [WRONG, RIGHT] {
            let outcome = enroll(&jane, password).await;
            refused(outcome, Code::ResourceExhausted, "TOO_MANY_ATTEMPTS");
        }
        assert_eq!(known.asked().len(), 10);
        assert_eq!(failures(&service, &jane).await, 10);
        service.advance(15 * 60);
        enroll(&jane, RIGHT).await.unwrap();
    });
}

#[test]
fn a08_no_flush_of_short_lived_memory_gives_tries_back() {
    on_both_pairs(async |service| {
        let (service, _) = knowing(&service);
        let jane = service.person().await;
        for _ in 0..10 {
            let outcome = enroll(&jane, WRONG).await;
            refused(outcome, Code::FailedPrecondition, "PASSWORD_REJECTED");
        }
        let mut flushed = service.twin_builder();
        (flushed.stores.challenges, flushed.stores.budgets) = memory();
        let (flushed, known) = knowing_with(flushed);
        let outcome = enroll(&jane.through(flushed.portal()), RIGHT).await;
        refused(outcome, Code::ResourceExhausted, "TOO_MANY_ATTEMPTS");
        assert!(known.asked().is_empty());
    });
}

/// So many at once, all wrong but one: how many were looked at.
async fn looked_at_in_parallel(service: &Service, rivals: usize) -> usize {
    let jane = service.person().await;
    let barrier = Arc::new(Barrier::new(rivals));
    let mut calls = JoinSet::new();
    for place in 0..rivals {
        let (jane, barrier) = (jane.clone(), Arc::clone(&barrier));
        calls.spawn(async move {
            barrier.wait().await;
            let attempt_id = format!("{WRONG} {place}");
            enroll(&jane, &attempt_id).await
        });
    }
    let outcomes = calls.join_all().await;
    outcomes
        .iter()
        .filter(|outcome| is_looked_at(outcome))
        .count()
}

#[test]
fn a06_parallel_passwords_never_overrun_the_window() {
    on_both_pairs(async |service| {
        let (service, known) = knowing(&service);
        assert_eq!(looked_at_in_parallel(&service, 64).await, 10);
        assert_eq!(known.asked().len(), 10);
    });
}

#[test]
fn a06_parallel_passwords_without_a_charge_overrun_it_control() {
    on_embedded(async |service| {
        let (service, known) = charging_no_password(&service);
        assert_eq!(looked_at_in_parallel(&service, 64).await, 64);
        assert_eq!(known.asked().len(), 64);
    });
}

/// Short-lived memory may be gone between any two; the record is the referee.
#[test]
fn a06_the_record_bounds_parallel_passwords_that_short_lived_memory_let_through() {
    on_both_pairs(async |service| {
        let mut builder = service.twin_builder();
        let inner = Arc::clone(&service.stores.challenges);
        builder.stores.challenges =
            Arc::new(TamperedChallenges::charging_no_standalone_attempt(inner));
        let (service, _) = knowing_with(builder);
        assert_eq!(looked_at_in_parallel(&service, 64).await, 10);
        let jane = service.person().await;
        for _ in 0..10 {
            let outcome = enroll(&jane, WRONG).await;
            refused(outcome, Code::FailedPrecondition, "PASSWORD_REJECTED");
        }
        let outcome = enroll(&jane, RIGHT).await;
        refused(outcome, Code::ResourceExhausted, "TOO_MANY_ATTEMPTS");
        let settings = jane.settings().await;
        assert!(!settings.two_factor_enabled);
    });
}

#[test]
fn a07_who_goes_away_is_charged_all_the_same() {
    on_both_pairs(async |service| {
        let (service, known) = knowing(&service);
        let jane = service.person().await;
        let mut calls = JoinSet::new();
        let caller = jane.clone();
        calls.spawn(async move { enroll(&caller, WRONG).await });
        until(async || known.asked().len(), |asked| *asked == 1).await;
        calls.abort_all();
        until(
            async || failures(&service, &jane).await,
            |failures| *failures == 1,
        )
        .await;
    });
}

#[test]
fn a60_a_wrong_password_that_is_repeated_is_one_try() {
    on_both_pairs(async |service| {
        let (service, known) = knowing(&service);
        let jane = service.person().await;
        for _ in 0..12 {
            let outcome = enroll_as(&jane, WRONG, "request-1").await;
            refused(outcome, Code::FailedPrecondition, "PASSWORD_REJECTED");
        }
        assert_eq!(
            (known.asked().len(), failures(&service, &jane).await),
            (1, 1)
        );
        let outcome = enroll_as(&jane, RIGHT, "request-1").await;
        refused(outcome, Code::AlreadyExists, "REQUEST_ID_REUSED");
        assert_eq!(known.asked().len(), 1, "another password is another try");

        let mut flushed = service.twin_builder();
        (flushed.stores.challenges, flushed.stores.budgets) = memory();
        let (flushed, known) = knowing_with(flushed);
        let outcome = enroll_as(&jane.through(flushed.portal()), WRONG, "request-1").await;
        refused(outcome, Code::FailedPrecondition, "PASSWORD_REJECTED");
        assert!(known.asked().is_empty(), "the record knows it");
    });
}

#[test]
fn a60_another_password_under_the_same_request_id_is_another_guess_on_record() {
    on_both_pairs(async |service| {
        let (service, _) = knowing(&service);
        let jane = service.person().await;
        for place in 0..10 {
            let mut flushed = service.twin_builder();
            (flushed.stores.challenges, flushed.stores.budgets) = memory();
            let (flushed, _) = knowing_with(flushed);
            let attempt_id = format!("{WRONG} {place}");
            let outcome =
                enroll_as(&jane.through(flushed.portal()), &attempt_id, "request-1").await;
            refused(outcome, Code::FailedPrecondition, "PASSWORD_REJECTED");
        }
        assert_eq!(failures(&service, &jane).await, 10);
        let outcome = enroll(&jane, RIGHT).await;
        refused(outcome, Code::ResourceExhausted, "TOO_MANY_ATTEMPTS");
    });
}

/// A service that answers by its key would else say of a wrong password what it said of the right one.
#[test]
fn a60_another_password_under_the_same_request_id_has_another_key() {
    on_both_pairs(async |service| {
        let (service, known) = knowing(&service);
        let jane = service.person().await;
        for password in [WRONG, RIGHT, WRONG] {
            let mut flushed = service.twin_builder();
            (flushed.stores.challenges, flushed.stores.budgets) = memory();
            flushed.passwords = Some(Arc::clone(&known) as _);
            let elsewhere = jane.through(flushed.start().portal());
            drop(enroll_as(&elsewhere, password, "request-1").await);
        }
        let keys: Vec<String> = known.asked().into_iter().map(|(_, key)| key).collect();
        assert_eq!(keys.len(), 2, "the third was ruled on: {keys:?}");
        assert_ne!(keys[0], keys[1]);
    });
}

#[test]
fn a60_a_right_password_lets_nothing_happen_once_it_is_old() {
    on_both_pairs(async |service| {
        let (service, known) = knowing(&service);
        let jane = service.person().await;
        let accounts = Arc::new(TamperedAccounts::new(Arc::clone(&service.stores.accounts)));
        let mut builder = service.twin_builder();
        builder.stores.accounts = Arc::clone(&accounts) as _;
        builder.passwords = Some(Arc::clone(&known) as _);
        let broken = builder.start();
        accounts.break_next_commit(Fault::FailsBefore);
        let elsewhere = jane.through(broken.portal());
        assert!(enroll_as(&elsewhere, RIGHT, "request-1").await.is_err());
        service.advance(5 * 60 + 1);
        let outcome = enroll_as(&jane, RIGHT, "request-1").await;
        let code = Code::FailedPrecondition;
        refused(outcome, code, "AUTHORIZATION_NOT_ACCEPTED");
        assert_eq!(known.asked().len(), 1);
    });
}

#[test]
fn a08_old_charges_buy_no_new_verdicts() {
    on_both_pairs(async |service| {
        let (service, known) = knowing(&service);
        let jane = service.person().await;
        known.fail_with(Some(PasswordVerdict::Unanswered));
        let outcome = enroll_as(&jane, WRONG, "request-1").await;
        refused(outcome, Code::Unavailable, "PASSWORD_SERVICE_UNAVAILABLE");
        known.fail_with(None);
        service.advance(10 * 60 + 1);
        let outcome = enroll_as(&jane, WRONG, "request-1").await;
        refused(outcome, Code::AlreadyExists, "REQUEST_ID_REUSED");
        assert_eq!(known.asked().len(), 1);
        let outcome = enroll_as(&jane, WRONG, "request-2").await;
        refused(outcome, Code::FailedPrecondition, "PASSWORD_REJECTED");
    });
}

#[test]
fn a60_a_right_password_whose_change_failed_is_not_asked_for_again() {
    on_both_pairs(async |service| {
        let accounts = Arc::new(TamperedAccounts::new(Arc::clone(&service.stores.accounts)));
        let mut builder = service.twin_builder();
        builder.stores.accounts = Arc::clone(&accounts) as _;
        let (service, known) = knowing_with(builder);
        let jane = service.person().await;
        accounts.break_next_commit(Fault::FailsBefore);
        let outcome = enroll_as(&jane, RIGHT, "request-1").await;
        refused(outcome, Code::Unavailable, "STORE_UNAVAILABLE");
        let begun = enroll_as(&jane, RIGHT, "request-1").await.unwrap();
        let again = enroll_as(&jane, RIGHT, "request-1").await.unwrap();
        assert_eq!(begun.totp.unwrap().secret, again.totp.unwrap().secret);
        assert_eq!(known.asked().len(), 1);
    });
}

/// A right password gives its own charge back and nothing more.
#[test]
fn a08_right_passwords_reset_no_count() {
    on_both_pairs(async |service| {
        let (service, known) = knowing(&service);
        let jane = service.person().await;
        for _ in 0..9 {
            let outcome = enroll(&jane, WRONG).await;
            refused(outcome, Code::FailedPrecondition, "PASSWORD_REJECTED");
        }
        for _ in 0..5 {
            enroll(&jane, RIGHT).await.unwrap();
        }
        let outcome = enroll(&jane, WRONG).await;
        refused(outcome, Code::FailedPrecondition, "PASSWORD_REJECTED");
        let outcome = enroll(&jane, RIGHT).await;
        refused(outcome, Code::ResourceExhausted, "TOO_MANY_ATTEMPTS");
        assert_eq!(known.asked().len(), 15);
    });
}

/// Nobody learns anything from a service that is silent; but who can silence it gets no more tries than others.
#[test]
fn a08_a_try_that_may_have_been_looked_at_stays_charged_and_one_that_was_not_is_given_back() {
    on_both_pairs(async |service| {
        let (service, known) = knowing(&service);
        let jane = service.person().await;
        known.fail_with(Some(PasswordVerdict::NotLookedAt));
        for _ in 0..30 {
            let outcome = enroll(&jane, WRONG).await;
            refused(outcome, Code::Unavailable, "PASSWORD_SERVICE_UNAVAILABLE");
        }
        known.fail_with(Some(PasswordVerdict::Unanswered));
        for _ in 0..12 {
            let outcome = enroll_as(&jane, RIGHT, "request-1").await;
            refused(outcome, Code::Unavailable, "PASSWORD_SERVICE_UNAVAILABLE");
        }
        for _ in 0..9 {
            let outcome = enroll(&jane, WRONG).await;
            refused(outcome, Code::Unavailable, "PASSWORD_SERVICE_UNAVAILABLE");
        }
        let outcome = enroll(&jane, RIGHT).await;
        refused(outcome, Code::ResourceExhausted, "TOO_MANY_ATTEMPTS");
        assert_eq!(failures(&service, &jane).await, 0, "nothing was wrong");
        known.fail_with(None);
        enroll_as(&jane, RIGHT, "request-1").await.unwrap();
    });
}

#[test]
fn a08_a_change_that_would_fail_anyway_asks_nobody() {
    on_both_pairs(async |service| {
        let (service, known) = opted_in(&service);
        let jane = service.person().await;
        let unverified = jane.colleague("jim").await;
        let profile = pb::Profile {
            email: "jim@elsewhere.example.com".to_owned(),
            ..pb::Profile::default()
        };
        unverified.upsert(profile).await.unwrap();
        let outcome = enroll(&unverified, WRONG).await;
        refused(outcome, Code::FailedPrecondition, "EMAIL_NOT_VERIFIED");
        let by_number = Method::Sms(pb::EnrollSms::default());
        let request = jane.enrollment_request(by_number, by_password(WRONG));
        let outcome = jane.begin_enrollment(request).await;
        refused(outcome, Code::FailedPrecondition, "PHONE_NUMBER_MISSING");
        for password in ["", &"x".repeat(1025)] {
            let outcome = enroll(&jane, password).await;
            let status = refused(outcome, Code::InvalidArgument, "INVALID_FIELD");
            assert_eq!(
                crate::support::field(&status),
                "authorization.password.password"
            );
        }
        assert!(known.asked().is_empty());
        assert_eq!(failures(&service, &jane).await, 0);
    });
}

#[test]
fn a17_the_password_adds_no_second_method() {
    on_both_pairs(async |service| {
        let (service, known) = knowing(&service);
        let (jane, enrolled) = person_to_change(&service).await;
        for round in 0..CHANGES.len() {
            let outcome = change(&jane, &enrolled, round, RIGHT).await;
            refused(outcome, Code::FailedPrecondition, "STEP_UP_REQUIRED");
        }
        assert!(known.asked().is_empty());
    });
}

#[test]
fn a17_the_password_adds_one_where_the_policy_opts_in_control() {
    on_embedded(async |service| {
        let (service, known) = opted_in(&service);
        for round in 0..CHANGES.len() {
            let (jane, enrolled) = person_to_change(&service).await;
            change(&jane, &enrolled, round, RIGHT).await.unwrap();
        }
        assert_eq!(known.asked().len(), CHANGES.len());
    });
}

/// The approval that a right password becomes is never told, and does for nothing else if it is.
#[test]
fn a21_the_approval_of_a_password_is_good_for_its_own_change_only() {
    on_both_pairs(async |service| {
        let accounts = Arc::new(TamperedAccounts::new(Arc::clone(&service.stores.accounts)));
        let mut builder = service.twin_builder();
        builder.stores.accounts = Arc::clone(&accounts) as _;
        builder.service_layer = PolicyOverride {
            password_suffices: Some(CHANGES.to_vec()),
            ..PolicyOverride::default()
        };
        let (service, _) = knowing_with(builder);
        let jane = service.person().await;
        jane.enroll_app(&service).await;
        accounts.break_next_commit(Fault::FailsBefore);
        let outcome = enroll(&jane, RIGHT).await;
        refused(outcome, Code::Unavailable, "STORE_UNAVAILABLE");
        let approval = accounts.approved().expect("the password was approved");
        let authorization = crate::support::person::approval(&approval.to_string());
        let outcome = jane
            .begin_enrollment(jane.enrollment_request(app(), authorization))
            .await;
        refused(
            outcome,
            Code::FailedPrecondition,
            "AUTHORIZATION_NOT_ACCEPTED",
        );
    });
}

#[test]
fn where_nobody_knows_passwords_one_is_refused_and_says_so() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let outcome = enroll_as(&jane, RIGHT, &unique()).await;
        refused(outcome, Code::FailedPrecondition, "NO_PASSWORD_SERVICE");
        assert_eq!(failures(&service, &jane).await, 0);
    });
}

/// Who adds an RPC that takes a password has to add it to [`change`].
#[test]
fn a08_no_other_call_takes_a_password() {
    let set = FileDescriptorSet::decode(DESCRIPTORS).unwrap();
    let of_v1 = set
        .file
        .iter()
        .filter(|file| file.package() == "countersign.v1");
    let messages: Vec<_> = of_v1.flat_map(|file| &file.message_type).collect();
    let with = |is_it: &dyn Fn(&prost_types::FieldDescriptorProto) -> bool| {
        let found = messages
            .iter()
            .filter(|message| message.field.iter().any(is_it));
        let mut names: Vec<&str> = found.map(|message| message.name()).collect();
        names.sort_unstable();
        names
    };
    assert_eq!(
        with(&|field| field.name() == "password"),
        ["Authorization", "Password"]
    );
    assert_eq!(
        with(&|field| field.type_name() == ".countersign.v1.Authorization"),
        [
            "BeginEnrollmentRequest",
            "DeleteMethodRequest",
            "DisableTwoFactorRequest",
            "GenerateRecoveryCodesRequest",
            "TrustDeviceRequest",
            "UpdateMethodRequest"
        ]
    );
}
