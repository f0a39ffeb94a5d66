//! S17: whatever changes, and whatever raises an alert, everyone hears of it who has to, once.

use crate::support::{
    Builder, EnrolledApp, Pair, Person, Service, Stores,
    notifier::{DeliveryBehavior, TestNotifier},
    person::{add_method, approval, wrong},
    until,
};
use countersign::{
    config::{EndpointConfig, NotifierConfig, NotifiersConfig},
    notify::{client::NotifierClient, texts::MessageTexts},
};
use countersign_domain::{
    limits::budget::{RateLimit, RateLimitWindows},
    policy::Policy,
};
use countersign_proto::{
    notifier::{DeliverRequest, NoticeKind, deliver_request::Content},
    v1::{self as pb, MethodKind, action::Action, begin_enrollment_request::Method},
};
use std::{sync::Arc, time::Duration};

const NUMBER: &str = "+4915123456789";
const OTHER_NUMBER: &str = "+4915123456780";

/// A service with a notifier, and what reached it.
struct NotifiedService {
    service: Service,
    notifier: TestNotifier,
}

impl NotifiedService {
    async fn of(pair: Pair, policy: Policy) -> Self {
        let notifier = TestNotifier::start(DeliveryBehavior::Takes).await;
        let by = || NotifierConfig {
            endpoints: vec![EndpointConfig::at(&notifier.url)],
            ..NotifierConfig::default()
        };
        let client = NotifierClient::new(
            &NotifiersConfig {
                sms: by(),
                email: by(),
            },
            Arc::new(MessageTexts::built_in()),
        );
        let mut builder = Builder::new(Stores::of(pair).await);
        builder.notifier = Some(Arc::new(client.unwrap()));
        builder.policy = policy;
        Self {
            service: builder.start(),
            notifier,
        }
    }

    /// The notices so far: to whom and of what, oldest first.
    fn received(&self) -> Vec<(String, NoticeKind)> {
        let notices = self.notices().into_iter();
        notices
            .map(|notice| (notice.destination.clone(), kind(&notice)))
            .collect()
    }

    fn notices(&self) -> Vec<DeliverRequest> {
        let mut messages = self.notifier.messages();
        messages.retain(|message| matches!(message.content, Some(Content::Notice(_))));
        messages
    }

    /// Everyone of these is told this, each once, and nobody else is told anything.
    async fn tells(&self, before: usize, everyone: &[&str], what: NoticeKind) {
        until(
            async || self.received().len(),
            |received| *received >= before + everyone.len(),
        )
        .await;
        self.service.app.dispatch_due_alerts().await.unwrap();
        self.service.app.deliver_due_notices().await.unwrap();
        let mut received = self.received().split_off(before);
        received.sort_by(|one, other| one.0.cmp(&other.0));
        let mut expected: Vec<(String, NoticeKind)> = everyone
            .iter()
            .map(|destination| ((*destination).to_owned(), what))
            .collect();
        expected.sort_by(|one, other| one.0.cmp(&other.0));
        assert_eq!(received, expected);
    }

    /// A change, whose answer says who is told, and who is told indeed.
    async fn change(
        &self,
        everyone: &[&str],
        what: NoticeKind,
        change: impl AsyncFnOnce() -> Vec<pb::QueuedNotice>,
    ) {
        let before = self.received().len();
        let queued_notices = change().await;
        assert_eq!(queued_notices.len(), everyone.len(), "{queued_notices:?}");
        for confirmation in &queued_notices {
            assert!(confirmation.masked_destination.contains('*'));
        }
        self.tells(before, everyone, what).await;
    }

    /// An alert, which nothing but the notices tells of.
    async fn alert(&self, everyone: &[&str], what: NoticeKind, alert: impl AsyncFnOnce()) {
        let before = self.received().len();
        alert().await;
        self.tells(before, everyone, what).await;
    }

    async fn enroll(&self, jane: &Person, new: (Method, &str), why: Enrollment) -> pb::Enrolled {
        let (method, destination) = new;
        let request = pb::BeginEnrollmentRequest {
            replaced_method_id: why.replaced_method_id,
            ..jane.enrollment_request(method, why.authorization)
        };
        let begun = jane.begin_enrollment(request).await.unwrap();
        let code = self.notifier.last_code(destination).unwrap();
        let challenge = begun.challenge.unwrap();
        jane.confirm(&challenge.challenge_id, &code).await
    }

    async fn step_up(&self, jane: &Person, app: &EnrolledApp, action: Action) -> Enrollment {
        Enrollment {
            authorization: jane.step_up(&self.service, app, action).await,
            replaced_method_id: String::new(),
        }
    }
}

