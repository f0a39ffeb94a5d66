//! A17: whose two-factor sign-in somebody else turned off waits for an administrator, and for nobody else.

use crate::{
    stories::resets::{ask, by_login, wait_for_messages},
    support::{
        Browser, EnrolledApp, Person, Service,
        browser::current,
        on_both_pairs,
        person::{add_method, approval},
        refused,
    },
};
use countersign_domain::{
    method::MethodStrength,
    policy::{PolicyOverride, ProtectedChange},
};
use countersign_proto::v1::{self as pb, action::Action, begin_sign_in_response::Decision};
use std::time::Duration;
use tonic::Code;

const HOLD: u64 = 72 * 3600;

/// As lenient as a policy can be.
fn lenient(service: &Service) -> Service {
    service.under(PolicyOverride {
        attestation_suffices: Some(vec![
            ProtectedChange::AddMethod,
            ProtectedChange::ReplaceMethod,
            ProtectedChange::RemoveMethod,
            ProtectedChange::SetDefaultMethod,
            ProtectedChange::DisableTwoFactor,
            ProtectedChange::GenerateRecoveryCodes,
            ProtectedChange::TrustDevice,
        ]),
        logged_out_reset: Some(true),
        ..PolicyOverride::default()
    })
}

/// Somebody removes the app of a person, who says that it was not they.
async fn robbed(service: &Service, jane: &Person, app: &EnrolledApp) {
    let remove = Action::RemoveMethod(pb::RemoveMethod {
        method_id: app.method_id.clone(),
    });
    let request = pb::DeleteMethodRequest {
        tenant_id: jane.tenant_id.clone(),
        user_id: jane.user_id.clone(),
        method_id: app.method_id.clone(),
        authorization: jane.step_up(service, app, remove).await,
        ..pb::DeleteMethodRequest::default()
    };
    let mut methods = jane.clients.methods.clone();
    methods.delete_method(request).await.unwrap();
    let token = jane.revert_token(service).await;
    jane.revert(&token).await.unwrap();
}

/// A person whose only method somebody removed, and who said that it was not they; with a device that is known.
async fn held(service: &Service) -> (Person, Browser, String) {
    let jane = service.person().await;
    let app = jane.enroll_app(service).await;
    let browser = Browser::new();
    let signed_in = browser.sign_in(service, &jane, &app).await;
    let device = current(&signed_in).device_id;
    robbed(service, &jane, &app).await;
    (jane, browser, device)
}

async fn still_waits(jane: &Person, browser: &Browser) {
    let decision = browser.begin(jane).await.unwrap();
    let Decision::ChallengeRequired(asked) = decision else {
        panic!("should wait for an administrator: {decision:?}");
    };
    assert_eq!(asked.default_method_id, "", "nothing can answer");
}

#[test]
fn a17_who_waits_for_an_administrator_is_let_in_by_no_attestation() {
    on_both_pairs(async |service| {
        let service = lenient(&service);
        let (jane, browser, device) = held(&service).await;
        let (code, reason) = (Code::FailedPrecondition, "STEP_UP_REQUIRED");

        let word = jane.attested(&service, add_method(pb::MethodKind::Totp));
        let totp = pb::begin_enrollment_request::Method::Totp(pb::EnrollTotp {});
        let begun = jane.enrollment_request(totp, word);
        refused(jane.begin_enrollment(begun).await, code, reason);

        let action = Action::DisableTwoFactor(pb::DisableTwoFactor {});
        let request = pb::DisableTwoFactorRequest {
            tenant_id: jane.tenant_id.clone(),
            user_id: jane.user_id.clone(),
            authorization: jane.attested(&service, action),
            ..pb::DisableTwoFactorRequest::default()
        };
        let mut methods = jane.clients.methods.clone();
        let off = methods.disable_two_factor(request).await;
        refused(off, code, "TWO_FACTOR_OFF");

        let action = Action::GenerateRecoveryCodes(pb::GenerateRecoveryCodes {});
        let request = pb::GenerateRecoveryCodesRequest {
            tenant_id: jane.tenant_id.clone(),
            user_id: jane.user_id.clone(),
            authorization: jane.attested(&service, action),
            ..pb::GenerateRecoveryCodesRequest::default()
        };
        let mut recovery = jane.clients.recovery.clone();
        refused(
            recovery.generate_recovery_codes(request).await,
            code,
            reason,
        );

        let action = Action::TrustDevice(pb::TrustDevice {
            device_ids: vec![device.clone()],
        });
        let word = jane.attested(&service, action);
        refused(jane.trust(&[&device], word).await, code, reason);
        still_waits(&jane, &browser).await;
    });
}

