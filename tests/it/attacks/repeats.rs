//! A60: a call that is repeated, because its answer was lost, does nothing twice.

use crate::{
    attacks::once::failures,
    stories::journey::claims,
    support::{
        EnrolledApp, Person, Service, on_both_pairs,
        person::{add_method, approval, wrong},
        refused,
        tamper::{Fault, TamperedAccounts, TamperedChallenges},
        until,
    },
};
use countersign_proto::v1::{
    self as pb, MethodKind, action::Action, begin_enrollment_request::Method,
    begin_sign_in_response::Decision, confirm_enrollment_response,
    verify_challenge_response::Verdict,
};
use std::sync::Arc;
use tonic::Code;

const NUMBER: &str = "+4915123456789";
const ID: &str = "request-0001";

/// How many messages with codes went to the number.
async fn codes_sent(person: &Person) -> usize {
    person
        .messages(NUMBER)
        .await
        .iter()
        .filter(|message| !message.code.is_empty())
        .count()
}

async fn person_with_app(service: &Service) -> (Person, EnrolledApp) {
    let jane = service.person().await;
    let app = jane.enroll_app(service).await;
    service.advance(30);
    (jane, app)
}

#[test]
fn a60_an_approval_is_rebuilt_as_it_was() {
    on_both_pairs(async |service| {
        let (jane, app) = person_with_app(&service).await;
        let challenge = jane.issue().await;
        let request = pb::VerifyChallengeRequest {
            request_id: ID.to_owned(),
            ..jane.verify_request(&challenge.challenge_id, &app.app.code_at(service.seconds()))
        };
        let first = jane.verify_with(request.clone()).await.unwrap();
        let Verdict::Approved(approved) = &first else {
            panic!("{first:?}")
        };
        assert!(!approved.device_token.is_empty());
        service.advance(20);
        assert_eq!(
            jane.verify_with(request.clone()).await.unwrap(),
            first,
            "to the byte, assertion included"
        );
        let ask = async || {
            jane.get_challenge(&challenge.challenge_id)
                .await
                .unwrap()
                .state()
        };
        until(ask, |state| *state == pb::ChallengeState::Approved).await;
        assert_eq!(
            jane.verify_with(request.clone()).await.unwrap(),
            first,
            "short-lived memory has forgotten it"
        );
        let elsewhere = jane.through(service.twin().portal());
        assert_eq!(elsewhere.verify_with(request.clone()).await.unwrap(), first);

        let with_another_code = pb::VerifyChallengeRequest {
            code: "000000".to_owned(),
            ..request.clone()
        };
        refused(
            jane.verify_with(with_another_code).await,
            Code::AlreadyExists,
            "REQUEST_ID_REUSED",
        );
        let shop = jane.through(service.caller("shop"));
        let verdict = shop.verify_with(request).await.unwrap();
        assert!(
            matches!(verdict, Verdict::Rejected(_)),
            "another caller's repeat is its own call: {verdict:?}"
        );
    });
}

#[test]
fn a60_an_approval_is_rebuilt_for_ten_minutes() {
    on_both_pairs(async |service| {
        let (jane, app) = person_with_app(&service).await;
        let challenge = jane.issue().await;
        let request = pb::VerifyChallengeRequest {
            request_id: ID.to_owned(),
            ..jane.verify_request(&challenge.challenge_id, &app.app.code_at(service.seconds()))
        };
        let first = jane.verify_with(request.clone()).await.unwrap();
        service.advance(10 * 60);
        assert_eq!(jane.verify_with(request.clone()).await.unwrap(), first);
        service.advance(1);
        let verdict = jane.verify_with(request).await.unwrap();
        assert!(matches!(verdict, Verdict::Rejected(_)), "{verdict:?}");
    });
}

#[test]
fn a60_a_repeat_without_a_second_factor_gives_an_assertion_of_the_same_id() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let id_of = async |request_id: &str| {
            let request = pb::BeginSignInRequest {
                request_id: request_id.to_owned(),
                ..jane.sign_in_request()
            };
            let Decision::Allowed(allowed) = jane.begin_sign_in_with(request).await.unwrap() else {
                panic!("nothing is enrolled")
            };
            claims(&jane, &allowed.assertion).await["jti"].clone()
        };
        assert_eq!(id_of(ID).await, id_of(ID).await);
        assert_ne!(id_of(ID).await, id_of("request-0002").await);
        assert_ne!(id_of("").await, id_of("").await);
    });
}

