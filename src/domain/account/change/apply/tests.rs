mod devices;
mod recovery;
mod reverts;

use super::*;
use crate::{
    account::{WrongAttempt, change::QueuedNotice},
    audit_event::{AuditDetails, AuditEvent, AuditEventKind},
    authorization::caller::CallerName,
    challenge::{approval::Approval, totp::TimeStep},
    fixtures::{EPOCH, NOW, PORTAL, account, approval, id, jane, label, method, minutes, sealed},
    limits::budget::AttemptClass,
    method::MethodKind,
    value::{
        destination::Channel,
        id::{AttestationId, SubjectTag},
    },
};

const LATER: Timestamp = Timestamp::from_seconds(1_800_000_060);
const APP: u8 = 1;

fn change(writes: impl IntoIterator<Item = AccountWriteOp>) -> AccountChange {
    AccountChange {
        subject: jane(),
        base: ChangeBase::Present(EPOCH, 1),
        epoch: EPOCH,
        now: LATER,
        consumed_proofs: Vec::new(),
        writes: writes.into_iter().collect(),
        event: AuditEvent {
            id: id(5),
            tenant: jane().tenant,
            subject: SubjectTag([6; 16]),
            kind: AuditEventKind::MethodAdded,
            caller: CallerName::new(PORTAL),
            at: LATER,
            details: AuditDetails::none(),
            personal: sealed(7),
        },
        notices: Vec::new(),
        idempotency_record: None,
    }
}

fn growing(writes: impl IntoIterator<Item = AccountWriteOp>) -> AccountChange {
    AccountChange {
        epoch: EPOCH.grown(),
        ..change(writes)
    }
}

fn notice() -> QueuedNotice {
    QueuedNotice {
        id: id(1),
        subject: SubjectTag([6; 16]),
        channel: Channel::Email,
        sealed: sealed(8),
    }
}

fn with_app() -> Account {
    account([method(APP, MethodKind::Totp)])
}

/// The account after one write.
#[track_caller]
fn after(mut before: Account, write: AccountWriteOp) -> Account {
    let applied = before.apply(&change([write]));
    assert!(applied.is_ok(), "{applied:?}");
    before
}

#[track_caller]
fn assert_changed_concurrently(mut account: Account, write: AccountWriteOp) {
    let applied = account.apply(&change([write]));
    assert_eq!(applied, Err(ChangeRejection::ChangedConcurrently));
}

/// Compares all but the revision and the time of the change, which always differ.
fn assert_same_but_for_revision(after: &Account, expected: Account) {
    let expected = Account {
        revision: after.revision,
        updated_at: after.updated_at,
        ..expected
    };
    assert_eq!(*after, expected);
}

fn wrong_attempt(seed: u8, at: Timestamp) -> WrongAttempt {
    WrongAttempt {
        challenge: id(seed),
        attempt: id(seed),
        class: Some(AttemptClass::Unknown),
        at,
        skew: None,
    }
}

fn profile(email_since: Option<Timestamp>) -> AccountWriteOp {
    AccountWriteOp::Profile {
        profile: SealedBytes::from_bytes((0..40).collect()),
        email_verified: true,
        email_version: 3,
        email_tag: Some([4; 16]),
        email_since,
    }
}

#[test]
fn a_change_moves_the_revision_the_epoch_and_the_instant() {
    let mut account = with_app();
    account.apply(&growing([])).unwrap();
    assert_eq!(account.revision, 2);
    assert_eq!(account.epoch, EPOCH.grown());
    assert_eq!(account.updated_at, LATER);
}

#[test]
fn a_change_from_another_revision_is_refused() {
    for revision in [0, 2] {
        let base = ChangeBase::Present(EPOCH, revision);
        let applied = with_app().apply(&AccountChange { base, ..change([]) });
        assert_eq!(
            applied,
            Err(ChangeRejection::ChangedConcurrently),
            "{base:?}"
        );
    }
}

#[test]
fn a_change_from_another_epoch_is_refused() {
    for base in [
        ChangeBase::Present(EPOCH.grown(), 1),
        ChangeBase::Epoch(EPOCH.grown()),
        ChangeBase::Absent,
        ChangeBase::AbsentUnder(crate::value::id::UserIdRules::default()),
    ] {
        let applied = with_app().apply(&AccountChange { base, ..change([]) });
        assert_eq!(
            applied,
            Err(ChangeRejection::ChangedConcurrently),
            "{base:?}"
        );
    }
}

