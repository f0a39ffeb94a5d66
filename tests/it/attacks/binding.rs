//! A17, A18, A20, A21, A22: what is proved counts for what it was proved for, and for nothing else.

use crate::support::{
    EnrolledApp, Person, Service, on_both_pairs, on_embedded,
    person::{add_method, approval},
    refused,
};
use countersign_domain::limits::budget::{RateLimit, RateLimitWindows};
use countersign_proto::v1::{
    self as pb, MethodKind, action::Action, begin_enrollment_request::Method,
    verify_challenge_response::Verdict,
};
use std::time::Duration;
use tonic::{Code, Status};

const NUMBER: &str = "+4915123456789";

fn sms(number: &str) -> Method {
    Method::Sms(pb::EnrollSms {
        phone_number: number.to_owned(),
    })
}

async fn begin(
    person: &Person,
    method: Method,
    authorization: Option<pb::Authorization>,
) -> Result<pb::BeginEnrollmentResponse, Status> {
    person
        .begin_enrollment(person.enrollment_request(method, authorization))
        .await
}

#[test]
fn a17_no_factor_is_added_without_proving_the_old_one() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        refused(
            begin(&jane, sms(NUMBER), None).await,
            Code::FailedPrecondition,
            "ATTESTATION_REQUIRED",
        );
        let app = jane.enroll_app(&service).await;
        refused(
            begin(&jane, sms(NUMBER), None).await,
            Code::FailedPrecondition,
            "STEP_UP_REQUIRED",
        );
        let word = jane.attested(&service, add_method(MethodKind::Sms));
        refused(
            begin(&jane, sms(NUMBER), word).await,
            Code::FailedPrecondition,
            "STEP_UP_REQUIRED",
        );
        let sign_in = jane.sign_in(&service, &app).await.approval_id;
        let outcome = begin(&jane, sms(NUMBER), approval(&sign_in)).await;
        refused(
            outcome,
            Code::FailedPrecondition,
            "AUTHORIZATION_NOT_ACCEPTED",
        );
        let other = jane
            .step_up(&service, &app, add_method(MethodKind::Email))
            .await;
        refused(
            begin(&jane, sms(NUMBER), other).await,
            Code::FailedPrecondition,
            "AUTHORIZATION_NOT_ACCEPTED",
        );
        let made_up = approval(&"0".repeat(32));
        refused(
            begin(&jane, sms(NUMBER), made_up).await,
            Code::FailedPrecondition,
            "AUTHORIZATION_NOT_ACCEPTED",
        );
    });
}

#[test]
fn a17_with_the_step_up_it_is_added_control() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let app = jane.enroll_app(&service).await;
        let authorization = jane
            .step_up(&service, &app, add_method(MethodKind::Sms))
            .await;
        jane.enroll_number(NUMBER, authorization).await;
        assert_eq!(jane.settings().await.methods.len(), 2);
    });
}

#[test]
fn a17_only_a_caller_with_the_right_may_vouch_and_once() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let word = jane.attested(&service, add_method(MethodKind::Totp));
        let totp = || Method::Totp(pb::EnrollTotp {});
        let unable = jane.through(service.caller("no-attest"));
        refused(
            begin(&unable, totp(), word.clone()).await,
            Code::FailedPrecondition,
            "ATTESTATION_REQUIRED",
        );
        begin(&jane, totp(), word.clone()).await.unwrap();
        refused(
            begin(&jane, totp(), word).await,
            Code::FailedPrecondition,
            "AUTHORIZATION_NOT_ACCEPTED",
        );
        let stale = jane.attested(&service, add_method(MethodKind::Totp));
        service.advance(5 * 60 + 1);
        refused(
            begin(&jane, totp(), stale).await,
            Code::FailedPrecondition,
            "AUTHORIZATION_NOT_ACCEPTED",
        );
    });
}

