use super::*;
use crate::policy::fixtures::full;

#[test]
fn a_full_layer_and_an_empty_one_are_within_their_bounds() {
    assert_eq!(full().check(), Ok(()));
    assert_eq!(Layer::default().check(), Ok(()));
}

#[track_caller]
fn bounded(field: Field, layer_with: impl Fn(Duration) -> Layer, least: Duration, most: Duration) {
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
    let grace = |span| Layer {
        grace_period: Some(span),
        ..Layer::default()
    };
    bounded(Field::GracePeriod, grace, Duration::ZERO, 90 * DAY);
    let trust = |span| Layer {
        trust_life: Some(span),
        ..Layer::default()
    };
    bounded(Field::TrustLife, trust, HOUR, 90 * DAY);
    let hold = |span| Layer {
        reset_hold: Some(span),
        ..Layer::default()
    };
    bounded(Field::ResetHold, hold, DAY, 30 * DAY);
    let life = |span| Layer {
        challenge_life: Some(span),
        ..Layer::default()
    };
    bounded(Field::ChallengeLife, life, MINUTE, 10 * MINUTE);
}

#[test]
fn numbers_are_bounded_on_both_sides() {
    for (attempts, fits) in [(0, false), (1, true), (10, true), (11, false)] {
        let layer = Layer {
            attempts_per_challenge: Some(attempts),
            ..Layer::default()
        };
        assert_eq!(layer.check().is_ok(), fits, "{attempts}");
    }
    for (codes, fits) in [(3, false), (4, true), (32, true), (33, false)] {
        let layer = Layer {
            recovery_codes: Some(codes),
            ..Layer::default()
        };
        assert_eq!(layer.check().is_ok(), fits, "{codes}");
    }
}

#[test]
fn a_set_of_as_many_codes_as_may_be_fits_into_the_slots() {
    assert!(crate::recovery::Slot::new(32 - 1).is_some());
}

#[test]
fn no_country_at_all_is_said_by_the_allowed_kinds() {
    let layer = Layer {
        sms_countries: Some(Vec::new()),
        ..Layer::default()
    };
    let refused = layer.check().unwrap_err();
    assert_eq!(
        (refused.field, refused.why),
        ("policy.sms_countries", Malformed::Empty)
    );
}
