//! S10, S11, S16, S18, S44: set-up and settings.

use crate::{
    stories::methods::{NUMBER, required},
    support::{
        Person, on_both_pairs,
        person::{add_method, wrong},
        refused, until,
    },
};
use countersign_proto::v1::{
    self as pb, KindState, MethodKind, begin_enrollment_request::Method,
    begin_sign_in_response::Decision, confirm_enrollment_response::Verdict,
};
use tonic::Code;

/// The state of a kind on the settings page.
async fn state(person: &Person, kind: MethodKind) -> KindState {
    let settings = person.settings().await;
    settings
        .kinds
        .iter()
        .find(|settings| settings.kind() == kind)
        .unwrap()
        .state()
}

#[test]
fn s10_nothing_is_on_before_the_code_is_confirmed() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let authorization = jane.attested(&service, add_method(MethodKind::Email));
        let request = jane.enrollment_request(Method::Email(pb::EnrollEmail {}), authorization);
        let challenge = jane
            .begin_enrollment(request)
            .await
            .unwrap()
            .challenge
            .unwrap();
        assert_eq!(state(&jane, MethodKind::Email).await, KindState::Pending);
        assert!(!jane.settings().await.two_factor_enabled);
        assert!(matches!(
            jane.begin_sign_in().await.unwrap(),
            Decision::Allowed(_)
        ));

        let code = jane.last_code(&jane.email).await;
        let verdict = jane
            .confirm_with(jane.confirmation(&challenge.challenge_id, &wrong(&code)))
            .await
            .unwrap();
        assert!(matches!(verdict, Verdict::Rejected(_)), "{verdict:?}");
        assert!(!jane.settings().await.two_factor_enabled);

        let enrolled = jane.confirm(&challenge.challenge_id, &code).await;
        assert_eq!(enrolled.recovery_codes.unwrap().codes.len(), 10);
        assert_eq!(state(&jane, MethodKind::Email).await, KindState::Active);
        required(&jane).await;
    });
}

#[test]
fn s10_a_set_up_that_is_not_confirmed_ends_after_ten_minutes() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let authorization = jane.attested(&service, add_method(MethodKind::Email));
        let request = jane.enrollment_request(Method::Email(pb::EnrollEmail {}), authorization);
        let challenge = jane
            .begin_enrollment(request)
            .await
            .unwrap()
            .challenge
            .unwrap();
        service.advance(10 * 60);
        let code = jane.last_code(&jane.email).await;
        let verdict = jane
            .confirm_with(jane.confirmation(&challenge.challenge_id, &code))
            .await
            .unwrap();
        let Verdict::Rejected(rejected) = verdict else {
            panic!("{verdict:?}")
        };
        assert_eq!(rejected.reason(), pb::RejectionReason::ChallengeOver);
        assert_eq!(state(&jane, MethodKind::Email).await, KindState::Available);
    });
}

#[test]
fn s10_the_method_that_was_added_is_announced() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let authorization = jane.attested(&service, add_method(MethodKind::Sms));
        let enrolled = jane.enroll_number(NUMBER, authorization).await;
        let told: Vec<(MethodKind, String)> = enrolled
            .queued_notices
            .iter()
            .map(|told| (told.channel(), told.masked_destination.clone()))
            .collect();
        assert_eq!(
            told.len(),
            2,
            "the address on file and the new number: {told:?}"
        );

        let arrived = until(
            async || jane.messages(&jane.email).await,
            |arrived| !arrived.is_empty(),
        );
        let notice = arrived.await.remove(0);
        assert!(
            notice.text.contains("SMS") && notice.text.contains(&jane.tenant_id),
            "{}",
            notice.text
        );
        assert!(notice.code.is_empty());
    });
}

#[test]
fn s11_the_address_must_be_verified_before_anything_can_be_enrolled() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let moved = format!("moved@{}.example.com", jane.tenant_id);
        let profile = pb::Profile {
            email: moved.clone(),
            ..pb::Profile::default()
        };
        let user = jane.upsert(profile).await.unwrap();
        assert!(
            !user.profile.unwrap().email_verified,
            "a changed address is not verified"
        );
        for kind in [MethodKind::Totp, MethodKind::Sms, MethodKind::Email] {
            assert_eq!(state(&jane, kind).await, KindState::NeedsVerifiedEmail);
        }
        let authorization = jane.attested(&service, add_method(MethodKind::Totp));
        let request = jane.enrollment_request(Method::Totp(pb::EnrollTotp {}), authorization);
        refused(
            jane.begin_enrollment(request).await,
            Code::FailedPrecondition,
            "EMAIL_NOT_VERIFIED",
        );

        let challenge = jane.issue_verify_email().await.unwrap();
        let code = jane.last_code(&moved).await;
        let approved = jane.approved(&challenge.challenge_id, &code).await;
        assert!(
            approved.assertion.is_empty(),
            "it proves an address, not a sign-in"
        );
        assert!(jane.get().await.unwrap().profile.unwrap().email_verified);
        jane.enroll_app(&service).await;
    });
}