#[test]
fn a17_a_strong_method_is_not_removed_by_a_weaker_one() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let app = jane.enroll_app(&service).await;
        let authorization = jane
            .step_up(&service, &app, add_method(MethodKind::Email))
            .await;
        let email = jane.enroll_email(authorization).await.method.unwrap();
        service.advance(60);
        let remove = |method_id: &str| {
            Action::RemoveMethod(pb::RemoveMethod {
                method_id: method_id.to_owned(),
            })
        };
        let delete = async |method_id: &str, authorization: Option<pb::Authorization>| {
            let request = pb::DeleteMethodRequest {
                tenant_id: jane.tenant_id.clone(),
                user_id: jane.user_id.clone(),
                method_id: method_id.to_owned(),
                authorization,
                ..pb::DeleteMethodRequest::default()
            };
            jane.clients.methods.clone().delete_method(request).await
        };
        let reason = "STRONGER_METHOD_REQUIRED";
        let request = jane.step_up_by(&email.method_id, remove(&app.method_id));
        refused(
            jane.issue_with(request).await,
            Code::FailedPrecondition,
            reason,
        );
        let weak = jane
            .weak_approval(&service, &email.method_id, remove(&app.method_id))
            .await;
        let outcome = delete(&app.method_id, weak).await;
        refused(outcome, Code::FailedPrecondition, reason);

        let strong = jane.step_up(&service, &app, remove(&email.method_id)).await;
        delete(&email.method_id, strong).await.unwrap();
    });
}

#[test]
fn a17_a_weaker_method_lets_no_stronger_one_in() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let app = jane.enroll_app(&service).await;
        let authorization = jane
            .step_up(&service, &app, add_method(MethodKind::Sms))
            .await;
        let number = jane.enroll_number(NUMBER, authorization).await;
        let number = number.method.unwrap().method_id;
        // Who has taken over the number would add an app of their own, and have the owner's removed by it.
        for action in [
            add_method(MethodKind::Totp),
            Action::ReplaceMethod(pb::ReplaceMethod {
                method_id: number.clone(),
                kind: MethodKind::Totp.into(),
            }),
        ] {
            service.advance(60);
            let reason = "STRONGER_METHOD_REQUIRED";
            let request = jane.step_up_by(&number, action.clone());
            refused(
                jane.issue_with(request).await,
                Code::FailedPrecondition,
                reason,
            );
            let weak = jane.weak_approval(&service, &number, action.clone()).await;
            let mut request = jane.enrollment_request(Method::Totp(pb::EnrollTotp {}), weak);
            if let Action::ReplaceMethod(replaced) = action {
                request.replaced_method_id = replaced.method_id;
            }
            refused(
                jane.begin_enrollment(request).await,
                Code::FailedPrecondition,
                "STRONGER_METHOD_REQUIRED",
            );
        }
    });
}

#[test]
fn a17_another_users_method_is_not_found() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let app = jane.enroll_app(&service).await;
        let johns = jane
            .colleague("john")
            .await
            .enroll_app(&service)
            .await
            .method_id;
        let mut request = jane.enrollment_request(sms(NUMBER), None);
        request.replaced_method_id = johns.clone();
        refused(
            jane.begin_enrollment(request).await,
            Code::NotFound,
            "METHOD_NOT_FOUND",
        );
        let request = pb::UpdateMethodRequest {
            tenant_id: jane.tenant_id.clone(),
            user_id: jane.user_id.clone(),
            method_id: johns,
            label: "Mine".to_owned(),
            ..pb::UpdateMethodRequest::default()
        };
        refused(
            jane.clients.methods.clone().update_method(request).await,
            Code::NotFound,
            "METHOD_NOT_FOUND",
        );
        jane.sign_in(&service, &app).await;
    });
}

#[test]
fn a18_a_second_begin_kills_the_first_and_nothing_counts_unconfirmed() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let totp = || Method::Totp(pb::EnrollTotp {});
        let word = || jane.attested(&service, add_method(MethodKind::Totp));
        let first = begin(&jane, totp(), word()).await.unwrap();
        let second = begin(&jane, totp(), word()).await.unwrap();
        let code = |begun: &pb::BeginEnrollmentResponse| {
            let secret = &begun.totp.as_ref().unwrap().secret;
            crate::support::Authenticator::from_base32(secret).code_at(service.seconds())
        };
        let first_id = &first.challenge.as_ref().unwrap().challenge_id;
        let dead = jane
            .confirm_with(jane.confirmation(first_id, &code(&first)))
            .await
            .unwrap();
        assert!(
            matches!(dead, pb::confirm_enrollment_response::Verdict::Rejected(_)),
            "{dead:?}"
        );
        assert!(jane.settings().await.methods.is_empty());

        let second_id = &second.challenge.as_ref().unwrap().challenge_id;
        let verify = jane.verify(second_id, &code(&second)).await;
        refused(verify, Code::FailedPrecondition, "WRONG_PURPOSE");
        let used = code(&second);
        jane.confirm(second_id, &used).await;
        let challenge = jane.issue().await;
        jane.rejected(&challenge.challenge_id, &used).await;
    });
}

