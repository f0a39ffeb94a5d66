//! Parses request fields that several services share. Errors name the field, and occur before any store is accessed.

use crate::{
    app::SubmittedProof,
    grpc::{status::CallerDenial, value_names::METHOD_KINDS},
};
use countersign_domain::{
    authorization::{
        action::{Action, CallerAction, TrustedDevices},
        password::Password,
        proof::Attestation,
        ticket::EnrollmentTicket,
    },
    challenge::code::CanonicalAnswer,
    method::MethodKind,
    recovery::reset::CancelToken,
    value::{
        destination::Phone,
        id::{AttestationId, DeviceId, Id},
        malformed::MalformedValue,
        time::Timestamp,
    },
};
use countersign_proto::v1 as pb;
use prost_types::FieldMask;
use zeroize::Zeroizing;

pub(in crate::grpc) type ParseResult<T> = Result<T, CallerDenial>;

pub(in crate::grpc) fn id<Of>(field: &'static str, text: &str) -> ParseResult<Id<Of>> {
    Ok(Id::parse(text).map_err(|why| why.at(field))?)
}

/// An id; `None` if the text is empty.
pub(in crate::grpc) fn optional_id<Of>(
    field: &'static str,
    text: &str,
) -> ParseResult<Option<Id<Of>>> {
    if text.is_empty() {
        Ok(None)
    } else {
        id(field, text).map(Some)
    }
}

/// The canonical spelling of a submitted code, so that a repeat of a call may spell it in another way. A text that is
/// no code stays as it is, and is refused when it is parsed.
pub(in crate::grpc) fn canonical_code(code: String) -> String {
    let code = Zeroizing::new(code);
    let canonical = CanonicalAnswer::parse(&code).map(|answer| answer.expose());
    let mut canonical = canonical.unwrap_or(code);
    std::mem::take(&mut *canonical)
}

/// The canonical spelling of a cancel token, for the same reason.
pub(in crate::grpc) fn canonical_cancel_token(token: String) -> String {
    let token = Zeroizing::new(token);
    let canonical = CancelToken::parse(&token).map(|token| Zeroizing::new(token.expose()));
    let mut canonical = canonical.unwrap_or(token);
    std::mem::take(&mut *canonical)
}

pub(in crate::grpc) fn answer(code: &str) -> ParseResult<CanonicalAnswer> {
    Ok(CanonicalAnswer::parse(code).map_err(|why| why.at("code"))?)
}

/// The alternatives of `Action.action`.
const ACTIONS: &str = "add_method, replace_method, remove_method, set_default_method, generate_recovery_codes, \
    disable_two_factor, trust_device, caller_action";

pub(in crate::grpc) fn action(
    field: &'static str,
    asked: Option<pb::Action>,
) -> ParseResult<Action> {
    use pb::action::Action as Asked;
    let asked = asked
        .and_then(|pb::Action { action }| action)
        .ok_or(MalformedValue::NothingChosen(ACTIONS).at(field))?;
    Ok(match asked {
        Asked::AddMethod(pb::AddMethod { kind: number }) => Action::AddMethod(kind(field, number)?),
        Asked::ReplaceMethod(pb::ReplaceMethod {
            method_id,
            kind: number,
        }) => Action::ReplaceMethod(id(field, &method_id)?, kind(field, number)?),
        Asked::RemoveMethod(pb::RemoveMethod { method_id }) => {
            Action::RemoveMethod(id(field, &method_id)?)
        }
        Asked::SetDefaultMethod(pb::SetDefaultMethod { method_id }) => {
            Action::SetDefaultMethod(id(field, &method_id)?)
        }
        Asked::GenerateRecoveryCodes(pb::GenerateRecoveryCodes {}) => Action::GenerateRecoveryCodes,
        Asked::DisableTwoFactor(pb::DisableTwoFactor {}) => Action::DisableTwoFactor,
        Asked::TrustDevice(pb::TrustDevice { device_ids }) => {
            Action::TrustDevice(trusted_devices(field, &device_ids)?)
        }
        Asked::CallerAction(pb::CallerAction { name }) => {
            Action::Caller(CallerAction::parse(&name).map_err(|why| why.at(field))?)
        }
    })
}

