//! S03, S04, S08, S10, S11, S23 where a provider owns the codes: it makes them, sends them and checks them.

use crate::support::{
    Person, Service, on_both_pairs, on_embedded,
    person::{add_method, wrong},
    provider::{CheckBehavior, ServiceWithProvider},
    refused,
    service::unique,
};
use countersign_proto::{
    notifier::{CodePurpose, StartVerificationRequest},
    v1::{self as pb, DeliveryState, MethodKind, begin_enrollment_request::Method},
};
use tonic::Code;

const NUMBER: &str = "+4915123456789";

impl ServiceWithProvider {
    /// Begins to enroll a number, as the first method.
    async fn begin_number(&self, jane: &Person) -> pb::Challenge {
        let method = Method::Sms(pb::EnrollSms {
            phone_number: NUMBER.to_owned(),
        });
        let authorization = jane.attested(&self.service, add_method(MethodKind::Sms));
        let begun = jane.begin_enrollment(jane.enrollment_request(method, authorization));
        begun.await.unwrap().challenge.unwrap()
    }

    /// A person with a number; the number's method.
    async fn with_number(&self) -> (Person, pb::Enrolled) {
        let jane = self.service.person().await;
        let challenge = self.begin_number(&jane).await;
        let code = self.provider.last_code();
        let enrolled = jane.confirm(&challenge.challenge_id, &code).await;
        self.service.advance(60);
        (jane, enrolled)
    }

    fn last_start(&self) -> StartVerificationRequest {
        self.provider.started().pop().unwrap()
    }
}

#[test]
fn s03_a_provider_sends_its_own_code_by_text_message_and_checks_it() {
    on_both_pairs(async |service| {
        let owned = ServiceWithProvider::on(&service).await;
        let jane = owned.service.person().await;
        let begun = owned.begin_number(&jane).await;
        assert_eq!(begun.delivery(), DeliveryState::HandedOver);
        assert_eq!(owned.last_start().purpose(), CodePurpose::Enrollment);
        let code = owned.provider.last_code();
        let enrolled = jane.confirm(&begun.challenge_id, &code).await;
        assert_eq!(enrolled.recovery_codes.unwrap().codes.len(), 10);

        owned.service.advance(60);
        let challenge = jane.issue().await;
        assert_eq!(challenge.delivery(), DeliveryState::HandedOver);
        assert_eq!(
            (challenge.kind(), challenge.code_digits),
            (MethodKind::Sms, 6)
        );
        assert_eq!(challenge.masked_destination, "+49*********89");
        let code = owned.provider.last_code();
        let rejected = jane.rejected(&challenge.challenge_id, &wrong(&code)).await;
        assert_eq!(rejected.reason(), pb::RejectionReason::CodeRejected);
        assert_eq!(rejected.attempts_left, 4);
        let approved = jane.approved(&challenge.challenge_id, &code).await;
        assert_eq!(approved.answered_by(), pb::AnswerKind::Sms);
        assert!(!approved.assertion.is_empty() && !approved.device_token.is_empty());
        let again = jane.rejected(&challenge.challenge_id, &code).await;
        assert_eq!(again.reason(), pb::RejectionReason::ChallengeOver);

        owned.service.app.deliver_due_notices().await.unwrap();
        assert!(!owned.notifier.messages().is_empty(), "notices go by it");
        assert_eq!(owned.notifier.last_code(NUMBER), None, "and no codes");
    });
}

#[test]
fn s04_a_provider_sends_its_own_code_to_the_address_on_file() {
    on_both_pairs(async |service| {
        let owned = ServiceWithProvider::on(&service).await;
        let jane = owned.service.person().await;
        let method = Method::Email(pb::EnrollEmail {});
        let authorization = jane.attested(&owned.service, add_method(MethodKind::Email));
        let begun = jane.begin_enrollment(jane.enrollment_request(method, authorization));
        let challenge = begun.await.unwrap().challenge.unwrap();
        assert_eq!(owned.last_start().destination, jane.email);
        jane.confirm(&challenge.challenge_id, &owned.provider.last_code())
            .await;
        owned.service.advance(60);
        let challenge = jane.issue().await;
        let approved = jane
            .approved(&challenge.challenge_id, &owned.provider.last_code())
            .await;
        assert_eq!(approved.answered_by(), pb::AnswerKind::Email);
    });
}

