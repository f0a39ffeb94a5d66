//! What records weigh that a verdict reads and writes: of a typical account, of a heavy one, and of the largest that the
//! caps of the domain let grow.

use super::*;
use crate::store::record::{sealing::SaveMode, tests::sealed::sealing};
use countersign_domain::{
    account::{
        MAX_APPROVALS, MAX_WRONG_ATTEMPTS,
        change::MAX_REVERT_RECORDS,
        ended_approval::{ApprovalEnding, EndedApproval, MAX_ENDED_APPROVALS},
        lost_method::LostMethod,
    },
    device::{MAX_GIVEN_TOKENS, MAX_PENDING_TOKENS},
    policy::Policy,
    recovery::{HashCost, HashMemory, RecoveryCode, bypass_code::BypassCode},
};
use proptest::{prelude::*, test_runner::Config};
use std::sync::OnceLock;

/// One pass less than by default, in as many bytes.
const COST: HashCost = HashCost {
    memory_kib: 19 * 1024,
    passes: 1,
};

const MAX_NAME_LENGTH: usize = 64;

/// As large as a first epoch is.
const EPOCH: Epoch = Epoch::from_number(i64::MAX / 2);

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

fn largest_method(seed: u8) -> Method {
    Method {
        version: 200,
        disabled: true,
        created_at: instant(),
        last_used_at: Some(instant()),
        suspended: true,
        consecutive_failures: 200,
        last_step: Some(TimeStep(133_333_333)),
        ..method(seed, MethodKind::Email)
    }
}

/// A set of so many codes.
fn recovery(codes: u8) -> RecoverySet {
    let unused = (0..codes).map(|number| {
        let code = RecoveryCode::new(slot(number), &[number; 10]);
        (
            slot(number),
            code.hash(&[number; 16], COST, &mut HashMemory::new()),
        )
    });
    RecoverySet {
        id: test_id(1),
        kind: RecoverySetKind::Codes,
        total: codes.into(),
        unused: unused.collect(),
        created_at: instant(),
        confirmed_at: Some(instant()),
    }
}

/// A device with a name of so many bytes and so many pending tokens.
fn known_device(seed: u8, name_length: usize, pending: usize) -> Device {
    let trust = DeviceTrust::Given {
        at: instant(),
        until: instant(),
        epoch: EPOCH,
    };
    Device {
        name: DeviceName::from_stored(name(name_length)),
        app: Some(ClientApp::Mobile),
        place: Some(name(name_length)),
        accepted: Some(token(seed)),
        given: many(pending, token),
        created_at: instant(),
        seen_at: instant(),
        ..device(seed, trust)
    }
}

/// All the pending tokens that a user's devices may have, and one for each device at least.
fn largest_devices(count: usize) -> Vec<Device> {
    let mut left = MAX_PENDING_TOKENS;
    let devices = (1..=count).map(|place| {
        let pending = (left - (count - place)).min(MAX_GIVEN_TOKENS);
        left -= pending;
        known_device(u8::try_from(place).unwrap(), MAX_NAME_LENGTH, pending)
    });
    devices.collect()
}

fn largest_approval(seed: u8) -> Approval {
    Approval {
        id: test_id(seed),
        caller: CallerName::new(&name(MAX_NAME_LENGTH)),
        audience: Some(Audience::new(&name(MAX_NAME_LENGTH))),
        epoch: EPOCH,
        at: instant(),
        ..step_up()
    }
}

fn largest_bypass() -> LiveBypassCode {
    LiveBypassCode {
        issued: NewBypassCode {
            id: test_id(1),
            hash: BypassCode::new(&[1; 10]).hash(&[2; 16], COST),
            expires_at: instant(),
        },
        epoch: EPOCH,
    }
}

fn ended_approval(seed: u8) -> EndedApproval {
    EndedApproval {
        id: test_id(seed),
        caller: CallerName::new(&name(MAX_NAME_LENGTH)),
        approved_at: instant(),
        ending: ApprovalEnding::Displaced,
    }
}

const fn lost_method(kind: MethodKind) -> LostMethod {
    LostMethod {
        kind,
        removed_at: Timestamp::from_seconds(4_000_000_000),
    }
}

fn revert_record(seed: u8) -> RevertRecord {
    RevertRecord {
        token: token(seed),
        change_kind: RevertibleChange::Method(test_id(seed)),
        at: instant(),
        revision: 1000,
    }
}

/// An attempt at the last of so many challenges.
fn wrong_attempt(seed: u8, attempts_each: u8, skew: Option<ClockSkew>) -> WrongAttempt {
    WrongAttempt {
        challenge: test_id(seed / attempts_each),
        attempt: test_id(seed),
        class: Some(AttemptClass::Known),
        at: instant().plus(Duration::from_mins(seed.into())),
        skew,
    }
}

fn approved(seed: u8) -> Approval {
    Approval {
        caller: CallerName::new("customer-portal"),
        audience: Some(Audience::new("customer-portal")),
        ..largest_approval(seed)
    }
}

fn few_ended(seed: u8) -> EndedApproval {
    EndedApproval {
        caller: CallerName::new("customer-portal"),
        ..ended_approval(seed)
    }
}

