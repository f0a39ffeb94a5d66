//! A24: trusted devices. Trust dies with the epoch, tokens rotate, a copied one ends the series, and none of it counts
//! for another user or another purpose.

use crate::support::{
    Browser, EnrolledApp, Person, Service,
    browser::current,
    on_both_pairs, on_embedded,
    person::{add_method, approval, attested_at},
    refused,
    tamper::TamperedAccounts,
    until,
};
use countersign::ports::AccountLookup;
use countersign_domain::{
    account::change::{AccountChange, AccountWriteOp, ChangeBase, TokenRotation},
    device::{Device, DeviceToken, DeviceTokenHash, DeviceTrust, SeriesHash},
    value::epoch::Epoch,
};
use countersign_proto::v1::{
    self as pb, MethodKind, action::Action, begin_sign_in_response::Decision,
};
use std::{collections::HashSet, sync::Arc};
use tokio::{sync::Barrier, task::JoinSet};
use tonic::Code;

const RIVALS: usize = 64;
const NUMBER: &str = "+4915123456789";

async fn person_with_app(service: &Service) -> (Person, EnrolledApp) {
    let jane = service.person().await;
    let app = jane.enroll_app(service).await;
    (jane, app)
}

/// A browser that a person trusts.
async fn trusted(service: &Service, person: &Person, app: &EnrolledApp) -> Browser {
    let browser = Browser::new();
    browser.sign_in_and_trust(service, person, app).await;
    assert!(browser.skips_second_factor(person).await);
    browser
}

async fn remove(service: &Service, jane: &Person, app: &EnrolledApp, method_id: &str) {
    let action = Action::RemoveMethod(pb::RemoveMethod {
        method_id: method_id.to_owned(),
    });
    let request = pb::DeleteMethodRequest {
        tenant_id: jane.tenant_id.clone(),
        user_id: jane.user_id.clone(),
        method_id: method_id.to_owned(),
        authorization: jane.step_up(service, app, action).await,
        ..pb::DeleteMethodRequest::default()
    };
    let mut methods = jane.clients.methods.clone();
    methods.delete_method(request).await.unwrap();
}

async fn replace(service: &Service, jane: &Person, app: &EnrolledApp) {
    let action = Action::ReplaceMethod(pb::ReplaceMethod {
        method_id: app.method_id.clone(),
        kind: MethodKind::Sms.into(),
    });
    let sms = pb::EnrollSms {
        phone_number: NUMBER.to_owned(),
    };
    let method = pb::begin_enrollment_request::Method::Sms(sms);
    let authorization = jane.step_up(service, app, action).await;
    let request = pb::BeginEnrollmentRequest {
        replaced_method_id: app.method_id.clone(),
        ..jane.enrollment_request(method, authorization)
    };
    let begun = jane.begin_enrollment(request).await.unwrap();
    let code = jane.last_code("").await;
    jane.confirm(&begun.challenge.unwrap().challenge_id, &code)
        .await;
}

async fn change_password(service: &Service, jane: &Person) {
    let profile = pb::Profile {
        password_changed_time: Some(prost_types::Timestamp {
            seconds: service.seconds(),
            nanos: 0,
        }),
        ..pb::Profile::default()
    };
    jane.upsert(profile).await.unwrap();
}

async fn sign_in_by_recovery_code(jane: &Person, app: &EnrolledApp) {
    let challenge = jane.issue().await;
    jane.approved(&challenge.challenge_id, &app.recovery_codes[0])
        .await;
}

/// The things after which old proofs must not count, each with a person of its own; those that trust survived.
async fn survived(service: &Service) -> Vec<&'static str> {
    let mut survived = Vec::new();
    for what in [
        "a factor removed",
        "a factor replaced",
        "a password changed",
        "a recovery sign-in",
        "not me",
    ] {
        let (jane, app) = person_with_app(service).await;
        let authorization = jane
            .step_up(service, &app, add_method(MethodKind::Email))
            .await;
        let email = jane.enroll_email(authorization).await.method.unwrap();
        let browser = trusted(service, &jane, &app).await;
        match what {
            "a factor removed" => remove(service, &jane, &app, &email.method_id).await,
            "a factor replaced" => replace(service, &jane, &app).await,
            "a password changed" => change_password(service, &jane).await,
            "a recovery sign-in" => sign_in_by_recovery_code(&jane, &app).await,
            _ => {
                let other = Browser::new().sign_in(service, &jane, &app).await;
                let other = current(&other).device_id;
                jane.revoke(&other, true).await.unwrap();
            }
        }
        if browser.skips_second_factor(&jane).await {
            survived.push(what);
        }
        // It is still recognized: the same device, not a new one.
        assert!(!jane.devices().await.is_empty(), "{what}");
    }
    survived
}

