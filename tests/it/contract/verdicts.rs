//! `AccountStore::record_verdict`: both engines give the same results for random histories.

use crate::{
    contract::accounts::{START, new_user, next, random_subject},
    support::{
        schema::{ROUTES, Route, Schema},
        stores::sqlite,
    },
};
use countersign::ports::{AccountLookup, AccountStore, AlertNotices, ChallengesToEnd};
use countersign_domain::{
    account::change::{
        AccountChange, AccountWriteOp, ChangeBase, CreatedResource, IdempotencyRecord,
        TokenRotation, UnapprovedEnding,
    },
    audit_event::{AuditDetails, AuditEvent, AuditEventKind},
    authorization::{
        action::TransactionDigest,
        caller::{Audience, CallerName},
    },
    challenge::{
        AttemptEffect, AttemptJudgment,
        answered_by::AnsweredBy,
        approval::{Approval, ApprovedPurpose},
        totp::{ClockSkew, TimeStep as TotpStep},
        verdict::{DeviceUpdate, JudgedAttempt, VerdictRequest, VerdictResult},
    },
    device::{ClientApp, DeviceName, DeviceTokenHash, SeriesHash},
    limits::budget::{AttemptClass, RateLimit, RateLimitWindows},
    method::{Method, MethodKind, MethodLabel},
    notice::alert::SecurityAlert,
    recovery::{
        CodeSlot, HashCost, HashMemory, NewRecoverySet, RecoveryCode, RecoveryKey, RecoverySetKind,
        ReplacementRecoveryKey, SecretHash, bypass_code::NewBypassCode,
    },
    value::{
        epoch::Epoch,
        id::{ChallengeId, Id, Subject, SubjectTag},
        idempotency_key::IdempotencyKey,
        secret::{KeyId, SealedBytes},
        time::Timestamp,
    },
};
use proptest::prelude::*;
use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

/// A settlement in few numbers, all of them small, so that histories collide.
#[derive(Debug, Clone)]
pub(crate) struct Judged {
    pub(crate) challenge: u8,
    pub(crate) attempt: u8,
    pub(crate) payload: Option<u8>,
    pub(crate) caller: &'static str,
    pub(crate) class: AttemptClass,
    /// How many epochs behind the user's.
    pub(crate) behind: i64,
    pub(crate) asks_method: bool,
    pub(crate) version: u32,
    pub(crate) judgment: AttemptJudgment,
    /// Which, what it showed, and whether the policy trusts it.
    pub(crate) device: Option<(u8, Option<u8>, bool)>,
    pub(crate) purpose: ApprovedPurpose,
}

#[derive(Debug, Clone)]
enum VerdictStep {
    RecordVerdict(Box<Judged>),
    End(u8, UnapprovedEnding),
    /// Changes that touch what settlements are ruled by.
    Commit(AccountWriteOp),
    Load,
    Untrust(u8),
    Trust(u8),
    Rotate(u8, u8),
}

fn id<Of>(seed: u8) -> Id<Of> {
    Id::from_bytes([seed; 16])
}

/// Ids that are unique over all tenants, as real ones are.
pub(crate) fn challenge_id(tag: SubjectTag, seed: u8) -> ChallengeId {
    let SubjectTag(mut bytes) = tag;
    bytes[0] = seed;
    ChallengeId::from_bytes(bytes)
}

