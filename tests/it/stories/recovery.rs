//! S20, S21, S22, S23: the way back in.

use crate::{
    stories::methods::NUMBER,
    support::{
        EnrolledApp, Person, Service,
        changes::new_codes,
        on_both_pairs,
        person::{add_method, approval},
        refused,
    },
};
use countersign_domain::policy::{Policy, RecoveryStyle};
use countersign_proto::v1::{self as pb, MethodKind};
use tonic::{Code, Status};

async fn generate(
    person: &Person,
    authorization: Option<pb::Authorization>,
) -> Result<Vec<String>, Status> {
    let response = person.generate_recovery_codes(authorization).await?;
    Ok(response.recovery_codes.unwrap().codes)
}

async fn person_with_app(service: &Service) -> (Person, EnrolledApp) {
    let jane = service.person().await;
    let app = jane.enroll_app(service).await;
    (jane, app)
}

#[test]
fn s20_a_set_of_codes_comes_with_the_first_method_and_each_works_once() {
    on_both_pairs(async |service| {
        let (jane, app) = person_with_app(&service).await;
        assert_eq!(app.recovery_codes.len(), 10);
        let authorization = jane
            .step_up(&service, &app, add_method(MethodKind::Sms))
            .await;
        let second = jane.enroll_number(NUMBER, authorization).await;
        assert!(
            second.recovery_codes.is_none(),
            "with the first method only"
        );

        let code = &app.recovery_codes[3];
        let challenge = jane.issue().await;
        let approved = jane.approved(&challenge.challenge_id, code).await;
        assert_eq!(approved.answered_by(), pb::AnswerKind::RecoveryCode);
        assert_eq!(approved.recovery_codes_left, 9);
        assert!(approved.device_token.is_empty(), "it confers no trust");
        let challenge = jane.issue().await;
        jane.rejected(&challenge.challenge_id, code).await;
    });
}

#[test]
fn s20_a_code_may_be_typed_as_people_type() {
    on_both_pairs(async |service| {
        let (jane, app) = person_with_app(&service).await;
        let challenge = jane.issue().await;
        let typed = app.recovery_codes[0].to_lowercase().replace('-', " ");
        jane.approved(&challenge.challenge_id, &typed).await;
    });
}

#[test]
fn s20_a_typing_error_costs_no_attempt() {
    on_both_pairs(async |service| {
        let (jane, app) = person_with_app(&service).await;
        let challenge = jane.issue().await;
        let code = &app.recovery_codes[0];
        let last = if code.ends_with('A') { 'B' } else { 'A' };
        let mistyped = format!("{}{last}", &code[..code.len() - 1]);
        refused(
            jane.verify(&challenge.challenge_id, &mistyped).await,
            Code::InvalidArgument,
            "INVALID_FIELD",
        );
        let current = jane.get_challenge(&challenge.challenge_id).await.unwrap();
        assert_eq!(current.attempts_left, challenge.attempts_left);
    });
}

#[test]
fn s21_new_codes_end_the_old_ones() {
    on_both_pairs(async |service| {
        let (jane, app) = person_with_app(&service).await;
        refused(
            generate(&jane, None).await,
            Code::FailedPrecondition,
            "STEP_UP_REQUIRED",
        );
        let authorization = jane.step_up(&service, &app, new_codes()).await;
        let codes = generate(&jane, authorization).await.unwrap();
        assert_eq!(jane.settings().await.recovery.unwrap().codes_left, 10);

        let challenge = jane.issue().await;
        jane.rejected(&challenge.challenge_id, &app.recovery_codes[0])
            .await;
        jane.approved(&challenge.challenge_id, &codes[0]).await;
    });
}

#[test]
fn s21_the_user_is_told_when_codes_run_low() {
    on_both_pairs(async |service| {
        let (jane, app) = person_with_app(&service).await;
        let mut advice = Vec::new();
        for code in &app.recovery_codes {
            service.advance(4 * 60);
            let challenge = jane.issue().await;
            let approved = jane.approved(&challenge.challenge_id, code).await;
            advice.push((
                approved.recovery_codes_left,
                approved.advice().collect::<Vec<_>>(),
            ));
        }
        assert_eq!(advice[5], (4, vec![pb::Advice::SwitchMethod]));
        assert_eq!(
            advice[6],
            (
                3,
                vec![pb::Advice::SwitchMethod, pb::Advice::RecoveryCodesLow]
            )
        );
        assert_eq!(
            advice[9],
            (
                0,
                vec![pb::Advice::SwitchMethod, pb::Advice::RecoveryCodesExhausted]
            )
        );
    });
}

