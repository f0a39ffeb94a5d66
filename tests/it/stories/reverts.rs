//! S17, further: whoever hears of a change may say that it was somebody else.

use crate::{
    stories::methods::NUMBER,
    support::{
        Builder, EnrolledApp, Pair, Person, Service, Stores, on_both_pairs, on_embedded,
        person::{add_method, approval},
        refused,
    },
};
use countersign::{
    config::{TenantConfig, tenants},
    notify::{
        inbox::{Inbox, OffsetClock},
        texts::MessageTexts,
    },
};
use countersign_domain::challenge::code::DigitCount;
use countersign_proto::v1::{
    self as pb, MethodKind, MethodState, action::Action, begin_enrollment_request::Method,
    begin_sign_in_response::Decision,
};
use countersign_transport::system::Clock;
use std::sync::Arc;
use tonic::Code;

/// A person with an app, and a number that somebody else has added.
async fn with_strange_number(service: &Service) -> (Person, EnrolledApp, String) {
    let jane = service.person().await;
    let app = jane.enroll_app(service).await;
    let proof = jane
        .step_up(service, &app, add_method(MethodKind::Sms))
        .await;
    let number = jane.enroll_number(NUMBER, proof).await;
    (jane, app, number.method.unwrap().method_id)
}

fn state(settings: &pb::GetMethodSettingsResponse, method_id: &str) -> MethodState {
    let mut methods = settings.methods.iter();
    let method = methods.find(|method| method.method_id == method_id);
    method.expect("the method is there").state()
}

#[test]
fn s17_a_method_that_was_not_the_users_is_suspended_by_the_link_in_the_mail() {
    on_both_pairs(async |service| {
        let (jane, app, number) = with_strange_number(&service).await;
        let token = jane.revert_token(&service).await;
        let reverted = jane.revert(&token).await.unwrap();
        assert_eq!(
            reverted.queued_notices.len(),
            2,
            "everyone hears of it, as they were before"
        );

        let settings = jane.settings().await;
        assert!(settings.two_factor_enabled);
        assert_eq!(state(&settings, &number), MethodState::Suspended);
        assert_eq!(state(&settings, &app.method_id), MethodState::Active);
        let asked = jane.issue_for(&number).await;
        refused(asked, Code::FailedPrecondition, "METHOD_SUSPENDED");
        jane.sign_in(&service, &app).await;

        service.wait_for_notices().await;
        let mails = jane.messages(&jane.email).await;
        let newest = &mails[0];
        assert_eq!(newest.subject, "A change was reported as not yours");
        assert_eq!(newest.revert_token, "", "it can't be reverted itself");
    });
}

#[test]
fn s17_nothing_that_was_replaced_comes_back_and_recovery_leads_on() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let app = jane.enroll_app(&service).await;
        let replaced_method_id = Action::ReplaceMethod(pb::ReplaceMethod {
            method_id: app.method_id.clone(),
            kind: MethodKind::Sms.into(),
        });
        let sms = Method::Sms(pb::EnrollSms {
            phone_number: NUMBER.to_owned(),
        });
        let proof = jane.step_up(&service, &app, replaced_method_id).await;
        let strange = replaced(&jane, (sms, ""), &app.method_id, proof).await;
        let token = jane.revert_token(&service).await;
        jane.revert(&token).await.unwrap();

        let Decision::ChallengeRequired(asked) = jane.begin_sign_in().await.unwrap() else {
            panic!("two-factor stays on");
        };
        assert_eq!(asked.methods.len(), 1);
        assert_eq!(asked.methods[0].state(), MethodState::Suspended);
        assert_eq!(asked.default_method_id, "");

        let challenge = jane.issue_recovery_only().await.unwrap();
        let code = &app.recovery_codes[0];
        let approved = jane.approved(&challenge.challenge_id, code).await;
        let email = (Method::Email(pb::EnrollEmail {}), jane.email.as_str());
        let proof = approval(&approved.approval_id);
        let own = replaced(&jane, email, &strange, proof).await;
        let settings = jane.settings().await;
        assert_eq!(settings.methods.len(), 1);
        assert_eq!(state(&settings, &own), MethodState::Active);

        service.wait_for_notices().await;
        let mails = jane.messages(&jane.email).await;
        let told = mails.iter().find(|mail| mail.code.is_empty()).unwrap();
        assert_eq!(told.subject, "Your security standard has been updated");
        assert_eq!(
            told.revert_token, "",
            "the method before it was declared lost"
        );
        let late = jane.revert(&token).await;
        refused(late, Code::FailedPrecondition, "REVERT_TOKEN_NOT_ACCEPTED");
    });
}

