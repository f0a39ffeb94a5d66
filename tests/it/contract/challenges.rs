//! `ChallengeStore`: in-process, Redis and Redis Cluster do the same, step by step.

use crate::support::stores::{memory, redis, redis_cluster};
use countersign::ports::{ChallengeLookup, ChallengeStore, MessageRef};
use countersign_domain::{
    account::change::FailedAttempt,
    authorization::caller::CallerName,
    device::DeviceTokenHash,
    limits::{
        budget::{AttemptClass, RateLimit, RateLimitWindows},
        user_throttle::{
            AttemptChargeResult, AttemptRequest, ChallengeOpening, DestinationTag, OpeningResult,
            ResendRequest, SendCharge, StandaloneAttempt, StandaloneChargeResult,
        },
    },
    notice::message::DeliveryStatus,
    policy::AttemptBudgets,
    value::{
        id::{AttemptId, ChallengeId, SubjectTag},
        idempotency_key::IdempotencyKey,
        secret::SealedBytes,
        time::Timestamp,
    },
};
use proptest::prelude::*;
use std::{sync::Arc, time::Duration};

const START: Timestamp = Timestamp::from_millis(1_780_000_000_000);
const LIFE: Duration = Duration::from_mins(5);

/// One thing that can happen to a user's open challenges.
#[derive(Debug, Clone)]
enum ThrottleStep {
    Open(Box<ChallengeOpening>),
    Spend(AttemptRequest),
    Resend(ResendRequest),
    Record(MessageRef, DeliveryStatus),
    NextSend(SendCharge),
    Find(ChallengeLookup),
    Pending,
    Drop(ChallengeId),
    DropAll,
    Conclude(ChallengeId, AttemptId),
    Charge(Box<StandaloneAttempt>),
    Refund(ChallengeId, AttemptId),
    Lift(Vec<DestinationTag>),
}

/// A step as it is taken. An opened challenge has an id of its own; every other id means the n-th newest of those.
fn taken(step: &ThrottleStep, opened: &mut Vec<ChallengeId>, now: Timestamp) -> ThrottleStep {
    let newest = |opened: &[ChallengeId], id: ChallengeId| {
        let place = usize::from(id.as_bytes()[0]) + 1;
        opened
            .len()
            .checked_sub(place)
            .map_or(id, |place| opened[place])
    };
    match step.clone() {
        ThrottleStep::Open(opening) => {
            let id = ChallengeId::from_bytes([u8::try_from(opened.len()).unwrap(); 16]);
            let replaced_challenge_id =
                opening.replaced_challenge_id.map(|old| newest(opened, old));
            opened.push(id);
            let expires_at = now.plus(LIFE);
            ThrottleStep::Open(Box::new(ChallengeOpening {
                id,
                replaced_challenge_id,
                now,
                expires_at,
                ..*opening
            }))
        }
        ThrottleStep::Spend(attempt) => {
            let challenge = newest(opened, attempt.challenge);
            ThrottleStep::Spend(AttemptRequest {
                challenge,
                now,
                ..attempt
            })
        }
        ThrottleStep::Resend(resend) => {
            let challenge = newest(opened, resend.challenge);
            ThrottleStep::Resend(ResendRequest {
                challenge,
                now,
                ..resend
            })
        }
        ThrottleStep::Record(message, delivery) => {
            let challenge = newest(opened, message.challenge);
            ThrottleStep::Record(
                MessageRef {
                    challenge,
                    ..message
                },
                delivery,
            )
        }
        ThrottleStep::Find(find) => {
            let id = newest(opened, find.id);
            ThrottleStep::Find(ChallengeLookup { id, now, ..find })
        }
        ThrottleStep::NextSend(send) => ThrottleStep::NextSend(send),
        ThrottleStep::Pending => ThrottleStep::Pending,
        ThrottleStep::Lift(destinations) => ThrottleStep::Lift(destinations),
        ThrottleStep::DropAll => ThrottleStep::DropAll,
        ThrottleStep::Drop(id) => ThrottleStep::Drop(newest(opened, id)),
        ThrottleStep::Conclude(id, attempt_id) => {
            ThrottleStep::Conclude(newest(opened, id), attempt_id)
        }
        ThrottleStep::Charge(standalone) => {
            ThrottleStep::Charge(Box::new(StandaloneAttempt { now, ..*standalone }))
        }
        ThrottleStep::Refund(id, attempt_id) => ThrottleStep::Refund(id, attempt_id),
    }
}

