//! A28: messages to strangers, which a company pays for by the piece, or with its good name.

use crate::{
    attacks::flooding::{BOUNDLESS, DAY, begin, codes_sent, number, runtime, with_sends},
    support::{Person, Service, on_both_pairs, person::add_method, refused},
};
use countersign_domain::{
    limits::budget::{RateLimit, RateLimitWindows},
    policy::{MessageBudgets, TenantMessageBudgets},
};
use countersign_proto::v1::{self as pb, MethodKind, issue_challenge_request::Purpose};
use std::time::Duration;
use tonic::{Code, Status};
use tonic_types::StatusExt;

/// A wish for each of a thousand numbers of a country. Nobody types a code.
async fn pump(service: &Service, persons: &[Person]) -> Vec<Result<pb::Challenge, Status>> {
    let mut outcomes = Vec::new();
    for index in 0..1000 {
        let person = &persons[usize::try_from(index).unwrap() % persons.len()];
        outcomes.push(begin(service, person, &number(index)).await);
    }
    outcomes
}

async fn ten_of_a_company(service: &Service) -> Vec<Person> {
    let first = service.person().await;
    let mut persons = vec![first.clone()];
    for index in 1..10 {
        persons.push(first.colleague(&format!("user-{index}")).await);
    }
    persons
}

#[test]
fn a28_a_thousand_numbers_of_a_country_get_the_budget_of_its_tenant_and_no_more() {
    on_both_pairs(async |service| {
        let persons = ten_of_a_company(&service).await;
        let outcomes = pump(&service, &persons).await;
        let begun = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        assert_eq!((begun, codes_sent(&persons[0]).await), (200, 200));
        let refusal = outcomes.into_iter().next_back().unwrap();
        let refusal = refused(refusal, Code::ResourceExhausted, "TOO_MANY_SENDS");
        let wait = refusal.get_details_retry_info().unwrap().retry_delay;
        assert_eq!(wait, Some(Duration::from_hours(1)));

        // Another country, another company, and who has confirmed a number are none the worse for it.
        begin(&service, &persons[0], "+436641234567").await.unwrap();
        let elsewhere = service.person().await;
        begin(&service, &elsewhere, &number(999)).await.unwrap();

        let mut sent = 201;
        for _ in 0..6 {
            service.advance(60 * 60);
            for index in 0..210 {
                let person = &persons[usize::try_from(index).unwrap() % persons.len()];
                sent += usize::from(begin(&service, person, &number(index)).await.is_ok());
            }
        }
        assert_eq!(sent, 1001, "a thousand a day to this country");
    });
}

#[test]
fn a28_without_a_budget_of_the_tenant_each_of_the_numbers_gets_a_message_control() {
    runtime().block_on(async {
        let service = with_sends(|sends| MessageBudgets {
            per_country: BOUNDLESS,
            per_tenant: BOUNDLESS,
            ..sends
        })
        .await;
        let persons = ten_of_a_company(&service).await;
        pump(&service, &persons).await;
        assert_eq!(codes_sent(&persons[0]).await, 1000);
    });
}

#[test]
fn a28_numbers_of_many_countries_share_the_budget_of_their_tenant() {
    runtime().block_on(async {
        let five = RateLimitWindows::only(RateLimit::new(5, DAY));
        let service = with_sends(|sends| MessageBudgets {
            per_tenant: TenantMessageBudgets {
                unconfirmed: five,
                ..sends.per_tenant
            },
            ..sends
        })
        .await;
        let jane = service.person().await;
        let numbers = [
            "+4915123456789",
            "+436641234567",
            "+12015550123",
            "+447400123456",
            "+33612345678",
            "+34612345678",
            "+393123456789",
        ];
        let mut begun = 0;
        for number in numbers {
            service.advance(30);
            begun += usize::from(begin(&service, &jane, number).await.is_ok());
        }
        assert_eq!(begun, 5);
    });
}