#[test]
fn a18_the_live_enrollment_is_confirmed_control() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let app = jane.enroll_app(&service).await;
        jane.sign_in(&service, &app).await;
    });
}

/// An open challenge with the code that answers it.
struct Open {
    person: Person,
    challenge_id: String,
    code: String,
    /// Where the same code is right as well: an app's code is not bound to one challenge.
    app: Option<String>,
}

/// Two tenants, two users each, all with an app, a number and an address; every purpose of each.
async fn open_everything(service: &Service) -> Vec<Open> {
    let mut open = Vec::new();
    for tenant in 0..2_u8 {
        let jane = service.person().await;
        for (place, person) in [jane.clone(), jane.colleague("john").await]
            .into_iter()
            .enumerate()
        {
            let app = person.enroll_app(service).await;
            let authorization = person
                .step_up(service, &app, add_method(MethodKind::Sms))
                .await;
            let number = format!("+491512345678{}", usize::from(tenant) * 2 + place);
            let sms = person
                .enroll_number(&number, authorization)
                .await
                .method
                .unwrap()
                .method_id;
            let authorization = person
                .step_up(service, &app, add_method(MethodKind::Email))
                .await;
            let email = person
                .enroll_email(authorization)
                .await
                .method
                .unwrap()
                .method_id;
            service.advance(180);
            open.extend(
                open_challenges(
                    service,
                    &person,
                    &app,
                    [(&sms, &number), (&email, &person.email)],
                )
                .await,
            );
        }
    }
    open
}

async fn open_challenges(
    service: &Service,
    person: &Person,
    app: &EnrolledApp,
    delivered: [(&String, &String); 2],
) -> Vec<Open> {
    let requests = [
        person.challenge_request(),
        person.step_up_request(Action::SetDefaultMethod(pb::SetDefaultMethod {
            method_id: app.method_id.clone(),
        })),
        person.step_up_request(Action::CallerAction(pb::CallerAction {
            name: "pay".to_owned(),
        })),
    ];
    let mut open = Vec::new();
    for request in requests {
        let with = |method: &str| pb::IssueChallengeRequest {
            answer_with: Some(pb::issue_challenge_request::AnswerWith::MethodId(
                method.to_owned(),
            )),
            ..request.clone()
        };
        let challenge = person.issue_with(with(&app.method_id)).await.unwrap();
        open.push(Open {
            person: person.clone(),
            challenge_id: challenge.challenge_id,
            code: app.app.code_at(service.seconds()),
            app: Some(app.method_id.clone()),
        });
        for (method, destination) in delivered {
            service.advance(130);
            let challenge = person.issue_with(with(method)).await.unwrap();
            open.push(Open {
                person: person.clone(),
                challenge_id: challenge.challenge_id,
                code: person.last_code(destination).await,
                app: None,
            });
        }
    }
    open
}

/// A service whose bounds are wide enough to try everything everywhere.
fn wide(service: &Service) -> Service {
    let mut builder = service.twin_builder();
    let wide = RateLimitWindows::only(RateLimit::new(100_000, Duration::from_secs(1)));
    builder.policy.wrong_codes.unknown = wide;
    builder.policy.sends.confirmed = wide;
    builder.policy.attempts_per_challenge = 250;
    builder.policy.live_challenges = 50;
    builder.policy.challenge_lifetime = Duration::from_hours(3);
    builder.policy.failures_until_disabled = u32::MAX;
    builder.start()
}

#[test]
fn a20_a_code_for_one_thing_is_accepted_for_no_other() {
    on_embedded(async |service| {
        let wide = wide(&service);
        let open = Box::pin(open_everything(&wide)).await;
        assert_eq!(open.len(), 36);
        let mut off_the_diagonal = 0;
        for typed in &open {
            for asked in &open {
                let same = typed.challenge_id == asked.challenge_id
                    || typed.app.is_some() && typed.app == asked.app;
                if same {
                    continue;
                }
                let verdict = asked
                    .person
                    .verify(&asked.challenge_id, &typed.code)
                    .await
                    .unwrap();
                off_the_diagonal += usize::from(matches!(verdict, Verdict::Approved(_)));
            }
        }
        assert_eq!(off_the_diagonal, 0);
        // A challenge presented as another user's or tenant's is not there.
        for asked in &open {
            for other in open
                .iter()
                .filter(|other| other.person.user_id != asked.person.user_id)
            {
                let verdict = other
                    .person
                    .verify(&asked.challenge_id, &asked.code)
                    .await
                    .unwrap();
                assert!(matches!(verdict, Verdict::Rejected(_)), "{verdict:?}");
            }
        }
    });
}