/// What an adapter answers to a step, in words.
async fn play(
    challenges: &dyn ChallengeStore,
    subject_tag: SubjectTag,
    step: &ThrottleStep,
    now: Timestamp,
) -> String {
    match step {
        ThrottleStep::Open(opening) => format!("{:?}", challenges.open(subject_tag, opening).await),
        ThrottleStep::Spend(attempt) => {
            format!(
                "{:?}",
                challenges.charge_attempt(subject_tag, attempt).await
            )
        }
        ThrottleStep::Resend(resend) => {
            format!("{:?}", challenges.resend(subject_tag, resend).await)
        }
        ThrottleStep::Record(message, delivery) => format!(
            "{:?}",
            challenges
                .record_delivery(subject_tag, *message, *delivery)
                .await
        ),
        ThrottleStep::NextSend(send) => {
            format!("{:?}", challenges.next_send(subject_tag, send, now).await)
        }
        ThrottleStep::Find(find) => format!("{:?}", challenges.find(subject_tag, find).await),
        ThrottleStep::Pending => format!(
            "{:?}",
            challenges.pending_enrollment(subject_tag, now).await
        ),
        ThrottleStep::Drop(id) => {
            format!("{:?}", challenges.drop_challenge(subject_tag, *id).await)
        }
        ThrottleStep::DropAll => format!("{:?}", challenges.drop_all(subject_tag).await),
        ThrottleStep::Conclude(id, attempt_id) => {
            format!(
                "{:?}",
                challenges.conclude(subject_tag, *id, *attempt_id).await
            )
        }
        ThrottleStep::Charge(standalone) => format!(
            "{:?}",
            challenges
                .charge_standalone_attempt(subject_tag, standalone)
                .await
        ),
        ThrottleStep::Refund(id, attempt_id) => {
            format!(
                "{:?}",
                challenges
                    .refund_attempt(subject_tag, *id, *attempt_id)
                    .await
            )
        }
        ThrottleStep::Lift(destinations) => format!(
            "{:?}",
            challenges.lift_windows(subject_tag, destinations).await
        ),
    }
}

fn bytes(seed: u8) -> [u8; 16] {
    [seed; 16]
}

fn a_challenge() -> impl Strategy<Value = ChallengeId> {
    (0..6_u8).prop_map(|place| ChallengeId::from_bytes(bytes(place)))
}

fn an_attempt_id() -> impl Strategy<Value = AttemptId> {
    (100..112_u8).prop_map(|seed| AttemptId::from_bytes(bytes(seed)))
}

fn a_caller() -> impl Strategy<Value = CallerName> {
    prop_oneof![9 => Just("portal"), 1 => Just("shop")].prop_map(CallerName::new)
}

fn a_device() -> impl Strategy<Value = Option<DeviceTokenHash>> {
    prop::option::of((0..2_u8).prop_map(|seed| DeviceTokenHash::from_bytes([seed; 16])))
}

fn a_mark() -> impl Strategy<Value = Option<IdempotencyKey>> {
    let idempotency_key = (0..5_u8, 0..2_u8).prop_map(|(tag, payload)| IdempotencyKey {
        key_digest: bytes(tag),
        request_fingerprint: bytes(payload),
    });
    prop::option::weighted(0.3, idempotency_key)
}

/// Windows small enough to fill within a test.
fn small_windows(count: u32) -> RateLimitWindows {
    RateLimitWindows {
        short: RateLimit::new(count, Duration::from_secs(40)),
        long: RateLimit::new(count + 2, Duration::from_secs(200)),
    }
}