fn a_judgment() -> impl Strategy<Value = AttemptJudgment> {
    let skew = prop::option::of((-3..3_i64, 1..5_u64));
    prop_oneof![
        4 => skew.prop_map(|skew| AttemptJudgment::Wrong {
            skew: skew.map(|(offset, step)| ClockSkew { offset, step: TotpStep(step) }),
        }),
        3 => (1..6_u64).prop_map(|step| AttemptJudgment::Right(AttemptEffect::Step {
            step: TotpStep(step),
            acceptable_from: START,
        })),
        1 => Just(AttemptJudgment::Right(AttemptEffect::Plain)),
        2 => (0..2_u8, 0..3_u8).prop_map(|(set, slot)| AttemptJudgment::Right(AttemptEffect::RecoveryCode {
            set: id(50 + set),
            slot: CodeSlot::new(slot).unwrap(),
        })),
        1 => (50..53_u8).prop_map(|set| AttemptJudgment::Right(AttemptEffect::RecoveryKey { set: id(set) })),
        1 => (60..62_u8).prop_map(|seed| AttemptJudgment::Right(AttemptEffect::BypassCode { id: id(seed) })),
        1 => (0..2_u32).prop_map(|version| AttemptJudgment::Right(AttemptEffect::EmailVerified { version })),
    ]
}

fn a_purpose() -> impl Strategy<Value = ApprovedPurpose> {
    prop_oneof![
        Just(ApprovedPurpose::SignIn),
        Just(ApprovedPurpose::Enrollment),
        Just(ApprovedPurpose::VerifyEmail),
        any::<bool>().prop_map(|shown| ApprovedPurpose::StepUp {
            action: "caller:pay".to_owned(),
            digest: shown.then(|| TransactionDigest::from_bytes([9; 32])),
        }),
    ]
}

fn a_judged() -> impl Strategy<Value = Judged> {
    let attempt = (
        0..4_u8,
        0..6_u8,
        prop::option::of(0..2_u8),
        prop::sample::select(&["portal", "portal", "portal", "shop"]),
    );
    let bounds = (
        prop::sample::select(&AttemptClass::ALL),
        prop::sample::select(&[0, 0, 0, 0, 1_i64]),
    );
    let asked = (
        any::<bool>(),
        prop::sample::select(&[1, 1, 1, 2_u32]),
        a_judgment(),
    );
    let rest = (
        prop::option::of((0..4_u8, prop::option::of(0..2_u8), any::<bool>())),
        a_purpose(),
    );
    (attempt, bounds, asked, rest).prop_map(
        |(
            (challenge, attempt, payload, caller),
            (class, behind),
            (asks_method, version, judgment),
            (device, purpose),
        )| {
            Judged {
                challenge,
                attempt,
                payload,
                caller,
                class,
                behind,
                asks_method,
                version,
                judgment,
                device,
                purpose,
            }
        },
    )
}

fn a_step() -> impl Strategy<Value = VerdictStep> {
    let ending = prop::sample::select(&[
        UnapprovedEnding::Exhausted,
        UnapprovedEnding::Canceled,
        UnapprovedEnding::Superseded,
    ]);
    prop_oneof![
        12 => a_judged().prop_map(|judged| VerdictStep::RecordVerdict(Box::new(judged))),
        1 => (0..4_u8, ending).prop_map(|(challenge, ending)| VerdictStep::End(challenge, ending)),
        1 => Just(VerdictStep::Commit(AccountWriteOp::LiftWindows)),
        1 => (50..53_u8).prop_map(|set| VerdictStep::Commit(AccountWriteOp::RecoveryCodes(key_set(set)))),
        1 => (50..53_u8).prop_map(|set| VerdictStep::Commit(AccountWriteOp::ConfirmRecoveryCodes(id(set)))),
        1 => (60..62_u8).prop_map(|seed| VerdictStep::Commit(AccountWriteOp::BypassCode(bypass_code(seed)))),
        2 => Just(VerdictStep::Load),
        1 => (0..4_u8).prop_map(VerdictStep::Untrust),
        2 => (0..4_u8).prop_map(VerdictStep::Trust),
        3 => (0..4_u8, 0..6_u8).prop_map(|(device, shown)| VerdictStep::Rotate(device, shown)),
    ]
}

