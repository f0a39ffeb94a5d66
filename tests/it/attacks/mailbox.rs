//! A17: what a code to the mailbox does by policy, and what it never does.

use crate::{
    stories::lost_methods::{
        LostApp, NUMBER, delete, lose_app, recovered, remove, step_up_by_mail,
    },
    support::{
        Person, Service,
        changes::{disabling, new_codes},
        on_both_pairs,
        person::{add_method, approval},
        refused,
    },
};
use countersign_domain::{
    method::MethodStrength,
    policy::{PolicyOverride, ProtectedChange},
};
use countersign_proto::v1::{self as pb, MethodKind, action::Action, begin_enrollment_request};
use tonic::{Code, Status};

const REFUSED: Code = Code::FailedPrecondition;
const WEAK: &str = "STRONGER_METHOD_REQUIRED";

fn by_mailbox(service: &Service) -> Service {
    service.under(PolicyOverride {
        mailbox_code_suffices: Some(vec![
            ProtectedChange::DisableTwoFactor,
            ProtectedChange::GenerateRecoveryCodes,
        ]),
        change_notices: Some(false),
        ..PolicyOverride::default()
    })
}

async fn step_up_by(
    service: &Service,
    jane: &Person,
    email: &str,
    action: Action,
) -> Result<Option<pb::Authorization>, Status> {
    service.advance(180);
    let challenge = jane.issue_with(jane.step_up_by(email, action)).await?;
    let code = jane.last_code(&jane.email).await;
    let approved = jane.approved(&challenge.challenge_id, &code).await;
    Ok(approval(&approved.approval_id))
}

#[test]
fn a17_a_code_to_the_mailbox_does_nothing_where_no_policy_says_so() {
    on_both_pairs(async |service| {
        let LostApp { jane, email, .. } = lose_app(&service).await;
        for action in [disabling(), new_codes()] {
            let issued = step_up_by(&service, &jane, &email, action).await;
            refused(issued, REFUSED, WEAK);
        }
    });
}

#[test]
fn a17_a_code_to_the_mailbox_brings_no_method_in_and_takes_none_away() {
    on_both_pairs(async |service| {
        let service = by_mailbox(&service);
        let LostApp { jane, email, app } = lose_app(&service).await;
        for action in [
            add_method(MethodKind::Totp),
            Action::ReplaceMethod(pb::ReplaceMethod {
                method_id: email.clone(),
                kind: MethodKind::Sms.into(),
            }),
            remove(&app.method_id),
        ] {
            let issued = step_up_by(&service, &jane, &email, action).await;
            refused(issued, REFUSED, WEAK);
        }
    });
}

/// Otherwise the mailbox would add and replace methods by way of the codes.
#[test]
fn a17_codes_that_the_mailbox_created_authorize_no_change_for_72_hours() {
    on_both_pairs(async |service| {
        let service = by_mailbox(&service);
        let LostApp { jane, email, app } = lose_app(&service).await;
        let proof = step_up_by(&service, &jane, &email, new_codes()).await;
        let codes = jane.generate_recovery_codes(proof.unwrap()).await.unwrap();
        let codes = codes.recovery_codes.unwrap().codes;
        let too_new = "RECOVERY_CODES_TOO_NEW";
        let totp = || begin_enrollment_request::Method::Totp(pb::EnrollTotp {});
        let proof = recovered(&jane, &codes[0]).await;
        let request = jane.enrollment_request(totp(), proof.clone());
        refused(jane.begin_enrollment(request).await, REFUSED, too_new);
        refused(delete(&jane, &app.method_id, proof).await, REFUSED, too_new);

        service.advance(72 * 3600);
        let proof = recovered(&jane, &codes[1]).await;
        delete(&jane, &app.method_id, proof).await.unwrap();
    });
}

/// A sign-in that asks for more than the mailbox is not passed by codes that the mailbox created.
#[test]
fn a17_where_the_mailbox_signs_nobody_in_it_creates_no_codes() {
    on_both_pairs(async |service| {
        let LostApp { jane, email, .. } = lose_app(&service).await;
        let strict = service.under(PolicyOverride {
            mailbox_code_suffices: Some(vec![ProtectedChange::GenerateRecoveryCodes]),
            sign_in_strength: Some(MethodStrength::Restricted),
            ..PolicyOverride::default()
        });
        let jane = jane.through(strict.portal());
        let issued = step_up_by(&strict, &jane, &email, new_codes()).await;
        refused(issued, REFUSED, WEAK);
    });
}

