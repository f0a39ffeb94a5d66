//! Random histories of attempts on one account, each decided on the state that the previous ones left.

use super::*;
use crate::{
    account::change::UnapprovedEnding, fixtures::properties, limits::budget::AttemptClass,
    value::id::ChallengeId,
};
use proptest::prelude::*;
use std::collections::{HashMap, HashSet};

/// One attempt and its effect.
struct Turn {
    verdict_request: VerdictRequest,
    before: Account,
    after: Account,
    verdict_result: VerdictResult,
    ending: Option<ChallengeOutcome>,
    has_event: bool,
}

impl Turn {
    fn approves(&self) -> bool {
        self.has_event && matches!(self.verdict_result, VerdictResult::Approved { .. })
    }

    fn rejects(&self) -> bool {
        self.has_event && matches!(self.verdict_result, VerdictResult::Rejected { .. })
    }

    fn last_step(account: &Account) -> Option<TimeStep> {
        account.methods[0].last_step
    }
}

fn some_judgment() -> impl Strategy<Value = AttemptJudgment> {
    let right = prop_oneof![
        4 => (0..30_u64).prop_map(at_step),
        1 => (0..4_u8).prop_map(|slot| AttemptEffect::RecoveryCode {
            set: id(8),
            slot: CodeSlot::new(slot).unwrap(),
        }),
        1 => Just(AttemptEffect::BypassCode { id: id(9) }),
        1 => (0..3_u32).prop_map(|version| AttemptEffect::EmailVerified { version }),
    ];
    prop_oneof![
        3 => right.prop_map(AttemptJudgment::Right),
        2 => Just(WRONG),
    ]
}

/// An attempt, mostly in the current epoch, and the seconds since the previous one. A history is shorter than the
/// retention of attempts.
fn some_attempt() -> impl Strategy<Value = (VerdictRequest, bool, u64)> {
    let ids = (1..8_u8, 1..30_u8);
    let class = prop::sample::select(AttemptClass::ALL.to_vec());
    let stale = prop::bool::weighted(0.05);
    (some_judgment(), ids, class, stale, 0..60_u64).prop_map(
        |(judgment, (challenge, attempt), class, stale, wait)| {
            let asks_method = matches!(
                judgment,
                AttemptJudgment::Right(AttemptEffect::Step { .. }) | AttemptJudgment::Wrong { .. }
            );
            let verdict_request = VerdictRequest {
                judgment,
                asked: asks_method.then(|| (id(4), 1)),
                attempt: JudgedAttempt {
                    id: id(attempt),
                    class,
                    ..wrong().attempt
                },
                max_attempts: 3,
                ..wrong()
            };
            (at_challenge(challenge, EPOCH, verdict_request), stale, wait)
        },
    )
}

fn play(attempts: Vec<(VerdictRequest, bool, u64)>) -> Vec<Turn> {
    let mut account = Account {
        bypass: with_bypass_code().bypass,
        ..with_recovery(RecoverySetKind::Codes, &[0, 1, 2, 3])
    };
    let mut endings: HashMap<ChallengeId, ChallengeOutcome> = HashMap::new();
    let mut at = NOW;
    let mut turns = Vec::new();
    for (verdict_request, stale, wait) in attempts {
        at = at.plus(seconds(wait));
        let epoch = if stale { EPOCH } else { account.epoch };
        let verdict_request = VerdictRequest {
            epoch,
            attempt: JudgedAttempt {
                at,
                ..verdict_request.attempt
            },
            approval: Approval {
                attempt_id: verdict_request.attempt.id,
                at,
                ..verdict_request.approval
            },
            ..verdict_request
        };
        let before = account.clone();
        let ended = endings.get(&verdict_request.challenge).cloned();
        let verdict =
            verdict_request.apply_to(Some(&mut account), VerdictContext { ended, ..context() });
        if let Some(ended) = verdict.ending.clone() {
            let earlier = endings.insert(verdict_request.challenge, ended);
            assert_eq!(earlier, None, "a challenge ends once");
        }
        let (verdict_result, ending) = (verdict.verdict_result, verdict.ending);
        turns.push(Turn {
            has_event: verdict.event.is_some(),
            verdict_request: verdict_request.clone(),
            before,
            after: account.clone(),
            verdict_result,
            ending,
        });
    }
    turns
}

fn some_history() -> impl Strategy<Value = Vec<Turn>> {
    prop::collection::vec(some_attempt(), 1..50).prop_map(play)
}

impl std::fmt::Debug for Turn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let judged = self.verdict_request.attempt;
        let judgment = self.verdict_request.judgment;
        write!(
            f,
            "{:?} {judged:?} {judgment:?}: ",
            self.verdict_request.challenge
        )?;
        write!(f, "{:?}, {:?}", self.verdict_result, self.ending)
    }
}

