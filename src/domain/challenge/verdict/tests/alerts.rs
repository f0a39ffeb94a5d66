use super::*;
use crate::{
    device::{DeviceName, DeviceTokenHash, SeriesHash},
    notice::alert::SecurityAlert,
};

fn device_update() -> DeviceUpdate {
    DeviceUpdate {
        id: id(9),
        name: DeviceName::made_up(None, None, None),
        app: None,
        series: SeriesHash::from_bytes([1; 16]),
        token: DeviceTokenHash::from_bytes([2; 16]),
        presented: None,
        proved_by: MethodKind::Totp,
        place: None,
        trusted_until: None,
        at_most: 20,
    }
}

fn failed(minutes_ago: &[u64]) -> VerdictInputs {
    let at = |ago: &u64| NOW.minus(minutes(*ago));
    inputs_with(|inputs| inputs.failed_at = minutes_ago.iter().map(at).collect())
}

fn notified(inputs: VerdictInputs) -> VerdictInputs {
    VerdictInputs {
        window_announced: true,
        ..inputs
    }
}

#[test]
fn a_sign_in_by_recovery_code_is_told_with_what_is_left() {
    let alert = right(recovery_code()).approval_alert(&inputs(), 2);
    assert_eq!(alert, Some(SecurityAlert::RecoveryCodeUsed { left: 2 }));
    assert_eq!(right(at_step(3)).approval_alert(&inputs(), 2), None);
}

#[test]
fn trust_that_a_policy_gives_is_told_unless_the_user_took_it_back() {
    let on = |trusted_until| VerdictRequest {
        device: Some(DeviceUpdate {
            trusted_until,
            ..device_update()
        }),
        ..right(at_step(3))
    };
    let trusts = on(Some(NOW.plus(minutes(60))));
    let withdrawn = inputs_with(|inputs| inputs.trust_withdrawn = true);
    assert_eq!(
        trusts.approval_alert(&inputs(), 2),
        Some(SecurityAlert::DeviceTrusted)
    );
    assert_eq!(trusts.approval_alert(&withdrawn, 2), None);
    assert_eq!(on(None).approval_alert(&inputs(), 2), None);
}

#[test]
fn the_failure_that_fills_a_window_is_told() {
    let alerts = |inputs| wrong().rejection_alerts(&inputs);
    assert_eq!(alerts(failed(&[])), []);
    assert_eq!(
        alerts(failed(&[14])),
        [SecurityAlert::ManyWrongCodes],
        "the short"
    );
    assert_eq!(alerts(failed(&[15])), [], "one of them has slid out");
    let long = failed(&[16, 30, 45]);
    assert_eq!(alerts(long), [SecurityAlert::ManyWrongCodes], "the long");
}

#[test]
fn it_is_told_once_until_the_window_was_empty() {
    let alerts = |inputs| wrong().rejection_alerts(&inputs);
    assert_eq!(alerts(notified(failed(&[14]))), []);
    assert_eq!(alerts(notified(failed(&[16, 30, 45]))), []);
    let two = RateLimitWindows::only(RateLimit::new(1, minutes(15)));
    let mut next = wrong();
    next.attempt.windows = two;
    let after = notified(failed(&[15]));
    assert!(next.window_was_empty(&after));
    assert_eq!(
        next.rejection_alerts(&after),
        [SecurityAlert::ManyWrongCodes]
    );
}

#[test]
fn the_failure_that_disables_a_method_is_told_once() {
    let at = |consecutive_failures, disabled| {
        let inputs = method_status(|method| {
            method.consecutive_failures = consecutive_failures;
            method.disabled = disabled;
        });
        wrong().rejection_alerts(&inputs)
    };
    let disabled = SecurityAlert::MethodDisabled {
        method: id(4),
        kind: MethodKind::Totp,
    };
    assert_eq!(at(98, false), []);
    assert_eq!(at(99, false), [disabled]);
    assert_eq!(at(100, true), []);
}

#[test]
fn no_method_is_disabled_where_none_was_asked_or_it_is_gone() {
    let inputs = method_status(|method| method.consecutive_failures = 99);
    let unasked = VerdictRequest {
        asked: None,
        ..wrong()
    };
    assert_eq!(unasked.rejection_alerts(&inputs), []);
    let gone = inputs_with(|inputs| inputs.method = None);
    assert_eq!(wrong().rejection_alerts(&gone), []);
}
