//! The rest of the first journey: users, methods, step-up, assertions, canceling.

use crate::{
    stories::methods::NUMBER,
    support::{
        Pair, Person, Service, on_both_pairs,
        person::{add_method, approval},
        refused,
        service::on,
        until,
    },
};
use countersign_proto::v1::{self as pb, ChallengeState, MethodKind, action::Action};
use data_encoding::BASE64URL_NOPAD;
use serde_json::Value;
use tonic::Code;

/// The claims of an assertion, its signature checked against the published keys.
pub(crate) async fn claims(person: &Person, assertion: &str) -> Value {
    let jwks = person
        .clients
        .keys
        .clone()
        .get_jwks(pb::GetJwksRequest {})
        .await
        .unwrap()
        .into_inner()
        .jwks;
    let jwks: jsonwebtoken::jwk::JwkSet = serde_json::from_str(&jwks).unwrap();
    let header = jsonwebtoken::decode_header(assertion).unwrap();
    let jwk = jwks.find(&header.kid.unwrap()).unwrap();
    let key = jsonwebtoken::DecodingKey::from_jwk(jwk).unwrap();
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::EdDSA);
    validation.validate_aud = false;
    validation.validate_exp = false;
    jsonwebtoken::decode::<Value>(assertion, &key, &validation)
        .unwrap()
        .claims
}

#[test]
fn a_user_is_made_read_changed_and_erased() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let groups = pb::Groups {
            names: vec!["staff".to_owned()],
        };
        let profile = pb::Profile {
            phone_number: "+49 1512 3456789".to_owned(),
            locale: "pt_br.UTF-8".to_owned(),
            groups: Some(groups.clone()),
            account_name: "Jane Doe".to_owned(),
            ..pb::Profile::default()
        };
        jane.upsert(profile).await.unwrap();
        let profile_record = jane.get().await.unwrap().profile.unwrap();
        assert_eq!(profile_record.email, jane.email, "what is not given stays");
        assert_eq!(
            (
                profile_record.phone_number.as_str(),
                profile_record.locale.as_str()
            ),
            (NUMBER, "pt-BR")
        );
        assert_eq!(
            (profile_record.groups, profile_record.account_name.as_str()),
            (Some(groups), "Jane Doe")
        );

        let unreadable = pb::Profile {
            locale: "no locale".to_owned(),
            ..pb::Profile::default()
        };
        jane.upsert(unreadable).await.unwrap();
        assert_eq!(jane.get().await.unwrap().profile.unwrap().locale, "");

        jane.delete().await.unwrap();
        refused(jane.get().await, Code::NotFound, "USER_NOT_FOUND");
        refused(jane.delete().await, Code::NotFound, "USER_NOT_FOUND");
        refused(jane.begin_sign_in().await, Code::NotFound, "USER_NOT_FOUND");
    });
}

#[test]
fn a_mask_says_which_fields_are_written() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let update = async |paths: &[&str], profile: pb::Profile| {
            let request = pb::UpsertUserRequest {
                tenant_id: jane.tenant_id.clone(),
                user_id: jane.user_id.clone(),
                profile: Some(profile),
                update_mask: Some(prost_types::FieldMask {
                    paths: paths.iter().map(|&path| path.to_owned()).collect(),
                }),
                ..pb::UpsertUserRequest::default()
            };
            jane.clients.users.clone().upsert_user(request).await
        };
        let profile = pb::Profile {
            locale: "de".to_owned(),
            account_name: "Jane".to_owned(),
            ..pb::Profile::default()
        };
        update(&["locale"], profile.clone()).await.unwrap();
        let profile_record = jane.get().await.unwrap().profile.unwrap();
        assert_eq!(
            (
                profile_record.locale.as_str(),
                profile_record.account_name.as_str()
            ),
            ("de", "")
        );
        update(&["email"], profile.clone()).await.unwrap();
        assert_eq!(
            jane.get().await.unwrap().profile.unwrap().email,
            "",
            "an empty value takes it off file"
        );
        refused(
            update(&["nonsense"], profile).await,
            Code::InvalidArgument,
            "INVALID_FIELD",
        );
    });
}

#[test]
fn an_assertion_tells_a_relying_service_what_was_proved() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let app = jane.enroll_app(&service).await;
        let approved = jane.sign_in(&service, &app).await;
        let claims = claims(&jane, &approved.assertion).await;
        assert_eq!(claims["iss"], "countersign.test");
        assert_eq!(claims["aud"], "portal");
        assert_eq!(
            (&claims["sub"], &claims["tenant"]),
            (&"jane".into(), &jane.tenant_id.clone().into())
        );
        assert_eq!(claims["amr"], serde_json::json!(["otp", "mfa"]));
        assert_eq!(
            (&claims["purpose"], &claims["approval_id"]),
            (&"SIGN_IN".into(), &approved.approval_id.into())
        );
        let (issued, expires) = (
            claims["iat"].as_i64().unwrap(),
            claims["exp"].as_i64().unwrap(),
        );
        assert_eq!(
            (issued, expires),
            (service.seconds(), service.seconds() + 60)
        );
    });
}

