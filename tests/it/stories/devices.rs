//! S40, S41, S42, S43: trusted devices.

use crate::support::{
    Browser, Builder, EnrolledApp, Person, Service, browser::current, on_both_pairs,
    person::approval, reason, refused, until,
};
use countersign_domain::policy::PolicyOverride;
use countersign_proto::v1::{
    self as pb, action::Action, begin_sign_in_response::Decision,
    verify_challenge_response::Verdict,
};
use std::time::Duration;
use tonic::Code;

async fn person_with_app(service: &Service) -> (Person, EnrolledApp) {
    let jane = service.person().await;
    let app = jane.enroll_app(service).await;
    (jane, app)
}

/// The same service under a policy of its operator's.
fn under(service: &Service, service_layer: PolicyOverride) -> Service {
    Builder {
        service_layer,
        ..service.twin_builder()
    }
    .start()
}

fn trust_devices(device_ids: &[&str]) -> Action {
    Action::TrustDevice(pb::TrustDevice {
        device_ids: device_ids.iter().map(ToString::to_string).collect(),
    })
}

/// The claims of an assertion.
fn claims(assertion: &str) -> serde_json::Value {
    let payload = assertion.split('.').nth(1).unwrap();
    let decoded = data_encoding::BASE64URL_NOPAD
        .decode(payload.as_bytes())
        .unwrap();
    serde_json::from_slice(&decoded).unwrap()
}

#[test]
fn s40_a_trusted_device_is_not_asked_again_and_a_skipped_one_is_asked_every_time() {
    on_both_pairs(async |service| {
        let (jane, app) = person_with_app(&service).await;
        let (trusted, skipped) = (Browser::new(), Browser::new());
        let approved = trusted.sign_in(&service, &jane, &app).await;
        assert!(approved.trust_offered);
        let device = current(&approved);
        assert_eq!(
            (device.name.as_str(), device.app(), device.trusted),
            ("Firefox on Linux", pb::ClientApp::Browser, false)
        );
        let proof = approval(&approved.approval_id);
        let answer = jane.trust(&[&device.device_id], proof).await.unwrap();
        let [now_trusted] = answer.devices.try_into().unwrap();
        let month = 30 * 24 * 3600;
        let until = now_trusted.trust_expire_time.unwrap().seconds;
        assert_eq!(until, service.seconds() + month);
        assert_eq!(
            answer.queued_notices.len(),
            1,
            "the address on file is told"
        );
        skipped.sign_in(&service, &jane, &app).await;

        for _ in 0..4 {
            assert!(trusted.skips_second_factor(&jane).await);
            assert!(!skipped.skips_second_factor(&jane).await);
            service.advance(24 * 3600);
        }
        // Use does not make it live longer.
        service.advance(u64::try_from(month).unwrap() - 4 * 24 * 3600);
        assert!(!trusted.skips_second_factor(&jane).await);
        trusted.sign_in(&service, &jane, &app).await;
        assert_eq!(jane.devices().await.len(), 2, "both are still recognized");
    });
}

#[test]
fn s40_a_sign_in_on_a_trusted_device_claims_no_second_factor() {
    on_both_pairs(async |service| {
        let (jane, app) = person_with_app(&service).await;
        let browser = Browser::new();
        browser.sign_in_and_trust(&service, &jane, &app).await;
        let Decision::Allowed(allowed) = browser.begin(&jane).await.unwrap() else {
            panic!("it is trusted");
        };
        let claims = claims(&allowed.assertion);
        assert_eq!(claims["allowed"], "TRUSTED_DEVICE");
        assert_eq!(claims["amr"][0], "urn:countersign:amr:trusted_device");
        assert_eq!(claims["amr"].as_array().unwrap().len(), 1);
        assert_eq!(claims["acr"], "urn:countersign:acr:none");
    });
}

#[test]
fn s40_the_approval_of_a_sign_in_trusts_once_and_for_five_minutes() {
    on_both_pairs(async |service| {
        let (jane, app) = person_with_app(&service).await;
        let browser = Browser::new();
        let approved = browser.sign_in(&service, &jane, &app).await;
        let device = current(&approved).device_id;
        service.advance(301);
        refused(
            jane.trust(&[&device], approval(&approved.approval_id))
                .await,
            Code::FailedPrecondition,
            "AUTHORIZATION_NOT_ACCEPTED",
        );
        let approved = browser.sign_in(&service, &jane, &app).await;
        let proof = || approval(&approved.approval_id);
        let through_shop = jane.through(service.caller("shop"));
        refused(
            through_shop.trust(&[&device], proof()).await,
            Code::FailedPrecondition,
            "AUTHORIZATION_NOT_ACCEPTED",
        );
        service.advance(299);
        jane.trust(&[&device], proof()).await.unwrap();
        refused(
            jane.trust(&[&device], proof()).await,
            Code::FailedPrecondition,
            "AUTHORIZATION_NOT_ACCEPTED",
        );
        refused(
            jane.trust(&[&device], None).await,
            Code::FailedPrecondition,
            "STEP_UP_REQUIRED",
        );
    });
}

