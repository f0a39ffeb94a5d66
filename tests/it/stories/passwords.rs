//! S13, S14: the account password, as the page of one provider asks for it, looked at by the real reference verifier.

use super::switching::{EMAIL, NUMBER, change_notices, disable_with, enroll, sms};
use crate::support::{
    Authenticator, Service, on_both_pairs,
    passwords::{FileVerifier, by_password},
    refused,
};
use countersign_domain::policy::{PolicyOverride, ProtectedChange};
use countersign_proto::v1::{
    self as pb, MethodKind, begin_enrollment_request::Method, begin_sign_in_response::Decision,
};
use tonic::Code;

const RIGHT: &str = "correct horse battery staple";

/// A service with a verifier that knows jane of this company.
fn with_verifier(
    service: &Service,
    tenant: &str,
    layer: PolicyOverride,
) -> (Service, FileVerifier) {
    let account = format!("{tenant}/jane");
    let verifier = FileVerifier::knowing(&[(&account, RIGHT)]);
    let mut builder = service.twin_builder();
    builder.passwords = Some(verifier.client());
    builder.service_layer = layer;
    (builder.start(), verifier)
}

#[test]
fn s14_the_first_method_is_set_up_with_the_account_password() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let (service, mut verifier) =
            with_verifier(&service, &jane.tenant_id, PolicyOverride::default());
        let jane = jane.through(service.portal());
        let app = || Method::Totp(pb::EnrollTotp {});
        for password in ["Correct horse battery staple", "correct horse"] {
            let request = jane.enrollment_request(app(), by_password(password));
            let outcome = jane.begin_enrollment(request).await;
            refused(outcome, Code::FailedPrecondition, "PASSWORD_REJECTED");
        }
        let request = jane.enrollment_request(app(), by_password(RIGHT));
        let begun = jane.begin_enrollment(request).await.unwrap();
        let app = Authenticator::from_base32(&begun.totp.unwrap().secret);
        let challenge = begun.challenge.unwrap().challenge_id;
        jane.confirm(&challenge, &app.code_at(service.seconds()))
            .await;
        assert!(jane.settings().await.two_factor_enabled);

        // Another company's jane is a stranger, and jim is one of this company's.
        let jim = jane.colleague("jim").await;
        let request = jim.enrollment_request(Method::Totp(pb::EnrollTotp {}), by_password(RIGHT));
        let outcome = jim.begin_enrollment(request).await;
        refused(outcome, Code::FailedPrecondition, "PASSWORD_REJECTED");

        let (exit, said) = verifier.stop();
        assert_eq!(exit, Some(0), "{said}");
        for secret in [RIGHT, "Correct horse", jane.tenant_id.as_str()] {
            assert!(!said.contains(secret), "{said}");
        }
    });
}

#[test]
fn s13_the_account_password_removes_a_method_where_the_policy_lets_it() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let layer = PolicyOverride {
            password_suffices: Some(vec![
                ProtectedChange::RemoveMethod,
                ProtectedChange::DisableTwoFactor,
            ]),
            ..PolicyOverride::default()
        };
        let (service, _verifier) = with_verifier(&service, &jane.tenant_id, layer);
        let jane = jane.through(service.portal());
        let enrolled = jane.enroll_app(&service).await;
        let request = |password| pb::DeleteMethodRequest {
            tenant_id: jane.tenant_id.clone(),
            user_id: jane.user_id.clone(),
            method_id: enrolled.method_id.clone(),
            authorization: by_password(password),
            ..pb::DeleteMethodRequest::default()
        };
        let mut methods = jane.clients.methods.clone();
        let outcome = methods.delete_method(request("not hers")).await;
        refused(outcome, Code::FailedPrecondition, "PASSWORD_REJECTED");
        assert!(jane.settings().await.two_factor_enabled);
        methods.delete_method(request(RIGHT)).await.unwrap();
        assert!(!jane.settings().await.two_factor_enabled);
        let another = Method::Totp(pb::EnrollTotp {});
        let request = jane.enrollment_request(another, by_password(RIGHT));
        jane.begin_enrollment(request).await.unwrap();
    });
}

