//! S13, S14, S15, S16: two-factor is turned off, and one method takes another's place.

use crate::support::{
    Pair, Person, Service,
    person::{add_method, approval},
    refused,
    service::on,
};
use countersign_domain::policy::{PolicyOverride, ProtectedChange, TwoFactorMode};
use countersign_proto::v1::{
    self as pb, MethodKind, action::Action, begin_enrollment_request::Method,
    begin_sign_in_response::Decision,
};
use tonic::{Code, Status};

pub(super) const NUMBER: &str = "+4915123456789";
const OTHER_NUMBER: &str = "+4915123456780";

fn disable() -> Action {
    Action::DisableTwoFactor(pb::DisableTwoFactor {})
}

pub(super) async fn disable_with(
    jane: &Person,
    request_id: &str,
    authorization: Option<pb::Authorization>,
) -> Result<pb::DisableTwoFactorResponse, Status> {
    let request = pb::DisableTwoFactorRequest {
        tenant_id: jane.tenant_id.clone(),
        user_id: jane.user_id.clone(),
        request_id: request_id.to_owned(),
        context: None,
        authorization,
    };
    let mut methods = jane.clients.methods.clone();
    Ok(methods.disable_two_factor(request).await?.into_inner())
}

/// Plays a story on both pairs of stores, where the operator decided this.
fn under(layer: &PolicyOverride, story: impl AsyncFn(Service)) {
    for pair in [Pair::Embedded, Pair::Production] {
        on(pair, &async |service: Service| {
            let mut builder = service.twin_builder();
            builder.service_layer = layer.clone();
            story(builder.start()).await;
        });
    }
}

/// Passes a step-up by a delivered code of the default method.
async fn step_up_by_code(
    service: &Service,
    jane: &Person,
    (action, destination): (Action, &str),
) -> Option<pb::Authorization> {
    service.advance(180);
    let challenge = jane.issue_with(jane.step_up_request(action)).await.unwrap();
    let code = jane.last_code(destination).await;
    let approved = jane.approved(&challenge.challenge_id, &code).await;
    approval(&approved.approval_id)
}

pub(super) fn sms(number: &str) -> Method {
    Method::Sms(pb::EnrollSms {
        phone_number: number.to_owned(),
    })
}

pub(super) const EMAIL: Method = Method::Email(pb::EnrollEmail {});

/// Enrolls a method, in the place of another if one is named.
pub(super) async fn enroll(
    jane: &Person,
    (method, destination): (Method, &str),
    replaced_method_id: &str,
    authorization: Option<pb::Authorization>,
) -> pb::Method {
    let request = pb::BeginEnrollmentRequest {
        replaced_method_id: replaced_method_id.to_owned(),
        ..jane.enrollment_request(method, authorization)
    };
    let begun = jane.begin_enrollment(request).await.unwrap();
    let code = jane.last_code(destination).await;
    let challenge = begun.challenge.unwrap();
    let enrolled = jane.confirm(&challenge.challenge_id, &code).await;
    enrolled.method.unwrap()
}

async fn with_number(service: &Service) -> (Person, String) {
    let jane = service.person().await;
    let word = jane.attested(service, add_method(MethodKind::Sms));
    let method = enroll(&jane, (sms(NUMBER), NUMBER), "", word).await;
    (jane, method.method_id)
}

/// What the newest mail without a code says.
pub(super) async fn change_notices(service: &Service, jane: &Person) -> String {
    service.wait_for_notices().await;
    let mails = jane.messages(&jane.email).await;
    let told = mails.into_iter().find(|mail| mail.code.is_empty());
    told.expect("there is news").text
}

fn replacement(method_id: &str, kind: MethodKind) -> Action {
    Action::ReplaceMethod(pb::ReplaceMethod {
        method_id: method_id.to_owned(),
        kind: kind.into(),
    })
}