#[derive(Default)]
struct Enrollment {
    authorization: Option<pb::Authorization>,
    replaced_method_id: String,
}

fn kind(notice: &DeliverRequest) -> NoticeKind {
    match &notice.content {
        Some(Content::Notice(notice)) => notice.kind(),
        _ => panic!("it is no notice"),
    }
}

fn sms(number: &str) -> Method {
    Method::Sms(pb::EnrollSms {
        phone_number: number.to_owned(),
    })
}

async fn update(jane: &Person, request: pb::UpdateMethodRequest) -> pb::UpdateMethodResponse {
    let request = pb::UpdateMethodRequest {
        tenant_id: jane.tenant_id.clone(),
        user_id: jane.user_id.clone(),
        ..request
    };
    let mut methods = jane.clients.methods.clone();
    methods.update_method(request).await.unwrap().into_inner()
}

async fn delete(
    jane: &Person,
    method_id: &str,
    authorization: Option<pb::Authorization>,
) -> Vec<pb::QueuedNotice> {
    let request = pb::DeleteMethodRequest {
        tenant_id: jane.tenant_id.clone(),
        user_id: jane.user_id.clone(),
        method_id: method_id.to_owned(),
        authorization,
        ..pb::DeleteMethodRequest::default()
    };
    let mut methods = jane.clients.methods.clone();
    let deleted = methods.delete_method(request).await.unwrap();
    deleted.into_inner().queued_notices
}

async fn upsert(jane: &Person, request_id: &str, profile: pb::Profile) -> Vec<pb::QueuedNotice> {
    let request = pb::UpsertUserRequest {
        tenant_id: jane.tenant_id.clone(),
        user_id: jane.user_id.clone(),
        request_id: request_id.to_owned(),
        profile: Some(profile),
        update_mask: None,
    };
    let mut users = jane.clients.users.clone();
    let upserted = users.upsert_user(request).await.unwrap();
    upserted.into_inner().queued_notices
}

fn generation(
    jane: &Person,
    authorization: Option<pb::Authorization>,
) -> pb::GenerateRecoveryCodesRequest {
    pb::GenerateRecoveryCodesRequest {
        tenant_id: jane.tenant_id.clone(),
        user_id: jane.user_id.clone(),
        request_id: "generate-once".to_owned(),
        authorization,
        ..pb::GenerateRecoveryCodesRequest::default()
    }
}

fn remove(method_id: &str) -> Action {
    Action::RemoveMethod(pb::RemoveMethod {
        method_id: method_id.to_owned(),
    })
}

fn set_default(method_id: &str) -> Action {
    Action::SetDefaultMethod(pb::SetDefaultMethod {
        method_id: method_id.to_owned(),
    })
}

fn on_both(story: impl AsyncFn(NotifiedService), policy: &Policy) {
    for pair in [Pair::Embedded, Pair::Production] {
        println!("on {pair:?}");
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async { story(NotifiedService::of(pair, policy.clone()).await).await });
        runtime.shutdown_background();
    }
}

/// A person with an app, of which everyone has heard.
async fn with_app(town: &NotifiedService) -> (Person, EnrolledApp) {
    let jane = town.service.person().await;
    let before = town.received().len();
    let app = jane.enroll_app(&town.service).await;
    let added = NoticeKind::MethodAdded;
    town.tells(before, &[&jane.email], added).await;
    (jane, app)
}

