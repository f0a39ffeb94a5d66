//! A05, A06, A07, A08, A31: guesses and messages are counted, whatever way they come.

use crate::{
    attacks::once::failures,
    support::{
        Builder, Person, Service, field, on_both_pairs, on_embedded,
        person::{add_method, wrong},
        refused,
        tamper::{TamperedAccounts, TamperedChallenges},
    },
};
use countersign_domain::{
    challenge::verdict::{JudgedAttempt, VerdictRequest},
    limits::budget::{RateLimit, RateLimitWindows},
};
use countersign_proto::{
    DESCRIPTORS,
    v1::{self as pb, MethodKind, confirm_enrollment_response, verify_challenge_response::Verdict},
};
use prost::Message;
use prost_types::FileDescriptorSet;
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::{sync::Barrier, task::JoinSet};
use tonic::Code;

const NUMBER: &str = "+4915123456789";

/// Bounds that never fill.
fn boundless(verdict_request: VerdictRequest) -> VerdictRequest {
    let windows = RateLimitWindows::only(RateLimit::new(u32::MAX, Duration::from_secs(1)));
    VerdictRequest {
        attempt: JudgedAttempt {
            windows,
            ..verdict_request.attempt
        },
        failures_until_disabled: u32::MAX,
        ..verdict_request
    }
}

/// A service that counts by challenge instead of by user.
fn counting_by_challenge(service: &Service) -> Service {
    let mut builder = service.twin_builder();
    builder.stores.challenges = Arc::new(TamperedChallenges::counting_by_challenge(Arc::clone(
        &service.stores.challenges,
    )));
    builder.stores.accounts = Arc::new(TamperedAccounts::rewriting_verdicts(
        Arc::clone(&service.stores.accounts),
        boundless,
    ));
    builder.start()
}

/// Fifty challenges of all purposes with four wrong codes each, resent and canceled in between: how many of the codes
/// were looked at, and whether the right one was looked at in the end.
async fn judged_over_many_challenges(service: &Service) -> (usize, bool) {
    let jane = service.person().await;
    let app = jane.enroll_app(service).await;
    service.advance(30);
    let right = app.app.code_at(service.seconds());
    let mut judged = 0;
    for round in 0..50 {
        let request = match round % 3 {
            0 => jane.challenge_request(),
            1 => jane.step_up_request(add_method(MethodKind::Sms)),
            _ => jane.step_up_request(add_method(MethodKind::Email)),
        };
        let challenge = jane.issue_with(request).await.unwrap();
        for _ in 0..4 {
            match jane.verify(&challenge.challenge_id, &wrong(&right)).await {
                Ok(Verdict::Rejected(rejected)) => {
                    assert_eq!(rejected.reason(), pb::RejectionReason::CodeRejected);
                    judged += 1;
                }
                Ok(Verdict::Approved(_)) => panic!("a wrong code was approved"),
                Err(status) => {
                    refused(
                        Err::<(), _>(status),
                        Code::ResourceExhausted,
                        "TOO_MANY_ATTEMPTS",
                    );
                }
            }
        }
        let _nothing_is_sent = jane.resend(&challenge.challenge_id).await;
        if round % 2 == 0 {
            jane.cancel(&challenge.challenge_id).await.unwrap();
        }
    }
    let challenge = jane.issue().await;
    let looked_at = jane.verify(&challenge.challenge_id, &right).await.is_ok();
    (judged, looked_at)
}

#[test]
fn a05_no_new_challenge_resets_the_count() {
    on_both_pairs(async |service| {
        assert_eq!(judged_over_many_challenges(&service).await, (10, false));
    });
}

#[test]
fn a05_counters_by_challenge_are_caught_control() {
    on_embedded(async |service| {
        let flawed = counting_by_challenge(&service);
        let (judged, looked_at) = judged_over_many_challenges(&flawed).await;
        assert!(judged > 10 && looked_at, "{judged} codes were looked at");
    });
}

#[test]
fn a05_the_budget_comes_back_with_time_and_says_when() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let app = jane.enroll_app(&service).await;
        for _ in 0..2 {
            let challenge = jane.issue().await;
            for _ in 0..5 {
                jane.rejected(&challenge.challenge_id, "000000").await;
            }
        }
        let challenge = jane.issue().await;
        let status = jane
            .verify(&challenge.challenge_id, "000000")
            .await
            .unwrap_err();
        let retry = tonic_types::StatusExt::get_details_retry_info(&status)
            .unwrap()
            .retry_delay
            .unwrap();
        assert_eq!(retry, Duration::from_mins(15));
        service.advance(15 * 60);
        jane.sign_in(&service, &app).await;
    });
}

