//! A19, A25: nobody gets by with less than the policy asks for.

use crate::{
    stories::enforcement::{allowing, must_enroll, requiring, ticket},
    support::{
        Authenticator, EnrolledApp, Person, Service, on_both_pairs,
        person::{add_method, wrong},
        refused,
    },
};
use countersign::proto::v1::{
    self as pb, MethodKind, begin_enrollment_request::Method, begin_sign_in_response::Decision,
    confirm_enrollment_response::Verdict,
};
use countersign_domain::{
    method::{Kind, Strength},
    policy::{Layer, TwoFactorMode},
};
use tonic::{Code, Status};

const NUMBER: &str = "+4915123456789";

fn asking_for_strong() -> Layer {
    Layer {
        sign_in_strength: Some(Strength::Strong),
        ..requiring()
    }
}

/// A person with an app and a number, under a policy that came later.
async fn with_app_and_number(
    service: &Service,
    layer: Layer,
) -> (Service, Person, EnrolledApp, String) {
    let jane = service.person().await;
    let app = jane.enroll_app(service).await;
    let authorization = jane
        .step_up(service, &app, add_method(MethodKind::Sms))
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
        instead_of: open.challenge_id,
        ..person.challenge_request()
    };
    person.issue_with(request).await
}

async fn delete(service: &Service, person: &Person, app: &EnrolledApp) -> Result<(), Status> {
    let remove = pb::action::Action::RemoveMethod(pb::RemoveMethod {
        method_id: app.method_id.clone(),
    });
    let request = pb::DeleteMethodRequest {
        tenant_id: person.tenant_id.clone(),
        user_id: person.user_id.clone(),
        method_id: app.method_id.clone(),
        authorization: person.step_up(service, app, remove).await,
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
        let word = john.attested(&service, add_method(MethodKind::Sms));
        john.enroll_number(NUMBER, word).await;
        let service = service.under(Layer {
            two_factor: Some(TwoFactorMode::Required),
            ..allowing(&[Kind::Totp])
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