#[test]
fn s40_a_recovery_code_confers_no_trust() {
    on_both_pairs(async |service| {
        let (jane, app) = person_with_app(&service).await;
        let browser = Browser::new();
        let device = browser.sign_in_and_trust(&service, &jane, &app).await;
        let challenge = jane.issue().await;
        let answer = pb::VerifyChallengeRequest {
            context: browser.context(&jane),
            ..jane.verify_request(&challenge.challenge_id, &app.recovery_codes[0])
        };
        let Verdict::Approved(approved) = jane.verify_with(answer).await.unwrap() else {
            panic!("the code is unused");
        };
        assert!(!approved.trust_offered && approved.device_token.is_empty());
        refused(
            jane.trust(&[&device.device_id], approval(&approved.approval_id))
                .await,
            Code::FailedPrecondition,
            "AUTHORIZATION_NOT_ACCEPTED",
        );
        assert!(
            approved.devices.iter().all(|device| !device.trusted),
            "it ended what there was"
        );
        assert!(!browser.skips_second_factor(&jane).await);
    });
}

#[test]
fn s40_where_the_policy_has_no_trusted_devices_nobody_is_asked_about_them() {
    on_both_pairs(async |service| {
        let (jane, app) = person_with_app(&service).await;
        let browser = Browser::new();
        let device = browser.sign_in_and_trust(&service, &jane, &app).await;
        let no_trust = PolicyOverride {
            trusted_devices: Some(false),
            ..PolicyOverride::default()
        };
        let every_time = PolicyOverride {
            challenge_every_sign_in: Some(true),
            ..PolicyOverride::default()
        };
        for layer in [no_trust, every_time] {
            let strict = under(&service, layer);
            let jane = jane.through(strict.portal());
            assert!(
                !browser.skips_second_factor(&jane).await,
                "what was given is void"
            );
            let approved = browser.sign_in(&strict, &jane, &app).await;
            assert!(!approved.trust_offered);
            assert!(!jane.settings().await.trust_offered);
            refused(
                jane.trust(&[&device.device_id], approval(&approved.approval_id))
                    .await,
                Code::FailedPrecondition,
                "TRUST_NOT_ALLOWED",
            );
        }
        assert!(
            browser.skips_second_factor(&jane).await,
            "it was never taken back"
        );
    });
}

#[test]
fn s40_a_policy_says_how_long_trust_lives() {
    on_both_pairs(async |service| {
        let hourly = under(
            &service,
            PolicyOverride {
                trust_lifetime: Some(Duration::from_hours(1)),
                ..PolicyOverride::default()
            },
        );
        let jane = hourly.person().await;
        let app = jane.enroll_app(&hourly).await;
        let browser = Browser::new();
        browser.sign_in_and_trust(&hourly, &jane, &app).await;
        hourly.advance(3599);
        assert!(browser.skips_second_factor(&jane).await);
        hourly.advance(1);
        assert!(!browser.skips_second_factor(&jane).await);
    });
}

#[test]
fn s41_the_mobile_app_is_trusted_at_its_first_sign_in_where_the_policy_says_so() {
    on_both_pairs(async |service| {
        let automatic = under(
            &service,
            PolicyOverride {
                mobile_trusted_automatically: Some(true),
                ..PolicyOverride::default()
            },
        );
        let jane = automatic.person().await;
        let app = jane.enroll_app(&automatic).await;
        let (telephone, browser) = (Browser::mobile_app(), Browser::new());
        let approved = telephone.sign_in(&automatic, &jane, &app).await;
        let device = current(&approved);
        assert!(device.trusted, "no further call is needed");
        assert_eq!(device.name, "Mobile app on Linux");
        assert!(telephone.skips_second_factor(&jane).await);
        browser.sign_in(&automatic, &jane, &app).await;
        assert!(
            !browser.skips_second_factor(&jane).await,
            "a browser is asked about"
        );
        let messages = until(
            async || jane.messages(&jane.email).await,
            |messages| messages.iter().any(|one| one.text.contains("device")),
        )
        .await;
        assert!(!messages.is_empty());

        // Whom the user took trust from is not trusted again behind their back.
        jane.revoke(&device.device_id, false).await.unwrap();
        assert!(!telephone.skips_second_factor(&jane).await);
        telephone.sign_in(&automatic, &jane, &app).await;
        assert!(!telephone.skips_second_factor(&jane).await);

        // Without the switch it is asked about like a browser.
        let jane = jane.through(service.portal());
        let other = Browser::mobile_app();
        let approved = other.sign_in(&service, &jane, &app).await;
        assert!(!current(&approved).trusted && approved.trust_offered);
    });
}

