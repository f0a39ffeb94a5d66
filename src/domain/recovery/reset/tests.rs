use super::*;
use crate::{
    fixtures::{EPOCH, NOW, account, id, jane, method, minutes},
    policy::PolicyRules,
};

const DAY: Duration = Duration::from_hours(24);
const HOLD: Duration = Duration::from_hours(72);

fn rules() -> PolicyRules {
    PolicyRules {
        logged_out_reset: true,
        ..PolicyRules::built_in()
    }
}

/// A user with an app, whose address is verified and has been on file for long.
fn lost() -> Account {
    Account {
        email_verified: true,
        email_since: NOW.minus(DAY * 30),
        ..account([method(1, MethodKind::Totp)])
    }
}

fn with(reset: Reset) -> Account {
    Account {
        reset: Some(reset),
        ..lost()
    }
}

fn due_in(hold: Duration) -> Reset {
    Reset::started(id(1), lost().epoch, (NOW, NOW.plus(hold)))
}

fn due_since(age: Duration) -> Reset {
    let due_at = NOW.minus(age);
    Reset::started(id(1), lost().epoch, (due_at.minus(HOLD), due_at))
}

fn ask(account: &Account) -> ResetDecision {
    asked(account, &rules(), true, NOW)
}

#[test]
fn a_reset_is_begun_and_held() {
    assert_eq!(ask(&lost()), ResetDecision::Begin(NOW.plus(HOLD)));
}

#[test]
fn it_is_off_where_nobody_switched_it_on() {
    assert_eq!(
        asked(&lost(), &PolicyRules::built_in(), true, NOW),
        ResetDecision::Nothing
    );
}

#[test]
fn it_is_not_given_where_the_mailbox_resets_the_password_too_unless_the_policy_says_so() {
    assert_eq!(asked(&lost(), &rules(), false, NOW), ResetDecision::Nothing);
    let lenient = PolicyRules {
        reset_beside_mailed_password: true,
        ..rules()
    };
    assert_eq!(
        asked(&lost(), &lenient, false, NOW),
        ResetDecision::Begin(NOW.plus(HOLD))
    );
}

#[test]
fn it_is_not_given_to_whom_mail_proves_nothing() {
    let unverified = Account {
        email_verified: false,
        ..lost()
    };
    let by_mail = Account {
        methods: vec![method(1, MethodKind::Totp), method(2, MethodKind::Email)],
        ..lost()
    };
    let nothing_to_reset = Account {
        methods: Vec::new(),
        ..lost()
    };
    let new_address = Account {
        email_since: NOW.minus(HOLD),
        ..lost()
    };
    let waits_for_an_administrator = Account {
        held: true,
        ..nothing_to_reset.clone()
    };
    for account in [
        unverified,
        by_mail,
        nothing_to_reset,
        new_address,
        waits_for_an_administrator,
    ] {
        assert_eq!(ask(&account), ResetDecision::Nothing, "{account:?}");
    }
}

#[test]
fn one_is_pending_at_a_time_and_its_code_comes_when_the_hold_is_over() {
    assert_eq!(ask(&with(due_in(minutes(1)))), ResetDecision::Nothing);
    let due = due_since(Duration::ZERO);
    assert_eq!(ask(&with(due.clone())), ResetDecision::Confirm(due));
    assert_eq!(
        ask(&with(due_since(RESET_LIFETIME))),
        ResetDecision::Begin(NOW.plus(HOLD))
    );
}

#[test]
fn after_a_cancel_there_is_none_for_a_week() {
    let cancelled = |ago| {
        with(Reset {
            cancelled_at: Some(NOW.minus(ago)),
            ..due_in(minutes(1))
        })
    };
    assert_eq!(ask(&cancelled(DAY * 6)), ResetDecision::Nothing);
    assert_eq!(
        ask(&cancelled(DAY * 7)),
        ResetDecision::Begin(NOW.plus(HOLD))
    );
}

#[test]
fn it_dies_with_its_epoch() {
    let old = Reset {
        epoch: Epoch::from_number(lost().epoch.number() - 1),
        ..due_since(Duration::ZERO)
    };
    assert!(!old.is_pending(EPOCH, NOW));
    assert!(!old.is_due(EPOCH, &rules(), NOW));
    assert_eq!(
        ask(&with(old)),
        ResetDecision::Nothing,
        "no other before its end"
    );
}

#[test]
fn a_longer_hold_reaches_the_reset_that_is_pending() {
    let due = due_since(Duration::ZERO);
    assert!(due.is_due(EPOCH, &rules(), NOW));
    let patient = PolicyRules {
        reset_hold: HOLD + DAY,
        ..rules()
    };
    assert!(!due.is_due(EPOCH, &patient, NOW));
    assert_eq!(
        asked(&with(due.clone()), &patient, true, NOW),
        ResetDecision::Nothing
    );
    assert!(due.is_due(EPOCH, &patient, NOW.plus(DAY)));
    let hasty = PolicyRules {
        reset_hold: DAY,
        ..rules()
    };
    assert!(!due_in(minutes(1)).is_due(EPOCH, &hasty, NOW.plus(Duration::ZERO)));
}

#[test]
fn a_token_reads_as_itself_and_is_of_one_reset_of_one_user() {
    let digest = |fields: &[&[u8]]| {
        let mut bytes = [0; 16];
        for (place, byte) in fields.concat().iter().enumerate() {
            bytes[place % 16] ^= byte.rotate_left(u32::try_from(place % 7).unwrap());
        }
        bytes
    };
    let own = due_in(DAY).cancel_token(&jane(), digest);
    let shown = own.expose();
    assert_eq!(shown.len(), 26);
    assert!(own.is(&CancelToken::parse(&shown.to_lowercase()).unwrap()));
    let other = Reset {
        id: id(2),
        ..due_in(DAY)
    };
    assert!(!own.is(&other.cancel_token(&jane(), digest)));
    for text in ["", "short", "!!!!", &shown[1..]] {
        assert!(CancelToken::parse(text).is_none(), "{text}");
    }
    assert_eq!(format!("{own:?}"), "CancelToken([redacted])");
}
