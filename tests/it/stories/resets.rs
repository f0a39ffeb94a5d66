//! S24: a reset while logged out, held and canceled; while logged in; and by disabling and enabling again.

use crate::support::{
    EnrolledApp, Person, Service, on_both_pairs, person::add_method, refused, service::unique,
    tamper::TamperedAccounts, until,
};
use countersign::ports::AccountStore;
use countersign_domain::account::change::{AccountChange, AccountWriteOp, ChangeBase};
use countersign_proto::{testing, v1 as pb};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tonic::{Code, Status};

pub(crate) const HOLD: u64 = 72 * 3600;

/// A company that gives resets to those who can't sign in.
pub(crate) fn with_resets(service: &Service) -> Service {
    let mut builder = service.twin_builder();
    builder.service_layer.logged_out_reset = Some(true);
    builder.start()
}

/// A person who lost their app, and whose address has been on file for longer than the hold.
pub(crate) async fn who_lost_their_app(service: &Service) -> (Person, EnrolledApp) {
    let jane = service.person().await;
    let app = jane.enroll_app(service).await;
    service.advance(HOLD + 60);
    (jane, app)
}

pub(crate) async fn ask(
    person: &Person,
    whose: pb::begin_reset_request::Whose,
) -> Result<(), Status> {
    let request = pb::BeginResetRequest {
        tenant_id: person.tenant_id.clone(),
        whose: Some(whose),
        mailbox_is_independent: true,
        ..pb::BeginResetRequest::default()
    };
    let mut client = person.clients.recovery.clone();
    client.begin_reset(request).await.map(drop)
}

pub(crate) fn by_email(person: &Person) -> pb::begin_reset_request::Whose {
    pb::begin_reset_request::Whose::Email(person.email.to_uppercase())
}

pub(crate) fn by_login(person: &Person) -> pb::begin_reset_request::Whose {
    pb::begin_reset_request::Whose::UserId(person.user_id.clone())
}

pub(crate) async fn confirm(person: &Person, code: &str) -> Result<bool, Status> {
    let request = pb::ConfirmResetRequest {
        tenant_id: person.tenant_id.clone(),
        user_id: person.user_id.clone(),
        code: code.to_owned(),
        ..pb::ConfirmResetRequest::default()
    };
    let mut client = person.clients.recovery.clone();
    let outcome = client.confirm_reset(request).await?.into_inner().outcome;
    Ok(matches!(
        outcome,
        Some(pb::confirm_reset_response::Outcome::Done(_))
    ))
}

async fn cancel(person: &Person, cancel_token: &str) -> Result<(), Status> {
    cancel_as(person, cancel_token, "").await
}

async fn cancel_as(person: &Person, cancel_token: &str, request_id: &str) -> Result<(), Status> {
    let request = pb::CancelResetRequest {
        tenant_id: person.tenant_id.clone(),
        user_id: person.user_id.clone(),
        request_id: request_id.to_owned(),
        cancel_token: cancel_token.to_owned(),
        ..pb::CancelResetRequest::default()
    };
    let mut client = person.clients.recovery.clone();
    client.cancel_reset(request).await.map(drop)
}

/// The messages with this subject, once there are so many.
pub(crate) async fn wait_for_messages(
    person: &Person,
    subject: &str,
    times: usize,
) -> Vec<testing::Message> {
    let of_subject = async || {
        let messages = person.messages(&person.email).await.into_iter();
        let found: Vec<_> = messages
            .filter(|message| message.subject.contains(subject))
            .collect();
        found
    };
    until(of_subject, |found| found.len() >= times).await
}

/// The token that the newest news of a reset carries.
pub(crate) async fn token(person: &Person, times: usize) -> String {
    let change_notices =
        wait_for_messages(person, "reset of your two-factor sign-in has begun", times).await;
    let mut words = change_notices[0]
        .text
        .split_whitespace()
        .filter(|word| word.len() == 26);
    words.next_back().unwrap().to_owned()
}

/// The code that was mailed, which comes a moment after the answer.
pub(crate) async fn mailed_code(person: &Person) -> String {
    wait_for_messages(person, "Reset your two-factor", 1).await[0]
        .code
        .clone()
}