pub(crate) fn verdict_request(
    subject: &Subject,
    tag: SubjectTag,
    judged: &Judged,
    epoch: Epoch,
    at: Timestamp,
) -> VerdictRequest {
    let event = AuditEvent {
        id: Id::from_bytes(
            crate::support::service::unique()
                .as_bytes()
                .try_into()
                .unwrap(),
        ),
        tenant: subject.tenant.clone(),
        subject: tag,
        kind: AuditEventKind::ChallengeRejected,
        caller: CallerName::new(judged.caller),
        at,
        details: AuditDetails::none().with("purpose", "SIGN_IN"),
        personal: SealedBytes::from_bytes(vec![1, 2, 3]),
    };
    let approval_id = Id::from_bytes(
        crate::support::service::unique()
            .as_bytes()
            .try_into()
            .unwrap(),
    );
    let challenge = challenge_id(tag, judged.challenge);
    let asked = judged.asks_method.then(|| (id(7), judged.version));
    let epoch = Epoch::from_number(epoch.number() - judged.behind);
    VerdictRequest {
        subject: subject.clone(),
        challenge,
        issued_at: START,
        epoch,
        max_attempts: 3,
        attempt: JudgedAttempt {
            id: id(judged.attempt),
            class: judged.class,
            windows: RateLimitWindows {
                short: RateLimit::new(4, Duration::from_mins(1)),
                long: RateLimit::new(6, Duration::from_mins(10)),
            },
            at,
        },
        asked,
        failures_until_disabled: 8,
        judgment: judged.judgment,
        next_key: next_key(tag, judged, at),
        approval: Approval {
            id: approval_id,
            challenge,
            subject: subject.clone(),
            caller: CallerName::new(judged.caller),
            attempt_id: id(judged.attempt),
            payload: judged.payload.map(|seed| [seed; 16]),
            purpose: judged.purpose.clone(),
            answered_by: AnsweredBy::Code(MethodKind::Totp),
            method: asked.map(|(method, _)| method),
            audience: Some(Audience::new("portal")),
            epoch,
            at,
            key: KeyId::new("k-1"),
            device: judged.device.map(|(device, ..)| id(device)),
        },
        device: judged
            .device
            .map(|(device, presented, trusted)| DeviceUpdate {
                id: id(device),
                name: DeviceName::parse("Firefox on Linux").unwrap(),
                app: trusted.then_some(ClientApp::Mobile),
                series: SeriesHash::from_bytes([device; 16]),
                token: DeviceTokenHash::from_bytes([2 + device; 16]),
                presented: presented.map(|seed| DeviceTokenHash::from_bytes([seed; 16])),
                proved_by: MethodKind::Totp,
                place: None,
                trusted_until: trusted.then(|| at.plus(Duration::from_mins(3))),
                at_most: 2,
            }),
        approved_event: AuditEvent {
            kind: AuditEventKind::ChallengeApproved,
            details: AuditDetails::none().with("approved", true),
            ..event.clone()
        },
        rejected_event: event,
    }
}

/// What takes the place of a key that is right.
fn next_key(
    tag: SubjectTag,
    judged: &Judged,
    at: Timestamp,
) -> Option<(ReplacementRecoveryKey, Option<IdempotencyRecord>)> {
    let AttemptJudgment::Right(AttemptEffect::RecoveryKey { .. }) = judged.judgment else {
        return None;
    };
    let next = ReplacementRecoveryKey {
        set: id(52),
        hash: RecoveryKey::new(&[52; 20]).hash(),
    };
    let idempotency_record = judged.payload.map(|payload| IdempotencyRecord {
        idempotency_key: IdempotencyKey {
            key_digest: *challenge_id(tag, 200 + judged.attempt).as_bytes(),
            request_fingerprint: [payload; 16],
        },
        created: CreatedResource::Nothing,
        answer: Some(SealedBytes::from_bytes(vec![7, judged.attempt])),
        at,
    });
    Some((next, idempotency_record))
}

