//! S01–S09: methods and sign-in.

use crate::support::{
    Person, Service, on_both_pairs, on_embedded,
    person::{add_method, wrong},
    refused,
};
use countersign_proto::v1::{self as pb, begin_sign_in_response::Decision};
use tonic::Code;

pub(super) const NUMBER: &str = "+4915123456789";

/// What a sign-in that needs a second factor offers.
pub(super) async fn required(person: &Person) -> pb::ChallengeRequired {
    match person.begin_sign_in().await.unwrap() {
        Decision::ChallengeRequired(required) => required,
        other => panic!("a second factor should be required: {other:?}"),
    }
}

/// A person with an app and a number.
async fn with_app_and_number(service: &Service) -> (Person, String, String) {
    let jane = service.person().await;
    let app = jane.enroll_app(service).await;
    let authorization = jane
        .step_up(service, &app, add_method(pb::MethodKind::Sms))
        .await;
    let number = jane
        .enroll_number(NUMBER, authorization)
        .await
        .method
        .unwrap();
    (jane, app.method_id, number.method_id)
}

#[test]
fn s01_a_second_code_is_asked_at_every_sign_in() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        assert!(matches!(
            jane.begin_sign_in().await.unwrap(),
            Decision::Allowed(_)
        ));

        let app = jane.enroll_app(&service).await;
        for _ in 0..3 {
            assert_eq!(required(&jane).await.default_method_id, app.method_id);
            let approved = jane.sign_in(&service, &app).await;
            assert_eq!(approved.answered_by(), pb::AnswerKind::Totp);
            assert!(!approved.assertion.is_empty());
        }
    });
}

#[test]
fn s01_a_code_is_temporary() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let authorization = jane.attested(&service, add_method(pb::MethodKind::Email));
        jane.enroll_email(authorization).await;
        service.advance(60);
        let challenge = jane.issue().await;
        let code = jane.last_code(&jane.email).await;
        service.advance(5 * 60);
        let rejected = jane.rejected(&challenge.challenge_id, &code).await;
        assert_eq!(rejected.reason(), pb::RejectionReason::ChallengeOver);
    });
}

#[test]
fn s02_an_app_is_set_up_by_qr_code_or_by_a_key_of_32_characters() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let method = pb::begin_enrollment_request::Method::Totp(pb::EnrollTotp {});
        let authorization = jane.attested(&service, add_method(pb::MethodKind::Totp));
        let begun = jane
            .begin_enrollment(jane.enrollment_request(method, authorization))
            .await
            .unwrap();
        let setup = begun.totp.unwrap();
        assert_eq!(setup.secret.len(), 32);
        assert!(
            setup
                .secret
                .bytes()
                .all(|byte| byte.is_ascii_uppercase() || (b'2'..=b'7').contains(&byte))
        );
        let account = format!("otpauth://totp/{}:jane?", jane.tenant_id);
        assert!(
            setup.otpauth_uri.starts_with(&account),
            "{}",
            setup.otpauth_uri
        );
        assert!(
            setup
                .otpauth_uri
                .contains(&format!("secret={}", setup.secret))
        );
        assert!(setup.qr_png.starts_with(b"\x89PNG") && setup.qr_svg.contains("<svg"));

        let challenge = begun.challenge.unwrap();
        assert_eq!(
            (challenge.purpose(), challenge.code_digits),
            (pb::ChallengePurpose::Enrollment, 6)
        );
        let app = crate::support::Authenticator::from_base32(&setup.secret);
        let enrolled = jane
            .confirm(&challenge.challenge_id, &app.code_at(service.seconds()))
            .await;
        assert_eq!(
            enrolled.method.unwrap().strength(),
            pb::MethodStrength::Strong
        );
    });
}

#[test]
fn s03_a_code_comes_by_text_message() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let authorization = jane.attested(&service, add_method(pb::MethodKind::Sms));
        let method = jane
            .enroll_number("+49 1512 3456789", authorization)
            .await
            .method
            .unwrap();
        assert_eq!(method.masked_destination, "+49*********89");
        service.advance(60);

        let challenge = jane.issue().await;
        assert_eq!(challenge.delivery(), pb::DeliveryState::HandedOver);
        let message = jane.last_message(NUMBER).await;
        assert_eq!((message.channel.as_str(), message.code.len()), ("SMS", 6));
        assert!(message.text.starts_with(&message.code), "{}", message.text);
        let approved = jane.approved(&challenge.challenge_id, &message.code).await;
        assert_eq!(approved.answered_by(), pb::AnswerKind::Sms);
    });
}