#[test]
fn s17_every_change_is_told_to_everyone_as_they_were_before_and_after() {
    on_both(
        async |town| {
            let (jane, app) = with_app(&town).await;
            let both = [jane.email.as_str(), NUMBER];
            let mut number = String::new();
            town.change(&both, NoticeKind::MethodAdded, async || {
                let proof = town.step_up(&jane, &app, add_method(MethodKind::Sms)).await;
                let enrolled = town.enroll(&jane, (sms(NUMBER), NUMBER), proof).await;
                number = enrolled.method.unwrap().method_id;
                enrolled.queued_notices
            })
            .await;
            town.change(&both, NoticeKind::DefaultChanged, async || {
                let request = pb::UpdateMethodRequest {
                    method_id: number.clone(),
                    is_default: true,
                    authorization: jane
                        .step_up(&town.service, &app, set_default(&number))
                        .await,
                    ..pb::UpdateMethodRequest::default()
                };
                update(&jane, request).await.queued_notices
            })
            .await;
            town.change(&both, NoticeKind::RecoveryCodesGenerated, async || {
                let action = Action::GenerateRecoveryCodes(pb::GenerateRecoveryCodes {});
                let proof = jane.step_up(&town.service, &app, action).await;
                let mut recovery = jane.clients.recovery.clone();
                let request = generation(&jane, proof);
                let first = recovery
                    .generate_recovery_codes(request.clone())
                    .await
                    .unwrap();
                let again = recovery.generate_recovery_codes(request).await.unwrap();
                assert_eq!(first.get_ref(), again.get_ref(), "a repeat tells the same");
                first.into_inner().queued_notices
            })
            .await;
            let all = [jane.email.as_str(), NUMBER, OTHER_NUMBER];
            town.change(&all, NoticeKind::MethodReplaced, async || {
                let action = Action::ReplaceMethod(pb::ReplaceMethod {
                    method_id: number.clone(),
                    kind: MethodKind::Sms.into(),
                });
                let mut proof = town.step_up(&jane, &app, action).await;
                proof.replaced_method_id = number.clone();
                let new = (sms(OTHER_NUMBER), OTHER_NUMBER);
                let enrolled = town.enroll(&jane, new, proof).await;
                number = enrolled.method.unwrap().method_id;
                enrolled.queued_notices
            })
            .await;
            let new = [jane.email.as_str(), OTHER_NUMBER];
            town.change(&new, NoticeKind::MethodRemoved, async || {
                let proof = jane.step_up(&town.service, &app, remove(&number)).await;
                delete(&jane, &number, proof).await
            })
            .await;
            let last = NoticeKind::TwoFactorDisabled;
            town.change(&[&jane.email], last, async || {
                let proof = jane
                    .step_up(&town.service, &app, remove(&app.method_id))
                    .await;
                delete(&jane, &app.method_id, proof).await
            })
            .await;
        },
        &Policy::built_in(),
    );
}

#[test]
fn s17_a_switch_says_what_the_security_standard_is_now_in_the_companys_name() {
    on_both(
        async |town| {
            let jane = town.service.person().await;
            let mut first = Enrollment {
                authorization: jane.attested(&town.service, add_method(MethodKind::Sms)),
                ..Enrollment::default()
            };
            let added = town.enroll(&jane, (sms(NUMBER), NUMBER), first).await;
            let codes = added.recovery_codes.unwrap().codes;
            town.service.advance(60);
            let challenge = jane.issue().await;
            let approved = jane.approved(&challenge.challenge_id, &codes[0]).await;
            first = Enrollment {
                authorization: approval(&approved.approval_id),
                replaced_method_id: added.method.unwrap().method_id,
            };
            let email = Method::Email(pb::EnrollEmail {});
            town.enroll(&jane, (email, &jane.email), first).await;
            let replaced = until(
                async || {
                    let mut notices = town.notices();
                    notices.retain(|notice| kind(notice) == NoticeKind::MethodReplaced);
                    notices
                },
                |notices| notices.len() == 2,
            );
            for notice in replaced.await {
                let text = &notice.text;
                assert!(text.contains("security standard"), "{text}");
                // A text message shortens a long name; a mail says the method in the person's words.
                let company = jane.tenant_id.get(..16).unwrap();
                let said = text.to_uppercase().replace('-', "");
                assert!(
                    said.contains("UPDATED TO EMAIL") && text.contains(company),
                    "{text}"
                );
            }
        },
        &Policy::built_in(),
    );
}

#[test]
fn s17_another_address_on_file_is_told_to_the_old_one_and_to_the_new() {
    on_both(
        async |town| {
            let (jane, _) = with_app(&town).await;
            let new = format!("new@{}.example.com", jane.tenant_id);
            let everyone = [jane.email.as_str(), &new];
            let profile = pb::Profile {
                email: new.clone(),
                email_verified: true,
                ..pb::Profile::default()
            };
            town.change(&everyone, NoticeKind::AddressChanged, async || {
                let first = upsert(&jane, "moved-once", profile.clone()).await;
                let again = upsert(&jane, "moved-once", profile.clone()).await;
                assert_eq!(first, again, "a repeat tells the same, and sends nothing");
                first
            })
            .await;
            let number = pb::Profile {
                phone_number: NUMBER.to_owned(),
                phone_number_verified: true,
                ..pb::Profile::default()
            };
            town.change(&[&new, NUMBER], NoticeKind::AddressChanged, async || {
                upsert(&jane, "", number).await
            })
            .await;
        },
        &Policy::built_in(),
    );
}

#[test]
fn s17_an_address_that_nobody_verified_is_told_nothing() {
    on_both(
        async |town| {
            let (jane, _) = with_app(&town).await;
            let stranger = pb::Profile {
                email: format!("typo@{}.example.com", jane.tenant_id),
                ..pb::Profile::default()
            };
            let changed = NoticeKind::AddressChanged;
            town.change(&[&jane.email], changed, async || {
                upsert(&jane, "", stranger).await
            })
            .await;
        },
        &Policy::built_in(),
    );
}

