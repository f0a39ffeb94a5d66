//! What callers send of resets.

use super::Parsed;
use crate::proto::v1::begin_reset_request::Whose;
use countersign_domain::{
    code::{Answer, Digits},
    destination::Email,
    id::UserId,
    malformed::Malformed,
};

/// Whose reset is asked for: a login's, or of everyone with an address.
pub(in crate::grpc) fn whose(whose: Option<Whose>) -> Parsed<Result<UserId, Email>> {
    Ok(match whose.ok_or(Malformed::NothingChosen.at("whose"))? {
        Whose::UserId(user) => Ok(UserId::parse(&user).map_err(|why| why.at("user_id"))?),
        Whose::Email(email) => Err(Email::parse(&email).map_err(|why| why.at("email"))?),
    })
}

/// A code of digits, and nothing else.
pub(in crate::grpc) fn digits(code: &str) -> Parsed<Digits> {
    match Answer::parse(code) {
        Ok(Answer::Digits(digits)) => Ok(digits),
        Ok(Answer::Recovery(_) | Answer::Bypass(_) | Answer::Key(_)) | Err(_) => {
            Err(Malformed::NotACode.at("code").into())
        }
    }
}
