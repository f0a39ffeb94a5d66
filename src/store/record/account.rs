//! An account as it is stored: domain values to protobuf, and back.

use super::{
    BadRow, array, code_hash::code_hash, ending, id, instant, optional_array, optional_id,
    rows::Projections,
};
use crate::proto::stored as pb;
use countersign_domain::{
    account::{Account, WrongAttempt},
    budget::GuessClass,
    bypass::{LiveBypassCode, NewBypassCode},
    device::{ClientApp, Device, DeviceName, SeriesHash, TokenHash, Trust},
    epoch::Epoch,
    id::Subject,
    method::{Kind, Label, Method},
    policy::Layer,
    recovery::{RecoverySet, SetKind, Slot, SlowHash},
    reset::Reset,
    revert::{Did, Revertible},
    secret::Sealed,
    time::Timestamp,
    totp::{Skew, Step},
};

/// What of an account lists and logins read.
pub(super) fn projections(account: &Account) -> Projections {
    let bit = |method: &Method| {
        let kind = match method.kind {
            Kind::Totp => Projections::TOTP,
            Kind::Sms => Projections::SMS,
            Kind::Email => Projections::EMAIL,
        };
        let out_of_use = method.disabled || method.suspended;
        kind | if out_of_use {
            Projections::OUT_OF_USE
        } else {
            0
        }
    };
    let counted = account
        .wrong_attempts
        .iter()
        .filter(|attempt| attempt.class.is_some());
    let verified = account.email_tag.filter(|_| account.email_verified);
    Projections {
        email_tag: verified.map(Vec::from),
        methods: account
            .methods
            .iter()
            .fold(0, |bits, method| bits | bit(method)),
        last_failure_at: counted.map(|attempt| attempt.at.millis()).max(),
    }
}

impl From<&Account> for pb::AccountRecord {
    fn from(account: &Account) -> Self {
        Self {
            epoch: account.epoch.number(),
            revision: account.revision,
            user_key: account.user_key.as_bytes().to_vec(),
            profile_tag: account.profile_tag.clone(),
            email_tag: account.email_tag.map(Vec::from).unwrap_or_default(),
            email_verified: account.email_verified,
            email_version: account.email_version,
            email_since_millis: account.email_since.millis(),
            suspended_pending_review: account.held,
            created_at_millis: account.created_at.millis(),
            updated_at_millis: account.updated_at.millis(),
            notice_turn: account.notice_turn,
            default_method_id: account
                .chosen_default
                .map(|id| id.as_bytes().to_vec())
                .unwrap_or_default(),
            methods: account.methods.iter().map(Into::into).collect(),
            recovery: account.recovery.as_ref().map(Into::into),
            bypass: account.bypass.as_ref().map(Into::into),
            devices: account.devices.iter().map(Into::into).collect(),
            reset: account.reset.as_ref().map(Into::into),
            revert_records: account.revertible.iter().map(Into::into).collect(),
            wrong_attempts: account.wrong_attempts.iter().map(Into::into).collect(),
            announced_windows: account
                .announced_windows
                .iter()
                .map(|class| stored_class(Some(*class)).into())
                .collect(),
            approvals: account
                .approvals
                .iter()
                .map(ending::stored_approval)
                .collect(),
        }
    }
}

/// The account of a record, with the profile that goes with it, or without any.
pub(super) fn account(
    subject: &Subject,
    record: &pb::AccountRecord,
    profile: &[u8],
    tenant_layer: &Layer,
) -> Result<Account, BadRow> {
    let profile = Sealed::from_bytes(profile.to_vec());
    if !profile.as_bytes().is_empty() && profile.tag() != record.profile_tag {
        return Err(BadRow::Misplaced(
            "the profile is not the one of the record",
        ));
    }
    Ok(Account {
        subject: subject.clone(),
        epoch: Epoch::from_number(record.epoch),
        revision: record.revision,
        tenant_layer: tenant_layer.clone(),
        user_key: Sealed::from_bytes(record.user_key.clone()),
        profile,
        profile_tag: record.profile_tag.clone(),
        email_tag: optional_array(&record.email_tag)?,
        email_verified: record.email_verified,
        email_version: record.email_version,
        methods: each(&record.methods, method)?,
        chosen_default: optional_id(&record.default_method_id)?,
        recovery: record.recovery.as_ref().map(recovery).transpose()?,
        devices: each(&record.devices, device)?,
        wrong_attempts: each(&record.wrong_attempts, wrong_attempt)?,
        announced_windows: each(&record.announced_windows, |class| {
            attempt_class(*class)?.ok_or(UNKNOWN_ENUM)
        })?,
        approvals: each(&record.approvals, |approval| {
            ending::approval(subject, approval)
        })?,
        notice_turn: record.notice_turn,
        revertible: each(&record.revert_records, revert_record)?,
        held: record.suspended_pending_review,
        created_at: instant(record.created_at_millis),
        updated_at: instant(record.updated_at_millis),
        bypass: record.bypass.as_ref().map(bypass).transpose()?,
        email_since: instant(record.email_since_millis),
        reset: record.reset.as_ref().map(reset).transpose()?,
    })
}