#[test]
fn a60_an_approval_is_not_rebuilt_after_a_change() {
    on_both_pairs(async |service| {
        let (jane, app) = person_with_app(&service).await;
        let challenge = jane.issue().await;
        let request = pb::VerifyChallengeRequest {
            request_id: ID.to_owned(),
            ..jane.verify_request(&challenge.challenge_id, &app.app.code_at(service.seconds()))
        };
        jane.verify_with(request.clone()).await.unwrap();
        let other = jane.issue().await;
        jane.approved(&other.challenge_id, &app.recovery_codes[0])
            .await;
        let verdict = jane.verify_with(request).await.unwrap();
        assert!(matches!(verdict, Verdict::Rejected(_)), "{verdict:?}");
    });
}

#[test]
fn a60_a_wrong_code_is_charged_once_and_judged_as_of_then() {
    on_both_pairs(async |service| {
        let (jane, app) = person_with_app(&service).await;
        let challenge = jane.issue().await;
        // Wrong now, right in a minute: repeating it must not turn one guess into many.
        let request = pb::VerifyChallengeRequest {
            request_id: ID.to_owned(),
            ..jane.verify_request(
                &challenge.challenge_id,
                &app.app.code_at(service.seconds() + 90),
            )
        };
        let first = jane.verify_with(request.clone()).await.unwrap();
        for _ in 0..5 {
            service.advance(30);
            assert_eq!(jane.verify_with(request.clone()).await.unwrap(), first);
        }
        let Verdict::Rejected(rejected) = first else {
            panic!("{first:?}")
        };
        assert_eq!(rejected.attempts_left, 4);
        assert_eq!(failures(&service, &jane).await, 1);
    });
}

#[test]
fn a60_a_repeat_may_spell_its_code_in_another_way() {
    on_both_pairs(async |service| {
        let (jane, app) = person_with_app(&service).await;
        let challenge = jane.issue().await;
        let right = app.app.code_at(service.seconds());
        let verify = async |request_id: &str, code: String| {
            let request = pb::VerifyChallengeRequest {
                request_id: request_id.to_owned(),
                ..jane.verify_request(&challenge.challenge_id, &code)
            };
            jane.verify_with(request).await.unwrap()
        };
        for code in [wrong(&right), right] {
            let id = format!("request-{code}");
            let (head, tail) = code.split_at(3);
            let first = verify(&id, format!("{head} {tail}\n")).await;
            for spelling in [format!("{head}-{tail}"), format!(" {head}\u{A0}{tail}")] {
                assert_eq!(verify(&id, spelling).await, first);
            }
            assert_eq!(verify(&id, code.clone()).await, first);
            match first {
                Verdict::Rejected(rejected) => assert_eq!(rejected.attempts_left, 4),
                Verdict::Approved(_) => assert_eq!(failures(&service, &jane).await, 1),
            }
        }
    });
}

#[test]
fn a60_without_a_request_id_each_call_is_charged_control() {
    on_both_pairs(async |service| {
        let (jane, app) = person_with_app(&service).await;
        let challenge = jane.issue().await;
        let code = wrong(&app.app.code_at(service.seconds()));
        for left in [4, 3, 2] {
            assert_eq!(
                jane.rejected(&challenge.challenge_id, &code)
                    .await
                    .attempts_left,
                left
            );
        }
        assert_eq!(failures(&service, &jane).await, 3);
    });
}

#[test]
fn a60_a_repeated_challenge_is_the_same_and_sends_nothing() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let authorization = jane.attested(&service, add_method(MethodKind::Sms));
        jane.enroll_number(NUMBER, authorization).await;
        service.advance(60);
        let before = codes_sent(&jane).await;
        let request = pb::IssueChallengeRequest {
            request_id: ID.to_owned(),
            ..jane.challenge_request()
        };
        let first = jane.issue_with(request.clone()).await.unwrap();
        assert_eq!(jane.issue_with(request.clone()).await.unwrap(), first);
        assert_eq!(codes_sent(&jane).await, before + 1);
        let otherwise = pb::IssueChallengeRequest {
            purpose: jane.step_up_request(add_method(MethodKind::Email)).purpose,
            ..request
        };
        refused(
            jane.issue_with(otherwise).await,
            Code::AlreadyExists,
            "REQUEST_ID_REUSED",
        );

        service.advance(30);
        let resend = pb::ResendChallengeRequest {
            tenant_id: jane.tenant_id.clone(),
            user_id: jane.user_id.clone(),
            challenge_id: first.challenge_id.clone(),
            request_id: ID.to_owned(),
        };
        let mut clients = jane.clients.challenges.clone();
        let sent = clients
            .resend_challenge(resend.clone())
            .await
            .unwrap()
            .into_inner();
        assert_eq!(
            clients.resend_challenge(resend).await.unwrap().into_inner(),
            sent
        );
        assert_eq!(codes_sent(&jane).await, before + 2);
    });
}

