use super::*;
use crate::{
    alarm::Alarm,
    device::{DeviceName, SeriesHash, TokenHash},
};

fn device_seen() -> DeviceSeen {
    DeviceSeen {
        id: id(9),
        name: DeviceName::made_up(None, None, None),
        app: None,
        series: SeriesHash::from_bytes([1; 16]),
        token: TokenHash::from_bytes([2; 16]),
        presented: None,
        proved_by: Kind::Totp,
        trusted_until: None,
        at_most: 20,
    }
}

fn failed(minutes_ago: &[u64]) -> Facts {
    let at = |ago: &u64| NOW.minus(minutes(*ago));
    facts_with(|facts| facts.failed_at = minutes_ago.iter().map(at).collect())
}

fn told(facts: Facts) -> Facts {
    Facts {
        window_announced: true,
        ..facts
    }
}

#[test]
fn a_sign_in_by_recovery_code_is_told_with_what_is_left() {
    let alarm = right(recovery_code()).alarm_of_approval(&facts(), 2);
    assert_eq!(alarm, Some(Alarm::RecoveryCodeUsed { left: 2 }));
    assert_eq!(right(at_step(3)).alarm_of_approval(&facts(), 2), None);
}

#[test]
fn trust_that_a_policy_gives_is_told_unless_the_user_took_it_back() {
    let on = |trusted_until| Settlement {
        device: Some(DeviceSeen {
            trusted_until,
            ..device_seen()
        }),
        ..right(at_step(3))
    };
    let trusts = on(Some(NOW.plus(minutes(60))));
    let withdrawn = facts_with(|facts| facts.trust_withdrawn = true);
    assert_eq!(
        trusts.alarm_of_approval(&facts(), 2),
        Some(Alarm::DeviceTrusted)
    );
    assert_eq!(trusts.alarm_of_approval(&withdrawn, 2), None);
    assert_eq!(on(None).alarm_of_approval(&facts(), 2), None);
}

#[test]
fn the_failure_that_fills_a_window_is_told() {
    let alarms = |facts| wrong().alarms_of_rejection(&facts);
    assert_eq!(alarms(failed(&[])), []);
    assert_eq!(alarms(failed(&[14])), [Alarm::ManyWrongCodes], "the short");
    assert_eq!(alarms(failed(&[15])), [], "one of them has slid out");
    let long = failed(&[16, 30, 45]);
    assert_eq!(alarms(long), [Alarm::ManyWrongCodes], "the long");
}

#[test]
fn it_is_told_once_until_the_window_was_empty() {
    let alarms = |facts| wrong().alarms_of_rejection(&facts);
    assert_eq!(alarms(told(failed(&[14]))), []);
    assert_eq!(alarms(told(failed(&[16, 30, 45]))), []);
    let two = Windows::only(Limit::new(1, minutes(15)));
    let mut next = wrong();
    next.guess.windows = two;
    let after = told(failed(&[15]));
    assert!(next.window_was_empty(&after));
    assert_eq!(next.alarms_of_rejection(&after), [Alarm::ManyWrongCodes]);
}

#[test]
fn the_failure_that_disables_a_method_is_told_once() {
    let at = |consecutive_failures, disabled| {
        let facts = method_facts(|method| {
            method.consecutive_failures = consecutive_failures;
            method.disabled = disabled;
        });
        wrong().alarms_of_rejection(&facts)
    };
    let disabled = Alarm::MethodDisabled {
        method: id(4),
        kind: Kind::Totp,
    };
    assert_eq!(at(98, false), []);
    assert_eq!(at(99, false), [disabled]);
    assert_eq!(at(100, true), []);
}

#[test]
fn no_method_is_disabled_where_none_was_asked_or_it_is_gone() {
    let facts = method_facts(|method| method.consecutive_failures = 99);
    let unasked = Settlement {
        asked: None,
        ..wrong()
    };
    assert_eq!(unasked.alarms_of_rejection(&facts), []);
    let gone = facts_with(|facts| facts.method = None);
    assert_eq!(wrong().alarms_of_rejection(&gone), []);
}
