use super::*;
use crate::value::id::Id;

const NOW: Timestamp = Timestamp::from_millis(1_780_000_000_000);

fn every_alert() -> [SecurityAlert; 4] {
    [
        SecurityAlert::RecoveryCodeUsed { left: 7 },
        SecurityAlert::MethodDisabled {
            method: Id::from_bytes([7; 16]),
            kind: MethodKind::Sms,
        },
        SecurityAlert::ManyWrongCodes,
        SecurityAlert::DeviceTrusted,
    ]
}

#[test]
fn every_alert_is_read_as_it_was_stored() {
    for alert in every_alert() {
        let read = SecurityAlert::from_stored(alert.as_str(), alert.method(), alert.codes_left());
        assert_eq!(read, Some(alert));
    }
}

#[test]
fn an_alert_with_a_part_missing_or_too_many_is_none() {
    for alert in every_alert() {
        let other = match alert.codes_left() {
            Some(_) => None,
            None => Some(1),
        };
        let read = SecurityAlert::from_stored(alert.as_str(), alert.method(), other);
        assert_eq!(read, None, "{alert:?}");
    }
    assert_eq!(
        SecurityAlert::from_stored("METHOD_DISABLED", None, None),
        None
    );
    assert_eq!(SecurityAlert::from_stored("MADE_UP", None, None), None);
}

#[test]
fn how_many_codes_are_left_is_the_news() {
    let notice_kind = |left| {
        let notice = SecurityAlert::RecoveryCodeUsed { left }.notice(None, NOW);
        assert_eq!(notice.codes_left, Some(left));
        notice.kind
    };
    assert_eq!(notice_kind(4), NoticeKind::RecoveryCodeUsed);
    assert_eq!(notice_kind(3), NoticeKind::RecoveryCodesLow);
    assert_eq!(notice_kind(1), NoticeKind::RecoveryCodesLow);
    assert_eq!(notice_kind(0), NoticeKind::RecoveryCodesExhausted);
}

#[test]
fn a_disabled_method_is_named_by_its_kind_and_destination() {
    let [_, disabled, ..] = every_alert();
    let notice = disabled.notice(Some("+49***89".to_owned()), NOW);
    assert_eq!(notice.kind, NoticeKind::MethodDisabled);
    assert_eq!(notice.method, Some(MethodKind::Sms));
    assert_eq!(notice.destination.as_deref(), Some("+49***89"));
}
