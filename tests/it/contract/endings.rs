//! Endings without an approval, beside settlements of the same challenge: SQLite and PostgreSQL.

use crate::{
    contract::{
        accounts::{START, new_user, next, on_each, random_subject},
        verdicts::{Judged, challenge_id, prepare, verdict_request},
    },
    support::{
        Person, on_both_pairs,
        schema::{ROUTES, Route, Schema},
        tables::postgres_session,
    },
};
use countersign::ports::{AccountLookup, AccountStore, ChallengesToEnd, RecordsQuery};
use countersign_domain::{
    account::change::{AccountWriteOp, UnapprovedEnding},
    authorization::caller::CallerName,
    challenge::{
        AttemptEffect, AttemptJudgment,
        approval::ApprovedPurpose,
        verdict::{ChallengeOutcome, VerdictRequest, VerdictResult},
    },
    limits::budget::AttemptClass,
    value::{
        epoch::Epoch,
        id::{ChallengeId, Subject, SubjectTag},
    },
};
use countersign_proto::v1 as pb;
use std::sync::Arc;

const RIGHT: AttemptJudgment = AttemptJudgment::Right(AttemptEffect::Plain);
const WRONG: AttemptJudgment = AttemptJudgment::Wrong { skew: None };

fn judged(challenge: u8, judgment: AttemptJudgment) -> Judged {
    Judged {
        challenge,
        attempt: 1,
        payload: None,
        caller: "portal",
        class: AttemptClass::Unknown,
        behind: 0,
        asks_method: false,
        version: 1,
        judgment,
        device: None,
        purpose: ApprovedPurpose::SignIn,
    }
}

fn attempt(
    subject: &Subject,
    tag: SubjectTag,
    challenge: u8,
    judgment: AttemptJudgment,
) -> VerdictRequest {
    let mut attempt = verdict_request(
        subject,
        tag,
        &judged(challenge, judgment),
        Epoch::first(1),
        START,
    );
    attempt.max_attempts = 1;
    attempt
}

fn ends(
    subject: &Subject,
    challenges: &[(ChallengeId, &str)],
    how: UnapprovedEnding,
) -> ChallengesToEnd {
    ChallengesToEnd {
        subject: subject.clone(),
        challenges: challenges
            .iter()
            .map(|(id, caller)| (*id, CallerName::new(caller)))
            .collect(),
        how,
        at: START,
        event: None,
    }
}

async fn ended(
    accounts: &dyn AccountStore,
    subject: &Subject,
    caller: &CallerName,
    id: ChallengeId,
) -> Option<ChallengeOutcome> {
    let lookup = AccountLookup::of_challenge(id);
    accounts
        .load(subject, lookup)
        .await
        .unwrap()
        .ended_for(caller)
}

#[test]
fn each_challenge_ends_in_the_name_of_the_caller_it_belongs_to() {
    on_each(async |accounts| {
        let (subject, tag) = random_subject();
        accounts.commit(&new_user(&subject, tag)).await.unwrap();
        let [first, second] = [1, 2].map(|seed| challenge_id(tag, seed));
        let superseded = ends(
            &subject,
            &[(first, "portal"), (second, "shop")],
            UnapprovedEnding::Superseded,
        );
        accounts.end_challenges(&superseded).await.unwrap();
        let seen_by = async |caller: &str, id| {
            let caller = CallerName::new(caller);
            ended(&*accounts, &subject, &caller, id).await
        };
        let without = Some(ChallengeOutcome::Without(UnapprovedEnding::Superseded));
        assert_eq!(seen_by("portal", first).await, without);
        assert_eq!(seen_by("shop", second).await, without);
        assert_eq!(seen_by("portal", second).await, None);
    });
}

#[test]
fn the_event_of_an_ending_is_written_with_the_ending_and_not_again() {
    on_each(async |accounts| {
        let (subject, tag) = random_subject();
        accounts.commit(&new_user(&subject, tag)).await.unwrap();
        let ask = RecordsQuery {
            subject: subject.clone(),
            tag,
            after_event: 0,
            after_challenge: None,
            at_most: 10,
        };
        let mut counts = Vec::new();
        for _ in 0..2 {
            let event = next(&*accounts, &subject, tag, Vec::new()).await.event;
            let canceled = ChallengesToEnd {
                event: Some(event),
                ..ends(
                    &subject,
                    &[(challenge_id(tag, 1), "portal")],
                    UnapprovedEnding::Canceled,
                )
            };
            accounts.end_challenges(&canceled).await.unwrap();
            counts.push(accounts.records(&ask).await.unwrap().events.len());
        }
        assert_eq!(counts, [2, 2], "one is that of the new user");
    });
}

#[test]
fn challenges_of_a_user_who_is_gone_end_with_the_user() {
    on_each(async |accounts| {
        let (subject, tag) = random_subject();
        let id = challenge_id(tag, 1);
        accounts.commit(&new_user(&subject, tag)).await.unwrap();
        let erase = next(&*accounts, &subject, tag, vec![AccountWriteOp::Erase]).await;
        accounts.commit(&erase).await.unwrap();
        let canceled = ends(&subject, &[(id, "portal")], UnapprovedEnding::Canceled);
        accounts.end_challenges(&canceled).await.unwrap();
        let portal = CallerName::new("portal");
        assert_eq!(ended(&*accounts, &subject, &portal, id).await, None);
    });
}

