use super::*;
use crate::{
    challenge::totp::{StepTolerance, TotpParameters},
    fixtures::properties,
};
use proptest::prelude::*;

fn some_effect() -> impl Strategy<Value = AttemptEffect> {
    prop_oneof![
        (0..4_u64, -3..3_i64).prop_map(|(step, began)| AttemptEffect::Step {
            step: TimeStep(step),
            acceptable_from: Timestamp::from_seconds(NOW.millis() / 1000 + began),
        }),
        Just(AttemptEffect::Plain),
        Just(recovery_code()),
        Just(AttemptEffect::BypassCode { id: id(9) }),
        Just(AttemptEffect::RecoveryKey { set: id(9) }),
        (0..3_u32).prop_map(|version| AttemptEffect::EmailVerified { version }),
    ]
}

fn some_ending() -> impl Strategy<Value = ChallengeOutcome> {
    let approved = (2..5_u8, 6..9_i64, prop::option::of(0..2_u8)).prop_map(
        |(verdict_request, epoch, payload)| {
            ChallengeOutcome::Approved(Box::new(Approval {
                attempt_id: id(verdict_request),
                epoch: Epoch::from_number(epoch),
                payload: payload.map(|payload| [payload; 16]),
                purpose: ApprovedPurpose::SignIn,
                answered_by: AnsweredBy::RecoveryCode,
                ..approval()
            }))
        },
    );
    let without = prop::sample::select(vec![
        UnapprovedEnding::Exhausted,
        UnapprovedEnding::Canceled,
        UnapprovedEnding::Superseded,
    ]);
    prop_oneof![approved, without.prop_map(ChallengeOutcome::Without)]
}

fn some_method() -> impl Strategy<Value = MethodStatus> {
    (
        1..3_u32,
        prop::bool::weighted(0.2),
        prop::option::of(0..4_u64),
    )
        .prop_map(|(version, disabled, last_step)| MethodStatus {
            kind: MethodKind::Totp,
            consecutive_failures: 0,
            version,
            disabled,
            last_step: last_step.map(TimeStep),
        })
}

/// Inputs with which a code can mostly be approved.
fn some_facts() -> impl Strategy<Value = VerdictInputs> {
    let user = (
        prop::sample::select(vec![None, Some(6), Some(7), Some(7), Some(7), Some(8)]),
        prop::option::weighted(0.3, some_ending()),
        prop::bool::weighted(0.2),
    );
    let failures = (prop::collection::vec(-70..5_i64, 0..5), 0..6_u32);
    let rest = (
        prop::option::weighted(0.8, some_method()),
        any::<bool>(),
        0..3_u32,
        -3..3_i64,
    );
    (user, failures, rest).prop_map(
        |(
            (epoch, ended, is_recorded_failure),
            (failed, failures_of_challenge),
            (method, code_unused, email, began),
        )| {
            let minutes_from_now =
                |minutes: i64| Timestamp::from_millis(NOW.millis() + minutes * 60_000);
            VerdictInputs {
                epoch: epoch.map(Epoch::from_number),
                ended,
                is_recorded_failure,
                failed_at: failed.into_iter().map(minutes_from_now).collect(),
                failures_of_challenge,
                window_announced: false,
                method,
                code_unused,
                reset_pending: false,
                request_used: false,
                email_version: email,
                trust_withdrawn: false,
                timeline_started_at: minutes_from_now(began - 2),
            }
        },
    )
}

fn some_right_answer() -> impl Strategy<Value = VerdictRequest> {
    (some_effect(), any::<bool>()).prop_map(|(effect, asks_method)| VerdictRequest {
        asked: asks_method.then(|| (id(4), 1)),
        ..right(effect)
    })
}