#[test]
fn a24_trust_dies_with_whatever_makes_old_proofs_void() {
    on_both_pairs(async |service| {
        let none: [&str; 0] = [];
        assert_eq!(survived(&service).await, none);
    });
}

/// Keeps the epoch where it is, whatever happens.
fn without_epochs(mut change: AccountChange) -> AccountChange {
    if let ChangeBase::Present(epoch, _) = change.base {
        change.epoch = epoch;
    }
    change
}

#[test]
fn a24_a_store_whose_epoch_stands_still_is_caught_control() {
    on_embedded(async |service| {
        let mut builder = service.twin_builder();
        let accounts = TamperedAccounts::altering_changes(
            Arc::clone(&service.stores.accounts),
            without_epochs,
        );
        builder.stores.accounts = Arc::new(accounts);
        let survived = survived(&builder.start()).await;
        assert!(survived.contains(&"a factor removed"), "{survived:?}");
        assert!(survived.contains(&"a password changed"), "{survived:?}");
    });
}

/// Owner and thief hold the same token, and sign in by turns, the thief first or last; whether both still can after each
/// of them came twice.
async fn both_go_on(service: &Service, thief_first: bool) -> bool {
    let (jane, app) = person_with_app(service).await;
    let owner = trusted(service, &jane, &app).await;
    let thief = owner.stolen();
    let mut turns = [&owner, &thief];
    if thief_first {
        turns.reverse();
    }
    let mut spared = Vec::new();
    for client in turns.iter().cycle().take(6) {
        spared.push(client.skips_second_factor(&jane).await);
    }
    assert!(spared[0], "nobody came before");
    spared.ends_with(&[true, true])
}

#[test]
fn a24_a_copied_token_is_found_out_and_ends_the_series() {
    on_both_pairs(async |service| {
        assert!(!both_go_on(&service, true).await);
        assert!(!both_go_on(&service, false).await);
    });
}

/// Whether a token whose successor was seen ends the series: the owner is asked for a code again.
async fn found_out(service: &Service) -> bool {
    let (jane, app) = person_with_app(service).await;
    let owner = trusted(service, &jane, &app).await;
    let old = owner.stolen();
    for _ in 0..2 {
        assert!(owner.skips_second_factor(&jane).await);
    }
    assert!(!old.skips_second_factor(&jane).await);
    !owner.skips_second_factor(&jane).await
}

#[test]
fn a24_a_token_whose_successor_was_seen_ends_the_series() {
    on_both_pairs(async |service| assert!(found_out(&service).await));
}

/// Does not know an old token from a stranger's.
fn forgetting_series(mut change: AccountChange) -> AccountChange {
    for write in &mut change.writes {
        if let AccountWriteOp::RotateToken(TokenRotation { series, .. }) = write {
            *series = SeriesHash::from_bytes([0; 16]);
        }
    }
    change
}

#[test]
fn a24_a_store_that_forgets_series_is_caught_control() {
    on_embedded(async |service| {
        let mut builder = service.twin_builder();
        let accounts = TamperedAccounts::altering_changes(
            Arc::clone(&service.stores.accounts),
            forgetting_series,
        );
        builder.stores.accounts = Arc::new(accounts);
        assert!(!found_out(&builder.start()).await);
    });
}

#[test]
fn a24_a_theft_forgets_the_device_and_is_told() {
    on_both_pairs(async |service| {
        let (jane, app) = person_with_app(&service).await;
        let owner = trusted(&service, &jane, &app).await;
        let other = trusted(&service, &jane, &app).await;
        let old = owner.stolen();
        for _ in 0..2 {
            assert!(owner.skips_second_factor(&jane).await);
        }
        assert!(!old.skips_second_factor(&jane).await);
        assert!(
            !owner.skips_second_factor(&jane).await,
            "nobody knows who is who"
        );
        assert!(
            other.skips_second_factor(&jane).await,
            "it is another series"
        );
        assert_eq!(jane.devices().await.len(), 1);
        let about = |text: &str| text.contains("copied");
        let told = until(
            async || jane.messages(&jane.email).await,
            |messages| messages.iter().any(|message| about(&message.text)),
        )
        .await;
        let change_notices = told.iter().filter(|message| about(&message.text));
        assert_eq!(change_notices.count(), 1, "each once");
        // The owner comes back with a code, and the device is new.
        owner.sign_in_and_trust(&service, &jane, &app).await;
        assert!(owner.skips_second_factor(&jane).await);
        assert!(!old.skips_second_factor(&jane).await);
        assert!(
            owner.skips_second_factor(&jane).await,
            "its token is nobody's now"
        );
    });
}

