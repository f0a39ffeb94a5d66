//! What can be wrong with the shape of a value.

/// Why a text is not the value it should be. Each sentence continues the name of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MalformedValue {
    /// Nothing was given.
    #[error("must not be empty")]
    Empty,
    /// Longer than this many bytes.
    #[error("must be at most {0} bytes long")]
    TooLong(usize),
    /// Shorter than this many bytes.
    #[error("must be at least {0} bytes long")]
    TooShort(usize),
    /// More entries than this.
    #[error("must have at most {0} entries")]
    TooMany(usize),
    /// A character outside the allowed ones.
    #[error("may only have the characters {0}")]
    Character(&'static str),
    /// A line break, a control character, or one that turns the direction of text.
    #[error("must be one line of plain text, without control characters or changes of direction")]
    NotPlainText,
    /// Something that becomes a link in a message.
    #[error("must not hold a link or the name of a website")]
    Link,
    /// Not an id that Countersign made.
    #[error("must be an id made by this service: 32 hexadecimal characters")]
    NotAnId,
    /// Neither a number code nor a recovery or bypass code.
    #[error(
        "must be 6 to 10 ASCII digits without spaces, or a recovery or bypass code as it was shown"
    )]
    NotACode,
    /// Not a telephone number that exists in international form.
    #[error("must be a valid number in international form, such as +4915123456789")]
    NotANumber,
    /// A number that can't receive text messages.
    #[error("must be a mobile number; this one is a landline, premium or service number")]
    NotAMobileNumber,
    /// Not an e-mail address.
    #[error("must be an e-mail address, such as jane@example.com")]
    NotAnAddress,
    /// Not a language tag.
    #[error("must be a BCP-47 language tag, such as pt-BR")]
    NotALocale,
    /// Not an IP address.
    #[error("must be an IPv4 or IPv6 address")]
    NotAnIpAddress,
    /// Not a device token.
    #[error("must be a device token as it was given: 43 characters of base64url")]
    NotADeviceToken,
    /// Not a ticket.
    #[error("must be a ticket as it was given: 32 characters of base64url")]
    NotATicket,
    /// Not a token that a confirmation carried.
    #[error("must be the token of a confirmation as it was sent: 22 characters of base64url")]
    NotARevertToken,
    /// An enum value that does not exist, or the unspecified one.
    #[error("must be one of the values that the contract names, and not the unspecified one")]
    UnknownValue,
    /// One of several alternatives has to be there.
    #[error("must be given: exactly one of its alternatives")]
    NothingChosen,
    /// Outside the range of instants that can be kept.
    #[error("must be an instant between the years 1970 and 9999")]
    NotAnInstant,
    /// Outside the lengths of time that are allowed.
    #[error("must be a length of time from one minute to {0} hours")]
    NotALifetime(u64),
    /// Not a path that the mask may name.
    #[error("may only name the fields {0}")]
    NotAMaskPath(&'static str),
    /// A field that the mask names more than once.
    #[error("must not name a field twice")]
    NamedTwice,
    /// An instant that is still to come.
    #[error("must not lie in the future")]
    InTheFuture,
    /// `false` where only `true` has a meaning.
    #[error("can only be set to true: the default moves by making another method the default")]
    OnlyTrue,
    /// A number or a span that the bounds do not let.
    #[error("must be between {0}")]
    OutOfRange(&'static str),
    /// Letters of no country.
    #[error(
        "must be two capital letters of a country, such as DE, or 001 for numbers that belong to none"
    )]
    NotACountry,
    /// Not a span of time.
    #[error("must be a span of time of zero or more, in whole milliseconds")]
    NotASpan,
    /// Not a token that this very list gave.
    #[error("must be the page token of the page before, of the same list with the same filters")]
    NotAPageToken,
    /// Required because of another field.
    #[error("must not be given together with {0}")]
    NotTogetherWith(&'static str),
}

/// A field of a request that is not what it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{field} {why}")]
pub struct InvalidField {
    /// The field's path in the request, such as `profile.email`.
    pub field: &'static str,
    /// What is wrong with it.
    pub why: MalformedValue,
}

impl MalformedValue {
    /// Names the field that is malformed.
    #[must_use]
    pub fn at(self, field: &'static str) -> InvalidField {
        InvalidField { field, why: self }
    }
}
