//! S01, S05, S09, S11, S12, S30: sign-in under a policy.

use crate::{
    stories::methods::{NUMBER, required},
    support::{
        Authenticator, EnrolledApp, Person, on_both_pairs,
        person::{add_method, approval},
        refused,
    },
};
use countersign_domain::{
    account::groups::GroupName,
    method::{MethodKind, MethodStrength},
    policy::{MethodKinds, PolicyOverride, TwoFactorMode},
};
use countersign_proto::v1::{
    self as pb, AllowedReason, KindState, begin_enrollment_request::Method,
    begin_sign_in_response::Decision,
};
use std::time::Duration;
use tonic::Code;

/// Two-factor is required of everyone.
pub(crate) fn requiring() -> PolicyOverride {
    PolicyOverride {
        two_factor: Some(TwoFactorMode::Required),
        ..PolicyOverride::default()
    }
}

fn requiring_of_staff() -> PolicyOverride {
    PolicyOverride {
        required_groups: Some(vec![GroupName::parse("staff").unwrap()]),
        ..requiring()
    }
}

pub(crate) fn allowing(kinds: &[MethodKind]) -> PolicyOverride {
    PolicyOverride {
        allowed_kinds: Some(kinds.iter().copied().collect()),
        ..PolicyOverride::default()
    }
}

/// What a sign-in gives that has to wait for an enrollment.
pub(crate) async fn must_enroll(person: &Person) -> pb::EnrollmentRequired {
    match person.begin_sign_in().await.unwrap() {
        Decision::EnrollmentRequired(required) => required,
        other => panic!("an enrollment should be required: {other:?}"),
    }
}

async fn allowed(person: &Person) -> pb::SignInAllowed {
    match person.begin_sign_in().await.unwrap() {
        Decision::Allowed(allowed) => allowed,
        other => panic!("it should be allowed: {other:?}"),
    }
}

pub(crate) fn ticket(required: &pb::EnrollmentRequired) -> Option<pb::Authorization> {
    let ticket = pb::authorization::Proof::Ticket(required.ticket.clone());
    Some(pb::Authorization {
        proof: Some(ticket),
    })
}

fn state(kinds: &[pb::KindSettings], kind: pb::MethodKind) -> KindState {
    let settings = kinds.iter().find(|settings| settings.kind() == kind);
    settings.unwrap().state()
}

async fn put_in_groups(person: &Person, names: &[&str]) {
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    let profile = pb::Profile {
        groups: Some(pb::Groups { names }),
        ..pb::Profile::default()
    };
    person.upsert(profile).await.unwrap();
}

/// Begins to enroll an app.
async fn begin_app(
    person: &Person,
    authorization: Option<pb::Authorization>,
) -> Result<pb::BeginEnrollmentResponse, tonic::Status> {
    let method = Method::Totp(pb::EnrollTotp {});
    let request = person.enrollment_request(method, authorization);
    person.begin_enrollment(request).await
}

#[test]
fn s12_under_an_enforcing_policy_the_user_is_led_to_set_up_before_anything_else() {
    on_both_pairs(async |service| {
        let service = service.under(requiring());
        let jane = service.person().await;
        let led = must_enroll(&jane).await;
        for kind in [
            pb::MethodKind::Totp,
            pb::MethodKind::Sms,
            pb::MethodKind::Email,
        ] {
            assert_eq!(state(&led.kinds, kind), KindState::Available);
        }
        let ends = led.ticket_expire_time.as_ref().unwrap().seconds;
        assert_eq!(ends, service.seconds() + 600);

        let begun = begin_app(&jane, ticket(&led)).await.unwrap();
        must_enroll(&jane).await;
        let app = Authenticator::from_base32(&begun.totp.unwrap().secret);
        let setup_code = app.code_at(service.seconds());
        let challenge = begun.challenge.unwrap().challenge_id;
        let enrolled = jane.confirm(&challenge, &setup_code).await;
        assert_eq!(enrolled.next_step(), pb::NextStep::BeginSignIn);
        assert_eq!(enrolled.recovery_codes.unwrap().codes.len(), 10);

        let method_id = enrolled.method.unwrap().method_id;
        assert_eq!(required(&jane).await.default_method_id, method_id);
        let challenge = jane.issue().await;
        jane.rejected(&challenge.challenge_id, &setup_code).await;
        let app = EnrolledApp {
            app,
            method_id,
            recovery_codes: Vec::new(),
        };
        assert!(!jane.sign_in(&service, &app).await.assertion.is_empty());
    });
}