fn a_send() -> impl Strategy<Value = Option<SendCharge>> {
    prop::option::of(a_charge())
}

fn a_charge() -> impl Strategy<Value = SendCharge> {
    (0..2_u8, any::<bool>()).prop_map(|(to, known_device)| SendCharge {
        destination: DestinationTag(bytes(200 + to)),
        windows: small_windows(3),
        waits: [5, 10, 15].map(Duration::from_secs),
        per_challenge: 4,
        known_device,
        approved: small_windows(1),
    })
}

fn a_failure() -> impl Strategy<Value = FailedAttempt> {
    let class = prop::sample::select(&AttemptClass::ALL);
    (a_challenge(), an_attempt_id(), class, 0..100_i64).prop_map(
        |(challenge, attempt_id, class, before)| FailedAttempt {
            challenge,
            attempt_id,
            class,
            at: Timestamp::from_millis(START.millis() - before * 1000),
        },
    )
}

fn an_opening() -> impl Strategy<Value = ChallengeOpening> {
    let shape = (
        a_challenge(),
        a_caller(),
        a_device(),
        a_send(),
        any::<bool>(),
        1..4_u8,
    );
    let relations = (
        prop::option::weighted(0.3, a_challenge()),
        a_mark(),
        prop::collection::vec(a_failure(), 0..2),
    );
    (shape, relations).prop_map(
        |(
            (id, caller, device, send, enrollment, attempts),
            (replaced_challenge_id, idempotency_key, failures),
        )| {
            ChallengeOpening {
                id,
                caller,
                device,
                sealed: SealedBytes::from_bytes(id.as_bytes().to_vec()),
                now: START,
                expires_at: START,
                attempts,
                wrong_codes: AttemptBudgets {
                    unknown: small_windows(4),
                    known: small_windows(2),
                    recovery: small_windows(1),
                },
                failures,
                send,
                replaced_challenge_id,
                enrollment,
                max_open: 3,
                idempotency_key,
            }
        },
    )
}

fn an_attempt() -> impl Strategy<Value = AttemptRequest> {
    let payload = prop::option::of((0..2_u8).prop_map(bytes));
    (
        a_challenge(),
        a_caller(),
        an_attempt_id(),
        payload,
        any::<bool>(),
        a_device(),
    )
        .prop_map(
            |(challenge, caller, attempt_id, payload, recovery, device)| AttemptRequest {
                challenge,
                caller,
                attempt_id,
                payload,
                recovery,
                device,
                now: START,
            },
        )
}

fn a_lone_guess() -> impl Strategy<Value = StandaloneAttempt> {
    let payload = prop::option::of((0..2_u8).prop_map(bytes));
    let class = prop::sample::select(&AttemptClass::ALL);
    let failures = prop::collection::vec(a_failure(), 0..2);
    (a_challenge(), an_attempt_id(), payload, class, failures).prop_map(
        |(challenge, attempt_id, payload, class, failures)| StandaloneAttempt {
            challenge,
            attempt_id,
            payload,
            class,
            windows: small_windows(4),
            failures,
            now: START,
        },
    )
}

