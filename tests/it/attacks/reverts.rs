//! A04, A08, A21: the tokens that say "this wasn't me".

use crate::support::{
    EnrolledApp, Person, Service, on_both_pairs, on_embedded, person::approval, reason, refused,
};
use countersign_domain::revert::RevertToken;
use countersign_proto::v1::{self as pb, MethodState};
use std::{collections::HashMap, sync::Arc};
use tokio::{sync::Barrier, task::JoinSet};
use tonic::Code;

const RIVALS: usize = 64;

async fn with_token(service: &Service) -> (Person, String) {
    let jane = service.person().await;
    jane.enroll_app(service).await;
    let token = jane.revert_token(service).await;
    (jane, token)
}

/// What becomes of one token that is used by everyone at once, over two processes.
async fn all_at_once(service: &Service, request_id: &str) -> HashMap<String, usize> {
    let (jane, token) = with_token(service).await;
    let twin = service.twin();
    let people = [jane.clone(), jane.through(twin.portal())];
    let barrier = Arc::new(Barrier::new(RIVALS));
    let mut answers = JoinSet::new();
    for place in 0..RIVALS {
        let (person, barrier) = (people[place % 2].clone(), Arc::clone(&barrier));
        let (token, request_id) = (token.clone(), request_id.to_owned());
        answers.spawn(async move {
            barrier.wait().await;
            match person.revert_with(&token, &request_id).await {
                Ok(_) => "reverted".to_owned(),
                Err(status) => reason(&status),
            }
        });
    }
    let mut counts = HashMap::new();
    for answer in answers.join_all().await {
        *counts.entry(answer).or_default() += 1;
    }
    counts
}

#[test]
fn a04_one_revert_token_is_accepted_once_under_64_rivals() {
    on_both_pairs(async |service| {
        let counts = all_at_once(&service, "").await;
        assert_eq!(counts.get("reverted"), Some(&1), "{counts:?}");
        let refused = counts.get("REVERT_TOKEN_NOT_ACCEPTED").unwrap_or(&0);
        let met = counts.get("CHANGED_CONCURRENTLY").unwrap_or(&0);
        assert_eq!(refused + met, RIVALS - 1, "{counts:?}");
    });
}

#[test]
fn a04_repeats_of_one_revert_are_counted_each_control() {
    on_embedded(async |service| {
        let counts = all_at_once(&service, "revert-once").await;
        let reverted = counts.get("reverted").copied().unwrap_or_default();
        assert!(reverted > 1, "{counts:?}");
    });
}

#[test]
fn a21_a_revert_token_is_its_own_users_once_and_for_72_hours() {
    on_both_pairs(async |service| {
        let (jane, token) = with_token(&service).await;
        let not_accepted = "REVERT_TOKEN_NOT_ACCEPTED";
        let joe = jane.colleague("joe").await;
        let theirs = joe.revert(&token).await;
        refused(theirs, Code::FailedPrecondition, not_accepted);
        let (namesake, _) = with_token(&service).await;
        let elsewhere = namesake.revert(&token).await;
        refused(elsewhere, Code::FailedPrecondition, not_accepted);
        let charged_attempts = RevertToken::new([7; 16]).expose();
        let unknown = jane.revert(&charged_attempts).await;
        refused(unknown, Code::FailedPrecondition, not_accepted);
        let malformed = jane.revert("no-token").await;
        refused(malformed, Code::InvalidArgument, "INVALID_FIELD");

        let first = jane.revert_with(&token, "revert-once").await.unwrap();
        let repeat = jane.revert_with(&token, "revert-once").await.unwrap();
        assert_eq!(first, repeat);
        let again = jane.revert(&token).await;
        refused(again, Code::FailedPrecondition, not_accepted);

        let (late, token) = with_token(&service).await;
        service.advance(72 * 3600);
        let outcome = late.revert(&token).await;
        refused(outcome, Code::FailedPrecondition, not_accepted);
        assert_eq!(
            late.settings().await.methods[0].state(),
            MethodState::Active
        );
    });
}

