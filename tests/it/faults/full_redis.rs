//! A34: a Redis that is full. It refuses an opening as a whole, and goes on counting what answers the challenges before.
//! And what one user can fill of it.

use crate::{
    faults::{servers::OwnRedis, stores::runtime},
    support::stores::redis_at,
};
use countersign::ports::{BudgetBucket, ChallengeLookup, ChallengeStore, StoreResult};
use countersign_domain::{
    account::change::FailedAttempt,
    authorization::caller::CallerName,
    limits::{
        budget::{AttemptClass, BudgetOwner, BudgetTag, RateLimit, RateLimitWindows},
        user_throttle::{
            AttemptChargeResult, AttemptRequest, ChallengeOpening, DestinationTag, OpeningResult,
            ResendRequest, ResendResult, SendCharge, StandaloneAttempt, StandaloneChargeResult,
        },
    },
    policy::Policy,
    value::{
        id::{AttemptId, ChallengeId, SubjectTag},
        secret::SealedBytes,
        time::Timestamp,
    },
};
use std::{sync::Arc, time::Duration};

const NOW: Timestamp = Timestamp::from_millis(1_780_000_000_000);
const WHO: SubjectTag = SubjectTag([9; 16]);
const WINDOWS: RateLimitWindows =
    RateLimitWindows::only(RateLimit::new(9, Duration::from_mins(15)));

/// The fourth makes the first go.
fn opening(seed: u8) -> ChallengeOpening {
    ChallengeOpening {
        id: ChallengeId::from_bytes([seed; 16]),
        caller: CallerName::new("portal"),
        device: None,
        sealed: SealedBytes::from_bytes(vec![seed; 300]),
        now: NOW,
        expires_at: NOW.plus(Duration::from_mins(5)),
        attempts: 5,
        wrong_codes: Policy::built_in().wrong_codes,
        failures: Vec::new(),
        send: None,
        replaced_challenge_id: None,
        enrollment: false,
        max_open: 3,
        idempotency_key: None,
    }
}

fn sms(seed: u8) -> ChallengeOpening {
    let message = SendCharge {
        destination: DestinationTag([seed; 16]),
        windows: WINDOWS,
        waits: [Duration::from_secs(30); 3],
        per_challenge: 5,
        known_device: false,
        approved: WINDOWS,
    };
    ChallengeOpening {
        send: Some(message),
        ..opening(seed)
    }
}

fn attempt(challenge: u8, attempt_id: u8) -> AttemptRequest {
    AttemptRequest {
        challenge: ChallengeId::from_bytes([challenge; 16]),
        caller: CallerName::new("portal"),
        attempt_id: AttemptId::from_bytes([attempt_id; 16]),
        payload: Some([attempt_id; 16]),
        recovery: false,
        device: None,
        now: NOW,
    }
}

async fn judged(challenges: &Arc<dyn ChallengeStore>, challenge: u8, attempt_id: u8) -> u8 {
    let attempt = attempt(challenge, attempt_id);
    match challenges.charge_attempt(WHO, &attempt).await {
        Ok(AttemptChargeResult::Charged(charged)) => charged.attempts_left,
        other => panic!("{other:?}"),
    }
}

async fn is_found(challenges: &Arc<dyn ChallengeStore>, challenge: u8) -> bool {
    let find = ChallengeLookup {
        id: ChallengeId::from_bytes([challenge; 16]),
        caller: CallerName::new("portal"),
        now: NOW,
    };
    challenges.find(WHO, &find).await.unwrap().is_some()
}

/// All keys of Redis and what they hold.
fn contents(redis: &OwnRedis) -> Vec<String> {
    let keys = redis.cli(&["keys", "*"]);
    let of_key = |key: &str| format!("{key} {}", redis.cli(&["dump", key]));
    let mut contents: Vec<String> = keys.lines().map(of_key).collect();
    contents.sort();
    contents
}

async fn is_refused(
    challenges: &Arc<dyn ChallengeStore>,
    redis: &OwnRedis,
    opening: &ChallengeOpening,
) {
    let before = contents(redis);
    let outcome: StoreResult<OpeningResult> = challenges.open(WHO, opening).await;
    let refused = outcome.expect_err("opened").to_string();
    assert!(refused.contains("maxmemory"), "{refused}");
    assert_eq!(contents(redis), before);
}