#[test]
fn a_verdict_that_meets_an_ending_writes_nothing_and_says_that_it_is_over() {
    on_each(async |accounts| {
        for judgment in [RIGHT, WRONG] {
            let (subject, tag) = random_subject();
            prepare(&*accounts, &subject, tag).await;
            let id = challenge_id(tag, 1);
            let first = ends(&subject, &[(id, "portal")], UnapprovedEnding::Canceled);
            accounts.end_challenges(&first).await.unwrap();

            let verdict_result = accounts
                .record_verdict(&attempt(&subject, tag, 1, judgment))
                .await;
            assert_eq!(verdict_result.unwrap(), VerdictResult::Over, "{judgment:?}");
            let loaded = accounts
                .load(&subject, AccountLookup::default())
                .await
                .unwrap();
            assert!(loaded.account.unwrap().failures().is_empty());
            let portal = CallerName::new("portal");
            assert_eq!(
                ended(&*accounts, &subject, &portal, id).await,
                Some(ChallengeOutcome::Without(UnapprovedEnding::Canceled)),
                "what was first stays"
            );
        }
    });
}

#[test]
fn an_ending_and_a_verdict_of_one_challenge_agree_on_which_was_first() {
    on_each(async |accounts| {
        let (subject, tag) = random_subject();
        prepare(&*accounts, &subject, tag).await;
        for round in 0..60 {
            let judgment = if round % 2 == 0 { RIGHT } else { WRONG };
            let verdict_request = attempt(&subject, tag, round, judgment);
            let id = verdict_request.challenge;
            let canceled = ends(&subject, &[(id, "portal")], UnapprovedEnding::Canceled);
            let (verdict_result, done) = tokio::join!(
                accounts.record_verdict(&verdict_request),
                accounts.end_challenges(&canceled)
            );
            done.unwrap();
            let portal = CallerName::new("portal");
            let record = ended(&*accounts, &subject, &portal, id).await.unwrap();
            let agree = match verdict_result.unwrap() {
                VerdictResult::Approved { approval, .. } => {
                    record == ChallengeOutcome::Approved(approval)
                }
                VerdictResult::Rejected { .. } => {
                    record == ChallengeOutcome::Without(UnapprovedEnding::Exhausted)
                }
                // The durable window fills up with wrong codes.
                VerdictResult::Over | VerdictResult::Full(_) => {
                    record == ChallengeOutcome::Without(UnapprovedEnding::Canceled)
                }
            };
            assert!(agree, "round {round}: {record:?}");
        }
    });
}

#[test]
fn an_ending_does_not_wait_for_a_locked_user_and_a_later_verdict_meets_it() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    for route in ROUTES {
        runtime.block_on(an_ending_meets_a_locked_user(route));
    }
}

async fn an_ending_meets_a_locked_user(route: Route) {
    let schema = Schema::new(route).await;
    let accounts: Arc<dyn AccountStore> = Arc::new(schema.accounts());
    let (subject, tag) = random_subject();
    prepare(&*accounts, &subject, tag).await;
    let holder = postgres_session(&schema.url).await;
    let lock = "BEGIN; SELECT 1 FROM accounts FOR NO KEY UPDATE";
    holder.batch_execute(lock).await.unwrap();

    let id = challenge_id(tag, 1);
    let canceled = ends(&subject, &[(id, "portal")], UnapprovedEnding::Canceled);
    accounts.end_challenges(&canceled).await.unwrap();
    holder.batch_execute("ROLLBACK").await.unwrap();
    let verdict_result = accounts
        .record_verdict(&attempt(&subject, tag, 1, RIGHT))
        .await;
    assert_eq!(verdict_result.unwrap(), VerdictResult::Over);
}

#[test]
fn a_challenge_that_makes_room_ends_in_the_name_of_its_own_caller() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        jane.enroll_app(&service).await;
        let first = jane.issue().await.challenge_id;
        let at_the_shop = jane.through(service.caller("shop"));
        let id = ChallengeId::parse(&first).unwrap();
        let seen_by = async |caller: &str| {
            let (subject, caller) = (jane.subject(), CallerName::new(caller));
            let accounts = &service.stores.accounts;
            ended(&**accounts, &subject, &caller, id).await
        };
        for _ in 0..5 {
            service.advance(1);
            assert_eq!(seen_by("portal").await, None);
            at_the_shop
                .issue_with(shop_request(&at_the_shop))
                .await
                .unwrap();
        }
        let superseded = Some(ChallengeOutcome::Without(UnapprovedEnding::Superseded));
        assert_eq!(
            (seen_by("portal").await, seen_by("shop").await),
            (superseded, None)
        );
    });
}

fn shop_request(person: &Person) -> pb::IssueChallengeRequest {
    pb::IssueChallengeRequest {
        audience: "shop".to_owned(),
        ..person.challenge_request()
    }
}
