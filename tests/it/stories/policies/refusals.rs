//! What is refused: bad values, contradictions, callers without the right.

use super::{Administrator, changes, kinds, mask, mode, refusal, seconds};
use crate::support::on_embedded;
use countersign_proto::v1::{self as pb, TwoFactorMode};
use prost_types::Duration;
use tonic::Code;

/// A policy that decides one thing.
fn with(decide: impl FnOnce(&mut pb::Policy)) -> pb::Policy {
    let mut policy = pb::Policy::default();
    decide(&mut policy);
    policy
}

#[test]
fn s30_the_policy_needs_a_right_of_its_own() {
    on_embedded(async |service| {
        let company = Administrator::new(&service).await;
        let mut policies = service.caller("keys-only").policies;
        let get = pb::GetPolicyRequest {
            tenant_id: company.tenant(),
        };
        let explain = pb::ExplainPolicyRequest {
            tenant_id: company.tenant(),
            user_id: String::new(),
        };
        let update = company.request(mode(TwoFactorMode::Off));
        let denied = [
            policies.get_policy(get).await.unwrap_err(),
            policies.explain_policy(explain).await.unwrap_err(),
            policies.update_policy(update).await.unwrap_err(),
        ];
        for status in denied {
            let (code, reason, _) = refusal(&status);
            assert_eq!(
                (code, reason.as_str()),
                (Code::PermissionDenied, "RIGHT_MISSING")
            );
        }
        assert_eq!(company.get().await.policy.unwrap().two_factor, None);
    });
}

#[test]
fn s30_what_is_out_of_bounds_is_told_by_its_field() {
    on_embedded(async |service| {
        let company = Administrator::new(&service).await;
        let bad = [
            ("policy.etag", with(|policy| policy.etag = "1".to_owned())),
            (
                "policy.two_factor",
                with(|policy| policy.two_factor = Some(0)),
            ),
            (
                "policy.two_factor",
                with(|policy| policy.two_factor = Some(9)),
            ),
            (
                "policy.grace_period",
                with(|policy| policy.grace_period = seconds(-1)),
            ),
            (
                "policy.grace_period",
                with(|policy| policy.grace_period = seconds(90 * 86_400 + 1)),
            ),
            (
                "policy.grace_period",
                with(|policy| {
                    policy.grace_period = Some(Duration {
                        seconds: 1,
                        nanos: 1,
                    });
                }),
            ),
            (
                "policy.required_from",
                with(|policy| {
                    policy.required_from = Some(prost_types::Timestamp {
                        seconds: -1,
                        nanos: 0,
                    });
                }),
            ),
            (
                "policy.required_groups.names",
                with(|policy| {
                    policy.required_groups = Some(pb::Groups {
                        names: vec![String::new()],
                    });
                }),
            ),
            (
                "policy.required_groups",
                with(|policy| {
                    policy.required_groups = Some(pb::Groups {
                        names: (0..301).map(|n| n.to_string()).collect(),
                    });
                }),
            ),
            (
                "policy.allowed_kinds",
                with(|policy| policy.allowed_kinds = Some(pb::MethodKinds { kinds: vec![0] })),
            ),
            (
                "policy.default_kind",
                with(|policy| policy.default_kind = Some(77)),
            ),
            (
                "policy.password_suffices",
                with(|policy| {
                    policy.password_suffices = Some(pb::ChangeKinds { changes: vec![99] });
                }),
            ),
            (
                "policy.sign_in_strength",
                with(|policy| policy.sign_in_strength = Some(0)),
            ),
            (
                "policy.recovery_style",
                with(|policy| policy.recovery_style = Some(0)),
            ),
            (
                "policy.recovery_codes",
                with(|policy| policy.recovery_codes = Some(3)),
            ),
            (
                "policy.recovery_codes",
                with(|policy| policy.recovery_codes = Some(u32::MAX)),
            ),
            (
                "policy.trust_lifetime",
                with(|policy| policy.trust_lifetime = seconds(3599)),
            ),
            (
                "policy.trust_lifetime",
                with(|policy| policy.trust_lifetime = seconds(i64::MAX)),
            ),
            (
                "policy.reset_hold",
                with(|policy| policy.reset_hold = seconds(23 * 3600)),
            ),
            (
                "policy.code_digits",
                with(|policy| policy.code_digits = Some(5)),
            ),
            (
                "policy.code_digits",
                with(|policy| policy.code_digits = Some(11)),
            ),
            (
                "policy.challenge_lifetime",
                with(|policy| policy.challenge_lifetime = seconds(601)),
            ),
            (
                "policy.attempts_per_challenge",
                with(|policy| policy.attempts_per_challenge = Some(0)),
            ),
            (
                "policy.sms_countries",
                with(|policy| policy.sms_countries = Some(pb::Countries::default())),
            ),
            (
                "policy.sms_countries.codes",
                with(|policy| {
                    policy.sms_countries = Some(pb::Countries {
                        codes: vec!["de".to_owned()],
                    });
                }),
            ),
        ];
        for (field, policy) in bad {
            let status = company.update(policy).await.unwrap_err();
            let (code, reason, told) = refusal(&status);
            assert_eq!(
                (code, reason.as_str()),
                (Code::InvalidArgument, "INVALID_FIELD"),
                "{field}"
            );
            assert_eq!(told.as_deref(), Some(field));
        }
        let required = || company.request(mode(TwoFactorMode::Required));
        let bad = [
            (
                "acting_user_id",
                pb::UpdatePolicyRequest {
                    acting_user_id: String::new(),
                    ..required()
                },
            ),
            (
                "reason",
                pb::UpdatePolicyRequest {
                    reason: String::new(),
                    ..required()
                },
            ),
            (
                "reason",
                pb::UpdatePolicyRequest {
                    reason: "two\nlines".to_owned(),
                    ..required()
                },
            ),
            (
                "update_mask",
                pb::UpdatePolicyRequest {
                    update_mask: mask(&["etag"]),
                    ..required()
                },
            ),
            (
                "update_mask",
                pb::UpdatePolicyRequest {
                    update_mask: mask(&["two_factor", "two_factor"]),
                    ..required()
                },
            ),
            (
                "tenant_id",
                pb::UpdatePolicyRequest {
                    tenant_id: "no tenant".to_owned(),
                    ..required()
                },
            ),
        ];
        for (field, request) in bad {
            let status = company.send(request).await.unwrap_err();
            let (code, _, told) = refusal(&status);
            assert_eq!(
                (code, told.as_deref()),
                (Code::InvalidArgument, Some(field))
            );
        }
        assert_eq!(
            company.get().await.policy.unwrap().update_time,
            None,
            "nothing was written"
        );
    });
}

