//! A52: slow hashes are bounded, and what is not looked at costs nobody an attempt.

use crate::support::{Builder, Person, Service, on_both_pairs, refused};
use countersign_domain::recovery::HashCost;
use countersign_proto::v1::{self as pb, verify_challenge_response::Verdict};
use std::time::{Duration, Instant};
use tonic::Code;

/// Slow enough to tell from everything else that a call does.
const DEAR: HashCost = HashCost {
    memory_kib: 64 * 1024,
    passes: 6,
};

/// Someone with recovery codes that are dear to look at, on a service with one place for that.
async fn someone(service: &Service) -> (Person, Vec<String>) {
    let person = service.person().await;
    let app = person.enroll_app(service).await;
    (person, app.recovery_codes)
}

fn dear(service: &Service) -> Service {
    let mut builder = Builder {
        hashing: (1, DEAR),
        ..service.twin_builder()
    };
    // Ten of them are made with a method, on whatever machine this is.
    builder.config.deadline_seconds = 120;
    builder.start()
}

#[test]
fn a52_what_finds_no_place_is_refused_and_costs_no_attempt() {
    on_both_pairs(async |service| {
        let service = dear(&service);
        let (jane, janes) = someone(&service).await;
        let (john, johns) = someone(&service).await;
        let at_janes = jane.issue().await.challenge_id;
        let at_johns = john.issue().await.challenge_id;
        let (for_jane, for_john) = tokio::join!(
            jane.verify(&at_janes, &janes[0]),
            john.verify(&at_johns, &johns[0])
        );
        // One of them has the place; the other is told at once, and may come again.
        let (busy, person, challenge, code) = match (for_jane, for_john) {
            (Ok(Verdict::Approved(_)), busy) => (busy, john, at_johns, &johns[0]),
            (busy, Ok(Verdict::Approved(_))) => (busy, jane, at_janes, &janes[0]),
            other => panic!("{other:?}"),
        };
        refused(busy, Code::ResourceExhausted, "BUSY");
        let current = person.get_challenge(&challenge).await.unwrap();
        assert_eq!(current.attempts_left, 5);
        person.approved(&challenge, code).await;
    });
}

#[test]
fn a52_one_charge_pays_for_one_hash() {
    on_both_pairs(async |service| {
        let service = dear(&service);
        // Of the right form, and in a slot that is occupied, but another's.
        let (_, codes) = someone(&service).await;
        let (john, _) = someone(&service).await;
        let at_johns = john.issue().await.challenge_id;
        let attempt = pb::VerifyChallengeRequest {
            request_id: "request-0001".to_owned(),
            ..john.verify_request(&at_johns, &codes[0])
        };
        let took = async || {
            #[expect(
                clippy::disallowed_methods,
                reason = "a ratio of two durations of one run"
            )]
            let began = Instant::now();
            let verdict = john.verify_with(attempt.clone()).await.unwrap();
            assert!(matches!(verdict, Verdict::Rejected(_)), "{verdict:?}");
            began.elapsed()
        };
        let first = took().await;
        let mut repeats = Duration::ZERO;
        for _ in 0..10 {
            repeats += took().await;
        }
        assert!(
            repeats < first * 5,
            "{first:?}, then {repeats:?} for ten repeats"
        );
    });
}