#[test]
fn s14_sms_is_switched_to_email_in_two_stages_with_the_account_password() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let layer = PolicyOverride {
            password_suffices: Some(vec![ProtectedChange::DisableTwoFactor]),
            ..PolicyOverride::default()
        };
        let (service, _verifier) = with_verifier(&service, &jane.tenant_id, layer);
        let jane = jane.through(service.portal());
        enroll(&jane, (sms(NUMBER), NUMBER), "", by_password(RIGHT)).await;

        let outcome = disable_with(&jane, "", by_password("not hers")).await;
        refused(outcome, Code::FailedPrecondition, "PASSWORD_REJECTED");
        assert!(jane.settings().await.two_factor_enabled);
        disable_with(&jane, "", by_password(RIGHT)).await.unwrap();
        let settings = jane.settings().await;
        assert!(!settings.two_factor_enabled && settings.methods.is_empty());
        let decision = jane.begin_sign_in().await.unwrap();
        assert!(matches!(decision, Decision::Allowed(_)), "{decision:?}");

        service.advance(60);
        let request = jane.enrollment_request(EMAIL, None);
        let outcome = jane.begin_enrollment(request).await;
        refused(outcome, Code::FailedPrecondition, "ATTESTATION_REQUIRED");
        enroll(&jane, (EMAIL, &jane.email), "", by_password(RIGHT)).await;
        let methods = jane.settings().await.methods;
        assert_eq!((methods.len(), methods[0].kind()), (1, MethodKind::Email));
        let told = change_notices(&service, &jane).await;
        assert!(
            told.contains("Your security standard has been updated to EMAIL"),
            "{told}"
        );
        let decision = jane.begin_sign_in().await.unwrap();
        assert!(matches!(decision, Decision::ChallengeRequired(_)));
    });
}

#[test]
fn s14_sms_is_switched_to_email_in_one_step_with_the_account_password() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let layer = PolicyOverride {
            password_suffices: Some(vec![
                ProtectedChange::ReplaceMethod,
                ProtectedChange::DisableTwoFactor,
            ]),
            ..PolicyOverride::default()
        };
        let (service, _verifier) = with_verifier(&service, &jane.tenant_id, layer);
        let jane = jane.through(service.portal());
        let number = enroll(&jane, (sms(NUMBER), NUMBER), "", by_password(RIGHT)).await;
        let old = number.method_id;
        let request = pb::BeginEnrollmentRequest {
            replaced_method_id: old.clone(),
            ..jane.enrollment_request(EMAIL, by_password("not hers"))
        };
        let outcome = jane.begin_enrollment(request).await;
        refused(outcome, Code::FailedPrecondition, "PASSWORD_REJECTED");
        enroll(&jane, (EMAIL, &jane.email), &old, by_password(RIGHT)).await;
        let methods = jane.settings().await.methods;
        assert_eq!((methods.len(), methods[0].kind()), (1, MethodKind::Email));
    });
}

#[test]
fn s13_two_factor_is_turned_off_by_the_account_password_where_the_policy_lets_it() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let layer = PolicyOverride {
            password_suffices: Some(vec![ProtectedChange::DisableTwoFactor]),
            ..PolicyOverride::default()
        };
        let (service, _verifier) = with_verifier(&service, &jane.tenant_id, layer);
        let jane = jane.through(service.portal());
        jane.enroll_app(&service).await;
        let outcome = disable_with(&jane, "", by_password("not hers")).await;
        refused(outcome, Code::FailedPrecondition, "PASSWORD_REJECTED");
        assert!(jane.settings().await.two_factor_enabled);
        let off = disable_with(&jane, "turn-it-off", by_password(RIGHT)).await;
        let again = disable_with(&jane, "turn-it-off", by_password(RIGHT)).await;
        assert_eq!(off.unwrap(), again.unwrap(), "a repeat tells the same");
        assert!(!jane.settings().await.two_factor_enabled);
        let told = change_notices(&service, &jane).await;
        assert!(told.contains("Two-factor sign-in was turned off"), "{told}");
    });
}

#[test]
fn s13_the_account_password_turns_nothing_off_where_no_policy_says_so() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let (service, _verifier) =
            with_verifier(&service, &jane.tenant_id, PolicyOverride::default());
        let jane = jane.through(service.portal());
        enroll(&jane, (sms(NUMBER), NUMBER), "", by_password(RIGHT)).await;
        let outcome = disable_with(&jane, "", by_password(RIGHT)).await;
        refused(outcome, Code::FailedPrecondition, "STEP_UP_REQUIRED");
        assert!(jane.settings().await.two_factor_enabled);
    });
}
