//! A user whose codes are not checked now is sent none, and learns until when. A step-up that could authorize nothing is
//! refused before a code is sent.

use crate::support::{
    EnrolledApp, Person, Service, on_both_pairs,
    person::{add_method, approval},
    refused,
};
use countersign_proto::v1::{
    self as pb, MethodKind, action::Action, begin_sign_in_response::Decision,
};
use tonic::Code;

const NUMBER: &str = "+4915123456789";

/// Wrong codes until unknown clients have none left.
async fn throttle(jane: &Person, method_id: &str) {
    for _ in 0..2 {
        let challenge = jane.issue_for(method_id).await.unwrap();
        for _ in 0..5 {
            jane.rejected(&challenge.challenge_id, "000000").await;
        }
    }
}

async fn with_app_and_number(service: &Service) -> (Person, EnrolledApp, String) {
    let jane = service.person().await;
    let app = jane.enroll_app(service).await;
    let authorization = jane
        .step_up(service, &app, add_method(MethodKind::Sms))
        .await;
    let number = jane.enroll_number(NUMBER, authorization).await;
    service.advance(180);
    (jane, app, number.method.unwrap().method_id)
}

/// How many codes were sent.
async fn sent(jane: &Person) -> usize {
    let messages = jane.messages("").await.into_iter();
    messages.filter(|message| !message.code.is_empty()).count()
}

async fn required(jane: &Person, token: &str) -> pb::ChallengeRequired {
    let request = pb::BeginSignInRequest {
        issue_default: true,
        context: Some(pb::ClientContext {
            device_token: token.to_owned(),
            ..pb::ClientContext::default()
        }),
        ..jane.sign_in_request()
    };
    match jane.begin_sign_in_with(request).await.unwrap() {
        Decision::ChallengeRequired(required) => required,
        other => panic!("{other:?}"),
    }
}

#[test]
fn s10_a_throttled_user_is_sent_no_code_and_learns_until_when() {
    on_both_pairs(async |service| {
        let (jane, app, number) = with_app_and_number(&service).await;
        assert_eq!(required(&jane, "").await.throttled_until_time, None);
        throttle(&jane, &app.method_id).await;
        let before = sent(&jane).await;

        let begun = required(&jane, "").await;
        let until = begun.throttled_until_time.unwrap().seconds;
        assert!(until > service.seconds() && until <= service.seconds() + 15 * 60);
        assert!(begun.recovery_codes_left > 0, "recovery is offered");
        let by_number = jane.issue_for(&number).await;
        let status = refused(by_number, Code::ResourceExhausted, "TOO_MANY_ATTEMPTS");
        assert!(status.message().contains("wrong codes"), "{status}");
        let by_mail = jane.issue_verify_email().await;
        refused(by_mail, Code::ResourceExhausted, "TOO_MANY_ATTEMPTS");
        assert_eq!(sent(&jane).await, before, "nothing was sent");

        // The app needs no message: a recovery code answers its challenge.
        let challenge = jane.issue_for(&app.method_id).await.unwrap();
        jane.approved(&challenge.challenge_id, &app.recovery_codes[0])
            .await;
        service.advance(u64::try_from(until - service.seconds()).unwrap());
        assert_eq!(required(&jane, "").await.throttled_until_time, None);
        jane.issue_for(&number).await.unwrap();
    });
}

#[test]
fn a_throttled_users_code_is_not_sent_again_and_a_repeat_is_answered_as_before() {
    on_both_pairs(async |service| {
        let (jane, app, number) = with_app_and_number(&service).await;
        let request = pb::IssueChallengeRequest {
            answer_with: Some(pb::issue_challenge_request::AnswerWith::MethodId(number)),
            request_id: "request-1".to_owned(),
            ..jane.challenge_request()
        };
        let issued = jane.issue_with(request.clone()).await.unwrap();
        throttle(&jane, &app.method_id).await;
        service.advance(60);
        let before = sent(&jane).await;
        let again = jane.issue_with(request).await.unwrap();
        assert_eq!(again.challenge_id, issued.challenge_id);
        let resent = jane.resend(&issued.challenge_id).await;
        refused(resent, Code::ResourceExhausted, "TOO_MANY_ATTEMPTS");
        assert_eq!(sent(&jane).await, before, "nothing was sent");
    });
}

#[test]
fn a_known_device_is_not_throttled_with_strangers() {
    on_both_pairs(async |service| {
        let (jane, app, number) = with_app_and_number(&service).await;
        let token = jane.sign_in(&service, &app).await.device_token;
        throttle(&jane, &app.method_id).await;
        assert_eq!(required(&jane, &token).await.throttled_until_time, None);
        let request = pb::IssueChallengeRequest {
            context: Some(pb::ClientContext {
                device_token: token,
                ..pb::ClientContext::default()
            }),
            answer_with: Some(pb::issue_challenge_request::AnswerWith::MethodId(number)),
            ..jane.challenge_request()
        };
        jane.issue_with(request).await.unwrap();
    });
}

#[test]
fn a_throttled_users_answer_says_how_many_codes_are_still_checked() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let app = jane.enroll_app(&service).await;
        let mut left = Vec::new();
        for _ in 0..2 {
            let challenge = jane.issue_for(&app.method_id).await.unwrap();
            for _ in 0..5 {
                let rejected = jane.rejected(&challenge.challenge_id, "000000").await;
                left.push(rejected.attempts_left);
            }
        }
        assert_eq!(left, [4, 3, 2, 1, 0, 4, 3, 2, 1, 0]);
        // Known by now: three of the ten came elsewhere.
        service.advance(15 * 60);
        let challenge = jane.issue_for(&app.method_id).await.unwrap();
        let rejected = jane.rejected(&challenge.challenge_id, "000000").await;
        assert_eq!(
            rejected.attempts_left, 3,
            "14 a day, and this is the eleventh"
        );
    });
}

#[test]
fn a_step_up_that_could_authorize_nothing_is_refused_before_a_code_is_sent() {
    on_both_pairs(async |service| {
        let (jane, app, number) = with_app_and_number(&service).await;
        let before = sent(&jane).await;
        let by = |method_id: &str, action: Action| pb::IssueChallengeRequest {
            answer_with: Some(pb::issue_challenge_request::AnswerWith::MethodId(
                method_id.to_owned(),
            )),
            ..jane.step_up_request(action)
        };
        let remove = |method_id: &str| {
            Action::RemoveMethod(pb::RemoveMethod {
                method_id: method_id.to_owned(),
            })
        };
        for action in [
            add_method(MethodKind::Email),
            remove(&app.method_id),
            Action::DisableTwoFactor(pb::DisableTwoFactor {}),
            Action::GenerateRecoveryCodes(pb::GenerateRecoveryCodes {}),
        ] {
            let outcome = jane.issue_with(by(&number, action)).await;
            refused(
                outcome,
                Code::FailedPrecondition,
                "STRONGER_METHOD_REQUIRED",
            );
        }
        assert_eq!(sent(&jane).await, before, "nothing was sent");

        // What the number is strong enough for goes on.
        let challenge = jane.issue_with(by(&number, remove(&number))).await.unwrap();
        let code = jane.last_code("").await;
        let approved = jane.approved(&challenge.challenge_id, &code).await;
        let authorization = approval(&approved.approval_id);
        let request = pb::DeleteMethodRequest {
            tenant_id: jane.tenant_id.clone(),
            user_id: jane.user_id.clone(),
            method_id: number,
            authorization,
            ..pb::DeleteMethodRequest::default()
        };
        let mut methods = jane.clients.methods.clone();
        methods.delete_method(request).await.unwrap();
    });
}
