//! Text messages: sends one HTTP request to a gateway, as configured, and classifies its response. Redirects are not
//! followed, because they would send the message to another server.

mod error;
mod presets;
mod request;
mod response_classifier;
mod template;

pub use error::SmsGatewayError;
pub use presets::{UnknownPreset, preset};

use crate::{
    config::GatewayConfig,
    outcome::{SendFailure, SendOutcome},
    parsed_message::ParsedMessage,
    sms::{request::RequestShape, response_classifier::ResponseClassifier},
};
use countersign_proto::notifier::RefusalReason;
use reqwest::{Client, Response, redirect, retry};
use serde_json::Value;
use std::time::Duration;
use tokio::time::Instant;

/// The largest response of a gateway, in bytes.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// How long an idle connection is kept for reuse.
const IDLE_CONNECTION_TIMEOUT: Duration = Duration::from_secs(30);

/// Sends messages through an SMS gateway.
pub struct SmsGateway {
    client: Client,
    shape: RequestShape,
    judge: ResponseClassifier,
}

impl SmsGateway {
    /// Creates a gateway. Connections are opened on first use.
    ///
    /// # Errors
    /// [`SmsGatewayError`] if the configuration can't be used.
    pub fn new(config: &GatewayConfig) -> Result<Self, SmsGatewayError> {
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .referer(false)
            // A proxy from the environment would see every message.
            .no_proxy()
            .http1_only()
            .timeout(Duration::from_millis(config.timeout_ms))
            .connect_timeout(Duration::from_millis(config.connect_timeout_ms))
            .pool_idle_timeout(IDLE_CONNECTION_TIMEOUT)
            .user_agent(concat!("countersign/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(SmsGatewayError::Client)?;
        Ok(Self {
            client,
            shape: RequestShape::new(config)?,
            judge: ResponseClassifier::new(config)?,
        })
    }

    /// Sends one message. Does not start after `ends`.
    pub async fn send(&self, letter: &ParsedMessage, ends: Instant) -> SendOutcome {
        if !is_number(&letter.destination) {
            return SendOutcome::Refused(RefusalReason::InvalidDestination);
        }
        if Instant::now() >= ends {
            return SendOutcome::Failed(SendFailure::Timeout);
        }
        let Some(request) = self.shape.request(&self.client, letter) else {
            return SendOutcome::Failed(SendFailure::Content);
        };
        match request.send().await {
            Ok(response) => self.read(response).await,
            Err(error) => unanswered(error),
        }
    }

    async fn read(&self, response: Response) -> SendOutcome {
        let status = response.status().as_u16();
        let answer = body(response).await;
        let sent = self.judge.judge(status, answer.as_ref());
        if !matches!(sent, SendOutcome::Taken { .. }) {
            tracing::info!(status, "gateway did not accept the message");
        }
        sent
    }
}

/// The response as JSON; `None` if it is not JSON or too long.
async fn body(mut response: Response) -> Option<Value> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.ok()? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > MAX_ANSWER_BYTES {
            return None;
        }
    }
    serde_json::from_slice(&bytes).ok()
}

/// If no connection was made, the gateway did not accept the message. Otherwise it may have.
fn unanswered(error: reqwest::Error) -> SendOutcome {
    let failure = if error.is_timeout() {
        SendFailure::Timeout
    } else {
        SendFailure::Connection
    };
    let never_sent = error.is_connect() || error.is_builder();
    // The URL may contain the number or a secret.
    tracing::warn!(cause = ?error.without_url(), "gateway request failed");
    if never_sent {
        SendOutcome::Failed(failure)
    } else {
        SendOutcome::InDoubt(failure)
    }
}

/// E.164: a plus and 7 to 15 digits.
fn is_number(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}
