use super::*;
use crate::fixtures::{minutes, seconds};

const POLICY: Policy = Policy::built_in();

/// The limit of one day, if the long window spans at least a day.
fn a_day(windows: RateLimitWindows) -> u32 {
    assert!(windows.long.within >= DAY);
    windows.long.count
}

#[test]
fn strangers_and_known_devices_together_guess_wrong_at_most_20_times_a_day() {
    let together = a_day(POLICY.wrong_codes.unknown) + a_day(POLICY.wrong_codes.known);
    assert_eq!(together, 20);
}

#[test]
fn strangers_guess_wrong_10_times_in_15_minutes_and_14_times_a_day() {
    let RateLimitWindows { short, long } = POLICY.wrong_codes.unknown;
    assert_eq!((short.count, short.within), (10, minutes(15)));
    assert_eq!((long.count, long.within), (14, DAY));
}

#[test]
fn known_devices_guess_wrong_5_times_in_15_minutes_and_6_times_a_day() {
    let RateLimitWindows { short, long } = POLICY.wrong_codes.known;
    assert_eq!((short.count, short.within), (5, minutes(15)));
    assert_eq!((long.count, long.within), (6, DAY));
}

#[test]
fn recovery_codes_have_a_window_of_their_own() {
    let RateLimitWindows { short, .. } = POLICY.wrong_codes.recovery;
    assert_eq!((short.count, short.within), (5, minutes(15)));
}

#[test]
fn each_class_of_attempts_has_its_own_windows() {
    let budgets = &POLICY.wrong_codes;
    assert_eq!(budgets.of(AttemptClass::Unknown), budgets.unknown);
    assert_eq!(budgets.of(AttemptClass::Known), budgets.known);
    assert_eq!(budgets.of(AttemptClass::Recovery), budgets.recovery);
}

#[test]
fn short_windows_are_shorter_and_narrower_than_long_ones() {
    let AttemptBudgets {
        unknown,
        known,
        recovery,
    } = POLICY.wrong_codes;
    let MessageBudgets {
        confirmed,
        unconfirmed,
        known_devices,
        approved,
        per_country,
        per_tenant,
        unconfirmed_emails,
        ..
    } = POLICY.sends;
    let spanning = [per_country, per_tenant].map(|sends| [sends.unconfirmed, sends.confirmed]);
    let each = [
        unknown,
        known,
        recovery,
        confirmed,
        unconfirmed,
        known_devices,
        approved,
        unconfirmed_emails,
    ];
    for RateLimitWindows { short, long } in each.into_iter().chain(spanning.into_iter().flatten()) {
        assert!(short.within <= long.within);
        assert!(short.count <= long.count);
    }
}

/// NIST SP 800-63B-4 §3.1.3.2.
#[test]
fn a_delivered_code_has_six_digits_and_lives_at_most_ten_minutes() {
    assert_eq!(POLICY.code_digits.get(), 6);
    assert_eq!(POLICY.challenge_lifetime, minutes(5));
    assert!(POLICY.challenge_lifetime <= minutes(10));
    assert!(POLICY.enrollment_lifetime <= minutes(10));
}

#[test]
fn a_challenge_bears_five_wrong_codes() {
    assert_eq!(POLICY.attempts_per_challenge, 5);
    assert!((1..=10).contains(&POLICY.attempts_per_challenge));
}

#[test]
fn a_user_has_at_most_five_open_challenges() {
    assert_eq!(POLICY.live_challenges, 5);
}

/// NIST SP 800-63B-4 §3.2.2.
#[test]
fn a_method_is_disabled_after_100_failures_in_a_row() {
    assert_eq!(POLICY.failures_until_disabled, 100);
}

#[test]
fn messages_wait_30_60_and_120_seconds_and_are_five_to_a_challenge() {
    assert_eq!(POLICY.sends.waits, [30, 60, 120].map(seconds));
    assert_eq!(POLICY.sends.per_challenge, 5);
}

#[test]
fn a_confirmed_destination_gets_5_messages_in_10_minutes_and_10_a_day() {
    let RateLimitWindows { short, long } = POLICY.sends.confirmed;
    assert_eq!((short.count, short.within), (5, minutes(10)));
    assert_eq!((long.count, long.within), (10, DAY));
}

