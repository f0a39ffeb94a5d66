mod alerts;
mod properties;

use super::*;
use crate::{
    audit_event::{AuditDetails, AuditEventKind},
    authorization::caller::CallerName,
    challenge::{answered_by::AnsweredBy, approval::ApprovedPurpose},
    fixtures::{EPOCH, NOW, PORTAL, approval, id, jane, minutes, sealed, seconds},
    limits::budget::RateLimit,
    notice::alert::SecurityAlert,
    recovery::CodeSlot,
    value::id::SubjectTag,
};

pub(super) const WINDOWS: RateLimitWindows = RateLimitWindows {
    short: RateLimit::new(2, minutes(15)),
    long: RateLimit::new(4, minutes(60)),
};

pub(super) const WRONG: AttemptJudgment = AttemptJudgment::Wrong { skew: None };

pub(super) fn at_step(step: u64) -> AttemptEffect {
    AttemptEffect::Step {
        step: TimeStep(step),
        acceptable_from: NOW,
    }
}

pub(super) fn recovery_code() -> AttemptEffect {
    AttemptEffect::RecoveryCode {
        set: id(8),
        slot: CodeSlot::new(3).unwrap(),
    }
}

fn event(kind: AuditEventKind) -> AuditEvent {
    AuditEvent {
        id: id(5),
        tenant: jane().tenant,
        subject: SubjectTag([6; 16]),
        kind,
        caller: CallerName::new(PORTAL),
        at: NOW,
        details: AuditDetails::none(),
        personal: sealed(7),
    }
}

/// An attempt at a challenge that was issued a minute ago and asks for method 4.
pub(super) fn verdict_request(judgment: AttemptJudgment) -> VerdictRequest {
    VerdictRequest {
        subject: jane(),
        challenge: id(2),
        issued_at: NOW.minus(minutes(1)),
        epoch: EPOCH,
        max_attempts: 5,
        attempt: JudgedAttempt {
            id: id(3),
            class: AttemptClass::Unknown,
            windows: WINDOWS,
            at: NOW,
        },
        asked: Some((id(4), 1)),
        failures_until_disabled: 100,
        judgment,
        next_key: None,
        approval: approval(),
        device: None,
        approved_event: event(AuditEventKind::ChallengeApproved),
        rejected_event: event(AuditEventKind::ChallengeRejected),
    }
}

pub(super) fn right(effect: AttemptEffect) -> VerdictRequest {
    verdict_request(AttemptJudgment::Right(effect))
}

pub(super) fn wrong() -> VerdictRequest {
    verdict_request(WRONG)
}

/// Inputs with which a right code is approved.
fn inputs() -> VerdictInputs {
    VerdictInputs {
        epoch: Some(EPOCH),
        ended: None,
        is_recorded_failure: false,
        failed_at: Vec::new(),
        failures_of_challenge: 0,
        window_announced: false,
        method: Some(MethodStatus {
            kind: MethodKind::Totp,
            consecutive_failures: 0,
            version: 1,
            disabled: false,
            last_step: None,
        }),
        code_unused: true,
        reset_pending: false,
        request_used: false,
        email_version: 1,
        trust_withdrawn: false,
        timeline_started_at: Timestamp::from_millis(0),
    }
}

fn method_status(change: impl FnOnce(&mut MethodStatus)) -> VerdictInputs {
    inputs_with(|inputs| change(inputs.method.as_mut().unwrap()))
}

fn ended_with(approval: Approval) -> VerdictInputs {
    VerdictInputs {
        ended: Some(ChallengeOutcome::Approved(Box::new(approval))),
        ..inputs()
    }
}

fn inputs_with(change: impl FnOnce(&mut VerdictInputs)) -> VerdictInputs {
    let mut inputs = inputs();
    change(&mut inputs);
    inputs
}

fn ended_without(ending: UnapprovedEnding) -> VerdictInputs {
    inputs_with(|inputs| inputs.ended = Some(ChallengeOutcome::Without(ending)))
}

