//! A17, A19, A24, A25: nobody gets by with less than the policy asks for.

use crate::{
    stories::enforcement::{allowing, must_enroll, requiring, ticket},
    support::{
        Authenticator, Browser, EnrolledApp, Person, Service,
        browser::current,
        on_both_pairs,
        person::{add_method, approval, wrong},
        refused,
    },
};
use countersign_domain::{
    method::{MethodKind, MethodStrength},
    policy::{PolicyOverride, ProtectedChange, TwoFactorMode},
};
use countersign_proto::v1::{
    self as pb, action::Action, begin_enrollment_request::Method, begin_sign_in_response::Decision,
    confirm_enrollment_response::Verdict,
};
use tonic::{Code, Status};

const NUMBER: &str = "+4915123456789";

fn asking_for_strong() -> PolicyOverride {
    PolicyOverride {
        sign_in_strength: Some(MethodStrength::Strong),
        ..requiring()
    }
}

/// A person with an app and a number, under a policy that came later.
async fn with_app_and_number(
    service: &Service,
    layer: PolicyOverride,
) -> (Service, Person, EnrolledApp, String) {
    let jane = service.person().await;
    let app = jane.enroll_app(service).await;
    let authorization = jane
        .step_up(service, &app, add_method(pb::MethodKind::Sms))
        .await;
    let number = jane.enroll_number(NUMBER, authorization).await;
    service.advance(60);
    let service = service.under(layer);
    let jane = jane.through(service.portal());
    (service, jane, app, number.method.unwrap().method_id)
}

/// Asks for the weaker method in the place of an open challenge of the stronger one.
async fn switch_to(
    person: &Person,
    app: &EnrolledApp,
    weaker: &str,
) -> Result<pb::Challenge, Status> {
    let open = person.issue_for(&app.method_id).await.unwrap();
    let request = pb::IssueChallengeRequest {
        answer_with: Some(pb::issue_challenge_request::AnswerWith::MethodId(
            weaker.to_owned(),
        )),
        replaced_challenge_id: open.challenge_id,
        ..person.challenge_request()
    };
    person.issue_with(request).await
}

fn removal(method_id: &str) -> Action {
    Action::RemoveMethod(pb::RemoveMethod {
        method_id: method_id.to_owned(),
    })
}

async fn delete(service: &Service, person: &Person, app: &EnrolledApp) -> Result<(), Status> {
    let remove = removal(&app.method_id);
    let proof = person.step_up(service, app, remove).await;
    delete_with(person, &app.method_id, proof).await
}

async fn delete_with(
    person: &Person,
    method_id: &str,
    authorization: Option<pb::Authorization>,
) -> Result<(), Status> {
    let request = pb::DeleteMethodRequest {
        tenant_id: person.tenant_id.clone(),
        user_id: person.user_id.clone(),
        method_id: method_id.to_owned(),
        authorization,
        ..pb::DeleteMethodRequest::default()
    };
    let mut methods = person.clients.methods.clone();
    methods.delete_method(request).await.map(drop)
}

#[test]
fn a19_no_sign_in_goes_by_a_method_weaker_than_the_policy_asks_for() {
    on_both_pairs(async |service| {
        let (service, jane, app, number) = with_app_and_number(&service, asking_for_strong()).await;
        let too_weak = |outcome| refused(outcome, Code::FailedPrecondition, "METHOD_TOO_WEAK");
        too_weak(jane.issue_for(&number).await);
        too_weak(switch_to(&jane, &app, &number).await);
        for _ in 0..5 {
            let challenge = jane.issue_for(&app.method_id).await.unwrap();
            let code = wrong(&app.app.code_at(service.seconds()));
            jane.rejected(&challenge.challenge_id, &code).await;
        }
        assert_eq!(jane.issue().await.method_id, app.method_id);
        assert!(matches!(
            jane.begin_sign_in().await.unwrap(),
            Decision::ChallengeRequired(_)
        ));
    });
}

#[test]
fn a19_where_the_policy_asks_for_less_the_weaker_method_signs_in_control() {
    on_both_pairs(async |service| {
        let (_service, jane, app, number) = with_app_and_number(&service, requiring()).await;
        let challenge = switch_to(&jane, &app, &number).await.unwrap();
        let code = jane.last_code("").await;
        let approved = jane.approved(&challenge.challenge_id, &code).await;
        assert_eq!(approved.answered_by(), pb::AnswerKind::Sms);
    });
}

#[test]
fn a19_the_last_method_that_counts_does_not_go_though_a_weaker_one_stays() {
    on_both_pairs(async |service| {
        let (service, jane, app, _) = with_app_and_number(&service, asking_for_strong()).await;
        refused(
            delete(&service, &jane, &app).await,
            Code::FailedPrecondition,
            "LAST_METHOD_REQUIRED",
        );
    });
}