#[test]
fn s12_a_repeat_of_the_confirmation_says_the_same_of_what_comes_next() {
    on_both_pairs(async |service| {
        let service = service.under(requiring());
        let jane = service.person().await;
        let led = must_enroll(&jane).await;
        let begun = begin_app(&jane, ticket(&led)).await.unwrap();
        let app = Authenticator::from_base32(&begun.totp.unwrap().secret);
        let request = pb::ConfirmEnrollmentRequest {
            request_id: "confirm-0001".to_owned(),
            ..jane.confirmation(
                &begun.challenge.unwrap().challenge_id,
                &app.code_at(service.seconds()),
            )
        };
        let first = jane.confirm_with(request.clone()).await.unwrap();
        assert_eq!(jane.confirm_with(request).await.unwrap(), first);
    });
}

#[test]
fn s12_a_user_who_changes_their_mind_begins_again_with_the_same_ticket() {
    on_both_pairs(async |service| {
        let service = service.under(requiring());
        let jane = service.person().await;
        let led = must_enroll(&jane).await;
        let app = begin_app(&jane, ticket(&led)).await.unwrap();
        let enrolled = jane.enroll_number(NUMBER, ticket(&led)).await;
        assert_eq!(enrolled.next_step(), pb::NextStep::BeginSignIn);

        let app_challenge = app.challenge.unwrap().challenge_id;
        let code = Authenticator::from_base32(&app.totp.unwrap().secret);
        let late = jane.confirmation(&app_challenge, &code.code_at(service.seconds()));
        assert!(matches!(
            jane.confirm_with(late).await.unwrap(),
            pb::confirm_enrollment_response::Verdict::Rejected(_)
        ));
        assert_eq!(jane.settings().await.methods.len(), 1);
    });
}

#[test]
fn s12_a_ticket_enrols_once_and_does_nothing_else() {
    on_both_pairs(async |service| {
        let service = service.under(requiring());
        let jane = service.person().await;
        let led = must_enroll(&jane).await;
        let generate = pb::GenerateRecoveryCodesRequest {
            tenant_id: jane.tenant_id.clone(),
            user_id: jane.user_id.clone(),
            authorization: ticket(&led),
            ..pb::GenerateRecoveryCodesRequest::default()
        };
        let generate = async || {
            let mut recovery = jane.clients.recovery.clone();
            recovery.generate_recovery_codes(generate.clone()).await
        };
        refused(generate().await, Code::FailedPrecondition, "TWO_FACTOR_OFF");
        jane.enroll_app_with(&service, ticket(&led)).await;
        for authorization in [ticket(&led), ticket(&led)] {
            refused(
                begin_app(&jane, authorization).await,
                Code::FailedPrecondition,
                "AUTHORIZATION_NOT_ACCEPTED",
            );
        }
        refused(
            generate().await,
            Code::FailedPrecondition,
            "AUTHORIZATION_NOT_ACCEPTED",
        );
    });
}

#[test]
fn s12_a_ticket_is_good_for_ten_minutes_one_user_one_caller_and_one_epoch() {
    on_both_pairs(async |service| {
        let service = service.under(requiring());
        let jane = service.person().await;
        let john = jane.colleague("john").await;
        let not_accepted = async |person: &Person, led: &pb::EnrollmentRequired| {
            refused(
                begin_app(person, ticket(led)).await,
                Code::FailedPrecondition,
                "AUTHORIZATION_NOT_ACCEPTED",
            );
        };
        let led = must_enroll(&jane).await;
        not_accepted(&john, &led).await;
        not_accepted(&jane.through(service.caller("shop")), &led).await;
        service.advance(600);
        not_accepted(&jane, &led).await;

        let led = must_enroll(&jane).await;
        let password_changed = pb::Profile {
            password_changed_time: Some(prost_types::Timestamp {
                seconds: service.seconds(),
                nanos: 0,
            }),
            ..pb::Profile::default()
        };
        jane.upsert(password_changed).await.unwrap();
        not_accepted(&jane, &led).await;
        let malformed = pb::EnrollmentRequired {
            ticket: "a ticket".to_owned(),
            ..led
        };
        refused(
            begin_app(&jane, ticket(&malformed)).await,
            Code::InvalidArgument,
            "INVALID_FIELD",
        );
        let led = must_enroll(&jane).await;
        jane.enroll_app_with(&service, ticket(&led)).await;
    });
}

