//! The largest account that the caps of the domain let grow, and what its record weighs: what a verdict reads and writes.

use super::*;
use crate::store::record::tests::sealed::sealing;
use countersign_domain::{
    account::{APPROVALS_AT_MOST, WRONG_ATTEMPTS_AT_MOST},
    bypass::BypassCode,
    change::REVERTIBLE_AT_MOST,
    device::GIVEN_AT_MOST,
    policy::Policy,
    recovery::{HashCost, HashMemory, RecoveryCode},
};
use proptest::{prelude::*, test_runner::Config};
use std::sync::OnceLock;

/// One pass less than by default, in as many bytes.
const COST: HashCost = HashCost {
    memory_kib: 19 * 1024,
    passes: 1,
};

/// The sealed secret of an app or a telephone number, and of an e-mail address that has as many characters as one may
/// have.
const SEALED_SECRET: u8 = 92;
const SEALED_LONGEST_ADDRESS: usize = 52 + 3 + 254;

const LONGEST_NAME: usize = 64;

/// Made once: hashing takes a while.
static LARGEST: OnceLock<pb::AccountRecord> = OnceLock::new();

fn name(length: usize) -> String {
    "n".repeat(length)
}

fn many<T>(count: usize, make: impl Fn(u8) -> T) -> Vec<T> {
    let seeds = (1..=count).map(|seed| u8::try_from(seed).unwrap());
    seeds.map(make).collect()
}

/// An instant late enough to take as many bytes as any of this century.
fn instant() -> Timestamp {
    Timestamp::from_seconds(4_000_000_000)
}

fn largest_method(seed: u8, sealed: &Sealed) -> Method {
    Method {
        label: Label::from_stored(name(LONGEST_NAME)),
        version: 200,
        sealed: sealed.clone(),
        disabled: true,
        created_at: instant(),
        last_used_at: Some(instant()),
        suspended: true,
        consecutive_failures: 200,
        last_step: Some(Step(133_333_333)),
        ..method(seed, Kind::Email)
    }
}

fn largest_recovery() -> RecoverySet {
    let unused = (0..32).map(|number| {
        let code = RecoveryCode::new(slot(number), &[number; 10]);
        (
            slot(number),
            code.hash(&[number; 16], COST, &mut HashMemory::new()),
        )
    });
    RecoverySet {
        id: made(1),
        kind: SetKind::Codes,
        total: 32,
        unused: unused.collect(),
        created_at: instant(),
        confirmed_at: Some(instant()),
    }
}

fn largest_device(seed: u8) -> Device {
    let trust = Trust::Given {
        at: instant(),
        until: instant(),
        epoch: Epoch::from_number(1000),
    };
    Device {
        name: DeviceName::from_stored(name(LONGEST_NAME)),
        app: Some(ClientApp::Mobile),
        accepted: Some(token(seed)),
        given: many(GIVEN_AT_MOST, token),
        created_at: instant(),
        seen_at: instant(),
        ..device(seed, trust)
    }
}

fn largest_approval(seed: u8) -> Approval {
    Approval {
        id: made(seed),
        caller: CallerName::new(&name(LONGEST_NAME)),
        audience: Some(Audience::new(&name(LONGEST_NAME))),
        epoch: Epoch::from_number(1000),
        at: instant(),
        ..step_up()
    }
}

fn largest_bypass() -> LiveBypassCode {
    LiveBypassCode {
        issued: NewBypassCode {
            id: made(1),
            hash: BypassCode::new(&[1; 10]).hash(&[2; 16], COST),
            expires_at: instant(),
        },
        epoch: Epoch::from_number(1000),
    }
}

fn largest(sealed_method: &Sealed) -> Account {
    let policy = Policy::built_in();
    let devices = usize::try_from(policy.devices_per_user).unwrap();
    let revert_record = |seed| Revertible {
        token: token(seed),
        did: Did::Method(made(seed)),
        at: instant(),
        revision: 1000,
    };
    let wrong_attempt = |seed| WrongAttempt {
        challenge: made(seed),
        attempt: made(seed),
        class: Some(GuessClass::Known),
        at: instant(),
        skew: Some(Skew {
            offset: 20,
            step: Step(133_333_333),
        }),
    };
    Account {
        epoch: Epoch::from_number(1000),
        revision: 1000,
        methods: many(policy.methods_per_user, |seed| {
            largest_method(seed, sealed_method)
        }),
        recovery: Some(largest_recovery()),
        devices: many(devices, largest_device),
        wrong_attempts: many(WRONG_ATTEMPTS_AT_MOST, wrong_attempt),
        announced_windows: GuessClass::ALL.to_vec(),
        approvals: many(APPROVALS_AT_MOST, largest_approval),
        revertible: many(REVERTIBLE_AT_MOST, revert_record),
        bypass: Some(largest_bypass()),
        ..representative()
    }
}

