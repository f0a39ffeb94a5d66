use super::*;
use crate::fixtures::properties;
use proptest::prelude::*;

const WAIT: u64 = 10;

fn breaker(failures: u32) -> CircuitBreaker {
    CircuitBreaker::new(BreakerConfig {
        failures: NonZeroU32::new(failures).unwrap(),
        wait: at(WAIT),
    })
}

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Makes one call with this outcome.
fn call(breaker: &mut CircuitBreaker, report: CallReport, now: u64) -> Option<BreakerTransition> {
    let permit = breaker.admit(at(now)).expect("it lets calls through");
    breaker.report(permit, report, at(now))
}

fn opened(failures: u32, now: u64) -> CircuitBreaker {
    let mut breaker = breaker(failures);
    for _ in 1..failures {
        assert_eq!(call(&mut breaker, CallReport::Failed, now), None);
    }
    assert_eq!(
        call(&mut breaker, CallReport::Failed, now),
        Some(BreakerTransition::Opened)
    );
    breaker
}

#[test]
fn it_opens_after_so_many_failures_and_lets_nobody_through_until_the_wait_is_over() {
    let breaker = opened(3, 5);
    assert!(!breaker.admits(at(5)));
    assert!(!breaker.admits(at(5 + WAIT - 1)));
    assert!(breaker.admits(at(5 + WAIT)));
}

#[test]
fn an_answer_between_failures_starts_the_count_again() {
    let mut breaker = breaker(2);
    for now in 0..20 {
        let report = if now % 2 == 0 {
            CallReport::Failed
        } else {
            CallReport::Answered
        };
        assert_eq!(call(&mut breaker, report, now), None);
    }
}

#[test]
fn one_is_sent_to_look_and_its_answer_closes() {
    let mut breaker = opened(1, 0);
    let probe = breaker.admit(at(WAIT)).unwrap();
    assert_eq!(breaker.admit(at(WAIT)), None, "one at a time");
    assert_eq!(
        breaker.report(probe, CallReport::Answered, at(WAIT)),
        Some(BreakerTransition::Closed)
    );
    assert!(breaker.admit(at(WAIT)).is_some());
    assert!(breaker.admit(at(WAIT)).is_some());
}

#[test]
fn a_look_that_fails_begins_another_wait_and_is_no_news() {
    let mut breaker = opened(1, 0);
    assert_eq!(call(&mut breaker, CallReport::Failed, WAIT), None);
    assert!(!breaker.admits(at(2 * WAIT - 1)));
    assert!(breaker.admits(at(2 * WAIT)));
}

#[test]
fn one_who_never_comes_back_from_looking_is_followed_by_another() {
    let mut breaker = opened(1, 0);
    let lost = breaker.admit(at(WAIT)).unwrap();
    assert!(!breaker.admits(at(2 * WAIT - 1)));
    let second = breaker.admit(at(2 * WAIT)).unwrap();
    assert_eq!(
        breaker.report(lost, CallReport::Answered, at(2 * WAIT)),
        None
    );
    assert!(!breaker.admits(at(2 * WAIT)), "the second is still looking");
    assert_eq!(
        breaker.report(second, CallReport::Answered, at(2 * WAIT)),
        Some(BreakerTransition::Closed)
    );
}

#[test]
fn what_was_let_through_before_it_opened_says_nothing_of_the_time_after() {
    let mut breaker = breaker(1);
    let late = [(); 3].map(|()| breaker.admit(at(0)).unwrap());
    assert_eq!(
        call(&mut breaker, CallReport::Failed, 1),
        Some(BreakerTransition::Opened)
    );
    assert_eq!(breaker.report(late[0], CallReport::Answered, at(2)), None);
    assert!(!breaker.admits(at(2)));
    let probe = breaker.admit(at(1 + WAIT)).unwrap();
    assert_eq!(
        breaker.report(late[1], CallReport::Failed, at(1 + WAIT)),
        None
    );
    assert_eq!(
        breaker.report(probe, CallReport::Answered, at(1 + WAIT)),
        Some(BreakerTransition::Closed)
    );
    assert_eq!(
        breaker.report(late[2], CallReport::Failed, at(1 + WAIT)),
        None
    );
    assert!(
        breaker.admits(at(1 + WAIT)),
        "one late failure is forgotten"
    );
}

