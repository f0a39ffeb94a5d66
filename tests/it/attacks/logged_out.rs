//! A04, A14: resets of users who can't sign in give nothing away, and happen once.

use crate::{
    stories::resets::{
        ask, by_email, by_login, confirm, mailed_code, wait_for_messages, who_lost_their_app,
        with_resets,
    },
    support::{
        Person, Service, on_both_pairs, on_embedded, on_production,
        person::wrong,
        service::unique,
        tamper::{Fault, TamperedAccounts},
    },
};
use countersign_proto::v1 as pb;
use std::sync::Arc;
use tokio::{sync::Barrier, task::JoinSet};

const HOLD: u64 = 72 * 3600;
const RIVALS: usize = 32;

/// What a stranger learns by asking for resets: of a user who may have one, of one who may not, and of nobody.
async fn answers(
    service: &Service,
    ask: impl AsyncFn(&Person, pb::begin_reset_request::Whose) -> String,
) -> Vec<String> {
    let (jane, _) = who_lost_their_app(service).await;
    let john = jane.colleague("john").await;
    let nobody = Person {
        user_id: unique(),
        email: format!("{}@example.com", unique()),
        ..jane.clone()
    };
    let mut answers = Vec::new();
    for person in [&jane, &john, &nobody] {
        answers.push(ask(person, by_login(person)).await);
        answers.push(ask(person, by_email(person)).await);
    }
    answers.sort();
    answers.dedup();
    answers
}

#[test]
fn a14_every_reset_request_gets_the_same_answer() {
    on_both_pairs(async |service| {
        let service = with_resets(&service);
        let told = answers(&service, async |person, whose| {
            format!("{:?}", ask(person, whose).await)
        })
        .await;
        assert_eq!(told.len(), 1, "{told:?}");
        let nobody = answers(&service, async |person, _| {
            format!("{:?}", confirm(person, "123456").await)
        })
        .await;
        assert_eq!(nobody.len(), 1, "{nobody:?}");
    });
}

/// What tells callers that are entitled to know tells strangers too much.
#[test]
fn a14_an_answer_that_tells_is_seen_control() {
    on_embedded(async |service| {
        let told = answers(&service, async |person, _| {
            format!("{:?}", person.begin_sign_in().await.map(drop))
        });
        assert!(told.await.len() > 1);
    });
}

#[test]
fn a14_the_answer_does_not_wait_for_what_follows_from_it() {
    on_both_pairs(async |service| {
        let (jane, _) = who_lost_their_app(&service).await;
        let accounts = Arc::new(TamperedAccounts::new(Arc::clone(&service.stores.accounts)));
        let mut builder = service.twin_builder();
        builder.stores.accounts = Arc::clone(&accounts) as _;
        builder.service_layer.logged_out_reset = Some(true);
        let broken = builder.start();
        accounts.break_next_commit(Fault::FailsBefore);
        let elsewhere = jane.through(broken.portal());
        ask(&elsewhere, by_login(&jane)).await.unwrap();
    });
}

/// The code of a reset whose hold is over.
async fn due_code(service: &Service, jane: &Person) -> String {
    ask(jane, by_login(jane)).await.unwrap();
    wait_for_messages(jane, "has begun", 1).await;
    service.advance(HOLD);
    ask(jane, by_login(jane)).await.unwrap();
    mailed_code(jane).await
}

#[test]
fn a04_one_code_resets_once_under_rivals() {
    on_production(async |service| {
        let service = with_resets(&service);
        let mut builder = service.twin_builder();
        builder.service_layer.logged_out_reset = Some(true);
        let twin = builder.start();
        let (jane, _) = who_lost_their_app(&service).await;
        let code = due_code(&service, &jane).await;
        let barrier = Arc::new(Barrier::new(RIVALS));
        let mut rivals = JoinSet::new();
        for place in 0..RIVALS {
            let process = if place % 2 == 0 { &service } else { &twin };
            let (person, barrier) = (jane.through(process.portal()), Arc::clone(&barrier));
            let code = code.clone();
            rivals.spawn(async move {
                barrier.wait().await;
                confirm(&person, &code).await
            });
        }
        let outcomes = rivals.join_all().await;
        let done = outcomes
            .iter()
            .filter(|outcome| matches!(outcome, Ok(true)));
        assert_eq!(done.count(), 1, "{outcomes:?}");
        assert!(!jane.settings().await.two_factor_enabled);
    });
}

/// Whoever asks while the owner types makes no code void.
#[test]
fn a14_who_asks_again_makes_the_mailed_code_not_void() {
    on_both_pairs(async |service| {
        let service = with_resets(&service);
        let (jane, _) = who_lost_their_app(&service).await;
        let code = due_code(&service, &jane).await;
        service.advance(45);
        ask(&jane, by_login(&jane)).await.unwrap();
        let mailed = wait_for_messages(&jane, "Reset your two-factor", 2).await;
        assert_eq!(mailed[0].code, code);
        assert!(confirm(&jane, &code).await.unwrap());
    });
}

#[test]
fn a14_a_code_that_is_over_is_followed_by_another() {
    on_both_pairs(async |service| {
        let service = with_resets(&service);
        let (jane, _) = who_lost_their_app(&service).await;
        let code = due_code(&service, &jane).await;
        for _ in 0..5 {
            assert!(!confirm(&jane, &wrong(&code)).await.unwrap());
        }
        service.advance(45);
        ask(&jane, by_login(&jane)).await.unwrap();
        let mailed = wait_for_messages(&jane, "Reset your two-factor", 2).await;
        assert!(confirm(&jane, &mailed[0].code).await.unwrap());
    });
}

/// The code was right, and what it was for did not happen: it is used up.
#[test]
fn a14_a_code_that_is_used_up_is_followed_by_another() {
    on_both_pairs(async |service| {
        let (jane, _) = who_lost_their_app(&service).await;
        let accounts = Arc::new(TamperedAccounts::new(Arc::clone(&service.stores.accounts)));
        let mut builder = service.twin_builder();
        builder.stores.accounts = Arc::clone(&accounts) as _;
        builder.service_layer.logged_out_reset = Some(true);
        let service = builder.start();
        let jane = jane.through(service.portal());
        let code = due_code(&service, &jane).await;
        accounts.break_next_commit(Fault::FailsBefore);
        confirm(&jane, &code).await.unwrap_err();
        service.advance(45);
        ask(&jane, by_login(&jane)).await.unwrap();
        let mailed = wait_for_messages(&jane, "Reset your two-factor", 2).await;
        assert_ne!(mailed[0].code, code);
        assert!(confirm(&jane, &mailed[0].code).await.unwrap());
    });
}