#[test]
fn s23_a_recovery_code_signs_in_and_then_the_user_switches_methods() {
    on_both_pairs(async |service| {
        let (jane, lost) = person_with_app(&service).await;
        let challenge = jane.issue().await;
        let approved = jane
            .approved(&challenge.challenge_id, &lost.recovery_codes[0])
            .await;
        assert!(
            approved
                .advice()
                .any(|advice| advice == pb::Advice::SwitchMethod)
        );

        let mut request = jane.enrollment_request(
            pb::begin_enrollment_request::Method::Totp(pb::EnrollTotp {}),
            approval(&approved.approval_id),
        );
        request.replaced_method_id = lost.method_id.clone();
        let begun = jane.begin_enrollment(request).await.unwrap();
        let app = crate::support::Authenticator::from_base32(&begun.totp.unwrap().secret);
        let challenge = begun.challenge.unwrap();
        let enrolled = jane
            .confirm(&challenge.challenge_id, &app.code_at(service.seconds()))
            .await;
        let settings = jane.settings().await;
        assert_eq!(
            settings.methods.len(),
            1,
            "the lost one is gone in the same step"
        );
        assert_eq!(
            settings.methods[0].method_id,
            enrolled.method.unwrap().method_id
        );

        service.advance(30);
        let challenge = jane.issue().await;
        jane.rejected(
            &challenge.challenge_id,
            &lost.app.code_at(service.seconds()),
        )
        .await;
        jane.approved(&challenge.challenge_id, &app.code_at(service.seconds()))
            .await;
    });
}

#[test]
fn s23_it_authorizes_one_enrollment_within_ten_minutes_and_nothing_riskier() {
    on_both_pairs(async |service| {
        let (jane, app) = person_with_app(&service).await;
        let challenge = jane.issue().await;
        let approved = jane
            .approved(&challenge.challenge_id, &app.recovery_codes[0])
            .await;
        let proof = || approval(&approved.approval_id);
        refused(
            generate(&jane, proof()).await,
            Code::FailedPrecondition,
            "AUTHORIZATION_NOT_ACCEPTED",
        );
        jane.enroll_number(NUMBER, proof()).await;
        let again = jane.enrollment_request(
            pb::begin_enrollment_request::Method::Email(pb::EnrollEmail {}),
            proof(),
        );
        refused(
            jane.begin_enrollment(again).await,
            Code::FailedPrecondition,
            "AUTHORIZATION_NOT_ACCEPTED",
        );

        let challenge = jane.issue().await;
        let late = jane
            .approved(&challenge.challenge_id, &app.recovery_codes[1])
            .await;
        service.advance(10 * 60 + 1);
        let method = pb::begin_enrollment_request::Method::Email(pb::EnrollEmail {});
        let request = jane.enrollment_request(method, approval(&late.approval_id));
        refused(
            jane.begin_enrollment(request).await,
            Code::FailedPrecondition,
            "AUTHORIZATION_NOT_ACCEPTED",
        );
    });
}

#[test]
fn s23_a_recovery_code_is_accepted_where_nothing_else_can_be_asked() {
    on_both_pairs(async |service| {
        let (jane, app) = person_with_app(&service).await;
        let challenge = jane.issue_recovery_only().await.unwrap();
        assert_eq!(
            (challenge.kind(), challenge.code_digits),
            (MethodKind::Unspecified, 0)
        );
        jane.rejected(
            &challenge.challenge_id,
            &app.app.code_at(service.seconds() + 30),
        )
        .await;
        jane.approved(&challenge.challenge_id, &app.recovery_codes[0])
            .await;
    });
}

#[test]
fn s23_a_recovery_code_answers_no_step_up() {
    on_both_pairs(async |service| {
        let (jane, app) = person_with_app(&service).await;
        let challenge = jane
            .issue_with(jane.step_up_request(new_codes()))
            .await
            .unwrap();
        let outcome = jane
            .verify(&challenge.challenge_id, &app.recovery_codes[0])
            .await;
        refused(
            outcome,
            Code::FailedPrecondition,
            "RECOVERY_CODE_NOT_ACCEPTED",
        );
        let challenge = jane.issue().await;
        jane.approved(&challenge.challenge_id, &app.recovery_codes[0])
            .await;
    });
}

#[test]
fn a_code_that_its_challenge_does_not_accept_uses_up_no_rate_limit() {
    on_both_pairs(async |service| {
        let (jane, app) = person_with_app(&service).await;
        let window = Policy::built_in().wrong_codes.recovery.short.count;
        for _ in 0..=window {
            let step_up = jane.step_up_request(new_codes());
            let challenge = jane.issue_with(step_up).await.unwrap();
            let outcome = jane
                .verify(&challenge.challenge_id, &app.recovery_codes[0])
                .await;
            let reason = "RECOVERY_CODE_NOT_ACCEPTED";
            refused(outcome, Code::FailedPrecondition, reason);
            service.app.drain().await;
        }
        let challenge = jane.issue().await;
        jane.approved(&challenge.challenge_id, &app.recovery_codes[0])
            .await;
    });
}