fn a_step() -> impl Strategy<Value = ThrottleStep> {
    let delivery = prop::sample::select(&[
        DeliveryStatus::HandedOver,
        DeliveryStatus::Failed,
        DeliveryStatus::Unknown,
    ]);
    prop_oneof![
        5 => an_opening().prop_map(|opening| ThrottleStep::Open(Box::new(opening))),
        8 => an_attempt().prop_map(ThrottleStep::Spend),
        4 => (a_challenge(), a_caller(), a_mark()).prop_map(|(challenge, caller, idempotency_key)| ThrottleStep::Resend(ResendRequest {
            challenge,
            caller,
            idempotency_key,
            now: START,
        })),
        2 => (a_challenge(), 1..4_u32, delivery).prop_map(|(challenge, ordinal, delivery)| {
            ThrottleStep::Record(MessageRef { challenge, ordinal }, delivery)
        }),
        2 => (a_challenge(), a_caller()).prop_map(|(id, caller)| ThrottleStep::Find(ChallengeLookup { id, caller, now: START })),
        1 => a_charge().prop_map(ThrottleStep::NextSend),
        1 => Just(ThrottleStep::Pending),
        1 => a_challenge().prop_map(ThrottleStep::Drop),
        1 => Just(ThrottleStep::DropAll),
        2 => (a_challenge(), an_attempt_id()).prop_map(|(id, attempt_id)| ThrottleStep::Conclude(id, attempt_id)),
        3 => a_lone_guess().prop_map(|standalone| ThrottleStep::Charge(Box::new(standalone))),
        1 => (a_challenge(), an_attempt_id()).prop_map(|(id, attempt_id)| ThrottleStep::Refund(id, attempt_id)),
        1 => prop::collection::vec(
            (0..2_u8).prop_map(|to| DestinationTag(bytes(200 + to))),
            0..3,
        )
        .prop_map(ThrottleStep::Lift),
    ]
}

