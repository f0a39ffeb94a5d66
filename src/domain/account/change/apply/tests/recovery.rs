use super::*;
use crate::recovery::{CodeSlot, RecoverySetKind, SecretHash, bypass_code::NewBypassCode};

fn hash(text: &str) -> SecretHash {
    SecretHash::from_phc(text.to_owned())
}

fn new_set() -> NewRecoverySet {
    let slot = |number| CodeSlot::new(number).unwrap();
    NewRecoverySet {
        id: id(8),
        kind: RecoverySetKind::Codes,
        hashes: vec![(slot(0), hash("zero")), (slot(1), hash("one"))],
    }
}

fn with_codes() -> Account {
    after(with_app(), AccountWriteOp::RecoveryCodes(new_set()))
}

/// Applies a write to an account that has changed once.
#[track_caller]
fn then(mut account: Account, write: AccountWriteOp) -> Account {
    account
        .apply(&AccountChange {
            base: ChangeBase::Epoch(EPOCH),
            ..change([write])
        })
        .unwrap();
    account
}

fn bypass_code(expires_at: Timestamp) -> NewBypassCode {
    NewBypassCode {
        id: id(7),
        hash: hash("bypass"),
        expires_at,
    }
}

fn reset(epoch: Epoch) -> Reset {
    Reset::started(id(6), epoch, NOW, NOW.plus(minutes(60)))
}

fn with_reset(reset: Reset) -> Account {
    Account {
        reset: Some(reset),
        ..with_app()
    }
}

#[test]
fn a_recovery_set_takes_the_place_of_the_one_before() {
    let before = Account {
        recovery: Some(RecoverySet {
            id: id(1),
            kind: RecoverySetKind::Key,
            total: 1,
            unused: Vec::new(),
            created_at: NOW,
            confirmed_at: Some(NOW),
        }),
        ..with_app()
    };
    let account = after(before, AccountWriteOp::RecoveryCodes(new_set()));
    let expected = RecoverySet {
        id: id(8),
        kind: RecoverySetKind::Codes,
        total: 2,
        unused: new_set().hashes,
        created_at: LATER,
        confirmed_at: None,
    };
    assert_eq!(account.recovery, Some(expected));
}

#[test]
fn a_recovery_set_is_confirmed_once() {
    let confirm = AccountWriteOp::ConfirmRecoveryCodes(id(8));
    let mut account = then(with_codes(), confirm.clone());
    let confirmed_at = |account: &Account| account.recovery.as_ref().unwrap().confirmed_at;
    assert_eq!(confirmed_at(&account), Some(LATER));
    let again = AccountChange {
        base: ChangeBase::Epoch(EPOCH),
        now: LATER.plus(minutes(1)),
        ..change([confirm])
    };
    account.apply(&again).unwrap();
    assert_eq!(confirmed_at(&account), Some(LATER));
}

#[test]
fn a_recovery_set_that_was_replaced_is_not_confirmed() {
    let confirm = || AccountWriteOp::ConfirmRecoveryCodes(id(9));
    assert_changed_concurrently(with_app(), confirm());
    let mut account = with_codes();
    account.revision = 1;
    assert_changed_concurrently(account, confirm());
}

#[test]
fn a_lost_method_goes_and_its_kind_is_kept_for_72_hours() {
    let lost = |removed_at| LostMethod {
        kind: MethodKind::Totp,
        removed_at,
    };
    let mut account = with_app();
    account.lost_methods = vec![lost(NOW)];
    let mut account = after(account, AccountWriteOp::RemoveLostMethod(id(APP)));
    assert!(account.method(id(APP)).is_none());
    assert_eq!(account.lost_methods, [lost(LATER)], "the newest of a kind");
    let mut again = account.clone();
    again.revision = 1;
    assert_changed_concurrently(again, AccountWriteOp::RemoveLostMethod(id(APP)));
    let off = then(account.clone(), AccountWriteOp::RemoveAllMethods);
    assert!(off.lost_methods.is_empty());
    let later = |passed| AccountChange {
        base: ChangeBase::Present(EPOCH, account.revision),
        now: LATER.plus(passed),
        ..change([])
    };
    let (before, over) = (later(minutes(72 * 60 - 1)), later(minutes(72 * 60)));
    let mut kept = account.clone();
    kept.apply(&before).unwrap();
    assert_eq!(kept.lost_methods.len(), 1);
    account.apply(&over).unwrap();
    assert!(account.lost_methods.is_empty());
}

#[test]
fn recovery_codes_are_restricted_until_others_take_their_place_or_the_time_is_over() {
    let until = LATER.plus(minutes(10));
    let restricted = || {
        let mut account = with_codes();
        account.recovery_restricted_until = Some(until);
        account
    };
    let mut account = with_codes();
    account.revision = 1;
    let set = after(account, AccountWriteOp::RestrictRecovery(until));
    assert_eq!(set.recovery_restricted_until, Some(until));
    assert!(set.has_restricted_recovery(LATER));
    assert!(!set.has_restricted_recovery(until));
    for write in [
        AccountWriteOp::RecoveryCodes(new_set()),
        AccountWriteOp::NoRecoveryCodes,
    ] {
        assert_eq!(then(restricted(), write).recovery_restricted_until, None);
    }
}