#[test]
fn a19_where_the_weaker_one_counts_the_stronger_may_go_control() {
    on_both_pairs(async |service| {
        let (service, jane, app, _) = with_app_and_number(&service, requiring()).await;
        delete(&service, &jane, &app).await.unwrap();
    });
}

/// Every way to sign in that needs no method: what an attacker with the password alone can try.
async fn walk_past(person: &Person) -> Vec<Decision> {
    let mut decisions = Vec::new();
    for first_factor in [pb::FirstFactor::Password, pb::FirstFactor::Sso] {
        for issue_default in [false, true] {
            let request = pb::BeginSignInRequest {
                first_factor: first_factor.into(),
                issue_default,
                ..person.sign_in_request()
            };
            decisions.push(person.begin_sign_in_with(request).await.unwrap());
        }
    }
    decisions
}

#[test]
fn a25_nobody_walks_past_an_enforcing_policy_with_nothing_enrolled() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let john = jane.colleague("john").await;
        let word = john.attested(&service, add_method(pb::MethodKind::Sms));
        john.enroll_number(NUMBER, word).await;
        let service = service.under(PolicyOverride {
            two_factor: Some(TwoFactorMode::Required),
            ..allowing(&[MethodKind::Totp])
        });
        for person in [&jane, &john] {
            let person = person.through(service.portal());
            for decision in walk_past(&person).await {
                assert!(matches!(decision, Decision::EnrollmentRequired(_)));
            }
            refused(
                person.issue_with(person.challenge_request()).await,
                Code::FailedPrecondition,
                "NO_METHOD",
            );
            let challenge = person.issue_verify_email().await.unwrap();
            let code = person.last_code(&person.email).await;
            let approved = person.approved(&challenge.challenge_id, &code).await;
            assert!(approved.assertion.is_empty());
        }
    });
}

#[test]
fn a25_where_nothing_is_enforced_they_walk_in_control() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        for decision in walk_past(&jane).await {
            assert!(matches!(decision, Decision::Allowed(_)));
        }
    });
}

/// Begins with a ticket, and confirms; whether that enrolled a method.
async fn enroll_by(person: Person, seconds: i64, ticket: Option<pb::Authorization>) -> bool {
    let method = Method::Totp(pb::EnrollTotp {});
    let request = person.enrollment_request(method, ticket);
    let Ok(begun) = person.begin_enrollment(request).await else {
        return false;
    };
    let app = Authenticator::from_base32(&begun.totp.unwrap().secret);
    let challenge = begun.challenge.unwrap().challenge_id;
    let code = person.confirmation(&challenge, &app.code_at(seconds));
    let confirmed = person.confirm_with(code).await;
    matches!(confirmed, Ok(Verdict::Enrolled(_)))
}

#[test]
fn a25_one_ticket_lets_one_method_in_under_rivals() {
    on_both_pairs(async |service| {
        let service = service.under(requiring());
        let twin = service.under(requiring());
        let jane = service.person().await;
        let led = must_enroll(&jane).await;
        let rivals = (0..16).map(|number| {
            let process = if number % 2 == 0 { &service } else { &twin };
            let person = jane.through(process.portal());
            enroll_by(person, service.seconds(), ticket(&led))
        });
        let enrolled = futures_util::future::join_all(rivals).await;
        let enrolled = enrolled.into_iter().filter(|enrolled| *enrolled).count();
        assert_eq!(jane.settings().await.methods.len(), enrolled);
        assert!(enrolled <= 1, "{enrolled} methods by one ticket");
        let late = enroll_by(jane.clone(), service.seconds(), ticket(&led)).await;
        assert_eq!(usize::from(late) + enrolled, 1);
    });
}

/// What whoever knows the password tries, where an attestation suffices for these changes.
async fn by_first_factor(
    service: &Service,
    (jane, method_id): (&Person, &str),
    suffices: &[ProtectedChange],
) -> [Result<(), Status>; 2] {
    let service = service.under(PolicyOverride {
        attestation_suffices: Some(suffices.to_vec()),
        ..PolicyOverride::default()
    });
    let jane = jane.through(service.portal());
    let codes = Action::GenerateRecoveryCodes(pb::GenerateRecoveryCodes {});
    let request = pb::GenerateRecoveryCodesRequest {
        tenant_id: jane.tenant_id.clone(),
        user_id: jane.user_id.clone(),
        authorization: jane.attested(&service, codes),
        ..pb::GenerateRecoveryCodesRequest::default()
    };
    let mut recovery = jane.clients.recovery.clone();
    let made = recovery.generate_recovery_codes(request).await.map(drop);
    let word = jane.attested(&service, removal(method_id));
    [made, delete_with(&jane, method_id, word).await]
}

