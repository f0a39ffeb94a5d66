//! S18, S31, S32, S33: the settings page, and who may change what.

use crate::{
    stories::{
        directory::exported,
        enforcement::{allowing, requiring, ticket},
        methods::{NUMBER, required},
    },
    support::{EnrolledApp, Person, Service, on_both_pairs, person::add_method, refused},
};
use countersign_domain::{
    method::{MethodKind, MethodStrength},
    policy::{MethodKinds, PolicyOverride, TwoFactorMode},
};
use countersign_proto::v1::{
    self as pb, DecidedBy, DefaultReason, KindState, action::Action,
    begin_enrollment_request::Method, begin_sign_in_response::Decision,
};
use tonic::{Code, Status};

/// A person with an app and an address as methods.
async fn with_app_and_address(service: &Service) -> (Person, EnrolledApp, String) {
    let jane = service.person().await;
    let app = jane.enroll_app(service).await;
    let authorization = jane
        .step_up(service, &app, add_method(pb::MethodKind::Email))
        .await;
    let address = jane.enroll_email(authorization).await.method.unwrap();
    (jane, app, address.method_id)
}

/// A kind on the settings page.
async fn on_page(person: &Person, kind: pb::MethodKind) -> pb::KindSettings {
    let settings = person.settings().await;
    let kinds = settings.kinds.into_iter();
    kinds.into_iter().find(|of| of.kind() == kind).unwrap()
}

async fn make_default(
    service: &Service,
    person: &Person,
    app: &EnrolledApp,
    method_id: &str,
) -> Result<pb::Method, Status> {
    let action = Action::SetDefaultMethod(pb::SetDefaultMethod {
        method_id: method_id.to_owned(),
    });
    let request = pb::UpdateMethodRequest {
        tenant_id: person.tenant_id.clone(),
        user_id: person.user_id.clone(),
        method_id: method_id.to_owned(),
        is_default: true,
        authorization: person.step_up(service, app, action).await,
        ..pb::UpdateMethodRequest::default()
    };
    let answer = person.clients.methods.clone().update_method(request).await;
    Ok(answer?.into_inner().method.unwrap())
}

async fn remove(
    service: &Service,
    person: &Person,
    app: &EnrolledApp,
    method_id: &str,
) -> Result<(), Status> {
    let action = Action::RemoveMethod(pb::RemoveMethod {
        method_id: method_id.to_owned(),
    });
    let request = pb::DeleteMethodRequest {
        tenant_id: person.tenant_id.clone(),
        user_id: person.user_id.clone(),
        method_id: method_id.to_owned(),
        authorization: person.step_up(service, app, action).await,
        ..pb::DeleteMethodRequest::default()
    };
    let removed = person.clients.methods.clone().delete_method(request).await;
    removed.map(drop)
}

async fn add_number(
    service: &Service,
    person: &Person,
    app: &EnrolledApp,
    replaced_method_id: &str,
) -> Result<pb::BeginEnrollmentResponse, Status> {
    let action = match replaced_method_id {
        "" => add_method(pb::MethodKind::Sms),
        old => Action::ReplaceMethod(pb::ReplaceMethod {
            method_id: old.to_owned(),
            kind: pb::MethodKind::Sms.into(),
        }),
    };
    let authorization = person.step_up(service, app, action).await;
    let method = Method::Sms(pb::EnrollSms {
        phone_number: NUMBER.to_owned(),
    });
    let request = pb::BeginEnrollmentRequest {
        replaced_method_id: replaced_method_id.to_owned(),
        ..person.enrollment_request(method, authorization)
    };
    person.begin_enrollment(request).await
}

