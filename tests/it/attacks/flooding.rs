//! A29: many calls that make few messages.

use crate::support::{Person, Service, on_both_pairs, on_embedded, refused};
use countersign::proto::v1::{self as pb, issue_challenge_request::Purpose};
use tonic::Code;

const STRANGER: &str = "stranger@example.org";

/// Someone who claims to have the stranger's address.
async fn claimant(service: &Service) -> Person {
    let person = service.person().await;
    let profile = pb::Profile {
        email: STRANGER.to_owned(),
        ..pb::Profile::default()
    };
    person.upsert(profile).await.unwrap();
    person
}

fn verify_address(person: &Person, request_id: &str) -> pb::IssueChallengeRequest {
    pb::IssueChallengeRequest {
        purpose: Some(Purpose::VerifyEmail(pb::VerifyEmail {})),
        request_id: request_id.to_owned(),
        ..person.challenge_request()
    }
}

/// How many of 20 claimants have a code sent to the stranger, if each tries to have its charge given back.
async fn sent(service: &Service, give_back: impl AsyncFn(&Person, &pb::Challenge)) -> usize {
    let mut sent = 0;
    for _ in 0..20 {
        let person = claimant(service).await;
        if let Ok(challenge) = person
            .issue_with(verify_address(&person, "request-1"))
            .await
        {
            sent += 1;
            give_back(&person, &challenge).await;
        }
    }
    sent
}

#[test]
fn a29_a_repeat_gives_nobodys_charge_back() {
    on_both_pairs(async |service| {
        let with_another_payload = async |person: &Person, _: &pb::Challenge| {
            let other = pb::IssueChallengeRequest {
                context: Some(pb::ClientContext {
                    user_agent: "another".to_owned(),
                    ..pb::ClientContext::default()
                }),
                ..verify_address(person, "request-1")
            };
            refused(
                person.issue_with(other).await,
                Code::AlreadyExists,
                "REQUEST_ID_REUSED",
            );
        };
        assert_eq!(sent(&service, with_another_payload).await, 3);
    });
}

#[test]
fn a29_cancelling_gives_nobodys_charge_back() {
    on_both_pairs(async |service| {
        let after_a_cancellation = async |person: &Person, challenge: &pb::Challenge| {
            person.cancel(&challenge.challenge_id).await.unwrap();
            let again = person.issue_with(verify_address(person, "request-1"));
            refused(again.await, Code::FailedPrecondition, "CHALLENGE_OVER");
        };
        assert_eq!(sent(&service, after_a_cancellation).await, 3);
    });
}

#[test]
fn a29_without_a_shared_budget_everyone_is_sent_to_control() {
    on_embedded(async |service| {
        let mut sent = 0;
        for _ in 0..20 {
            let person = service.person().await;
            let issued = person.issue_with(verify_address(&person, "request-1"));
            sent += usize::from(issued.await.is_ok());
        }
        assert_eq!(sent, 20, "each to an address of their own");
    });
}

#[test]
fn a29_a_request_id_that_is_used_again_and_again_is_charged_each_time() {
    on_both_pairs(async |service| {
        let mut claimants = Vec::new();
        for _ in 0..5 {
            claimants.push(claimant(&service).await);
        }
        let mut sent = 0;
        for _ in 0..10 {
            for person in &claimants {
                let asked = person.issue_with(verify_address(person, "request-1"));
                sent += usize::from(asked.await.is_ok());
            }
            service.advance(11 * 60);
        }
        assert_eq!(
            sent, 5,
            "the day's budget of an address that nobody confirmed"
        );
    });
}
