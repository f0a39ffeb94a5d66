//! Parses requests of `ChallengeService`.

use crate::{
    app::{AnswerChoice, FirstFactor, RequestedPurpose},
    grpc::{
        request_fields::{ParseResult, action, id},
        value_names::FIRST_FACTORS,
    },
};
use countersign_domain::{authorization::action::Transaction, value::malformed::MalformedValue};
use countersign_proto::v1 as pb;

pub(in crate::grpc) fn first_factor(number: i32) -> ParseResult<FirstFactor> {
    match pb::FirstFactor::try_from(number) {
        Ok(pb::FirstFactor::Password) => Ok(FirstFactor::Password),
        Ok(pb::FirstFactor::Sso) => Ok(FirstFactor::Sso),
        Ok(pb::FirstFactor::Unspecified) | Err(_) => {
            Err(MalformedValue::UnknownValue(FIRST_FACTORS)
                .at("first_factor")
                .into())
        }
    }
}

pub(in crate::grpc) fn purpose(
    purpose: Option<pb::issue_challenge_request::Purpose>,
) -> ParseResult<RequestedPurpose> {
    use pb::issue_challenge_request::Purpose;
    match purpose
        .ok_or(MalformedValue::NothingChosen("sign_in, step_up, verify_email").at("purpose"))?
    {
        Purpose::SignIn(pb::SignIn {}) => Ok(RequestedPurpose::SignIn),
        Purpose::VerifyEmail(pb::VerifyEmail {}) => Ok(RequestedPurpose::VerifyEmail),
        Purpose::StepUp(pb::StepUp {
            action: asked,
            transaction_text,
        }) => {
            let text = Transaction::parse(&transaction_text);
            let text = text.map_err(|why| why.at("step_up.transaction_text"))?;
            Ok(RequestedPurpose::StepUp(
                action("step_up.action", asked)?,
                text,
            ))
        }
    }
}

pub(in crate::grpc) fn answer_with(
    asked: Option<pb::issue_challenge_request::AnswerWith>,
    purpose: &RequestedPurpose,
) -> ParseResult<AnswerChoice> {
    use pb::issue_challenge_request::AnswerWith as Asked;
    match (asked, purpose) {
        (None, _) => Ok(AnswerChoice::Default),
        (Some(Asked::MethodId(_)), RequestedPurpose::VerifyEmail) => {
            Err(MalformedValue::NotTogetherWith("verify_email")
                .at("method_id")
                .into())
        }
        (Some(Asked::MethodId(text)), _) => id("method_id", &text).map(AnswerChoice::Method),
        (Some(Asked::RecoveryOnly(pb::RecoveryOnly {})), RequestedPurpose::SignIn) => {
            Ok(AnswerChoice::RecoveryOnly)
        }
        (Some(Asked::RecoveryOnly(pb::RecoveryOnly {})), _) => Err(
            MalformedValue::NotTogetherWith("a purpose other than sign_in")
                .at("recovery_only")
                .into(),
        ),
    }
}