#[test]
fn s18_the_page_says_of_each_kind_what_can_be_done_why_not_and_who_decided() {
    on_both_pairs(async |service| {
        let (jane, app, _) = with_app_and_address(&service).await;
        let service = service.under(PolicyOverride {
            locked_kinds: Some(MethodKinds::from_iter([MethodKind::Email])),
            ..allowing(&[MethodKind::Totp, MethodKind::Email])
        });
        let jane = jane.through(service.portal());

        let totp = on_page(&jane, pb::MethodKind::Totp).await;
        assert_eq!(totp.state(), KindState::Active);
        assert!(totp.recommended && totp.reason_text.is_empty());
        assert_eq!(totp.strength(), pb::MethodStrength::Strong);

        let sms = on_page(&jane, pb::MethodKind::Sms).await;
        assert_eq!(sms.state(), KindState::NotAllowed);
        assert_eq!(sms.reason(), pb::ErrorReason::MethodNotAllowed);
        assert_eq!(sms.decided_by(), DecidedBy::Service);
        let refusal = add_number(&service, &jane, &app, "").await;
        refused(refusal, Code::FailedPrecondition, "METHOD_NOT_ALLOWED");

        let email = on_page(&jane, pb::MethodKind::Email).await;
        assert_eq!(email.state(), KindState::Active);
        assert_eq!(email.reason(), pb::ErrorReason::MethodLocked);
        assert_eq!(
            email.reason_text,
            "Your administrator has locked this method."
        );

        let page = jane.settings().await;
        assert_eq!(page.methods.len(), 2);
        assert!(page.methods[1].masked_destination.contains('*'));
        assert_eq!(page.recovery.unwrap().codes_left, 10);
        assert_eq!(page.methods[0].reason(), pb::ErrorReason::Unspecified);
    });
}

#[test]
fn s18_the_same_reasons_are_given_at_sign_in() {
    on_both_pairs(async |service| {
        let (jane, ..) = with_app_and_address(&service).await;
        let service = service.under(allowing(&[MethodKind::Totp]));
        let jane = jane.through(service.portal());
        let (page, offered) = (jane.settings().await, required(&jane).await);
        assert_eq!(offered.kinds, page.kinds);
        assert_eq!(offered.methods, page.methods);
        assert_eq!(offered.methods[1].state(), pb::MethodState::NotAllowed);
        assert_eq!(
            offered.methods[1].reason_text,
            "Your administrator does not allow this method."
        );
    });
}

#[test]
fn s18_the_reason_on_the_page_is_the_one_that_a_try_is_refused_with() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        jane.enroll_app(&service).await;
        let john = jane.colleague("john").await;
        let layers = [
            PolicyOverride::default(),
            allowing(&[MethodKind::Sms]),
            PolicyOverride {
                two_factor: Some(TwoFactorMode::Off),
                ..PolicyOverride::default()
            },
            PolicyOverride {
                users_may_change: Some(false),
                ..PolicyOverride::default()
            },
            PolicyOverride {
                single_method: Some(true),
                sign_in_strength: Some(MethodStrength::Restricted),
                ..PolicyOverride::default()
            },
            PolicyOverride {
                locked_kinds: Some(MethodKinds::from_iter([MethodKind::Sms])),
                ..requiring()
            },
        ];
        for layer in layers {
            let service = service.under(layer.clone());
            for person in [&jane, &john] {
                let person = person.through(service.portal());
                for settings in person.settings().await.kinds {
                    let status = try_to_enroll(&person, settings.kind()).await;
                    let why = crate::support::reason(&status);
                    let shown = settings.reason().as_str_name();
                    match shown.strip_prefix("ERROR_REASON_").unwrap() {
                        // What is missing then is the proof.
                        "UNSPECIFIED" => assert!(
                            ["STEP_UP_REQUIRED", "ATTESTATION_REQUIRED"].contains(&why.as_str()),
                            "{why}: {layer:?}"
                        ),
                        shown => assert_eq!(why, shown, "{layer:?}"),
                    }
                }
            }
        }
    });
}

/// What a try to enroll a kind is refused with that brings no proof.
async fn try_to_enroll(person: &Person, kind: pb::MethodKind) -> Status {
    let method = match kind {
        pb::MethodKind::Sms => Method::Sms(pb::EnrollSms {
            phone_number: NUMBER.to_owned(),
        }),
        pb::MethodKind::Email => Method::Email(pb::EnrollEmail {}),
        _ => Method::Totp(pb::EnrollTotp {}),
    };
    let request = person.enrollment_request(method, None);
    person.begin_enrollment(request).await.unwrap_err()
}