/// Five hundred wrong answers to one challenge at once, over two processes and eight connections: how many were judged.
async fn judged_at_once(service: &Service, twin: &Service, rivals: usize) -> usize {
    let jane = service.person().await;
    jane.enroll_app(service).await;
    let challenge = jane.issue().await;
    let people: Vec<Person> = (0..8)
        .map(|place| jane.through(if place % 2 == 0 { service } else { twin }.portal()))
        .collect();
    let barrier = Arc::new(Barrier::new(rivals));
    let mut attempts = JoinSet::new();
    for place in 0..rivals {
        let (person, barrier, id) = (
            people[place % 8].clone(),
            Arc::clone(&barrier),
            challenge.challenge_id.clone(),
        );
        attempts.spawn(async move {
            barrier.wait().await;
            match person.verify(&id, "000000").await {
                Ok(Verdict::Rejected(rejected)) => {
                    rejected.reason() == pb::RejectionReason::CodeRejected
                }
                _ => false,
            }
        });
    }
    attempts
        .join_all()
        .await
        .into_iter()
        .filter(|judged| *judged)
        .count()
}

#[test]
fn a06_parallel_attempts_do_not_overrun_the_limit() {
    on_both_pairs(async |service| {
        let twin = service.twin();
        for _ in 0..5 {
            assert_eq!(judged_at_once(&service, &twin, 200).await, 5);
        }
    });
}

#[test]
fn a06_a_store_that_checks_and_then_acts_is_caught_control() {
    on_embedded(async |service| {
        let mut builder = service.twin_builder();
        builder.stores.challenges = Arc::new(TamperedChallenges::checking_then_acting(Arc::clone(
            &service.stores.challenges,
        )));
        builder.stores.accounts = Arc::new(TamperedAccounts::rewriting_verdicts(
            Arc::clone(&service.stores.accounts),
            |verdict_request| VerdictRequest {
                max_attempts: u8::MAX,
                attempt: boundless(verdict_request.clone()).attempt,
                ..verdict_request
            },
        ));
        let flawed = builder.start();
        let twin = flawed.twin();
        assert!(judged_at_once(&flawed, &twin, 200).await > 5);
    });
}

/// Guesses whose caller hangs up after so many turns: how many were judged, and how many the durable record counts.
async fn judged_and_counted(service: &Service) -> (usize, usize) {
    let challenges = Arc::new(TamperedChallenges::new(Arc::clone(
        &service.stores.challenges,
    )));
    let mut builder = service.twin_builder();
    builder.stores.challenges = Arc::clone(&challenges) as _;
    let victim = builder.start();
    let jane = victim.person().await;
    jane.enroll_app(&victim).await;
    let before = challenges.judged.load(Ordering::SeqCst);
    let ids = [
        jane.issue().await.challenge_id,
        jane.issue().await.challenge_id,
    ];
    for turns in 0..10 {
        let (person, id) = (jane.clone(), ids[turns % 2].clone());
        let mut attempt_id = JoinSet::new();
        attempt_id.spawn(async move { person.verify(&id, "000000").await });
        for _ in 0..turns * 3 {
            tokio::task::yield_now().await;
        }
        attempt_id.abort_all();
    }
    victim.stop().await;
    (
        challenges.judged.load(Ordering::SeqCst) - before,
        failures(service, &jane).await,
    )
}

#[test]
fn a07_a_caller_who_hangs_up_takes_no_count_back() {
    on_both_pairs(async |service| {
        for _ in 0..5 {
            let (judged, counted) = judged_and_counted(&service).await;
            assert_eq!(judged, counted);
        }
    });
}

/// The same walk, run inside the request instead of to its end: what the test above would see without that rule.
#[test]
fn a07_a_walk_that_dies_with_its_request_is_caught_control() {
    on_embedded(async |_service| {
        let (charged, counted) = (
            Arc::new(std::sync::atomic::AtomicUsize::new(0)),
            Arc::new(std::sync::atomic::AtomicUsize::new(0)),
        );
        let gate = Arc::new(tokio::sync::Semaphore::new(0));
        let mut walk = JoinSet::new();
        for _ in 0..10 {
            let (charged, counted, gate) = (
                Arc::clone(&charged),
                Arc::clone(&counted),
                Arc::clone(&gate),
            );
            walk.spawn(async move {
                charged.fetch_add(1, Ordering::SeqCst);
                let _passed = gate.acquire().await;
                counted.fetch_add(1, Ordering::SeqCst);
            });
        }
        while charged.load(Ordering::SeqCst) < 10 {
            tokio::task::yield_now().await;
        }
        walk.abort_all();
        while walk.join_next().await.is_some() {}
        gate.close();
        assert!(charged.load(Ordering::SeqCst) > counted.load(Ordering::SeqCst));
    });
}