#[test]
fn a21_what_was_proved_before_a_revert_counts_no_more() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let app = jane.enroll_app(&service).await;
        let token = jane.revert_token(&service).await;
        let action = pb::action::Action::GenerateRecoveryCodes(pb::GenerateRecoveryCodes {});
        let proof = jane.step_up(&service, &app, action).await;
        service.advance(30);
        let open = jane.issue_for(&app.method_id).await.unwrap();
        jane.revert(&token).await.unwrap();

        let code = app.app.code_at(service.seconds());
        let answered = jane.rejected(&open.challenge_id, &code).await;
        assert_eq!(answered.reason(), pb::RejectionReason::ChallengeOver);
        let request = pb::GenerateRecoveryCodesRequest {
            tenant_id: jane.tenant_id.clone(),
            user_id: jane.user_id.clone(),
            authorization: proof,
            ..pb::GenerateRecoveryCodesRequest::default()
        };
        let mut recovery = jane.clients.recovery.clone();
        let generated = recovery.generate_recovery_codes(request).await;
        refused(
            generated,
            Code::FailedPrecondition,
            "AUTHORIZATION_NOT_ACCEPTED",
        );
    });
}

/// Who has the mailbox may suspend a new app, and has no way to put one of their own in its place.
#[test]
fn a17_a_suspended_method_still_asks_for_one_as_strong() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let word = jane.attested(
            &service,
            crate::support::person::add_method(pb::MethodKind::Email),
        );
        let email = jane.enroll_email(word).await;
        service.advance(60);
        let app = add_app_by_mail(&service, &jane).await;
        let token = jane.revert_token(&service).await;
        jane.revert(&token).await.unwrap();
        let remove = pb::action::Action::RemoveMethod(pb::RemoveMethod {
            method_id: app.clone(),
        });
        service.advance(180);
        let issued = jane.issue_with(jane.step_up_request(remove.clone())).await;
        refused(issued, Code::FailedPrecondition, "STRONGER_METHOD_REQUIRED");
        let proof = jane
            .weak_approval(&service, &email.method.unwrap().method_id, remove)
            .await;
        let request = pb::DeleteMethodRequest {
            tenant_id: jane.tenant_id.clone(),
            user_id: jane.user_id.clone(),
            method_id: app,
            authorization: proof,
            ..pb::DeleteMethodRequest::default()
        };
        let mut methods = jane.clients.methods.clone();
        let removed = methods.delete_method(request).await;
        refused(
            removed,
            Code::FailedPrecondition,
            "STRONGER_METHOD_REQUIRED",
        );
    });
}

async fn step_up_by_mail(
    service: &Service,
    jane: &Person,
    action: pb::action::Action,
) -> Option<pb::Authorization> {
    service.advance(180);
    let challenge = jane.issue_with(jane.step_up_request(action)).await.unwrap();
    let code = jane.last_code(&jane.email).await;
    let approved = jane.approved(&challenge.challenge_id, &code).await;
    approval(&approved.approval_id)
}

async fn add_app_by_mail(service: &Service, jane: &Person) -> String {
    let action = crate::support::person::add_method(pb::MethodKind::Totp);
    let proof = step_up_by_mail(service, jane, action).await;
    jane.enroll_app_with(service, proof).await.method_id
}

/// Whoever has recovery codes signs in with one, and puts an app of their own in.
async fn add_app_by_recovery(service: &Service, jane: &Person, code: &str) -> EnrolledApp {
    let challenge = jane.issue_recovery_only().await.unwrap();
    let signed_in = jane.approved(&challenge.challenge_id, code).await;
    jane.enroll_app_with(service, approval(&signed_in.approval_id))
        .await
}

async fn new_codes(service: &Service, jane: &Person, app: &EnrolledApp) -> Vec<String> {
    let action = pb::action::Action::GenerateRecoveryCodes(pb::GenerateRecoveryCodes {});
    let request = pb::GenerateRecoveryCodesRequest {
        tenant_id: jane.tenant_id.clone(),
        user_id: jane.user_id.clone(),
        authorization: jane.step_up(service, app, action).await,
        ..pb::GenerateRecoveryCodesRequest::default()
    };
    let mut recovery = jane.clients.recovery.clone();
    let made = recovery.generate_recovery_codes(request).await.unwrap();
    made.into_inner().recovery_codes.unwrap().codes
}

