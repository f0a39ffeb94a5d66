//! A61: codes that are requested and not answered, to shut the owner out.

use crate::{
    attacks::flooding::{codes_sent, number, runtime, with_sends},
    support::{Person, Service, on_both_pairs, person::add_method, refused},
};
use countersign_domain::policy::MessageBudgets;
use countersign_proto::v1::{self as pb, MethodKind};
use tonic::{Code, Status};

const DAY: u64 = 24 * 60 * 60;

/// Somebody whose only method is a number, and the token of the device that they signed in from.
struct Owner {
    person: Person,
    method_id: String,
    token: String,
}

impl Owner {
    async fn new(service: &Service, person: Person) -> Self {
        let proof = person.attested(service, add_method(MethodKind::Sms));
        let enrolled = person.enroll_number(&number(0), proof).await;
        let method_id = enrolled.method.unwrap().method_id;
        service.advance(DAY);
        let challenge = person.issue_for(&method_id).await.unwrap();
        let code = person.last_code("").await;
        let approved = person.approved(&challenge.challenge_id, &code).await;
        service.advance(DAY);
        Self {
            person,
            method_id,
            token: approved.device_token,
        }
    }

    /// A challenge that the known device requests.
    async fn issue(&self) -> Result<pb::Challenge, Status> {
        let request = pb::IssueChallengeRequest {
            answer_with: Some(pb::issue_challenge_request::AnswerWith::MethodId(
                self.method_id.clone(),
            )),
            context: Some(pb::ClientContext {
                device_token: self.token.clone(),
                ..pb::ClientContext::default()
            }),
            ..self.person.challenge_request()
        };
        self.person.issue_with(request).await
    }

    /// Whether somebody without a token has a code sent.
    async fn stranger_has_sent(&self) -> bool {
        self.person.issue_for(&self.method_id).await.is_ok()
    }

    /// How many of the codes are sent that a stranger requests within a day. None is answered.
    async fn attack(&self, service: &Service) -> usize {
        let mut sent = 0;
        for _ in 0..100 {
            sent += usize::from(self.stranger_has_sent().await);
            service.advance(130);
        }
        sent
    }

    async fn unlock(&self) -> pb::UnlockUserResponse {
        let request = self.person.unlock_request();
        self.person.unlock(request).await.unwrap()
    }
}

#[test]
fn a61_a_strangers_unanswered_codes_never_delay_a_known_device() {
    on_both_pairs(async |service| {
        let owner = Owner::new(&service, service.person().await).await;
        assert_eq!(owner.attack(&service).await, 10, "the day's budget");
        assert!(!owner.stranger_has_sent().await);

        let challenge = owner.issue().await.expect("at once");
        let code = owner.person.last_code("").await;
        owner.person.approved(&challenge.challenge_id, &code).await;
    });
}

#[test]
fn a61_the_codes_of_known_devices_have_a_bound_of_their_own() {
    on_both_pairs(async |service| {
        let owner = Owner::new(&service, service.person().await).await;
        let mut sent = Vec::new();
        for _ in 0..100 {
            if owner.issue().await.is_ok() {
                sent.push(service.seconds());
            }
            service.advance(60);
        }
        assert_eq!(sent.len(), 5, "a day");
        let in_ten_minutes = |from: i64| {
            sent.iter()
                .filter(move |at| (from..from + 600).contains(*at))
        };
        assert!(sent.iter().all(|from| in_ten_minutes(*from).count() <= 3));
        // Nor do they delay an unknown client.
        assert!(owner.stranger_has_sent().await);
    });
}

#[test]
fn a61_an_administrator_lifts_the_users_budgets_three_times_a_day() {
    on_both_pairs(async |service| {
        let owner = Owner::new(&service, service.person().await).await;
        let mut sent = owner.attack(&service).await;
        for _ in 0..2 {
            assert!(!owner.stranger_has_sent().await);
            assert_eq!(owner.unlock().await.next_message_unlock_time, None);
            for _ in 0..10 {
                sent += usize::from(owner.stranger_has_sent().await);
                service.advance(600);
            }
        }
        assert_eq!(sent, 30);
        assert_eq!(owner.unlock().await.next_message_unlock_time, None);
        assert!(!owner.stranger_has_sent().await, "30 a day to a number");
        let used_up = owner.unlock().await.next_message_unlock_time.unwrap();
        assert!(used_up.seconds > service.seconds());
        service.advance(DAY);
        assert_eq!(owner.unlock().await.next_message_unlock_time, None);
    });
}

#[test]
fn a61_an_administrator_does_not_lift_the_budget_of_the_destination() {
    on_both_pairs(async |service| {
        let mut owners = Vec::new();
        let first = service.person().await;
        owners.push(Owner::new(&service, first.clone()).await);
        for index in 1..5 {
            let person = first.colleague(&format!("user-{index}")).await;
            owners.push(Owner::new(&service, person).await);
        }
        let before = codes_sent(&first).await;
        for _ in 0..10 {
            for owner in &owners {
                owner.stranger_has_sent().await;
            }
            service.advance(700);
        }
        assert_eq!(codes_sent(&first).await - before, 30);
        for owner in &owners {
            owner.unlock().await;
            refused(
                owner.issue().await,
                Code::ResourceExhausted,
                "TOO_MANY_SENDS",
            );
        }
    });
}

#[test]
fn a61_with_one_budget_for_all_clients_the_owner_is_shut_out_control() {
    runtime().block_on(async {
        let service = with_sends(|sends| MessageBudgets {
            known_devices: sends.confirmed,
            ..sends
        })
        .await;
        let mut owner = Owner::new(&service, service.person().await).await;
        owner.token.clear();
        assert_eq!(owner.attack(&service).await, 10);
        refused(
            owner.issue().await,
            Code::ResourceExhausted,
            "TOO_MANY_SENDS",
        );
    });
}