/// A code that was sent for one act does for no other, and each act names its own policy.
#[test]
fn a17_a_code_to_the_mailbox_is_for_its_own_act_once() {
    on_both_pairs(async |service| {
        let service = by_mailbox(&service);
        let LostApp { jane, email, .. } = lose_app(&service).await;
        let proof = step_up_by(&service, &jane, &email, new_codes())
            .await
            .unwrap();
        let not_accepted = "AUTHORIZATION_NOT_ACCEPTED";
        refused(
            jane.disable_two_factor(proof.clone()).await,
            REFUSED,
            not_accepted,
        );
        jane.generate_recovery_codes(proof.clone()).await.unwrap();
        refused(
            jane.generate_recovery_codes(proof).await,
            REFUSED,
            not_accepted,
        );
        let proof = step_up_by(&service, &jane, &email, disabling())
            .await
            .unwrap();
        service.advance(5 * 60 + 1);
        refused(jane.disable_two_factor(proof).await, REFUSED, not_accepted);

        service.advance(180);
        let challenge = jane.issue_for(&email).await.unwrap();
        let code = jane.last_code(&jane.email).await;
        let signed_in = jane.approved(&challenge.challenge_id, &code).await;
        let proof = approval(&signed_in.approval_id);
        refused(
            jane.generate_recovery_codes(proof.clone()).await,
            REFUSED,
            not_accepted,
        );
        refused(jane.disable_two_factor(proof).await, REFUSED, not_accepted);
    });
}

/// The mailbox turns two-factor off: everybody else is told, whatever the policy says, and can revert it.
#[test]
fn s13_two_factor_goes_by_a_code_to_the_mailbox_and_everyone_is_told() {
    on_both_pairs(async |service| {
        let service = by_mailbox(&service);
        let LostApp { jane, app, email } = lose_app(&service).await;
        let sms = jane
            .step_up(&service, &app, add_method(MethodKind::Sms))
            .await;
        jane.enroll_number(NUMBER, sms).await;
        let proof = step_up_by(&service, &jane, &email, disabling()).await;
        let off = jane.disable_two_factor(proof.unwrap()).await.unwrap();
        assert_eq!(off.queued_notices.len(), 2, "{off:?}");
        assert!(jane.settings().await.methods.is_empty());
        service.wait_for_notices().await;
        let told = jane.messages(NUMBER).await.remove(0);
        assert!(told.code.is_empty(), "{}", told.text);
        service.advance(71 * 3600);
        let token = jane.revert_token(&service).await;
        jane.revert(&token).await.unwrap();
    });
}

/// While a method that a recovery code removed keeps its strength, the mailbox does not take its place.
#[test]
fn a17_a_code_to_the_mailbox_does_not_outweigh_a_lost_method() {
    on_both_pairs(async |service| {
        let service = by_mailbox(&service);
        let LostApp { jane, app, email } = lose_app(&service).await;
        let proof = recovered(&jane, &app.recovery_codes[0]).await;
        delete(&jane, &app.method_id, proof).await.unwrap();
        for action in [disabling(), new_codes()] {
            let issued = step_up_by(&service, &jane, &email, action).await;
            refused(issued, REFUSED, WEAK);
        }
        service.advance(72 * 3600);
        let proof = step_up_by_mail(&service, &jane, disabling()).await;
        jane.disable_two_factor(proof).await.unwrap();
    });
}

/// S21: the sign-in that was just passed does for new codes, once, where the policy lets it.
#[test]
fn s21_a_recent_sign_in_creates_codes_once_by_policy() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let app = jane.enroll_app(&service).await;
        let not_accepted = "AUTHORIZATION_NOT_ACCEPTED";
        let signed_in = jane.sign_in(&service, &app).await.approval_id;
        let outcome = jane.generate_recovery_codes(approval(&signed_in)).await;
        refused(outcome, REFUSED, not_accepted);

        let lenient = service.under(PolicyOverride {
            sign_in_authorizes_recovery_codes: Some(true),
            ..PolicyOverride::default()
        });
        let jane = jane.through(lenient.portal());
        lenient.advance(14 * 60);
        jane.generate_recovery_codes(approval(&signed_in))
            .await
            .unwrap();
        let again = jane.generate_recovery_codes(approval(&signed_in)).await;
        refused(again, REFUSED, not_accepted);
        let late = jane.sign_in(&lenient, &app).await.approval_id;
        lenient.advance(15 * 60 + 1);
        let outcome = jane.generate_recovery_codes(approval(&late)).await;
        refused(outcome, REFUSED, not_accepted);
        let other = jane.sign_in(&lenient, &app).await.approval_id;
        let outcome = jane.disable_two_factor(approval(&other)).await;
        refused(outcome, REFUSED, not_accepted);
    });
}

/// The mailbox first, an app as a backup.
#[test]
fn s14_an_app_that_is_added_as_a_backup_does_not_become_the_default() {
    on_both_pairs(async |service| {
        let service = service.under(PolicyOverride {
            added_method_keeps_default: Some(true),
            ..PolicyOverride::default()
        });
        let jane = service.person().await;
        let word = jane.attested(&service, add_method(MethodKind::Email));
        let email = jane.enroll_email(word).await.method.unwrap().method_id;
        let proof = step_up_by_mail(&service, &jane, add_method(MethodKind::Totp)).await;
        let app = jane.enroll_app_with(&service, proof).await;
        let settings = jane.settings().await;
        assert_eq!(settings.default_method_id, email);
        assert_eq!(settings.default_reason(), pb::DefaultReason::Oldest);
        service.advance(180);
        assert_eq!(jane.issue().await.kind(), MethodKind::Email);
        jane.sign_in(&service, &app).await;
    });
}