#[test]
fn a24_a_token_is_no_other_users() {
    on_both_pairs(async |service| {
        let (jane, app) = person_with_app(&service).await;
        let browser = trusted(&service, &jane, &app).await;
        let john = jane.colleague("john").await;
        let app_of_john = john.enroll_app(&service).await;
        let namesake = service.person().await;
        namesake.enroll_app(&service).await;
        let mine = trusted(&service, &john, &app_of_john).await;
        for victim in [&john, &namesake] {
            let request = pb::BeginSignInRequest {
                context: browser.context(&jane),
                ..victim.sign_in_request()
            };
            let decision = victim.begin_sign_in_with(request).await.unwrap();
            assert!(matches!(decision, Decision::ChallengeRequired(_)));
        }
        assert!(mine.skips_second_factor(&john).await, "and does no harm");
        assert!(browser.skips_second_factor(&jane).await);
    });
}

#[test]
fn a24_trust_spares_a_sign_in_and_nothing_else() {
    on_both_pairs(async |service| {
        let (jane, app) = person_with_app(&service).await;
        let browser = trusted(&service, &jane, &app).await;
        let context = browser.context(&jane);
        let Decision::Allowed(allowed) = browser.begin(&jane).await.unwrap() else {
            panic!("it is trusted");
        };
        // Nothing that a trusted device has is an approval: not its token, and not the id of its assertion.
        let sms = pb::begin_enrollment_request::Method::Sms(pb::EnrollSms {
            phone_number: NUMBER.to_owned(),
        });
        let claims = allowed.assertion.split('.').nth(1).unwrap();
        let claims = data_encoding::BASE64URL_NOPAD
            .decode(claims.as_bytes())
            .unwrap();
        let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
        assert!(claims["approval_id"].is_null() && claims["action"].is_null());
        let jti = claims["jti"].as_str().unwrap();
        let attested = attested_at(service.seconds(), add_method(MethodKind::Sms));
        for (proof, why) in [
            (None, "STEP_UP_REQUIRED"),
            (attested, "STEP_UP_REQUIRED"),
            (approval(jti), "AUTHORIZATION_NOT_ACCEPTED"),
        ] {
            let request = pb::BeginEnrollmentRequest {
                context: context.clone(),
                ..jane.enrollment_request(sms.clone(), proof.clone())
            };
            let outcome = jane.begin_enrollment(request).await;
            refused(outcome, Code::FailedPrecondition, why);
            let device = jane.devices().await[0].device_id.clone();
            let request = pb::TrustDeviceRequest {
                context: context.clone(),
                ..jane.trust_request(&[&device], proof)
            };
            let outcome = jane.trust_with(request).await;
            refused(outcome, Code::FailedPrecondition, why);
        }
        // A step-up is asked for as from anywhere.
        let request = pb::IssueChallengeRequest {
            context: browser.context(&jane),
            ..jane.step_up_request(add_method(MethodKind::Sms))
        };
        let challenge = jane.issue_with(request).await.unwrap();
        assert_eq!(challenge.state(), pb::ChallengeState::Open);
    });
}

/// The devices of a user as the store has them.
async fn stored(service: &Service, person: &Person) -> Vec<Device> {
    let accounts = &service.stores.accounts;
    let loaded = accounts
        .load(&person.subject(), AccountLookup::default())
        .await
        .unwrap();
    loaded.account.unwrap().devices
}

fn hash(token: &str) -> DeviceTokenHash {
    DeviceToken::parse(token).unwrap().hash()
}

/// Everyone begins a sign-in with the same token at once, over two processes; what they were given.
async fn all_begin(
    service: &Service,
    twin: &Service,
    jane: &Person,
    token: &Browser,
) -> Vec<String> {
    let barrier = Arc::new(Barrier::new(RIVALS));
    let mut answers = JoinSet::new();
    for place in 0..RIVALS {
        let process = if place % 2 == 0 { service } else { twin };
        let (person, barrier) = (jane.through(process.portal()), Arc::clone(&barrier));
        let request = token.sign_in_request(&person);
        answers.spawn(async move {
            barrier.wait().await;
            person.begin_sign_in_with(request).await
        });
    }
    let given = answers
        .join_all()
        .await
        .into_iter()
        .map(|answer| match answer.unwrap() {
            Decision::Allowed(allowed) => allowed.device_token,
            Decision::ChallengeRequired(_) | Decision::EnrollmentRequired(_) => String::new(),
        });
    given.collect()
}