/// An enum value that this version does not know: writing the record would lose it.
pub(super) const UNKNOWN_ENUM: BadRow = BadRow::Newer;

fn each<Stored, Value>(
    stored: &[Stored],
    convert: impl Fn(&Stored) -> Result<Value, BadRow>,
) -> Result<Vec<Value>, BadRow> {
    stored.iter().map(convert).collect()
}

impl From<&Method> for pb::Method {
    fn from(method: &Method) -> Self {
        Self {
            id: method.id.as_bytes().to_vec(),
            kind: stored_kind(method.kind).into(),
            label: method.label.as_str().to_owned(),
            version: method.version,
            sealed: method.sealed.as_bytes().to_vec(),
            disabled: method.disabled,
            created_at_millis: method.created_at.millis(),
            last_used_at_millis: method.last_used_at.map(Timestamp::millis),
            suspended: method.suspended,
            consecutive_failures: method.consecutive_failures,
            last_step: method.last_step.map(|Step(step)| step),
        }
    }
}

fn method(stored: &pb::Method) -> Result<Method, BadRow> {
    Ok(Method {
        id: id(&stored.id)?,
        kind: kind(stored.kind)?,
        label: Label::from_stored(stored.label.clone()),
        version: stored.version,
        sealed: Sealed::from_bytes(stored.sealed.clone()),
        disabled: stored.disabled,
        created_at: instant(stored.created_at_millis),
        last_used_at: stored.last_used_at_millis.map(instant),
        suspended: stored.suspended,
        consecutive_failures: stored.consecutive_failures,
        last_step: stored.last_step.map(Step),
    })
}

const fn stored_kind(kind: Kind) -> pb::MethodKind {
    match kind {
        Kind::Totp => pb::MethodKind::Totp,
        Kind::Sms => pb::MethodKind::Sms,
        Kind::Email => pb::MethodKind::Email,
    }
}

fn kind(stored: i32) -> Result<Kind, BadRow> {
    match pb::MethodKind::try_from(stored) {
        Ok(pb::MethodKind::Totp) => Ok(Kind::Totp),
        Ok(pb::MethodKind::Sms) => Ok(Kind::Sms),
        Ok(pb::MethodKind::Email) => Ok(Kind::Email),
        Ok(pb::MethodKind::Unspecified) | Err(_) => Err(UNKNOWN_ENUM),
    }
}

impl From<&RecoverySet> for pb::RecoverySet {
    fn from(set: &RecoverySet) -> Self {
        let kind = match set.kind {
            SetKind::Codes => pb::RecoveryKind::Codes,
            SetKind::Key => pb::RecoveryKind::Key,
        };
        let unused = set.unused.iter().map(|(slot, hash)| pb::UnusedCode {
            slot: slot.number().into(),
            hash: Some(hash.into()),
        });
        Self {
            id: set.id.as_bytes().to_vec(),
            kind: kind.into(),
            total: set.total,
            unused: unused.collect(),
            created_at_millis: set.created_at.millis(),
            confirmed_at_millis: set.confirmed_at.map(Timestamp::millis),
        }
    }
}

fn recovery(stored: &pb::RecoverySet) -> Result<RecoverySet, BadRow> {
    let kind = match pb::RecoveryKind::try_from(stored.kind) {
        Ok(pb::RecoveryKind::Codes) => SetKind::Codes,
        Ok(pb::RecoveryKind::Key) => SetKind::Key,
        Ok(pb::RecoveryKind::Unspecified) | Err(_) => return Err(UNKNOWN_ENUM),
    };
    Ok(RecoverySet {
        id: id(&stored.id)?,
        kind,
        total: stored.total,
        unused: each(&stored.unused, unused_code)?,
        created_at: instant(stored.created_at_millis),
        confirmed_at: stored.confirmed_at_millis.map(instant),
    })
}

fn unused_code(stored: &pb::UnusedCode) -> Result<(Slot, SlowHash), BadRow> {
    let slot = u8::try_from(stored.slot).ok().and_then(Slot::new);
    let slot = slot.ok_or(BadRow::Shape("a slot that no code has"))?;
    Ok((slot, code_hash(stored.hash.as_ref())?))
}

