mod devices;
mod histories;

use super::*;
use crate::{
    account::{MAX_APPROVALS, change::CreatedResource},
    authorization::caller::CallerName,
    challenge::{
        approval::ApprovedPurpose,
        totp::TimeStep,
        verdict::{
            JudgedAttempt,
            tests::{WINDOWS, WRONG, at_step, recovery_code, right, wrong},
        },
    },
    fixtures::{EPOCH, NOW, account, approval, id, method, minutes, seconds},
    method::MethodKind,
    recovery::{
        RecoverySet, RecoverySetKind, ReplacementRecoveryKey, SecretHash,
        bypass_code::{LiveBypassCode, NewBypassCode},
        reset::Reset,
    },
    value::{epoch::Epoch, idempotency_key::IdempotencyKey},
};

fn context() -> VerdictContext {
    VerdictContext {
        ended: None,
        request_used: false,
        timeline_started_at: Timestamp::from_millis(0),
    }
}

/// A user with an app as method 4, which the challenges ask for.
fn with_app() -> Account {
    account([method(4, MethodKind::Totp)])
}

fn hash(text: &str) -> SecretHash {
    SecretHash::from_phc(text.to_owned())
}

fn with_recovery(kind: RecoverySetKind, slots: &[u8]) -> Account {
    let unused = slots.iter().map(|slot| {
        let slot = CodeSlot::new(*slot).unwrap();
        (slot, hash("code"))
    });
    Account {
        recovery: Some(RecoverySet {
            id: id(8),
            kind,
            total: 3,
            unused: unused.collect(),
            created_at: NOW.minus(minutes(9)),
            confirmed_at: Some(NOW.minus(minutes(8))),
        }),
        ..with_app()
    }
}

fn with_bypass_code() -> Account {
    Account {
        bypass: Some(LiveBypassCode {
            issued: NewBypassCode {
                id: id(9),
                hash: hash("bypass"),
                expires_at: NOW.plus(minutes(1)),
            },
            epoch: EPOCH,
        }),
        ..with_app()
    }
}

fn with_reset(before: Account) -> Account {
    let reset = Reset::started(id(6), EPOCH, NOW.minus(minutes(5)), NOW);
    Account {
        reset: Some(reset),
        ..before
    }
}

/// A challenge without a method to answer, as for recovery and bypass codes.
fn is_fallback(effect: AttemptEffect) -> VerdictRequest {
    VerdictRequest {
        asked: None,
        ..right(effect)
    }
}

/// Another attempt, `later` seconds after now.
fn attempt(seed: u8, later: u64, verdict_request: VerdictRequest) -> VerdictRequest {
    let at = NOW.plus(seconds(later));
    VerdictRequest {
        attempt: JudgedAttempt {
            id: id(seed),
            at,
            ..verdict_request.attempt
        },
        approval: Approval {
            attempt_id: id(seed),
            at,
            ..verdict_request.approval
        },
        ..verdict_request
    }
}

/// The attempt at another challenge, issued in this epoch.
fn at_challenge(seed: u8, epoch: Epoch, verdict_request: VerdictRequest) -> VerdictRequest {
    VerdictRequest {
        challenge: id(seed),
        epoch,
        approval: Approval {
            challenge: id(seed),
            ..verdict_request.approval
        },
        ..verdict_request
    }
}

#[track_caller]
fn assert_approved(
    verdict_request: &VerdictRequest,
    account: &mut Account,
) -> Vec<(i64, SecurityAlert)> {
    let verdict = verdict_request.apply_to(Some(account), context());
    assert!(
        matches!(verdict.verdict_result, VerdictResult::Approved { .. }),
        "{:?}",
        verdict.verdict_result
    );
    assert_eq!(verdict.event, Some(&verdict_request.approved_event));
    verdict.alerts
}

#[track_caller]
fn assert_rejected(
    verdict_request: &VerdictRequest,
    account: &mut Account,
) -> Vec<(i64, SecurityAlert)> {
    let verdict = verdict_request.apply_to(Some(account), context());
    assert!(
        matches!(verdict.verdict_result, VerdictResult::Rejected { .. }),
        "{:?}",
        verdict.verdict_result
    );
    assert_eq!(verdict.event, Some(&verdict_request.rejected_event));
    assert!(verdict.idempotency_record.is_none());
    verdict.alerts
}