#[test]
fn a04_64_rivals_who_rotate_one_token_leave_one_series() {
    on_both_pairs(async |service| {
        let twin = service.twin();
        let (jane, app) = person_with_app(&service).await;
        let browser = trusted(&service, &jane, &app).await;
        let given = all_begin(&service, &twin, &jane, &browser).await;
        assert!(given.iter().all(|token| token.len() == 43));
        let distinct: HashSet<&String> = given.iter().collect();
        assert_eq!(distinct.len(), RIVALS, "each its own");
        let [device] = stored(&service, &jane).await.try_into().unwrap();
        assert_eq!(device.accepted, Some(hash(&browser.token(&jane))));
        let live = given.iter().filter(|token| device.holds(hash(token)));
        let live: Vec<&String> = live.collect();
        assert_eq!(live.len(), countersign_domain::device::MAX_GIVEN_TOKENS);

        // One of them goes on, and the others are void: whoever shows one of those is found out.
        browser.keep(&jane, live[0]);
        assert!(browser.skips_second_factor(&jane).await);
        let rival = browser.stolen();
        rival.keep(&jane, live[1]);
        assert!(!rival.skips_second_factor(&jane).await);
        assert!(!browser.skips_second_factor(&jane).await);
        assert!(stored(&service, &jane).await.is_empty());
    });
}

#[test]
fn a04_64_rivals_with_a_dead_token_are_told_of_once() {
    on_both_pairs(async |service| {
        let twin = service.twin();
        let (jane, app) = person_with_app(&service).await;
        let browser = trusted(&service, &jane, &app).await;
        let old = browser.stolen();
        for _ in 0..2 {
            assert!(browser.skips_second_factor(&jane).await);
        }
        let given = all_begin(&service, &twin, &jane, &old).await;
        assert!(given.iter().all(String::is_empty), "nobody is let in");
        assert!(stored(&service, &jane).await.is_empty());
        let copied =
            |message: &&countersign_proto::testing::Message| message.text.contains("copied");
        until(
            async || jane.messages(&jane.email).await,
            |messages| messages.iter().any(|message| copied(&message)),
        )
        .await;
        let told = jane.messages(&jane.email).await;
        assert_eq!(told.iter().filter(copied).count(), 1);
    });
}

/// How many of 64 calls with one approval trust the device.
async fn trusting(service: &Service, twin: &Service) -> usize {
    let (jane, app) = person_with_app(service).await;
    let approved = Browser::new().sign_in(service, &jane, &app).await;
    let device = current(&approved).device_id;
    let barrier = Arc::new(Barrier::new(RIVALS));
    let mut answers = JoinSet::new();
    for place in 0..RIVALS {
        let process = if place % 2 == 0 { service } else { twin };
        let (person, barrier) = (jane.through(process.portal()), Arc::clone(&barrier));
        let request = person.trust_request(&[&device], approval(&approved.approval_id));
        answers.spawn(async move {
            barrier.wait().await;
            person.trust_with(request).await
        });
    }
    let answers = answers.join_all().await;
    let [kept] = stored(service, &jane).await.try_into().unwrap();
    assert!(matches!(kept.trust, DeviceTrust::Given { .. }));
    answers.into_iter().flatten().count()
}

#[test]
fn a04_one_approval_trusts_once_under_64_rivals() {
    on_both_pairs(async |service| {
        let twin = service.twin();
        assert_eq!(trusting(&service, &twin).await, 1);
    });
}

/// Spends no proof, and asks for nothing that it rests on.
fn checking_nothing(mut change: AccountChange) -> AccountChange {
    change.consumed_proofs.clear();
    if let ChangeBase::Present(epoch, _) = change.base {
        change.base = ChangeBase::Epoch(Epoch::from_number(epoch.number()));
    }
    change
}

#[test]
fn a04_a_store_that_spends_no_approval_is_caught_control() {
    on_embedded(async |service| {
        let mut builder = service.twin_builder();
        let accounts = TamperedAccounts::altering_changes(
            Arc::clone(&service.stores.accounts),
            checking_nothing,
        );
        builder.stores.accounts = Arc::new(accounts);
        let flawed = builder.start();
        let twin = flawed.twin();
        assert!(trusting(&flawed, &twin).await > 1);
    });
}
