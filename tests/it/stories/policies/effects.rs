//! What a decided policy does, where sign-in and enforcement are not asked.

use super::{Administrator, kinds, mode, refusal, seconds};
use crate::support::{Builder, on_both_pairs, on_embedded, person::add_method};
use countersign::{
    config::NotifiersConfig,
    notify::{client::NotifierClient, texts::MessageTexts},
};
use countersign_proto::v1 as pb;
use std::sync::Arc;
use tonic::Code;

#[test]
fn s30_a_challenge_keeps_what_it_was_issued_with() {
    on_both_pairs(async |service| {
        let company = Administrator::new(&service).await;
        let jane = &company.jane;
        let authorization = jane.attested(&service, add_method(pb::MethodKind::Email));
        jane.enroll_email(authorization).await;
        service.advance(60);
        let before = jane.issue().await;
        let code = jane.last_code(&jane.email).await;
        let strict = pb::Policy {
            code_digits: Some(8),
            challenge_lifetime: seconds(60),
            attempts_per_challenge: Some(2),
            ..pb::Policy::default()
        };
        company.update(strict).await.unwrap();
        service.advance(120);
        assert_eq!((before.code_digits, code.len()), (6, 6));
        jane.approved(&before.challenge_id, &code).await;

        let after = jane.issue().await;
        assert_eq!((after.code_digits, after.attempts_left), (8, 2));
        assert_eq!(jane.last_code(&jane.email).await.len(), 8);
        service.advance(61);
        let code = jane.last_code(&jane.email).await;
        jane.rejected(&after.challenge_id, &code).await;
    });
}

#[test]
fn s30_kinds_that_nobody_delivers_and_grace_without_a_date_are_warned_of() {
    on_embedded(async |service| {
        let nobody = NotifiersConfig::default();
        let nobody = NotifierClient::new(&nobody, Arc::new(MessageTexts::built_in())).unwrap();
        let service = Builder {
            notifier: Some(Arc::new(nobody)),
            ..service.twin_builder()
        };
        let company = Administrator::new(&service.start()).await;
        let policy = pb::Policy {
            allowed_kinds: kinds(&[pb::MethodKind::Sms]),
            grace_period: seconds(14 * 24 * 3600),
            ..mode(pb::TwoFactorMode::Required)
        };
        let updated = company.update(policy).await.unwrap();
        assert_eq!(
            company.explain("").await.unwrap().warnings,
            updated.warnings
        );
        for part in [
            "set required_from",
            "nobody can use it",
            "nobody can enroll",
        ] {
            let said = |warning: &String| warning.contains(part);
            assert!(updated.warnings.iter().any(said), "{part}");
        }
    });
}

#[test]
fn s30_without_confirmations_changes_are_not_told_but_alerts_are() {
    on_both_pairs(async |service| {
        let company = Administrator::new(&service).await;
        let jane = &company.jane;
        let silent = pb::Policy {
            change_notices: Some(false),
            ..pb::Policy::default()
        };
        let updated = company.update(silent).await.unwrap();
        assert!(
            updated
                .warnings
                .iter()
                .any(|said| said.contains("change_notices"))
        );
        let authorization = jane.attested(&service, add_method(pb::MethodKind::Email));
        let enrolled = jane.enroll_email(authorization).await;
        assert_eq!(enrolled.queued_notices, []);

        let moved = pb::UpsertUserRequest {
            tenant_id: jane.tenant_id.clone(),
            user_id: jane.user_id.clone(),
            profile: Some(pb::Profile {
                email: "elsewhere@example.com".to_owned(),
                ..pb::Profile::default()
            }),
            ..pb::UpsertUserRequest::default()
        };
        let moved = jane.clients.users.clone().upsert_user(moved).await.unwrap();
        let told = moved.into_inner().queued_notices;
        assert!(
            !told.is_empty(),
            "another address on file is told all the same"
        );
    });
}

