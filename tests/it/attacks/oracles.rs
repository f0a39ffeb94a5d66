//! A13, A14: no answer tells more than it must.

use crate::{
    attacks::once,
    support::{
        Person, Service, on_both_pairs, on_embedded, person::wrong, refused,
        tamper::TamperedAccounts,
    },
};
use countersign_domain::challenge::{AttemptJudgment, verdict::VerdictRequest};
use countersign_proto::v1 as pb;
use prost::Message;
use std::sync::Arc;
use tonic::{Code, Status};

/// An answer to the byte: status, message, details, body.
fn bytes(outcome: Result<pb::verify_challenge_response::Verdict, Status>) -> Vec<u8> {
    match outcome {
        Ok(verdict) => pb::VerifyChallengeResponse {
            verdict: Some(verdict),
        }
        .encode_to_vec(),
        Err(status) => [
            &(status.code() as i32).to_be_bytes(),
            status.message().as_bytes(),
            status.details(),
        ]
        .concat(),
    }
}

#[derive(Debug, Clone, Copy)]
enum OracleState {
    Locked,
    Expired,
    Used,
    Disabled,
    Canceled,
}

const STATES: [OracleState; 5] = [
    OracleState::Locked,
    OracleState::Expired,
    OracleState::Used,
    OracleState::Disabled,
    OracleState::Canceled,
];

/// What a person in this state is answered to the right or a wrong code of their app.
async fn answer(service: &Service, state: OracleState, right: bool) -> Vec<u8> {
    let jane = service.person().await;
    let app = jane.enroll_app(service).await;
    let now = service.seconds();
    let code = app.app.code_at(now + 30);
    let challenge = jane.issue().await;
    match state {
        OracleState::Locked => {
            for _ in 0..2 {
                let other = jane.issue().await;
                for _ in 0..5 {
                    jane.rejected(&other.challenge_id, &wrong(&code)).await;
                }
            }
        }
        OracleState::Expired => service.advance(5 * 60),
        OracleState::Used => {
            let other = jane.issue().await;
            jane.approved(&other.challenge_id, &code).await;
        }
        OracleState::Disabled => disable(service, &jane).await,
        OracleState::Canceled => jane.cancel(&challenge.challenge_id).await.unwrap(),
    }
    let code = match (state, right) {
        (OracleState::Expired, true) => app.app.code_at(service.seconds()),
        (_, true) => code,
        (_, false) => wrong(&code),
    };
    bytes(jane.verify(&challenge.challenge_id, &code).await)
}

/// A hundred consecutive failures, over the days that the budgets make them take; the challenge under test is issued
/// before, so that it is still open.
async fn disable(service: &Service, person: &Person) {
    let accounts = &service.stores.accounts;
    let builder = service.twin_builder();
    let mut builder = builder;
    builder.policy.failures_until_disabled = 1;
    builder.stores.accounts = Arc::clone(accounts);
    let strict = builder.start();
    let person = person.through(strict.portal());
    let challenge = person.issue().await;
    person.rejected(&challenge.challenge_id, "000000").await;
}

async fn tells(service: &Service) -> Vec<OracleState> {
    let mut telling = Vec::new();
    for state in STATES {
        // Two people who differ in nothing but the code that they type at the same moment.
        let started = service.seconds();
        let right = answer(service, state, true).await;
        service.clock.set_back(std::time::Duration::from_secs(
            u64::try_from(service.seconds() - started).unwrap(),
        ));
        let wrong = answer(service, state, false).await;
        if right != wrong {
            telling.push(state);
        }
    }
    telling
}

#[test]
fn a13_no_refusal_tells_whether_the_code_was_right() {
    on_both_pairs(async |service| {
        let telling = tells(&service).await;
        assert!(telling.is_empty(), "{telling:?}");
    });
}

#[test]
fn a13_a_store_that_refuses_right_codes_otherwise_is_caught_control() {
    on_embedded(async |service| {
        let mut builder = service.twin_builder();
        builder.stores.accounts = Arc::new(TamperedAccounts::rewriting_verdicts(
            Arc::clone(&service.stores.accounts),
            |verdict_request| match verdict_request.judgment {
                // A right code of a used step meets another epoch, and so another answer.
                AttemptJudgment::Right(_) => VerdictRequest {
                    epoch: verdict_request.epoch.grown(),
                    ..verdict_request
                },
                AttemptJudgment::Wrong { .. } => verdict_request,
            },
        ));
        let flawed = builder.start();
        let jane = flawed.person().await;
        // Enrolled through the sound service: the flawed one would not even let that pass.
        let sound = jane.through(service.portal());
        let app = sound.enroll_app(&service).await;
        let challenge = jane.issue().await;
        let right = bytes(
            jane.verify(
                &challenge.challenge_id,
                &app.app.code_at(service.seconds() + 30),
            )
            .await,
        );
        let challenge = jane.issue().await;
        let wrong = bytes(jane.verify(&challenge.challenge_id, "000000").await);
        assert_ne!(right, wrong);
        assert_eq!(once::failures(&service, &jane).await, 1);
    });
}

#[test]
fn a14_a_user_id_in_another_case_is_refused_and_never_allowed() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        jane.enroll_app(&service).await;
        for spelling in ["Jane", "JANE", "jane.", "janE"] {
            let misspelled = Person {
                user_id: spelling.to_owned(),
                ..jane.clone()
            };
            refused(
                misspelled.begin_sign_in().await,
                Code::NotFound,
                "USER_NOT_FOUND",
            );
            let profile = pb::Profile {
                email: "someone@example.com".to_owned(),
                ..pb::Profile::default()
            };
            if spelling.to_lowercase() == "jane" {
                refused(
                    misspelled.upsert(profile).await,
                    Code::FailedPrecondition,
                    "USER_ID_DIFFERS_IN_CASE",
                );
            }
        }
    });
}

/// The answer to a question about a method, and how many times a store was asked for it.
async fn asking_for(service: &Service, person: &Person, method_id: &str) -> (Vec<u8>, usize) {
    let accounts = Arc::new(TamperedAccounts::new(Arc::clone(&service.stores.accounts)));
    let mut builder = service.twin_builder();
    builder.stores.accounts = Arc::clone(&accounts) as _;
    let counted = builder.start();
    let status = person
        .through(counted.portal())
        .issue_for(method_id)
        .await
        .unwrap_err();
    let answer = [
        &(status.code() as i32).to_be_bytes(),
        status.message().as_bytes(),
        status.details(),
    ]
    .concat();
    (answer, accounts.calls())
}

#[test]
fn a14_a_method_that_is_anothers_answers_like_one_that_is_not_there() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        jane.enroll_app(&service).await;
        let colleagues = jane
            .colleague("john")
            .await
            .enroll_app(&service)
            .await
            .method_id;
        let strangers = service.person().await.enroll_app(&service).await.method_id;
        let dummy = asking_for(&service, &jane, &"0".repeat(32)).await;
        assert_eq!(asking_for(&service, &jane, &colleagues).await, dummy);
        assert_eq!(asking_for(&service, &jane, &strangers).await, dummy);
        assert_eq!(dummy.1, 1, "one trip");
    });
}

#[test]
fn a14_a_difference_would_be_seen_control() {
    on_embedded(async |service| {
        let jane = service.person().await;
        jane.enroll_app(&service).await;
        let nobody = Person {
            user_id: "nobody".to_owned(),
            ..jane.clone()
        };
        let id = "0".repeat(32);
        assert_ne!(
            asking_for(&service, &jane, &id).await.0,
            asking_for(&service, &nobody, &id).await.0
        );
    });
}