#[test]
fn s11_a_code_sent_to_the_old_address_verifies_nothing() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let move_to = async |name: &str| {
            let email = format!("{name}@{}.example.com", jane.tenant_id);
            jane.upsert(pb::Profile {
                email,
                ..pb::Profile::default()
            })
            .await
            .unwrap()
        };
        move_to("first").await;
        let challenge = jane.issue_verify_email().await.unwrap();
        let code = jane
            .last_code(&format!("first@{}.example.com", jane.tenant_id))
            .await;
        move_to("second").await;
        jane.rejected(&challenge.challenge_id, &code).await;
        assert!(!jane.get().await.unwrap().profile.unwrap().email_verified);
    });
}

#[test]
fn s16_a_change_affects_only_this_users_own_sign_in() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let john = jane.colleague("john").await;
        let johns = john.enroll_app(&service).await;
        let before = john.settings().await;

        let app = jane.enroll_app(&service).await;
        let authorization = jane
            .step_up(&service, &app, add_method(MethodKind::Sms))
            .await;
        jane.enroll_number(NUMBER, authorization).await;
        assert_eq!(john.settings().await, before);
        john.sign_in(&service, &johns).await;
    });
}

#[test]
fn s18_the_list_shows_what_is_active_available_and_default() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let empty = jane.settings().await;
        assert_eq!(
            (empty.methods.len(), empty.default_reason()),
            (0, pb::DefaultReason::Unspecified)
        );
        for kind in [MethodKind::Totp, MethodKind::Sms, MethodKind::Email] {
            assert_eq!(state(&jane, kind).await, KindState::Available);
        }

        let app = jane.enroll_app(&service).await;
        let settings = jane.settings().await;
        assert_eq!(state(&jane, MethodKind::Totp).await, KindState::Active);
        assert_eq!(state(&jane, MethodKind::Sms).await, KindState::Available);
        assert_eq!(settings.default_method_id, app.method_id);
        assert_eq!(settings.default_reason(), pb::DefaultReason::OnlyMethod);
        assert_eq!(settings.kinds[0].strength(), pb::MethodStrength::Strong);
        assert_eq!(settings.methods[0].label, "Authenticator app");
        assert!(settings.methods[0].last_use_time.is_none());
        jane.sign_in(&service, &app).await;
        assert!(jane.settings().await.methods[0].last_use_time.is_some());
    });
}

#[test]
fn s18_a_method_can_be_renamed_but_not_to_anothers_name() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let app = jane.enroll_app(&service).await;
        let authorization = jane
            .step_up(&service, &app, add_method(MethodKind::Totp))
            .await;
        let second = jane.enroll_app_with(&service, authorization).await;
        let rename = async |label: &str| {
            let request = pb::UpdateMethodRequest {
                tenant_id: jane.tenant_id.clone(),
                user_id: jane.user_id.clone(),
                method_id: second.method_id.clone(),
                label: label.to_owned(),
                ..pb::UpdateMethodRequest::default()
            };
            jane.clients.methods.clone().update_method(request).await
        };
        assert_eq!(
            jane.settings().await.methods[1].label,
            "Authenticator app 2"
        );
        let renamed = rename("Old phone")
            .await
            .unwrap()
            .into_inner()
            .method
            .unwrap();
        assert_eq!(renamed.label, "Old phone");
        refused(
            rename("Authenticator app").await,
            Code::FailedPrecondition,
            "LABEL_TAKEN",
        );
        refused(
            rename("Tab\tbed").await,
            Code::InvalidArgument,
            "INVALID_FIELD",
        );
    });
}

#[test]
fn s44_separate_people_have_separate_methods() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let john = jane.colleague("john").await;
        let app = jane.enroll_app(&service).await;
        assert!(john.settings().await.methods.is_empty());
        assert!(matches!(
            john.begin_sign_in().await.unwrap(),
            Decision::Allowed(_)
        ));
        refused(
            john.issue_for(&app.method_id).await,
            Code::NotFound,
            "METHOD_NOT_FOUND",
        );

        let johns = john.enroll_app(&service).await;
        service.advance(30);
        let challenge = john.issue().await;
        john.rejected(&challenge.challenge_id, &app.app.code_at(service.seconds()))
            .await;
        john.approved(
            &challenge.challenge_id,
            &johns.app.code_at(service.seconds()),
        )
        .await;
    });
}
