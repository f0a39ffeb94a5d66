//! Errors in the configuration of a gateway.

use crate::sms::template::TemplateError;
use countersign_transport::secret_file::SecretFileError;

/// Why a gateway can't be used.
#[derive(Debug, thiserror::Error)]
pub enum SmsGatewayError {
    /// A secret can't be read.
    #[error("gateway.secrets: {0}")]
    Secret(#[from] SecretFileError),
    /// A template is malformed.
    #[error("gateway.{0}: {1}")]
    Template(String, TemplateError),
    /// A header is malformed.
    #[error(
        "gateway.headers: `{0}` is not a header name, or its value has characters that headers can't carry"
    )]
    Header(String),
    /// A list of statuses is malformed.
    #[error("gateway: `{0}` is neither an HTTP status nor a range such as 200-299")]
    Statuses(String),
    /// A JSON pointer is malformed.
    #[error("gateway: `{0}` is not a JSON pointer, which starts with a slash")]
    Pointer(String),
    /// The URL is malformed.
    #[error("gateway.url is not a valid URL")]
    Url,
    /// The machine's trust store can't be used.
    #[error("the HTTP client can't be created: {0}")]
    Client(reqwest::Error),
}
