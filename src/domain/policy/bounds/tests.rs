use super::*;
use crate::policy::fixtures::full;

#[test]
fn a_full_layer_and_an_empty_one_are_within_their_bounds() {
    assert_eq!(full().check(), Ok(()));
    assert_eq!(PolicyOverride::default().check(), Ok(()));
}

#[track_caller]
fn bounded(
    field: PolicyField,
    layer_with: impl Fn(Duration) -> PolicyOverride,
    least: Duration,
    most: Duration,
) {
    let tick = Duration::from_millis(1);
    for fits in [least, most] {
        assert_eq!(layer_with(fits).check(), Ok(()), "{field:?} {fits:?}");
    }
    for beyond in [least.checked_sub(tick), Some(most + tick)] {
        let Some(beyond) = beyond else { continue };
        let refused = layer_with(beyond).check().unwrap_err();
        assert_eq!(refused.field, field.path());
    }
}

#[test]
fn spans_are_bounded_on_both_sides() {
    let grace = |span| PolicyOverride {
        grace_period: Some(span),
        ..PolicyOverride::default()
    };
    bounded(PolicyField::GracePeriod, grace, Duration::ZERO, 90 * DAY);
    let trust = |span| PolicyOverride {
        trust_lifetime: Some(span),
        ..PolicyOverride::default()
    };
    bounded(PolicyField::TrustLifetime, trust, HOUR, 90 * DAY);
    let hold = |span| PolicyOverride {
        reset_hold: Some(span),
        ..PolicyOverride::default()
    };
    bounded(PolicyField::ResetHold, hold, DAY, 30 * DAY);
    let lifetime = |span| PolicyOverride {
        challenge_lifetime: Some(span),
        ..PolicyOverride::default()
    };
    bounded(
        PolicyField::ChallengeLifetime,
        lifetime,
        MINUTE,
        10 * MINUTE,
    );
}

#[test]
fn numbers_are_bounded_on_both_sides() {
    for (attempts, fits) in [(0, false), (1, true), (10, true), (11, false)] {
        let layer = PolicyOverride {
            attempts_per_challenge: Some(attempts),
            ..PolicyOverride::default()
        };
        assert_eq!(layer.check().is_ok(), fits, "{attempts}");
    }
    for (codes, fits) in [(3, false), (4, true), (32, true), (33, false)] {
        let layer = PolicyOverride {
            recovery_codes: Some(codes),
            ..PolicyOverride::default()
        };
        assert_eq!(layer.check().is_ok(), fits, "{codes}");
    }
}

#[test]
fn a_set_of_as_many_codes_as_may_be_fits_into_the_slots() {
    assert!(crate::recovery::CodeSlot::new(32 - 1).is_some());
}

#[test]
fn no_country_at_all_is_said_by_the_allowed_kinds() {
    let layer = PolicyOverride {
        sms_countries: Some(Vec::new()),
        ..PolicyOverride::default()
    };
    let refused = layer.check().unwrap_err();
    assert_eq!(
        (refused.field, refused.why),
        ("policy.sms_countries", MalformedValue::Empty)
    );
}