/// Wrong codes round-robin over methods, purposes and RPCs: how many were looked at, recovery codes apart.
async fn judged_over_everything(service: &Service) -> (usize, usize) {
    let jane = service.person().await;
    let app = jane.enroll_app(service).await;
    let authorization = jane
        .step_up(service, &app, add_method(MethodKind::Sms))
        .await;
    let number = jane
        .enroll_number(NUMBER, authorization)
        .await
        .method
        .unwrap();
    let profile = pb::Profile {
        email: format!("new@{}.example.com", jane.tenant_id),
        ..pb::Profile::default()
    };
    service.advance(20 * 60);
    let (mut codes, mut recovery) = (0, 0);
    let count = |outcome: Result<Verdict, tonic::Status>, counter: &mut usize| match outcome {
        Ok(Verdict::Rejected(rejected))
            if rejected.reason() == pb::RejectionReason::CodeRejected =>
        {
            *counter += 1;
        }
        Ok(Verdict::Rejected(_)) => {}
        Ok(Verdict::Approved(_)) => panic!("a wrong code was approved"),
        Err(status) => assert_eq!(status.code(), Code::ResourceExhausted, "{status}"),
    };
    let wrong_recovery_code = countersign_domain::recovery::RecoveryCode::new(
        countersign_domain::recovery::CodeSlot::new(3).unwrap(),
        &[7; 10],
    )
    .expose();
    let enrolling = {
        let authorization = jane
            .step_up(service, &app, add_method(MethodKind::Totp))
            .await;
        let method = pb::begin_enrollment_request::Method::Totp(pb::EnrollTotp {});
        jane.begin_enrollment(jane.enrollment_request(method, authorization))
            .await
            .unwrap()
            .challenge
            .unwrap()
    };
    jane.upsert(profile).await.unwrap();
    for round in 0..10 {
        service.advance(if round == 0 { 31 } else { 0 });
        let app_challenge = jane.issue_for(&app.method_id).await.unwrap();
        count(
            jane.verify(&app_challenge.challenge_id, "000000").await,
            &mut codes,
        );
        count(
            jane.verify(&app_challenge.challenge_id, &wrong_recovery_code)
                .await,
            &mut recovery,
        );
        if let Ok(sms) = jane.issue_for(&number.method_id).await {
            count(jane.verify(&sms.challenge_id, "000000").await, &mut codes);
        }
        let step_up = jane
            .issue_with(jane.step_up_request(add_method(MethodKind::Email)))
            .await
            .unwrap();
        count(
            jane.verify(&step_up.challenge_id, "000000").await,
            &mut codes,
        );
        if let Ok(address) = jane.issue_verify_email().await {
            count(
                jane.verify(&address.challenge_id, "000000").await,
                &mut codes,
            );
        }
        match jane
            .confirm_with(jane.confirmation(&enrolling.challenge_id, "000000"))
            .await
        {
            Ok(confirm_enrollment_response::Verdict::Rejected(rejected)) => {
                codes += usize::from(rejected.reason() == pb::RejectionReason::CodeRejected);
            }
            Ok(confirm_enrollment_response::Verdict::Enrolled(_)) => {
                panic!("a wrong code enrolled")
            }
            Err(status) => assert_eq!(status.code(), Code::ResourceExhausted, "{status}"),
        }
    }
    (codes, recovery)
}

#[test]
fn a08_one_budget_over_all_methods_purposes_and_calls() {
    on_both_pairs(async |service| {
        assert_eq!(judged_over_everything(&service).await, (10, 5));
    });
}

#[test]
fn a08_counters_by_challenge_are_caught_control() {
    on_embedded(async |service| {
        let (codes, _) = judged_over_everything(&counting_by_challenge(&service)).await;
        assert!(codes > 10, "{codes} codes were looked at");
    });
}

/// Who adds an RPC that takes a code has to add it to the tests above.
#[test]
fn a08_no_other_call_takes_a_code() {
    assert_eq!(
        requests_with(&["code", "password"]),
        [
            "ConfirmEnrollmentRequest",
            "ConfirmResetRequest",
            "VerifyChallengeRequest"
        ]
    );
}

/// A token of 128 random bits can't be guessed, so that a charge would only help whoever wants to close the way of the
/// others who have one. Who adds an RPC that takes another secret has to say why it needs no charge.
#[test]
fn a08_no_other_call_takes_a_secret_without_a_charge() {
    assert_eq!(
        requests_with(&["token", "secret", "key"]),
        ["CancelResetRequest", "RevertChangeRequest"]
    );
}

