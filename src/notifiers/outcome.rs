//! The result of sending a message.

use countersign_proto::notifier::RefusalReason;

/// The result of sending a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendOutcome {
    /// The provider accepted it.
    Taken {
        /// The provider's id of the message, for its support.
        provider_id: String,
    },
    /// The message is refused permanently.
    Refused(RefusalReason),
    /// The provider certainly did not accept it, so it may be sent again.
    Failed(SendFailure),
    /// The provider may have accepted it.
    InDoubt(SendFailure),
}

/// The cause of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SendFailure {
    /// No connection to the provider.
    Connection,
    /// The provider rejected the login.
    Login,
    /// The provider rejected the sender.
    Sender,
    /// The provider does not accept the recipient now, or for reasons that do not concern the recipient.
    Recipient,
    /// The provider rejected the content.
    Content,
    /// The response has an unsuccessful status.
    Status,
    /// The response redirects elsewhere; redirects are not followed.
    Redirect,
    /// The body of the response reports a failure, or can't be understood.
    Answer,
    /// The time was up.
    Timeout,
}

impl SendFailure {
    /// The name in logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connection => "connection",
            Self::Login => "login",
            Self::Sender => "sender",
            Self::Recipient => "recipient",
            Self::Content => "content",
            Self::Status => "status",
            Self::Redirect => "redirect",
            Self::Answer => "answer",
            Self::Timeout => "timeout",
        }
    }

    /// Whether the provider is healthy and rejects only this message. Another message may be accepted at once.
    #[must_use]
    pub const fn is_of_the_message(self) -> bool {
        match self {
            Self::Recipient | Self::Content | Self::Answer => true,
            Self::Connection
            | Self::Login
            | Self::Sender
            | Self::Status
            | Self::Redirect
            | Self::Timeout => false,
        }
    }
}

/// The name of a refusal in logs and metrics.
#[must_use]
pub const fn reason_name(reason: RefusalReason) -> &'static str {
    match reason {
        RefusalReason::Unspecified => "unspecified",
        RefusalReason::InvalidDestination => "invalid_destination",
        RefusalReason::OptedOut => "opted_out",
        RefusalReason::NotServed => "not_served",
    }
}

/// Sanitizes a provider's id for storage and logs: at most 128 visible ASCII characters.
#[must_use]
pub fn provider_id(text: &str) -> String {
    const LONGEST: usize = 128;
    let visible = text.chars().filter(char::is_ascii_graphic);
    visible.take(LONGEST).collect()
}