#[test]
fn there_is_no_verdict_without_an_account_but_that_the_challenge_is_over() {
    for verdict_request in [right(at_step(1)), wrong()] {
        let verdict = verdict_request.apply_to(None, context());
        assert_eq!(verdict.verdict_result, VerdictResult::Over);
        assert!(verdict.event.is_none() && verdict.ending.is_none());
    }
}

#[test]
fn an_approval_moves_the_step_and_ends_a_row_of_failures() {
    let mut account = with_app();
    account.methods[0].consecutive_failures = 7;
    assert_eq!(assert_approved(&right(at_step(5)), &mut account), []);
    let app = &account.methods[0];
    assert_eq!(app.last_step, Some(TimeStep(5)));
    assert_eq!(app.consecutive_failures, 0);
    assert_eq!(app.last_used_at, Some(NOW));
    assert_eq!((account.epoch, account.revision), (EPOCH, 1));
}

#[test]
fn an_approval_ends_its_challenge() {
    let verdict_request = right(at_step(5));
    let verdict = verdict_request.apply_to(Some(&mut with_app()), context());
    assert_eq!(
        verdict.ending,
        Some(ChallengeOutcome::Approved(Box::new(approval())))
    );
}

#[test]
fn an_approval_is_kept_for_sixteen_minutes() {
    let mut account = with_app();
    assert_approved(&right(at_step(1)), &mut account);
    assert_eq!(account.approval(id(1)), Some(&approval()));
    let next = |seed, later, step| {
        let next = at_challenge(seed, EPOCH, attempt(seed, later, right(at_step(step))));
        VerdictRequest {
            approval: Approval {
                id: id(seed),
                ..next.approval
            },
            ..next
        }
    };
    assert_approved(&next(20, 16 * 60, 2), &mut account);
    assert!(account.approval(id(1)).is_some());
    assert_approved(&next(21, 16 * 60 + 1, 3), &mut account);
    assert_eq!(account.approval(id(1)), None);
    assert_eq!(account.approvals.len(), 2);
}

#[test]
fn of_too_many_approvals_the_oldest_goes() {
    let mut account = with_app();
    let at_most = u8::try_from(MAX_APPROVALS).unwrap();
    for seed in 1..=at_most + 1 {
        account.keep_approval(Approval {
            id: id(seed),
            ..approval()
        });
    }
    assert_eq!(account.approvals.len(), MAX_APPROVALS);
    assert_eq!(account.approval(id(1)), None);
    assert!(account.approval(id(at_most + 1)).is_some());
}

#[test]
fn an_approval_that_authorizes_nothing_is_not_kept() {
    let mut account = with_app();
    let of = |purpose| Approval {
        purpose,
        ..approval()
    };
    account.keep_approval(of(ApprovedPurpose::VerifyEmail));
    assert_eq!(account.approvals, []);
    for purpose in [ApprovedPurpose::Enrollment, ApprovedPurpose::Reset] {
        account.keep_approval(of(purpose));
    }
    assert_eq!(account.approvals.len(), 2, "their changes consume them");
}

#[test]
fn approvals_of_an_earlier_epoch_go() {
    let mut account = with_app();
    account.keep_approval(approval());
    account.epoch = account.epoch.grown();
    account.forget_old_approvals(approval().at);
    assert_eq!(account.approvals, []);
}

#[test]
fn a_recovery_code_is_used_once_and_grows_the_epoch() {
    let mut account = with_recovery(RecoverySetKind::Codes, &[1, 3, 4]);
    let alerts = assert_approved(&is_fallback(recovery_code()), &mut account);
    assert_eq!(alerts, [(1, SecurityAlert::RecoveryCodeUsed { left: 2 })]);
    assert_eq!(account.recovery_codes_left(), 2);
    assert_eq!((account.epoch, account.revision), (EPOCH.grown(), 2));
    assert_eq!(account.approvals[0].epoch, EPOCH.grown());
    let again = at_challenge(
        20,
        EPOCH.grown(),
        attempt(20, 1, is_fallback(recovery_code())),
    );
    assert_rejected(&again, &mut account);
    assert_eq!(account.recovery_codes_left(), 2);
}

#[test]
fn a_recovery_code_of_a_set_that_was_replaced_is_refused() {
    let mut account = with_recovery(RecoverySetKind::Codes, &[3]);
    account.recovery.as_mut().unwrap().id = id(99);
    assert_rejected(&is_fallback(recovery_code()), &mut account);
    assert_eq!(account.recovery_codes_left(), 1);
}

