//! Fixtures of the unit tests: a user, a caller, an instant, and property tests that write no regression files.

use crate::{
    account::Account,
    authorization::caller::{Caller, CallerName, CallerRight, TenantScope},
    challenge::{
        answered_by::AnsweredBy,
        approval::{Approval, ApprovedPurpose},
        code::{CanonicalAnswer, Digits},
    },
    device::{Device, DeviceName, DeviceTrust, SeriesHash},
    method::{Method, MethodKind, MethodLabel},
    policy::PolicyOverride,
    value::{
        destination::{Email, Phone},
        epoch::Epoch,
        id::{Id, Subject, TenantId, UserId},
        secret::{KeyId, SealedBytes},
        time::Timestamp,
    },
};
use proptest::test_runner::Config;
use std::{collections::HashSet, fmt::Debug, hash::Hash, time::Duration};

pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
pub(crate) const EPOCH: Epoch = Epoch::from_number(7);
pub(crate) const PORTAL: &str = "portal";

pub(crate) fn properties(cases: u32) -> Config {
    Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    }
}

pub(crate) const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

pub(crate) const fn minutes(count: u64) -> Duration {
    Duration::from_mins(count)
}

pub(crate) fn id<Of>(seed: u8) -> Id<Of> {
    Id::from_bytes([seed; 16])
}

pub(crate) fn subject(tenant: &str, user: &str) -> Subject {
    Subject {
        tenant: TenantId::parse(tenant).unwrap(),
        user: UserId::parse(user).unwrap(),
    }
}

pub(crate) fn jane() -> Subject {
    subject("acme", "jane")
}

pub(crate) fn digits(text: &str) -> Digits {
    match CanonicalAnswer::parse(text) {
        Ok(CanonicalAnswer::Digits(digits)) => digits,
        _ => panic!("{text:?} is not a code of digits"),
    }
}

pub(crate) fn email(address: &str) -> Email {
    Email::parse(address).unwrap()
}

pub(crate) fn phone(number: &str) -> Phone {
    Phone::parse(number).unwrap()
}

pub(crate) fn label(text: &str) -> MethodLabel {
    MethodLabel::parse(text).unwrap().unwrap()
}

pub(crate) fn sealed(seed: u8) -> SealedBytes {
    SealedBytes::from_bytes(vec![seed])
}

pub(crate) fn method(seed: u8, kind: MethodKind) -> Method {
    Method {
        id: id(seed),
        kind,
        label: label(&format!("method {seed}")),
        version: 1,
        sealed: sealed(seed),
        disabled: false,
        created_at: NOW,
        last_used_at: None,
        suspended: false,
        consecutive_failures: 0,
        last_step: None,
    }
}

pub(crate) fn account(methods: impl IntoIterator<Item = Method>) -> Account {
    Account {
        subject: jane(),
        epoch: EPOCH,
        revision: 1,
        user_key: sealed(1),
        profile: sealed(2),
        profile_tag: vec![2],
        email_tag: None,
        email_verified: true,
        email_version: 1,
        methods: methods.into_iter().collect(),
        user_default: None,
        recovery: None,
        devices: Vec::new(),
        wrong_attempts: Vec::new(),
        announced_windows: Vec::new(),
        approvals: Vec::new(),
        notice_turn: 0,
        created_at: NOW,
        bypass: None,
        email_since: NOW,
        reset: None,
        lost_methods: Vec::new(),
        ended_approvals: Vec::new(),
        recovery_restricted_until: None,
        updated_at: NOW,
        revertible: Vec::new(),
        pending_review: false,
        tenant_layer: PolicyOverride::default(),
    }
}

/// A device first seen at `NOW`, which answered with an app. It holds no token yet.
pub(crate) fn device() -> Device {
    Device {
        id: id(1),
        name: DeviceName::parse("Firefox on Linux").unwrap(),
        app: None,
        series: SeriesHash::from_bytes([1; 16]),
        accepted: None,
        given: Vec::new(),
        proved_by: MethodKind::Totp,
        place: None,
        trust: DeviceTrust::Never,
        created_at: NOW,
        seen_at: NOW,
    }
}

pub(crate) fn caller(name: &str, rights: &[CallerRight]) -> Caller {
    Caller {
        name: CallerName::new(name),
        rights: rights.to_vec(),
        audiences: Vec::new(),
        tenants: TenantScope::All,
    }
}

/// The approval of a sign-in with an app, just now.
pub(crate) fn approval() -> Approval {
    Approval {
        id: id(1),
        challenge: id(2),
        subject: jane(),
        caller: CallerName::new(PORTAL),
        attempt_id: id(3),
        payload: None,
        purpose: ApprovedPurpose::SignIn,
        answered_by: AnsweredBy::Code(MethodKind::Totp),
        method: Some(id(4)),
        audience: None,
        epoch: EPOCH,
        at: NOW,
        key: KeyId::new("k-1"),
        device: None,
    }
}

#[track_caller]
pub(crate) fn assert_all_differ<T: Debug + Eq + Hash>(values: impl IntoIterator<Item = T>) {
    let mut seen = HashSet::new();
    for value in values {
        assert!(!seen.contains(&value), "{value:?} is there twice");
        seen.insert(value);
    }
}