/// Codes to confirmed numbers are bounded too, by a budget of their own.
#[test]
fn a28_confirmed_numbers_have_a_hard_bound_that_unconfirmed_ones_do_not_use_up() {
    runtime().block_on(async {
        let three = RateLimitWindows::only(RateLimit::new(3, DAY));
        let service = with_sends(|sends| MessageBudgets {
            per_country: TenantMessageBudgets {
                confirmed: three,
                unconfirmed: RateLimitWindows::only(RateLimit::new(4, DAY)),
            },
            ..sends
        })
        .await;
        let jane = service.person().await;
        let mut persons = Vec::new();
        for index in 0..4 {
            let person = jane.colleague(&format!("user-{index}")).await;
            let proof = person.attested(&service, add_method(MethodKind::Sms));
            let enrolled = person.enroll_number(&number(index), proof).await;
            persons.push((person, enrolled.method.unwrap().method_id));
        }
        let full = begin(&service, &jane, &number(99)).await;
        refused(full, Code::ResourceExhausted, "TOO_MANY_SENDS");
        service.advance(60);
        for (index, (person, method)) in persons.iter().enumerate() {
            let issued = person.issue_for(method).await;
            if index < 3 {
                issued.unwrap();
            } else {
                refused(issued, Code::ResourceExhausted, "TOO_MANY_SENDS");
            }
        }
    });
}

/// What is refused for one budget is charged to no other.
#[test]
fn a28_a_flood_to_one_number_uses_up_nothing_of_its_tenant() {
    on_both_pairs(async |service| {
        let persons = ten_of_a_company(&service).await;
        for index in 0..400 {
            let person = &persons[index % persons.len()];
            begin(&service, person, &number(0)).await.ok();
        }
        for index in 1..200 {
            let person = &persons[usize::try_from(index).unwrap() % persons.len()];
            begin(&service, person, &number(index)).await.unwrap();
        }
        assert_eq!(codes_sent(&persons[0]).await, 200);
    });
}

/// Someone's wish to have a code sent to the how many-th stranger's address.
async fn write_to(person: &Person, index: u64) -> Result<pb::Challenge, Status> {
    let colleague = person.colleague(&format!("claimant-{index}")).await;
    let profile = pb::Profile {
        email: format!("stranger-{index}@example.org"),
        ..pb::Profile::default()
    };
    colleague.upsert(profile).await.unwrap();
    let request = pb::IssueChallengeRequest {
        purpose: Some(Purpose::VerifyEmail(pb::VerifyEmail {})),
        ..colleague.challenge_request()
    };
    colleague.issue_with(request).await
}

/// Whoever is taken for a sender of spam reaches nobody any more.
#[test]
fn a28_strangers_addresses_share_a_budget_of_the_tenant_that_confirmed_ones_do_not_use() {
    runtime().block_on(async {
        let five = RateLimitWindows::only(RateLimit::new(5, DAY));
        let service = with_sends(|sends| MessageBudgets {
            unconfirmed_emails: five,
            ..sends
        })
        .await;
        let jane = service.person().await;
        let proof = jane.attested(&service, add_method(MethodKind::Email));
        let enrolled = jane.enroll_email(proof).await.method.unwrap();
        for index in 0..4 {
            write_to(&jane, index).await.unwrap();
        }
        let full = write_to(&jane, 4).await;
        refused(full, Code::ResourceExhausted, "TOO_MANY_SENDS");
        service.advance(60);
        jane.issue_for(&enrolled.method_id).await.unwrap();
        let elsewhere = service.person().await;
        write_to(&elsewhere, 4).await.unwrap();
        let colleague = jane.colleague("with-a-phone").await;
        begin(&service, &colleague, &number(0)).await.unwrap();
    });
}

#[test]
fn a28_without_a_budget_of_the_tenant_each_stranger_gets_an_email_control() {
    runtime().block_on(async {
        let service = with_sends(|sends| MessageBudgets {
            unconfirmed_emails: BOUNDLESS.unconfirmed,
            ..sends
        })
        .await;
        let jane = service.person().await;
        for index in 0..20 {
            write_to(&jane, index).await.unwrap();
        }
        assert_eq!(codes_sent(&jane).await, 20);
    });
}