#[test]
fn an_unconfirmed_destination_gets_3_messages_in_10_minutes_and_5_a_day() {
    let RateLimitWindows { short, long } = POLICY.sends.unconfirmed;
    assert_eq!((short.count, short.within), (3, minutes(10)));
    assert_eq!((long.count, long.within), (5, DAY));
}

#[test]
fn a_tenant_sends_200_unconfirmed_numbers_of_a_country_a_message_in_an_hour_and_1000_a_day() {
    let RateLimitWindows { short, long } = POLICY.sends.per_country.of(false);
    assert_eq!((short.count, short.within), (200, HOUR));
    assert_eq!((long.count, long.within), (1000, DAY));
}

#[test]
fn a_tenant_sends_2000_unconfirmed_addresses_an_email_in_an_hour_and_10000_a_day() {
    let RateLimitWindows { short, long } = POLICY.sends.unconfirmed_emails;
    assert_eq!((short.count, short.within), (2000, HOUR));
    assert_eq!((long.count, long.within), (10_000, DAY));
}

#[test]
fn known_devices_request_3_messages_in_10_minutes_and_5_a_day() {
    let RateLimitWindows { short, long } = POLICY.sends.known_devices;
    assert_eq!((short.count, short.within), (3, minutes(10)));
    assert_eq!((long.count, long.within), (5, DAY));
}

#[test]
fn messages_of_passed_challenges_start_no_wait_5_times_in_10_minutes_and_20_a_day() {
    let RateLimitWindows { short, long } = POLICY.sends.approved;
    assert_eq!((short.count, short.within), (5, minutes(10)));
    assert_eq!((long.count, long.within), (20, DAY));
}

#[test]
fn a_destination_has_30_messages_a_day_and_a_user_3_lifts() {
    let sends = POLICY.sends;
    let a_day = |count| RateLimitWindows::only(RateLimit::new(count, DAY));
    assert_eq!(sends.per_destination, a_day(30));
    assert_eq!(sends.lifts_per_user, a_day(3));
}

#[test]
fn a_strangers_destination_waits_over_all_users_for_as_long_as_repeats_are_known() {
    let RateLimitWindows { short, long } = POLICY.sends.wait_of_unconfirmed();
    assert_eq!((short.count, short.within), (1, seconds(30)));
    assert!(long.within >= crate::limits::user_throttle::REQUEST_ID_RETENTION);
}

/// The budget of a tenant exceeds that of one country. Confirmed numbers have a budget apart from unconfirmed ones.
#[test]
fn budgets_over_users_are_wider_for_the_tenant_and_for_confirmed_numbers() {
    let MessageBudgets {
        per_country,
        per_tenant,
        ..
    } = POLICY.sends;
    let narrower = |narrow: RateLimitWindows, wide: RateLimitWindows| {
        narrow.short.count < wide.short.count && narrow.long.count < wide.long.count
    };
    for confirmed in [false, true] {
        assert!(narrower(
            per_country.of(confirmed),
            per_tenant.of(confirmed)
        ));
    }
    for spanning in [per_country, per_tenant] {
        assert!(narrower(spanning.unconfirmed, spanning.confirmed));
    }
}

/// RFC 6238 §5.2.
#[test]
fn apps_make_codes_that_every_app_can_make_and_one_step_either_way_is_accepted() {
    assert_eq!(POLICY.totp, TotpParameters::UNIVERSAL);
    assert_eq!(POLICY.totp_tolerance, StepTolerance { past: 1, future: 1 });
}

#[test]
fn a_set_of_ten_recovery_codes_fits_into_the_slots() {
    assert_eq!(POLICY.rules.recovery_codes, 10);
    assert!(crate::recovery::CodeSlot::new(POLICY.rules.recovery_codes - 1).is_some());
}

#[test]
fn a_step_up_counts_for_5_minutes_and_a_recovery_for_10() {
    assert_eq!(POLICY.authorization_lifetime, minutes(5));
    assert_eq!(POLICY.recovery_authorization_lifetime, minutes(10));
    assert_eq!(POLICY.enrollment_lifetime, minutes(10));
}

#[test]
fn a_user_has_ten_methods_and_twenty_devices() {
    assert_eq!(POLICY.methods_per_user, 10);
    assert_eq!(POLICY.devices_per_user, 20);
}

#[test]
fn nothing_is_enrolled_before_the_address_is_verified() {
    assert!(Policy::built_in().rules.email_must_be_verified);
}
