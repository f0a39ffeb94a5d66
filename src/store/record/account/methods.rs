//! Methods: their state in the record, the rest in the profile.

use crate::store::record::{InvalidRow, UNKNOWN_ENUM, each, id, instant};
use countersign_domain::{
    account::lost_method::LostMethod,
    challenge::totp::TimeStep,
    method::{Method, MethodKind, MethodLabel},
    value::{secret::SealedBytes, time::Timestamp},
};
use countersign_proto::stored as pb;

const OTHER_METHODS: InvalidRow =
    InvalidRow::Misplaced("the profile is of other methods than the record");

pub(super) fn stored_method(method: &Method) -> pb::Method {
    pb::Method {
        id: method.id.as_bytes().to_vec(),
        kind: stored_kind(method.kind).into(),
        version: method.version,
        disabled: method.disabled,
        created_at_millis: method.created_at.millis(),
        last_used_at_millis: method.last_used_at.map(Timestamp::millis),
        suspended: method.suspended,
        consecutive_failures: method.consecutive_failures,
        last_step: method.last_step.map(|TimeStep(step)| step),
    }
}

pub(super) fn stored_method_details(method: &Method) -> pb::MethodDetails {
    pb::MethodDetails {
        method_id: method.id.as_bytes().to_vec(),
        label: method.label.as_str().to_owned(),
        sealed: method.sealed.as_bytes().to_vec(),
    }
}

/// The methods of a record, with what the profile says of them.
pub(super) fn methods(
    stored: &[pb::Method],
    profile: Option<&pb::AccountProfile>,
) -> Result<Vec<Method>, InvalidRow> {
    let methods = each(stored, method)?;
    let Some(profile) = profile else {
        return Ok(methods);
    };
    if profile.methods.len() != methods.len() {
        return Err(OTHER_METHODS);
    }
    let with_details = methods
        .into_iter()
        .zip(&profile.methods)
        .map(|(method, details)| {
            if details.method_id != method.id.as_bytes() {
                return Err(OTHER_METHODS);
            }
            Ok(Method {
                label: MethodLabel::from_stored(details.label.clone()),
                sealed: SealedBytes::from_bytes(details.sealed.clone()),
                ..method
            })
        });
    with_details.collect()
}

/// A method without what the profile says of it.
fn method(stored: &pb::Method) -> Result<Method, InvalidRow> {
    Ok(Method {
        id: id(&stored.id)?,
        kind: kind(stored.kind)?,
        label: MethodLabel::from_stored(String::new()),
        version: stored.version,
        sealed: SealedBytes::from_bytes(Vec::new()),
        disabled: stored.disabled,
        created_at: instant(stored.created_at_millis),
        last_used_at: stored.last_used_at_millis.map(instant),
        suspended: stored.suspended,
        consecutive_failures: stored.consecutive_failures,
        last_step: stored.last_step.map(TimeStep),
    })
}

pub(super) fn stored_lost_method(lost: &LostMethod) -> pb::LostMethod {
    pb::LostMethod {
        kind: stored_kind(lost.kind).into(),
        removed_at_millis: lost.removed_at.millis(),
    }
}

pub(super) fn lost_method(stored: &pb::LostMethod) -> Result<LostMethod, InvalidRow> {
    Ok(LostMethod {
        kind: kind(stored.kind)?,
        removed_at: instant(stored.removed_at_millis),
    })
}

pub(super) const fn stored_kind(kind: MethodKind) -> pb::MethodKind {
    match kind {
        MethodKind::Totp => pb::MethodKind::Totp,
        MethodKind::Sms => pb::MethodKind::Sms,
        MethodKind::Email => pb::MethodKind::Email,
    }
}

pub(super) fn kind(stored: i32) -> Result<MethodKind, InvalidRow> {
    match pb::MethodKind::try_from(stored) {
        Ok(pb::MethodKind::Totp) => Ok(MethodKind::Totp),
        Ok(pb::MethodKind::Sms) => Ok(MethodKind::Sms),
        Ok(pb::MethodKind::Email) => Ok(MethodKind::Email),
        Ok(pb::MethodKind::Unspecified) | Err(_) => Err(UNKNOWN_ENUM),
    }
}
