//! `[notifiers]`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Who delivers messages. Without one for its channel, a method can't be enrolled.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NotifiersConfig {
    /// Text messages.
    pub sms: NotifierConfig,
    /// E-mail.
    pub email: NotifierConfig,
}

/// The notifiers of one channel.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NotifierConfig {
    /// `https://host:port` of each, in the order in which they are tried. Their certificates are checked against the system's authorities.
    pub endpoints: Vec<String>,
    /// File with the bearer token that they ask for.
    pub token_file: Option<PathBuf>,
    /// How long one of them may take, in milliseconds.
    pub deadline_ms: u64,
    /// How many messages may be on their way at once; more fail at once, so that a hanging notifier holds up nothing else.
    pub max_in_flight: usize,
}

impl Default for NotifierConfig {
    fn default() -> Self {
        Self {
            endpoints: Vec::new(),
            token_file: None,
            deadline_ms: 3000,
            max_in_flight: 256,
        }
    }
}