fn with_style(style: RecoveryStyle) -> impl Fn(&Service) -> Service {
    move |service| {
        let mut builder = service.twin_builder();
        builder.service_layer.recovery_style = Some(style);
        builder.start()
    }
}

async fn confirm_saved(
    person: &Person,
    create_time: Option<prost_types::Timestamp>,
) -> Result<pb::RecoveryStatus, Status> {
    let request = pb::ConfirmRecoveryCodesRequest {
        tenant_id: person.tenant_id.clone(),
        user_id: person.user_id.clone(),
        create_time,
        ..pb::ConfirmRecoveryCodesRequest::default()
    };
    let mut client = person.clients.recovery.clone();
    let response = client.confirm_recovery_codes(request).await?.into_inner();
    Ok(response.recovery.unwrap())
}

async fn new_set(person: &Person, authorization: Option<pb::Authorization>) -> pb::RecoveryCodes {
    let request = pb::GenerateRecoveryCodesRequest {
        tenant_id: person.tenant_id.clone(),
        user_id: person.user_id.clone(),
        authorization,
        ..pb::GenerateRecoveryCodesRequest::default()
    };
    let mut client = person.clients.recovery.clone();
    let response = client.generate_recovery_codes(request).await.unwrap();
    response.into_inner().recovery_codes.unwrap()
}

fn nags(approved: &pb::Approved) -> bool {
    approved
        .advice()
        .any(|advice| advice == pb::Advice::RecoveryCodesNotSaved)
}

#[test]
fn s20_the_user_is_asked_to_save_the_codes_until_they_say_that_they_have() {
    on_both_pairs(async |service| {
        let (jane, app) = person_with_app(&service).await;
        assert!(nags(&jane.sign_in(&service, &app).await));
        let made = jane.settings().await.recovery.unwrap();
        assert_eq!(
            (made.kind(), made.confirm_time),
            (pb::RecoveryKind::Codes, None)
        );
        let saved = confirm_saved(&jane, made.create_time).await.unwrap();
        assert_eq!(saved.confirm_time.unwrap().seconds, service.seconds());
        assert_eq!(confirm_saved(&jane, None).await.unwrap(), saved);
        assert!(!nags(&jane.sign_in(&service, &app).await));

        let authorization = jane.step_up(&service, &app, new_codes()).await;
        new_set(&jane, authorization).await;
        refused(
            confirm_saved(&jane, made.create_time).await,
            Code::FailedPrecondition,
            "RECOVERY_CODES_REPLACED",
        );
        assert!(nags(&jane.sign_in(&service, &app).await));
    });
}

#[test]
fn s20_the_codes_come_as_a_text_to_download_or_print_in_the_users_language() {
    on_both_pairs(async |service| {
        let (jane, app) = person_with_app(&service).await;
        let profile = pb::Profile {
            locale: "de-AT".to_owned(),
            account_name: "jane@portal".to_owned(),
            ..pb::Profile::default()
        };
        jane.upsert(profile).await.unwrap();
        let authorization = jane.step_up(&service, &app, new_codes()).await;
        let codes = new_set(&jane, authorization).await;
        let text = &codes.download_text;
        for part in codes.codes.iter().map(String::as_str).chain([
            jane.tenant_id.as_str(),
            "jane@portal",
            "Notfallcodes",
        ]) {
            assert!(text.contains(part), "{part}: {text}");
        }
    });
}

#[test]
fn s20_where_the_policy_has_no_recovery_there_are_no_codes_and_none_signs_in() {
    on_both_pairs(async |service| {
        let (jane, app) = person_with_app(&service).await;
        let strict = with_style(RecoveryStyle::None)(&service);
        let jane = jane.through(strict.portal());
        let challenge = jane.issue().await;
        refused(
            jane.verify(&challenge.challenge_id, &app.recovery_codes[0])
                .await,
            Code::FailedPrecondition,
            "RECOVERY_CODE_NOT_ACCEPTED",
        );
        refused(
            jane.issue_recovery_only().await,
            Code::FailedPrecondition,
            "NO_RECOVERY_CODES",
        );
        let authorization = jane.step_up(&strict, &app, new_codes()).await;
        refused(
            generate(&jane, authorization).await,
            Code::FailedPrecondition,
            "RECOVERY_NOT_OFFERED",
        );
        let john = jane.colleague("john").await;
        assert_eq!(
            john.enroll_app(&strict).await.recovery_codes,
            Vec::<String>::new()
        );
    });
}