/// A user with a method, three recovery codes, a bypass code and an address.
pub(crate) async fn prepare(accounts: &dyn AccountStore, subject: &Subject, tag: SubjectTag) {
    let change = new_user(subject, tag);
    let cheap = HashCost {
        memory_kib: 8,
        passes: 1,
    };
    let codes = (0..3).map(|slot| {
        let slot = CodeSlot::new(slot).unwrap();
        (
            slot,
            RecoveryCode::new(slot, &[slot.number(); 10]).hash(
                &[1; 16],
                cheap,
                &mut HashMemory::new(),
            ),
        )
    });
    let method = Method {
        id: id(7),
        kind: MethodKind::Totp,
        label: MethodLabel::parse("App").unwrap().unwrap(),
        version: 1,
        sealed: SealedBytes::from_bytes(vec![4, 5, 6]),
        disabled: false,
        created_at: START,
        last_used_at: None,
        suspended: false,
        consecutive_failures: 0,
        last_step: None,
    };
    let mut writes = change.writes.clone();
    writes.push(AccountWriteOp::AddMethod(method, Some(TotpStep(1))));
    writes.push(AccountWriteOp::RecoveryCodes(NewRecoverySet {
        id: id(50),
        kind: RecoverySetKind::Codes,
        hashes: codes.collect(),
    }));
    writes.push(AccountWriteOp::BypassCode(bypass_code(60)));
    accounts
        .commit(&AccountChange { writes, ..change })
        .await
        .unwrap();
}

/// A set of one key.
pub(crate) fn key_set(seed: u8) -> NewRecoverySet {
    NewRecoverySet {
        id: id(seed),
        kind: RecoverySetKind::Key,
        hashes: vec![(RecoveryKey::SLOT, RecoveryKey::new(&[seed; 20]).hash())],
    }
}

/// A bypass code that lives for ten minutes from the start.
pub(crate) fn bypass_code(seed: u8) -> NewBypassCode {
    NewBypassCode {
        id: id(seed),
        hash: SecretHash::from_phc(format!("hash {seed}")),
        expires_at: START.plus(Duration::from_mins(10)),
    }
}

/// The alerts of a user, which are taken away.
pub(crate) async fn taken_alerts(
    accounts: &dyn AccountStore,
    subject: &Subject,
    now: Timestamp,
) -> Vec<(i64, SecurityAlert, Timestamp)> {
    let mut taken = Vec::new();
    for raised in accounts.due_alerts(now).await.unwrap() {
        if raised.subject == *subject {
            taken.push((raised.turn, raised.alert, raised.at));
            let announcement = AlertNotices {
                raised,
                notices: Vec::new(),
                now,
            };
            assert!(accounts.dispatch_alert(&announcement).await.unwrap());
        }
    }
    taken
}