#[test]
fn s24_a_page_learns_before_the_sign_in_whether_a_reset_is_offered() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let options = async |on: &Service| {
            let request = pb::GetSignInOptionsRequest {
                tenant_id: jane.tenant_id.clone(),
            };
            let mut client = on.portal().challenges;
            client
                .get_sign_in_options(request)
                .await
                .unwrap()
                .into_inner()
        };
        assert_eq!(
            options(&service).await,
            pb::GetSignInOptionsResponse::default(),
            "by default nobody is offered one"
        );
        let offered = options(&with_resets(&service)).await;
        assert!(offered.reset_offered && offered.reset_requires_independent_mailbox);
        let hold = offered.reset_hold.unwrap();
        assert_eq!(hold.seconds, i64::try_from(HOLD).unwrap());
    });
}

#[test]
fn s24_a_reset_while_logged_out_is_held_and_then_confirmed_by_a_mailed_code() {
    on_both_pairs(async |service| {
        let service = with_resets(&service);
        let (jane, _) = who_lost_their_app(&service).await;
        ask(&jane, by_email(&jane)).await.unwrap();
        let change_notices =
            wait_for_messages(&jane, "reset of your two-factor sign-in has begun", 1).await;
        assert!(
            change_notices[0].text.contains("can be finished from"),
            "{}",
            change_notices[0].text
        );
        assert!(!confirm(&jane, "123456").await.unwrap(), "it is held");

        service.advance(HOLD);
        ask(&jane, by_login(&jane)).await.unwrap();
        let code = mailed_code(&jane).await;
        assert!(
            !confirm(&jane, &crate::support::person::wrong(&code))
                .await
                .unwrap()
        );
        assert!(confirm(&jane, &code).await.unwrap());
        wait_for_messages(&jane, "Your two-factor sign-in was reset", 1).await;
        let settings = jane.settings().await;
        assert_eq!(
            (
                settings.methods.len(),
                settings.recovery.unwrap().codes_left
            ),
            (0, 0)
        );
        assert!(!confirm(&jane, &code).await.unwrap(), "once");
        jane.enroll_app(&service).await;
    });
}

#[test]
fn s24_two_users_who_share_an_address_are_each_told_and_reset_apart() {
    on_both_pairs(async |service| {
        let service = with_resets(&service);
        let (jane, _) = who_lost_their_app(&service).await;
        let john = jane.colleague("john").await;
        let profile = pb::Profile {
            email: jane.email.clone(),
            email_verified: true,
            ..pb::Profile::default()
        };
        john.upsert(profile).await.unwrap();
        let john = Person {
            email: jane.email.clone(),
            ..john
        };
        john.enroll_app(&service).await;
        service.advance(HOLD + 60);
        ask(&jane, by_email(&jane)).await.unwrap();
        let subject = "reset of your two-factor sign-in has begun";
        let notices = wait_for_messages(&jane, subject, 2).await;
        for person in [&jane, &john] {
            let name = format!("Account: {}\n", person.user_id);
            let named = notices.iter().filter(|notice| notice.text.contains(&name));
            assert_eq!(named.count(), 1, "{notices:?}");
        }
        service.advance(HOLD);
        ask(&jane, by_login(&john)).await.unwrap();
        let code = mailed_code(&john).await;
        assert!(
            !confirm(&jane, &code).await.unwrap(),
            "it is another's code"
        );
        assert!(confirm(&john, &code).await.unwrap());
        assert!(jane.settings().await.two_factor_enabled);
        assert!(!john.settings().await.two_factor_enabled);
    });
}

#[test]
fn s24_who_is_told_of_a_reset_cancels_it_and_none_is_started_for_a_week() {
    on_both_pairs(async |service| {
        let service = with_resets(&service);
        let (jane, _) = who_lost_their_app(&service).await;
        ask(&jane, by_login(&jane)).await.unwrap();
        let token = token(&jane, 1).await;
        refused(
            cancel(&jane, "not a token").await,
            Code::NotFound,
            "RESET_NOT_FOUND",
        );
        let lower = token.to_lowercase();
        for spelling in [&*lower, &*format!("{token}\n"), &*lower] {
            cancel_as(&jane, spelling, "request-00000001")
                .await
                .unwrap();
        }
        refused(
            cancel(&jane, &token).await,
            Code::NotFound,
            "RESET_NOT_FOUND",
        );
        wait_for_messages(&jane, "was canceled", 1).await;
        service.advance(7 * 24 * 3600 - 60);
        ask(&jane, by_login(&jane)).await.unwrap();
        service.advance(60);
        ask(&jane, by_login(&jane)).await.unwrap();
        let begun = wait_for_messages(&jane, "reset of your two-factor sign-in has begun", 2).await;
        assert_eq!(begun.len(), 2);
    });
}

