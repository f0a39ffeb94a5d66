use super::*;
use crate::{
    approval::{AnsweredBy, ApprovedPurpose},
    budget::Limit,
    caller::CallerName,
    event::{EventKind, Facts as EventFacts},
    fixtures::{EPOCH, NOW, PORTAL, approval, id, jane, minutes, properties, sealed, seconds},
    id::SubjectTag,
    recovery::Slot,
};
use proptest::prelude::*;

const WINDOWS: Windows = Windows {
    short: Limit::new(2, minutes(15)),
    long: Limit::new(4, minutes(60)),
};

const WRONG: Judgement = Judgement::Wrong { skew: None };

fn at_step(step: u64) -> Effect {
    Effect::Step {
        step: Step(step),
        began_at: NOW,
    }
}

fn recovery_code() -> Effect {
    Effect::RecoveryCode {
        set: id(8),
        slot: Slot::new(3).unwrap(),
    }
}

fn event(kind: EventKind) -> Event {
    Event {
        id: id(5),
        tenant: jane().tenant,
        subject: SubjectTag([6; 16]),
        kind,
        caller: CallerName::new(PORTAL),
        at: NOW,
        facts: EventFacts::none(),
        personal: sealed(7),
    }
}

/// Of a guess at a challenge that was issued a minute ago and asks method 4.
fn settlement(judgement: Judgement) -> Settlement {
    Settlement {
        subject: jane(),
        challenge: id(2),
        issued_at: NOW.minus(minutes(1)),
        epoch: EPOCH,
        attempts: 5,
        guess: Guess {
            id: id(3),
            class: GuessClass::Unknown,
            windows: WINDOWS,
            at: NOW,
        },
        asked: Some((id(4), 1)),
        failures_until_disabled: 100,
        judgement,
        approval: approval(),
        device: None,
        approved_event: event(EventKind::ChallengeApproved),
        rejected_event: event(EventKind::ChallengeRejected),
    }
}

fn right(effect: Effect) -> Settlement {
    settlement(Judgement::Right(effect))
}

fn wrong() -> Settlement {
    settlement(WRONG)
}

/// Under which a right code is approved.
fn facts() -> Facts {
    Facts {
        epoch: Some(EPOCH),
        ended: None,
        recorded: false,
        failed_at: Vec::new(),
        failed_here: 0,
        method: Some(MethodFacts {
            version: 1,
            disabled: false,
            last_step: None,
        }),
        code_unused: true,
        email_version: 1,
        history_began: Timestamp::from_millis(0),
    }
}

fn method_facts(change: impl FnOnce(&mut MethodFacts)) -> Facts {
    let mut facts = facts();
    if let Some(method) = &mut facts.method {
        change(method);
    }
    facts
}

fn ended_with(approval: Approval) -> Facts {
    Facts {
        ended: Some(Ended::Approved(Box::new(approval))),
        ..facts()
    }
}

/// Facts under which nothing is looked at, and what the ruling is.
fn closed() -> Vec<(&'static str, Facts, Ruling)> {
    let without = |ending| Some(Ended::Without(ending));
    vec![
        (
            "no such user",
            Facts {
                epoch: None,
                ..facts()
            },
            Ruling::Over,
        ),
        (
            "the epoch grew",
            Facts {
                epoch: Some(EPOCH.grown()),
                ..facts()
            },
            Ruling::Over,
        ),
        (
            "history began after the challenge",
            Facts {
                history_began: NOW,
                ..facts()
            },
            Ruling::Over,
        ),
        (
            "exhausted",
            Facts {
                ended: without(Ending::Exhausted),
                ..facts()
            },
            Ruling::Over,
        ),
        (
            "cancelled",
            Facts {
                ended: without(Ending::Cancelled),
                ..facts()
            },
            Ruling::Over,
        ),
        (
            "superseded",
            Facts {
                ended: without(Ending::Superseded),
                ..facts()
            },
            Ruling::Over,
        ),
        (
            "approved for another guess",
            ended_with(Approval {
                guess: id(99),
                ..approval()
            }),
            Ruling::Over,
        ),
        (
            "recorded as a failure",
            Facts {
                recorded: true,
                ..facts()
            },
            Ruling::RejectedBefore,
        ),
        (
            "exhausted by this very guess",
            Facts {
                recorded: true,
                ended: without(Ending::Exhausted),
                ..facts()
            },
            Ruling::RejectedBefore,
        ),
        (
            "the short window is full",
            Facts {
                failed_at: vec![NOW.minus(minutes(14)), NOW],
                ..facts()
            },
            Ruling::Full(NOW.plus(minutes(1))),
        ),
    ]
}