#[test]
fn s08_a_provider_sends_the_same_verification_again_after_the_wait() {
    on_both_pairs(async |service| {
        let owned = ServiceWithProvider::on(&service).await;
        let (jane, _) = owned.with_number().await;
        let challenge = jane.issue().await;
        let first = owned.last_start();
        let code = owned.provider.last_code();
        let too_soon = jane.resend(&challenge.challenge_id).await;
        refused(too_soon, Code::ResourceExhausted, "TOO_MANY_SENDS");
        owned.service.advance(31);
        let resent = jane.resend(&challenge.challenge_id).await.unwrap();
        assert_eq!(resent.delivery(), DeliveryState::HandedOver);
        let second = owned.last_start();
        assert_eq!(first.verification_id, second.verification_id);
        assert_ne!(
            first.idempotency_key, second.idempotency_key,
            "another message"
        );
        jane.approved(&challenge.challenge_id, &code).await;
    });
}

#[test]
fn s08_another_method_takes_the_place_of_a_providers_code() {
    on_embedded(async |service| {
        let owned = ServiceWithProvider::on(&service).await;
        let (jane, enrolled) = owned.with_number().await;
        let codes = enrolled.recovery_codes.unwrap().codes;
        let challenge = jane.issue().await;
        let code = owned.provider.last_code();
        let instead = pb::IssueChallengeRequest {
            answer_with: Some(pb::issue_challenge_request::AnswerWith::RecoveryOnly(
                pb::RecoveryOnly {},
            )),
            replaced_challenge_id: challenge.challenge_id.clone(),
            ..jane.challenge_request()
        };
        let other = jane.issue_with(instead).await.unwrap();
        let late = jane.rejected(&challenge.challenge_id, &code).await;
        assert_eq!(late.reason(), pb::RejectionReason::ChallengeOver);
        jane.approved(&other.challenge_id, &codes[0]).await;
        assert_eq!(owned.provider.checked().len(), 1, "of the enrollment");
    });
}

#[test]
fn s10_a_wrong_set_up_code_turns_nothing_on() {
    on_both_pairs(async |service| {
        let owned = ServiceWithProvider::on(&service).await;
        let jane = owned.service.person().await;
        let begun = owned.begin_number(&jane).await;
        let attempt = jane.confirmation(&begun.challenge_id, &wrong(&owned.provider.last_code()));
        let verdict = jane.confirm_with(attempt).await.unwrap();
        assert!(matches!(
            verdict,
            pb::confirm_enrollment_response::Verdict::Rejected(_)
        ));
        assert!(jane.settings().await.methods.is_empty());
    });
}

#[test]
fn s11_a_provider_verifies_the_address_on_file() {
    on_both_pairs(async |service| {
        let owned = ServiceWithProvider::on(&service).await;
        let jane = owned.service.person().await;
        let profile = pb::Profile {
            email: format!("new-{}", jane.email),
            ..pb::Profile::default()
        };
        jane.upsert(profile).await.unwrap();
        let challenge = jane.issue_verify_email().await.unwrap();
        assert_eq!(owned.last_start().purpose(), CodePurpose::VerifyEmail);
        let verified = async || jane.get().await.unwrap().profile.unwrap().email_verified;
        assert!(!verified().await);
        jane.approved(&challenge.challenge_id, &owned.provider.last_code())
            .await;
        assert!(verified().await);
    });
}

#[test]
fn s23_a_recovery_code_is_accepted_where_a_providers_code_is_asked_for() {
    on_embedded(async |service| {
        let owned = ServiceWithProvider::on(&service).await;
        let (jane, enrolled) = owned.with_number().await;
        let asked = owned.provider.checked().len();
        owned.provider.judges(CheckBehavior::Hanging);
        let challenge = jane.issue().await;
        let codes = enrolled.recovery_codes.unwrap().codes;
        jane.approved(&challenge.challenge_id, &codes[0]).await;
        assert_eq!(owned.provider.checked().len(), asked, "it is not asked");
    });
}

