//! A01, A02, A03, A12, A41: a code is accepted once.

use crate::support::{
    EnrolledApp, Person, Service, field, on_both_pairs, on_embedded, on_production,
    person::add_method,
    refused,
    stores::memory,
    tamper::{Fault, TamperedAccounts, TamperedChallenges},
    until,
};
use countersign_domain::challenge::{AttemptEffect, AttemptJudgment, verdict::VerdictRequest};
use countersign_proto::v1::{self as pb, MethodKind, verify_challenge_response::Verdict};
use std::sync::Arc;
use tonic::Code;

/// How often one code of an app is accepted over ninety seconds, wherever it is tried.
async fn acceptances(service: &Service, twin: &Service) -> usize {
    let jane = service.person().await;
    let elsewhere = jane.through(twin.portal());
    let app = jane.enroll_app(service).await;
    service.advance(30);
    let code = app.app.code_at(service.seconds());
    let first = jane.issue().await;
    let step_up = jane
        .issue_with(jane.step_up_request(add_method(MethodKind::Sms)))
        .await
        .unwrap();
    let mut accepted = 0;
    for second in [0, 0, 1, 29, 30, 30, 59, 60, 89] {
        let mut challenges = vec![first.challenge_id.clone(), step_up.challenge_id.clone()];
        challenges.push(jane.issue().await.challenge_id);
        service.advance(second_after(second, service));
        for (place, challenge) in challenges.iter().enumerate() {
            let person = if place % 2 == 0 { &jane } else { &elsewhere };
            match person.verify(challenge, &code).await {
                Ok(Verdict::Approved(_)) => accepted += 1,
                Ok(Verdict::Rejected(_)) => {}
                Err(status) => assert_eq!(status.code(), Code::ResourceExhausted, "{status}"),
            }
        }
    }
    accepted
}

/// Seconds to go until `second` of the attack.
fn second_after(second: u64, service: &Service) -> u64 {
    let began = 1_780_000_050;
    let now = u64::try_from(service.seconds()).unwrap();
    (began + second).saturating_sub(now)
}

#[test]
fn a01_one_code_of_an_app_is_accepted_once_wherever_it_is_tried() {
    on_both_pairs(async |service| {
        let twin = service.twin();
        assert_eq!(acceptances(&service, &twin).await, 1);
    });
}

/// Judges like the real store, but does not remember the step, nor bounds guesses.
fn forgetting_steps(verdict_request: VerdictRequest) -> VerdictRequest {
    let judgment = match verdict_request.judgment {
        AttemptJudgment::Right(AttemptEffect::Step { .. }) => {
            AttemptJudgment::Right(AttemptEffect::Plain)
        }
        other => other,
    };
    VerdictRequest {
        judgment,
        ..verdict_request
    }
}

#[test]
fn a01_a_store_that_forgets_steps_is_caught_control() {
    on_embedded(async |service| {
        let mut builder = service.twin_builder();
        builder.stores.accounts = Arc::new(TamperedAccounts::rewriting_verdicts(
            Arc::clone(&service.stores.accounts),
            forgetting_steps,
        ));
        let flawed = builder.start();
        let twin = flawed.twin();
        assert!(acceptances(&flawed, &twin).await > 1);
    });
}

/// Whether an older step is accepted after a newer one.
async fn older_after_newer(service: &Service) -> bool {
    let jane = service.person().await;
    let app = jane.enroll_app(service).await;
    service.advance(60);
    let (older, newer) = (
        app.app.code_at(service.seconds() - 30),
        app.app.code_at(service.seconds()),
    );
    let challenge = jane.issue().await;
    jane.approved(&challenge.challenge_id, &newer).await;
    let challenge = jane.issue().await;
    matches!(
        jane.verify(&challenge.challenge_id, &older).await.unwrap(),
        Verdict::Approved(_)
    )
}

#[test]
fn a02_an_older_step_is_refused_after_a_newer_one() {
    on_both_pairs(async |service| assert!(!older_after_newer(&service).await));
}

#[test]
fn a02_a_store_that_forgets_steps_is_caught_control() {
    on_embedded(async |service| {
        let mut builder = service.twin_builder();
        builder.stores.accounts = Arc::new(TamperedAccounts::rewriting_verdicts(
            Arc::clone(&service.stores.accounts),
            forgetting_steps,
        ));
        assert!(older_after_newer(&builder.start()).await);
    });
}

/// Spellings that people and clients use for a code, and that are read as it.
fn usual_spellings(code: &str) -> Vec<String> {
    let (head, tail) = code.split_at(3);
    vec![
        format!(" {code}"),
        format!("{code} "),
        format!("{code}\r\n"),
        format!("\u{a0}{code}"),
        format!("{head} {tail}"),
        format!("{head}\u{a0}{tail}"),
        format!("{head}\u{202f}{tail}"),
        format!("{head}-{tail}"),
        code.to_owned(),
    ]
}