#[test]
fn a_recovery_key_is_replaced_by_the_next_one() {
    let idempotency_record = IdempotencyRecord {
        idempotency_key: IdempotencyKey {
            key_digest: [1; 16],
            request_fingerprint: [2; 16],
        },
        created: CreatedResource::Nothing,
        answer: None,
        at: NOW,
    };
    let next = ReplacementRecoveryKey {
        set: id(30),
        hash: hash("next"),
    };
    let by_key = VerdictRequest {
        next_key: Some((next, Some(idempotency_record.clone()))),
        ..is_fallback(AttemptEffect::RecoveryKey { set: id(8) })
    };
    let mut account = with_recovery(RecoverySetKind::Key, &[0]);
    let verdict = by_key.apply_to(Some(&mut account), context());
    assert_eq!(verdict.idempotency_record, Some(&idempotency_record));
    assert_eq!(verdict.alerts, [(1, SecurityAlert::RecoveryKeyUsed)]);
    let set = account.recovery.as_ref().unwrap();
    assert_eq!(set.id, id(30));
    assert_eq!(set.unused, [(RecoveryKey::SLOT, hash("next"))]);
    assert_eq!((set.created_at, set.confirmed_at), (NOW, None));
    assert_eq!(account.epoch, EPOCH.grown());
    let again = at_challenge(20, EPOCH.grown(), attempt(20, 1, by_key));
    assert_rejected(&again, &mut account);
}

#[test]
fn a_bypass_code_is_used_once_and_grows_the_epoch() {
    let by_code = || is_fallback(AttemptEffect::BypassCode { id: id(9) });
    let mut account = with_bypass_code();
    let alerts = assert_approved(&by_code(), &mut account);
    assert_eq!(alerts, [(1, SecurityAlert::BypassCodeUsed)]);
    assert_eq!(account.bypass, None);
    assert_eq!(account.epoch, EPOCH.grown());
    let again = at_challenge(20, EPOCH.grown(), attempt(20, 1, by_code()));
    assert_rejected(&again, &mut account);
}

#[test]
fn a_bypass_code_that_is_over_or_of_another_epoch_is_refused() {
    let by_code = || is_fallback(AttemptEffect::BypassCode { id: id(9) });
    assert_rejected(&attempt(3, 60, by_code()), &mut with_bypass_code());
    let mut other_epoch = with_bypass_code();
    other_epoch.bypass.as_mut().unwrap().epoch = EPOCH.grown();
    assert_rejected(&by_code(), &mut other_epoch);
    assert!(other_epoch.bypass.is_some());
}

#[test]
fn an_address_is_verified_at_its_version_only() {
    let sent_to = |version| is_fallback(AttemptEffect::EmailVerified { version });
    let mut account = Account {
        email_verified: false,
        ..with_app()
    };
    assert_rejected(&sent_to(2), &mut account);
    assert!(!account.email_verified);
    assert_approved(&attempt(20, 1, sent_to(1)), &mut account);
    assert!(account.email_verified);
    assert_eq!((account.epoch, account.revision), (EPOCH, 2));
}

#[test]
fn a_second_factor_that_is_passed_cancels_a_pending_reset() {
    let mut account = with_reset(with_app());
    let alerts = assert_approved(&right(at_step(1)), &mut account);
    assert_eq!(alerts, [(1, SecurityAlert::ResetCanceled)]);
    assert_eq!(account.reset.as_ref().unwrap().canceled_at, Some(NOW));
    assert_eq!(account.revision, 2);
    let next = at_challenge(20, EPOCH, attempt(20, 1, right(at_step(2))));
    assert_eq!(assert_approved(&next, &mut account), []);
}

#[test]
fn a_wrong_code_leaves_a_pending_reset() {
    let mut account = with_reset(with_app());
    assert_rejected(&wrong(), &mut account);
    assert_eq!(account.reset.unwrap().canceled_at, None);
}

#[test]
fn each_alert_has_a_turn_of_its_own() {
    let mut account = Account {
        notice_turn: 4,
        ..with_reset(with_recovery(RecoverySetKind::Codes, &[3]))
    };
    let alerts = assert_approved(&is_fallback(recovery_code()), &mut account);
    let used = SecurityAlert::RecoveryCodeUsed { left: 0 };
    assert_eq!(alerts, [(5, SecurityAlert::ResetCanceled), (6, used)]);
    assert_eq!(account.notice_turn, 6);
}

