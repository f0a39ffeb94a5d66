//! The users that rules are counted with: a typical one and a heavy one.

use countersign_domain::{
    account::{
        Account, WrongAttempt,
        groups::{GroupName, UserGroups},
        profile::Profile,
    },
    audit_event::{AuditDetails, AuditEvent, AuditEventKind},
    authorization::caller::{Caller, CallerName, CallerRight, TenantScope},
    challenge::{
        AttemptEffect, AttemptJudgment,
        answered_by::AnsweredBy,
        approval::{Approval, ApprovedPurpose},
        totp::TimeStep,
        verdict::{DeviceUpdate, JudgedAttempt, VerdictContext, VerdictRequest},
    },
    device::{Device, DeviceName, DeviceToken, DeviceTrust},
    limits::budget::AttemptClass,
    method::{Method, MethodKind, MethodLabel},
    policy::{Policy, PolicyOverride},
    recovery::{CodeSlot, RecoverySet, RecoverySetKind, SecretHash},
    value::{
        epoch::Epoch,
        id::{Id, Subject, SubjectTag, TenantId, UserId},
        secret::{KeyId, SealedBytes},
        time::Timestamp,
    },
};
use std::time::Duration;

pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
pub(crate) const EPOCH: Epoch = Epoch::from_number(7);
pub(crate) const CALLER: &str = "portal";
pub(crate) const APP: u8 = 1;

/// How much a user has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AccountSize {
    pub(crate) methods: u8,
    pub(crate) recovery_codes: u8,
    pub(crate) devices: u8,
    pub(crate) wrong_attempts: u8,
    pub(crate) groups: u16,
}

pub(crate) const TYPICAL: AccountSize = AccountSize {
    methods: 2,
    recovery_codes: 10,
    devices: 3,
    wrong_attempts: 0,
    groups: 5,
};

/// As much as a user can have. The windows for clients that proved nothing are all but full.
pub(crate) const HEAVY: AccountSize = AccountSize {
    methods: 10,
    recovery_codes: 32,
    devices: 20,
    wrong_attempts: 9,
    groups: 100,
};

pub(crate) const fn id<Of>(number: u8) -> Id<Of> {
    Id::from_bytes([number; 16])
}

pub(crate) fn subject() -> Subject {
    Subject {
        tenant: TenantId::parse("acme").expect("a tenant id"),
        user: UserId::parse("jane").expect("a user id"),
    }
}

pub(crate) fn account(size: AccountSize) -> Account {
    Account {
        subject: subject(),
        epoch: EPOCH,
        revision: 1,
        tenant_layer: PolicyOverride::default(),
        user_key: sealed(80),
        profile: sealed(200),
        profile_tag: vec![2; 16],
        email_tag: Some([3; 16]),
        email_verified: true,
        email_version: 1,
        methods: (APP..=size.methods).map(method).collect(),
        user_default: Some(id(APP)),
        recovery: Some(recovery(size.recovery_codes)),
        devices: (1..=size.devices).map(device).collect(),
        wrong_attempts: (0..size.wrong_attempts).map(wrong_attempt).collect(),
        announced_windows: Vec::new(),
        approvals: Vec::new(),
        notice_turn: 3,
        revertible: Vec::new(),
        pending_review: false,
        created_at: NOW.minus(Duration::from_hours(24 * 365)),
        updated_at: NOW.minus(Duration::from_hours(24)),
        bypass: None,
        email_since: NOW.minus(Duration::from_hours(24 * 365)),
        reset: None,
        lost_methods: Vec::new(),
        ended_approvals: Vec::new(),
        recovery_restricted_until: None,
    }
}

pub(crate) fn profile(size: AccountSize) -> Profile {
    let group = |number| GroupName::parse(&format!("group-{number}")).expect("a group");
    Profile {
        groups: UserGroups::Listed((0..size.groups).map(group).collect()),
        ..Profile::default()
    }
}

/// The first one is an app, as the default is.
pub(crate) fn method(number: u8) -> Method {
    let kind = if number == APP {
        MethodKind::Totp
    } else {
        MethodKind::Email
    };
    let label = MethodLabel::parse(&format!("method {number}"));
    Method {
        id: id(number),
        kind,
        label: label.ok().flatten().expect("a label"),
        version: 1,
        sealed: sealed(90),
        disabled: false,
        created_at: NOW.minus(Duration::from_hours(24)),
        last_used_at: Some(NOW.minus(Duration::from_hours(8))),
        suspended: false,
        consecutive_failures: 0,
        last_step: Some(TimeStep(59_000_000)),
    }
}