#[test]
fn a60_a_repeated_enrollment_gives_the_same_secret_and_the_same_recovery_codes() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let authorization = jane.attested(&service, add_method(MethodKind::Totp));
        let begin = pb::BeginEnrollmentRequest {
            request_id: ID.to_owned(),
            ..jane.enrollment_request(Method::Totp(pb::EnrollTotp {}), authorization)
        };
        let first = jane.begin_enrollment(begin.clone()).await.unwrap();
        assert_eq!(jane.begin_enrollment(begin).await.unwrap(), first);

        let app = crate::support::Authenticator::from_base32(&first.totp.unwrap().secret);
        let code = app.code_at(service.seconds());
        let confirm = pb::ConfirmEnrollmentRequest {
            request_id: "request-0002".to_owned(),
            ..jane.confirmation(&first.challenge.unwrap().challenge_id, &code)
        };
        let enrolled = jane.confirm_with(confirm.clone()).await.unwrap();
        let confirm_enrollment_response::Verdict::Enrolled(shown) = &enrolled else {
            panic!("{enrolled:?}")
        };
        assert_eq!(shown.recovery_codes.as_ref().unwrap().codes.len(), 10);
        for _ in 0..2 {
            assert_eq!(jane.confirm_with(confirm.clone()).await.unwrap(), enrolled);
        }
        assert_eq!(jane.settings().await.methods.len(), 1);
    });
}

/// Where the first call of an enrollment breaks.
#[derive(Debug, Clone, Copy)]
enum Breaks {
    Commit(Fault),
    Opening(Fault),
}

#[test]
fn a60_an_enrollment_is_not_lost_with_the_answer_of_a_store() {
    on_both_pairs(async |service| {
        for breaks in [
            Breaks::Commit(Fault::FailsBefore),
            Breaks::Commit(Fault::FailsAfter),
            Breaks::Opening(Fault::FailsBefore),
            Breaks::Opening(Fault::FailsAfter),
        ] {
            service.advance(86_400);
            let (jane, app) = person_with_app(&service).await;
            let authorization = jane
                .step_up(&service, &app, add_method(MethodKind::Sms))
                .await;
            let number = Method::Sms(pb::EnrollSms {
                phone_number: NUMBER.to_owned(),
            });
            let begin = pb::BeginEnrollmentRequest {
                request_id: ID.to_owned(),
                ..jane.enrollment_request(number, authorization)
            };
            let mut twin = service.twin_builder();
            let accounts = Arc::new(TamperedAccounts::new(Arc::clone(&twin.stores.accounts)));
            let challenges = Arc::new(TamperedChallenges::new(Arc::clone(&twin.stores.challenges)));
            match breaks {
                Breaks::Commit(fault) => accounts.break_next_commit(fault),
                Breaks::Opening(fault) => challenges.break_next_open(fault),
            }
            twin.stores.accounts = accounts;
            twin.stores.challenges = challenges;
            let elsewhere = jane.through(twin.start().portal());
            refused(
                elsewhere.begin_enrollment(begin.clone()).await,
                Code::Unavailable,
                "STORE_UNAVAILABLE",
            );
            // Had its message begun to go out, the first call might still be at it.
            service.advance(20);
            let enrollment = jane.begin_enrollment(begin.clone()).await.unwrap();
            let id = enrollment.challenge.clone().unwrap().challenge_id;
            if let Breaks::Opening(Fault::FailsAfter) = breaks {
                let delivery = enrollment.challenge.unwrap().delivery();
                assert_eq!(delivery, pb::DeliveryState::Unknown);
                service.advance(30);
                jane.resend(&id).await.unwrap();
            }
            assert_eq!(codes_sent(&jane).await, 1, "{breaks:?}");
            let code = jane.last_code(NUMBER).await;
            jane.confirm(&id, &code).await;
            assert_eq!(jane.settings().await.methods.len(), 2, "{breaks:?}");
            refused(
                jane.begin_enrollment(begin).await,
                Code::FailedPrecondition,
                "CHALLENGE_OVER",
            );
        }
    });
}

