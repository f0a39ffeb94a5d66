//! Reasons why the value of a request field is malformed.

/// Why a value is malformed. Each text follows the name of a field: `user_id must not be empty`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MalformedValue {
    /// The value is empty.
    #[error("must not be empty")]
    Empty,
    /// The value is longer than this many bytes.
    #[error("must be at most {0} bytes long")]
    TooLong(usize),
    /// The value is shorter than this many bytes.
    #[error("must be at least {0} bytes long")]
    TooShort(usize),
    /// The list has more entries than this.
    #[error("must have at most {0} entries")]
    TooMany(usize),
    /// A character is not among these.
    #[error("may only contain the characters {0}")]
    Character(&'static str),
    /// The text has a line break, a control or invisible character, or a change of direction, or space around it.
    #[error(
        "must be one line of plain text without surrounding spaces, control characters or changes of direction"
    )]
    NotPlainText,
    /// A phone or mail program would turn part of the text into a link.
    #[error("must not contain a link or the name of a website")]
    Link,
    /// The text can't be the id of a user.
    #[error(
        "must be 1 to 255 bytes of UTF-8 without white space at its ends, control characters, changes of direction, and \
         invisible or unassigned characters"
    )]
    NotAUserId,
    /// The text is not an id that Countersign made.
    #[error("must be an id that this service returned: 32 hexadecimal characters")]
    NotAnId,
    /// The text is neither a numeric code nor a recovery or bypass code.
    #[error("must be 6 to 10 digits from 0 to 9, or a recovery or bypass code as it was shown")]
    NotACode,
    /// The text is not a valid phone number in international form.
    #[error("must be a valid phone number in international form, such as +4915123456789")]
    NotANumber,
    /// The number can't receive text messages.
    #[error("must be a mobile number; this is a landline, premium or service number")]
    NotAMobileNumber,
    /// The text is not an e-mail address.
    #[error("must be an e-mail address, such as jane@example.com")]
    NotAnAddress,
    /// The text is not a language tag.
    #[error("must be a BCP-47 language tag, such as pt-BR")]
    NotALocale,
    /// The text is not an enrollment ticket.
    #[error("must be an enrollment ticket as this service returned it: 32 characters of base64url")]
    NotATicket,
    /// The text is not the revert token of a notice.
    #[error("must be the revert token of a notice, as it was sent: 22 characters of base64url")]
    NotARevertToken,
    /// The enum value is unknown or unspecified. These would do.
    #[error("must be one of {0}")]
    UnknownValue(&'static str),
    /// None of these alternatives of a `oneof` is set.
    #[error("must be set to exactly one of {0}")]
    NothingChosen(&'static str),
    /// The instant is before 1970 or after 9999.
    #[error("must be between the years 1970 and 9999")]
    NotAnInstant,
    /// The lifetime is shorter than one minute or longer than this many hours.
    #[error("must be a duration from one minute to {0} hours")]
    NotALifetime(u64),
    /// The field mask names a path that is not among these.
    #[error("may only name the fields {0}")]
    NotAMaskPath(&'static str),
    /// The field mask names a field more than once.
    #[error("must not name a field twice")]
    NamedTwice,
    /// The instant is later than now.
    #[error("must not be in the future")]
    InTheFuture,
    /// The field is `false`, and only `true` has a meaning.
    #[error("can only be set to true: to change the default, set is_default on another method")]
    OnlyTrue,
    /// The value is outside these bounds.
    #[error("must be between {0}")]
    OutOfRange(&'static str),
    /// The text is not the code of a country.
    #[error(
        "must be the two-letter code of a country in capitals, such as DE, or 001 for numbers that belong to no country"
    )]
    NotACountry,
    /// The duration is negative or not in whole milliseconds.
    #[error("must be a duration of zero or more, in whole milliseconds")]
    NotASpan,
    /// The text is not a page token of this list.
    #[error("must be the page token of the previous page of the same list with the same filters")]
    NotAPageToken,
    /// The field excludes this other field.
    #[error("must not be given together with {0}")]
    NotTogetherWith(&'static str),
}

/// A malformed field of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{field} {why}")]
pub struct InvalidField {
    /// The path of the field in the request, such as `profile.email`.
    pub field: &'static str,
    /// Why its value is malformed.
    pub why: MalformedValue,
}

impl MalformedValue {
    /// Attaches the path of the malformed field.
    #[must_use]
    pub fn at(self, field: &'static str) -> InvalidField {
        InvalidField { field, why: self }
    }
}