/// The requests with a field that is named like one of these; a page token opens nothing that its caller may not see.
fn requests_with(names: &[&str]) -> Vec<String> {
    let set = FileDescriptorSet::decode(DESCRIPTORS).unwrap();
    let mut takes: Vec<String> = Vec::new();
    for file in set
        .file
        .iter()
        .filter(|file| file.package() == "countersign.v1")
    {
        for message in file
            .message_type
            .iter()
            .filter(|message| message.name().ends_with("Request"))
        {
            if message
                .field
                .iter()
                .filter(|field| field.name() != "page_token")
                .any(|field| names.iter().any(|name| field.name().contains(name)))
            {
                takes.push(message.name().to_owned());
            }
        }
    }
    takes.sort();
    takes
}

/// Forty spellings of one number, as people and attackers write it.
fn spellings() -> Vec<String> {
    let mut spellings = Vec::new();
    for separator in ["", " ", "-", ".", "/", "  ", " - ", "--"] {
        for groups in [
            &["+49", "1512", "3456789"][..],
            &["+49", "151", "23456789"],
            &["+49", "15123", "456", "789"],
        ] {
            spellings.push(groups.join(separator));
        }
    }
    for (open, close) in [("(", ")"), ("( ", " )")] {
        for rest in [
            "1512 3456789",
            "1512-3456789",
            "15123456789",
            "1512.345.6789",
        ] {
            spellings.push(format!("+49 {open}0{close} {rest}"));
            spellings.push(format!("+49{open}0{close}{rest}"));
        }
    }
    spellings
}

/// Begins to enroll each number for a person of a tenant of its own; how many messages went out.
async fn messages_sent(service: &Service, numbers: &[String]) -> usize {
    let mut sent = 0;
    for number in numbers {
        let person = service.person().await;
        let sms = pb::EnrollSms {
            phone_number: number.clone(),
        };
        let method = pb::begin_enrollment_request::Method::Sms(sms);
        let authorization = person.attested(service, add_method(MethodKind::Sms));
        match person
            .begin_enrollment(person.enrollment_request(method, authorization))
            .await
        {
            Ok(_) => sent += 1,
            Err(status) => {
                refused(
                    Err::<(), _>(status),
                    Code::ResourceExhausted,
                    "TOO_MANY_SENDS",
                );
            }
        }
        // All within ten minutes, and not all within the wait.
        service.advance(14);
    }
    sent
}

#[test]
fn a31_forty_spellings_of_a_number_share_one_budget() {
    on_both_pairs(async |service| {
        let spellings = spellings();
        assert!(spellings.len() >= 40, "{}", spellings.len());
        assert_eq!(
            messages_sent(&service, &spellings).await,
            3,
            "three in ten minutes, across tenants"
        );
    });
}

#[test]
fn a31_other_numbers_have_budgets_of_their_own_control() {
    on_embedded(async |service| {
        let numbers: Vec<String> = (10..50).map(|last| format!("+49151234567{last}")).collect();
        assert_eq!(messages_sent(&service, &numbers).await, 40);
    });
}

#[test]
fn a31_what_is_no_number_is_refused_by_its_field() {
    on_embedded(async |service| {
        let jane = service.person().await;
        for junk in [
            "",
            "nonsense",
            "015123456789",
            "+49",
            "+999123456",
            "+4930123456",
            "+49\u{660}151",
            "+49151234567890123456",
        ] {
            if junk.is_empty() {
                continue;
            }
            let sms = pb::EnrollSms {
                phone_number: junk.to_owned(),
            };
            let method = pb::begin_enrollment_request::Method::Sms(sms);
            let outcome = jane
                .begin_enrollment(jane.enrollment_request(method, None))
                .await;
            let status = refused(outcome, Code::InvalidArgument, "INVALID_FIELD");
            assert_eq!(field(&status), "sms.phone_number", "{junk}");
        }
    });
}

#[test]
fn a_low_policy_bound_is_a_value_like_any_other() {
    on_embedded(async |service| {
        let mut builder: Builder = service.twin_builder();
        builder.policy.attempts_per_challenge = 1;
        let strict = builder.start();
        let jane = strict.person().await;
        jane.enroll_app(&strict).await;
        let challenge = jane.issue().await;
        assert_eq!(
            jane.rejected(&challenge.challenge_id, "000000")
                .await
                .attempts_left,
            0
        );
        let over = jane.rejected(&challenge.challenge_id, "000000").await;
        assert_eq!(over.reason(), pb::RejectionReason::ChallengeOver);
    });
}