#[test]
fn s24_a_sign_in_with_a_second_factor_cancels_the_reset() {
    on_both_pairs(async |service| {
        let service = with_resets(&service);
        let (jane, app) = who_lost_their_app(&service).await;
        ask(&jane, by_login(&jane)).await.unwrap();
        wait_for_messages(&jane, "reset of your two-factor sign-in has begun", 1).await;
        jane.sign_in(&service, &app).await;
        wait_for_messages(&jane, "was canceled", 1).await;
        service.advance(HOLD);
        ask(&jane, by_login(&jane)).await.unwrap();
        assert!(!confirm(&jane, "123456").await.unwrap());
        assert!(jane.settings().await.two_factor_enabled);
    });
}

#[test]
fn s24_another_address_on_file_cancels_the_reset() {
    on_both_pairs(async |service| {
        let service = with_resets(&service);
        let (jane, _) = who_lost_their_app(&service).await;
        ask(&jane, by_login(&jane)).await.unwrap();
        let token = token(&jane, 1).await;
        let profile = pb::Profile {
            email: format!("{}@example.com", unique()),
            email_verified: true,
            ..pb::Profile::default()
        };
        jane.upsert(profile).await.unwrap();
        refused(
            cancel(&jane, &token).await,
            Code::NotFound,
            "RESET_NOT_FOUND",
        );
        wait_for_messages(&jane, "was canceled", 1).await;
    });
}

/// Asks once more, as long as none may be begun, and then when one may.
async fn none_is_started_for_a_week(service: &Service, jane: &Person) {
    wait_for_messages(jane, "was canceled", 1).await;
    ask(jane, by_login(jane)).await.unwrap();
    service.advance(7 * 24 * 3600 - 60);
    ask(jane, by_login(jane)).await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let begun = wait_for_messages(jane, "has begun", 1).await;
    assert_eq!(begun.len(), 1, "none for a week");
    service.advance(60);
    ask(jane, by_login(jane)).await.unwrap();
    wait_for_messages(jane, "has begun", 2).await;
}

#[test]
fn s24_a_sign_in_by_recovery_code_cancels_the_reset_too() {
    on_both_pairs(async |service| {
        let service = with_resets(&service);
        let (jane, app) = who_lost_their_app(&service).await;
        ask(&jane, by_login(&jane)).await.unwrap();
        wait_for_messages(&jane, "has begun", 1).await;
        let challenge = jane.issue_recovery_only().await.unwrap();
        jane.approved(&challenge.challenge_id, &app.recovery_codes[0])
            .await;
        none_is_started_for_a_week(&service, &jane).await;
    });
}

#[test]
fn s24_a_changed_password_cancels_the_reset_too() {
    on_both_pairs(async |service| {
        let service = with_resets(&service);
        let (jane, _) = who_lost_their_app(&service).await;
        ask(&jane, by_login(&jane)).await.unwrap();
        wait_for_messages(&jane, "has begun", 1).await;
        let profile = pb::Profile {
            email: jane.email.clone(),
            email_verified: true,
            password_changed_time: Some(prost_types::Timestamp {
                seconds: service.seconds(),
                nanos: 0,
            }),
            ..pb::Profile::default()
        };
        jane.upsert(profile).await.unwrap();
        none_is_started_for_a_week(&service, &jane).await;
    });
}

#[test]
fn s24_a_change_that_is_disclaimed_cancels_the_reset_too() {
    on_both_pairs(async |service| {
        // The token of the enrollment is still good when the address is as old as a hold of a day asks for.
        let service = with_hold(&service, 24 * 3600);
        let jane = service.person().await;
        jane.enroll_app(&service).await;
        service.advance(25 * 3600);
        ask(&jane, by_login(&jane)).await.unwrap();
        wait_for_messages(&jane, "has begun", 1).await;
        let token = jane.revert_token(&service).await;
        jane.revert(&token).await.unwrap();
        none_is_started_for_a_week(&service, &jane).await;
    });
}

/// The same company, with another hold.
fn with_hold(service: &Service, seconds: u64) -> Service {
    let mut builder = service.twin_builder();
    builder.service_layer.logged_out_reset = Some(true);
    builder.service_layer.reset_hold = Some(Duration::from_secs(seconds));
    builder.start()
}