#[test]
fn s13_two_factor_is_turned_off_by_a_fresh_code() {
    under(&PolicyOverride::default(), async |service| {
        let jane = service.person().await;
        let app = jane.enroll_app(&service).await;
        jane.sign_in(&service, &app).await;
        let without = disable_with(&jane, "", None).await;
        refused(without, Code::FailedPrecondition, "STEP_UP_REQUIRED");
        let word = jane.attested(&service, disable());
        let vouched = disable_with(&jane, "", word).await;
        refused(vouched, Code::FailedPrecondition, "STEP_UP_REQUIRED");

        let proof = jane.step_up(&service, &app, disable()).await;
        let off = disable_with(&jane, "turn-it-off", proof.clone())
            .await
            .unwrap();
        assert_eq!(off.queued_notices.len(), 1);
        let again = disable_with(&jane, "turn-it-off", proof.clone())
            .await
            .unwrap();
        assert_eq!(off, again, "a repeat tells the same");
        let spent = disable_with(&jane, "", proof).await;
        refused(spent, Code::FailedPrecondition, "TWO_FACTOR_OFF");

        let settings = jane.settings().await;
        assert!(!settings.two_factor_enabled && settings.methods.is_empty());
        assert_eq!(settings.recovery.unwrap().codes_left, 0);
        let decision = jane.begin_sign_in().await.unwrap();
        assert!(matches!(decision, Decision::Allowed(_)), "{decision:?}");
        let told = change_notices(&service, &jane).await;
        assert!(told.contains("Two-factor sign-in was turned off"), "{told}");
    });
}

#[test]
fn s13_the_fresh_code_has_to_be_of_the_strongest_method() {
    under(&PolicyOverride::default(), async |service| {
        let jane = service.person().await;
        let app = jane.enroll_app(&service).await;
        let add = add_method(MethodKind::Email);
        let proof = jane.step_up(&service, &app, add).await;
        let mail = jane.enroll_email(proof).await.method.unwrap().method_id;
        service.advance(60);
        let reason = "STRONGER_METHOD_REQUIRED";
        let issued = jane.issue_with(jane.step_up_by(&mail, disable())).await;
        refused(issued, Code::FailedPrecondition, reason);
        let weak = jane.weak_approval(&service, &mail, disable()).await;
        let by_mail = disable_with(&jane, "", weak).await;
        refused(by_mail, Code::FailedPrecondition, reason);
        assert_eq!(jane.settings().await.methods.len(), 2);
    });
}

#[test]
fn s13_nobody_turns_off_what_the_company_requires() {
    let required = PolicyOverride {
        two_factor: Some(TwoFactorMode::Required),
        ..PolicyOverride::default()
    };
    under(&required, async |service| {
        let jane = service.person().await;
        let app = jane.enroll_app(&service).await;
        let proof = jane.step_up(&service, &app, disable()).await;
        let off = disable_with(&jane, "", proof).await;
        refused(off, Code::FailedPrecondition, "LAST_METHOD_REQUIRED");
        assert!(jane.settings().await.two_factor_enabled);
    });
}

#[test]
fn s14_sms_is_switched_to_email_in_two_stages() {
    let first_factor = PolicyOverride {
        attestation_suffices: Some(vec![ProtectedChange::DisableTwoFactor]),
        ..PolicyOverride::default()
    };
    under(&first_factor, async |service| {
        let (jane, _) = with_number(&service).await;
        let word = jane.attested(&service, disable());
        disable_with(&jane, "", word).await.unwrap();
        assert!(!jane.settings().await.two_factor_enabled);

        service.advance(60);
        let word = jane.attested(&service, add_method(MethodKind::Email));
        enroll(&jane, (EMAIL, &jane.email), "", word).await;
        let told = change_notices(&service, &jane).await;
        assert!(
            told.contains("Your security standard has been updated to EMAIL"),
            "{told}"
        );
        let methods = jane.settings().await.methods;
        assert_eq!((methods.len(), methods[0].kind()), (1, MethodKind::Email));
        let decision = jane.begin_sign_in().await.unwrap();
        assert!(matches!(decision, Decision::ChallengeRequired(_)));
    });
}