#[test]
fn s42_the_recognized_devices_are_listed_after_a_sign_in_and_in_the_settings() {
    on_both_pairs(async |service| {
        let (jane, app) = person_with_app(&service).await;
        let (home, office, telephone) = (Browser::new(), Browser::new(), Browser::mobile_app());
        for client in [&home, &office] {
            client.sign_in(&service, &jane, &app).await;
        }
        let approved = telephone.sign_in(&service, &jane, &app).await;
        let ids: Vec<&str> = approved
            .devices
            .iter()
            .map(|device| device.device_id.as_str())
            .collect();
        assert_eq!(ids.len(), 3);
        assert_eq!(
            ids[0],
            current(&approved).device_id,
            "seen last, listed first"
        );

        // Two of them are chosen, none of them the one that is used.
        let proof = approval(&approved.approval_id);
        let answer = jane.trust(&ids[1..], proof).await.unwrap();
        assert_eq!(answer.devices.len(), 2);
        assert!(home.skips_second_factor(&jane).await && office.skips_second_factor(&jane).await);
        assert!(!telephone.skips_second_factor(&jane).await);

        let settings = jane.settings().await;
        assert!(settings.trust_offered);
        let mut listed = jane.devices().await;
        assert_eq!(settings.devices, listed);
        listed.retain(|device| device.trusted);
        assert_eq!(listed.len(), 2);

        // One of them is taken from, by the device that is current.
        let request = pb::ListDevicesRequest {
            tenant_id: jane.tenant_id.clone(),
            user_id: jane.user_id.clone(),
            context: home.context(&jane),
        };
        let mut devices = jane.clients.devices.clone();
        let seen_from_home = devices.list_devices(request).await.unwrap().into_inner();
        let at_home = seen_from_home.devices.iter().find(|one| one.current);
        let at_home = at_home.unwrap().device_id.clone();
        assert!(jane.revoke(&at_home, false).await.unwrap().is_empty());
        assert!(!home.skips_second_factor(&jane).await && office.skips_second_factor(&jane).await);
        assert_eq!(jane.devices().await.len(), 3, "it is still recognized");
        jane.revoke_all().await.unwrap();
        assert!(!office.skips_second_factor(&jane).await);
    });
}

#[test]
fn s42_trust_that_was_not_given_by_the_user_ends_by_the_link_in_the_mail() {
    on_both_pairs(async |service| {
        let (jane, app) = person_with_app(&service).await;
        let browser = Browser::new();
        let before = jane.revert_token(&service).await;
        browser.sign_in_and_trust(&service, &jane, &app).await;
        assert!(browser.skips_second_factor(&jane).await);
        let token = jane.revert_token(&service).await;
        assert_ne!(token, before, "trust has a token of its own");
        jane.revert(&token).await.unwrap();
        assert!(!browser.skips_second_factor(&jane).await);
        let settings = jane.settings().await;
        assert_eq!(settings.methods[0].state(), pb::MethodState::Active);
    });
}

#[test]
fn s42_a_device_is_trusted_from_the_settings_with_a_step_up() {
    on_both_pairs(async |service| {
        let (jane, app) = person_with_app(&service).await;
        let browser = Browser::new();
        let approved = browser.sign_in(&service, &jane, &app).await;
        let device = current(&approved).device_id;
        let other = Browser::new().sign_in(&service, &jane, &app).await;
        let other = current(&other).device_id;
        let action = trust_devices(&[&device]);
        let proof = jane.step_up(&service, &app, action.clone()).await;
        refused(
            jane.trust(&[&other], proof.clone()).await,
            Code::FailedPrecondition,
            "AUTHORIZATION_NOT_ACCEPTED",
        );
        jane.trust(&[&device], proof).await.unwrap();
        assert!(browser.skips_second_factor(&jane).await);
    });
}