#[test]
fn a17_who_may_not_turn_two_factor_off_makes_no_codes_and_removes_nothing() {
    on_both_pairs(async |service| {
        let (service, jane, _, number) =
            with_app_and_number(&service, PolicyOverride::default()).await;
        let suffices = [
            ProtectedChange::GenerateRecoveryCodes,
            ProtectedChange::RemoveMethod,
        ];
        for outcome in by_first_factor(&service, (&jane, &number), &suffices).await {
            refused(outcome, Code::FailedPrecondition, "STEP_UP_REQUIRED");
        }
    });
}

#[test]
fn a17_who_may_turn_it_off_may_do_less_control() {
    on_both_pairs(async |service| {
        let (service, jane, _, number) =
            with_app_and_number(&service, PolicyOverride::default()).await;
        let suffices = [
            ProtectedChange::GenerateRecoveryCodes,
            ProtectedChange::RemoveMethod,
            ProtectedChange::DisableTwoFactor,
        ];
        for outcome in by_first_factor(&service, (&jane, &number), &suffices).await {
            outcome.unwrap();
        }
    });
}

#[test]
fn a19_with_the_last_method_that_counts_two_factor_is_turned_off_and_can_be_disclaimed() {
    on_both_pairs(async |service| {
        let app_only = allowing(&[MethodKind::Totp]);
        let (service, jane, app, _) = with_app_and_number(&service, app_only).await;
        delete(&service, &jane, &app).await.unwrap();
        let settings = jane.settings().await;
        assert_eq!(settings.methods.len(), 1, "one that does not count");
        assert_eq!(settings.recovery.unwrap().codes_left, 0);
        let token = jane.revert_token(&service).await;
        let mails = jane.messages(&jane.email).await;
        let told = mails.iter().find(|mail| mail.revert_token == token);
        let told = &told.unwrap().text;
        assert!(told.contains("Two-factor sign-in was turned off"), "{told}");

        jane.revert(&token).await.unwrap();
        let decision = jane.begin_sign_in().await.unwrap();
        assert!(
            matches!(decision, Decision::ChallengeRequired(_)),
            "sign-in waits for an administrator: {decision:?}"
        );
    });
}

/// Passes a step-up by mail for trust in a device.
async fn approval_by_mail(
    jane: &Person,
    mail: &str,
    device: &str,
) -> Result<Option<pb::Authorization>, Status> {
    let action = Action::TrustDevice(pb::TrustDevice {
        device_ids: vec![device.to_owned()],
    });
    let challenge = jane.issue_with(jane.step_up_by(mail, action)).await?;
    let code = jane.last_code(&jane.email).await;
    let approved = jane.approved(&challenge.challenge_id, &code).await;
    Ok(approval(&approved.approval_id))
}

#[test]
fn a24_no_device_is_trusted_by_less_than_a_sign_in_asks_for() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let app = jane.enroll_app(&service).await;
        let add = add_method(pb::MethodKind::Email);
        let proof = jane.step_up(&service, &app, add).await;
        let mail = jane.enroll_email(proof).await.method.unwrap().method_id;
        let browser = Browser::new();
        let approved = browser.sign_in(&service, &jane, &app).await;
        let device = current(&approved).device_id;

        let strict = service.under(asking_for_strong());
        let under = jane.through(strict.portal());
        service.advance(120);
        let reason = "STRONGER_METHOD_REQUIRED";
        let issued = approval_by_mail(&under, &mail, &device).await;
        refused(issued, Code::FailedPrecondition, reason);
        let weak = approval_by_mail(&jane, &mail, &device).await.unwrap();
        let trusted = under.trust(&[&device], weak).await;
        refused(trusted, Code::FailedPrecondition, reason);
        assert!(!browser.skips_second_factor(&under).await);
        let action = Action::TrustDevice(pb::TrustDevice {
            device_ids: vec![device.clone()],
        });
        let by_app = under.step_up(&strict, &app, action).await;
        under.trust(&[&device], by_app).await.unwrap();
        assert!(browser.skips_second_factor(&under).await);
    });
}

#[test]
fn a24_where_a_sign_in_asks_for_no_more_it_is_trusted_by_mail_control() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let app = jane.enroll_app(&service).await;
        let add = add_method(pb::MethodKind::Email);
        let proof = jane.step_up(&service, &app, add).await;
        let mail = jane.enroll_email(proof).await.method.unwrap().method_id;
        let approved = Browser::new().sign_in(&service, &jane, &app).await;
        service.advance(120);
        let device = current(&approved).device_id;
        let proof = approval_by_mail(&jane, &mail, &device).await.unwrap();
        jane.trust(&[&device], proof).await.unwrap();
    });
}