/// Swaps a method for another; gives the new one.
async fn replaced(
    jane: &Person,
    (method, destination): (Method, &str),
    replaced_method_id: &str,
    authorization: Option<pb::Authorization>,
) -> String {
    let request = pb::BeginEnrollmentRequest {
        replaced_method_id: replaced_method_id.to_owned(),
        ..jane.enrollment_request(method, authorization)
    };
    let begun = jane.begin_enrollment(request).await.unwrap();
    let code = jane.last_code(destination).await;
    let challenge = begun.challenge.unwrap();
    let enrolled = jane.confirm(&challenge.challenge_id, &code).await;
    enrolled.method.unwrap().method_id
}

#[test]
fn s17_a_reverted_first_method_voids_its_recovery_codes_too() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let strange = jane.enroll_app(&service).await;
        let token = jane.revert_token(&service).await;
        jane.revert(&token).await.unwrap();
        let settings = jane.settings().await;
        assert_eq!(state(&settings, &strange.method_id), MethodState::Suspended);
        assert_eq!(settings.recovery.unwrap().codes_left, 0);
        let asked = jane.issue_recovery_only().await;
        refused(asked, Code::FailedPrecondition, "NO_RECOVERY_CODES");
    });
}

#[test]
fn s17_what_came_later_falls_too_and_what_came_before_stays() {
    on_both_pairs(async |service| {
        let (jane, app, number) = with_strange_number(&service).await;
        let token = jane.revert_token(&service).await;
        let proof = jane
            .step_up(&service, &app, add_method(MethodKind::Email))
            .await;
        let later = jane.enroll_email(proof).await.method.unwrap().method_id;
        let last = jane.revert_token(&service).await;
        assert_ne!(token, last);
        jane.revert(&token).await.unwrap();
        let settings = jane.settings().await;
        assert_eq!(state(&settings, &number), MethodState::Suspended);
        assert_eq!(state(&settings, &later), MethodState::Suspended);
        assert_eq!(state(&settings, &app.method_id), MethodState::Active);
        let again = jane.revert(&last).await;
        refused(again, Code::FailedPrecondition, "REVERT_TOKEN_NOT_ACCEPTED");
    });
}

#[test]
fn s17_where_two_factor_was_turned_off_by_somebody_else_nobody_walks_in() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let app = jane.enroll_app(&service).await;
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
        assert!(matches!(
            jane.begin_sign_in().await.unwrap(),
            Decision::Allowed(_)
        ));

        let token = jane.revert_token(&service).await;
        jane.revert(&token).await.unwrap();
        assert!(jane.settings().await.two_factor_enabled);
        let Decision::ChallengeRequired(asked) = jane.begin_sign_in().await.unwrap() else {
            panic!("sign-in waits for an administrator");
        };
        assert!(asked.methods.is_empty());
        let word = jane.attested(&service, add_method(MethodKind::Totp));
        let totp = Method::Totp(pb::EnrollTotp {});
        let begun = jane
            .begin_enrollment(jane.enrollment_request(totp, word))
            .await;
        refused(begun, Code::FailedPrecondition, "STEP_UP_REQUIRED");
    });
}

#[test]
fn s17_the_mail_shows_the_link_of_the_company() {
    on_embedded(async |service| {
        let tenant_id = service.person().await.tenant_id;
        let config = TenantConfig {
            id: tenant_id.clone(),
            revert_url: Some("https://acme.example/not-me#{user}/{token}".to_owned()),
            ..TenantConfig::default()
        };
        let tenants = tenants(&[config]).unwrap();
        let (texts, _) = MessageTexts::load(&tenants, DigitCount::SIX).unwrap();
        let mut builder = Builder::new(Stores::of(Pair::Embedded).await);
        let clock = Arc::new(OffsetClock::of(Arc::clone(&builder.clock) as Arc<dyn Clock>));
        builder.inbox = Arc::new(Inbox::new(clock, Arc::new(texts), false));
        let town = builder.start();
        let jane = Person::new(town.portal(), tenant_id, "jane+acme").await;
        jane.enroll_app(&town).await;
        let token = jane.revert_token(&town).await;
        let link = format!("https://acme.example/not-me#jane%2Bacme/{token}");
        let mails = jane.messages(&jane.email).await;
        assert!(mails[0].text.contains(&link), "{}", mails[0].text);
        assert!(mails[0].html.contains(&format!("href=\"{link}\"")));
    });
}
