//! Classifies a gateway's response: accepted, refused, not accepted, or unknown.

use crate::{
    config::{ConfiguredRefusal, GatewayConfig, RefusalConfig, SuccessConfig},
    outcome::{SendFailure, SendOutcome, provider_id},
    sms::error::SmsGatewayError,
};
use countersign_proto::notifier::RefusalReason;
use serde_json::Value;
use std::ops::RangeInclusive;

/// Classifies responses as configured.
pub(super) struct ResponseClassifier {
    success: ResponseTest,
    message_id: Option<String>,
    refusals: Vec<(ResponseTest, RefusalReason)>,
}

/// A test of a response.
struct ResponseTest {
    /// An empty list matches any status.
    statuses: Vec<RangeInclusive<u16>>,
    value: Option<ExpectedValue>,
}

struct ExpectedValue {
    pointer: String,
    equals: Vec<String>,
}

impl ResponseClassifier {
    /// Parses the configured tests.
    ///
    /// # Errors
    /// [`SmsGatewayError`] if a status range or pointer is malformed.
    pub(super) fn new(config: &GatewayConfig) -> Result<Self, SmsGatewayError> {
        let SuccessConfig {
            statuses,
            pointer,
            equals,
        } = &config.success;
        let refusal = |config: &RefusalConfig| {
            let test =
                ResponseTest::new(&config.statuses, config.pointer.as_deref(), &config.equals)?;
            let reason = match config.reason {
                ConfiguredRefusal::InvalidDestination => RefusalReason::InvalidDestination,
                ConfiguredRefusal::OptedOut => RefusalReason::OptedOut,
                ConfiguredRefusal::NotServed => RefusalReason::NotServed,
            };
            Ok::<_, SmsGatewayError>((test, reason))
        };
        Ok(Self {
            success: ResponseTest::new(statuses, pointer.as_deref(), equals)?,
            message_id: config.message_id.as_deref().map(pointed).transpose()?,
            refusals: config
                .refusals
                .iter()
                .map(refusal)
                .collect::<Result<_, _>>()?,
        })
    }

    /// The result of a message with this response.
    pub(super) fn judge(&self, status: u16, body: Option<&Value>) -> SendOutcome {
        let refusal = self
            .refusals
            .iter()
            .find(|(test, _)| test.fits(status, body));
        if let Some((_, reason)) = refusal {
            return SendOutcome::Refused(*reason);
        }
        if !self.success.fits_status(status) {
            return by_status(status);
        }
        match self.success.says(body) {
            Some(true) => SendOutcome::Taken {
                provider_id: self.message_id(body),
            },
            Some(false) => SendOutcome::Failed(SendFailure::Answer),
            None => SendOutcome::InDoubt(SendFailure::Answer),
        }
    }

    fn message_id(&self, body: Option<&Value>) -> String {
        let pointer = self.message_id.as_deref();
        let id = pointer.and_then(|pointer| text_at(body, pointer));
        provider_id(&id.unwrap_or_default())
    }
}

/// Classifies an unsuccessful response by its status. A gateway that failed while it handled the request may have sent
/// the message; one that refused the request has not.
///
/// 400, 409, 413 and 422 concern the message; all other statuses concern the gateway or our account.
const fn by_status(status: u16) -> SendOutcome {
    match status {
        300..=399 => SendOutcome::Failed(SendFailure::Redirect),
        400 | 409 | 413 | 422 => SendOutcome::Failed(SendFailure::Content),
        501 | 503 | 505.. => SendOutcome::Failed(SendFailure::Status),
        500..=504 => SendOutcome::InDoubt(SendFailure::Status),
        _ => SendOutcome::Failed(SendFailure::Status),
    }
}

impl ResponseTest {
    fn new(
        statuses: &[String],
        pointer: Option<&str>,
        equals: &[String],
    ) -> Result<Self, SmsGatewayError> {
        let statuses = statuses
            .iter()
            .map(|text| range(text))
            .collect::<Result<_, _>>()?;
        let pointer = pointer.map(pointed).transpose()?;
        Ok(Self {
            statuses,
            value: pointer.map(|pointer| ExpectedValue {
                pointer,
                equals: equals.to_vec(),
            }),
        })
    }

    fn fits(&self, status: u16, body: Option<&Value>) -> bool {
        self.fits_status(status) && self.says(body) == Some(true)
    }

    fn fits_status(&self, status: u16) -> bool {
        self.statuses.is_empty() || self.statuses.iter().any(|range| range.contains(&status))
    }

    /// Whether the value is one of those expected; `None` if it is missing.
    fn says(&self, body: Option<&Value>) -> Option<bool> {
        let Some(ExpectedValue { pointer, equals }) = &self.value else {
            return Some(true);
        };
        let value = text_at(body, pointer)?;
        Some(equals.contains(&value))
    }
}

/// The value as text, whether the gateway quotes it or not.
fn text_at(body: Option<&Value>, pointer: &str) -> Option<String> {
    match body?.pointer(pointer)? {
        Value::String(text) => Some(text.clone()),
        value @ (Value::Number(_) | Value::Bool(_)) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn range(text: &str) -> Result<RangeInclusive<u16>, SmsGatewayError> {
    let bad = || SmsGatewayError::Statuses(text.to_owned());
    let status = |text: &str| {
        let status: u16 = text.trim().parse().map_err(|_| bad())?;
        (100..=599)
            .contains(&status)
            .then_some(status)
            .ok_or_else(bad)
    };
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    Ok(status(from)?..=status(to)?)
}

fn pointed(pointer: &str) -> Result<String, SmsGatewayError> {
    let is_one = pointer.starts_with('/');
    is_one
        .then(|| pointer.to_owned())
        .ok_or_else(|| SmsGatewayError::Pointer(pointer.to_owned()))
}

#[cfg(test)]
mod tests;