#[test]
fn s31_the_administrator_sets_the_default_and_the_user_may_choose_another() {
    on_both_pairs(async |service| {
        let (jane, app, address) = with_app_and_address(&service).await;
        let set = PolicyOverride {
            default_kind: Some(MethodKind::Email),
            ..PolicyOverride::default()
        };
        let service = service.under(set);
        let jane = jane.through(service.portal());
        assert!(on_page(&jane, pb::MethodKind::Email).await.set_as_default);
        let offered = required(&jane).await;
        assert_eq!(offered.default_method_id, address);
        assert_eq!(offered.default_reason(), DefaultReason::SetByAdministrator);

        let chosen = make_default(&service, &jane, &app, &app.method_id).await;
        assert!(chosen.unwrap().is_default);
        let offered = required(&jane).await;
        assert_eq!(offered.default_method_id, app.method_id);
        assert_eq!(offered.default_reason(), DefaultReason::SetByUser);
    });
}

#[test]
fn s18_a_name_and_the_default_of_one_call_are_both_on_record() {
    on_both_pairs(async |service| {
        let (jane, app, address) = with_app_and_address(&service).await;
        let action = Action::SetDefaultMethod(pb::SetDefaultMethod {
            method_id: address.clone(),
        });
        let rename = pb::UpdateMethodRequest {
            tenant_id: jane.tenant_id.clone(),
            user_id: jane.user_id.clone(),
            method_id: address.clone(),
            label: "Post".to_owned(),
            ..pb::UpdateMethodRequest::default()
        };
        let both = pb::UpdateMethodRequest {
            label: "Mail".to_owned(),
            is_default: true,
            authorization: jane.step_up(&service, &app, action).await,
            ..rename.clone()
        };
        for request in [rename, both] {
            let label = request.label.clone();
            let answer = jane.clients.methods.clone().update_method(request).await;
            assert_eq!(answer.unwrap().into_inner().method.unwrap().label, label);
        }
        make_default(&service, &jane, &app, &app.method_id)
            .await
            .unwrap();
        let (recorded, _) = exported(&jane).await;
        let recorded: Vec<_> = recorded
            .events
            .into_iter()
            .map(|event| (event.kind, event.details))
            .filter(|(kind, _)| ["METHOD_RENAMED", "DEFAULT_CHANGED"].contains(&kind.as_str()))
            .collect();
        let app = &app.method_id;
        let expected = [
            ("METHOD_RENAMED", format!("method_id={address}")),
            (
                "DEFAULT_CHANGED",
                format!("method_id={address} renamed=true"),
            ),
            ("DEFAULT_CHANGED", format!("method_id={app} renamed=false")),
        ];
        let expected = expected.map(|(kind, details)| (kind.to_owned(), details));
        assert_eq!(recorded, expected);
    });
}

#[test]
fn s31_a_locked_default_wins_and_stays() {
    on_both_pairs(async |service| {
        let (jane, app, address) = with_app_and_address(&service).await;
        make_default(&service, &jane, &app, &app.method_id)
            .await
            .unwrap();
        let service = service.under(PolicyOverride {
            default_kind: Some(MethodKind::Email),
            default_locked: Some(true),
            ..PolicyOverride::default()
        });
        let jane = jane.through(service.portal());
        let page = jane.settings().await;
        assert!(page.default_locked);
        assert_eq!(page.default_method_id, address);
        assert_eq!(page.default_reason(), DefaultReason::SetByAdministrator);
        refused(
            make_default(&service, &jane, &app, &app.method_id).await,
            Code::FailedPrecondition,
            "DEFAULT_LOCKED",
        );
        let challenge = jane.issue().await;
        assert_eq!(challenge.method_id, address);
        jane.sign_in(&service, &app).await;
    });
}

#[test]
fn s31_a_weak_default_is_not_asked_for_before_a_change_that_needs_more() {
    on_both_pairs(async |service| {
        let (jane, app, address) = with_app_and_address(&service).await;
        let service = service.under(PolicyOverride {
            default_kind: Some(MethodKind::Email),
            default_locked: Some(true),
            ..PolicyOverride::default()
        });
        let jane = jane.through(service.portal());
        let codes = Action::GenerateRecoveryCodes(pb::GenerateRecoveryCodes {});
        let challenge = jane.issue_with(jane.step_up_request(codes)).await.unwrap();
        assert_eq!(challenge.method_id, app.method_id);
        service.advance(60);
        let own = Action::CallerAction(pb::CallerAction {
            name: "payment.confirm".to_owned(),
        });
        let challenge = jane.issue_with(jane.step_up_request(own)).await.unwrap();
        assert_eq!(challenge.method_id, address);
    });
}

