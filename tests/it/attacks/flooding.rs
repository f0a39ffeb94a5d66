//! A29, A30: many calls that make few messages, and codes that another one has followed.

use crate::support::{
    Builder, Pair, Person, Service, Stores, on_both_pairs, on_embedded, person::add_method, refused,
};
use countersign_domain::{
    limits::budget::{RateLimit, RateLimitWindows},
    policy::{MessageBudgets, Policy, TenantMessageBudgets},
};
use countersign_proto::v1::{
    self as pb, MethodKind, begin_enrollment_request::Method, issue_challenge_request::Purpose,
};
use std::time::Duration;
use tonic::{Code, Status};

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
        // As long as a stranger's address waits, whoever asks.
        service.advance(30);
    }
    sent
}

#[test]
fn a29_a_repeat_refunds_no_other_charge() {
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
fn a29_canceling_refunds_no_other_charge() {
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

pub(super) const DAY: Duration = Duration::from_hours(24);

pub(super) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

/// Someone's wish to enroll a number that they do not have.
pub(super) async fn begin(
    service: &Service,
    person: &Person,
    number: &str,
) -> Result<pb::Challenge, Status> {
    let method = Method::Sms(pb::EnrollSms {
        phone_number: number.to_owned(),
    });
    let authorization = person.attested(service, add_method(MethodKind::Sms));
    let begun = person.begin_enrollment(person.enrollment_request(method, authorization));
    Ok(begun.await?.challenge.unwrap())
}

/// The how many-th of a thousand German numbers.
pub(super) fn number(index: u64) -> String {
    format!("+{}", 4_915_112_340_000 + index)
}

/// How many messages with a code went to anyone of this person's company.
pub(super) async fn codes_sent(person: &Person) -> usize {
    let messages = person.messages("").await.into_iter();
    messages.filter(|message| !message.code.is_empty()).count()
}

/// A service without the bounds that a test leaves out.
pub(super) async fn with_sends(sends: impl FnOnce(MessageBudgets) -> MessageBudgets) -> Service {
    let mut builder = Builder::new(Stores::of(Pair::Embedded).await);
    let built_in = Policy::built_in();
    builder.policy = Policy {
        sends: sends(built_in.sends.clone()),
        ..built_in
    };
    builder.start()
}

const fn boundless() -> RateLimitWindows {
    RateLimitWindows::only(RateLimit::new(1_000_000, DAY))
}

pub(super) const BOUNDLESS: TenantMessageBudgets = TenantMessageBudgets {
    unconfirmed: boundless(),
    confirmed: boundless(),
};

/// Fifty who claim the same number, each with four wishes.
async fn two_hundred_wishes(service: &Service, between: u64) -> (Person, usize) {
    let first = service.person().await;
    let mut persons = vec![first.clone()];
    for index in 1..50 {
        persons.push(first.colleague(&format!("user-{index}")).await);
    }
    let mut begun = 0;
    for index in 0..200 {
        let person = &persons[index % persons.len()];
        begun += usize::from(begin(service, person, &number(0)).await.is_ok());
        service.advance(between);
    }
    (first, begun)
}

#[test]
fn a29_two_hundred_wishes_of_fifty_users_ring_a_number_once_within_the_wait() {
    on_both_pairs(async |service| {
        let (jane, begun) = two_hundred_wishes(&service, 0).await;
        assert_eq!((begun, codes_sent(&jane).await), (1, 1));
    });
}

#[test]
fn a29_two_hundred_wishes_of_fifty_users_ring_a_number_at_most_ten_times_a_day() {
    on_both_pairs(async |service| {
        let (jane, begun) = two_hundred_wishes(&service, 24 * 60 * 60 / 200).await;
        assert_eq!(
            (begun, codes_sent(&jane).await),
            (5, 5),
            "five, where nobody confirmed it"
        );
    });
}

#[test]
fn a29_two_hundred_challenges_of_one_user_ring_their_own_number_ten_times_a_day() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let proof = jane.attested(&service, add_method(MethodKind::Sms));
        let enrolled = jane.enroll_number(&number(0), proof).await;
        let method = enrolled.method.unwrap().method_id;
        service.advance(24 * 60 * 60);
        let before = codes_sent(&jane).await;
        let issue = async |times: usize, between: u64| {
            for _ in 0..times {
                jane.issue_for(&method).await.ok();
                service.advance(between);
            }
            codes_sent(&jane).await - before
        };
        assert_eq!(issue(100, 0).await, 1, "within the wait");
        assert_eq!(issue(100, 24 * 60 * 60 / 101).await, 10, "within a day");
    });
}

#[test]
fn a29_without_bounds_two_hundred_wishes_are_two_hundred_messages_control() {
    runtime().block_on(async {
        let service = with_sends(|sends| MessageBudgets {
            unconfirmed: boundless(),
            per_destination: boundless(),
            waits: [Duration::ZERO; 3],
            per_country: BOUNDLESS,
            per_tenant: BOUNDLESS,
            ..sends
        })
        .await;
        let (jane, begun) = two_hundred_wishes(&service, 1).await;
        assert_eq!((begun, codes_sent(&jane).await), (200, 200));
    });
}

/// A challenge by text message in place of another.
async fn in_place_of(person: &Person, method: &str, challenge: &pb::Challenge) -> pb::Challenge {
    let request = pb::IssueChallengeRequest {
        replaced_challenge_id: challenge.challenge_id.clone(),
        answer_with: Some(pb::issue_challenge_request::AnswerWith::MethodId(
            method.to_owned(),
        )),
        ..person.challenge_request()
    };
    person.issue_with(request).await.unwrap()
}

#[test]
fn a30_a_code_that_another_one_followed_is_rejected_and_charged() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let proof = jane.attested(&service, add_method(MethodKind::Sms));
        let enrolled = jane.enroll_number(&number(0), proof).await;
        let method = enrolled.method.unwrap().method_id;
        service.advance(60);
        let first = jane.issue_for(&method).await.unwrap();
        let old = jane.last_code("").await;
        service.advance(60);
        let second = in_place_of(&jane, &method, &first).await;
        let new = jane.last_code("").await;
        assert_ne!(old, new);
        for left in (1..=4).rev() {
            let rejected = jane.rejected(&second.challenge_id, &old).await;
            assert_eq!(rejected.attempts_left, left);
        }
        let over = jane.rejected(&first.challenge_id, &old).await;
        assert_eq!(over.reason(), pb::RejectionReason::ChallengeOver);
        jane.approved(&second.challenge_id, &new).await;
    });
}

#[test]
fn a30_the_code_of_a_challenge_that_nothing_followed_is_accepted_control() {
    on_embedded(async |service| {
        let jane = service.person().await;
        let proof = jane.attested(&service, add_method(MethodKind::Sms));
        let enrolled = jane.enroll_number(&number(0), proof).await;
        let method = enrolled.method.unwrap().method_id;
        service.advance(60);
        let first = jane.issue_for(&method).await.unwrap();
        jane.approved(&first.challenge_id, &jane.last_code("").await)
            .await;
    });
}