/// Other spellings of a code, each of which some parser takes for it.
fn spellings(code: &str) -> Vec<String> {
    let map = |base: u32| -> String {
        let digit = |byte: u8| char::from_u32(base + u32::from(byte - b'0')).unwrap();
        code.bytes().map(digit).collect()
    };
    let (head, tail) = code.split_at(3);
    vec![
        format!("{head}\n{tail}"),
        format!("{head}\u{2009}{tail}"),
        format!("{head}\u{200b}{tail}"),
        format!("{code}\0"),
        format!("+{code}"),
        format!("-{code}"),
        format!("{code}.0"),
        format!("{head}_{tail}"),
        format!("0x{code}"),
        format!("{code}e0"),
        map(0xff10),
        map(0x0660),
        map(0x06f0),
        map(0x0966),
    ]
}

#[test]
fn a03_no_other_spelling_of_a_code_is_looked_at() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let app = jane.enroll_app(&service).await;
        service.advance(30);
        let code = app.app.code_at(service.seconds());
        let challenge = jane.issue().await;
        for spelling in spellings(&code) {
            let outcome = jane.verify(&challenge.challenge_id, &spelling).await;
            let status = refused(outcome, Code::InvalidArgument, "INVALID_FIELD");
            assert_eq!(field(&status), "code");
        }
        let current = jane.get_challenge(&challenge.challenge_id).await.unwrap();
        assert_eq!(current.attempts_left, 5, "nothing was charged");
        jane.approved(&challenge.challenge_id, &code).await;
    });
}

#[test]
fn a03_a_used_code_is_used_in_every_spelling() {
    on_both_pairs(async |service| {
        for first in 0..usual_spellings("123456").len() {
            let jane = service.person().await;
            let app = jane.enroll_app(&service).await;
            service.advance(30);
            let code = app.app.code_at(service.seconds());
            let challenge = jane.issue().await;
            let spellings = usual_spellings(&code);
            jane.approved(&challenge.challenge_id, &spellings[first])
                .await;
            let challenge = jane.issue().await;
            for (wrong, spelling) in spellings.iter().take(4).enumerate() {
                let rejected = jane.rejected(&challenge.challenge_id, spelling).await;
                assert_eq!(usize::try_from(rejected.attempts_left).unwrap(), 4 - wrong);
            }
        }
    });
}

#[test]
fn a03_a_lenient_parser_is_caught_control() {
    let lenient = |text: &str| -> Option<u32> {
        let digits: String = text
            .chars()
            .filter_map(|character| character.to_digit(10))
            .map(|digit| digit.to_string())
            .collect();
        digits.parse().ok()
    };
    let taken = spellings("123456")
        .iter()
        .filter(|text| lenient(text) == Some(123_456))
        .count();
    assert!(
        taken > 5,
        "these spellings deceive a parser that strips what it does not know"
    );
}

/// Whether the right code is accepted by a challenge that five wrong ones have killed, once by the store that saw it
/// die, once by one that never heard of it.
async fn after_death(service: &Service) -> Vec<Verdict> {
    let watched = Arc::new(TamperedChallenges::new(Arc::clone(
        &service.stores.challenges,
    )));
    let mut builder = service.twin_builder();
    builder.stores.challenges = Arc::clone(&watched) as _;
    let victim = builder.start();
    let jane = victim.person().await;
    let app = jane.enroll_app(&victim).await;
    victim.advance(30);
    let code = app.app.code_at(victim.seconds());
    let challenge = jane.issue().await;
    for _ in 0..5 {
        jane.rejected(
            &challenge.challenge_id,
            &crate::support::person::wrong(&code),
        )
        .await;
    }
    let known = jane.verify(&challenge.challenge_id, &code).await.unwrap();

    // Short-lived memory as a failover may leave it: the challenge as it was issued, and nothing of its guesses.
    let opening = watched.opened.lock().unwrap().last().unwrap().clone();
    let (revived, budgets) = memory();
    let tag = countersign::ports::KeyService::subject_tag(&*service.ring, &jane.subject());
    revived.open(tag, &opening).await.unwrap();
    let mut builder = service.twin_builder();
    builder.stores.challenges = revived;
    builder.stores.budgets = budgets;
    let forgetful = builder.start();
    let again = jane
        .through(forgetful.portal())
        .verify(&challenge.challenge_id, &code)
        .await
        .unwrap();
    vec![known, again]
}

#[test]
fn a12_a_dead_challenge_stays_dead_even_if_short_lived_memory_revives_it() {
    on_both_pairs(async |service| {
        for verdict in after_death(&service).await {
            let Verdict::Rejected(rejected) = verdict else {
                panic!("{verdict:?}")
            };
            assert_eq!(rejected.reason(), pb::RejectionReason::ChallengeOver);
        }
    });
}

#[test]
fn a12_a_revived_challenge_would_be_answered_if_it_had_not_died_control() {
    on_embedded(async |service| {
        let watched = Arc::new(TamperedChallenges::new(Arc::clone(
            &service.stores.challenges,
        )));
        let mut builder = service.twin_builder();
        builder.stores.challenges = Arc::clone(&watched) as _;
        let victim = builder.start();
        let jane = victim.person().await;
        let app = jane.enroll_app(&victim).await;
        victim.advance(30);
        let challenge = jane.issue().await;
        let opening = watched.opened.lock().unwrap().last().unwrap().clone();
        let (revived, _) = memory();
        let tag = countersign::ports::KeyService::subject_tag(&*service.ring, &jane.subject());
        revived.open(tag, &opening).await.unwrap();
        let mut builder = service.twin_builder();
        builder.stores.challenges = revived;
        let other = jane.through(builder.start().portal());
        other
            .approved(&challenge.challenge_id, &app.app.code_at(service.seconds()))
            .await;
    });
}

