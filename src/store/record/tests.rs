mod golden;
mod largest;
mod round_trip;
mod sealed;
mod state;

use super::*;
use crate::store::record::{
    account::{stored_account, stored_profile},
    code_hash::stored_code_hash,
};
use countersign_domain::{
    account::{Account, WrongAttempt},
    authorization::{
        action::TransactionDigest,
        caller::{Audience, CallerName},
    },
    challenge::{
        answered_by::AnsweredBy,
        approval::{Approval, ApprovedPurpose},
        totp::{ClockSkew, TimeStep},
    },
    device::{ClientApp, Device, DeviceName, DeviceTokenHash, DeviceTrust, SeriesHash},
    limits::budget::AttemptClass,
    method::{Method, MethodKind, MethodLabel},
    policy::PolicyOverride,
    recovery::{
        CodeSlot, RecoverySet, RecoverySetKind, SecretHash,
        bypass_code::{LiveBypassCode, NewBypassCode},
        reset::Reset,
    },
    revert::{RevertRecord, RevertibleChange},
    value::{
        epoch::Epoch,
        id::{Subject, TenantId, UserId},
        secret::{KeyId, SealedBytes},
    },
};
use countersign_proto::stored as pb;
use prost::Message;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

const PHC: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

fn test_id<Of>(seed: u8) -> Id<Of> {
    Id::from_bytes([seed; 16])
}

fn later(minutes: u64) -> Timestamp {
    NOW.plus(Duration::from_mins(minutes))
}

fn jane() -> Subject {
    subject("jane")
}

fn subject(user: &str) -> Subject {
    Subject {
        tenant: TenantId::parse("acme").unwrap(),
        user: UserId::parse(user).unwrap(),
    }
}

fn sealed_bytes(length: u8) -> SealedBytes {
    SealedBytes::from_bytes((0..length).collect())
}

fn token(seed: u8) -> DeviceTokenHash {
    DeviceTokenHash::from_bytes([seed; 16])
}

fn slot(number: u8) -> CodeSlot {
    CodeSlot::new(number).unwrap()
}

fn phc(text: &str) -> SecretHash {
    SecretHash::from_phc(text.to_owned())
}

fn approval(purpose: ApprovedPurpose, answered_by: AnsweredBy) -> Approval {
    Approval {
        id: test_id(70),
        challenge: test_id(71),
        subject: jane(),
        caller: CallerName::new("portal"),
        attempt_id: test_id(72),
        payload: None,
        purpose,
        answered_by,
        method: None,
        audience: None,
        epoch: Epoch::from_number(7),
        at: NOW,
        key: KeyId::new("k-7f3a9c21"),
        device: None,
    }
}

fn step_up() -> Approval {
    let purpose = ApprovedPurpose::StepUp {
        action: "approve:payment".to_owned(),
        digest: Some(TransactionDigest::from_bytes([73; 32])),
    };
    Approval {
        payload: Some([74; 16]),
        method: Some(test_id(10)),
        audience: Some(Audience::new("bank")),
        device: Some(test_id(30)),
        ..approval(purpose, AnsweredBy::Code(MethodKind::Totp))
    }
}

fn device(seed: u8, trust: DeviceTrust) -> Device {
    Device {
        id: test_id(seed),
        name: DeviceName::parse("Firefox on Linux").unwrap(),
        app: None,
        series: SeriesHash::from_bytes([seed; 16]),
        accepted: None,
        given: Vec::new(),
        proved_by: MethodKind::Email,
        place: Some("Berlin, Germany".to_owned()),
        trust,
        created_at: NOW,
        seen_at: later(1),
    }
}

fn devices() -> Vec<Device> {
    let given = DeviceTrust::Given {
        at: NOW,
        until: later(60),
        epoch: Epoch::from_number(7),
    };
    let browser = Device {
        app: Some(ClientApp::Browser),
        accepted: Some(token(31)),
        given: vec![token(32), token(33)],
        ..device(30, given)
    };
    let mobile = Device {
        app: Some(ClientApp::Mobile),
        ..device(34, DeviceTrust::Withdrawn)
    };
    vec![browser, mobile, device(35, DeviceTrust::Never)]
}

