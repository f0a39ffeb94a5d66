//! Policy overrides for tests.

use super::{MethodKinds, PolicyOverride, ProtectedChange, RecoveryStyle, TwoFactorMode};
use crate::{
    account::groups::GroupName,
    challenge::code::DigitCount,
    fixtures::{NOW, minutes},
    method::{MethodKind, MethodStrength},
    value::country::Country,
};
use std::time::Duration;

/// An override that decides every field, differs from the built-in policy, and has neither conflicts nor values out of
/// bounds.
pub(crate) fn full() -> PolicyOverride {
    let yes = Some(true);
    let no = Some(false);
    PolicyOverride {
        two_factor: Some(TwoFactorMode::Required),
        required_from: Some(NOW),
        required_groups: Some(vec![GroupName::parse("staff").unwrap()]),
        grace_period: Some(Duration::from_hours(48)),
        allowed_kinds: Some([MethodKind::Totp, MethodKind::Email].into_iter().collect()),
        locked_kinds: Some(MethodKinds::from_iter([MethodKind::Email])),
        default_kind: Some(MethodKind::Totp),
        default_locked: yes,
        users_may_change: no,
        single_method: yes,
        password_suffices: Some(vec![ProtectedChange::DisableTwoFactor]),
        attestation_suffices: Some(vec![ProtectedChange::TrustDevice]),
        mailbox_code_suffices: Some(vec![ProtectedChange::GenerateRecoveryCodes]),
        sign_in_authorizes_recovery_codes: yes,
        added_method_keeps_default: yes,
        sign_in_strength: Some(MethodStrength::Restricted),
        step_up_strength: Some(MethodStrength::Strong),
        recovery_style: Some(RecoveryStyle::Key),
        recovery_codes: Some(12),
        trusted_devices: no,
        trust_lifetime: Some(Duration::from_hours(24)),
        mobile_trusted_automatically: yes,
        challenge_every_sign_in: yes,
        logged_out_reset: yes,
        reset_hold: Some(Duration::from_hours(96)),
        reset_beside_mailed_password: yes,
        change_notices: no,
        mask_account_name: yes,
        email_must_be_verified: no,
        case_sensitive_ids: yes,
        code_digits: Some(DigitCount::TEN),
        challenge_lifetime: Some(minutes(10)),
        attempts_per_challenge: Some(3),
        strict_totp: yes,
        sms_countries: Some(vec![Country::parse("DE").unwrap()]),
    }
}
