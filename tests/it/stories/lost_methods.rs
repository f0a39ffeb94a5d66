//! S23: the app is lost, and another method is left.

use crate::support::{
    EnrolledApp, Person, Service, on_both_pairs,
    person::{add_method, approval},
};
use countersign_domain::policy::PolicyOverride;
use countersign_proto::v1::{self as pb, MethodKind, action::Action};
use tonic::Status;

pub(crate) const NUMBER: &str = "+4915123456780";

/// Somebody with an app, which they lost, and their mailbox as a second method.
pub(crate) struct LostApp {
    pub(crate) jane: Person,
    pub(crate) app: EnrolledApp,
    /// The method of the mailbox.
    pub(crate) email: String,
}

pub(crate) async fn lose_app(service: &Service) -> LostApp {
    let jane = service.person().await;
    let app = jane.enroll_app(service).await;
    let proof = jane.step_up(service, &app, add_method(MethodKind::Email));
    let email = jane
        .enroll_email(proof.await)
        .await
        .method
        .unwrap()
        .method_id;
    service.advance(180);
    LostApp { jane, app, email }
}

/// The approval of a sign-in by recovery code, recovery key or bypass code.
pub(crate) async fn recovered(person: &Person, code: &str) -> Option<pb::Authorization> {
    let challenge = person.issue_recovery_only().await.unwrap();
    approval(
        &person
            .approved(&challenge.challenge_id, code)
            .await
            .approval_id,
    )
}

pub(crate) fn remove(method_id: &str) -> Action {
    Action::RemoveMethod(pb::RemoveMethod {
        method_id: method_id.to_owned(),
    })
}

pub(crate) async fn delete(
    person: &Person,
    method_id: &str,
    authorization: Option<pb::Authorization>,
) -> Result<pb::DeleteMethodResponse, Status> {
    let request = pb::DeleteMethodRequest {
        tenant_id: person.tenant_id.clone(),
        user_id: person.user_id.clone(),
        method_id: method_id.to_owned(),
        authorization,
        ..pb::DeleteMethodRequest::default()
    };
    let mut methods = person.clients.methods.clone();
    Ok(methods.delete_method(request).await?.into_inner())
}

pub(crate) async fn step_up_by_mail(
    service: &Service,
    jane: &Person,
    action: Action,
) -> Option<pb::Authorization> {
    service.advance(180);
    let challenge = jane.issue_with(jane.step_up_request(action)).await.unwrap();
    let code = jane.last_code(&jane.email).await;
    approval(
        &jane
            .approved(&challenge.challenge_id, &code)
            .await
            .approval_id,
    )
}

#[test]
fn s23_a_recovery_code_removes_the_lost_app_and_the_mailbox_signs_in() {
    on_both_pairs(async |service| {
        let LostApp { jane, app, email } = lose_app(&service).await;
        let proof = recovered(&jane, &app.recovery_codes[0]).await;
        let removed = delete(&jane, &app.method_id, proof).await.unwrap();
        assert_eq!(removed.queued_notices.len(), 1);
        let settings = jane.settings().await;
        assert_eq!(settings.methods.len(), 1);
        assert_eq!(settings.methods[0].method_id, email);
        assert_eq!(settings.recovery.unwrap().codes_left, 9, "the codes stay");

        service.advance(180);
        let challenge = jane.issue().await;
        assert_eq!(challenge.kind(), MethodKind::Email);
        let code = jane.last_code(&jane.email).await;
        jane.approved(&challenge.challenge_id, &code).await;
    });
}

/// Also where the company sends no notices of changes that people make themselves.
#[test]
fn s23_every_destination_is_told_that_a_lost_method_was_removed() {
    on_both_pairs(async |service| {
        let quiet = service.under(PolicyOverride {
            change_notices: Some(false),
            ..PolicyOverride::default()
        });
        let LostApp { jane, app, .. } = lose_app(&quiet).await;
        let sms = jane
            .step_up(&quiet, &app, add_method(MethodKind::Sms))
            .await;
        jane.enroll_number(NUMBER, sms).await;
        let proof = recovered(&jane, &app.recovery_codes[0]).await;
        let removed = delete(&jane, &app.method_id, proof).await.unwrap();
        let mut channels: Vec<MethodKind> = removed
            .queued_notices
            .iter()
            .map(|queued| queued.channel())
            .collect();
        channels.sort_unstable_by_key(|kind| *kind as i32);
        assert_eq!(channels, [MethodKind::Sms, MethodKind::Email]);
        quiet.wait_for_notices().await;
        for destination in [jane.email.as_str(), NUMBER] {
            let messages = jane.messages(destination).await;
            let newest = &messages[0];
            assert!(newest.text.contains("removed"), "{}", newest.text);
            assert!(newest.revert_token.is_empty(), "what was lost is gone");
        }
    });
}

/// The repeat of a lost answer removes nothing more.
#[test]
fn s23_a_repeated_removal_is_answered_again() {
    on_both_pairs(async |service| {
        let LostApp { jane, app, .. } = lose_app(&service).await;
        let request = pb::DeleteMethodRequest {
            tenant_id: jane.tenant_id.clone(),
            user_id: jane.user_id.clone(),
            method_id: app.method_id.clone(),
            authorization: recovered(&jane, &app.recovery_codes[0]).await,
            request_id: "remove-lost-app".to_owned(),
            ..pb::DeleteMethodRequest::default()
        };
        let mut methods = jane.clients.methods.clone();
        let first = methods.delete_method(request.clone()).await.unwrap();
        let again = methods.delete_method(request).await.unwrap();
        assert_eq!(first.into_inner(), again.into_inner());
        assert_eq!(jane.settings().await.methods.len(), 1);
    });
}