#[test]
fn s30_numbers_of_other_countries_are_not_enrolled() {
    on_embedded(async |service| {
        let company = Administrator::new(&service).await;
        let jane = &company.jane;
        let german = pb::Policy {
            sms_countries: Some(pb::Countries {
                codes: vec!["DE".to_owned()],
            }),
            ..pb::Policy::default()
        };
        company.update(german).await.unwrap();
        let enroll = async |number: &str| {
            let authorization = jane.attested(&service, add_method(pb::MethodKind::Sms));
            let sms = pb::EnrollSms {
                phone_number: number.to_owned(),
            };
            let method = pb::begin_enrollment_request::Method::Sms(sms);
            jane.begin_enrollment(jane.enrollment_request(method, authorization))
                .await
        };
        let refused = enroll("+33612345678").await.unwrap_err();
        let (code, reason, _) = refusal(&refused);
        assert_eq!(
            (code, reason.as_str()),
            (Code::FailedPrecondition, "COUNTRY_NOT_ALLOWED")
        );
        enroll("+4915123456789").await.unwrap();
    });
}

#[test]
fn s44_ids_that_differ_only_in_case_are_different_users_only_where_the_policy_says_so() {
    on_both_pairs(async |service| {
        let company = Administrator::new(&service).await;
        let upsert = async |user_id: &str| {
            let request = pb::UpsertUserRequest {
                tenant_id: company.tenant(),
                user_id: user_id.to_owned(),
                ..pb::UpsertUserRequest::default()
            };
            company
                .jane
                .clients
                .users
                .clone()
                .upsert_user(request)
                .await
        };
        let case_sensitive = async |yes| {
            let policy = pb::Policy {
                case_sensitive_ids: Some(yes),
                ..pb::Policy::default()
            };
            company.update(policy).await.unwrap();
        };
        let refused = upsert("JANE").await.unwrap_err();
        assert_eq!(refusal(&refused).1, "USER_ID_DIFFERS_IN_CASE");
        case_sensitive(true).await;
        for user_id in ["JANE", "Joe", "JOE"] {
            upsert(user_id).await.unwrap();
        }
        case_sensitive(false).await;
        for user_id in ["JANE", "Joe", "JOE", "jane"] {
            upsert(user_id).await.unwrap();
        }
        for user_id in ["Jane", "joe"] {
            let refused = upsert(user_id).await.unwrap_err();
            assert_eq!(refusal(&refused).1, "USER_ID_DIFFERS_IN_CASE", "{user_id}");
        }
    });
}

#[test]
fn s44_ids_that_look_alike_are_different_users_only_where_the_policy_says_so() {
    on_both_pairs(async |service| {
        let company = Administrator::new(&service).await;
        let upsert = async |user_id: &str| {
            let request = pb::UpsertUserRequest {
                tenant_id: company.tenant(),
                user_id: user_id.to_owned(),
                ..pb::UpsertUserRequest::default()
            };
            let mut users = company.jane.clients.users.clone();
            users.upsert_user(request).await
        };
        let accent_sensitive = async |yes| {
            let policy = pb::Policy {
                accent_sensitive_ids: Some(yes),
                ..pb::Policy::default()
            };
            company.update(policy).await.unwrap();
        };
        for user_id in ["jáne", "JANE\u{301}", "ｊａｎｅ", "𝓳𝓪𝓷𝓮"] {
            let refused = upsert(user_id).await.unwrap_err();
            let (code, reason, _) = refusal(&refused);
            let expected = (Code::FailedPrecondition, "USER_ID_LOOKS_ALIKE");
            assert_eq!((code, &*reason), expected, "{user_id}");
        }
        accent_sensitive(true).await;
        upsert("jáne").await.unwrap();
        let refused = upsert("JANE").await.unwrap_err();
        assert_eq!(refusal(&refused).1, "USER_ID_DIFFERS_IN_CASE");
        accent_sensitive(false).await;
        // Both spellings of NFC and NFD are one user, who stays.
        for user_id in ["jáne", "ja\u{301}ne", "jane"] {
            upsert(user_id).await.unwrap();
        }
        let refused = upsert("jàne").await.unwrap_err();
        assert_eq!(refusal(&refused).1, "USER_ID_LOOKS_ALIKE");
    });
}
