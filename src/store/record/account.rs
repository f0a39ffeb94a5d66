//! An account as it is stored: domain values to protobuf, and back.

mod approvals;
mod attempts;
mod devices;
mod methods;
mod recovery;

use super::{
    InvalidRow, UNKNOWN_ENUM, each, ending, instant, optional_array, optional_id, rows::Projections,
};
use countersign_domain::{
    account::Account,
    method::{Method, MethodKind},
    policy::PolicyOverride,
    value::{epoch::Epoch, id::Subject, secret::SealedBytes, time::Timestamp},
};
use countersign_proto::stored as pb;

/// What of an account lists and logins read.
pub(super) fn projections(account: &Account) -> Projections {
    let bit = |method: &Method| {
        let kind = match method.kind {
            MethodKind::Totp => Projections::TOTP,
            MethodKind::Sms => Projections::SMS,
            MethodKind::Email => Projections::EMAIL,
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

pub(super) fn stored_account(account: &Account) -> pb::AccountRecord {
    let (attempted_challenge_ids, wrong_attempts) =
        attempts::stored_attempts(&account.wrong_attempts);
    let announced = account.announced_windows.iter();
    let devices = account.devices.iter();
    let approvals = account.approvals.iter();
    let user_default = account.user_default.map(|id| id.as_bytes().to_vec());
    pb::AccountRecord {
        epoch: account.epoch.number(),
        revision: account.revision,
        profile_tag: account.profile_tag.clone(),
        has_exact_id: false,
        email_tag: account.email_tag.map(Vec::from).unwrap_or_default(),
        email_verified: account.email_verified,
        email_version: account.email_version,
        email_since_millis: account.email_since.millis(),
        suspended_pending_review: account.pending_review,
        created_at_millis: account.created_at.millis(),
        updated_at_millis: account.updated_at.millis(),
        notice_turn: account.notice_turn,
        default_method_id: user_default.unwrap_or_default(),
        methods: account.methods.iter().map(methods::stored_method).collect(),
        recovery: account.recovery.as_ref().map(recovery::stored_recovery_set),
        bypass: account.bypass.as_ref().map(recovery::stored_bypass_code),
        devices: devices
            .map(|device| devices::stored_device(device, account.epoch))
            .collect(),
        reset: account.reset.as_ref().map(recovery::stored_reset),
        revert_records: account
            .revertible
            .iter()
            .map(attempts::stored_revert_record)
            .collect(),
        wrong_attempts,
        announced_windows: announced
            .map(|class| attempts::stored_class(Some(*class)).into())
            .collect(),
        approvals: approvals.map(ending::stored_approval).collect(),
        attempted_challenge_ids,
        recovery_restricted_until_millis: account.recovery_restricted_until.map(Timestamp::millis),
        ended_approvals: account
            .ended_approvals
            .iter()
            .map(approvals::stored_ended_approval)
            .collect(),
        lost_methods: account
            .lost_methods
            .iter()
            .map(methods::stored_lost_method)
            .collect(),
    }
}

pub(super) fn stored_profile(account: &Account) -> pb::AccountProfile {
    pb::AccountProfile {
        contact: account.profile.as_bytes().to_vec(),
        user_key: account.user_key.as_bytes().to_vec(),
        methods: account
            .methods
            .iter()
            .map(methods::stored_method_details)
            .collect(),
    }
}

/// The account of a record, with the profile that goes with it. Without any, the account lacks what that holds, and can't be
/// saved with a new profile.
pub(super) fn account(
    subject: &Subject,
    record: &pb::AccountRecord,
    profile: Option<&pb::AccountProfile>,
    tenant_layer: &PolicyOverride,
) -> Result<Account, InvalidRow> {
    let epoch = Epoch::from_number(record.epoch);
    let sealed = |take: fn(&pb::AccountProfile) -> &Vec<u8>| {
        SealedBytes::from_bytes(profile.map(take).cloned().unwrap_or_default())
    };
    let attempts =
        attempts::wrong_attempts(&record.wrong_attempts, &record.attempted_challenge_ids);
    Ok(Account {
        subject: subject.clone(),
        epoch,
        revision: record.revision,
        tenant_layer: tenant_layer.clone(),
        user_key: sealed(|profile| &profile.user_key),
        profile: sealed(|profile| &profile.contact),
        profile_tag: record.profile_tag.clone(),
        email_tag: optional_array(&record.email_tag)?,
        email_verified: record.email_verified,
        email_version: record.email_version,
        methods: methods::methods(&record.methods, profile)?,
        user_default: optional_id(&record.default_method_id)?,
        recovery: record
            .recovery
            .as_ref()
            .map(recovery::recovery)
            .transpose()?,
        devices: each(&record.devices, |device| devices::device(device, epoch))?,
        wrong_attempts: attempts?,
        announced_windows: each(&record.announced_windows, |class| {
            attempts::attempt_class(*class)?.ok_or(UNKNOWN_ENUM)
        })?,
        approvals: each(&record.approvals, |approval| {
            ending::approval(subject, approval)
        })?,
        notice_turn: record.notice_turn,
        revertible: each(&record.revert_records, attempts::revert_record)?,
        pending_review: record.suspended_pending_review,
        created_at: instant(record.created_at_millis),
        updated_at: instant(record.updated_at_millis),
        bypass: record.bypass.as_ref().map(recovery::bypass).transpose()?,
        email_since: instant(record.email_since_millis),
        reset: record.reset.as_ref().map(recovery::reset).transpose()?,
        recovery_restricted_until: record.recovery_restricted_until_millis.map(instant),
        ended_approvals: each(&record.ended_approvals, approvals::ended_approval)?,
        lost_methods: each(&record.lost_methods, methods::lost_method)?,
    })
}
