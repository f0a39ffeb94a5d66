//! `Accounts::settle`: the domain's rule over SQLite, and the function of PostgreSQL, play random histories alike.

use crate::{
    contract::accounts::{START, new_user, next, subject},
    support::{
        schema::{ROUTES, Route, Schema},
        stores::sqlite,
    },
};
use countersign::ports::{AccountLookup, Accounts, Announcement, EndChallenges};
use countersign_domain::{
    action::TransactionDigest,
    alarm::Alarm,
    approval::{AnsweredBy, Approval, ApprovedPurpose},
    budget::{GuessClass, Limit, Windows},
    bypass::NewBypassCode,
    caller::{Audience, CallerName},
    challenge::{Effect, Judgement},
    change::{Base, Change, Ending, Made, Receipt, Rotation, Write},
    device::{ClientApp, DeviceName, SeriesHash, TokenHash},
    epoch::Epoch,
    event::{Event, EventKind, Facts},
    id::{ChallengeId, Id, Subject, SubjectTag},
    method::{Kind, Label, Method},
    recovery::{
        HashCost, HashMemory, NewRecoverySet, NextKey, RecoveryCode, RecoveryKey, SetKind, Slot,
        SlowHash,
    },
    request::RequestMark,
    secret::{KeyId, Sealed},
    settlement::{DeviceSeen, Guess, Settled, Settlement},
    time::Timestamp,
    totp::{Skew, Step as TotpStep},
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
    pub(crate) guess: u8,
    pub(crate) payload: Option<u8>,
    pub(crate) caller: &'static str,
    pub(crate) class: GuessClass,
    /// How many epochs behind the user's.
    pub(crate) behind: i64,
    pub(crate) asks_method: bool,
    pub(crate) version: u32,
    pub(crate) judgement: Judgement,
    /// Which, what it showed, and whether the policy trusts it.
    pub(crate) device: Option<(u8, Option<u8>, bool)>,
    pub(crate) purpose: ApprovedPurpose,
}

