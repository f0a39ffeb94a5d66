//! A17, A23: what a recovery code that removed a lost method opens, and for whom.

use crate::{
    stories::lost_methods::{NUMBER, delete, lose_app, recovered, remove, step_up_by_mail},
    support::{
        changes::{disabling, new_codes},
        on_both_pairs, on_production,
        person::{add_method, approval},
        refused,
    },
};
use countersign_domain::{
    method::MethodStrength,
    policy::{PolicyOverride, RecoveryStyle},
};
use countersign_proto::v1::{self as pb, MethodKind, action::Action, begin_enrollment_request};
use tonic::Code;

const REFUSED: Code = Code::FailedPrecondition;

/// What would take two-factor over, or turn it off.
fn riskiest(email: &str) -> [Action; 5] {
    [
        add_method(MethodKind::Totp),
        Action::ReplaceMethod(pb::ReplaceMethod {
            method_id: email.to_owned(),
            kind: MethodKind::Totp.into(),
        }),
        new_codes(),
        disabling(),
        remove(email),
    ]
}

/// An attacker with the mailbox and one recovery code gets no further than the owner's lost app lets them.
#[test]
fn a17_a_lost_method_keeps_its_weight_against_the_mailbox_for_72_hours() {
    on_both_pairs(async |service| {
        let lost = lose_app(&service).await;
        let proof = recovered(&lost.jane, &lost.app.recovery_codes[0]).await;
        delete(&lost.jane, &lost.app.method_id, proof)
            .await
            .unwrap();
        let reason = "STRONGER_METHOD_REQUIRED";
        for action in riskiest(&lost.email) {
            service.advance(180);
            let issued = lost
                .jane
                .issue_with(lost.jane.step_up_request(action))
                .await;
            refused(issued, REFUSED, reason);
        }
        // An approval from before the rule looked is too weak as well.
        let action = Action::DisableTwoFactor(pb::DisableTwoFactor {});
        let weak = lost.jane.weak_approval(&service, &lost.email, action).await;
        refused(lost.jane.disable_two_factor(weak).await, REFUSED, reason);
        service.advance(180);
        let weak = lost
            .jane
            .weak_approval(&service, &lost.email, remove(&lost.email))
            .await;
        refused(delete(&lost.jane, &lost.email, weak).await, REFUSED, reason);
        assert_eq!(lost.jane.settings().await.methods.len(), 1);

        service.advance(72 * 3600);
        let action = Action::DisableTwoFactor(pb::DisableTwoFactor {});
        let later = step_up_by_mail(&service, &lost.jane, action).await;
        lost.jane.disable_two_factor(later).await.unwrap();
    });
}

/// Ordinary changes do not wear the weight of the lost method out.
#[test]
fn a17_no_number_of_changes_ends_the_weight_of_a_lost_method() {
    on_production(async |service| {
        let lost = lose_app(&service).await;
        let proof = recovered(&lost.jane, &lost.app.recovery_codes[0]).await;
        delete(&lost.jane, &lost.app.method_id, proof)
            .await
            .unwrap();
        for number in 0..30 {
            let request = pb::UpdateMethodRequest {
                tenant_id: lost.jane.tenant_id.clone(),
                user_id: lost.jane.user_id.clone(),
                method_id: lost.email.clone(),
                label: format!("Mail {number}"),
                ..pb::UpdateMethodRequest::default()
            };
            let mut methods = lost.jane.clients.methods.clone();
            methods.update_method(request).await.unwrap();
        }
        service.advance(180);
        let request = lost.jane.step_up_request(add_method(MethodKind::Totp));
        let issued = lost.jane.issue_with(request).await;
        refused(issued, REFUSED, "STRONGER_METHOD_REQUIRED");
    });
}

/// Without a lost method, the mailbox alone does: the harness sees what the weight holds back.
#[test]
fn a17_where_the_mailbox_is_all_there_is_it_lets_an_app_in_control() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let word = jane.attested(&service, add_method(MethodKind::Email));
        jane.enroll_email(word).await;
        let proof = step_up_by_mail(&service, &jane, add_method(MethodKind::Totp)).await;
        jane.enroll_app_with(&service, proof).await;
        assert_eq!(jane.settings().await.methods.len(), 2);
    });
}