/// Inputs with which no code is accepted, and the verdict on each.
fn closed() -> [(&'static str, VerdictInputs, Verdict); 10] {
    let elses = Approval {
        attempt_id: id(99),
        ..approval()
    };
    let two_failures = vec![NOW.minus(minutes(14)), NOW];
    let is_recorded_failure = |inputs| VerdictInputs {
        is_recorded_failure: true,
        ..inputs
    };
    let no_user = inputs_with(|inputs| inputs.epoch = None);
    let grown = inputs_with(|inputs| inputs.epoch = Some(EPOCH.grown()));
    let failed_over = inputs_with(|inputs| inputs.timeline_started_at = NOW);
    let full = inputs_with(|inputs| inputs.failed_at = two_failures);
    let (exhausted, canceled, superseded) = (
        ended_without(UnapprovedEnding::Exhausted),
        ended_without(UnapprovedEnding::Canceled),
        ended_without(UnapprovedEnding::Superseded),
    );
    let by_this_guess = is_recorded_failure(exhausted.clone());
    let full_until = Verdict::Full(NOW.plus(minutes(1)));
    [
        ("no such user", no_user, Verdict::Over),
        ("the epoch grew", grown, Verdict::Over),
        ("history began later", failed_over, Verdict::Over),
        ("exhausted", exhausted, Verdict::Over),
        ("canceled", canceled, Verdict::Over),
        ("superseded", superseded, Verdict::Over),
        ("passed by another guess", ended_with(elses), Verdict::Over),
        (
            "failed before",
            is_recorded_failure(inputs()),
            Verdict::RejectedBefore,
        ),
        (
            "exhausted by this attempt",
            by_this_guess,
            Verdict::RejectedBefore,
        ),
        ("the short window is full", full, full_until),
    ]
}

#[test]
fn a_right_code_is_approved() {
    assert_eq!(right(at_step(1)).rule(&inputs()), Verdict::Approve);
}

#[test]
fn a_wrong_code_is_rejected() {
    assert_eq!(wrong().rule(&inputs()), Verdict::Reject);
}

#[test]
fn under_facts_that_close_a_challenge_nothing_is_looked_at() {
    for (what, inputs, verdict) in closed() {
        assert_eq!(right(at_step(1)).rule(&inputs), verdict, "{what}");
    }
}

#[test]
fn a_wrong_code_is_told_the_same_as_a_right_one_that_is_not_looked_at() {
    for (what, inputs, verdict) in closed() {
        assert_eq!(wrong().rule(&inputs), verdict, "{what}");
    }
}

#[test]
fn a_repeat_of_the_call_that_passed_meets_its_approval() {
    let verdict = right(at_step(1)).rule(&ended_with(approval()));
    assert_eq!(verdict, Verdict::ApprovedBefore(Box::new(approval())));
}

#[test]
fn a_repeat_with_another_payload_is_no_repeat() {
    let passed = Approval {
        payload: Some([1; 16]),
        ..approval()
    };
    assert_eq!(right(at_step(1)).rule(&ended_with(passed)), Verdict::Over);
}

#[test]
fn a_repeat_by_another_caller_is_no_repeat() {
    let passed = Approval {
        caller: CallerName::new("shop"),
        ..approval()
    };
    assert_eq!(right(at_step(1)).rule(&ended_with(passed)), Verdict::Over);
}

#[test]
fn a_repeat_after_the_epoch_grew_meets_nothing() {
    let later = VerdictInputs {
        epoch: Some(EPOCH.grown()),
        ..ended_with(approval())
    };
    assert_eq!(right(at_step(1)).rule(&later), Verdict::Over);
}

#[test]
fn a_repeat_of_a_sign_in_by_recovery_code_meets_the_approval_that_grew_the_epoch() {
    let passed = Approval {
        epoch: EPOCH.grown(),
        ..approval()
    };
    let later = VerdictInputs {
        epoch: Some(EPOCH.grown()),
        code_unused: false,
        ..ended_with(passed.clone())
    };
    assert_eq!(
        right(recovery_code()).rule(&later),
        Verdict::ApprovedBefore(Box::new(passed))
    );
}

#[test]
fn a_full_window_of_an_hour_rejects_without_looking() {
    let hourly = [50, 40, 30, 20].map(|ago| NOW.minus(minutes(ago)));
    let full = inputs_with(|inputs| inputs.failed_at = hourly.to_vec());
    assert_eq!(
        right(at_step(1)).rule(&full),
        Verdict::Full(NOW.plus(minutes(10)))
    );
}

#[test]
fn a_code_of_a_disabled_method_is_rejected() {
    let disabled = method_status(|method| method.disabled = true);
    assert_eq!(right(AttemptEffect::Plain).rule(&disabled), Verdict::Reject);
}

#[test]
fn a_code_of_another_version_of_the_method_is_rejected() {
    let changed = method_status(|method| method.version = 2);
    assert_eq!(right(AttemptEffect::Plain).rule(&changed), Verdict::Reject);
}

#[test]
fn a_code_of_a_method_that_is_gone_is_rejected() {
    let gone = inputs_with(|inputs| inputs.method = None);
    assert_eq!(right(AttemptEffect::Plain).rule(&gone), Verdict::Reject);
}

#[test]
fn a_challenge_that_asks_no_method_needs_none() {
    let nobody_asked = VerdictRequest {
        asked: None,
        ..right(AttemptEffect::Plain)
    };
    let none = inputs_with(|inputs| inputs.method = None);
    assert_eq!(nobody_asked.rule(&none), Verdict::Approve);
}

#[test]
fn a_step_that_was_accepted_is_rejected() {
    let used = method_status(|method| method.last_step = Some(TimeStep(9)));
    assert_eq!(right(at_step(9)).rule(&used), Verdict::Reject);
}

#[test]
fn a_step_before_the_last_accepted_is_rejected() {
    let used = method_status(|method| method.last_step = Some(TimeStep(9)));
    assert_eq!(right(at_step(8)).rule(&used), Verdict::Reject);
}

#[test]
fn a_step_after_the_last_accepted_is_approved() {
    let used = method_status(|method| method.last_step = Some(TimeStep(9)));
    assert_eq!(right(at_step(10)).rule(&used), Verdict::Approve);
}

#[test]
fn a_step_that_could_be_accepted_before_the_present_history_is_rejected() {
    let began_early = AttemptEffect::Step {
        step: TimeStep(1),
        acceptable_from: NOW.minus(minutes(2)),
    };
    let failed_over = inputs_with(|inputs| inputs.timeline_started_at = NOW.minus(seconds(90)));
    assert_eq!(right(began_early).rule(&failed_over), Verdict::Reject);
    assert_eq!(right(at_step(1)).rule(&failed_over), Verdict::Approve);
}

#[test]
fn a_recovery_code_that_is_used_is_rejected() {
    let used = inputs_with(|inputs| inputs.code_unused = false);
    assert_eq!(right(recovery_code()).rule(&used), Verdict::Reject);
    assert_eq!(right(recovery_code()).rule(&inputs()), Verdict::Approve);
}

#[test]
fn a_bypass_code_that_is_used_or_over_is_rejected() {
    let bypass_code = || right(AttemptEffect::BypassCode { id: id(9) });
    let over = inputs_with(|inputs| inputs.code_unused = false);
    assert_eq!(bypass_code().rule(&over), Verdict::Reject);
    assert_eq!(bypass_code().rule(&inputs()), Verdict::Approve);
    assert_eq!(bypass_code().epoch_after(), EPOCH.grown());
    assert_eq!(
        bypass_code().approval_alert(&inputs(), 3),
        Some(SecurityAlert::BypassCodeUsed)
    );
}

#[test]
fn a_recovery_key_that_is_used_is_rejected_and_one_that_is_not_grows_the_epoch() {
    let key = || right(AttemptEffect::RecoveryKey { set: id(9) });
    let used = inputs_with(|inputs| inputs.code_unused = false);
    assert_eq!(key().rule(&used), Verdict::Reject);
    assert_eq!(key().rule(&inputs()), Verdict::Approve);
    assert_eq!(key().epoch_after(), EPOCH.grown());
    assert_eq!(
        key().approval_alert(&inputs(), 1),
        Some(SecurityAlert::RecoveryKeyUsed)
    );
}

#[test]
fn a_code_sent_to_an_address_that_changed_is_rejected() {
    let sent_to = |version| AttemptEffect::EmailVerified { version };
    assert_eq!(right(sent_to(0)).rule(&inputs()), Verdict::Reject);
    assert_eq!(right(sent_to(1)).rule(&inputs()), Verdict::Approve);
}

#[test]
fn a_failure_is_the_last_when_the_record_says_so() {
    let failures_of_challenge = |failures_of_challenge| VerdictInputs {
        failures_of_challenge,
        ..inputs()
    };
    assert!(!wrong().exhausts(&failures_of_challenge(3)));
    assert!(wrong().exhausts(&failures_of_challenge(4)));
    assert!(wrong().exhausts(&failures_of_challenge(u32::MAX)));
}

#[test]
fn only_a_recovery_code_grows_the_epoch() {
    assert_eq!(right(recovery_code()).epoch_after(), EPOCH.grown());
    let others = [
        at_step(1),
        AttemptEffect::Plain,
        AttemptEffect::EmailVerified { version: 1 },
    ];
    for effect in others {
        assert_eq!(right(effect).epoch_after(), EPOCH);
    }
    assert_eq!(wrong().epoch_after(), EPOCH);
}

#[test]
fn a_second_factor_that_is_passed_or_stood_in_for_cancels_a_pending_reset() {
    let pending = inputs_with(|inputs| inputs.reset_pending = true);
    assert!(right(at_step(1)).cancels_reset(&pending));
    assert!(!right(at_step(1)).cancels_reset(&inputs()));
    let by_recovery_code = VerdictRequest {
        asked: None,
        ..right(recovery_code())
    };
    assert!(by_recovery_code.cancels_reset(&pending));
    let by_mail = VerdictRequest {
        asked: None,
        ..right(AttemptEffect::EmailVerified { version: 1 })
    };
    assert!(!by_mail.cancels_reset(&pending));
}

#[test]
fn a_key_that_comes_with_a_request_id_of_another_call_writes_nothing() {
    let used = inputs_with(|inputs| inputs.request_used = true);
    assert_eq!(right(recovery_code()).rule(&used), Verdict::Over);
    assert_eq!(wrong().rule(&used), Verdict::Reject);
}