#[test]
fn a_right_code_is_approved() {
    assert_eq!(right(at_step(1)).rule(&facts()), Ruling::Approve);
}

#[test]
fn a_wrong_code_is_rejected() {
    assert_eq!(wrong().rule(&facts()), Ruling::Reject);
}

#[test]
fn under_facts_that_close_a_challenge_nothing_is_looked_at() {
    for (what, facts, ruling) in closed() {
        assert_eq!(right(at_step(1)).rule(&facts), ruling, "{what}");
    }
}

#[test]
fn a_wrong_code_is_told_the_same_as_a_right_one_that_is_not_looked_at() {
    for (what, facts, ruling) in closed() {
        assert_eq!(wrong().rule(&facts), ruling, "{what}");
    }
}

#[test]
fn a_repeat_of_the_call_that_passed_meets_its_approval() {
    let ruling = right(at_step(1)).rule(&ended_with(approval()));
    assert_eq!(ruling, Ruling::ApprovedBefore(Box::new(approval())));
}

#[test]
fn a_repeat_with_another_payload_is_no_repeat() {
    let passed = Approval {
        payload: Some([1; 16]),
        ..approval()
    };
    assert_eq!(right(at_step(1)).rule(&ended_with(passed)), Ruling::Over);
}

#[test]
fn a_repeat_by_another_caller_is_no_repeat() {
    let passed = Approval {
        caller: CallerName::new("shop"),
        ..approval()
    };
    assert_eq!(right(at_step(1)).rule(&ended_with(passed)), Ruling::Over);
}

#[test]
fn a_repeat_after_the_epoch_grew_meets_nothing() {
    let later = Facts {
        epoch: Some(EPOCH.grown()),
        ..ended_with(approval())
    };
    assert_eq!(right(at_step(1)).rule(&later), Ruling::Over);
}

#[test]
fn a_repeat_of_a_sign_in_by_recovery_code_meets_the_approval_that_grew_the_epoch() {
    let passed = Approval {
        epoch: EPOCH.grown(),
        ..approval()
    };
    let later = Facts {
        epoch: Some(EPOCH.grown()),
        code_unused: false,
        ..ended_with(passed.clone())
    };
    assert_eq!(
        right(recovery_code()).rule(&later),
        Ruling::ApprovedBefore(Box::new(passed))
    );
}

#[test]
fn a_full_window_of_an_hour_rejects_without_looking() {
    let hourly = [50, 40, 30, 20].map(|ago| NOW.minus(minutes(ago)));
    let full = Facts {
        failed_at: hourly.to_vec(),
        ..facts()
    };
    assert_eq!(
        right(at_step(1)).rule(&full),
        Ruling::Full(NOW.plus(minutes(10)))
    );
}

#[test]
fn a_code_of_a_disabled_method_is_rejected() {
    let disabled = method_facts(|method| method.disabled = true);
    assert_eq!(right(Effect::Plain).rule(&disabled), Ruling::Reject);
}

#[test]
fn a_code_of_another_version_of_the_method_is_rejected() {
    let changed = method_facts(|method| method.version = 2);
    assert_eq!(right(Effect::Plain).rule(&changed), Ruling::Reject);
}

#[test]
fn a_code_of_a_method_that_is_gone_is_rejected() {
    let gone = Facts {
        method: None,
        ..facts()
    };
    assert_eq!(right(Effect::Plain).rule(&gone), Ruling::Reject);
}

