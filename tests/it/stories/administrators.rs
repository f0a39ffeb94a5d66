//! S25: the administrator, or the service provider, for a user who lost access.

use crate::support::{
    EnrolledApp, Person, Service, on_both_pairs,
    person::{add_method, approval, wrong},
    refused, until,
};
use countersign::ports::AccountLookup;
use countersign_proto::{
    testing,
    v1::{
        self as pb, MethodKind, action::Action, begin_enrollment_request::Method,
        begin_sign_in_response::Decision,
    },
};
use tonic::Code;

async fn person_with_app(service: &Service) -> (Person, EnrolledApp) {
    let jane = service.person().await;
    let app = jane.enroll_app(service).await;
    (jane, app)
}

/// Wrong codes until no more are looked at.
async fn lock(service: &Service, jane: &Person, app: &EnrolledApp) {
    let code = wrong(&app.app.code_at(service.seconds()));
    for _ in 0..2 {
        let challenge = jane.issue().await;
        for _ in 0..5 {
            jane.rejected(&challenge.challenge_id, &code).await;
        }
    }
}

/// Waits until the person is told of it; the outbox is worked on beside this.
async fn assert_mail(jane: &Person, subject: &str) {
    let is_told = |messages: &Vec<testing::Message>| {
        messages
            .iter()
            .any(|message| message.subject.contains(subject))
    };
    until(async || jane.messages(&jane.email).await, is_told).await;
}

#[test]
fn s25_an_administrator_resets_a_user_who_lost_everything() {
    on_both_pairs(async |service| {
        let (jane, lost) = person_with_app(&service).await;
        let signed_in = jane.sign_in(&service, &lost).await;
        let reset = jane.reset(jane.reset_request()).await.unwrap();
        assert_eq!(reset.queued_notices.len(), 1, "{reset:?}");
        assert_mail(&jane, "was reset").await;

        let settings = jane.settings().await;
        assert!(!settings.two_factor_enabled);
        assert_eq!(
            (
                settings.methods.len(),
                settings.recovery.unwrap().codes_left
            ),
            (0, 0)
        );
        let stale = jane.enrollment_request(
            Method::Totp(pb::EnrollTotp {}),
            approval(&signed_in.approval_id),
        );
        assert!(
            jane.begin_enrollment(stale).await.is_err(),
            "it died with the epoch"
        );

        let decision = jane.begin_sign_in().await.unwrap();
        assert!(matches!(decision, Decision::Allowed(_)), "{decision:?}");
        let app = jane.enroll_app(&service).await;
        jane.sign_in(&service, &app).await;
    });
}

#[test]
fn s25_what_was_started_before_a_reset_is_over() {
    on_both_pairs(async |service| {
        let (jane, app) = person_with_app(&service).await;
        service.advance(30);
        let open = jane.issue().await;
        jane.reset(jane.reset_request()).await.unwrap();
        let rejected = jane
            .rejected(&open.challenge_id, &app.app.code_at(service.seconds()))
            .await;
        assert_eq!(rejected.reason(), pb::RejectionReason::ChallengeOver);
    });
}

#[test]
fn s25_an_administrator_unlocks_a_user_and_codes_are_looked_at_again() {
    on_both_pairs(async |service| {
        let (jane, app) = person_with_app(&service).await;
        lock(&service, &jane, &app).await;
        service.advance(30);
        let challenge = jane.issue().await;
        let code = app.app.code_at(service.seconds());
        refused(
            jane.verify(&challenge.challenge_id, &code).await,
            Code::ResourceExhausted,
            "TOO_MANY_ATTEMPTS",
        );
        jane.unlock(jane.unlock_request()).await.unwrap();
        jane.approved(&challenge.challenge_id, &code).await;
    });
}

#[test]
fn s25_unlocking_does_not_enable_what_a_hundred_failures_disabled() {
    on_both_pairs(async |service| {
        let (jane, app) = person_with_app(&service).await;
        for _ in 0..10 {
            lock(&service, &jane, &app).await;
            jane.unlock(jane.unlock_request()).await.unwrap();
        }
        let settings = jane.settings().await;
        assert_eq!(settings.methods[0].state(), pb::MethodState::Disabled);
        refused(
            jane.issue_for(&app.method_id).await,
            Code::FailedPrecondition,
            "METHOD_DISABLED",
        );
        let challenge = jane.issue_recovery_only().await.unwrap();
        jane.approved(&challenge.challenge_id, &app.recovery_codes[0])
            .await;
    });
}

#[test]
fn s25_a_bypass_code_signs_in_once_and_opens_the_way_to_one_enrollment() {
    on_both_pairs(async |service| {
        let (jane, lost) = person_with_app(&service).await;
        let issued = jane.bypass(jane.bypass_request()).await.unwrap();
        assert_mail(&jane, "made a sign-in code").await;
        let challenge = jane.issue().await;
        let typed = issued.bypass_code.to_lowercase().replace('-', " ");
        let approved = jane.approved(&challenge.challenge_id, &typed).await;
        assert_eq!(approved.answered_by(), pb::AnswerKind::BypassCode);
        assert!(approved.method_id.is_empty());
        assert!(approved.device_token.is_empty(), "it confers no trust");
        assert!(
            approved
                .advice()
                .any(|advice| advice == pb::Advice::SwitchMethod)
        );
        assert_eq!(
            approved.recovery_codes_left, 10,
            "it costs no recovery code"
        );
        assert_mail(&jane, "was used to sign in").await;
        let again = jane.issue().await;
        jane.rejected(&again.challenge_id, &issued.bypass_code)
            .await;

        let mut request = jane.enrollment_request(
            Method::Totp(pb::EnrollTotp {}),
            approval(&approved.approval_id),
        );
        request.replaced_method_id = lost.method_id.clone();
        let begun = jane.begin_enrollment(request.clone()).await.unwrap();
        let app = crate::support::Authenticator::from_base32(&begun.totp.unwrap().secret);
        let id = begun.challenge.unwrap().challenge_id;
        jane.confirm(&id, &app.code_at(service.seconds())).await;
        refused(
            jane.begin_enrollment(request).await,
            Code::NotFound,
            "METHOD_NOT_FOUND",
        );
    });
}