#[derive(Debug, Clone)]
enum Step {
    Settle(Box<Judged>),
    End(u8, Ending),
    /// Changes that touch what settlements are ruled by.
    Commit(Write),
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

fn a_judgement() -> impl Strategy<Value = Judgement> {
    let skew = prop::option::of((-3..3_i64, 1..5_u64));
    prop_oneof![
        4 => skew.prop_map(|skew| Judgement::Wrong {
            skew: skew.map(|(offset, step)| Skew { offset, step: TotpStep(step) }),
        }),
        3 => (1..6_u64).prop_map(|step| Judgement::Right(Effect::Step {
            step: TotpStep(step),
            acceptable_from: START,
        })),
        1 => Just(Judgement::Right(Effect::Plain)),
        2 => (0..2_u8, 0..3_u8).prop_map(|(set, slot)| Judgement::Right(Effect::RecoveryCode {
            set: id(50 + set),
            slot: Slot::new(slot).unwrap(),
        })),
        1 => (50..53_u8).prop_map(|set| Judgement::Right(Effect::RecoveryKey { set: id(set) })),
        1 => (60..62_u8).prop_map(|seed| Judgement::Right(Effect::BypassCode { id: id(seed) })),
        1 => (0..2_u32).prop_map(|version| Judgement::Right(Effect::EmailVerified { version })),
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
    let guess = (
        0..4_u8,
        0..6_u8,
        prop::option::of(0..2_u8),
        prop::sample::select(&["portal", "portal", "portal", "shop"]),
    );
    let bounds = (
        prop::sample::select(&GuessClass::ALL),
        prop::sample::select(&[0, 0, 0, 0, 1_i64]),
    );
    let asked = (
        any::<bool>(),
        prop::sample::select(&[1, 1, 1, 2_u32]),
        a_judgement(),
    );
    let rest = (
        prop::option::of((0..4_u8, prop::option::of(0..2_u8), any::<bool>())),
        a_purpose(),
    );
    (guess, bounds, asked, rest).prop_map(
        |(
            (challenge, guess, payload, caller),
            (class, behind),
            (asks_method, version, judgement),
            (device, purpose),
        )| {
            Judged {
                challenge,
                guess,
                payload,
                caller,
                class,
                behind,
                asks_method,
                version,
                judgement,
                device,
                purpose,
            }
        },
    )
}

fn a_step() -> impl Strategy<Value = Step> {
    let ending = prop::sample::select(&[Ending::Exhausted, Ending::Cancelled, Ending::Superseded]);
    prop_oneof![
        12 => a_judged().prop_map(|judged| Step::Settle(Box::new(judged))),
        1 => (0..4_u8, ending).prop_map(|(challenge, ending)| Step::End(challenge, ending)),
        1 => Just(Step::Commit(Write::LiftWindows)),
        1 => (50..53_u8).prop_map(|set| Step::Commit(Write::RecoveryCodes(key_set(set)))),
        1 => (50..53_u8).prop_map(|set| Step::Commit(Write::ConfirmRecoveryCodes(id(set)))),
        1 => (60..62_u8).prop_map(|seed| Step::Commit(Write::BypassCode(bypass_code(seed)))),
        2 => Just(Step::Load),
        1 => (0..4_u8).prop_map(Step::Untrust),
        2 => (0..4_u8).prop_map(Step::Trust),
        3 => (0..4_u8, 0..6_u8).prop_map(|(device, shown)| Step::Rotate(device, shown)),
    ]
}

pub(crate) fn settlement(
    who: &Subject,
    tag: SubjectTag,
    judged: &Judged,
    epoch: Epoch,
    at: Timestamp,
) -> Settlement {
    let event = Event {
        id: Id::from_bytes(
            crate::support::service::unique()
                .as_bytes()
                .try_into()
                .unwrap(),
        ),
        tenant: who.tenant.clone(),
        subject: tag,
        kind: EventKind::ChallengeRejected,
        caller: CallerName::new(judged.caller),
        at,
        facts: Facts::none().with("purpose", "SIGN_IN"),
        personal: Sealed::from_bytes(vec![1, 2, 3]),
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
    Settlement {
        subject: who.clone(),
        challenge,
        issued_at: START,
        epoch,
        attempts: 3,
        guess: Guess {
            id: id(judged.guess),
            class: judged.class,
            windows: Windows {
                short: Limit::new(4, Duration::from_mins(1)),
                long: Limit::new(6, Duration::from_mins(10)),
            },
            at,
        },
        asked,
        failures_until_disabled: 8,
        judgement: judged.judgement,
        next_key: next_key(tag, judged, at),
        approval: Approval {
            id: approval_id,
            challenge,
            subject: who.clone(),
            caller: CallerName::new(judged.caller),
            guess: id(judged.guess),
            payload: judged.payload.map(|seed| [seed; 16]),
            purpose: judged.purpose.clone(),
            answered_by: AnsweredBy::Code(Kind::Totp),
            method: asked.map(|(method, _)| method),
            audience: Some(Audience::new("portal")),
            epoch,
            at,
            key: KeyId::new("k-1"),
            device: judged.device.map(|(device, ..)| id(device)),
        },
        device: judged
            .device
            .map(|(device, presented, trusted)| DeviceSeen {
                id: id(device),
                name: DeviceName::parse("Firefox on Linux").unwrap(),
                app: trusted.then_some(ClientApp::Mobile),
                series: SeriesHash::from_bytes([device; 16]),
                token: TokenHash::from_bytes([2 + device; 16]),
                presented: presented.map(|seed| TokenHash::from_bytes([seed; 16])),
                proved_by: Kind::Totp,
                trusted_until: trusted.then(|| at.plus(Duration::from_mins(3))),
                at_most: 2,
            }),
        approved_event: Event {
            kind: EventKind::ChallengeApproved,
            facts: Facts::none().with("approved", true),
            ..event.clone()
        },
        rejected_event: event,
    }
}

/// What takes the place of a key that is right.
fn next_key(tag: SubjectTag, judged: &Judged, at: Timestamp) -> Option<(NextKey, Option<Receipt>)> {
    let Judgement::Right(Effect::RecoveryKey { .. }) = judged.judgement else {
        return None;
    };
    let next = NextKey {
        set: id(52),
        hash: RecoveryKey::new(&[52; 20]).hash(),
    };
    let receipt = judged.payload.map(|payload| Receipt {
        mark: RequestMark {
            tag: *challenge_id(tag, 200 + judged.guess).as_bytes(),
            payload: [payload; 16],
        },
        made: Made::Nothing,
        answer: Some(Sealed::from_bytes(vec![7, judged.guess])),
        at,
    });
    Some((next, receipt))
}

/// A user with a method, three recovery codes, a bypass code and an address.
pub(crate) async fn prepare(accounts: &dyn Accounts, who: &Subject, tag: SubjectTag) {
    let change = new_user(who, tag);
    let cheap = HashCost {
        memory_kib: 8,
        passes: 1,
    };
    let codes = (0..3).map(|slot| {
        let slot = Slot::new(slot).unwrap();
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
        kind: Kind::Totp,
        label: Label::parse("App").unwrap().unwrap(),
        version: 1,
        sealed: Sealed::from_bytes(vec![4, 5, 6]),
        disabled: false,
        created_at: START,
        last_used_at: None,
        suspended: false,
        consecutive_failures: 0,
        last_step: None,
    };
    let mut writes = change.writes.clone();
    writes.push(Write::AddMethod(method, Some(TotpStep(1))));
    writes.push(Write::RecoveryCodes(NewRecoverySet {
        id: id(50),
        kind: SetKind::Codes,
        hashes: codes.collect(),
    }));
    writes.push(Write::BypassCode(bypass_code(60)));
    accounts.commit(&Change { writes, ..change }).await.unwrap();
}

/// A set of one key.
pub(crate) fn key_set(seed: u8) -> NewRecoverySet {
    NewRecoverySet {
        id: id(seed),
        kind: SetKind::Key,
        hashes: vec![(RecoveryKey::SLOT, RecoveryKey::new(&[seed; 20]).hash())],
    }
}

/// A bypass code that lives for ten minutes from the start.
pub(crate) fn bypass_code(seed: u8) -> NewBypassCode {
    NewBypassCode {
        id: id(seed),
        hash: SlowHash::from_phc(format!("hash {seed}")),
        expires_at: START.plus(Duration::from_mins(10)),
    }
}

/// The alarms of a user, which are taken away.
pub(crate) async fn taken_alarms(
    accounts: &dyn Accounts,
    who: &Subject,
    now: Timestamp,
) -> Vec<(i64, Alarm, Timestamp)> {
    let mut taken = Vec::new();
    for raised in accounts.due_alarms(now).await.unwrap() {
        if raised.who == *who {
            taken.push((raised.turn, raised.alarm, raised.at));
            let announcement = Announcement {
                raised,
                notices: Vec::new(),
                now,
            };
            assert!(accounts.announce(&announcement).await.unwrap());
        }
    }
    taken
}

async fn play(
    accounts: &dyn Accounts,
    (who, tag): (&Subject, SubjectTag),
    step: &Step,
    at: Timestamp,
    place: usize,
) -> String {
    let loaded = accounts
        .load(who, AccountLookup::default())
        .await
        .unwrap()
        .account
        .unwrap();
    match step {
        Step::Load => {
            let mut account = loaded;
            account
                .failures()
                .sort_by_key(|failure| (failure.challenge, failure.guess));
            account.devices.sort_by_key(|device| device.id);
            // Of what each store sealed for itself.
            account.profile_tag.clear();
            let alarms = taken_alarms(accounts, who, at).await;
            format!("{account:?} {alarms:?}")
        }
        Step::End(challenge, how) => {
            let ends = EndChallenges {
                who: who.clone(),
                challenges: vec![(challenge_id(tag, *challenge), CallerName::new("portal"))],
                how: *how,
                at,
                event: None,
            };
            format!("{:?}", accounts.end_challenges(&ends).await.unwrap())
        }
        Step::Commit(write) => {
            let change = next(accounts, who, tag, vec![write.clone()]).await;
            format!("{:?}", accounts.commit(&change).await.unwrap())
        }
        Step::Untrust(device) => {
            let writes = vec![Write::UntrustDevice(id(*device))];
            let change = next(accounts, who, tag, writes).await;
            format!("{:?}", accounts.commit(&change).await.unwrap())
        }
        Step::Trust(device) => {
            let until = at.plus(Duration::from_mins(9));
            let writes = vec![Write::TrustDevices(vec![id(*device)], until)];
            let change = next(accounts, who, tag, writes).await;
            format!("{:?}", accounts.commit(&change).await.unwrap())
        }
        Step::Rotate(device, shown) => {
            let rotation = Rotation {
                device: id(*device),
                shown: TokenHash::from_bytes([*shown; 16]),
                given: TokenHash::from_bytes([u8::try_from(place % 6).unwrap(); 16]),
                series: SeriesHash::from_bytes([*device; 16]),
            };
            let change = next(accounts, who, tag, vec![Write::RotateToken(rotation)]).await;
            let change = Change {
                base: Base::Epoch(loaded.epoch),
                now: at,
                ..change
            };
            format!("{:?}", accounts.commit(&change).await.unwrap())
        }
        Step::Settle(judged) => {
            let mut settlement = settlement(who, tag, judged, loaded.epoch, at);
            // The two stores have to meet the same ids.
            settlement.approval.id = Id::from_bytes([u8::try_from(place).unwrap(); 16]);
            let SubjectTag(mut unique) = tag;
            unique[1] = u8::try_from(place).unwrap();
            settlement.approval.id = Id::from_bytes(unique);
            let mut settled = accounts.settle(&settlement).await.unwrap();
            if let Settled::Approved { devices, .. } = &mut settled {
                devices.sort_by_key(|device| device.id);
            }
            format!("{settled:?}")
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
            let (who, tag) = subject();
            prepare(&*sqlite, &who, tag).await;
            // One row each: the two ways lead to two schemas.
            for accounts in &postgres {
                prepare(&**accounts, &who, tag).await;
            }
            let mut at = START;
            for (place, (seconds, step)) in history.iter().enumerate() {
                at = at.plus(Duration::from_secs(*seconds));
                let expected = play(&*sqlite, (&who, tag), step, at, place).await;
                for accounts in &postgres {
                    let actual = play(&**accounts, (&who, tag), step, at, place).await;
                    prop_assert_eq!(&actual, &expected, "step {}: {:?}", place, step);
                }
            }
            let last = Step::Load;
            let expected = play(&*sqlite, (&who, tag), &last, at, 0).await;
            for accounts in &postgres {
                let actual = play(&**accounts, (&who, tag), &last, at, 0).await;
                prop_assert_eq!(&actual, &expected, "at the end");
            }
            Ok(())
        })?;
    }
}