#[test]
fn recovery_codes_go() {
    assert_eq!(
        then(with_codes(), AccountWriteOp::NoRecoveryCodes).recovery,
        None
    );
}

#[test]
fn a_bypass_code_lives_in_the_epoch_after_its_change() {
    let issued = bypass_code(LATER.plus(minutes(60)));
    let mut account = with_app();
    account
        .apply(&growing([AccountWriteOp::BypassCode(issued.clone())]))
        .unwrap();
    let live = LiveBypassCode {
        issued,
        epoch: EPOCH.grown(),
    };
    assert_eq!(account.bypass, Some(live));
    assert!(account.bypass_until().is_some());
}

#[test]
fn a_bypass_code_goes() {
    let issued = bypass_code(LATER.plus(minutes(60)));
    let account = after(with_app(), AccountWriteOp::BypassCode(issued));
    assert_eq!(then(account, AccountWriteOp::NoBypassCode).bypass, None);
}

#[test]
fn a_change_drops_a_bypass_code_that_is_over() {
    let over = bypass_code(LATER.minus(minutes(1)));
    assert_eq!(
        after(with_app(), AccountWriteOp::BypassCode(over)).bypass,
        None
    );
}

#[test]
fn a_reset_begins_in_place_of_the_one_before() {
    let account = after(with_app(), AccountWriteOp::BeginReset(reset(EPOCH)));
    assert_eq!(account.reset, Some(reset(EPOCH)));
}

#[test]
fn the_code_of_a_reset_is_mailed_for_a_challenge() {
    let account = after(
        with_reset(reset(EPOCH)),
        AccountWriteOp::MailResetCode(id(6), id(2)),
    );
    assert_eq!(account.reset.unwrap().challenge, Some(id(2)));
}

#[test]
fn a_reset_is_canceled() {
    let account = after(with_reset(reset(EPOCH)), AccountWriteOp::CancelReset(id(6)));
    assert_eq!(account.reset.unwrap().canceled_at, Some(LATER));
}

#[test]
fn a_reset_is_finished() {
    let account = after(with_reset(reset(EPOCH)), AccountWriteOp::FinishReset(id(6)));
    assert_eq!(account.reset, None);
}

#[test]
fn a_reset_that_is_gone_or_canceled_is_not_gone_on_with() {
    let canceled = Reset {
        canceled_at: Some(NOW),
        ..reset(EPOCH)
    };
    for account in [with_app(), with_reset(canceled)] {
        for write in [
            AccountWriteOp::MailResetCode(id(6), id(2)),
            AccountWriteOp::CancelReset(id(6)),
            AccountWriteOp::FinishReset(id(6)),
        ] {
            assert_changed_concurrently(account.clone(), write);
        }
    }
    assert_changed_concurrently(with_reset(reset(EPOCH)), AccountWriteOp::FinishReset(id(5)));
}

#[test]
fn growth_of_the_epoch_cancels_the_reset_that_is_pending_in_it() {
    let mut account = with_reset(reset(EPOCH));
    account.apply(&growing([])).unwrap();
    assert_eq!(account.reset.unwrap().canceled_at, Some(LATER));
}

#[test]
fn a_reset_is_left_as_it_is_where_the_epoch_stays_or_it_is_over_already() {
    let mut same_epoch = with_reset(reset(EPOCH));
    same_epoch.apply(&change([])).unwrap();
    assert_eq!(same_epoch.reset, Some(reset(EPOCH)));
    let canceled = Reset {
        canceled_at: Some(NOW),
        ..reset(EPOCH)
    };
    let earlier_epoch = reset(Epoch::from_number(EPOCH.number() - 1));
    for over in [canceled, earlier_epoch] {
        let mut account = with_reset(over.clone());
        account.apply(&growing([])).unwrap();
        assert_eq!(account.reset, Some(over));
    }
}

#[test]
fn a_change_drops_a_reset_that_nobody_asks_for_any_more() {
    let mut account = with_reset(reset(EPOCH));
    let late = account
        .reset
        .as_ref()
        .unwrap()
        .ends_at
        .plus(CANCELED_RESET_COOLDOWN);
    let at = |revision, now| AccountChange {
        base: ChangeBase::Present(EPOCH, revision),
        now,
        ..change([])
    };
    account.apply(&at(1, late)).unwrap();
    assert_eq!(account.reset, Some(reset(EPOCH)));
    account.apply(&at(2, late.plus(minutes(1)))).unwrap();
    assert_eq!(account.reset, None);
}