/// One answer that meets a fault at the settlement, then the same call again at another process.
async fn through_a_fault(
    service: &Service,
    fault: Fault,
    (right, request_id): (bool, &str),
) -> (Person, EnrolledApp, Verdict) {
    let accounts = Arc::new(TamperedAccounts::new(Arc::clone(&service.stores.accounts)));
    let mut builder = service.twin_builder();
    builder.stores.accounts = Arc::clone(&accounts) as _;
    let breaking = builder.start();
    let jane = breaking.person().await;
    let app = jane.enroll_app(&breaking).await;
    service.advance(30);
    let code = app.app.code_at(service.seconds());
    let code = if right {
        code
    } else {
        crate::support::person::wrong(&code)
    };
    let challenge = jane.issue().await;
    let request = pb::VerifyChallengeRequest {
        request_id: request_id.to_owned(),
        ..jane.verify_request(&challenge.challenge_id, &code)
    };
    accounts.break_next_verdict(fault);
    let failed = jane.verify_with(request.clone()).await.unwrap_err();
    assert!(
        matches!(failed.code(), Code::Unavailable | Code::Internal),
        "never a verdict: {failed}"
    );
    let again = jane.through(service.portal());
    let verdict = again.verify_with(request).await.unwrap();
    (again, app, verdict)
}

/// The request id of a call and of its repeat.
const SAME: &str = "the-same-call";

const FAULTS: [Fault; 4] = [
    Fault::FailsBefore,
    Fault::FailsAfter,
    Fault::PanicsBefore,
    Fault::PanicsAfter,
];

#[test]
fn a41_a_right_code_is_approved_once_whatever_breaks_and_then_durably() {
    on_both_pairs(async |service| {
        for fault in FAULTS {
            let (jane, app, verdict) = through_a_fault(&service, fault, (true, SAME)).await;
            assert!(
                matches!(verdict, Verdict::Approved(_)),
                "{fault:?}: {verdict:?}"
            );
            let challenge = jane.issue().await;
            jane.rejected(&challenge.challenge_id, &app.app.code_at(service.seconds()))
                .await;
        }
    });
}

#[test]
fn a41_a_wrong_code_counts_once_whatever_breaks() {
    on_both_pairs(async |service| {
        for fault in FAULTS {
            let (jane, _, verdict) = through_a_fault(&service, fault, (false, SAME)).await;
            let Verdict::Rejected(rejected) = verdict else {
                panic!("{verdict:?}")
            };
            assert_eq!(rejected.attempts_left, 4, "{fault:?}");
            assert_eq!(failures(&service, &jane).await, 1, "{fault:?}");
        }
    });
}

#[test]
fn a41_a_call_that_nothing_tells_from_its_repeat_counts_twice_control() {
    on_both_pairs(async |service| {
        let fault = Fault::FailsAfter;
        let (jane, _, verdict) = through_a_fault(&service, fault, (false, "")).await;
        let Verdict::Rejected(rejected) = verdict else {
            panic!("{verdict:?}")
        };
        assert_eq!(rejected.attempts_left, 3);
        assert_eq!(failures(&service, &jane).await, 2);
    });
}

/// How many failures the durable record has.
pub(crate) async fn failures(service: &Service, person: &Person) -> usize {
    use countersign::ports::AccountLookup;
    let loaded = service
        .stores
        .accounts
        .load(&person.subject(), AccountLookup::default())
        .await
        .unwrap();
    loaded.account.unwrap().failures().len()
}

#[test]
fn a41_a_right_code_that_is_refused_burns_nothing() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let app = jane.enroll_app(&service).await;
        service.advance(30);
        let used = app.app.code_at(service.seconds());
        let challenge = jane.issue().await;
        jane.approved(&challenge.challenge_id, &used).await;
        let challenge = jane.issue().await;
        jane.rejected(&challenge.challenge_id, &used).await;
        let next = app.app.code_at(service.seconds() + 30);
        jane.approved(&challenge.challenge_id, &next).await;
    });
}

#[test]
fn a41_a_recorded_verdict_is_there_for_another_process() {
    on_production(async |service| {
        let jane = service.person().await;
        let app = jane.enroll_app(&service).await;
        service.advance(30);
        let challenge = jane.issue().await;
        let approved = jane
            .approved(&challenge.challenge_id, &app.app.code_at(service.seconds()))
            .await;
        let twin = service.twin();
        let elsewhere = jane.through(twin.portal());
        let ask = async || {
            elsewhere
                .get_challenge(&challenge.challenge_id)
                .await
                .unwrap()
                .state()
        };
        until(ask, |state| *state == pb::ChallengeState::Approved).await;
        assert!(!approved.approval_id.is_empty());
    });
}