#[test]
fn a34_a_full_redis_refuses_an_opening_as_a_whole_and_goes_on_charging() {
    runtime().block_on(async {
        let redis = OwnRedis::start(&[]);
        let (challenges, budgets) = redis_at(&[redis.url()], false);
        for opening in [opening(1), sms(2), opening(3)] {
            challenges.open(WHO, &opening).await.unwrap();
        }
        assert_eq!(judged(&challenges, 1, 10).await, 4);
        redis.cli(&["config", "set", "maxmemory", "1"]);

        is_refused(&challenges, &redis, &opening(4)).await;
        is_refused(&challenges, &redis, &sms(5)).await;
        let failed = FailedAttempt {
            challenge: ChallengeId::from_bytes([50; 16]),
            attempt_id: AttemptId::from_bytes([50; 16]),
            class: AttemptClass::Unknown,
            at: NOW,
        };
        let raising = ChallengeOpening {
            failures: vec![failed],
            ..opening(6)
        };
        is_refused(&challenges, &redis, &raising).await;
        let bucket = BudgetBucket {
            owner: BudgetOwner([7; 16]),
            of: BudgetTag([7; 16]),
            windows: WINDOWS,
            charge: [7; 16],
        };
        let before = contents(&redis);
        let charged = budgets.charge(&[bucket], NOW).await;
        assert!(charged.is_err(), "{charged:?}");
        assert_eq!(contents(&redis), before, "a message that is not sent");
        assert!(is_found(&challenges, 1).await, "nothing had to go");

        assert_eq!(judged(&challenges, 1, 11).await, 3);
        assert_eq!(judged(&challenges, 1, 11).await, 3, "the same attempt");
        let standalone = StandaloneAttempt {
            challenge: ChallengeId::from_bytes([60; 16]),
            attempt_id: AttemptId::from_bytes([60; 16]),
            payload: None,
            class: AttemptClass::Unknown,
            windows: WINDOWS,
            failures: Vec::new(),
            now: NOW,
        };
        let charged = challenges
            .charge_standalone_attempt(WHO, &standalone)
            .await
            .unwrap();
        assert_eq!(charged, StandaloneChargeResult::New);
        challenges
            .refund_attempt(WHO, standalone.challenge, standalone.attempt_id)
            .await
            .unwrap();
        let resend = ResendRequest {
            challenge: sms(2).id,
            caller: CallerName::new("portal"),
            idempotency_key: None,
            now: NOW.plus(Duration::from_secs(31)),
        };
        let outcome = challenges.resend(WHO, &resend).await.unwrap();
        assert!(matches!(outcome, ResendResult::Send(_)), "{outcome:?}");
        let passed = attempt(1, 11);
        challenges
            .conclude(WHO, passed.challenge, passed.attempt_id)
            .await
            .unwrap();
        assert!(!is_found(&challenges, 1).await);
    });
}

/// A log that grew all day would make each attempt read, and each refusal sort out, hundreds of old ones.
#[test]
fn a_day_of_recovery_attempts_stays_within_the_log_of_an_hour() {
    runtime().block_on(async {
        let redis = OwnRedis::start(&[]);
        let (challenges, _) = redis_at(&[redis.url()], false);
        for quarter in 0..96_u8 {
            for attempt in 0..5_u8 {
                let standalone = StandaloneAttempt {
                    challenge: ChallengeId::from_bytes([quarter; 16]),
                    attempt_id: AttemptId::from_bytes([attempt; 16]),
                    payload: None,
                    class: AttemptClass::Recovery,
                    windows: Policy::built_in().wrong_codes.recovery,
                    failures: Vec::new(),
                    now: NOW.plus(Duration::from_mins(15) * u32::from(quarter)),
                };
                let charged = challenges
                    .charge_standalone_attempt(WHO, &standalone)
                    .await
                    .unwrap();
                assert_eq!(charged, StandaloneChargeResult::New, "quarter {quarter}");
            }
        }
        let key = redis.cli(&["keys", "*:g"]);
        let bytes: usize = redis.cli(&["strlen", key.trim()]).trim().parse().unwrap();
        assert!(bytes <= 41 * 25, "{bytes} bytes");
    });
}