#[test]
fn a20_on_the_diagonal_every_delivered_code_is_accepted_control() {
    on_embedded(async |service| {
        let wide = wide(&service);
        let open = Box::pin(open_everything(&wide)).await;
        for asked in open.iter().filter(|asked| asked.app.is_none()) {
            asked
                .person
                .approved(&asked.challenge_id, &asked.code)
                .await;
        }
    });
}

#[test]
fn a21_an_approval_is_not_anothers_and_does_not_survive_a_change() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let app = jane.enroll_app(&service).await;
        let stolen = jane
            .step_up(&service, &app, add_method(MethodKind::Sms))
            .await;
        let shop = jane.through(service.caller("shop"));
        refused(
            begin(&shop, sms(NUMBER), stolen.clone()).await,
            Code::FailedPrecondition,
            "AUTHORIZATION_NOT_ACCEPTED",
        );

        let challenge = jane.issue().await;
        jane.approved(&challenge.challenge_id, &app.recovery_codes[0])
            .await;
        let outcome = begin(&jane, sms(NUMBER), stolen).await;
        refused(
            outcome,
            Code::FailedPrecondition,
            "AUTHORIZATION_NOT_ACCEPTED",
        );

        let late = jane
            .step_up(&service, &app, add_method(MethodKind::Sms))
            .await;
        service.advance(5 * 60 + 1);
        refused(
            begin(&jane, sms(NUMBER), late).await,
            Code::FailedPrecondition,
            "AUTHORIZATION_NOT_ACCEPTED",
        );
    });
}

#[test]
fn a21_an_audience_has_to_be_the_callers_own() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        jane.enroll_app(&service).await;
        let request = pb::IssueChallengeRequest {
            audience: "shop".to_owned(),
            ..jane.challenge_request()
        };
        refused(
            jane.issue_with(request).await,
            Code::PermissionDenied,
            "AUDIENCE_NOT_ALLOWED",
        );
    });
}

#[test]
fn a21_its_own_caller_uses_it_in_time_control() {
    on_embedded(async |service| {
        let jane = service.person().await;
        let app = jane.enroll_app(&service).await;
        let own = jane
            .step_up(&service, &app, add_method(MethodKind::Sms))
            .await;
        service.advance(5 * 60);
        begin(&jane, sms(NUMBER), own).await.unwrap();
    });
}

#[test]
fn a22_a_challenge_belongs_to_the_caller_who_asked_for_it() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let app = jane.enroll_app(&service).await;
        service.advance(30);
        let code = app.app.code_at(service.seconds());
        let challenge = jane.issue().await;
        let shop = jane.through(service.caller("shop"));
        let verdict = shop.rejected(&challenge.challenge_id, &code).await;
        assert_eq!(verdict.reason(), pb::RejectionReason::ChallengeOver);
        refused(
            shop.get_challenge(&challenge.challenge_id).await,
            Code::NotFound,
            "CHALLENGE_NOT_FOUND",
        );
        refused(
            shop.cancel(&challenge.challenge_id).await,
            Code::NotFound,
            "CHALLENGE_NOT_FOUND",
        );
        refused(
            shop.resend(&challenge.challenge_id).await,
            Code::NotFound,
            "CHALLENGE_NOT_FOUND",
        );
        let instead = pb::IssueChallengeRequest {
            replaced_challenge_id: challenge.challenge_id.clone(),
            ..shop.challenge_request()
        };
        refused(
            shop.issue_with(instead).await,
            Code::FailedPrecondition,
            "CHALLENGE_OVER",
        );
        jane.approved(&challenge.challenge_id, &code).await;
        refused(
            shop.get_challenge(&challenge.challenge_id).await,
            Code::NotFound,
            "CHALLENGE_NOT_FOUND",
        );
    });
}

#[test]
fn a22_its_own_caller_reads_it_control() {
    on_embedded(async |service| {
        let jane = service.person().await;
        jane.enroll_app(&service).await;
        let challenge = jane.issue().await;
        jane.get_challenge(&challenge.challenge_id).await.unwrap();
    });
}
