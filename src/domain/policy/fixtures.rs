//! Layers for tests.

use super::{ChangeKind, Kinds, Layer, RecoveryStyle, TwoFactorMode};
use crate::{
    code::DigitCount,
    country::Country,
    fixtures::{NOW, minutes},
    method::{Kind, Strength},
    profile::Group,
};
use std::time::Duration;

/// A layer that decides everything, otherwise than the built-in policy, within its bounds and without a conflict.
pub(crate) fn full() -> Layer {
    let yes = Some(true);
    let no = Some(false);
    Layer {
        two_factor: Some(TwoFactorMode::Required),
        required_from: Some(NOW),
        required_groups: Some(vec![Group::parse("staff").unwrap()]),
        grace_period: Some(Duration::from_hours(48)),
        allowed_kinds: Some([Kind::Totp, Kind::Email].into_iter().collect()),
        locked_kinds: Some(Kinds::from_iter([Kind::Email])),
        default_kind: Some(Kind::Totp),
        default_locked: yes,
        users_may_change: no,
        single_method: yes,
        password_suffices: Some(vec![ChangeKind::DisableTwoFactor]),
        attestation_suffices: Some(vec![ChangeKind::TrustDevice]),
        sign_in_strength: Some(Strength::Restricted),
        step_up_strength: Some(Strength::Strong),
        recovery_style: Some(RecoveryStyle::Key),
        recovery_codes: Some(12),
        trusted_devices: no,
        trust_life: Some(Duration::from_hours(24)),
        mobile_trusted_automatically: yes,
        challenge_every_sign_in: yes,
        logged_out_reset: yes,
        reset_hold: Some(Duration::from_hours(96)),
        reset_beside_mailed_password: yes,
        confirmations: no,
        email_must_be_verified: no,
        case_sensitive_ids: yes,
        code_digits: Some(DigitCount::TEN),
        challenge_life: Some(minutes(10)),
        attempts_per_challenge: Some(3),
        strict_totp: yes,
        sms_countries: Some(vec![Country::parse("DE").unwrap()]),
    }
}
