//! Why a gateway can't be used.

use crate::{config::SecretFileError, sms::template::TemplateError};

/// A gateway that can't be used as it is configured.
#[derive(Debug, thiserror::Error)]
pub enum SmsGatewayError {
    /// A secret can't be read.
    #[error("gateway.secrets: {0}")]
    Secret(#[from] SecretFileError),
    /// A template can't be read.
    #[error("gateway.{0}: {1}")]
    Template(String, TemplateError),
    /// A header can't be one.
    #[error(
        "gateway.headers: `{0}` can't be a header, or its value has characters that no header carries"
    )]
    Header(String),
    /// A list of statuses can't be read.
    #[error("gateway: `{0}` is neither an HTTP status nor a range of them, such as 200-299")]
    Statuses(String),
    /// A pointer can't be one.
    #[error("gateway: `{0}` is not a JSON pointer, which begins with a slash")]
    Pointer(String),
    /// The address can't be read.
    #[error("gateway.url can't be used")]
    Url,
    /// The machine's trust store can't be used.
    #[error("an HTTP client can't be made: {0}")]
    Client(reqwest::Error),
}