#[test]
fn s11_under_an_enforcing_policy_an_unverified_address_leads_to_its_verification() {
    on_both_pairs(async |service| {
        let service = service.under(requiring());
        let jane = service.person().await;
        let moved = format!("moved@{}.example.com", jane.tenant_id);
        let profile = pb::Profile {
            email: moved.clone(),
            ..pb::Profile::default()
        };
        jane.upsert(profile).await.unwrap();
        let led = must_enroll(&jane).await;
        for settings in &led.kinds {
            assert_eq!(settings.state(), KindState::NeedsVerifiedEmail);
            assert_eq!(settings.reason_text, "Verify your e-mail address first.");
        }
        refused(
            begin_app(&jane, ticket(&led)).await,
            Code::FailedPrecondition,
            "EMAIL_NOT_VERIFIED",
        );

        let challenge = jane.issue_verify_email().await.unwrap();
        let code = jane.last_code(&moved).await;
        jane.approved(&challenge.challenge_id, &code).await;
        jane.enroll_app_with(&service, ticket(&led)).await;
    });
}

#[test]
fn s09_single_sign_on_leads_to_the_same_set_up_as_a_password() {
    on_both_pairs(async |service| {
        let service = service.under(requiring());
        let jane = service.person().await;
        let after = async |first_factor: pb::FirstFactor| {
            let request = pb::BeginSignInRequest {
                first_factor: first_factor.into(),
                ..jane.sign_in_request()
            };
            jane.begin_sign_in_with(request).await.unwrap()
        };
        let by_sso = after(pb::FirstFactor::Sso).await;
        assert_eq!(by_sso, after(pb::FirstFactor::Password).await);
        let Decision::EnrollmentRequired(led) = by_sso else {
            panic!("{by_sso:?}")
        };
        jane.enroll_app_with(&service, ticket(&led)).await;
        assert_eq!(
            after(pb::FirstFactor::Sso).await,
            after(pb::FirstFactor::Password).await
        );
    });
}

#[test]
fn s30_two_factor_is_off_optional_or_required() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let app = jane.enroll_app(&service).await;
        let john = jane.colleague("john").await;

        let off = service.under(PolicyOverride {
            two_factor: Some(TwoFactorMode::Off),
            ..PolicyOverride::default()
        });
        for person in [&jane, &john] {
            let allowed = allowed(&person.through(off.portal())).await;
            assert_eq!(allowed.reason(), AllowedReason::TwoFactorOff);
        }
        refused(
            begin_app(
                &john.through(off.portal()),
                john.attested(&off, add_method(pb::MethodKind::Totp)),
            )
            .await,
            Code::FailedPrecondition,
            "TWO_FACTOR_NOT_OFFERED",
        );

        assert_eq!(required(&jane).await.default_method_id, app.method_id);
        assert_eq!(allowed(&john).await.reason(), AllowedReason::NotRequired);

        let requires = service.under(requiring());
        required(&jane.through(requires.portal())).await;
        must_enroll(&john.through(requires.portal())).await;
    });
}

#[test]
fn s30_required_from_a_date_with_a_grace_period() {
    on_both_pairs(async |service| {
        let from = service.seconds() + 1000;
        let service = service.under(PolicyOverride {
            required_from: Some(countersign_domain::value::time::Timestamp::from_seconds(
                from,
            )),
            grace_period: Some(Duration::from_secs(500)),
            ..requiring()
        });
        let jane = service.person().await;
        let deadline =
            |allowed: &pb::SignInAllowed| allowed.enroll_by_time.as_ref().unwrap().seconds;
        let before = allowed(&jane).await;
        assert_eq!(before.reason(), AllowedReason::NotRequired);
        assert_eq!(deadline(&before), from + 500);
        assert!(!before.assertion.is_empty());
        service.advance(1000);
        let grace = allowed(&jane).await;
        assert_eq!(grace.reason(), AllowedReason::GracePeriod);
        assert_eq!(deadline(&grace), from + 500);
        let settings = jane.settings().await;
        assert_eq!(settings.requirement(), pb::TwoFactorRequirement::Required);
        assert_eq!(settings.enroll_by_time, grace.enroll_by_time);
        service.advance(500);
        must_enroll(&jane).await;
    });
}