#[test]
fn s42_a_device_is_renamed() {
    on_both_pairs(async |service| {
        let (jane, app) = person_with_app(&service).await;
        let browser = Browser::new();
        let device = browser.sign_in_and_trust(&service, &jane, &app).await;
        let renamed = jane
            .rename_device(&device.device_id, "Küche, Laptop")
            .await
            .unwrap();
        assert_eq!(renamed.name, "Küche, Laptop");
        assert!(renamed.trusted);
        browser.sign_in(&service, &jane, &app).await;
        assert_eq!(jane.devices().await[0].name, "Küche, Laptop");
        for name in ["", "see evil.example", "two\nlines"] {
            let outcome = jane.rename_device(&device.device_id, name).await;
            refused(outcome, Code::InvalidArgument, "INVALID_FIELD");
        }
    });
}

#[test]
fn s42_not_me_forgets_the_device_and_ends_all_trust() {
    on_both_pairs(async |service| {
        let (jane, app) = person_with_app(&service).await;
        let (mine, theirs) = (Browser::new(), Browser::new());
        mine.sign_in_and_trust(&service, &jane, &app).await;
        let intruder = theirs.sign_in_and_trust(&service, &jane, &app).await;
        let open = jane.issue().await;
        let messages = jane.revoke(&intruder.device_id, true).await.unwrap();
        assert_eq!(messages.len(), 1);
        assert!(!theirs.skips_second_factor(&jane).await);
        assert!(
            !mine.skips_second_factor(&jane).await,
            "the epoch has grown"
        );
        let [left] = jane.devices().await.try_into().unwrap();
        assert_ne!(left.device_id, intruder.device_id);
        service.advance(30);
        let code = app.app.code_at(service.seconds());
        jane.rejected(&open.challenge_id, &code).await;
        until(
            async || jane.messages(&jane.email).await,
            |messages| {
                let change_notices = messages.iter();
                let mut change_notices =
                    change_notices.filter(|one| one.text.contains("not yours"));
                change_notices.next().is_some()
            },
        )
        .await;
    });
}

#[test]
fn s43_a_cleared_browser_is_a_new_device_and_nothing_else_breaks() {
    on_both_pairs(async |service| {
        let (jane, app) = person_with_app(&service).await;
        let (browser, other) = (Browser::new(), Browser::new());
        browser.sign_in_and_trust(&service, &jane, &app).await;
        other.sign_in_and_trust(&service, &jane, &app).await;
        browser.clear();
        assert!(!browser.skips_second_factor(&jane).await);
        let approved = browser.sign_in(&service, &jane, &app).await;
        assert_eq!(approved.devices.len(), 3, "the old one is listed still");
        assert!(!current(&approved).trusted);
        assert!(other.skips_second_factor(&jane).await);
        jane.trust(
            &[&current(&approved).device_id],
            approval(&approved.approval_id),
        )
        .await
        .unwrap();
        assert!(browser.skips_second_factor(&jane).await);
    });
}

/// One browser, two people: it keeps a token for each.
#[test]
fn s43_several_users_on_one_browser_are_trusted_each_for_themselves() {
    on_both_pairs(async |service| {
        let (jane, app_of_jane) = person_with_app(&service).await;
        let john = jane.colleague("john").await;
        let app_of_john = john.enroll_app(&service).await;
        let browser = Browser::new();
        browser
            .sign_in_and_trust(&service, &jane, &app_of_jane)
            .await;
        assert!(!browser.skips_second_factor(&john).await);
        browser.sign_in(&service, &john, &app_of_john).await;
        assert!(browser.skips_second_factor(&jane).await);
        assert!(
            !browser.skips_second_factor(&john).await,
            "john did not trust it"
        );
        browser
            .sign_in_and_trust(&service, &john, &app_of_john)
            .await;
        for _ in 0..3 {
            assert!(
                browser.skips_second_factor(&jane).await
                    && browser.skips_second_factor(&john).await
            );
        }
        assert_eq!(jane.devices().await.len(), 1);
        assert_eq!(john.devices().await.len(), 1);
    });
}

/// What a person does with one tab is not undone by another.
#[test]
fn s40_tabs_and_lost_answers_do_no_harm() {
    on_both_pairs(async |service| {
        let (jane, app) = person_with_app(&service).await;
        let browser = Browser::new();
        browser.sign_in_and_trust(&service, &jane, &app).await;
        // Three tabs at once; the browser keeps what comes last.
        let tabs = [browser.stolen(), browser.stolen(), browser.stolen()];
        for tab in &tabs {
            assert!(tab.skips_second_factor(&jane).await);
        }
        browser.keep(&jane, &tabs[1].token(&jane));
        assert!(browser.skips_second_factor(&jane).await);
        // Answers get lost, as often as they like.
        for _ in 0..3 {
            let decision = browser.begin_and_lose(&jane).await.unwrap();
            assert!(matches!(decision, Decision::Allowed(_)), "{decision:?}");
        }
        assert!(browser.skips_second_factor(&jane).await);
        assert!(browser.skips_second_factor(&jane).await);
        assert_eq!(jane.devices().await.len(), 1);
    });
}