async fn state_of(jane: &Person, app: &EnrolledApp) -> MethodState {
    let settings = jane.settings().await;
    let mut methods = settings.methods.iter();
    let method = methods.find(|method| method.method_id == app.method_id);
    method.unwrap().state()
}

/// Who only has the password enrolls first, and then once more by the recovery codes that came with it.
#[test]
fn a17_a_method_let_in_by_a_thiefs_first_recovery_codes_falls_with_them() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let first = jane.enroll_app(&service).await;
        let token = jane.revert_token(&service).await;
        let second = add_app_by_recovery(&service, &jane, &first.recovery_codes[0]).await;
        assert_eq!(jane.revert_token(&service).await, token, "no other is sent");
        jane.revert(&token).await.unwrap();
        assert_eq!(state_of(&jane, &first).await, MethodState::Suspended);
        assert_eq!(state_of(&jane, &second).await, MethodState::Suspended);
    });
}

/// Who passed one step-up as the owner adds an app, makes recovery codes with it, and adds a second one by a code.
#[test]
fn a17_a_method_let_in_by_recovery_codes_that_a_thief_made_falls_with_them() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let own = jane.enroll_app(&service).await;
        let action = crate::support::person::add_method(pb::MethodKind::Totp);
        let proof = jane.step_up(&service, &own, action).await;
        let first = jane.enroll_app_with(&service, proof).await;
        let token = jane.revert_token(&service).await;
        let codes = new_codes(&service, &jane, &first).await;
        let newer = jane.revert_token(&service).await;
        let second = add_app_by_recovery(&service, &jane, &codes[0]).await;
        jane.revert(&newer).await.unwrap();
        assert_eq!(state_of(&jane, &second).await, MethodState::Suspended);
        jane.revert(&token).await.unwrap();
        assert_eq!(state_of(&jane, &first).await, MethodState::Suspended);
        assert_eq!(state_of(&jane, &own).await, MethodState::Active);
    });
}

/// The later of two changes is disclaimed first: what it leaves alone falls with the earlier one all the same.
#[test]
fn a17_the_order_in_which_changes_are_disclaimed_saves_no_method() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let first = jane.enroll_app(&service).await;
        let token = jane.revert_token(&service).await;
        let action = crate::support::person::add_method(pb::MethodKind::Totp);
        let proof = jane.step_up(&service, &first, action).await;
        let second = jane.enroll_app_with(&service, proof).await;
        let later = jane.revert_token(&service).await;
        let third = add_app_by_recovery(&service, &jane, &first.recovery_codes[0]).await;
        jane.revert(&later).await.unwrap();
        assert_eq!(state_of(&jane, &second).await, MethodState::Suspended);
        assert_eq!(state_of(&jane, &third).await, MethodState::Active);
        jane.revert(&token).await.unwrap();
        assert_eq!(state_of(&jane, &third).await, MethodState::Suspended);
    });
}

/// Whose codes are older than what they disclaim keeps what they recovered with; and so does whom an administrator let in.
#[test]
fn a17_a_method_that_its_owner_recovered_with_stays_control() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let own = jane.enroll_app(&service).await;
        let action = crate::support::person::add_method(pb::MethodKind::Totp);
        let proof = jane.step_up(&service, &own, action).await;
        let strange = jane.enroll_app_with(&service, proof).await;
        let token = jane.revert_token(&service).await;
        let recovered = add_app_by_recovery(&service, &jane, &own.recovery_codes[0]).await;
        jane.revert(&token).await.unwrap();
        assert_eq!(state_of(&jane, &strange).await, MethodState::Suspended);
        assert_eq!(state_of(&jane, &recovered).await, MethodState::Active);

        let jill = service.person().await;
        let strange = jill.enroll_app(&service).await;
        let token = jill.revert_token(&service).await;
        let bypass = jill.bypass(jill.bypass_request()).await.unwrap();
        let let_in = add_app_by_recovery(&service, &jill, &bypass.bypass_code).await;
        jill.revert(&token).await.unwrap();
        assert_eq!(state_of(&jill, &strange).await, MethodState::Suspended);
        assert_eq!(state_of(&jill, &let_in).await, MethodState::Active);
    });
}