/// A provider words its own messages, so that it could not show what the person confirms.
#[test]
fn a_step_up_with_a_text_is_sent_by_who_shows_it() {
    on_embedded(async |service| {
        let owned = ServiceWithProvider::on(&service).await;
        let (jane, _) = owned.with_number().await;
        let pay = |text: &str| {
            let action = pb::action::Action::CallerAction(pb::CallerAction {
                name: "pay".to_owned(),
            });
            let mut request = jane.step_up_request(action);
            if let Some(pb::issue_challenge_request::Purpose::StepUp(step_up)) =
                &mut request.purpose
            {
                text.clone_into(&mut step_up.transaction_text);
            }
            request
        };
        let started = owned.provider.started().len();
        let shown = jane.issue_with(pay("40 EUR to Bob")).await.unwrap();
        assert_eq!(owned.provider.started().len(), started);
        let messages = owned.notifier.messages();
        let says = |text: &str| text.contains("40 EUR to Bob");
        assert!(messages.iter().any(|message| says(&message.text)));
        let code = owned.notifier.last_code(NUMBER).unwrap();
        jane.approved(&shown.challenge_id, &code).await;

        owned.service.advance(120);
        let plain = jane.issue_with(pay("")).await.unwrap();
        assert_eq!(owned.last_start().purpose(), CodePurpose::StepUp);
        jane.approved(&plain.challenge_id, &owned.provider.last_code())
            .await;
    });
}

/// Who checks a code travels with the challenge, not with the process that issued it.
#[test]
fn another_process_asks_the_same_provider() {
    on_both_pairs(async |service| {
        let owned = ServiceWithProvider::on(&service).await;
        let (jane, _) = owned.with_number().await;
        let challenge = jane.issue().await;
        let mut builder = owned.service.twin_builder();
        builder.notifier = Some(owned.client());
        let twin = builder.start();
        jane.through(twin.portal())
            .approved(&challenge.challenge_id, &owned.provider.last_code())
            .await;
    });
}

/// Without a provider of that name nobody can tell whether the code is right. What was sent before stays good for us.
#[test]
fn a_challenge_outlives_a_change_of_routes_only_with_its_provider() {
    on_embedded(async |service| {
        let owned = ServiceWithProvider::on(&service).await;
        let (jane, _) = owned.with_number().await;
        let challenge = jane.issue().await;
        let code = owned.provider.last_code();
        let without: Service = owned.service.twin();
        let elsewhere = jane.through(without.portal());
        let asked = elsewhere.verify(&challenge.challenge_id, &code).await;
        refused(asked, Code::Unavailable, "PROVIDER_UNAVAILABLE");
        jane.approved(&challenge.challenge_id, &code).await;

        owned.service.advance(120);
        let ours = elsewhere.issue().await;
        let code = elsewhere.last_code(NUMBER).await;
        jane.approved(&ours.challenge_id, &code).await;
    });
}

#[test]
fn the_record_tells_who_checked_a_code() {
    on_embedded(async |service| {
        let owned = ServiceWithProvider::on(&service).await;
        let watched = crate::support::tamper::TamperedAccounts::rewriting_verdicts(
            std::sync::Arc::clone(&owned.service.stores.accounts),
            |verdict_request| {
                for event in [
                    &verdict_request.approved_event,
                    &verdict_request.rejected_event,
                ] {
                    let details = event.details.as_str();
                    assert!(details.contains("checked_by=verify"), "{details}");
                }
                verdict_request
            },
        );
        let mut builder = owned.service.twin_builder();
        builder.notifier = Some(owned.client());
        builder.stores.accounts = std::sync::Arc::new(watched);
        let service = builder.start();
        let jane = Person::new(service.portal(), format!("tenant-{}", unique()), "jane").await;
        let challenge = owned.begin_number(&jane).await;
        jane.confirm(&challenge.challenge_id, &owned.provider.last_code())
            .await;
    });
}