#[test]
fn s24_a_longer_hold_reaches_the_reset_that_is_pending() {
    on_both_pairs(async |service| {
        let service = with_resets(&service);
        let (jane, _) = who_lost_their_app(&service).await;
        service.advance(HOLD);
        ask(&jane, by_login(&jane)).await.unwrap();
        wait_for_messages(&jane, "has begun", 1).await;
        service.advance(HOLD);
        ask(&jane, by_login(&jane)).await.unwrap();
        let code = mailed_code(&jane).await;
        let patient = with_hold(&service, HOLD + 24 * 3600);
        let elsewhere = jane.through(patient.portal());
        assert!(!confirm(&elsewhere, &code).await.unwrap());
        assert!(confirm(&jane, &code).await.unwrap(), "as it was begun");
    });
}

/// The first code of a reset that is written meets a change beside it.
fn met_by_another_change(accounts: &Arc<dyn AccountStore>) -> Arc<TamperedAccounts> {
    let done = AtomicBool::new(false);
    let mails = |write: &AccountWriteOp| matches!(write, AccountWriteOp::MailResetCode(..));
    let meet = move |mut change: AccountChange| {
        let first = change.writes.iter().any(mails) && !done.swap(true, Ordering::SeqCst);
        if let (true, ChangeBase::Present(epoch, revision)) = (first, change.base) {
            change.base = ChangeBase::Present(epoch, revision - 1);
        }
        change
    };
    Arc::new(TamperedAccounts::altering_changes(
        Arc::clone(accounts),
        meet,
    ))
}

#[test]
fn s24_the_code_comes_once_and_in_spite_of_a_change_beside_it() {
    on_both_pairs(async |service| {
        let service = with_resets(&service);
        let (jane, _) = who_lost_their_app(&service).await;
        ask(&jane, by_login(&jane)).await.unwrap();
        wait_for_messages(&jane, "has begun", 1).await;
        service.advance(HOLD);
        let mut builder = service.twin_builder();
        builder.service_layer.logged_out_reset = Some(true);
        builder.stores.accounts = met_by_another_change(&service.stores.accounts);
        let met = builder.start();
        let request = pb::BeginResetRequest {
            tenant_id: jane.tenant_id.clone(),
            whose: Some(by_login(&jane)),
            mailbox_is_independent: true,
            request_id: "the-code-please".to_owned(),
            ..pb::BeginResetRequest::default()
        };
        let mut client = jane.through(met.portal()).clients.recovery;
        client.begin_reset(request.clone()).await.unwrap();
        let code = mailed_code(&jane).await;
        client.begin_reset(request).await.unwrap();
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(
            wait_for_messages(&jane, "Reset your two-factor", 1)
                .await
                .len(),
            1
        );
        assert!(confirm(&jane, &code).await.unwrap());
    });
}

#[test]
fn s24_it_is_never_given_where_email_is_itself_a_method_nor_where_nobody_switched_it_on() {
    on_both_pairs(async |service| {
        let resets = with_resets(&service);
        let jane = resets.person().await;
        let word = jane.attested(&resets, add_method(pb::MethodKind::Email));
        jane.enroll_email(word).await;
        resets.advance(HOLD + 60);
        ask(&jane, by_login(&jane)).await.unwrap();

        let (john, _) = who_lost_their_app(&service).await;
        ask(&john, by_login(&john)).await.unwrap();
        tokio::time::sleep(Duration::from_millis(200)).await;
        for person in [jane, john] {
            let messages = person.messages(&person.email).await;
            let begun = messages
                .iter()
                .filter(|message| message.subject.contains("has begun"));
            assert_eq!(begun.count(), 0);
        }
    });
}

#[test]
fn s24_who_is_signed_in_swaps_the_method_or_removes_it_and_sets_up_another() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let app = jane.enroll_app(&service).await;
        let remove = pb::action::Action::RemoveMethod(pb::RemoveMethod {
            method_id: app.method_id.clone(),
        });
        let request = pb::DeleteMethodRequest {
            tenant_id: jane.tenant_id.clone(),
            user_id: jane.user_id.clone(),
            method_id: app.method_id.clone(),
            authorization: jane.step_up(&service, &app, remove).await,
            ..pb::DeleteMethodRequest::default()
        };
        jane.clients
            .methods
            .clone()
            .delete_method(request)
            .await
            .unwrap();
        assert!(!jane.settings().await.two_factor_enabled);
        let new = jane.enroll_app(&service).await;
        jane.sign_in(&service, &new).await;
    });
}
