use super::*;
use crate::device::DeviceTokenHash;

fn token(seed: u8) -> DeviceTokenHash {
    DeviceTokenHash::from_bytes([seed; 16])
}

fn record(revision: u8, change_kind: RevertibleChange) -> RevertRecord {
    RevertRecord {
        token: token(revision),
        change_kind,
        at: NOW,
        revision: revision.into(),
    }
}

fn with_records(records: impl IntoIterator<Item = RevertRecord>) -> Account {
    Account {
        revertible: records.into_iter().collect(),
        ..with_app()
    }
}

fn revert_plan(from: i64) -> RevertPlan {
    RevertPlan {
        from,
        ..RevertPlan::default()
    }
}

#[test]
fn a_change_can_be_reverted_as_of_the_revision_that_it_makes() {
    let account = after(
        with_app(),
        AccountWriteOp::Revertible(token(1), RevertibleChange::Removal),
    );
    let expected = RevertRecord {
        token: token(1),
        change_kind: RevertibleChange::Removal,
        at: LATER,
        revision: 2,
    };
    assert_eq!(account.revertible, [expected]);
}

#[test]
fn a_revert_uses_up_its_record_and_all_later_ones() {
    let records = [1, 2, 3].map(|revision| record(revision, RevertibleChange::Removal));
    let account = after(
        with_records(records),
        AccountWriteOp::Revert(revert_plan(2)),
    );
    assert_eq!(account.revertible, [record(1, RevertibleChange::Removal)]);
}

#[test]
fn a_revert_keeps_the_records_of_methods_that_came_by_recovery_codes() {
    let recovered = record(3, RevertibleChange::RecoveredMethod(id(APP)));
    let before = with_records([record(2, RevertibleChange::RecoveryCodes), recovered]);
    let account = after(before, AccountWriteOp::Revert(revert_plan(2)));
    assert_eq!(account.revertible, [recovered]);
}

#[test]
fn a_revert_that_finds_nothing_to_use_up_is_refused() {
    let recovered = record(3, RevertibleChange::RecoveredMethod(id(APP)));
    let before = with_records([record(1, RevertibleChange::Removal), recovered]);
    assert_changed_concurrently(before, AccountWriteOp::Revert(revert_plan(2)));
}

#[test]
fn a_revert_does_what_was_decided_and_nothing_else() {
    let full = || Account {
        methods: vec![method(APP, MethodKind::Totp), method(2, MethodKind::Sms)],
        user_default: Some(id(2)),
        recovery: Some(new_recovery_set(
            &NewRecoverySet {
                id: id(8),
                kind: crate::recovery::RecoverySetKind::Codes,
                hashes: Vec::new(),
            },
            NOW,
        )),
        ..with_records([record(2, RevertibleChange::TurnOff)])
    };
    let nothing_else = after(full(), AccountWriteOp::Revert(revert_plan(2)));
    let expected = Account {
        revertible: Vec::new(),
        ..full()
    };
    assert_same_but_for_revision(&nothing_else, expected);
    let everything = RevertPlan {
        suspends: vec![id(2)],
        voids_codes: true,
        forgets_default: true,
        holds: true,
        from: 2,
    };
    let account = after(full(), AccountWriteOp::Revert(everything));
    assert!(!account.method(id(APP)).unwrap().suspended);
    assert!(account.method(id(2)).unwrap().suspended);
    assert_eq!(account.recovery, None);
    assert_eq!(account.user_default, None);
    assert!(account.pending_review);
}

#[test]
fn a_revert_does_not_end_a_suspension() {
    let before = Account {
        pending_review: true,
        ..with_records([record(2, RevertibleChange::Removal)])
    };
    assert!(after(before, AccountWriteOp::Revert(revert_plan(2))).pending_review);
}

#[test]
fn a_revert_of_a_method_that_is_gone_is_refused() {
    let before = with_records([record(2, RevertibleChange::Method(id(9)))]);
    let suspending = RevertPlan {
        suspends: vec![id(9)],
        ..revert_plan(2)
    };
    assert_changed_concurrently(before, AccountWriteOp::Revert(suspending));
}

#[test]
fn no_change_can_be_reverted_any_more() {
    let before = with_records([record(1, RevertibleChange::Removal)]);
    assert!(
        after(before, AccountWriteOp::NoRevertible)
            .revertible
            .is_empty()
    );
}

#[test]
fn a_change_drops_records_that_are_too_old_to_revert() {
    let old = RevertRecord {
        at: NOW.minus(REVERT_LIFETIME),
        ..record(1, RevertibleChange::Removal)
    };
    let mut account = with_records([old, record(2, RevertibleChange::Removal)]);
    account.apply(&change([])).unwrap();
    assert_eq!(account.revertible, [record(2, RevertibleChange::Removal)]);
}

#[test]
fn of_too_many_records_the_oldest_goes() {
    let full = u8::try_from(MAX_REVERT_RECORDS).unwrap();
    let records = (1..=full).map(|revision| record(revision, RevertibleChange::Removal));
    let account = after(
        with_records(records),
        AccountWriteOp::Revertible(token(99), RevertibleChange::Trust),
    );
    assert_eq!(account.revertible.len(), MAX_REVERT_RECORDS);
    assert_eq!(account.revertible[0], record(2, RevertibleChange::Removal));
    assert_eq!(account.revertible.last().unwrap().token, token(99));
}