#[test]
fn a_change_that_rests_on_the_epoch_alone_moves_neither_revision_nor_instant() {
    let before = Account {
        revision: 9,
        ..with_app()
    };
    let mut account = before.clone();
    let rename = AccountWriteOp::RenameMethod(id(APP), label("new"));
    let by_epoch = AccountChange {
        base: ChangeBase::Epoch(EPOCH),
        ..change([rename])
    };
    account.apply(&by_epoch).unwrap();
    assert_eq!(account.revision, before.revision);
    assert_eq!(account.updated_at, before.updated_at);
    assert_eq!(account.method(id(APP)).unwrap().label, label("new"));
}

#[test]
fn an_account_is_created_with_what_its_change_writes() {
    for base in [
        ChangeBase::Absent,
        ChangeBase::AbsentUnder(crate::value::id::UserIdRules::default()),
    ] {
        let since = Some(NOW);
        let creating = AccountChange {
            base,
            ..change([AccountWriteOp::UserKey(sealed(9)), profile(since)])
        };
        let (account, applied) = Account::created_by(&creating).unwrap();
        assert_eq!(account.subject, jane());
        assert_eq!((account.epoch, account.revision), (EPOCH, 1));
        assert_eq!((account.created_at, account.updated_at), (LATER, LATER));
        assert_eq!(account.user_key, sealed(9));
        assert_eq!(account.email_since, NOW);
        assert_eq!(applied.notice_turn, None);
    }
}

#[test]
fn an_account_is_not_created_by_a_change_of_one_that_was_there() {
    for base in [ChangeBase::Present(EPOCH, 1), ChangeBase::Epoch(EPOCH)] {
        let applied = Account::created_by(&AccountChange { base, ..change([]) });
        assert_eq!(applied, Err(ChangeRejection::ChangedConcurrently));
    }
}

#[test]
fn a_profile_comes_with_what_is_known_of_the_address() {
    let account = after(with_app(), profile(Some(LATER)));
    assert_eq!(account.profile.tag(), (24..40).collect::<Vec<u8>>());
    let is_the_stores = with_app().profile_tag;
    assert_eq!(account.profile_tag, is_the_stores);
    assert!(account.email_verified);
    assert_eq!(account.email_version, 3);
    assert_eq!(account.email_tag, Some([4; 16]));
    assert_eq!(account.email_since, LATER);
}

#[test]
fn a_profile_with_the_same_address_keeps_since_when_it_is_on_file() {
    assert_eq!(after(with_app(), profile(None)).email_since, NOW);
}

#[test]
fn an_approval_is_consumed_once() {
    let mut account = Account {
        approvals: vec![
            approval(),
            Approval {
                id: id(2),
                ..approval()
            },
        ],
        ..with_app()
    };
    let consuming = |revision| AccountChange {
        base: ChangeBase::Present(EPOCH, revision),
        consumed_proofs: vec![ConsumedProof::Approval(id(1))],
        ..change([])
    };
    account.apply(&consuming(1)).unwrap();
    let left: Vec<_> = account.approvals.iter().map(|kept| kept.id).collect();
    assert_eq!(left, [id(2)]);
    assert_eq!(
        account.apply(&consuming(2)),
        Err(ChangeRejection::ProofConsumed)
    );
}

#[test]
fn an_attestation_is_left_to_the_store() {
    let attestation = AttestationId::parse("attestation-0001").unwrap();
    let spend =
        ConsumedProof::Attestation(CallerName::new(PORTAL), attestation.as_str().to_owned());
    let consuming = AccountChange {
        consumed_proofs: vec![spend],
        ..change([])
    };
    let mut account = with_app();
    account.apply(&consuming).unwrap();
    assert_same_but_for_revision(&account, with_app());
}

#[test]
fn notices_take_the_next_turn_together() {
    let mut account = Account {
        notice_turn: 4,
        ..with_app()
    };
    let telling = AccountChange {
        notices: vec![notice(), notice()],
        ..change([])
    };
    assert_eq!(account.apply(&telling).unwrap().notice_turn, Some(5));
    assert_eq!(account.notice_turn, 5);
    let silent = AccountChange {
        base: ChangeBase::Present(EPOCH, 2),
        ..change([])
    };
    assert_eq!(account.apply(&silent).unwrap().notice_turn, None);
    assert_eq!(account.notice_turn, 5);
}

