//! A23: recovery codes and keys.

use crate::support::{
    EnrolledApp, Person, Service, changes::new_codes, on_both_pairs, on_embedded, person::approval,
};
use countersign_proto::v1::{self as pb, verify_challenge_response::Verdict};
use std::collections::{HashMap, HashSet};
use tokio::task::JoinSet;

const ALPHABET: &str = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Approvals that each let new codes be made, by one app.
async fn approvals(
    service: &Service,
    (jane, app): (&Person, &EnrolledApp),
    count: usize,
) -> Vec<Option<pb::Authorization>> {
    let mut approvals = Vec::new();
    for _ in 0..count {
        approvals.push(jane.step_up(service, app, new_codes()).await);
    }
    approvals
}

fn request(
    person: &Person,
    authorization: Option<pb::Authorization>,
) -> pb::GenerateRecoveryCodesRequest {
    pb::GenerateRecoveryCodesRequest {
        tenant_id: person.tenant_id.clone(),
        user_id: person.user_id.clone(),
        authorization,
        ..pb::GenerateRecoveryCodesRequest::default()
    }
}

/// New codes made all at once: the sets that were given out.
async fn sets_of_rivals(
    service: &Service,
    person: &Person,
    authorizations: Vec<Option<pb::Authorization>>,
) -> Vec<Vec<String>> {
    let twin = service.twin();
    let mut rivals = JoinSet::new();
    for (place, authorization) in authorizations.into_iter().enumerate() {
        let process = if place % 2 == 0 { service } else { &twin };
        let mut client = process.portal().recovery.clone();
        let request = request(person, authorization);
        rivals.spawn(async move { client.generate_recovery_codes(request).await });
    }
    let made = rivals.join_all().await.into_iter().filter_map(Result::ok);
    made.map(|answer| answer.into_inner().recovery_codes.unwrap().codes)
        .collect()
}

/// How many of these sets a code is accepted of.
async fn live(person: &Person, sets: &[Vec<String>]) -> usize {
    let mut live = 0;
    for set in sets {
        let challenge = person.issue().await;
        let verdict = person
            .verify(&challenge.challenge_id, &set[0])
            .await
            .unwrap();
        live += usize::from(matches!(verdict, Verdict::Approved(_)));
    }
    live
}

#[test]
fn a23_one_set_is_live_however_many_are_made_at_once() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let app = jane.enroll_app(&service).await;
        let authorizations = approvals(&service, (&jane, &app), 4).await;
        let mut sets = sets_of_rivals(&service, &jane, authorizations).await;
        assert!(!sets.is_empty());
        sets.push(app.recovery_codes);
        assert_eq!(live(&jane, &sets).await, 1);
    });
}

#[test]
fn a23_the_last_set_is_the_valid_one() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let app = jane.enroll_app(&service).await;
        let mut sets = vec![app.recovery_codes.clone()];
        for authorization in approvals(&service, (&jane, &app), 2).await {
            sets.extend(sets_of_rivals(&service, &jane, vec![authorization]).await);
        }
        let last = sets.pop().unwrap();
        assert_eq!(live(&jane, &sets).await, 0);
        assert_eq!(live(&jane, &[last]).await, 1);
    });
}

/// Sets of different users are all live: the harness sees more than one.
#[test]
fn a23_two_live_sets_are_seen_control() {
    on_embedded(async |service| {
        let mut live_sets = 0;
        for user in ["jane", "john"] {
            let person = service.person().await.colleague(user).await;
            let app = person.enroll_app(&service).await;
            live_sets += live(&person, &[app.recovery_codes]).await;
        }
        assert_eq!(live_sets, 2);
    });
}

#[test]
fn a23_an_approval_makes_one_set() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let app = jane.enroll_app(&service).await;
        let one = approvals(&service, (&jane, &app), 1).await.remove(0);
        let sets = sets_of_rivals(&service, &jane, vec![one.clone(), one.clone(), one]).await;
        assert_eq!(sets.len(), 1);
    });
}

/// The symbols of codes, but for slots and check characters, whether they are evenly spread (chi-square, 31 degrees of
/// freedom: above 80 in less than one case in 200,000).
fn are_even(codes: &[String]) -> bool {
    let mut counts: HashMap<char, f64> = ALPHABET.chars().map(|symbol| (symbol, 0.0)).collect();
    let mut all = 0.0;
    for code in codes {
        let symbols: Vec<char> = code.chars().filter(|symbol| *symbol != '-').collect();
        for symbol in &symbols[1..symbols.len() - 1] {
            *counts.get_mut(symbol).unwrap() += 1.0;
            all += 1.0;
        }
    }
    let expected = all / 32.0;
    let chi_square: f64 = counts
        .values()
        .map(|count| (count - expected).powi(2) / expected)
        .sum();
    chi_square < 80.0
}

#[test]
fn a23_no_two_users_have_the_same_codes_and_their_symbols_are_even() {
    on_embedded(async |service| {
        let mut codes = Vec::new();
        for _ in 0..20 {
            let person = service.person().await;
            codes.extend(person.enroll_app(&service).await.recovery_codes);
        }
        let different: HashSet<&String> = codes.iter().collect();
        assert_eq!((codes.len(), different.len()), (200, 200));
        assert!(are_even(&codes));
    });
}

#[test]
fn a23_codes_that_are_the_same_for_all_are_seen_control() {
    let same = vec!["000000-000001-000002".to_owned(); 200];
    assert!(!are_even(&same));
}

#[test]
fn a23_a_used_code_is_refused_to_everyone() {
    on_both_pairs(async |service| {
        let twin = service.twin();
        let jane = service.person().await;
        let app = jane.enroll_app(&service).await;
        let challenge = jane.issue().await;
        let code = &app.recovery_codes[0];
        let approved = jane.approved(&challenge.challenge_id, code).await;
        assert!(approval(&approved.approval_id).is_some());
        let elsewhere = jane.through(twin.portal());
        let challenge = elsewhere.issue().await;
        elsewhere.rejected(&challenge.challenge_id, code).await;
    });
}