#[test]
fn an_enrollment_that_has_to_wait_keeps_its_proof() {
    on_both_pairs(async |service| {
        let (jane, app) = person_with_app(&service).await;
        let begin = async |authorization| {
            let number = Method::Sms(pb::EnrollSms {
                phone_number: NUMBER.to_owned(),
            });
            jane.begin_enrollment(jane.enrollment_request(number, authorization))
                .await
        };
        let mut proofs = Vec::new();
        for _ in 0..2 {
            let action = add_method(MethodKind::Sms);
            proofs.push(jane.step_up(&service, &app, action).await);
        }
        begin(proofs[0].clone()).await.unwrap();
        refused(
            begin(proofs[1].clone()).await,
            Code::ResourceExhausted,
            "TOO_MANY_SENDS",
        );
        service.advance(30);
        begin(proofs[1].clone()).await.unwrap();
    });
}

#[test]
fn a60_repeated_changes_happen_once() {
    on_both_pairs(async |service| {
        let (jane, app) = person_with_app(&service).await;
        let new_codes = Action::GenerateRecoveryCodes(pb::GenerateRecoveryCodes {});
        let generate = pb::GenerateRecoveryCodesRequest {
            tenant_id: jane.tenant_id.clone(),
            user_id: jane.user_id.clone(),
            request_id: ID.to_owned(),
            authorization: jane.step_up(&service, &app, new_codes).await,
            context: None,
        };
        let mut recovery = jane.clients.recovery.clone();
        let first = recovery
            .generate_recovery_codes(generate.clone())
            .await
            .unwrap()
            .into_inner();
        assert_eq!(
            recovery
                .generate_recovery_codes(generate)
                .await
                .unwrap()
                .into_inner(),
            first
        );

        let rename = pb::UpdateMethodRequest {
            tenant_id: jane.tenant_id.clone(),
            user_id: jane.user_id.clone(),
            request_id: ID.to_owned(),
            method_id: app.method_id.clone(),
            label: "Phone".to_owned(),
            ..pb::UpdateMethodRequest::default()
        };
        let mut methods = jane.clients.methods.clone();
        let first = methods
            .update_method(rename.clone())
            .await
            .unwrap()
            .into_inner();
        assert_eq!(
            methods.update_method(rename).await.unwrap().into_inner(),
            first
        );

        let remove = Action::RemoveMethod(pb::RemoveMethod {
            method_id: app.method_id.clone(),
        });
        let delete = pb::DeleteMethodRequest {
            tenant_id: jane.tenant_id.clone(),
            user_id: jane.user_id.clone(),
            request_id: ID.to_owned(),
            method_id: app.method_id.clone(),
            authorization: jane.step_up(&service, &app, remove).await,
            context: None,
        };
        methods.delete_method(delete.clone()).await.unwrap();
        methods.delete_method(delete).await.unwrap();

        let erase = pb::DeleteUserRequest {
            tenant_id: jane.tenant_id.clone(),
            user_id: jane.user_id.clone(),
            request_id: ID.to_owned(),
        };
        let mut users = jane.clients.users.clone();
        users.delete_user(erase.clone()).await.unwrap();
        users.delete_user(erase).await.unwrap();
    });
}

#[test]
fn a60_a_challenge_that_is_over_is_not_repeated() {
    on_both_pairs(async |service| {
        let (jane, app) = person_with_app(&service).await;
        let request = pb::IssueChallengeRequest {
            request_id: ID.to_owned(),
            ..jane.challenge_request()
        };
        let challenge = jane.issue_with(request.clone()).await.unwrap();
        jane.approved(&challenge.challenge_id, &app.app.code_at(service.seconds()))
            .await;
        let ask = async || {
            jane.get_challenge(&challenge.challenge_id)
                .await
                .unwrap()
                .state()
        };
        until(ask, |state| *state == pb::ChallengeState::Approved).await;
        refused(
            jane.issue_with(request).await,
            Code::FailedPrecondition,
            "CHALLENGE_OVER",
        );
        assert!(approval(&challenge.challenge_id).is_some());
    });
}