#[test]
fn s30_a_policy_that_contradicts_itself_is_refused_with_what_would_do() {
    use pb::MethodKind::{Email, Totp};
    on_embedded(async |service| {
        let company = Administrator::new(&service).await;
        let contradictions = [
            (
                with(|policy| policy.allowed_kinds = kinds(&[])),
                "allowed_kinds",
            ),
            (
                with(|policy| {
                    policy.allowed_kinds = kinds(&[Totp]);
                    policy.default_kind = Some(Email.into());
                }),
                "default_kind",
            ),
            (
                with(|policy| {
                    policy.allowed_kinds = kinds(&[Email]);
                    policy.sign_in_strength = Some(pb::MethodStrength::Strong.into());
                }),
                "sign_in_strength",
            ),
            (
                with(|policy| {
                    policy.two_factor = Some(TwoFactorMode::Required.into());
                    policy.locked_kinds = kinds(&[Totp, Email, pb::MethodKind::Sms]);
                }),
                "unlock",
            ),
            (
                with(|policy| policy.password_suffices = changes(&[pb::ChangeKind::AddMethod])),
                "DISABLE_TWO_FACTOR",
            ),
            (
                with(|policy| {
                    policy.attestation_suffices = changes(&[pb::ChangeKind::ReplaceMethod]);
                }),
                "DISABLE_TWO_FACTOR",
            ),
            (
                with(|policy| {
                    policy.attestation_suffices = changes(&[pb::ChangeKind::GenerateRecoveryCodes]);
                }),
                "DISABLE_TWO_FACTOR",
            ),
            (
                with(|policy| {
                    policy.password_suffices = changes(&[pb::ChangeKind::RemoveMethod]);
                }),
                "DISABLE_TWO_FACTOR",
            ),
            (
                with(|policy| {
                    policy.logged_out_reset = Some(true);
                    policy.allowed_kinds = kinds(&[Email]);
                }),
                "logged_out_reset",
            ),
        ];
        for (policy, said) in contradictions {
            let status = company.update(policy).await.unwrap_err();
            let (code, reason, _) = refusal(&status);
            assert_eq!(
                (code, reason.as_str()),
                (Code::FailedPrecondition, "POLICY_CONFLICT")
            );
            assert!(
                status.message().contains(said),
                "{said}: {}",
                status.message()
            );
        }
        assert_eq!(
            company.get().await.policy.unwrap().update_time,
            None,
            "nothing was written"
        );
    });
}