/// Two methods, ten recovery codes, three devices, and what a usual week leaves.
fn typical() -> Account {
    Account {
        methods: many(2, largest_method),
        recovery: Some(recovery(10)),
        devices: many(3, |seed| known_device(seed, 16, 1)),
        wrong_attempts: many(2, |seed| wrong_attempt(seed, 5, None)),
        announced_windows: Vec::new(),
        approvals: many(1, approved),
        revertible: many(2, revert_record),
        bypass: None,
        reset: None,
        ended_approvals: many(1, few_ended),
        lost_methods: Vec::new(),
        ..largest()
    }
}

/// As many methods, codes and devices as there can be, and what a bad week leaves.
fn heavy() -> Account {
    Account {
        devices: many(20, |seed| known_device(seed, 16, 1)),
        wrong_attempts: many(10, |seed| wrong_attempt(seed, 5, None)),
        announced_windows: Vec::new(),
        approvals: many(2, approved),
        revertible: many(5, revert_record),
        bypass: None,
        reset: None,
        ended_approvals: many(2, few_ended),
        lost_methods: Vec::new(),
        ..largest()
    }
}

/// All that the caps let grow, each part at its cap, with the longest names.
fn largest() -> Account {
    let policy = Policy::built_in();
    let skew = ClockSkew {
        offset: 20,
        step: TimeStep(133_333_333),
    };
    Account {
        epoch: EPOCH,
        revision: 1000,
        methods: many(policy.methods_per_user, largest_method),
        recovery: Some(recovery(32)),
        devices: largest_devices(usize::try_from(policy.devices_per_user).unwrap()),
        wrong_attempts: many(MAX_WRONG_ATTEMPTS, |seed| {
            wrong_attempt(seed, 1, Some(skew))
        }),
        announced_windows: AttemptClass::ALL.to_vec(),
        approvals: many(MAX_APPROVALS, largest_approval),
        revertible: many(MAX_REVERT_RECORDS, revert_record),
        bypass: Some(largest_bypass()),
        ended_approvals: many(MAX_ENDED_APPROVALS, ended_approval),
        recovery_restricted_until: Some(instant()),
        lost_methods: MethodKind::ALL.map(lost_method).to_vec(),
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
            weight(record, |r| {
                r.wrong_attempts.clear();
                r.attempted_challenge_ids.clear();
            }),
        ),
        ("approvals", weight(record, |r| r.approvals.clear())),
        (
            "ended approvals",
            weight(record, |r| r.ended_approvals.clear()),
        ),
    ];
    let parts = parts.into_iter();
    let all = parts.clone().map(|(_, bytes)| bytes).sum::<usize>();
    parts
        .chain([("the rest", record.encoded_len() - all)])
        .collect()
}

fn sealed_len(account: &Account) -> usize {
    let save = SaveMode {
        version: 1,
        form: NEWEST_FORM,
        exact_id: "",
        has_new_profile: false,
    };
    sealing().seal_account(account, save).record.len()
}

/// In the order of [`weights`], and of all together.
#[track_caller]
fn assert_weighs(account: &Account, bounds: [usize; 10], in_all: usize) {
    let bytes = sealed_len(account);
    let weights = weights(&stored_account(account));
    println!("{weights:?}: {bytes} bytes, sealed");
    for ((part, bytes), at_most) in weights.into_iter().zip(bounds) {
        assert!(bytes <= at_most, "{part}: {bytes} bytes");
    }
    assert!(bytes <= in_all, "{bytes} bytes");
}

#[test]
fn a_typical_record_stays_within_its_bounds() {
    assert_weighs(
        &typical(),
        [110, 550, 0, 460, 0, 110, 100, 240, 50, 130],
        1_810,
    );
}

#[test]
fn a_heavy_record_stays_within_its_bounds() {
    assert_weighs(
        &heavy(),
        [520, 1_630, 0, 2_970, 0, 260, 350, 480, 100, 130],
        6_500,
    );
}

#[test]
fn the_largest_record_stays_within_its_bounds() {
    let bounds = [520, 1_630, 110, 5_600, 80, 1_250, 2_800, 2_650, 800, 200];
    assert_weighs(&largest(), bounds, 15_540);
}

proptest! {
    #![proptest_config(Config { cases: 64, failure_persistence: None, ..Config::default() })]

    #[test]
    fn a_record_with_fewer_of_anything_is_smaller(
        (methods, codes, devices) in (0..=10_usize, 1..=32_usize, 0..=20_usize),
        (tokens, records, attempts) in (0..=MAX_GIVEN_TOKENS, 0..=MAX_REVERT_RECORDS, 0..=MAX_WRONG_ATTEMPTS),
        approvals in 0..=MAX_APPROVALS,
    ) {
        let record = LARGEST.get_or_init(|| stored_account(&largest()));
        let mut smaller = record.clone();
        smaller.methods.truncate(methods);
        let packed = smaller.recovery.as_mut().unwrap().same_cost.as_mut().unwrap();
        packed.codes.truncate(codes * 49);
        smaller.devices.truncate(devices);
        smaller.devices.iter_mut().for_each(|device| device.pending_tokens.truncate(tokens * 16));
        smaller.revert_records.truncate(records);
        smaller.wrong_attempts.truncate(attempts);
        smaller.attempted_challenge_ids.truncate(attempts);
        smaller.approvals.truncate(approvals);
        prop_assert!(smaller.encoded_len() <= record.encoded_len());
        let read = account::account(&jane(), &smaller, None, &PolicyOverride::default()).unwrap();
        prop_assert!(stored_account(&read) == smaller);
    }
}