pub(crate) fn token(number: u8) -> DeviceToken {
    DeviceToken::of([number; 16], [number; 16])
}

fn device(number: u8) -> Device {
    let token = token(number);
    let seen_at = NOW.minus(Duration::from_hours(u64::from(number)));
    Device {
        id: id(number),
        name: DeviceName::parse("Firefox on Linux").expect("a name"),
        app: None,
        series: token.series(),
        accepted: Some(token.hash()),
        given: Vec::new(),
        proved_by: MethodKind::Totp,
        place: None,
        trust: DeviceTrust::Given {
            at: seen_at,
            until: seen_at.plus(Duration::from_hours(24 * 30)),
            epoch: EPOCH,
        },
        created_at: seen_at,
        seen_at,
    }
}

fn recovery(codes: u8) -> RecoverySet {
    let hash = "$argon2id$v=19$m=7168,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let slots = (0..codes).filter_map(CodeSlot::new);
    RecoverySet {
        id: id(5),
        kind: RecoverySetKind::Codes,
        total: u32::from(codes),
        unused: slots
            .map(|slot| (slot, SecretHash::from_phc(hash.to_owned())))
            .collect(),
        created_at: NOW,
        confirmed_at: Some(NOW),
    }
}

fn wrong_attempt(number: u8) -> WrongAttempt {
    WrongAttempt {
        challenge: id(number / 3),
        attempt: id(number),
        class: Some(AttemptClass::Unknown),
        at: NOW.minus(Duration::from_mins(u64::from(number))),
        skew: None,
    }
}

pub(crate) fn sealed(length: usize) -> SealedBytes {
    SealedBytes::from_bytes(vec![7; length])
}

pub(crate) fn caller() -> Caller {
    Caller {
        name: CallerName::new(CALLER),
        rights: vec![CallerRight::Attest],
        audiences: Vec::new(),
        tenants: TenantScope::All,
    }
}

pub(crate) fn approval(purpose: ApprovedPurpose) -> Approval {
    Approval {
        id: id(1),
        challenge: id(40),
        subject: subject(),
        caller: CallerName::new(CALLER),
        attempt_id: id(41),
        payload: None,
        purpose,
        answered_by: AnsweredBy::Code(MethodKind::Totp),
        method: Some(id(APP)),
        audience: None,
        epoch: EPOCH,
        at: NOW,
        key: KeyId::new("k-1"),
        device: Some(id(42)),
    }
}

pub(crate) fn event(kind: AuditEventKind) -> AuditEvent {
    AuditEvent {
        id: id(6),
        tenant: subject().tenant,
        subject: SubjectTag([6; 16]),
        kind,
        caller: CallerName::new(CALLER),
        at: NOW,
        details: AuditDetails::none(),
        personal: sealed(120),
    }
}

/// A verdict on a sign-in with the app, from a device that was never seen.
pub(crate) fn verdict(judgment: AttemptJudgment) -> VerdictRequest {
    let policy = Policy::built_in();
    let token = token(42);
    VerdictRequest {
        subject: subject(),
        challenge: id(40),
        issued_at: NOW,
        epoch: EPOCH,
        max_attempts: policy.attempts_per_challenge,
        attempt: JudgedAttempt {
            id: id(41),
            class: AttemptClass::Unknown,
            windows: policy.wrong_codes.unknown,
            at: NOW,
        },
        asked: Some((id(APP), 1)),
        failures_until_disabled: policy.failures_until_disabled,
        judgment,
        next_key: None,
        approval: approval(ApprovedPurpose::SignIn),
        device: Some(DeviceUpdate {
            id: id(42),
            name: DeviceName::parse("Safari on macOS").expect("a name"),
            app: None,
            series: token.series(),
            token: token.hash(),
            presented: None,
            proved_by: MethodKind::Totp,
            place: None,
            trusted_until: None,
            at_most: policy.devices_per_user,
        }),
        approved_event: event(AuditEventKind::ChallengeApproved),
        rejected_event: event(AuditEventKind::ChallengeRejected),
    }
}

pub(crate) fn right() -> AttemptJudgment {
    AttemptJudgment::Right(AttemptEffect::Step {
        step: TimeStep(60_000_000),
        acceptable_from: NOW,
    })
}

pub(crate) const WRONG: AttemptJudgment = AttemptJudgment::Wrong { skew: None };

pub(crate) const fn context() -> VerdictContext {
    VerdictContext {
        ended: None,
        request_used: false,
        timeline_started_at: Timestamp::from_seconds(0),
    }
}
