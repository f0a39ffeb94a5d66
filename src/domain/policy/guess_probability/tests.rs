use super::*;
use crate::{
    challenge::{code::DigitCount, totp::StepTolerance},
    fixtures::NOW,
    method::MethodStrength,
    policy::{AttemptBudgets, PolicyRules},
    value::time::Timestamp,
};
use proptest::prelude::*;

const STRANGER: [AttemptClass; 1] = [AttemptClass::Unknown];
const THIEF: [AttemptClass; 2] = [AttemptClass::Unknown, AttemptClass::Known];

fn near(one: f64, other: f64) -> bool {
    (one - other).abs() <= 1e-9
}

#[test]
fn fourteen_attempts_a_day_at_three_steps_of_an_app() {
    let guess_probability = Policy::built_in()
        .guess_probability(MethodKinds::ALL, &STRANGER)
        .unwrap();
    assert_eq!(
        (guess_probability.kind, guess_probability.right_codes),
        (MethodKind::Totp, 3)
    );
    assert_eq!(
        (guess_probability.digits, guess_probability.attempts_per_day),
        (6, 14)
    );
    assert!(
        near(guess_probability.per_day, 42e-6),
        "{guess_probability:?}"
    );
    assert!(
        near(
            guess_probability.per_year,
            1.0 - (1.0_f64 - 42e-6).powi(365)
        ),
        "{guess_probability:?}"
    );
}

#[test]
fn a_known_device_adds_its_own_budget_and_no_more_than_twenty_a_day() {
    let guess_probability = Policy::built_in()
        .guess_probability(MethodKinds::ALL, &THIEF)
        .unwrap();
    assert_eq!(guess_probability.attempts_per_day, 20);
    assert!(
        near(guess_probability.per_day, 60e-6),
        "{guess_probability:?}"
    );
}

#[test]
fn one_code_of_a_message_is_right() {
    let sms = MethodKinds::from_iter([MethodKind::Sms]);
    let guess_probability = Policy::built_in()
        .guess_probability(sms, &STRANGER)
        .unwrap();
    assert_eq!(
        (guess_probability.kind, guess_probability.right_codes),
        (MethodKind::Sms, 1)
    );
    assert!(
        near(guess_probability.per_day, 14e-6),
        "{guess_probability:?}"
    );
}

#[test]
fn where_no_code_lets_anybody_in_there_is_nothing_to_guess() {
    let off = Policy {
        rules: PolicyRules {
            two_factor: TwoFactorMode::Off,
            ..PolicyRules::built_in()
        },
        ..Policy::built_in()
    };
    assert_eq!(off.guess_probability(MethodKinds::ALL, &STRANGER), None);
    assert_eq!(
        Policy::built_in().guess_probability(MethodKinds::NONE, &STRANGER),
        None
    );
    let strong = Policy {
        rules: PolicyRules {
            sign_in_strength: MethodStrength::Strong,
            ..PolicyRules::built_in()
        },
        ..Policy::built_in()
    };
    let email = MethodKinds::from_iter([MethodKind::Email]);
    assert_eq!(strong.guess_probability(email, &STRANGER), None);
}

/// The attempts of an attacker who submits one whenever the windows permit it, for this span.
fn greedy(windows: RateLimitWindows, span: Duration) -> u32 {
    let (mut now, mut charged): (Timestamp, Vec<Timestamp>) = (NOW, Vec::new());
    let end = NOW.plus(span);
    while now < end {
        match windows.full_until(charged.iter().copied(), now) {
            None => charged.push(now),
            Some(until) => now = until,
        }
    }
    u32::try_from(charged.len()).unwrap()
}

fn limits() -> impl Strategy<Value = RateLimit> {
    (1..20_u32, 1..200_u64).prop_map(|(count, minutes)| {
        let within = Duration::from_mins(minutes * 10);
        RateLimit::new(count, within)
    })
}

fn policies() -> impl Strategy<Value = Policy> {
    let numbers = (6..=10_u8, 0..3_u64, 0..3_u64);
    (numbers, limits(), limits()).prop_map(|((digits, past, future), short, long)| {
        let windows = RateLimitWindows { short, long };
        Policy {
            code_digits: DigitCount::new(digits).unwrap(),
            totp_tolerance: StepTolerance { past, future },
            wrong_codes: AttemptBudgets {
                unknown: windows,
                known: windows,
                recovery: windows,
            },
            ..Policy::built_in()
        }
    })
}

proptest! {
    #![proptest_config(crate::fixtures::properties(128))]

    /// An attacker who submits codes as soon as the budget permits it never exceeds the stated probability.
    #[test]
    fn nobody_guesses_more_often_than_is_said(short in limits(), long in limits(), hours in 1..48_u64) {
        let span = Duration::from_hours(hours);
        let both = RateLimitWindows { short, long };
        prop_assert!(greedy(both, span) <= attempts_within(both, span));
        let one = RateLimitWindows::only(short);
        prop_assert_eq!(greedy(one, span), attempts_within(one, span));
    }

    #[test]
    fn chances_are_chances_and_a_year_is_worse_than_a_day(policy in policies()) {
        let guess_probability = policy.guess_probability(MethodKinds::ALL, &THIEF).unwrap();
        for chance in [guess_probability.per_day, guess_probability.per_year] {
            prop_assert!((0.0..=1.0).contains(&chance), "{:?}", guess_probability);
        }
        prop_assert!(guess_probability.per_year >= guess_probability.per_day);
    }

    /// An attacker who gets a new code for each attempt can't exclude the codes that were wrong.
    #[test]
    fn who_may_exclude_wrong_codes_is_at_least_as_good_as_who_may_not(policy in policies()) {
        let guess_probability = policy.guess_probability(MethodKinds::ALL, &STRANGER).unwrap();
        let one = f64::from(guess_probability.right_codes) / 10_f64.powi(i32::from(guess_probability.digits));
        let independent = 1.0 - (1.0 - one).powi(guess_probability.attempts_per_day.try_into().unwrap());
        prop_assert!(guess_probability.per_day >= independent - 1e-9);
    }

    #[test]
    fn stricter_numbers_never_help_the_guesser(policy in policies()) {
        let chance = |policy: &Policy, kind| {
            policy.guess_probability(MethodKinds::from_iter([kind]), &STRANGER).unwrap().per_year
        };
        let longer = Policy {
            code_digits: DigitCount::TEN,
            ..policy.clone()
        };
        prop_assert!(chance(&longer, MethodKind::Sms) <= chance(&policy, MethodKind::Sms));
        let strict = Policy {
            totp_tolerance: StepTolerance { past: 0, future: 0 },
            ..policy.clone()
        };
        prop_assert!(chance(&strict, MethodKind::Totp) <= chance(&policy, MethodKind::Totp));
        let fewer = Policy {
            wrong_codes: AttemptBudgets {
                unknown: RateLimitWindows::only(RateLimit::new(1, Duration::from_hours(24))),
                ..policy.wrong_codes
            },
            ..policy.clone()
        };
        prop_assert!(chance(&fewer, MethodKind::Sms) <= chance(&policy, MethodKind::Sms));
    }
}