#[test]
fn s14_sms_is_switched_to_email_without_a_gap() {
    under(&PolicyOverride::default(), async |service| {
        let (jane, number) = with_number(&service).await;
        let action = replacement(&number, MethodKind::Email);
        let proof = step_up_by_code(&service, &jane, (action, NUMBER)).await;
        let request = pb::BeginEnrollmentRequest {
            replaced_method_id: number.clone(),
            ..jane.enrollment_request(EMAIL, proof)
        };
        let begun = jane.begin_enrollment(request).await.unwrap();
        assert_eq!(
            jane.settings().await.methods[0].method_id,
            number,
            "until it is confirmed"
        );
        let code = jane.last_code(&jane.email).await;
        let challenge = begun.challenge.unwrap();
        jane.confirm(&challenge.challenge_id, &code).await;
        let methods = jane.settings().await.methods;
        assert_eq!((methods.len(), methods[0].kind()), (1, MethodKind::Email));
        let told = change_notices(&service, &jane).await;
        assert!(
            told.contains("Your security standard has been updated to EMAIL"),
            "{told}"
        );
    });
}

#[test]
fn s15_another_number_takes_the_place_of_the_old_one() {
    under(&PolicyOverride::default(), async |service| {
        let (jane, number) = with_number(&service).await;
        let action = replacement(&number, MethodKind::Sms);
        let proof = step_up_by_code(&service, &jane, (action, NUMBER)).await;
        let new = enroll(&jane, (sms(OTHER_NUMBER), OTHER_NUMBER), &number, proof).await;
        service.advance(180);
        let challenge = jane.issue().await;
        assert_eq!(challenge.method_id, new.method_id);
        let code = jane.last_code(OTHER_NUMBER).await;
        jane.approved(&challenge.challenge_id, &code).await;

        // Or in two steps: off, and on again.
        let proof = step_up_by_code(&service, &jane, (disable(), OTHER_NUMBER)).await;
        disable_with(&jane, "", proof).await.unwrap();
        service.advance(180);
        let word = jane.attested(&service, add_method(MethodKind::Sms));
        let back = enroll(&jane, (sms(NUMBER), NUMBER), "", word).await;
        assert_eq!(jane.settings().await.methods, [back]);
    });
}

#[test]
fn s15_another_address_takes_the_place_of_the_old_one() {
    under(&PolicyOverride::default(), async |service| {
        let jane = service.person().await;
        let word = jane.attested(&service, add_method(MethodKind::Email));
        let old = enroll(&jane, (EMAIL, &jane.email), "", word).await;
        let new = format!("new@{}.example.com", jane.tenant_id);
        let profile = pb::Profile {
            email: new.clone(),
            email_verified: true,
            ..pb::Profile::default()
        };
        jane.upsert(profile).await.unwrap();
        let still = jane.settings().await.methods;
        assert_eq!(still[0].masked_destination, old.masked_destination);

        let action = replacement(&old.method_id, MethodKind::Email);
        let proof = step_up_by_code(&service, &jane, (action, &jane.email)).await;
        let moved = enroll(&jane, (EMAIL, &new), &old.method_id, proof).await;
        assert_ne!(moved.masked_destination, old.masked_destination);
        assert_eq!(jane.settings().await.methods, [moved]);
    });
}

#[test]
fn s16_a_change_affects_this_users_own_sign_in_and_nobody_elses() {
    under(&PolicyOverride::default(), async |service| {
        let jane = service.person().await;
        let app = jane.enroll_app(&service).await;
        let joe = jane.colleague("joe").await;
        let joes = joe.enroll_app(&service).await;
        let before = joe.settings().await;
        let proof = jane.step_up(&service, &app, disable()).await;
        let stolen = disable_with(&joe, "", proof.clone()).await;
        refused(
            stolen,
            Code::FailedPrecondition,
            "AUTHORIZATION_NOT_ACCEPTED",
        );
        disable_with(&jane, "", proof).await.unwrap();
        assert_eq!(joe.settings().await, before);
        joe.sign_in(&service, &joes).await;
        let decision = jane.begin_sign_in().await.unwrap();
        assert!(matches!(decision, Decision::Allowed(_)), "{decision:?}");
    });
}