fn method(seed: u8, kind: MethodKind) -> Method {
    Method {
        id: test_id(seed),
        kind,
        label: MethodLabel::from_stored(format!("method {seed}")),
        version: 1,
        sealed: sealed_bytes(60),
        disabled: false,
        created_at: NOW,
        last_used_at: None,
        suspended: false,
        consecutive_failures: 0,
        last_step: None,
    }
}

fn methods() -> Vec<Method> {
    let app = Method {
        version: 3,
        last_used_at: Some(later(2)),
        consecutive_failures: 4,
        last_step: Some(TimeStep(60_000_000)),
        ..method(10, MethodKind::Totp)
    };
    let phone = Method {
        disabled: true,
        ..method(11, MethodKind::Sms)
    };
    let mail = Method {
        suspended: true,
        ..method(12, MethodKind::Email)
    };
    vec![app, phone, mail]
}

fn revert_records() -> Vec<RevertRecord> {
    let kinds = [
        RevertibleChange::Method(test_id(10)),
        RevertibleChange::FirstMethod(test_id(11)),
        RevertibleChange::RecoveredMethod(test_id(12)),
        RevertibleChange::Removal,
        RevertibleChange::Default,
        RevertibleChange::RecoveryCodes,
        RevertibleChange::TurnOff,
        RevertibleChange::Trust,
    ];
    let records = (40..).zip(kinds).map(|(seed, change_kind)| RevertRecord {
        token: token(seed),
        change_kind,
        at: NOW,
        revision: seed.into(),
    });
    records.collect()
}

fn wrong_attempts() -> Vec<WrongAttempt> {
    let classes = [
        None,
        Some(AttemptClass::Unknown),
        Some(AttemptClass::Known),
        Some(AttemptClass::Recovery),
    ];
    let attempts = (50..).zip(classes).map(|(seed, class)| WrongAttempt {
        challenge: test_id(seed),
        attempt: test_id(seed + 10),
        class,
        at: NOW,
        skew: class.map(|_| ClockSkew {
            offset: -3,
            step: TimeStep(60_000_001),
        }),
    });
    attempts.collect()
}

/// Has a value in each field and each value in some enum.
fn representative() -> Account {
    Account {
        subject: jane(),
        epoch: Epoch::from_number(7),
        revision: 48,
        tenant_layer: PolicyOverride::default(),
        user_key: sealed_bytes(84),
        profile: sealed_bytes(120),
        profile_tag: sealed_bytes(120).tag().to_vec(),
        email_tag: Some([1; 16]),
        email_verified: true,
        email_version: 2,
        methods: methods(),
        user_default: Some(test_id(10)),
        recovery: Some(RecoverySet {
            id: test_id(20),
            kind: RecoverySetKind::Codes,
            total: 10,
            unused: vec![(slot(0), phc(PHC)), (slot(31), phc("$other$hash"))],
            created_at: NOW,
            confirmed_at: Some(later(3)),
        }),
        devices: devices(),
        wrong_attempts: wrong_attempts(),
        announced_windows: vec![AttemptClass::Unknown, AttemptClass::Recovery],
        approvals: vec![step_up()],
        notice_turn: 5,
        revertible: revert_records(),
        pending_review: true,
        created_at: NOW,
        updated_at: later(4),
        bypass: Some(LiveBypassCode {
            issued: NewBypassCode {
                id: test_id(21),
                hash: phc(PHC),
                expires_at: later(60),
            },
            epoch: Epoch::from_number(7),
        }),
        email_since: later(5),
        reset: Some(Reset {
            id: test_id(22),
            epoch: Epoch::from_number(7),
            due_at: later(6),
            ends_at: later(7),
            canceled_at: Some(later(8)),
            challenge: Some(test_id(23)),
            started_at: NOW,
        }),
        lost_methods: Vec::new(),
        ended_approvals: Vec::new(),
        recovery_restricted_until: None,
    }
}

/// The account that a record and a profile hold.
fn read(record: &pb::AccountRecord, profile: &pb::AccountProfile) -> Result<Account, InvalidRow> {
    account::account(&jane(), record, Some(profile), &PolicyOverride::default())
}