#[test]
fn s22_a_key_comes_with_the_first_method_and_a_used_one_gives_the_next() {
    on_both_pairs(async |service| {
        let service = with_style(RecoveryStyle::Key)(&service);
        let (jane, app) = person_with_app(&service).await;
        let profile = pb::Profile {
            account_name: "jane@portal".to_owned(),
            ..pb::Profile::default()
        };
        jane.upsert(profile).await.unwrap();
        let [first] = app.recovery_codes.as_slice() else {
            panic!("one key: {:?}", app.recovery_codes);
        };
        let recovery = jane.settings().await.recovery.unwrap();
        assert_eq!(
            (recovery.kind(), recovery.codes_left),
            (pb::RecoveryKind::Key, 1)
        );

        let challenge = jane.issue().await;
        let typed = first.to_lowercase().replace('-', " ");
        let approved = jane.approved(&challenge.challenge_id, &typed).await;
        assert_eq!(approved.answered_by(), pb::AnswerKind::RecoveryKey);
        assert!(approved.device_token.is_empty(), "it confers no trust");
        assert!(nags(&approved), "the next one is to be saved");
        let next = approved.next_recovery_key.unwrap();
        assert_eq!((next.kind(), next.codes.len()), (pb::RecoveryKind::Key, 1));
        for part in [next.codes[0].as_str(), "jane@portal"] {
            assert!(next.download_text.contains(part), "{}", next.download_text);
        }

        let challenge = jane.issue().await;
        jane.rejected(&challenge.challenge_id, first).await;
        let again = jane.approved(&challenge.challenge_id, &next.codes[0]).await;
        assert!(!again.next_recovery_key.unwrap().codes.is_empty());
    });
}

#[test]
fn s22_a_lost_answer_is_asked_for_again_and_gives_the_same_next_key() {
    on_both_pairs(async |service| {
        let service = with_style(RecoveryStyle::Key)(&service);
        let (jane, app) = person_with_app(&service).await;
        let profile = pb::Profile {
            account_name: "jane@portal".to_owned(),
            ..pb::Profile::default()
        };
        jane.upsert(profile).await.unwrap();
        let challenge = jane.issue().await;
        let request = pb::VerifyChallengeRequest {
            request_id: "verify-by-key".to_owned(),
            ..jane.verify_request(&challenge.challenge_id, &app.recovery_codes[0])
        };
        let verify = async || match jane.verify_with(request.clone()).await.unwrap() {
            pb::verify_challenge_response::Verdict::Approved(approved) => approved,
            rejected @ pb::verify_challenge_response::Verdict::Rejected(_) => {
                panic!("{rejected:?}")
            }
        };
        let first = verify().await;
        for _ in 0..3 {
            let again = verify().await;
            assert_eq!(again.approval_id, first.approval_id);
            assert_eq!(again.next_recovery_key, first.next_recovery_key);
        }
        let challenge = jane.issue().await;
        let next = first.next_recovery_key.unwrap().codes.remove(0);
        jane.approved(&challenge.challenge_id, &next).await;
    });
}

#[test]
fn s22_a_new_key_needs_a_code_by_mail() {
    on_both_pairs(async |service| {
        let service = with_style(RecoveryStyle::Key)(&service);
        let jane = service.person().await;
        let word = jane.attested(&service, add_method(MethodKind::Email));
        let old = jane
            .enroll_email(word)
            .await
            .recovery_codes
            .unwrap()
            .codes
            .remove(0);
        refused(
            generate(&jane, None).await,
            Code::FailedPrecondition,
            "STEP_UP_REQUIRED",
        );
        service.advance(60);
        let request = jane.step_up_request(new_codes());
        let challenge = jane.issue_with(request).await.unwrap();
        let code = jane.last_code(&jane.email).await;
        let approved = jane.approved(&challenge.challenge_id, &code).await;
        let new = new_set(&jane, approval(&approved.approval_id)).await;
        service.advance(60);
        let challenge = jane.issue_recovery_only().await.unwrap();
        jane.rejected(&challenge.challenge_id, &old).await;
        jane.approved(&challenge.challenge_id, &new.codes[0]).await;
    });
}

#[test]
fn s22_a_used_key_switches_methods_and_nothing_riskier() {
    on_both_pairs(async |service| {
        let service = with_style(RecoveryStyle::Key)(&service);
        let (jane, app) = person_with_app(&service).await;
        let challenge = jane.issue().await;
        let approved = jane
            .approved(&challenge.challenge_id, &app.recovery_codes[0])
            .await;
        let proof = || approval(&approved.approval_id);
        refused(
            generate(&jane, proof()).await,
            Code::FailedPrecondition,
            "AUTHORIZATION_NOT_ACCEPTED",
        );
        jane.enroll_number(NUMBER, proof()).await;
        let step_up = jane
            .issue_with(jane.step_up_request(new_codes()))
            .await
            .unwrap();
        let next = approved.next_recovery_key.unwrap().codes.remove(0);
        refused(
            jane.verify(&step_up.challenge_id, &next).await,
            Code::FailedPrecondition,
            "RECOVERY_CODE_NOT_ACCEPTED",
        );
    });
}