#[test]
fn a_method_is_added_in_order_of_age_with_its_step_and_ends_a_suspension() {
    let older = Method {
        created_at: NOW.minus(minutes(1)),
        ..method(9, MethodKind::Sms)
    };
    let before = Account {
        pending_review: true,
        ..with_app()
    };
    let account = after(before, AccountWriteOp::AddMethod(older, Some(TimeStep(3))));
    assert!(!account.pending_review);
    let [first, second] = &account.methods[..] else {
        panic!("{:?}", account.methods)
    };
    assert_eq!((first.id, second.id), (id(9), id(APP)));
    assert_eq!(first.last_step, Some(TimeStep(3)));
}

#[test]
fn a_method_is_renamed() {
    let account = after(
        with_app(),
        AccountWriteOp::RenameMethod(id(APP), label("new")),
    );
    assert_eq!(account.method(id(APP)).unwrap().label, label("new"));
}

#[test]
fn a_method_becomes_the_default() {
    let account = after(with_app(), AccountWriteOp::SetDefault(id(APP)));
    assert_eq!(account.user_default, Some(id(APP)));
}

#[test]
fn a_method_goes_and_is_the_default_no_more() {
    let before = Account {
        user_default: Some(id(APP)),
        ..account([method(APP, MethodKind::Totp), method(2, MethodKind::Sms)])
    };
    let without_app = after(before.clone(), AccountWriteOp::RemoveMethod(id(APP)));
    assert_eq!(without_app.method(id(APP)), None);
    assert_eq!(without_app.user_default, None);
    let without_sms = after(before, AccountWriteOp::RemoveMethod(id(2)));
    assert_eq!(without_sms.user_default, Some(id(APP)));
}

#[test]
fn a_method_that_is_gone_is_neither_renamed_nor_removed_nor_chosen() {
    for write in [
        AccountWriteOp::RenameMethod(id(9), label("new")),
        AccountWriteOp::RemoveMethod(id(9)),
        AccountWriteOp::SetDefault(id(9)),
    ] {
        assert_changed_concurrently(with_app(), write);
    }
}

#[test]
fn all_methods_go_with_the_default_and_the_suspension() {
    let before = Account {
        user_default: Some(id(APP)),
        pending_review: true,
        ..with_app()
    };
    let account = after(before, AccountWriteOp::RemoveAllMethods);
    assert_same_but_for_revision(&account, self::account([]));
}

#[test]
fn writes_are_carried_out_in_order() {
    let mut account = with_app();
    let replaced = change([
        AccountWriteOp::RemoveMethod(id(APP)),
        AccountWriteOp::AddMethod(method(2, MethodKind::Totp), None),
        AccountWriteOp::SetDefault(id(2)),
    ]);
    account.apply(&replaced).unwrap();
    assert_eq!(account.methods, [method(2, MethodKind::Totp)]);
    assert_eq!(account.user_default, Some(id(2)));
}

#[test]
fn lifted_windows_are_empty_and_their_attempts_stay_on_record() {
    let before = Account {
        wrong_attempts: vec![wrong_attempt(1, NOW), wrong_attempt(2, NOW)],
        announced_windows: vec![AttemptClass::Unknown],
        ..with_app()
    };
    let account = after(before, AccountWriteOp::LiftWindows);
    assert_eq!(account.failures_of(AttemptClass::Unknown).count(), 0);
    assert!(account.failures().is_empty());
    assert_eq!(account.wrong_attempts.len(), 2);
    assert!(account.announced_windows.is_empty());
}

#[test]
fn erasure_is_left_to_the_store() {
    let account = after(with_app(), AccountWriteOp::Erase);
    assert_same_but_for_revision(&account, with_app());
}

#[test]
fn a_change_drops_wrong_attempts_that_no_rule_asks_for() {
    let hours = |hours: u64| LATER.minus(minutes(60 * hours));
    let lifted = WrongAttempt {
        class: None,
        ..wrong_attempt(3, hours(1))
    };
    let at_a_recovery_code = WrongAttempt {
        class: Some(AttemptClass::Recovery),
        ..wrong_attempt(4, hours(1))
    };
    let mut account = Account {
        wrong_attempts: vec![
            wrong_attempt(1, hours(24)),
            wrong_attempt(2, hours(23)),
            lifted,
            at_a_recovery_code,
        ],
        ..with_app()
    };
    account.apply(&change([])).unwrap();
    assert_eq!(account.wrong_attempts, [wrong_attempt(2, hours(23))]);
}