impl From<&LiveBypassCode> for pb::BypassCode {
    fn from(LiveBypassCode { issued, epoch }: &LiveBypassCode) -> Self {
        Self {
            id: issued.id.as_bytes().to_vec(),
            hash: Some((&issued.hash).into()),
            expires_at_millis: issued.expires_at.millis(),
            epoch: epoch.number(),
        }
    }
}

fn bypass(stored: &pb::BypassCode) -> Result<LiveBypassCode, BadRow> {
    Ok(LiveBypassCode {
        issued: NewBypassCode {
            id: id(&stored.id)?,
            hash: code_hash(stored.hash.as_ref())?,
            expires_at: instant(stored.expires_at_millis),
        },
        epoch: Epoch::from_number(stored.epoch),
    })
}

impl From<&Device> for pb::Device {
    fn from(device: &Device) -> Self {
        let app = match device.app {
            None => pb::ClientApp::Unspecified,
            Some(ClientApp::Browser) => pb::ClientApp::Browser,
            Some(ClientApp::Mobile) => pb::ClientApp::Mobile,
        };
        let accepted = device.accepted.map(|token| token.as_bytes().to_vec());
        let pending = device.given.iter().map(|token| token.as_bytes().to_vec());
        Self {
            id: device.id.as_bytes().to_vec(),
            name: device.name.as_str().to_owned(),
            app: app.into(),
            series: device.series.as_bytes().to_vec(),
            accepted_token: accepted.unwrap_or_default(),
            pending_tokens: pending.collect(),
            proved_by: stored_kind(device.proved_by).into(),
            trust: stored_trust(device.trust),
            created_at_millis: device.created_at.millis(),
            seen_at_millis: device.seen_at.millis(),
        }
    }
}

fn stored_trust(trust: Trust) -> Option<pb::Trust> {
    let state = match trust {
        Trust::Never => return None,
        Trust::Withdrawn => pb::trust::State::Withdrawn(pb::trust::Withdrawn {}),
        Trust::Given { at, until, epoch } => pb::trust::State::Given(pb::trust::Given {
            at_millis: at.millis(),
            until_millis: until.millis(),
            epoch: epoch.number(),
        }),
    };
    Some(pb::Trust { state: Some(state) })
}

fn device(stored: &pb::Device) -> Result<Device, BadRow> {
    let app = match pb::ClientApp::try_from(stored.app) {
        Ok(pb::ClientApp::Unspecified) => None,
        Ok(pb::ClientApp::Browser) => Some(ClientApp::Browser),
        Ok(pb::ClientApp::Mobile) => Some(ClientApp::Mobile),
        Err(_) => return Err(UNKNOWN_ENUM),
    };
    let accepted = optional_array(&stored.accepted_token)?;
    Ok(Device {
        id: id(&stored.id)?,
        name: DeviceName::from_stored(stored.name.clone()),
        app,
        series: SeriesHash::from_bytes(array(&stored.series)?),
        accepted: accepted.map(TokenHash::from_bytes),
        given: each(&stored.pending_tokens, |token| {
            array(token).map(TokenHash::from_bytes)
        })?,
        proved_by: kind(stored.proved_by)?,
        trust: trust(stored.trust.as_ref())?,
        created_at: instant(stored.created_at_millis),
        seen_at: instant(stored.seen_at_millis),
    })
}

fn trust(stored: Option<&pb::Trust>) -> Result<Trust, BadRow> {
    let Some(stored) = stored else {
        return Ok(Trust::Never);
    };
    match stored.state.as_ref().ok_or(UNKNOWN_ENUM)? {
        pb::trust::State::Withdrawn(_) => Ok(Trust::Withdrawn),
        pb::trust::State::Given(given) => Ok(Trust::Given {
            at: instant(given.at_millis),
            until: instant(given.until_millis),
            epoch: Epoch::from_number(given.epoch),
        }),
    }
}

impl From<&Reset> for pb::Reset {
    fn from(reset: &Reset) -> Self {
        let challenge = reset.challenge.map(|id| id.as_bytes().to_vec());
        Self {
            id: reset.id.as_bytes().to_vec(),
            epoch: reset.epoch.number(),
            requested_at_millis: reset.begun_at.millis(),
            due_at_millis: reset.due_at.millis(),
            ends_at_millis: reset.ends_at.millis(),
            canceled_at_millis: reset.cancelled_at.map(Timestamp::millis),
            challenge_id: challenge.unwrap_or_default(),
        }
    }
}