/// The administrator of a person's company decides.
async fn decide(person: &Person, policy: pb::Policy) {
    let request = pb::UpdatePolicyRequest {
        tenant_id: person.tenant_id.clone(),
        policy: Some(policy),
        acting_user_id: "root@example.com".to_owned(),
        reason: "to try it".to_owned(),
        ..pb::UpdatePolicyRequest::default()
    };
    let mut policies = person.clients.policies.clone();
    policies.update_policy(request).await.unwrap();
}

/// A person with a number, in a company that allows nothing else.
async fn with_number_only(service: &Service) -> Person {
    let jane = service.person().await;
    let kinds = vec![pb::MethodKind::Sms.into()];
    let text_only = pb::Policy {
        allowed_kinds: Some(pb::MethodKinds { kinds }),
        ..pb::Policy::default()
    };
    decide(&jane, text_only).await;
    let word = jane.attested(service, add_method(pb::MethodKind::Sms));
    jane.enroll_number(NUMBER, word).await;
    jane
}

#[test]
fn a25_a_stricter_operator_lets_nobody_who_enrolled_walk_past() {
    on_both_pairs(async |service| {
        let jane = with_number_only(&service).await;
        let strong = PolicyOverride {
            sign_in_strength: Some(MethodStrength::Strong),
            ..PolicyOverride::default()
        };
        for stricter in [strong, allowing(&[MethodKind::Totp]), asking_for_strong()] {
            let twin = service.under(stricter);
            let jane = jane.through(twin.portal());
            for first_factor in [pb::FirstFactor::Password, pb::FirstFactor::Sso] {
                let request = pb::BeginSignInRequest {
                    first_factor: first_factor.into(),
                    ..jane.sign_in_request()
                };
                refused(
                    jane.begin_sign_in_with(request).await,
                    Code::FailedPrecondition,
                    "POLICY_CONFLICT",
                );
            }
        }
        let jane = jane.through(service.portal());
        assert!(matches!(
            jane.begin_sign_in().await.unwrap(),
            Decision::ChallengeRequired(_)
        ));
    });
}

#[test]
fn a25_an_operator_who_leaves_what_counts_asks_for_it_control() {
    on_both_pairs(async |service| {
        let jane = with_number_only(&service).await;
        let twin = service.under(PolicyOverride {
            sign_in_strength: Some(MethodStrength::Restricted),
            ..PolicyOverride::default()
        });
        for decision in walk_past(&jane.through(twin.portal())).await {
            assert!(matches!(decision, Decision::ChallengeRequired(_)));
        }
    });
}

/// A person of a company that requires two-factor of nobody, and later.
async fn of_a_company_that_puts_it_off(service: &Service) -> Person {
    let jane = service.person().await;
    let day = 24 * 3600;
    let later = pb::Policy {
        two_factor: Some(pb::TwoFactorMode::Required.into()),
        required_from: Some(prost_types::Timestamp {
            seconds: service.seconds() + 3650 * day,
            nanos: 0,
        }),
        required_groups: Some(pb::Groups {
            names: vec!["nobody".to_owned()],
        }),
        grace_period: Some(prost_types::Duration {
            seconds: 90 * day,
            nanos: 0,
        }),
        ..pb::Policy::default()
    };
    decide(&jane, later).await;
    let profile = pb::Profile {
        groups: Some(pb::Groups { names: vec![] }),
        ..pb::Profile::default()
    };
    jane.upsert(profile).await.unwrap();
    jane
}

#[test]
fn a25_no_company_puts_off_what_the_operator_requires() {
    on_both_pairs(async |service| {
        let jane = of_a_company_that_puts_it_off(&service).await;
        let service = service.under(requiring());
        let jane = jane.through(service.portal());
        for decision in walk_past(&jane).await {
            assert!(matches!(decision, Decision::EnrollmentRequired(_)));
        }
        let request = pb::ExplainPolicyRequest {
            tenant_id: jane.tenant_id.clone(),
            user_id: String::new(),
        };
        let mut policies = jane.clients.policies.clone();
        let explained = policies.explain_policy(request).await.unwrap().into_inner();
        for field in ["required_from", "required_groups", "grace_period"] {
            let mut values = explained.values.iter();
            let value = values.find(|value| value.field == field).unwrap();
            assert!(value.is_overruled && value.source() == pb::PolicySource::Service);
        }
    });
}

#[test]
fn a25_where_the_operator_leaves_it_to_the_company_it_is_put_off_control() {
    on_both_pairs(async |service| {
        let jane = of_a_company_that_puts_it_off(&service).await;
        for decision in walk_past(&jane).await {
            assert!(matches!(decision, Decision::Allowed(_)));
        }
    });
}