#[test]
fn nobody_is_told_of_a_name_a_language_or_another_spelling_of_the_address() {
    on_both(
        async |town| {
            let (jane, app) = with_app(&town).await;
            town.change(&[], NoticeKind::Unspecified, async || {
                let request = pb::UpdateMethodRequest {
                    method_id: app.method_id.clone(),
                    label: "Phone".to_owned(),
                    ..pb::UpdateMethodRequest::default()
                };
                let renamed = update(&jane, request).await.queued_notices;
                let profile = pb::Profile {
                    locale: "de".to_owned(),
                    ..pb::Profile::default()
                };
                [renamed, upsert(&jane, "", profile).await].concat()
            })
            .await;
            town.change(&[], NoticeKind::Unspecified, async || {
                let respelled = pb::Profile {
                    email: jane.email.to_uppercase(),
                    ..pb::Profile::default()
                };
                upsert(&jane, "", respelled).await
            })
            .await;
            let profile = jane.get().await.unwrap().profile.unwrap();
            assert_eq!(
                profile.email, jane.email,
                "codes go to the verified spelling"
            );
            assert!(profile.email_verified);
        },
        &Policy::built_in(),
    );
}

#[test]
fn s23_every_sign_in_by_recovery_code_is_told_with_what_is_left() {
    on_both(
        async |town| {
            let (jane, app) = with_app(&town).await;
            for (place, code) in app.recovery_codes.iter().enumerate() {
                town.service.advance(4 * 60);
                let left = 9 - u32::try_from(place).unwrap();
                let what = match left {
                    0 => NoticeKind::RecoveryCodesExhausted,
                    1..=3 => NoticeKind::RecoveryCodesLow,
                    _ => NoticeKind::RecoveryCodeUsed,
                };
                town.alert(&[&jane.email], what, async || {
                    let challenge = jane.issue().await;
                    jane.approved(&challenge.challenge_id, code).await;
                })
                .await;
                let last = town.notices().pop().unwrap();
                let Some(Content::Notice(notice)) = last.content else {
                    panic!("it is no notice");
                };
                assert_eq!(notice.recovery_codes_left, left);
            }
        },
        &Policy::built_in(),
    );
}

/// So many wrong codes of an app, each at a challenge of its own.
async fn attempt(town: &NotifiedService, (jane, app): (&Person, &EnrolledApp), times: usize) {
    for _ in 0..times {
        let challenge = jane.issue_for(&app.method_id).await.unwrap();
        let code = wrong(&app.app.code_at(town.service.seconds()));
        jane.rejected(&challenge.challenge_id, &code).await;
    }
}

#[test]
fn many_wrong_codes_are_told_once_until_the_window_was_empty() {
    on_both(
        async |town| {
            let (jane, app) = with_app(&town).await;
            let many = NoticeKind::ManyWrongCodes;
            let everyone = [jane.email.as_str()];
            attempt(&town, (&jane, &app), 9).await;
            assert_eq!(town.received().len(), 1, "nine are not many yet");
            town.alert(&everyone, many, async || {
                attempt(&town, (&jane, &app), 1).await;
            })
            .await;
            town.alert(&[], many, async || {
                town.service.advance(16 * 60);
                attempt(&town, (&jane, &app), 4).await;
            })
            .await;
            town.service.advance(25 * 60 * 60);
            town.alert(&everyone, many, async || {
                attempt(&town, (&jane, &app), 10).await;
            })
            .await;
        },
        &Policy::built_in(),
    );
}

#[test]
fn a_method_that_is_disabled_is_told_once() {
    let never_full = RateLimitWindows::only(RateLimit::new(1000, Duration::from_hours(1)));
    let mut policy = Policy::built_in();
    policy.failures_until_disabled = 6;
    policy.wrong_codes.unknown = never_full;
    on_both(
        async |town| {
            let (jane, app) = with_app(&town).await;
            town.alert(&[&jane.email], NoticeKind::MethodDisabled, async || {
                let challenge = jane.issue().await;
                attempt(&town, (&jane, &app), 6).await;
                let code = app.app.code_at(town.service.seconds());
                jane.rejected(&challenge.challenge_id, &wrong(&code)).await;
            })
            .await;
            let last = town.notices().pop().unwrap();
            let Some(Content::Notice(notice)) = last.content else {
                panic!("it is no notice");
            };
            assert_eq!(notice.method_kind, "TOTP");
        },
        &policy,
    );
}