#[test]
fn s04_a_code_comes_to_the_address_on_file() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let authorization = jane.attested(&service, add_method(pb::MethodKind::Email));
        let method = jane.enroll_email(authorization).await.method.unwrap();
        assert_eq!(method.strength(), pb::MethodStrength::Low);
        service.advance(60);

        let challenge = jane.issue().await;
        let message = jane.last_message(&jane.email).await;
        assert!(
            !message.subject.contains(&message.code),
            "the code is not in the subject"
        );
        let approved = jane.approved(&challenge.challenge_id, &message.code).await;
        assert_eq!(approved.answered_by(), pb::AnswerKind::Email);
    });
}

#[test]
fn s05_with_several_methods_the_user_chooses_at_each_sign_in() {
    on_both_pairs(async |service| {
        let (jane, app, number) = with_app_and_number(&service).await;
        let offered = required(&jane).await;
        let ids: Vec<&str> = offered
            .methods
            .iter()
            .map(|method| method.method_id.as_str())
            .collect();
        assert_eq!(ids, [&app, &number]);
        assert_eq!(offered.default_method_id, app);
        assert_eq!(offered.default_reason(), pb::DefaultReason::Strongest);

        service.advance(60);
        let challenge = jane.issue_for(&number).await.unwrap();
        assert_eq!(challenge.method_id, number);
        let code = jane.last_code(NUMBER).await;
        assert_eq!(
            jane.approved(&challenge.challenge_id, &code)
                .await
                .method_id,
            number
        );
    });
}

#[test]
fn s05_another_method_can_be_used_when_one_is_unavailable() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let app = jane.enroll_app(&service).await;
        let authorization = jane
            .step_up(&service, &app, add_method(pb::MethodKind::Sms))
            .await;
        let number = jane
            .enroll_number(NUMBER, authorization)
            .await
            .method
            .unwrap();
        service.advance(60);
        let sent = jane.issue_for(&number.method_id).await.unwrap();
        jane.rejected(&sent.challenge_id, &wrong(&jane.last_code(NUMBER).await))
            .await;

        let instead = pb::IssueChallengeRequest {
            answer_with: Some(pb::issue_challenge_request::AnswerWith::MethodId(
                app.method_id.clone(),
            )),
            replaced_challenge_id: sent.challenge_id.clone(),
            ..jane.challenge_request()
        };
        let other = jane.issue_with(instead).await.unwrap();
        assert_eq!(
            other.attempts_left,
            sent.attempts_left - 1,
            "attempts are carried over"
        );
        let late = jane
            .rejected(&sent.challenge_id, &jane.last_code(NUMBER).await)
            .await;
        assert_eq!(late.reason(), pb::RejectionReason::ChallengeOver);
        jane.approved(&other.challenge_id, &app.app.code_at(service.seconds()))
            .await;
    });
}

#[test]
fn s06_email_can_be_the_default_or_the_fallback() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let app = jane.enroll_app(&service).await;
        let authorization = jane
            .step_up(&service, &app, add_method(pb::MethodKind::Email))
            .await;
        let email = jane.enroll_email(authorization).await.method.unwrap();
        assert_eq!(required(&jane).await.default_method_id, app.method_id);

        let action = pb::action::Action::SetDefaultMethod(pb::SetDefaultMethod {
            method_id: email.method_id.clone(),
        });
        let request = pb::UpdateMethodRequest {
            tenant_id: jane.tenant_id.clone(),
            user_id: jane.user_id.clone(),
            method_id: email.method_id.clone(),
            is_default: true,
            authorization: jane.step_up(&service, &app, action).await,
            ..pb::UpdateMethodRequest::default()
        };
        let updated = jane
            .clients
            .methods
            .clone()
            .update_method(request)
            .await
            .unwrap()
            .into_inner();
        assert!(updated.method.unwrap().is_default);
        let offered = required(&jane).await;
        assert_eq!(offered.default_method_id, email.method_id);
        assert_eq!(offered.default_reason(), pb::DefaultReason::SetByUser);
    });
}

#[test]
fn s06_the_default_is_sent_in_the_same_call_when_asked_for() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let authorization = jane.attested(&service, add_method(pb::MethodKind::Email));
        jane.enroll_email(authorization).await;
        service.advance(60);
        let request = pb::BeginSignInRequest {
            issue_default: true,
            ..jane.sign_in_request()
        };
        let Decision::ChallengeRequired(required) = jane.begin_sign_in_with(request).await.unwrap()
        else {
            panic!("a second factor should be required")
        };
        let challenge = required.challenge.unwrap();
        jane.approved(&challenge.challenge_id, &jane.last_code(&jane.email).await)
            .await;
    });
}

#[test]
fn s07_a_phone_one_step_off_is_tolerated() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let app = jane.enroll_app(&service).await;
        for offset in [-30, 30] {
            service.advance(90);
            let challenge = jane.issue().await;
            jane.approved(
                &challenge.challenge_id,
                &app.app.code_at(service.seconds() + offset),
            )
            .await;
        }
    });
}