/// Steps, each so many seconds after the one before. All of it ends before any key is collected as garbage.
fn a_history() -> impl Strategy<Value = Vec<(u64, ThrottleStep)>> {
    prop::collection::vec((0..10_u64, a_step()), 1..40)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

fn random_subject_tag() -> SubjectTag {
    let name = crate::support::service::unique();
    SubjectTag(name.as_bytes().try_into().unwrap())
}

fn same_answers(
    history: &[(u64, ThrottleStep)],
    other: &dyn Fn() -> Arc<dyn ChallengeStore>,
) -> Result<(), TestCaseError> {
    runtime().block_on(async {
        let (memory, _) = memory();
        let other = other();
        let subject_tag = random_subject_tag();
        let mut now = START;
        let mut opened = Vec::new();
        for (place, (seconds, step)) in history.iter().enumerate() {
            now = now.plus(Duration::from_secs(*seconds));
            let step = taken(step, &mut opened, now);
            let expected = play(&*memory, subject_tag, &step, now).await;
            let actual = play(&*other, subject_tag, &step, now).await;
            prop_assert_eq!(actual, expected, "step {}: {:?}", place, step);
        }
        Ok(())
    })
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn redis_answers_as_the_throttle_does(history in a_history()) {
        same_answers(&history, &|| redis().0)?;
    }

    #[test]
    fn redis_cluster_answers_as_the_throttle_does(history in a_history()) {
        same_answers(&history, &|| redis_cluster().0)?;
    }
}

/// Runs a scenario on every adapter.
fn on_each(scenario: impl AsyncFn(Arc<dyn ChallengeStore>)) {
    for (name, adapter) in [
        ("memory", memory as fn() -> _),
        ("redis", redis),
        ("redis cluster", redis_cluster),
    ] {
        println!("on {name}");
        runtime().block_on(async { scenario(adapter().0).await });
    }
}

fn opening(id: u8) -> ChallengeOpening {
    ChallengeOpening {
        id: ChallengeId::from_bytes(bytes(id)),
        caller: CallerName::new("portal"),
        device: None,
        sealed: SealedBytes::from_bytes(vec![id]),
        now: START,
        expires_at: START.plus(LIFE),
        attempts: 5,
        wrong_codes: AttemptBudgets {
            unknown: small_windows(4),
            known: small_windows(4),
            recovery: small_windows(4),
        },
        failures: Vec::new(),
        send: None,
        replaced_challenge_id: None,
        enrollment: false,
        max_open: 5,
        idempotency_key: None,
    }
}

fn attempt(challenge: u8, attempt_id: u8) -> AttemptRequest {
    AttemptRequest {
        challenge: ChallengeId::from_bytes(bytes(challenge)),
        caller: CallerName::new("portal"),
        attempt_id: AttemptId::from_bytes(bytes(attempt_id)),
        payload: None,
        recovery: false,
        device: None,
        now: START,
    }
}

#[test]
fn parallel_attempts_never_overrun_a_challenge() {
    on_each(async |challenges| {
        let subject_tag = random_subject_tag();
        challenges
            .open(
                subject_tag,
                &ChallengeOpening {
                    attempts: 3,
                    ..opening(1)
                },
            )
            .await
            .unwrap();
        let mut attempts = tokio::task::JoinSet::new();
        for attempt_id in 10..60 {
            let challenges = Arc::clone(&challenges);
            attempts.spawn(async move {
                challenges
                    .charge_attempt(subject_tag, &attempt(1, attempt_id))
                    .await
                    .unwrap()
            });
        }
        let outcomes = attempts.join_all().await;
        let judged = outcomes
            .iter()
            .filter(|outcome| matches!(outcome, AttemptChargeResult::Charged(_)))
            .count();
        assert_eq!(judged, 3);
    });
}

#[test]
fn what_the_durable_record_knows_counts_once() {
    on_each(async |challenges| {
        let subject_tag = random_subject_tag();
        challenges.open(subject_tag, &opening(1)).await.unwrap();
        challenges
            .charge_attempt(subject_tag, &attempt(1, 10))
            .await
            .unwrap();
        let known = |attempt_id| FailedAttempt {
            challenge: ChallengeId::from_bytes(bytes(1)),
            attempt_id: AttemptId::from_bytes(bytes(attempt_id)),
            class: AttemptClass::Unknown,
            at: START,
        };
        // 10 is charged already; 11 and 12 were forgotten by short-lived memory.
        let failures = vec![known(10), known(11), known(12)];
        challenges
            .open(
                subject_tag,
                &ChallengeOpening {
                    failures,
                    ..opening(2)
                },
            )
            .await
            .unwrap();
        let fourth = challenges
            .charge_attempt(subject_tag, &attempt(2, 13))
            .await
            .unwrap();
        assert!(
            matches!(fourth, AttemptChargeResult::Charged(_)),
            "{fourth:?}"
        );
        let fifth = challenges
            .charge_attempt(subject_tag, &attempt(2, 14))
            .await
            .unwrap();
        assert!(matches!(fifth, AttemptChargeResult::Full(_)), "{fifth:?}");
    });
}

#[test]
fn an_attempt_that_the_durable_record_knows_is_charged_once() {
    on_each(async |challenges| {
        let subject_tag = random_subject_tag();
        let known = FailedAttempt {
            challenge: ChallengeId::from_bytes(bytes(1)),
            attempt_id: AttemptId::from_bytes(bytes(10)),
            class: AttemptClass::Unknown,
            at: START,
        };
        let opening = ChallengeOpening {
            failures: vec![known],
            ..opening(1)
        };
        challenges.open(subject_tag, &opening).await.unwrap();
        let charged = challenges
            .charge_attempt(subject_tag, &attempt(1, 10))
            .await
            .unwrap();
        let AttemptChargeResult::Charged(charged) = charged else {
            panic!("{charged:?}");
        };
        assert_eq!(charged.attempts_left, 3);
    });
}

#[test]
fn a_window_of_one_user_is_not_anothers() {
    on_each(async |challenges| {
        let (jane, john) = (random_subject_tag(), random_subject_tag());
        for subject_tag in [jane, john] {
            challenges.open(subject_tag, &opening(1)).await.unwrap();
        }
        for attempt_id in 10..14 {
            challenges
                .charge_attempt(jane, &attempt(1, attempt_id))
                .await
                .unwrap();
        }
        let janes = challenges
            .charge_attempt(jane, &attempt(1, 20))
            .await
            .unwrap();
        assert!(matches!(janes, AttemptChargeResult::Full(_)), "{janes:?}");
        let johns = challenges
            .charge_attempt(john, &attempt(1, 20))
            .await
            .unwrap();
        assert!(
            matches!(johns, AttemptChargeResult::Charged(_)),
            "{johns:?}"
        );
    });
}

fn marked(tag: u8, payload: u8) -> Option<IdempotencyKey> {
    Some(IdempotencyKey {
        key_digest: bytes(tag),
        request_fingerprint: bytes(payload),
    })
}

#[test]
fn opening_is_repeated_after_a_lost_answer_and_tells_the_same() {
    on_each(async |challenges| {
        let subject_tag = random_subject_tag();
        let of_shop = ChallengeOpening {
            caller: CallerName::new("shop"),
            enrollment: true,
            ..opening(1)
        };
        challenges.open(subject_tag, &of_shop).await.unwrap();
        let taking_its_place = ChallengeOpening {
            enrollment: true,
            idempotency_key: marked(1, 1),
            ..opening(2)
        };
        let first = challenges
            .open(subject_tag, &taking_its_place)
            .await
            .unwrap();
        let OpeningResult::Fresh(_, superseded) = &first else {
            panic!("{first:?}")
        };
        assert_eq!(*superseded, [(of_shop.id, of_shop.caller)]);
        let again = challenges
            .open(subject_tag, &taking_its_place)
            .await
            .unwrap();
        assert_eq!(again, first);
        // The process died; the caller's repeat draws another id.
        let repeat = ChallengeOpening {
            id: ChallengeId::from_bytes(bytes(3)),
            ..taking_its_place
        };
        let repeated = challenges.open(subject_tag, &repeat).await.unwrap();
        let OpeningResult::Repeated(current, again) = repeated else {
            panic!("{repeated:?}")
        };
        assert_eq!((current.id, &again), (opening(2).id, superseded));
    });
}

#[test]
fn a_request_id_of_an_attempt_is_not_anothers() {
    on_each(async |challenges| {
        let subject_tag = random_subject_tag();
        for id in [1, 2] {
            challenges.open(subject_tag, &opening(id)).await.unwrap();
        }
        let with_payload = |challenge, payload| AttemptRequest {
            payload: Some(bytes(payload)),
            ..attempt(challenge, 10)
        };
        let first = challenges
            .charge_attempt(subject_tag, &with_payload(1, 1))
            .await;
        let first = first.unwrap();
        assert!(
            matches!(first, AttemptChargeResult::Charged(_)),
            "{first:?}"
        );
        let elsewhere = challenges
            .charge_attempt(subject_tag, &with_payload(2, 2))
            .await;
        assert_eq!(elsewhere.unwrap(), AttemptChargeResult::RequestIdReused);
        let again = challenges
            .charge_attempt(subject_tag, &with_payload(1, 1))
            .await;
        assert_eq!(again.unwrap(), first);
        // Ten minutes, whatever becomes of the challenge meanwhile.
        challenges
            .drop_challenge(subject_tag, opening(1).id)
            .await
            .unwrap();
        let elsewhere = challenges
            .charge_attempt(subject_tag, &with_payload(2, 2))
            .await;
        assert_eq!(elsewhere.unwrap(), AttemptChargeResult::RequestIdReused);
    });
}

#[test]
fn attempts_that_are_carried_over_are_not_the_new_challenges_own() {
    on_each(async |challenges| {
        let subject_tag = random_subject_tag();
        let opening = |id| {
            let windows = small_windows(9);
            ChallengeOpening {
                wrong_codes: AttemptBudgets {
                    unknown: windows,
                    known: windows,
                    recovery: windows,
                },
                ..opening(id)
            }
        };
        challenges.open(subject_tag, &opening(1)).await.unwrap();
        for attempt_id in [10, 11] {
            let spent = challenges
                .charge_attempt(subject_tag, &attempt(1, attempt_id))
                .await;
            let AttemptChargeResult::Charged(charged) = spent.unwrap() else {
                panic!()
            };
            assert_eq!(charged.attempts_allowed, 5);
        }
        let instead = ChallengeOpening {
            replaced_challenge_id: Some(opening(1).id),
            ..opening(2)
        };
        challenges.open(subject_tag, &instead).await.unwrap();
        for left in [2, 1] {
            let attempt_id = 20 + left;
            let spent = challenges
                .charge_attempt(subject_tag, &attempt(2, attempt_id))
                .await;
            let AttemptChargeResult::Charged(charged) = spent.unwrap() else {
                panic!()
            };
            assert_eq!((charged.attempts_left, charged.attempts_allowed), (left, 3));
        }
    });
}

#[test]
fn asking_when_a_message_fits_charges_nothing() {
    on_each(async |challenges| {
        let subject_tag = random_subject_tag();
        let send = SendCharge {
            destination: DestinationTag(bytes(200)),
            windows: small_windows(3),
            waits: [30, 60, 120].map(Duration::from_secs),
            per_challenge: 5,
            known_device: false,
            approved: small_windows(3),
        };
        for _ in 0..4 {
            assert_eq!(
                challenges
                    .next_send(subject_tag, &send, START)
                    .await
                    .unwrap(),
                None
            );
        }
        let sending = ChallengeOpening {
            send: Some(send),
            ..opening(1)
        };
        challenges.open(subject_tag, &sending).await.unwrap();
        let next = challenges
            .next_send(subject_tag, &send, START)
            .await
            .unwrap();
        assert_eq!(next, Some(START.plus(Duration::from_secs(30))));
    });
}

/// A06 for what no challenge asks: 64 at once, and the window lets through what it holds.
#[test]
fn parallel_standalone_attempts_never_overrun_a_window() {
    on_each(async |challenges| {
        let subject_tag = random_subject_tag();
        let standalone = |seed: u8| StandaloneAttempt {
            challenge: ChallengeId::from_bytes(bytes(seed)),
            attempt_id: AttemptId::from_bytes(bytes(seed)),
            payload: None,
            class: AttemptClass::Unknown,
            windows: small_windows(10),
            failures: Vec::new(),
            now: START,
        };
        let mut rivals = tokio::task::JoinSet::new();
        for seed in 0..64 {
            let (challenges, standalone) = (Arc::clone(&challenges), standalone(seed));
            rivals.spawn(async move {
                challenges
                    .charge_standalone_attempt(subject_tag, &standalone)
                    .await
                    .unwrap()
            });
        }
        let charged = rivals.join_all().await;
        let judged = |charge: &&StandaloneChargeResult| **charge == StandaloneChargeResult::New;
        assert_eq!(charged.iter().filter(judged).count(), 10);
        for seed in 0..64 {
            let (id, attempt_id) = (standalone(seed).challenge, standalone(seed).attempt_id);
            challenges
                .refund_attempt(subject_tag, id, attempt_id)
                .await
                .unwrap();
        }
        let again = challenges
            .charge_standalone_attempt(subject_tag, &standalone(99))
            .await
            .unwrap();
        assert_eq!(again, StandaloneChargeResult::New, "given back");
    });
}

#[test]
fn all_challenges_go_at_once_and_what_was_charged_stays() {
    on_each(async |challenges| {
        let subject_tag = random_subject_tag();
        let enrollment = ChallengeOpening {
            enrollment: true,
            ..opening(2)
        };
        for opening in [opening(1), enrollment, opening(3)] {
            challenges.open(subject_tag, &opening).await.unwrap();
        }
        for attempt_id in 10..15 {
            challenges
                .charge_attempt(subject_tag, &attempt(1, attempt_id))
                .await
                .unwrap();
        }
        challenges.drop_all(subject_tag).await.unwrap();
        challenges.drop_all(subject_tag).await.unwrap();
        for id in [1, 2, 3] {
            let find = ChallengeLookup {
                id: opening(id).id,
                caller: opening(id).caller,
                now: START,
            };
            assert_eq!(challenges.find(subject_tag, &find).await.unwrap(), None);
        }
        let pending = challenges
            .pending_enrollment(subject_tag, START)
            .await
            .unwrap();
        assert_eq!(pending, None);

        challenges.open(subject_tag, &opening(4)).await.unwrap();
        let mut judged = 0;
        for attempt_id in 20..25 {
            let spent = challenges
                .charge_attempt(subject_tag, &attempt(4, attempt_id))
                .await;
            judged += usize::from(matches!(spent.unwrap(), AttemptChargeResult::Charged(_)));
        }
        assert_eq!(judged, 0, "the guesses before are remembered");
    });
}

/// A challenge that is newer keeps what is stored of an older one, but does not bring it back.
#[test]
fn a_challenge_that_has_long_been_over_is_not_repeated() {
    on_each(async |challenges| {
        let subject_tag = random_subject_tag();
        let with_mark = ChallengeOpening {
            idempotency_key: marked(1, 1),
            ..opening(1)
        };
        challenges.open(subject_tag, &with_mark).await.unwrap();
        let charged = challenges
            .charge_attempt(subject_tag, &attempt(1, 10))
            .await;
        assert!(
            matches!(charged, Ok(AttemptChargeResult::Charged(_))),
            "{charged:?}"
        );
        let at = |seconds| START.plus(LIFE + Duration::from_secs(seconds));
        let repeated = |now| ChallengeOpening {
            id: ChallengeId::from_bytes(bytes(9)),
            now,
            expires_at: now.plus(LIFE),
            ..with_mark.clone()
        };
        let newer = ChallengeOpening {
            now: at(0),
            expires_at: at(300),
            ..opening(2)
        };
        challenges.open(subject_tag, &newer).await.unwrap();

        let in_the_minute_after = challenges
            .open(subject_tag, &repeated(at(59)))
            .await
            .unwrap();
        assert!(
            matches!(in_the_minute_after, OpeningResult::Repeated(..)),
            "{in_the_minute_after:?}"
        );
        let later = challenges
            .open(subject_tag, &repeated(at(60)))
            .await
            .unwrap();
        assert_eq!(later, OpeningResult::Over);
        let same_attempt = AttemptRequest {
            now: at(60),
            ..attempt(1, 10)
        };
        let spent = challenges
            .charge_attempt(subject_tag, &same_attempt)
            .await
            .unwrap();
        assert_eq!(spent, AttemptChargeResult::Over);
        let of_that_id = ChallengeOpening {
            now: at(60),
            expires_at: at(360),
            ..opening(1)
        };
        let opened = challenges.open(subject_tag, &of_that_id).await.unwrap();
        let OpeningResult::Fresh(current, _) = opened else {
            panic!("{opened:?}")
        };
        assert_eq!(current.attempts_left, 5);
        let find = ChallengeLookup {
            id: of_that_id.id,
            caller: of_that_id.caller.clone(),
            now: at(61),
        };
        let found = challenges.find(subject_tag, &find).await.unwrap();
        assert!(found.is_some(), "opened, and dropped at once");
    });
}

/// Challenges of one instant go in the order of their ids, those of known devices last.
#[test]
fn the_oldest_of_strangers_goes_first_and_ids_decide_between_equals() {
    on_each(async |challenges| {
        let subject_tag = random_subject_tag();
        let known = ChallengeOpening {
            device: Some(DeviceTokenHash::from_bytes(bytes(7))),
            ..opening(1)
        };
        let later = ChallengeOpening {
            now: START.plus(Duration::from_millis(1)),
            ..opening(2)
        };
        for opening in [known, later, opening(0x9f), opening(0xa0), opening(0x1f)] {
            challenges.open(subject_tag, &opening).await.unwrap();
        }
        let mut gone = Vec::new();
        for id in 3..8 {
            let newest = ChallengeOpening {
                device: Some(DeviceTokenHash::from_bytes(bytes(7))),
                now: START.plus(Duration::from_millis(2)),
                ..opening(id)
            };
            let opened = challenges.open(subject_tag, &newest).await.unwrap();
            let OpeningResult::Fresh(_, superseded) = opened else {
                panic!("{opened:?}")
            };
            gone.extend(superseded.into_iter().map(|(id, _)| id.as_bytes()[0]));
        }
        assert_eq!(gone, [0x1f, 0x9f, 0xa0, 2, 1]);
    });
}