proptest! {
    #![proptest_config(properties(96))]

    #[test]
    fn accepted_steps_strictly_increase(turns in some_history()) {
        let accepted = turns.iter().filter(|turn| turn.approves());
        let steps = accepted.filter_map(|turn| match turn.verdict_request.judgment {
            AttemptJudgment::Right(AttemptEffect::Step { step, .. }) => Some(step),
            _ => None,
        });
        let steps: Vec<TimeStep> = steps.collect();
        prop_assert!(steps.is_sorted_by(|earlier, later| earlier < later), "{steps:?}");
        let last = turns.last().map(|turn| Turn::last_step(&turn.after));
        prop_assert_eq!(last, Some(steps.last().copied()));
    }

    #[test]
    fn no_attempt_is_counted_twice(turns in some_history()) {
        let mut counted = HashSet::new();
        for turn in &turns {
            let attempt = (turn.verdict_request.challenge, turn.verdict_request.attempt.id);
            if turn.rejects() {
                prop_assert!(counted.insert(attempt), "{attempt:?}");
            }
        }
    }

    #[test]
    fn a_refused_attempt_counts_once_and_uses_nothing(turns in some_history()) {
        for turn in turns.iter().filter(|turn| turn.rejects()) {
            let Turn { verdict_request, before, after, .. } = turn;
            prop_assert_eq!(Turn::last_step(before), Turn::last_step(after));
            prop_assert_eq!(&before.recovery, &after.recovery);
            prop_assert_eq!(&before.bypass, &after.bypass);
            prop_assert_eq!(before.email_verified, after.email_verified);
            prop_assert_eq!((before.epoch, before.revision), (after.epoch, after.revision));
            prop_assert_eq!(&before.approvals, &after.approvals);
            let last = after.wrong_attempts.last().map(|attempt| attempt.attempt);
            prop_assert_eq!(last, Some(verdict_request.attempt.id));
        }
    }

    #[test]
    fn a_refused_attempt_ends_its_challenge_exactly_if_it_exhausts_it(turns in some_history()) {
        for turn in turns.iter().filter(|turn| turn.rejects()) {
            let mut past = turn.before.wrong_attempts.iter();
            let here = past.by_ref().filter(|past| past.challenge == turn.verdict_request.challenge);
            let exhausts = here.count() + 1 >= usize::from(turn.verdict_request.max_attempts);
            let expected = exhausts.then_some(ChallengeOutcome::Without(UnapprovedEnding::Exhausted));
            prop_assert_eq!(&turn.ending, &expected);
        }
    }

    #[test]
    fn what_has_no_event_leaves_the_account_as_it_was(turns in some_history()) {
        for turn in turns {
            let changes = turn.approves() || turn.rejects();
            prop_assert_eq!(changes, turn.has_event);
            if matches!(turn.verdict_result, VerdictResult::Full(_) | VerdictResult::Over) {
                prop_assert!(!turn.has_event);
            }
            if !turn.has_event {
                prop_assert_eq!(&turn.before, &turn.after);
                prop_assert_eq!(turn.ending, None);
            }
        }
    }

    #[test]
    fn recovery_and_bypass_codes_are_used_once(turns in some_history()) {
        let mut used = HashSet::new();
        for turn in turns.iter().filter(|turn| turn.approves()) {
            let code = match turn.verdict_request.judgment {
                AttemptJudgment::Right(AttemptEffect::RecoveryCode { slot, .. }) => Some(slot),
                AttemptJudgment::Right(AttemptEffect::BypassCode { .. }) => CodeSlot::new(31),
                _ => None,
            };
            if let Some(code) = code {
                prop_assert!(used.insert(code), "{code:?}");
                prop_assert_eq!(turn.after.epoch, turn.before.epoch.grown());
            }
        }
    }

    #[test]
    fn each_approval_is_on_record_and_ends_its_challenge(turns in some_history()) {
        for turn in turns.iter().filter(|turn| turn.approves()) {
            let kept = turn.after.approvals.last().cloned().map(Box::new);
            prop_assert_eq!(&turn.ending, &kept.map(ChallengeOutcome::Approved));
        }
    }

    #[test]
    fn no_window_holds_more_failures_than_its_limit(turns in some_history()) {
        for turn in &turns {
            let at = turn.verdict_request.attempt.at;
            for class in AttemptClass::ALL {
                let failed_at: Vec<Timestamp> = turn.after.failures_of(class).collect();
                for limit in [WINDOWS.short, WINDOWS.long] {
                    let within = failed_at.iter().filter(|failed| failed.plus(limit.within) > at);
                    prop_assert!(within.count() <= usize::try_from(limit.count).unwrap());
                }
            }
        }
    }
}