#[test]
fn a_challenge_that_asks_no_method_needs_none() {
    let nobody_asked = Settlement {
        asked: None,
        ..right(Effect::Plain)
    };
    let none = Facts {
        method: None,
        ..facts()
    };
    assert_eq!(nobody_asked.rule(&none), Ruling::Approve);
}

#[test]
fn a_step_that_was_accepted_is_rejected() {
    let used = method_facts(|method| method.last_step = Some(Step(9)));
    assert_eq!(right(at_step(9)).rule(&used), Ruling::Reject);
}

#[test]
fn a_step_before_the_last_accepted_is_rejected() {
    let used = method_facts(|method| method.last_step = Some(Step(9)));
    assert_eq!(right(at_step(8)).rule(&used), Ruling::Reject);
}

#[test]
fn a_step_after_the_last_accepted_is_approved() {
    let used = method_facts(|method| method.last_step = Some(Step(9)));
    assert_eq!(right(at_step(10)).rule(&used), Ruling::Approve);
}

#[test]
fn a_step_that_began_before_the_present_history_is_rejected() {
    let began_early = Effect::Step {
        step: Step(1),
        began_at: NOW.minus(minutes(2)),
    };
    let failed_over = Facts {
        history_began: NOW.minus(seconds(90)),
        ..facts()
    };
    assert_eq!(right(began_early).rule(&failed_over), Ruling::Reject);
    assert_eq!(right(at_step(1)).rule(&failed_over), Ruling::Approve);
}

#[test]
fn a_recovery_code_that_is_used_is_rejected() {
    let used = Facts {
        code_unused: false,
        ..facts()
    };
    assert_eq!(right(recovery_code()).rule(&used), Ruling::Reject);
    assert_eq!(right(recovery_code()).rule(&facts()), Ruling::Approve);
}

#[test]
fn a_code_sent_to_an_address_that_changed_is_rejected() {
    let sent_to = |version| Effect::EmailVerified { version };
    assert_eq!(right(sent_to(0)).rule(&facts()), Ruling::Reject);
    assert_eq!(right(sent_to(1)).rule(&facts()), Ruling::Approve);
}

#[test]
fn a_failure_is_the_last_when_the_record_says_so() {
    let failed_here = |failed_here| Facts {
        failed_here,
        ..facts()
    };
    assert!(!wrong().exhausts(&failed_here(3)));
    assert!(wrong().exhausts(&failed_here(4)));
    assert!(wrong().exhausts(&failed_here(u32::MAX)));
}

#[test]
fn only_a_recovery_code_grows_the_epoch() {
    assert_eq!(right(recovery_code()).epoch_after(), EPOCH.grown());
    let others = [
        at_step(1),
        Effect::Plain,
        Effect::EmailVerified { version: 1 },
    ];
    for effect in others {
        assert_eq!(right(effect).epoch_after(), EPOCH);
    }
    assert_eq!(wrong().epoch_after(), EPOCH);
}

fn some_effect() -> impl Strategy<Value = Effect> {
    prop_oneof![
        (0..4_u64, -3..3_i64).prop_map(|(step, began)| Effect::Step {
            step: Step(step),
            began_at: Timestamp::from_seconds(NOW.millis() / 1000 + began),
        }),
        Just(Effect::Plain),
        Just(recovery_code()),
        (0..3_u32).prop_map(|version| Effect::EmailVerified { version }),
    ]
}

fn some_ending() -> impl Strategy<Value = Ended> {
    let approved =
        (2..5_u8, 6..9_i64, prop::option::of(0..2_u8)).prop_map(|(guess, epoch, payload)| {
            Ended::Approved(Box::new(Approval {
                guess: id(guess),
                epoch: Epoch::from_number(epoch),
                payload: payload.map(|payload| [payload; 16]),
                purpose: ApprovedPurpose::SignIn,
                answered_by: AnsweredBy::RecoveryCode,
                ..approval()
            }))
        });
    let without = prop::sample::select(vec![
        Ending::Exhausted,
        Ending::Cancelled,
        Ending::Superseded,
    ]);
    prop_oneof![approved, without.prop_map(Ended::Without)]
}

