use crate::{
    account::Account,
    fixtures::{EPOCH, NOW, account, id, method, minutes},
    method::MethodKind,
    policy::PolicyRules,
    recovery::reset::{RESET_LIFETIME, Reset, ResetDecision},
    value::epoch::Epoch,
};
use std::time::Duration;

const DAY: Duration = Duration::from_hours(24);
const HOLD: Duration = Duration::from_hours(72);

fn rules() -> PolicyRules {
    PolicyRules {
        logged_out_reset: true,
        ..PolicyRules::built_in()
    }
}

/// A user with an authenticator app, whose verified address is 30 days old.
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
    Reset::started(id(1), lost().epoch, NOW, NOW.plus(hold))
}

fn due_since(age: Duration) -> Reset {
    let due_at = NOW.minus(age);
    Reset::started(id(1), lost().epoch, due_at.minus(HOLD), due_at)
}

fn ask(account: &Account) -> ResetDecision {
    account.decide_reset(&rules(), true, NOW)
}

#[test]
fn a_reset_is_started_and_held() {
    assert_eq!(ask(&lost()), ResetDecision::Begin(NOW.plus(HOLD)));
}

#[test]
fn it_is_off_where_nobody_switched_it_on() {
    assert_eq!(
        lost().decide_reset(&PolicyRules::built_in(), true, NOW),
        ResetDecision::Nothing
    );
}

#[test]
fn it_is_not_given_where_the_mailbox_resets_the_password_too_unless_the_policy_says_so() {
    assert_eq!(
        lost().decide_reset(&rules(), false, NOW),
        ResetDecision::Nothing
    );
    let lenient = PolicyRules {
        reset_beside_mailed_password: true,
        ..rules()
    };
    assert_eq!(
        lost().decide_reset(&lenient, false, NOW),
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
        pending_review: true,
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
    let canceled = |ago| {
        with(Reset {
            canceled_at: Some(NOW.minus(ago)),
            ..due_in(minutes(1))
        })
    };
    assert_eq!(ask(&canceled(DAY * 6)), ResetDecision::Nothing);
    assert_eq!(
        ask(&canceled(DAY * 7)),
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
        with(due.clone()).decide_reset(&patient, true, NOW),
        ResetDecision::Nothing
    );
    assert!(due.is_due(EPOCH, &patient, NOW.plus(DAY)));
    let hasty = PolicyRules {
        reset_hold: DAY,
        ..rules()
    };
    assert!(!due_in(minutes(1)).is_due(EPOCH, &hasty, NOW.plus(Duration::ZERO)));
}
