//! What became of a message.

use countersign_proto::notifier::RefusalReason;

/// What came of handing a message on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendOutcome {
    /// It was taken.
    Taken {
        /// The provider's own id, for its support.
        provider_id: String,
    },
    /// It will never be delivered.
    Refused(RefusalReason),
    /// It was certainly not taken, and may be handed on again.
    Failed(SendFailure),
    /// It may have been taken.
    InDoubt(SendFailure),
}

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SendFailure {
    /// There was no connection.
    Connection,
    /// The provider refuses us.
    Login,
    /// The provider refuses the sender.
    Sender,
    /// The provider does not take this recipient now, or for reasons that are not the recipient's.
    Recipient,
    /// The provider does not take the message as it is.
    Content,
    /// An answer with a status that says no.
    Status,
    /// An answer that leads elsewhere, where we do not go.
    Redirect,
    /// An answer that says no in its body, or says nothing that is understood.
    Answer,
    /// The time was up.
    Timeout,
}

impl SendFailure {
    /// Its name in logs and metrics.
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

    /// Whether the provider is well and says no to this message. Another one may be taken at once.
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

/// A provider's id as it may be kept and logged: short, and of visible ASCII.
#[must_use]
pub fn provider_id(text: &str) -> String {
    const LONGEST: usize = 128;
    let visible = text.chars().filter(char::is_ascii_graphic);
    visible.take(LONGEST).collect()
}