#[test]
fn a_clock_at_its_end_opens_for_ever_and_does_not_panic() {
    let mut breaker = breaker(1);
    let permit = breaker.admit(Duration::MAX).unwrap();
    let turn = breaker.report(permit, CallReport::Failed, Duration::MAX);
    assert_eq!(turn, Some(BreakerTransition::Opened));
}

#[derive(Debug, Clone, Copy)]
enum BreakerStep {
    Wait(u64),
    Admit,
    /// Reports on the call at this index among those without a report.
    Report(usize, bool),
}

fn steps() -> impl Strategy<Value = Vec<BreakerStep>> {
    let step = prop_oneof![
        (0..WAIT * 2).prop_map(BreakerStep::Wait),
        Just(BreakerStep::Admit),
        Just(BreakerStep::Admit),
        (any::<usize>(), any::<bool>()).prop_map(|(which, well)| BreakerStep::Report(which, well)),
    ];
    prop::collection::vec(step, 0..80)
}

proptest! {
    #![proptest_config(properties(512))]

    #[test]
    fn turns_alternate_and_nobody_passes_within_the_wait(failures in 1..4_u32, steps in steps()) {
        let mut breaker = breaker(failures);
        let (mut now, mut on_the_way) = (0, Vec::new());
        let (mut in_a_row, mut is_open, mut closed_until) = (0_u32, false, 0_u64);
        for step in steps {
            match step {
                BreakerStep::Wait(seconds) => now += seconds,
                BreakerStep::Admit => {
                    let permit = breaker.admit(at(now));
                    prop_assert_eq!(permit.is_some(), !is_open || now >= closed_until);
                    if permit.is_some() && is_open {
                        closed_until = now + WAIT;
                    }
                    on_the_way.extend(permit);
                }
                BreakerStep::Report(..) if on_the_way.is_empty() => {}
                BreakerStep::Report(which, well) => {
                    let permit = on_the_way.swap_remove(which % on_the_way.len());
                    let counts = permit.round == breaker.round;
                    let report = if well { CallReport::Answered } else { CallReport::Failed };
                    let turn = breaker.report(permit, report, at(now));
                    if !counts {
                        prop_assert_eq!(turn, None);
                        continue;
                    }
                    in_a_row = if well { 0 } else { in_a_row + 1 };
                    let expected = match (is_open, well) {
                        (true, true) => Some(BreakerTransition::Closed),
                        (false, false) if in_a_row == failures => Some(BreakerTransition::Opened),
                        _ => None,
                    };
                    prop_assert_eq!(turn, expected);
                    is_open = (is_open || turn == Some(BreakerTransition::Opened)) && !well;
                    if is_open {
                        closed_until = now + WAIT;
                        in_a_row = 0;
                    }
                }
            }
        }
    }

    /// After any history: if all further calls are answered, the circuit is closed after two waits.
    #[test]
    fn it_never_stays_open_where_calls_are_answered(failures in 1..4_u32, steps in steps()) {
        let mut breaker = breaker(failures);
        let (mut now, mut on_the_way) = (0, Vec::new());
        for step in steps {
            match step {
                BreakerStep::Wait(seconds) => now += seconds,
                BreakerStep::Admit => on_the_way.extend(breaker.admit(at(now))),
                BreakerStep::Report(..) => {
                    if let Some(permit) = on_the_way.pop() {
                        breaker.report(permit, CallReport::Failed, at(now));
                    }
                }
            }
        }
        call(&mut breaker, CallReport::Answered, now + 2 * WAIT);
        prop_assert!(breaker.admit(at(now + 2 * WAIT)).is_some());
        prop_assert!(breaker.admit(at(now + 2 * WAIT)).is_some());
    }
}