async fn play(
    accounts: &dyn AccountStore,
    (subject, tag): (&Subject, SubjectTag),
    step: &VerdictStep,
    at: Timestamp,
    place: usize,
) -> String {
    let loaded = accounts
        .load(subject, AccountLookup::default())
        .await
        .unwrap()
        .account
        .unwrap();
    match step {
        VerdictStep::Load => {
            let mut account = loaded;
            account
                .failures()
                .sort_by_key(|failure| (failure.challenge, failure.attempt_id));
            account.devices.sort_by_key(|device| device.id);
            // Of what each store sealed for itself.
            account.profile_tag.clear();
            let alerts = taken_alerts(accounts, subject, at).await;
            format!("{account:?} {alerts:?}")
        }
        VerdictStep::End(challenge, how) => {
            let ends = ChallengesToEnd {
                subject: subject.clone(),
                challenges: vec![(challenge_id(tag, *challenge), CallerName::new("portal"))],
                how: *how,
                at,
                event: None,
            };
            format!("{:?}", accounts.end_challenges(&ends).await.unwrap())
        }
        VerdictStep::Commit(write) => {
            let change = next(accounts, subject, tag, vec![write.clone()]).await;
            format!("{:?}", accounts.commit(&change).await.unwrap())
        }
        VerdictStep::Untrust(device) => {
            let writes = vec![AccountWriteOp::UntrustDevice(id(*device))];
            let change = next(accounts, subject, tag, writes).await;
            format!("{:?}", accounts.commit(&change).await.unwrap())
        }
        VerdictStep::Trust(device) => {
            let until = at.plus(Duration::from_mins(9));
            let writes = vec![AccountWriteOp::TrustDevices(vec![id(*device)], until)];
            let change = next(accounts, subject, tag, writes).await;
            format!("{:?}", accounts.commit(&change).await.unwrap())
        }
        VerdictStep::Rotate(device, shown) => {
            let rotation = TokenRotation {
                device: id(*device),
                shown: DeviceTokenHash::from_bytes([*shown; 16]),
                given: DeviceTokenHash::from_bytes([u8::try_from(place % 6).unwrap(); 16]),
                series: SeriesHash::from_bytes([*device; 16]),
            };
            let change = next(
                accounts,
                subject,
                tag,
                vec![AccountWriteOp::RotateToken(rotation)],
            )
            .await;
            let change = AccountChange {
                base: ChangeBase::Epoch(loaded.epoch),
                now: at,
                ..change
            };
            format!("{:?}", accounts.commit(&change).await.unwrap())
        }
        VerdictStep::RecordVerdict(judged) => {
            let mut verdict_request = verdict_request(subject, tag, judged, loaded.epoch, at);
            // The two stores have to meet the same ids.
            verdict_request.approval.id = Id::from_bytes([u8::try_from(place).unwrap(); 16]);
            let SubjectTag(mut unique) = tag;
            unique[1] = u8::try_from(place).unwrap();
            verdict_request.approval.id = Id::from_bytes(unique);
            let mut verdict_result = accounts.record_verdict(&verdict_request).await.unwrap();
            if let VerdictResult::Approved { devices, .. } = &mut verdict_result {
                devices.sort_by_key(|device| device.id);
            }
            format!("{verdict_result:?}")
        }
    }
}

/// One schema for all histories by one way: each has a tenant of its own.
fn shared_schema(route: Route) -> &'static Schema {
    static SCHEMAS: [OnceLock<Schema>; 2] = [OnceLock::new(), OnceLock::new()];
    // A runtime of its own: connections die with the runtime that opened them.
    let make = || {
        std::thread::spawn(move || runtime().block_on(Schema::new(route)))
            .join()
            .unwrap()
    };
    SCHEMAS[route as usize].get_or_init(make)
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn postgres_rules_as_the_domain_does(history in prop::collection::vec((0..40_u64, a_step()), 1..25)) {
        runtime().block_on(async {
            let (sqlite, _folder) = sqlite().await;
            let postgres = ROUTES.map(|route| Arc::new(shared_schema(route).accounts()));
            let (subject, tag) = random_subject();
            prepare(&*sqlite, &subject, tag).await;
            // One row each: the two ways lead to two schemas.
            for accounts in &postgres {
                prepare(&**accounts, &subject, tag).await;
            }
            let mut at = START;
            for (place, (seconds, step)) in history.iter().enumerate() {
                at = at.plus(Duration::from_secs(*seconds));
                let expected = play(&*sqlite, (&subject, tag), step, at, place).await;
                for accounts in &postgres {
                    let actual = play(&**accounts, (&subject, tag), step, at, place).await;
                    prop_assert_eq!(&actual, &expected, "step {}: {:?}", place, step);
                }
            }
            let last = VerdictStep::Load;
            let expected = play(&*sqlite, (&subject, tag), &last, at, 0).await;
            for accounts in &postgres {
                let actual = play(&**accounts, (&subject, tag), &last, at, 0).await;
                prop_assert_eq!(&actual, &expected, "at the end");
            }
            Ok(())
        })?;
    }
}
