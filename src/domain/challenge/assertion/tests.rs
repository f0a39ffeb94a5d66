use super::*;
use crate::{
    authorization::action::TransactionDigest,
    fixtures::{EPOCH, NOW, approval, assert_all_differ, id, jane},
};

const ISSUER: &str = "https://two-factor.example.com";

fn audience() -> Audience {
    Audience::new("shop")
}

fn for_audience(approval: Approval) -> Approval {
    Approval {
        audience: Some(audience()),
        ..approval
    }
}

fn claims(approval: Approval) -> AssertionClaims {
    AssertionClaims::of(&for_audience(approval), ISSUER).unwrap()
}

fn answered_by(answered_by: AnsweredBy) -> Approval {
    Approval {
        answered_by,
        ..approval()
    }
}

fn for_purpose(purpose: ApprovedPurpose) -> Approval {
    Approval {
        purpose,
        ..approval()
    }
}

fn step_up() -> ApprovedPurpose {
    ApprovedPurpose::StepUp {
        action: "caller:pay".to_owned(),
        digest: Some(TransactionDigest::from_bytes([0; 32])),
    }
}

fn allowed() -> AssertionClaims {
    let pass = SecondFactorExemption::NotRequired { enroll_by: None };
    AssertionClaims::of_allowed(ISSUER, &audience(), &jane(), id(1), pass, NOW)
}

#[test]
fn an_assertion_names_issuer_audience_user_tenant_and_approval() {
    let claims = claims(approval());
    assert_eq!(claims.iss, ISSUER);
    assert_eq!(claims.aud, "shop");
    assert_eq!(claims.sub, "jane");
    assert_eq!(claims.tenant, "acme");
    assert_eq!(claims.approval_id, Some(approval().id.to_string()));
    assert_eq!(claims.purpose, "SIGN_IN");
    assert_eq!(claims.allowed, None);
}

#[test]
fn an_assertion_lives_for_60_seconds_from_the_answer() {
    let claims = claims(approval());
    assert_eq!(claims.auth_time, NOW.seconds());
    assert_eq!(claims.iat, NOW.seconds());
    assert_eq!(claims.exp, NOW.seconds() + 60);
}

#[test]
fn without_an_audience_there_is_no_assertion() {
    assert_eq!(AssertionClaims::of(&approval(), ISSUER), None);
}

#[test]
fn an_assertion_is_the_same_whenever_it_is_asked_for() {
    let epoch_since = Approval {
        epoch: EPOCH.grown(),
        ..approval()
    };
    assert_eq!(claims(epoch_since), claims(approval()));
}

/// SHA-256 of the label and the id of the approval, calculated by hand.
#[test]
fn the_id_of_an_assertion_comes_from_its_approval() {
    assert_eq!(claims(approval()).jti, "2ece48a5a54a8ec0a53fd8c5bcab1cff");
    let others = (2..5).map(|seed| Approval {
        id: id(seed),
        ..approval()
    });
    assert_all_differ(others.map(|approval| claims(approval).jti));
}

#[test]
fn a_sign_in_says_what_was_used_and_what_that_proves() {
    for (kind, amr, acr) in [
        (MethodKind::Totp, vec!["otp", "mfa"], "strong"),
        (MethodKind::Sms, vec!["sms", "mfa"], "restricted"),
        (MethodKind::Email, vec!["urn:countersign:amr:email"], "low"),
    ] {
        let claims = claims(answered_by(AnsweredBy::Code(kind)));
        assert_eq!(claims.amr, amr);
        assert_eq!(claims.acr, format!("urn:countersign:acr:{acr}"));
    }
}

#[test]
fn a_sign_in_by_recovery_code_claims_neither_otp_nor_mfa() {
    let claims = claims(answered_by(AnsweredBy::RecoveryCode));
    assert_eq!(claims.amr, ["urn:countersign:amr:recovery_code"]);
    assert_eq!(claims.acr, "urn:countersign:acr:recovery");
}

#[test]
fn only_a_sign_in_claims_two_factors() {
    for purpose in [
        step_up(),
        ApprovedPurpose::Enrollment,
        ApprovedPurpose::VerifyEmail,
    ] {
        for kind in MethodKind::ALL {
            let approval = Approval {
                answered_by: AnsweredBy::Code(kind),
                ..for_purpose(purpose.clone())
            };
            assert!(!claims(approval).amr.contains(&"mfa"), "{purpose:?}");
        }
    }
}

#[test]
fn a_step_up_by_app_or_text_message_says_so() {
    for (kind, amr) in [(MethodKind::Totp, "otp"), (MethodKind::Sms, "sms")] {
        let approval = Approval {
            answered_by: AnsweredBy::Code(kind),
            ..for_purpose(step_up())
        };
        assert_eq!(claims(approval).amr, [amr]);
    }
}

#[test]
fn a_step_up_names_its_action_and_what_was_shown() {
    let claims = claims(for_purpose(step_up()));
    assert_eq!(claims.purpose, "STEP_UP");
    assert_eq!(claims.action.as_deref(), Some("caller:pay"));
    assert_eq!(claims.transaction_digest, Some("A".repeat(43)));
}

#[test]
fn a_sign_in_names_no_action() {
    let claims = claims(approval());
    assert_eq!(claims.action, None);
    assert_eq!(claims.transaction_digest, None);
}

#[test]
fn a_sign_in_that_needed_no_second_factor_claims_none() {
    let claims = allowed();
    assert!(claims.amr.is_empty());
    assert_eq!(claims.acr, "urn:countersign:acr:none");
    assert_eq!(claims.allowed, Some("NOT_REQUIRED"));
    assert_eq!(claims.approval_id, None);
}

#[test]
fn a_sign_in_that_needed_no_second_factor_has_an_id_and_an_end_all_the_same() {
    let claims = allowed();
    assert_eq!(claims.jti.len(), 32);
    assert_eq!(claims.exp, NOW.seconds() + 60);
    assert_eq!((claims.sub.as_str(), claims.purpose), ("jane", "SIGN_IN"));
}

#[test]
fn a_trusted_device_stands_for_no_factor() {
    let claims = allowed().on_trusted_device();
    assert_eq!(claims.amr, ["urn:countersign:amr:trusted_device"]);
    assert_eq!(claims.acr, allowed().acr);
    assert_eq!(claims.jti, allowed().jti);
}
