//! Parses requests of `MethodService`.

use crate::{
    app::{EnrollmentTarget, MethodUpdate},
    grpc::request_fields::{ParseResult, id, paths, phone},
};
use countersign_domain::{
    method::MethodLabel, revert::RevertToken, value::malformed::MalformedValue,
};
use countersign_proto::v1 as pb;

pub(in crate::grpc) fn revert_token(text: &str) -> ParseResult<RevertToken> {
    Ok(RevertToken::parse(text).map_err(|why| why.at("revert_token"))?)
}

pub(in crate::grpc) fn label(text: &str) -> ParseResult<Option<MethodLabel>> {
    Ok(MethodLabel::parse(text).map_err(|why| why.at("label"))?)
}

pub(in crate::grpc) fn new_kind(
    method: Option<pb::begin_enrollment_request::Method>,
) -> ParseResult<EnrollmentTarget> {
    use pb::begin_enrollment_request::Method;
    match method.ok_or(MalformedValue::NothingChosen("totp, sms, email").at("method"))? {
        Method::Totp(pb::EnrollTotp {}) => Ok(EnrollmentTarget::Totp),
        Method::Email(pb::EnrollEmail {}) => Ok(EnrollmentTarget::Email),
        Method::Sms(pb::EnrollSms { phone_number }) => {
            phone("sms.phone_number", &phone_number).map(EnrollmentTarget::Sms)
        }
    }
}

/// The method and the fields to change.
pub(in crate::grpc) fn method_update(
    request: &pb::UpdateMethodRequest,
) -> ParseResult<MethodUpdate> {
    const PATHS: &str = "label and is_default";
    let given = paths(request.update_mask.as_ref(), 2)?;
    let (mut writes_label, mut writes_default) = (false, false);
    for path in &given {
        match *path {
            "label" => writes_label = true,
            "is_default" => writes_default = true,
            _ => return Err(MalformedValue::NotAMaskPath(PATHS).at("update_mask").into()),
        }
    }
    if given.is_empty() {
        (writes_label, writes_default) = (!request.label.is_empty(), request.is_default);
    }
    if writes_default && !request.is_default {
        return Err(MalformedValue::OnlyTrue.at("is_default").into());
    }
    let label = label(&request.label)?;
    if writes_label && label.is_none() || !writes_label && !writes_default {
        return Err(MalformedValue::Empty.at("label").into());
    }
    Ok(MethodUpdate {
        method: id("method_id", &request.method_id)?,
        label: label.filter(|_| writes_label),
        make_default: writes_default,
    })
}