#[test]
fn s31_a_locked_method_answers_and_stays_as_it_is() {
    on_both_pairs(async |service| {
        let (jane, app, address) = with_app_and_address(&service).await;
        let service = service.under(PolicyOverride {
            locked_kinds: Some(MethodKinds::from_iter([MethodKind::Sms, MethodKind::Email])),
            ..PolicyOverride::default()
        });
        let jane = jane.through(service.portal());
        let sms = on_page(&jane, pb::MethodKind::Sms).await;
        assert_eq!(sms.state(), KindState::LockedByAdmin);
        for outcome in [
            remove(&service, &jane, &app, &address).await,
            add_number(&service, &jane, &app, "").await.map(drop),
            add_number(&service, &jane, &app, &address).await.map(drop),
        ] {
            refused(outcome, Code::FailedPrecondition, "METHOD_LOCKED");
        }
        let challenge = jane.issue_for(&address).await.unwrap();
        let code = jane.last_code(&jane.email).await;
        jane.approved(&challenge.challenge_id, &code).await;
    });
}

#[test]
fn s32_users_switch_methods_only_if_the_company_allows_it() {
    on_both_pairs(async |service| {
        let (jane, app, address) = with_app_and_address(&service).await;
        let service = service.under(PolicyOverride {
            users_may_change: Some(false),
            ..PolicyOverride::default()
        });
        let jane = jane.through(service.portal());
        for outcome in [
            add_number(&service, &jane, &app, "").await.map(drop),
            add_number(&service, &jane, &app, &address).await.map(drop),
            remove(&service, &jane, &app, &address).await,
            make_default(&service, &jane, &app, &address)
                .await
                .map(drop),
        ] {
            let status = refused(outcome, Code::FailedPrecondition, "CHANGES_LOCKED");
            assert_eq!(
                status.message(),
                "changes of methods are locked by policy: users_may_change is false"
            );
        }
        let john = jane.colleague("john").await;
        john.enroll_app(&service).await;
    });
}

#[test]
fn s32_where_there_is_one_method_it_is_switched_and_not_joined() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let app = jane.enroll_app(&service).await;
        let service = service.under(PolicyOverride {
            single_method: Some(true),
            ..PolicyOverride::default()
        });
        let jane = jane.through(service.portal());
        let sms = on_page(&jane, pb::MethodKind::Sms).await;
        assert_eq!(sms.state(), KindState::OnlyAsReplacement);
        refused(
            add_number(&service, &jane, &app, "").await,
            Code::FailedPrecondition,
            "ONE_METHOD_ONLY",
        );
        let begun = add_number(&service, &jane, &app, &app.method_id).await;
        let challenge = begun.unwrap().challenge.unwrap().challenge_id;
        let code = jane.last_code("").await;
        jane.confirm(&challenge, &code).await;
        let methods = jane.settings().await.methods;
        assert_eq!(methods.len(), 1);
        assert_eq!(methods[0].kind(), pb::MethodKind::Sms);
    });
}

#[test]
fn s33_everyone_may_read_their_own_settings_even_where_nothing_may_be_changed() {
    on_both_pairs(async |service| {
        let (jane, app, _) = with_app_and_address(&service).await;
        let service = service.under(PolicyOverride {
            users_may_change: Some(false),
            default_locked: Some(true),
            ..requiring()
        });
        let jane = jane.through(service.portal());
        let page = jane.settings().await;
        assert!(!page.changes_allowed && page.default_locked);
        assert_eq!(page.requirement(), pb::TwoFactorRequirement::Required);
        assert_eq!(page.methods.len(), 2);
        assert_eq!(page.default_method_id, app.method_id);
        let sms = on_page(&jane, pb::MethodKind::Sms).await;
        assert_eq!(sms.state(), KindState::LockedByAdmin);
        assert_eq!(
            sms.reason_text,
            "Your administrator has locked changes of sign-in methods."
        );

        let john = jane.colleague("john").await;
        let page = john.settings().await;
        assert!(page.methods.is_empty());
        let Decision::EnrollmentRequired(led) = john.begin_sign_in().await.unwrap() else {
            panic!("an enrollment should be required")
        };
        assert_eq!(led.kinds, page.kinds);
        john.enroll_app_with(&service, ticket(&led)).await;
    });
}