pub(in crate::grpc) fn proof(
    authorization: Option<pb::Authorization>,
) -> ParseResult<SubmittedProof> {
    use pb::authorization::Proof;
    match authorization.and_then(|pb::Authorization { proof }| proof) {
        None => Ok(SubmittedProof::None),
        Some(Proof::ApprovalId(text)) => {
            id("authorization.approval_id", &text).map(SubmittedProof::Approval)
        }
        Some(Proof::Password(pb::Password { password })) => {
            let password = Password::parse(password.into());
            let password = password.map_err(|why| why.at("authorization.password.password"))?;
            Ok(SubmittedProof::Password(password))
        }
        Some(Proof::Ticket(text)) => {
            let ticket = EnrollmentTicket::parse(&text);
            let ticket = ticket.map_err(|why| why.at("authorization.ticket"))?;
            Ok(SubmittedProof::Ticket(ticket))
        }
        Some(Proof::Attestation(pb::Attestation {
            attestation_id,
            authenticated_time,
            action: attested,
        })) => {
            const TIME: &str = "authorization.attestation.authenticated_time";
            let id = AttestationId::parse(&attestation_id);
            let time = authenticated_time.ok_or(MalformedValue::Empty.at(TIME))?;
            Ok(SubmittedProof::Attestation(Attestation {
                id: id.map_err(|why| why.at("authorization.attestation.attestation_id"))?,
                authenticated_at: timestamp(TIME, time)?,
                action: action("authorization.attestation.action", attested)?,
            }))
        }
    }
}

/// The paths of a mask. Each may occur once.
pub(in crate::grpc) fn paths(mask: Option<&FieldMask>, fields: usize) -> ParseResult<Vec<&str>> {
    const FIELD: &str = "update_mask";
    let paths = mask.map_or(&[][..], |FieldMask { paths }| paths);
    if paths.len() > fields {
        return Err(MalformedValue::TooMany(fields).at(FIELD).into());
    }
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let twice = |(place, path)| paths.iter().take(place).any(|before| before == path);
    if paths.iter().enumerate().any(twice) {
        return Err(MalformedValue::NamedTwice.at(FIELD).into());
    }
    Ok(paths)
}

pub(in crate::grpc) fn phone(field: &'static str, text: &str) -> ParseResult<Option<Phone>> {
    if text.is_empty() {
        return Ok(None);
    }
    Ok(Some(Phone::parse(text).map_err(|why| why.at(field))?))
}

pub(in crate::grpc) fn kind(field: &'static str, number: i32) -> ParseResult<MethodKind> {
    match pb::MethodKind::try_from(number) {
        Ok(pb::MethodKind::Totp) => Ok(MethodKind::Totp),
        Ok(pb::MethodKind::Sms) => Ok(MethodKind::Sms),
        Ok(pb::MethodKind::Email) => Ok(MethodKind::Email),
        Ok(pb::MethodKind::Unspecified) | Err(_) => {
            Err(MalformedValue::UnknownValue(METHOD_KINDS).at(field).into())
        }
    }
}

pub(in crate::grpc) fn timestamp(
    field: &'static str,
    time: prost_types::Timestamp,
) -> ParseResult<Timestamp> {
    let prost_types::Timestamp { seconds, nanos } = time;
    let valid = (0..=Timestamp::LATEST.millis() / 1000).contains(&seconds)
        && (0..1_000_000_000).contains(&nanos);
    if !valid {
        return Err(MalformedValue::NotAnInstant.at(field).into());
    }
    Ok(Timestamp::from_millis(
        seconds * 1000 + i64::from(nanos / 1_000_000),
    ))
}

pub(in crate::grpc) fn trusted_devices(
    field: &'static str,
    named: &[String],
) -> ParseResult<TrustedDevices> {
    if named.len() > TrustedDevices::MAX_DEVICES {
        return Err(MalformedValue::TooMany(TrustedDevices::MAX_DEVICES)
            .at(field)
            .into());
    }
    let ids: ParseResult<Vec<DeviceId>> = named.iter().map(|text| id(field, text)).collect();
    Ok(TrustedDevices::new(ids?).map_err(|why| why.at(field))?)
}