#[test]
fn two_wrong_attempts_count_twice() {
    let mut account = with_app();
    assert_rejected(&wrong(), &mut account);
    assert_rejected(&attempt(20, 0, wrong()), &mut account);
    assert_eq!(account.failures().len(), 2);
    assert_eq!(account.methods[0].consecutive_failures, 2);
}

#[test]
fn a_repeated_wrong_attempt_counts_once() {
    let mut account = with_app();
    assert_rejected(&wrong(), &mut account);
    let before = account.clone();
    let verdict = wrong();
    let verdict = verdict.apply_to(Some(&mut account), context());
    assert!(matches!(
        verdict.verdict_result,
        VerdictResult::Rejected { .. }
    ));
    assert!(verdict.event.is_none());
    assert_eq!(account, before);
}

#[test]
fn a_refusal_tells_where_the_code_before_it_belonged() {
    let skew = ClockSkew {
        offset: 3,
        step: TimeStep(8),
    };
    let skewed = VerdictRequest {
        judgment: AttemptJudgment::Wrong { skew: Some(skew) },
        ..wrong()
    };
    let mut account = with_app();
    let previous = |verdict_request: &VerdictRequest, account: &mut Account| {
        verdict_request
            .apply_to(Some(account), context())
            .verdict_result
    };
    let rejected = |previous_skew| VerdictResult::Rejected { previous_skew };
    assert_eq!(previous(&skewed, &mut account), rejected(None));
    assert_eq!(previous(&skewed, &mut account), rejected(None), "a repeat");
    let next = attempt(20, 1, wrong());
    assert_eq!(previous(&next, &mut account), rejected(Some(skew)));
    assert_eq!(
        previous(&next, &mut account),
        rejected(Some(skew)),
        "a repeat"
    );
}

#[test]
fn the_last_failure_disables_the_method_and_is_told_once() {
    let mut account = with_app();
    account.methods[0].consecutive_failures = 99;
    let disabled = SecurityAlert::MethodDisabled {
        method: id(4),
        kind: MethodKind::Totp,
    };
    assert_eq!(assert_rejected(&wrong(), &mut account), [(1, disabled)]);
    assert!(account.methods[0].disabled);
    let other_class = VerdictRequest {
        attempt: JudgedAttempt {
            class: crate::limits::budget::AttemptClass::Known,
            ..wrong().attempt
        },
        ..wrong()
    };
    assert_eq!(
        assert_rejected(&attempt(20, 1, other_class), &mut account),
        []
    );
}

#[test]
fn a_window_that_fills_is_announced_once_until_it_was_empty() {
    let mut account = with_app();
    let many = SecurityAlert::ManyWrongCodes;
    assert_eq!(assert_rejected(&wrong(), &mut account), []);
    assert_eq!(
        assert_rejected(&attempt(20, 1, wrong()), &mut account),
        [(1, many)]
    );
    let minutes_later = |seed, later: u64| attempt(seed, later * 60, wrong());
    assert_eq!(assert_rejected(&minutes_later(21, 16), &mut account), []);
    assert_eq!(
        assert_rejected(&minutes_later(22, 17), &mut account),
        [],
        "full again"
    );
    let other_challenge = |seed, later| at_challenge(99, EPOCH, minutes_later(seed, later));
    assert_eq!(assert_rejected(&other_challenge(23, 78), &mut account), []);
    assert!(account.announced_windows.is_empty());
    assert_eq!(
        assert_rejected(&other_challenge(24, 79), &mut account),
        [(2, many)]
    );
}

#[test]
fn a_repeat_of_the_attempt_that_passed_is_answered_the_same_and_writes_nothing() {
    let verdict_request = right(at_step(5));
    let mut account = with_app();
    let first = verdict_request.apply_to(Some(&mut account), context());
    let before = account.clone();
    let again = verdict_request.apply_to(
        Some(&mut account),
        VerdictContext {
            ended: first.ending,
            ..context()
        },
    );
    assert_eq!(again.verdict_result, first.verdict_result);
    assert!(again.event.is_none() && again.ending.is_none());
    assert_eq!(account, before);
}

#[test]
fn an_attempt_of_another_caller_at_a_passed_challenge_finds_it_over() {
    let passed = Approval {
        caller: CallerName::new("shop"),
        ..approval()
    };
    let verdict_request = right(at_step(5));
    let ended = Some(ChallengeOutcome::Approved(Box::new(passed)));
    let verdict =
        verdict_request.apply_to(Some(&mut with_app()), VerdictContext { ended, ..context() });
    assert_eq!(verdict.verdict_result, VerdictResult::Over);
}