/// All reasons against an approval, each checked independently.
fn objections(verdict_request: &VerdictRequest, inputs: &VerdictInputs) -> Vec<&'static str> {
    let (method, AttemptJudgment::Right(effect)) = (inputs.method, verdict_request.judgment) else {
        return vec!["wrong"];
    };
    let about_effect = match effect {
        AttemptEffect::Plain => false,
        AttemptEffect::Step {
            step,
            acceptable_from,
        } => {
            let last_step = method.and_then(|method| method.last_step);
            last_step >= Some(step) || acceptable_from < inputs.timeline_started_at
        }
        AttemptEffect::RecoveryCode { .. }
        | AttemptEffect::BypassCode { .. }
        | AttemptEffect::RecoveryKey { .. } => !inputs.code_unused,
        AttemptEffect::EmailVerified { version } => version != inputs.email_version,
    };
    let asked_for = |(_, version)| method.is_some_and(|method| method.version == version);
    let objections = [
        ("another epoch", inputs.epoch != Some(verdict_request.epoch)),
        ("over", inputs.ended.is_some()),
        ("failed before", inputs.is_recorded_failure),
        (
            "old history",
            verdict_request.issued_at < inputs.timeline_started_at,
        ),
        (
            "full",
            WINDOWS.full_until(inputs.failed_at.clone(), NOW).is_some(),
        ),
        (
            "no such method",
            !verdict_request.asked.is_none_or(asked_for),
        ),
        (
            "disabled",
            verdict_request
                .asked
                .and(method)
                .is_some_and(|method| method.disabled),
        ),
        ("used or outdated", about_effect),
    ];
    objections
        .into_iter()
        .filter_map(|(what, holds)| holds.then_some(what))
        .collect()
}

proptest! {
    #![proptest_config(properties(2048))]

    #[test]
    fn right_or_wrong_is_told_by_an_approval_and_by_nothing_else(
        right in some_right_answer(),
        inputs in some_facts(),
    ) {
        let wrong = VerdictRequest { judgment: WRONG, ..right.clone() };
        match right.rule(&inputs) {
            Verdict::Approve => prop_assert_eq!(wrong.rule(&inputs), Verdict::Reject),
            verdict => prop_assert_eq!(wrong.rule(&inputs), verdict),
        }
    }

    #[test]
    fn a_right_code_is_approved_exactly_if_nothing_speaks_against_it(
        verdict_request in some_right_answer(),
        inputs in some_facts(),
    ) {
        let approved = verdict_request.rule(&inputs) == Verdict::Approve;
        prop_assert_eq!(approved, objections(&verdict_request, &inputs).is_empty());
    }

    #[test]
    fn approved_steps_strictly_increase(tried in prop::collection::vec(0..12_u64, 0..40)) {
        let mut last_step = None;
        let mut approved = Vec::new();
        for step in tried {
            let inputs = method_status(|method| method.last_step = last_step);
            if right(at_step(step)).rule(&inputs) == Verdict::Approve {
                last_step = Some(TimeStep(step));
                approved.push(step);
            }
        }
        prop_assert!(approved.is_sorted_by(|earlier, later| earlier < later), "{approved:?}");
    }

    #[test]
    fn no_more_attempts_are_judged_than_the_windows_bear(waits in prop::collection::vec(0..10_u64, 60)) {
        let mut now = NOW;
        let mut judged = Vec::new();
        for wait in waits {
            now = now.plus(minutes(wait));
            let inputs = VerdictInputs { failed_at: judged.clone(), ..inputs() };
            let verdict_request = VerdictRequest { attempt: JudgedAttempt { at: now, ..wrong().attempt }, ..wrong() };
            if verdict_request.rule(&inputs) == Verdict::Reject {
                judged.push(now);
            }
        }
        for limit in [WINDOWS.short, WINDOWS.long] {
            let spans = judged.windows(usize::try_from(limit.count).unwrap() + 1);
            for span in spans {
                prop_assert!(span[span.len() - 1].since(span[0]) >= limit.within);
            }
        }
    }

    /// After a failover, the accepted step may be lost with its timeline.
    #[test]
    fn no_step_that_was_accepted_before_a_failover_is_accepted_after_it(
        accepted_at in 3_000_000..4_000_000_000_000_i64,
        later in 1..1_000_000_i64,
        place in 0..9_u64,
        (past, future) in (0..5_u64, 0..5_u64),
    ) {
        let parameters = TotpParameters::UNIVERSAL;
        let tolerance = StepTolerance { past, future };
        let TimeStep(current) = parameters.step_at(Timestamp::from_millis(accepted_at));
        let step = current - past + place % (past + future + 1);
        let effect = AttemptEffect::Step {
            step: TimeStep(step),
            acceptable_from: parameters.acceptable_from(TimeStep(step), tolerance),
        };
        let timeline_started_at = Timestamp::from_millis(accepted_at + later);
        let inputs = inputs_with(|inputs| inputs.timeline_started_at = timeline_started_at);
        let again = VerdictRequest { issued_at: timeline_started_at, ..right(effect) };
        prop_assert_eq!(again.rule(&inputs), Verdict::Reject);
    }
}