/// The number by which everything that was issued to a person is void or not.
async fn epoch(service: &Service, person: &Person) -> i64 {
    let accounts = &service.stores.accounts;
    let subject = person.subject();
    let loaded = accounts.load(&subject, AccountLookup::default());
    let loaded = loaded.await.unwrap();
    loaded.account.unwrap().epoch.number()
}

#[test]
fn s25_the_first_method_after_a_hold_voids_what_was_issued_before() {
    on_both_pairs(async |service| {
        let (jane, app) = person_with_app(&service).await;
        let remove = Action::RemoveMethod(pb::RemoveMethod {
            method_id: app.method_id.clone(),
        });
        let request = pb::DeleteMethodRequest {
            tenant_id: jane.tenant_id.clone(),
            user_id: jane.user_id.clone(),
            method_id: app.method_id.clone(),
            authorization: jane.step_up(&service, &app, remove).await,
            ..pb::DeleteMethodRequest::default()
        };
        let mut methods = jane.clients.methods.clone();
        methods.delete_method(request).await.unwrap();
        let token = jane.revert_token(&service).await;
        jane.revert(&token).await.unwrap();

        let issued = jane.bypass(jane.bypass_request()).await.unwrap();
        let challenge = jane.issue_recovery_only().await.unwrap();
        let approved = jane
            .approved(&challenge.challenge_id, &issued.bypass_code)
            .await;
        let held = epoch(&service, &jane).await;
        jane.enroll_app_with(&service, approval(&approved.approval_id))
            .await;
        assert!(epoch(&service, &jane).await > held);
    });
}

#[test]
fn s25_a_bypass_code_lives_as_long_as_it_was_given_and_a_day_at_most() {
    on_both_pairs(async |service| {
        let (jane, _) = person_with_app(&service).await;
        let with_life = |seconds| pb::IssueBypassCodeRequest {
            lifetime: Some(prost_types::Duration { seconds, nanos: 0 }),
            ..jane.bypass_request()
        };
        for seconds in [0, 59, 24 * 3600 + 1, -1] {
            let outcome = jane.bypass(with_life(seconds)).await;
            refused(outcome, Code::InvalidArgument, "INVALID_FIELD");
        }
        let issued = jane.bypass(with_life(120)).await.unwrap();
        let ends = issued.expire_time.unwrap().seconds;
        assert_eq!(ends, service.seconds() + 120);
        service.advance(120);
        let challenge = jane.issue().await;
        jane.rejected(&challenge.challenge_id, &issued.bypass_code)
            .await;
    });
}

#[test]
fn s25_a_new_bypass_code_ends_the_old_one_and_a_repeat_gives_the_same() {
    on_both_pairs(async |service| {
        let (jane, _) = person_with_app(&service).await;
        let request = pb::IssueBypassCodeRequest {
            request_id: "bypass-1".to_owned(),
            ..jane.bypass_request()
        };
        let old = jane.bypass(request.clone()).await.unwrap();
        assert_eq!(jane.bypass(request).await.unwrap(), old);
        let new = jane.bypass(jane.bypass_request()).await.unwrap();
        let challenge = jane.issue().await;
        jane.rejected(&challenge.challenge_id, &old.bypass_code)
            .await;
        jane.approved(&challenge.challenge_id, &new.bypass_code)
            .await;
    });
}

#[test]
fn s25_a_bypass_code_answers_sign_in_only_and_where_nothing_else_can_be_asked() {
    on_both_pairs(async |service| {
        let (jane, app) = person_with_app(&service).await;
        for code in &app.recovery_codes {
            service.advance(4 * 60);
            let challenge = jane.issue().await;
            jane.approved(&challenge.challenge_id, code).await;
        }
        refused(
            jane.issue_recovery_only().await,
            Code::FailedPrecondition,
            "NO_RECOVERY_CODES",
        );
        let issued = jane.bypass(jane.bypass_request()).await.unwrap();
        let request = jane.step_up_request(add_method(MethodKind::Sms));
        let step_up = jane.issue_with(request).await.unwrap();
        refused(
            jane.verify(&step_up.challenge_id, &issued.bypass_code)
                .await,
            Code::FailedPrecondition,
            "RECOVERY_CODE_NOT_ACCEPTED",
        );
        service.advance(15 * 60);
        let challenge = jane.issue_recovery_only().await.unwrap();
        jane.approved(&challenge.challenge_id, &issued.bypass_code)
            .await;
        until(async || jane.issue_recovery_only().await, Result::is_err)
            .await
            .unwrap_err();
    });
}