#[test]
fn s30_one_user_may_have_an_exception_with_a_date_and_a_reason() {
    on_both_pairs(async |service| {
        let service = service.under(requiring());
        let jane = service.person().await;
        let grace = |reason: &str| pb::Profile {
            grace: Some(pb::EnrollmentGrace {
                until_time: Some(prost_types::Timestamp {
                    seconds: service.seconds() + 100,
                    nanos: 0,
                }),
                reason: reason.to_owned(),
            }),
            ..pb::Profile::default()
        };
        let status = refused(
            jane.upsert(grace("")).await,
            Code::InvalidArgument,
            "INVALID_FIELD",
        );
        assert_eq!(crate::support::field(&status), "profile.grace.reason");
        let user = jane.upsert(grace("waits for a phone")).await.unwrap();
        let shown = user.profile.unwrap().grace.unwrap();
        assert_eq!(shown.reason, "waits for a phone");
        assert_eq!(allowed(&jane).await.reason(), AllowedReason::GracePeriod);
        must_enroll(&jane.colleague("john").await).await;
        service.advance(100);
        must_enroll(&jane).await;
    });
}

#[test]
fn s30_required_of_the_members_of_given_groups_only() {
    on_both_pairs(async |service| {
        let service = service.under(requiring_of_staff());
        let jane = service.person().await;
        refused(
            jane.begin_sign_in().await,
            Code::FailedPrecondition,
            "GROUPS_UNKNOWN",
        );
        assert_eq!(
            jane.settings().await.requirement(),
            pb::TwoFactorRequirement::Required,
            "the page can be read all the same"
        );
        put_in_groups(&jane, &[]).await;
        assert_eq!(allowed(&jane).await.reason(), AllowedReason::NotRequired);
        put_in_groups(&jane, &["guests", "staff"]).await;
        must_enroll(&jane).await;
    });
}

#[test]
fn s30_a_user_may_be_in_a_thousand_groups_and_in_more_counts_as_in_every_group() {
    on_both_pairs(async |service| {
        let service = service.under(requiring_of_staff());
        let jane = service.person().await;
        let in_groups = async |count: usize| {
            let names = (0..count).map(|number| format!("{number:0255}")).collect();
            let profile = pb::Profile {
                groups: Some(pb::Groups { names }),
                ..pb::Profile::default()
            };
            jane.upsert(profile).await.unwrap()
        };
        let user = in_groups(1000).await;
        assert!(!user.has_too_many_groups);
        let kept = jane.get().await.unwrap().profile.unwrap().groups.unwrap();
        assert_eq!(kept.names.len(), 1000);
        assert_eq!(allowed(&jane).await.reason(), AllowedReason::NotRequired);
        for count in [1001, 3000] {
            let user = in_groups(count).await;
            assert!(user.has_too_many_groups);
            assert_eq!(user.profile.unwrap().groups, None);
            must_enroll(&jane).await;
        }
        put_in_groups(&jane, &["guests"]).await;
        assert_eq!(allowed(&jane).await.reason(), AllowedReason::NotRequired);
    });
}

#[test]
fn s30_the_last_method_stays_while_one_is_required_and_can_be_replaced() {
    on_both_pairs(async |service| {
        let service = service.under(requiring());
        let jane = service.person().await;
        let app = jane
            .enroll_app_with(&service, ticket(&must_enroll(&jane).await))
            .await;
        let remove = pb::action::Action::RemoveMethod(pb::RemoveMethod {
            method_id: app.method_id.clone(),
        });
        let authorization = jane.step_up(&service, &app, remove).await;
        let request = pb::DeleteMethodRequest {
            tenant_id: jane.tenant_id.clone(),
            user_id: jane.user_id.clone(),
            method_id: app.method_id.clone(),
            authorization,
            ..pb::DeleteMethodRequest::default()
        };
        refused(
            jane.clients.methods.clone().delete_method(request).await,
            Code::FailedPrecondition,
            "LAST_METHOD_REQUIRED",
        );

        let replace = pb::action::Action::ReplaceMethod(pb::ReplaceMethod {
            method_id: app.method_id.clone(),
            kind: pb::MethodKind::Email.into(),
        });
        let authorization = jane.step_up(&service, &app, replace).await;
        let request = pb::BeginEnrollmentRequest {
            replaced_method_id: app.method_id.clone(),
            ..jane.enrollment_request(Method::Email(pb::EnrollEmail {}), authorization)
        };
        let begun = jane.begin_enrollment(request).await.unwrap();
        let code = jane.last_code(&jane.email).await;
        let challenge = begun.challenge.unwrap().challenge_id;
        let enrolled = jane.confirm(&challenge, &code).await;
        assert_eq!(enrolled.next_step(), pb::NextStep::None);
        assert_eq!(required(&jane).await.methods.len(), 1);
    });
}