/// What a part adds to the record.
fn weight<T>(record: &pb::AccountRecord, take: impl Fn(&mut pb::AccountRecord) -> T) -> usize {
    let mut without = record.clone();
    let _part = take(&mut without);
    record.encoded_len() - without.encoded_len()
}

fn weights(record: &pb::AccountRecord) -> Vec<(&'static str, usize)> {
    let parts = [
        ("methods", weight(record, |r| r.methods.clear())),
        ("recovery set", weight(record, |r| r.recovery = None)),
        ("bypass code", weight(record, |r| r.bypass = None)),
        ("devices", weight(record, |r| r.devices.clear())),
        ("reset", weight(record, |r| r.reset = None)),
        (
            "revert records",
            weight(record, |r| r.revert_records.clear()),
        ),
        (
            "wrong attempts",
            weight(record, |r| r.wrong_attempts.clear()),
        ),
        ("approvals", weight(record, |r| r.approvals.clear())),
    ];
    let parts = parts.into_iter();
    let all = parts.clone().map(|(_, bytes)| bytes).sum::<usize>();
    parts
        .chain([("the rest", record.encoded_len() - all)])
        .collect()
}

fn sealed_len(account: &Account) -> usize {
    sealing().seal_account(account, (1, ""), false).record.len()
}

#[test]
fn each_part_of_the_largest_record_has_its_weight() {
    let secret = sealed_bytes(SEALED_SECRET);
    let record = pb::AccountRecord::from(&largest(&secret));
    let bounds = [
        ("methods", 2_200),
        ("recovery set", 2_250),
        ("bypass code", 100),
        ("devices", 6_700),
        ("reset", 80),
        ("revert records", 1_650),
        ("wrong attempts", 2_800),
        ("approvals", 5_200),
        ("the rest", 200),
    ];
    for ((part, bytes), (of, at_most)) in weights(&record).into_iter().zip(bounds) {
        assert_eq!(part, of);
        assert!(bytes <= at_most, "{part}: {bytes} bytes");
    }
}

#[test]
fn the_largest_record_stays_within_its_bound() {
    let bytes = sealed_len(&largest(&sealed_bytes(SEALED_SECRET)));
    assert!(bytes <= 21_000, "{bytes} bytes");
}

#[test]
fn the_largest_record_with_the_longest_addresses_stays_within_its_bound() {
    let longest = Sealed::from_bytes(vec![1; SEALED_LONGEST_ADDRESS]);
    let bytes = sealed_len(&largest(&longest));
    assert!(bytes <= 23_200, "{bytes} bytes");
}

proptest! {
    #![proptest_config(Config { cases: 64, failure_persistence: None, ..Config::default() })]

    #[test]
    fn a_record_with_fewer_of_anything_is_smaller(
        (methods, codes, devices) in (0..=10_usize, 0..=32_usize, 0..=20_usize),
        (tokens, records, attempts) in (0..=GIVEN_AT_MOST, 0..=REVERTIBLE_AT_MOST, 0..=WRONG_ATTEMPTS_AT_MOST),
        approvals in 0..=APPROVALS_AT_MOST,
    ) {
        let record = LARGEST.get_or_init(|| pb::AccountRecord::from(&largest(&sealed_bytes(SEALED_SECRET))));
        let mut smaller = record.clone();
        smaller.methods.truncate(methods);
        smaller.recovery.as_mut().unwrap().unused.truncate(codes);
        smaller.devices.truncate(devices);
        smaller.devices.iter_mut().for_each(|device| device.pending_tokens.truncate(tokens));
        smaller.revert_records.truncate(records);
        smaller.wrong_attempts.truncate(attempts);
        smaller.approvals.truncate(approvals);
        prop_assert!(smaller.encoded_len() <= record.encoded_len());
        let read = read(&smaller, &representative().profile).unwrap();
        prop_assert!(pb::AccountRecord::from(&read) == smaller);
    }
}