#[test]
fn an_assertion_without_a_second_factor_claims_none() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let decision = jane.begin_sign_in().await.unwrap();
        let pb::begin_sign_in_response::Decision::Allowed(allowed) = decision else {
            panic!("nothing is enrolled")
        };
        let claims = claims(&jane, &allowed.assertion).await;
        assert_eq!(claims["amr"], serde_json::json!([]));
        assert_eq!(claims["allowed"], "NOT_REQUIRED");
    });
}

#[test]
fn a_step_up_binds_the_action_and_what_was_shown() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let app = jane.enroll_app(&service).await;
        let action = Action::CallerAction(pb::CallerAction {
            name: "payment.confirm".to_owned(),
        });
        let mut request = jane.step_up_request(action);
        if let Some(pb::issue_challenge_request::Purpose::StepUp(step_up)) = &mut request.purpose {
            step_up.transaction_text = "Pay 40 EUR to ACME".to_owned();
        }
        let challenge = jane.issue_with(request).await.unwrap();
        service.advance(30);
        let approved = jane
            .approved(&challenge.challenge_id, &app.app.code_at(service.seconds()))
            .await;
        let claims = claims(&jane, &approved.assertion).await;
        assert_eq!(
            (&claims["purpose"], &claims["action"]),
            (&"STEP_UP".into(), &"caller:payment.confirm".into())
        );
        let digest = sha2::Digest::finalize(sha2::Digest::chain_update(
            <sha2::Sha256 as sha2::Digest>::new(),
            "Pay 40 EUR to ACME",
        ));
        assert_eq!(
            claims["transaction_digest"],
            BASE64URL_NOPAD.encode(&digest)
        );
        assert_eq!(claims["transaction_digest"], challenge.transaction_digest);
        assert_eq!(claims["amr"], serde_json::json!(["otp"]));
    });
}

#[test]
fn what_the_person_confirms_is_in_the_message() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let authorization = jane.attested(&service, add_method(MethodKind::Sms));
        jane.enroll_number(NUMBER, authorization).await;
        service.advance(60);
        let name = "payment.confirm".to_owned();
        let mut request = jane.step_up_request(Action::CallerAction(pb::CallerAction { name }));
        if let Some(pb::issue_challenge_request::Purpose::StepUp(step_up)) = &mut request.purpose {
            step_up.transaction_text = "Pay 40 EUR to ACME".to_owned();
        }
        jane.issue_with(request).await.unwrap();
        let text = jane.last_message(NUMBER).await.text;
        assert!(text.contains("Pay 40 EUR to ACME"), "{text}");
    });
}

#[test]
fn a_canceled_challenge_is_over_and_its_attempts_stay_charged() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let app = jane.enroll_app(&service).await;
        service.advance(30);
        let challenge = jane.issue().await;
        jane.cancel(&challenge.challenge_id).await.unwrap();
        jane.cancel(&challenge.challenge_id).await.unwrap();
        let late = jane
            .rejected(&challenge.challenge_id, &app.app.code_at(service.seconds()))
            .await;
        assert_eq!(late.reason(), pb::RejectionReason::ChallengeOver);
        let current = jane.get_challenge(&challenge.challenge_id).await.unwrap();
        assert_eq!(current.state(), ChallengeState::Canceled);
        refused(
            jane.cancel(&"0".repeat(32)).await,
            Code::NotFound,
            "CHALLENGE_NOT_FOUND",
        );
    });
}

#[test]
fn a_challenge_shows_how_it_stands_and_how_it_ended() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let app = jane.enroll_app(&service).await;
        service.advance(30);
        let challenge = jane.issue().await;
        jane.rejected(&challenge.challenge_id, "000000").await;
        let current = jane.get_challenge(&challenge.challenge_id).await.unwrap();
        assert_eq!(
            (current.state(), current.attempts_left),
            (ChallengeState::Open, 4)
        );
        jane.approved(&challenge.challenge_id, &app.app.code_at(service.seconds()))
            .await;
        let ask = async || {
            jane.get_challenge(&challenge.challenge_id)
                .await
                .unwrap()
                .state()
        };
        until(ask, |state| *state == ChallengeState::Approved).await;
    });
}

#[test]
fn removing_the_last_method_turns_two_factor_off() {
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
        jane.clients
            .methods
            .clone()
            .delete_method(request)
            .await
            .unwrap();
        let settings = jane.settings().await;
        assert!(!settings.two_factor_enabled);
        assert_eq!(settings.recovery.unwrap().codes_total, 0);
    });
}