#[test]
fn s01_a_method_that_is_no_longer_allowed_neither_counts_nor_locks_out() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let authorization = jane.attested(&service, add_method(pb::MethodKind::Sms));
        let number = jane.enroll_number(NUMBER, authorization).await;
        let number = number.method.unwrap().method_id;

        let service = service.under(PolicyOverride {
            two_factor: Some(TwoFactorMode::Required),
            ..allowing(&[MethodKind::Totp])
        });
        let jane = jane.through(service.portal());
        let led = must_enroll(&jane).await;
        assert_eq!(led.methods.len(), 1);
        assert_eq!(led.methods[0].state(), pb::MethodState::NotAllowed);
        assert_eq!(
            led.methods[0].reason_text,
            "Your administrator does not allow this method."
        );
        assert_eq!(
            state(&led.kinds, pb::MethodKind::Sms),
            KindState::NotAllowed
        );
        assert_eq!(
            state(&led.kinds, pb::MethodKind::Totp),
            KindState::Available
        );
        refused(
            jane.issue_for(&number).await,
            Code::FailedPrecondition,
            "METHOD_NOT_ALLOWED",
        );

        let app = jane.enroll_app_with(&service, ticket(&led)).await;
        assert_eq!(required(&jane).await.default_method_id, app.method_id);
        jane.sign_in(&service, &app).await;
        let remove = pb::action::Action::RemoveMethod(pb::RemoveMethod {
            method_id: number.clone(),
        });
        let authorization = jane.step_up(&service, &app, remove).await;
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

#[test]
fn s05_a_method_too_weak_for_sign_in_is_shown_with_its_reason_and_not_asked() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let app = jane.enroll_app(&service).await;
        let authorization = jane
            .step_up(&service, &app, add_method(pb::MethodKind::Sms))
            .await;
        jane.enroll_number(NUMBER, authorization).await;

        let service = service.under(PolicyOverride {
            sign_in_strength: Some(MethodStrength::Strong),
            ..PolicyOverride::default()
        });
        let jane = jane.through(service.portal());
        let offered = required(&jane).await;
        assert_eq!(offered.default_method_id, app.method_id);
        assert_eq!(offered.default_reason(), pb::DefaultReason::OnlyMethod);
        let number = &offered.methods[1];
        assert_eq!(number.state(), pb::MethodState::TooWeak);
        assert_eq!(number.reason(), pb::ErrorReason::MethodTooWeak);
        assert_eq!(
            number.reason_text,
            "Your administrator asks for a stronger method."
        );
        refused(
            jane.issue_for(&number.method_id).await,
            Code::FailedPrecondition,
            "METHOD_TOO_WEAK",
        );
    });
}

#[test]
fn s05_a_step_up_asks_for_its_own_strength_but_lets_a_stronger_method_in() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let authorization = jane.attested(&service, add_method(pb::MethodKind::Sms));
        jane.enroll_number(NUMBER, authorization).await;
        service.advance(60);
        let service = service.under(PolicyOverride {
            step_up_strength: Some(MethodStrength::Strong),
            ..PolicyOverride::default()
        });
        let jane = jane.through(service.portal());
        let payment = pb::action::Action::CallerAction(pb::CallerAction {
            name: "pay".to_owned(),
        });
        refused(
            jane.issue_with(jane.step_up_request(payment)).await,
            Code::FailedPrecondition,
            "NO_METHOD",
        );
        let add = jane.step_up_request(add_method(pb::MethodKind::Totp));
        let challenge = jane.issue_with(add).await.unwrap();
        let code = jane.last_code("").await;
        let approved = jane.approved(&challenge.challenge_id, &code).await;
        jane.enroll_app_with(&service, approval(&approved.approval_id))
            .await;
    });
}

#[test]
fn s12_where_nothing_may_be_changed_a_required_first_method_is_let_in() {
    on_both_pairs(async |service| {
        let service = service.under(PolicyOverride {
            users_may_change: Some(false),
            locked_kinds: Some(MethodKinds::from_iter([MethodKind::Sms])),
            ..requiring()
        });
        let jane = service.person().await;
        let led = must_enroll(&jane).await;
        assert_eq!(
            state(&led.kinds, pb::MethodKind::Sms),
            KindState::LockedByAdmin
        );
        let app = jane.enroll_app_with(&service, ticket(&led)).await;
        let authorization = jane
            .step_up(&service, &app, add_method(pb::MethodKind::Email))
            .await;
        let email = jane.enrollment_request(Method::Email(pb::EnrollEmail {}), authorization);
        refused(
            jane.begin_enrollment(email).await,
            Code::FailedPrecondition,
            "CHANGES_LOCKED",
        );
    });
}
