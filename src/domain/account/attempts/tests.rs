use super::*;
use crate::{
    account::ended_approval::ENDED_APPROVAL_RETENTION,
    fixtures::{NOW, PORTAL, account, approval, id, minutes, properties},
    limits::budget::RateLimitWindows,
    policy::Policy,
};
use proptest::prelude::*;

/// The `number`th attempt, each at its own challenge.
fn wrong_attempt(number: u64, class: Option<AttemptClass>, at: Timestamp) -> WrongAttempt {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    WrongAttempt {
        challenge: ChallengeId::from_bytes(bytes),
        attempt: AttemptId::from_bytes(bytes),
        class,
        at,
        skew: None,
    }
}

/// The most attempts of a class that its windows admit within a span.
fn admitted(windows: RateLimitWindows, span: Duration) -> usize {
    let minutes_in = span.as_secs() / 60;
    let mut failed_at = Vec::new();
    for minute in 0..minutes_in {
        let now = NOW.plus(minutes(minute));
        while windows.full_until(failed_at.iter().copied(), now).is_none() {
            failed_at.push(now);
        }
    }
    failed_at.len()
}

#[test]
fn all_attempts_fit_that_the_windows_admit() {
    let wrong_codes = Policy::built_in().wrong_codes;
    let by_day = [AttemptClass::Unknown, AttemptClass::Known]
        .map(|class| admitted(wrong_codes.of(class), ATTEMPT_RETENTION));
    let recovery = admitted(
        wrong_codes.of(AttemptClass::Recovery),
        RECOVERY_ATTEMPT_RETENTION,
    );
    assert!(by_day.iter().sum::<usize>() + recovery <= MAX_WRONG_ATTEMPTS);
}

#[test]
fn no_window_is_longer_than_its_attempts_are_kept() {
    let wrong_codes = Policy::built_in().wrong_codes;
    for class in AttemptClass::ALL {
        let kept = wrong_attempt(1, Some(class), NOW);
        let long = wrong_codes.of(class).long.within;
        let just_before = NOW.plus(long).minus(Duration::from_millis(1));
        assert!(kept.counts(just_before), "{class:?}");
    }
}

#[test]
fn of_too_many_attempts_the_oldest_goes() {
    let mut account = account([]);
    let attempts: Vec<WrongAttempt> = (0..60)
        .map(|number| wrong_attempt(number, Some(AttemptClass::Known), NOW))
        .collect();
    for attempt in &attempts {
        account.keep_wrong_attempt(*attempt);
    }
    let newest = attempts.len() - MAX_WRONG_ATTEMPTS;
    assert_eq!(account.wrong_attempts, attempts[newest..]);
}

fn approved(seed: u8, at: Timestamp) -> Approval {
    Approval {
        id: id(seed),
        at,
        ..approval()
    }
}

fn why(account: &Account, seed: u8, now: Timestamp) -> AuthorizationRejection {
    account.rejection_of(id(seed), &CallerName::new(PORTAL), now)
}

#[test]
fn an_account_remembers_for_an_hour_how_an_approval_ended() {
    let mut account = account([]);
    account.keep_approval(approved(1, NOW));
    assert_eq!(why(&account, 1, NOW), AuthorizationRejection::Unknown);
    account.forget_old_approvals(NOW.plus(APPROVAL_RETENTION));
    assert_eq!(account.approvals.len(), 1);
    let late = NOW.plus(APPROVAL_RETENTION + minutes(1));
    account.forget_old_approvals(late);
    assert!(account.approvals.is_empty());
    assert_eq!(why(&account, 1, late), AuthorizationRejection::Expired);
    let over = NOW.plus(ENDED_APPROVAL_RETENTION);
    assert_eq!(why(&account, 1, over), AuthorizationRejection::Unknown);
    account.forget_old_approvals(over);
    assert!(account.ended_approvals.is_empty());
}

#[test]
fn an_approval_of_an_earlier_epoch_ended_with_a_change() {
    let mut account = account([]);
    account.keep_approval(approved(1, NOW));
    account.epoch = account.epoch.grown();
    account.forget_old_approvals(NOW);
    let expected = AuthorizationRejection::AccountChanged;
    assert_eq!(why(&account, 1, NOW), expected);
    let shop = CallerName::new("shop");
    let to_another = account.rejection_of(id(1), &shop, NOW);
    assert_eq!(to_another, AuthorizationRejection::Unknown);
}

#[test]
fn of_too_many_approvals_the_oldest_are_displaced_and_few_are_remembered() {
    let mut account = account([]);
    for seed in 1..=20 {
        account.keep_approval(approved(seed, NOW));
    }
    assert_eq!(account.approvals.len(), MAX_APPROVALS);
    assert_eq!(account.ended_approvals.len(), MAX_ENDED_APPROVALS);
    assert_eq!(why(&account, 12, NOW), AuthorizationRejection::Displaced);
    assert_eq!(why(&account, 4, NOW), AuthorizationRejection::Unknown);
}

#[test]
fn an_attempt_whose_window_was_lifted_fills_none() {
    assert_eq!(wrong_attempt(1, None, NOW).failure(), None);
    let counted = wrong_attempt(1, Some(AttemptClass::Known), NOW);
    let failure = counted.failure().unwrap();
    assert_eq!((failure.attempt_id, failure.at), (counted.attempt, NOW));
}

proptest! {
    #![proptest_config(properties(64))]

    #[test]
    fn what_is_kept_is_what_counts_and_nothing_else(waits in prop::collection::vec((0..180_u64, 0..4_usize), 0..100)) {
        let mut account = account([]);
        let mut all = Vec::new();
        let mut now = NOW;
        for (number, (wait, class)) in waits.into_iter().enumerate() {
            now = now.plus(minutes(wait));
            let class = AttemptClass::ALL.get(class).copied();
            let attempt = wrong_attempt(u64::try_from(number).unwrap(), class, now);
            account.keep_wrong_attempt(attempt);
            all.push(attempt);
            let counted: Vec<WrongAttempt> = all.iter().filter(|past| past.counts(now)).copied().collect();
            let newest = counted.len().saturating_sub(MAX_WRONG_ATTEMPTS);
            prop_assert_eq!(&account.wrong_attempts, &counted[newest..]);
        }
    }
}