fn some_method() -> impl Strategy<Value = MethodFacts> {
    (
        1..3_u32,
        prop::bool::weighted(0.2),
        prop::option::of(0..4_u64),
    )
        .prop_map(|(version, disabled, last_step)| MethodFacts {
            version,
            disabled,
            last_step: last_step.map(Step),
        })
}

/// Mostly such under which something can be approved.
fn some_facts() -> impl Strategy<Value = Facts> {
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
        |((epoch, ended, recorded), (failed, failed_here), (method, code_unused, email, began))| {
            let minutes_from_now =
                |minutes: i64| Timestamp::from_millis(NOW.millis() + minutes * 60_000);
            Facts {
                epoch: epoch.map(Epoch::from_number),
                ended,
                recorded,
                failed_at: failed.into_iter().map(minutes_from_now).collect(),
                failed_here,
                method,
                code_unused,
                email_version: email,
                history_began: minutes_from_now(began - 2),
            }
        },
    )
}

fn some_right_guess() -> impl Strategy<Value = Settlement> {
    (some_effect(), any::<bool>()).prop_map(|(effect, asks_method)| Settlement {
        asked: asks_method.then(|| (id(4), 1)),
        ..right(effect)
    })
}

/// All that speaks against an approval, each for itself.
fn objections(guess: &Settlement, facts: &Facts) -> Vec<&'static str> {
    let (method, Judgement::Right(effect)) = (facts.method, guess.judgement) else {
        return vec!["wrong"];
    };
    let about_effect = match effect {
        Effect::Plain => false,
        Effect::Step { step, began_at } => {
            let last_step = method.and_then(|method| method.last_step);
            last_step >= Some(step) || began_at < facts.history_began
        }
        Effect::RecoveryCode { .. } => !facts.code_unused,
        Effect::EmailVerified { version } => version != facts.email_version,
    };
    let asked_for = |(_, version)| method.is_some_and(|method| method.version == version);
    let objections = [
        ("another epoch", facts.epoch != Some(guess.epoch)),
        ("over", facts.ended.is_some()),
        ("failed before", facts.recorded),
        ("old history", guess.issued_at < facts.history_began),
        (
            "full",
            WINDOWS.full_until(facts.failed_at.clone(), NOW).is_some(),
        ),
        ("no such method", !guess.asked.is_none_or(asked_for)),
        (
            "disabled",
            guess
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
        right in some_right_guess(),
        facts in some_facts(),
    ) {
        let wrong = Settlement { judgement: WRONG, ..right.clone() };
        match right.rule(&facts) {
            Ruling::Approve => prop_assert_eq!(wrong.rule(&facts), Ruling::Reject),
            ruling => prop_assert_eq!(wrong.rule(&facts), ruling),
        }
    }

    #[test]
    fn a_right_code_is_approved_exactly_if_nothing_speaks_against_it(
        guess in some_right_guess(),
        facts in some_facts(),
    ) {
        let approved = guess.rule(&facts) == Ruling::Approve;
        prop_assert_eq!(approved, objections(&guess, &facts).is_empty());
    }

    #[test]
    fn approved_steps_strictly_increase(tried in prop::collection::vec(0..12_u64, 0..40)) {
        let mut last_step = None;
        let mut approved = Vec::new();
        for step in tried {
            let facts = method_facts(|method| method.last_step = last_step);
            if right(at_step(step)).rule(&facts) == Ruling::Approve {
                last_step = Some(Step(step));
                approved.push(step);
            }
        }
        prop_assert!(approved.is_sorted_by(|earlier, later| earlier < later), "{approved:?}");
    }

    #[test]
    fn no_more_guesses_are_judged_than_the_windows_bear(waits in prop::collection::vec(0..10_u64, 60)) {
        let mut now = NOW;
        let mut judged = Vec::new();
        for wait in waits {
            now = now.plus(minutes(wait));
            let facts = Facts { failed_at: judged.clone(), ..facts() };
            let guess = Settlement { guess: Guess { at: now, ..wrong().guess }, ..wrong() };
            if guess.rule(&facts) == Ruling::Reject {
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
}
