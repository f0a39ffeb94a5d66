use super::*;

#[test]
fn an_age_is_told_in_two_units_at_most() {
    let now = Timestamp::from_millis(1_780_000_000_000);
    let minutes_ago = |minutes: i64| Timestamp::from_millis(now.millis() - minutes * 60_000);
    assert_eq!(age(now, now), "0m");
    assert_eq!(age(minutes_ago(59), now), "59m");
    assert_eq!(age(minutes_ago(61), now), "1h 01m");
    assert_eq!(age(minutes_ago(25 * 60), now), "1d 01h");
}

#[test]
fn what_is_no_id_is_refused() {
    assert!(notice_id("no-id").is_err());
    assert!(notice_id("0123456789abcdef0123456789abcdef").is_ok());
}