#[test]
fn a_repeated_sign_in_gives_the_same_token_and_a_repeated_change_the_same_answer() {
    on_both_pairs(async |service| {
        let (jane, app) = person_with_app(&service).await;
        let browser = Browser::new();
        let approved = browser.sign_in(&service, &jane, &app).await;
        let request = pb::TrustDeviceRequest {
            request_id: "trust-once".to_owned(),
            ..jane.trust_request(
                &[&current(&approved).device_id],
                approval(&approved.approval_id),
            )
        };
        let first = jane.trust_with(request.clone()).await.unwrap();
        assert_eq!(jane.trust_with(request).await.unwrap(), first);

        let begin = pb::BeginSignInRequest {
            request_id: "begin-once".to_owned(),
            ..browser.sign_in_request(&jane)
        };
        let allowed = async || match jane.begin_sign_in_with(begin.clone()).await {
            Ok(Decision::Allowed(allowed)) => allowed,
            other => panic!("{other:?}"),
        };
        let answer = allowed().await;
        assert_eq!(allowed().await, answer);
        browser.keep(&jane, &answer.device_token);
        assert!(browser.skips_second_factor(&jane).await);
        // The token that it carries is dead by now, but it is a repeat.
        assert_eq!(allowed().await, answer);
        assert!(browser.skips_second_factor(&jane).await);
        let other = pb::BeginSignInRequest {
            issue_default: true,
            ..begin.clone()
        };
        refused(
            jane.begin_sign_in_with(other).await,
            Code::AlreadyExists,
            "REQUEST_ID_REUSED",
        );
        // After a revocation even a repeat has to answer.
        jane.revoke_all().await.unwrap();
        let decision = jane.begin_sign_in_with(begin.clone()).await.unwrap();
        assert!(matches!(decision, Decision::ChallengeRequired(_)));
        assert_eq!(jane.devices().await.len(), 1, "and is no theft");

        let device = jane.devices().await[0].device_id.clone();
        let not_me = pb::RevokeDeviceRequest {
            request_id: "revoke-once".to_owned(),
            ..jane.revoke_request(&device, true)
        };
        let messages = jane.revoke_with(not_me.clone()).await.unwrap();
        assert_eq!(jane.revoke_with(not_me).await.unwrap(), messages);
        refused(
            jane.revoke(&device, true).await,
            Code::NotFound,
            "DEVICE_NOT_FOUND",
        );
    });
}

#[test]
fn a_device_of_another_user_or_tenant_is_not_found() {
    on_both_pairs(async |service| {
        let (jane, app) = person_with_app(&service).await;
        let john = jane.colleague("john").await;
        let app_of_john = john.enroll_app(&service).await;
        let elsewhere = service.person().await;
        let browser = Browser::new();
        let hers = browser.sign_in_and_trust(&service, &jane, &app).await;
        let approved = Browser::new().sign_in(&service, &john, &app_of_john).await;
        let own = current(&approved).device_id;
        let proof = approval(&approved.approval_id);
        for person in [&john, &elsewhere] {
            let not_found = |status: tonic::Status| {
                assert_eq!(
                    (status.code(), reason(&status).as_str()),
                    (Code::NotFound, "DEVICE_NOT_FOUND")
                );
            };
            not_found(person.revoke(&hers.device_id, true).await.unwrap_err());
            not_found(
                person
                    .rename_device(&hers.device_id, "mine")
                    .await
                    .unwrap_err(),
            );
            let both = person.trust(&[&own, &hers.device_id], proof.clone()).await;
            not_found(both.unwrap_err());
        }
        assert!(john.devices().await.iter().all(|device| !device.trusted));
        assert!(browser.skips_second_factor(&jane).await);
        let nobody = jane.through(service.caller("keys-only"));
        refused(
            nobody.revoke_all().await,
            Code::PermissionDenied,
            "RIGHT_MISSING",
        );
        for ids in [vec![], vec!["nonsense"], vec![own.as_str(); 21]] {
            let outcome = john.trust(&ids, proof.clone()).await;
            refused(outcome, Code::InvalidArgument, "INVALID_FIELD");
        }
    });
}
