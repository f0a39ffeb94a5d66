//! Parses requests of `RecoveryService`.

use crate::grpc::request_fields::ParseResult;
use countersign_domain::{
    challenge::code::{CanonicalAnswer, Digits},
    value::{destination::Email, id::UserId, malformed::MalformedValue},
};
use countersign_proto::v1::begin_reset_request::Whose;

/// The user of a reset: a user id, or the e-mail address of one or more users.
pub(in crate::grpc) fn whose(whose: Option<Whose>) -> ParseResult<Result<UserId, Email>> {
    Ok(
        match whose.ok_or(MalformedValue::NothingChosen("user_id, email").at("whose"))? {
            Whose::UserId(user) => Ok(UserId::parse(&user).map_err(|why| why.at("user_id"))?),
            Whose::Email(email) => Err(Email::parse(&email).map_err(|why| why.at("email"))?),
        },
    )
}

/// A code that consists of digits only.
pub(in crate::grpc) fn digits(code: &str) -> ParseResult<Digits> {
    match CanonicalAnswer::parse(code) {
        Ok(CanonicalAnswer::Digits(digits)) => Ok(digits),
        Ok(CanonicalAnswer::Recovery(_) | CanonicalAnswer::Bypass(_) | CanonicalAnswer::Key(_))
        | Err(_) => Err(MalformedValue::NotACode.at("code").into()),
    }
}