fn reset(stored: &pb::Reset) -> Result<Reset, BadRow> {
    Ok(Reset {
        id: id(&stored.id)?,
        epoch: Epoch::from_number(stored.epoch),
        due_at: instant(stored.due_at_millis),
        ends_at: instant(stored.ends_at_millis),
        cancelled_at: stored.canceled_at_millis.map(instant),
        challenge: optional_id(&stored.challenge_id)?,
        begun_at: instant(stored.requested_at_millis),
    })
}

impl From<&Revertible> for pb::RevertRecord {
    fn from(change: &Revertible) -> Self {
        let kind = match change.did {
            Did::Method(_) => pb::ChangeKind::MethodAdded,
            Did::FirstMethod(_) => pb::ChangeKind::FirstMethodAdded,
            Did::RecoveredMethod(_) => pb::ChangeKind::MethodAddedByRecovery,
            Did::Removal => pb::ChangeKind::MethodRemoved,
            Did::Default => pb::ChangeKind::DefaultChanged,
            Did::RecoveryCodes => pb::ChangeKind::RecoveryCodesGenerated,
            Did::TurnOff => pb::ChangeKind::TwoFactorDisabled,
            Did::Trust => pb::ChangeKind::DeviceTrusted,
        };
        let method = change.did.method().map(|id| id.as_bytes().to_vec());
        Self {
            token: change.token.as_bytes().to_vec(),
            kind: kind.into(),
            method_id: method.unwrap_or_default(),
            at_millis: change.at.millis(),
            revision: change.revision,
        }
    }
}

fn revert_record(stored: &pb::RevertRecord) -> Result<Revertible, BadRow> {
    let method = || id(&stored.method_id);
    let did = match pb::ChangeKind::try_from(stored.kind) {
        Ok(pb::ChangeKind::MethodAdded) => Did::Method(method()?),
        Ok(pb::ChangeKind::FirstMethodAdded) => Did::FirstMethod(method()?),
        Ok(pb::ChangeKind::MethodAddedByRecovery) => Did::RecoveredMethod(method()?),
        Ok(pb::ChangeKind::MethodRemoved) => Did::Removal,
        Ok(pb::ChangeKind::DefaultChanged) => Did::Default,
        Ok(pb::ChangeKind::RecoveryCodesGenerated) => Did::RecoveryCodes,
        Ok(pb::ChangeKind::TwoFactorDisabled) => Did::TurnOff,
        Ok(pb::ChangeKind::DeviceTrusted) => Did::Trust,
        Ok(pb::ChangeKind::Unspecified) | Err(_) => return Err(UNKNOWN_ENUM),
    };
    Ok(Revertible {
        token: TokenHash::from_bytes(array(&stored.token)?),
        did,
        at: instant(stored.at_millis),
        revision: stored.revision,
    })
}

impl From<&WrongAttempt> for pb::WrongAttempt {
    fn from(attempt: &WrongAttempt) -> Self {
        Self {
            challenge_id: attempt.challenge.as_bytes().to_vec(),
            attempt_id: attempt.attempt.as_bytes().to_vec(),
            class: stored_class(attempt.class).into(),
            at_millis: attempt.at.millis(),
            skew: attempt.skew.map(|skew| pb::ClockSkew {
                offset: skew.offset,
                step: skew.step.0,
            }),
        }
    }
}

fn wrong_attempt(stored: &pb::WrongAttempt) -> Result<WrongAttempt, BadRow> {
    Ok(WrongAttempt {
        challenge: id(&stored.challenge_id)?,
        attempt: id(&stored.attempt_id)?,
        class: attempt_class(stored.class)?,
        at: instant(stored.at_millis),
        skew: stored.skew.map(|skew| Skew {
            offset: skew.offset,
            step: Step(skew.step),
        }),
    })
}

const fn stored_class(class: Option<GuessClass>) -> pb::AttemptClass {
    match class {
        None => pb::AttemptClass::Unspecified,
        Some(GuessClass::Unknown) => pb::AttemptClass::UnknownClient,
        Some(GuessClass::Known) => pb::AttemptClass::KnownDevice,
        Some(GuessClass::Recovery) => pb::AttemptClass::Recovery,
    }
}

fn attempt_class(stored: i32) -> Result<Option<GuessClass>, BadRow> {
    match pb::AttemptClass::try_from(stored) {
        Ok(pb::AttemptClass::Unspecified) => Ok(None),
        Ok(pb::AttemptClass::UnknownClient) => Ok(Some(GuessClass::Unknown)),
        Ok(pb::AttemptClass::KnownDevice) => Ok(Some(GuessClass::Known)),
        Ok(pb::AttemptClass::Recovery) => Ok(Some(GuessClass::Recovery)),
        Err(_) => Err(UNKNOWN_ENUM),
    }
}