#[test]
fn a23_one_recovery_approval_does_one_thing_once() {
    on_both_pairs(async |service| {
        let lost = lose_app(&service).await;
        let (jane, codes) = (&lost.jane, &lost.app.recovery_codes);
        let proof = recovered(jane, &codes[0]).await;
        delete(jane, &lost.app.method_id, proof.clone())
            .await
            .unwrap();
        let reason = "AUTHORIZATION_NOT_ACCEPTED";
        let totp = || begin_enrollment_request::Method::Totp(pb::EnrollTotp {});
        let request = jane.enrollment_request(totp(), proof.clone());
        refused(jane.begin_enrollment(request).await, REFUSED, reason);
        refused(
            delete(jane, &lost.email, proof.clone()).await,
            REFUSED,
            reason,
        );
        refused(
            jane.generate_recovery_codes(proof.clone()).await,
            REFUSED,
            reason,
        );
        refused(jane.disable_two_factor(proof).await, REFUSED, reason);

        let second = recovered(jane, &codes[1]).await;
        let request = jane.enrollment_request(totp(), second.clone());
        jane.begin_enrollment(request).await.unwrap();
        refused(delete(jane, &lost.email, second).await, REFUSED, reason);
    });
}

#[test]
fn a23_a_recovery_code_removes_no_method_that_nothing_is_left_beside() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        let app = jane.enroll_app(&service).await;
        let proof = recovered(&jane, &app.recovery_codes[0]).await;
        let outcome = delete(&jane, &app.method_id, proof.clone()).await;
        refused(outcome, REFUSED, "NO_METHOD_LEFT");

        let lost = lose_app(&service).await;
        let proof = recovered(&lost.jane, &lost.app.recovery_codes[0]).await;
        let strict = service.under(PolicyOverride {
            sign_in_strength: Some(MethodStrength::Restricted),
            ..PolicyOverride::default()
        });
        let there = lost.jane.through(strict.portal());
        let outcome = delete(&there, &lost.app.method_id, proof.clone()).await;
        refused(outcome, REFUSED, "NO_METHOD_LEFT");
        delete(&lost.jane, &lost.app.method_id, proof)
            .await
            .unwrap();
    });
}

/// What an administrator reads out lets a method in, and takes none away.
#[test]
fn a23_a_bypass_code_removes_nothing() {
    on_both_pairs(async |service| {
        let lost = lose_app(&service).await;
        let jane = &lost.jane;
        let bypass = jane.bypass(jane.bypass_request()).await.unwrap();
        let proof = recovered(jane, &bypass.bypass_code).await;
        let outcome = delete(jane, &lost.app.method_id, proof.clone()).await;
        refused(outcome, REFUSED, "AUTHORIZATION_NOT_ACCEPTED");
        // Nor does it do what a recovery code may do while a lost method has its weight.
        let own = recovered(jane, &lost.app.recovery_codes[0]).await;
        delete(jane, &lost.app.method_id, own).await.unwrap();
        let bypass = jane.bypass(jane.bypass_request()).await.unwrap();
        let proof = recovered(jane, &bypass.bypass_code).await;
        let reason = "AUTHORIZATION_NOT_ACCEPTED";
        refused(
            jane.generate_recovery_codes(proof.clone()).await,
            REFUSED,
            reason,
        );
        refused(jane.disable_two_factor(proof).await, REFUSED, reason);
    });
}

/// Another recovery code, or another app, does what the mailbox does not.
#[test]
fn a17_another_recovery_code_does_what_the_mailbox_does_not_control() {
    on_both_pairs(async |service| {
        let lost = lose_app(&service).await;
        let (jane, codes) = (&lost.jane, &lost.app.recovery_codes);
        let proof = recovered(jane, &codes[0]).await;
        delete(jane, &lost.app.method_id, proof).await.unwrap();
        let second = recovered(jane, &codes[1]).await;
        let app = jane.enroll_app_with(&service, second).await;
        let sms = jane
            .step_up(&service, &app, add_method(MethodKind::Sms))
            .await;
        jane.enroll_number(NUMBER, sms).await;
        let third = recovered(jane, &codes[2]).await;
        jane.disable_two_factor(third).await.unwrap();
        assert!(jane.settings().await.methods.is_empty());
    });
}

/// A recovery key opens as much as a code does: the next one is another one.
#[test]
fn a23_a_recovery_key_removes_one_method_and_the_next_one_another() {
    on_both_pairs(async |service| {
        let service = service.under(PolicyOverride {
            recovery_style: Some(RecoveryStyle::Key),
            ..PolicyOverride::default()
        });
        let lost = lose_app(&service).await;
        let challenge = lost.jane.issue_recovery_only().await.unwrap();
        let key = &lost.app.recovery_codes[0];
        let approved = lost.jane.approved(&challenge.challenge_id, key).await;
        let proof = approval(&approved.approval_id);
        delete(&lost.jane, &lost.app.method_id, proof.clone())
            .await
            .unwrap();
        let outcome = lost.jane.generate_recovery_codes(proof).await;
        refused(outcome, REFUSED, "AUTHORIZATION_NOT_ACCEPTED");
        let next = approved.next_recovery_key.unwrap().codes.remove(0);
        let proof = recovered(&lost.jane, &next).await;
        lost.jane.generate_recovery_codes(proof).await.unwrap();
    });
}