#[test]
fn a17_who_waits_for_an_administrator_is_not_reset_by_mail() {
    on_both_pairs(async |service| {
        let service = lenient(&service);
        let (jane, browser, _) = held(&service).await;
        service.advance(HOLD + 60);
        ask(&jane, by_login(&jane)).await.unwrap();
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert!(wait_for_messages(&jane, "has begun", 0).await.is_empty());
        still_waits(&jane, &browser).await;
    });
}

#[test]
fn a17_an_administrator_lets_them_in_control() {
    on_both_pairs(async |service| {
        let service = lenient(&service);
        let (jane, browser, _) = held(&service).await;
        let bypass = jane.bypass(jane.bypass_request()).await.unwrap();
        let challenge = jane.issue_recovery_only().await.unwrap();
        let signed_in = jane
            .approved(&challenge.challenge_id, &bypass.bypass_code)
            .await;
        let app = jane
            .enroll_app_with(&service, approval(&signed_in.approval_id))
            .await;
        browser.sign_in(&service, &jane, &app).await;
    });
}

/// Only apps count at sign-in.
fn asking_for_apps(service: &Service) -> Service {
    service.under(PolicyOverride {
        sign_in_strength: Some(MethodStrength::Strong),
        ..PolicyOverride::default()
    })
}

/// A person with an app and a verified address as methods, of which only the app counts from then on; somebody removed the app, and the
/// owner said that it was not they.
async fn held_with_a_mailbox(service: &Service) -> Person {
    let jane = service.person().await;
    let app = jane.enroll_app(service).await;
    let proof = jane
        .step_up(service, &app, add_method(pb::MethodKind::Email))
        .await;
    service.advance(30);
    jane.enroll_email(proof).await;
    let service = &asking_for_apps(service);
    let jane = jane.through(service.portal());
    robbed(service, &jane, &app).await;
    service.advance(60);
    jane
}

/// A step-up by the code that the mailbox gets.
async fn step_up_by_mail(jane: &Person, action: Action) -> Option<pb::Authorization> {
    let challenge = jane.issue_with(jane.step_up_request(action)).await.unwrap();
    let code = jane.last_code(&jane.email).await;
    let approved = jane.approved(&challenge.challenge_id, &code).await;
    approval(&approved.approval_id)
}

#[test]
fn a17_who_waits_for_an_administrator_is_let_in_by_no_mailbox() {
    on_both_pairs(async |service| {
        let jane = held_with_a_mailbox(&service).await;
        let (code, reason) = (Code::FailedPrecondition, "STEP_UP_REQUIRED");

        let off = Action::DisableTwoFactor(pb::DisableTwoFactor {});
        let request = pb::DisableTwoFactorRequest {
            tenant_id: jane.tenant_id.clone(),
            user_id: jane.user_id.clone(),
            authorization: step_up_by_mail(&jane, off).await,
            ..pb::DisableTwoFactorRequest::default()
        };
        let mut methods = jane.clients.methods.clone();
        refused(methods.disable_two_factor(request).await, code, reason);

        service.advance(60);
        let proof = step_up_by_mail(&jane, add_method(pb::MethodKind::Totp)).await;
        let totp = pb::begin_enrollment_request::Method::Totp(pb::EnrollTotp {});
        let begun = jane.enrollment_request(totp, proof);
        refused(jane.begin_enrollment(begun).await, code, reason);
        still_waits(&jane, &Browser::new()).await;
    });
}