#[test]
fn s07_a_phone_further_off_is_told_to_check_its_clock() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let app = jane.enroll_app(&service).await;
        let challenge = jane.issue().await;
        let ahead = |seconds| app.app.code_at(seconds + 5 * 60);

        let first = jane
            .rejected(&challenge.challenge_id, &ahead(service.seconds()))
            .await;
        assert!(!first.clock_skew_suspected, "one code proves nothing");
        let same = jane
            .rejected(&challenge.challenge_id, &ahead(service.seconds()))
            .await;
        assert!(!same.clock_skew_suspected, "nor does the same one twice");
        service.advance(30);
        let second = jane
            .rejected(&challenge.challenge_id, &ahead(service.seconds()))
            .await;
        assert!(second.clock_skew_suspected);
        assert_eq!(second.attempts_left, 2, "it is counted all the same");
    });
}

#[test]
fn s08_a_sign_in_is_decided_while_its_message_has_to_wait() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let authorization = jane.attested(&service, add_method(pb::MethodKind::Sms));
        jane.enroll_number(NUMBER, authorization).await;
        service.advance(60);
        let decide = async || {
            let request = pb::BeginSignInRequest {
                issue_default: true,
                ..jane.sign_in_request()
            };
            match jane.begin_sign_in_with(request).await.unwrap() {
                Decision::ChallengeRequired(required) => required,
                other => panic!("two-factor is on: {other:?}"),
            }
        };
        let first = decide().await;
        assert!(first.challenge.is_some() && first.challenge_available_time.is_none());
        let second = decide().await;
        assert_eq!((second.challenge, second.methods), (None, first.methods));
        let available = second.challenge_available_time.unwrap().seconds;
        assert_eq!(available, service.seconds() + 30);
        service.advance(30);
        assert!(decide().await.challenge.is_some());
    });
}

#[test]
fn s08_no_sms_received_resend_after_a_wait_or_switch() {
    on_both_pairs(async |service| {
        let (jane, app, number) = with_app_and_number(&service).await;
        service.advance(60);
        let challenge = jane.issue_for(&number).await.unwrap();
        assert_eq!(challenge.masked_destination, "+49*********89");
        let code = jane.last_code(NUMBER).await;

        refused(
            jane.resend(&challenge.challenge_id).await,
            Code::ResourceExhausted,
            "TOO_MANY_SENDS",
        );
        service.advance(30);
        let resent = jane.resend(&challenge.challenge_id).await.unwrap();
        assert_eq!(resent.sends_left, challenge.sends_left - 1);
        assert_eq!(
            (resent.expire_time, resent.attempts_left),
            (challenge.expire_time, challenge.attempts_left)
        );
        assert_eq!(
            jane.last_code(NUMBER).await,
            code,
            "the same code while it lives"
        );
        service.advance(59);
        refused(
            jane.resend(&challenge.challenge_id).await,
            Code::ResourceExhausted,
            "TOO_MANY_SENDS",
        );

        let instead = pb::IssueChallengeRequest {
            answer_with: Some(pb::issue_challenge_request::AnswerWith::MethodId(
                app.clone(),
            )),
            replaced_challenge_id: challenge.challenge_id.clone(),
            ..jane.challenge_request()
        };
        assert_eq!(jane.issue_with(instead).await.unwrap().method_id, app);
    });
}

#[test]
fn s09_password_and_single_sign_on_lead_to_the_same_decision() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let after = async |first_factor: pb::FirstFactor| {
            let request = pb::BeginSignInRequest {
                first_factor: first_factor.into(),
                ..jane.sign_in_request()
            };
            jane.begin_sign_in_with(request).await.unwrap()
        };
        let reason = |decision: Decision| match decision {
            Decision::Allowed(allowed) => allowed.reason(),
            other => panic!("nothing is enrolled: {other:?}"),
        };
        let password = reason(after(pb::FirstFactor::Password).await);
        assert_eq!(reason(after(pb::FirstFactor::Sso).await), password);

        jane.enroll_app(&service).await;
        assert_eq!(
            after(pb::FirstFactor::Sso).await,
            after(pb::FirstFactor::Password).await
        );
    });
}

#[test]
fn a_first_factor_has_to_be_named() {
    on_embedded(async |service| {
        let jane = service.person().await;
        let request = pb::BeginSignInRequest {
            first_factor: 0,
            ..jane.sign_in_request()
        };
        let status = refused(
            jane.begin_sign_in_with(request).await,
            Code::InvalidArgument,
            "INVALID_FIELD",
        );
        assert_eq!(crate::support::field(&status), "first_factor");
    });
}