#[test]
fn a_number_is_taken_from_the_file_where_none_is_given() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let sms = || pb::begin_enrollment_request::Method::Sms(pb::EnrollSms::default());
        let missing =
            jane.enrollment_request(sms(), jane.attested(&service, add_method(MethodKind::Sms)));
        refused(
            jane.begin_enrollment(missing).await,
            Code::FailedPrecondition,
            "PHONE_NUMBER_MISSING",
        );
        let profile = pb::Profile {
            phone_number: NUMBER.to_owned(),
            ..pb::Profile::default()
        };
        jane.upsert(profile).await.unwrap();
        let request =
            jane.enrollment_request(sms(), jane.attested(&service, add_method(MethodKind::Sms)));
        let begun = jane.begin_enrollment(request).await.unwrap();
        jane.confirm(
            &begun.challenge.unwrap().challenge_id,
            &jane.last_code(NUMBER).await,
        )
        .await;
    });
}

#[test]
fn a_password_change_voids_what_was_issued_before() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let app = jane.enroll_app(&service).await;
        service.advance(30);
        let challenge = jane.issue().await;
        let authorization = jane
            .step_up(&service, &app, add_method(MethodKind::Sms))
            .await;
        let profile = pb::Profile {
            password_changed_time: Some(prost_types::Timestamp {
                seconds: service.seconds(),
                nanos: 0,
            }),
            ..pb::Profile::default()
        };
        jane.upsert(profile).await.unwrap();
        service.advance(30);
        let late = jane
            .rejected(&challenge.challenge_id, &app.app.code_at(service.seconds()))
            .await;
        assert_eq!(late.reason(), pb::RejectionReason::ChallengeOver);
        let sms = pb::EnrollSms {
            phone_number: NUMBER.to_owned(),
        };
        let method = pb::begin_enrollment_request::Method::Sms(sms);
        let request = jane.enrollment_request(method, authorization);
        refused(
            jane.begin_enrollment(request).await,
            Code::FailedPrecondition,
            "AUTHORIZATION_NOT_ACCEPTED",
        );
    });
}

#[test]
fn a_known_device_has_a_budget_of_its_own() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let app = jane.enroll_app(&service).await;
        let token = jane.sign_in(&service, &app).await.device_token;
        assert_eq!(token.len(), 43);
        // A stranger uses up what unknown clients have.
        for _ in 0..2 {
            let challenge = jane.issue().await;
            for _ in 0..5 {
                jane.rejected(&challenge.challenge_id, "000000").await;
            }
        }
        service.advance(30);
        let code = app.app.code_at(service.seconds());
        let challenge = jane.issue().await;
        refused(
            jane.verify(&challenge.challenge_id, &code).await,
            Code::ResourceExhausted,
            "TOO_MANY_ATTEMPTS",
        );

        let context = Some(pb::ClientContext {
            device_token: token,
            ..pb::ClientContext::default()
        });
        let request = pb::IssueChallengeRequest {
            context: context.clone(),
            ..jane.challenge_request()
        };
        let challenge = jane.issue_with(request).await.unwrap();
        let answer = pb::VerifyChallengeRequest {
            context,
            ..jane.verify_request(&challenge.challenge_id, &code)
        };
        let verdict = jane.verify_with(answer).await.unwrap();
        assert!(
            matches!(verdict, pb::verify_challenge_response::Verdict::Approved(_)),
            "{verdict:?}"
        );
    });
}

#[test]
fn a_step_up_authorizes_its_own_action_once() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let app = jane.enroll_app(&service).await;
        let challenge = jane
            .issue_with(jane.step_up_request(add_method(MethodKind::Sms)))
            .await
            .unwrap();
        service.advance(30);
        let approved = jane
            .approved(&challenge.challenge_id, &app.app.code_at(service.seconds()))
            .await;
        let proof = || approval(&approved.approval_id);
        let email = jane.enrollment_request(
            pb::begin_enrollment_request::Method::Email(pb::EnrollEmail {}),
            proof(),
        );
        refused(
            jane.begin_enrollment(email).await,
            Code::FailedPrecondition,
            "AUTHORIZATION_NOT_ACCEPTED",
        );
        jane.enroll_number(NUMBER, proof()).await;
        let sms = pb::EnrollSms {
            phone_number: "+4915123456780".to_owned(),
        };
        let again =
            jane.enrollment_request(pb::begin_enrollment_request::Method::Sms(sms), proof());
        refused(
            jane.begin_enrollment(again).await,
            Code::FailedPrecondition,
            "AUTHORIZATION_NOT_ACCEPTED",
        );
    });
}

/// The two pairs that nobody runs in production work all the same.
#[test]
fn the_cross_pairs_sign_in_too() {
    for pair in [Pair::MemoryAndPostgres, Pair::RedisAndSqlite] {
        on(pair, &async |service: Service| {
            let jane = service.person().await;
            let app = jane.enroll_app(&service).await;
            jane.sign_in(&service, &app).await;
            let challenge = jane.issue().await;
            jane.approved(&challenge.challenge_id, &app.recovery_codes[0])
                .await;
        });
    }
}
