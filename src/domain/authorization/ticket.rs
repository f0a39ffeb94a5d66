//! Enrollment tickets: by a ticket, a user who must enroll can do so during sign-in.
//!
//! Tickets are not stored. The tag of a ticket is a keyed digest of tenant, user, caller, epoch and expiry. The method
//! that it adds makes the epoch grow, which invalidates the ticket.

use crate::{
    authorization::caller::CallerName,
    value::{epoch::Epoch, id::Subject, malformed::MalformedValue, time::Timestamp},
};
use data_encoding::BASE64URL_NOPAD;
use std::fmt;
use subtle::ConstantTimeEq;

const INSTANT: usize = 8;
const TAG: usize = 16;

/// A ticket as it was sent, genuine or not.
#[derive(Clone)]
pub struct EnrollmentTicket {
    expires_at: Timestamp,
    tag: [u8; TAG],
}

/// The user, caller and validity that a ticket is bound to.
#[derive(Debug, Clone)]
pub struct TicketSubject<'a> {
    /// The user who may enroll.
    pub subject: &'a Subject,
    /// The caller that the ticket was issued to.
    pub caller: &'a CallerName,
    /// The credential epoch in which the ticket is valid.
    pub epoch: Epoch,
    /// When the ticket expires.
    pub expires_at: Timestamp,
}

impl TicketSubject<'_> {
    /// Issues the ticket. `digest` computes the keyed digest of these fields.
    #[must_use]
    pub fn issue(&self, digest: impl FnOnce(&[&[u8]]) -> [u8; TAG]) -> EnrollmentTicket {
        let tag = digest(&[
            b"ticket",
            self.subject.tenant.as_str().as_bytes(),
            self.subject.user.as_str().as_bytes(),
            self.caller.as_str().as_bytes(),
            &self.epoch.number().to_be_bytes(),
            &self.expires_at.millis().to_be_bytes(),
        ]);
        EnrollmentTicket {
            expires_at: self.expires_at,
            tag,
        }
    }
}

impl EnrollmentTicket {
    /// Reads a ticket.
    ///
    /// # Errors
    /// [`MalformedValue::NotATicket`].
    pub fn parse(text: &str) -> Result<Self, MalformedValue> {
        let bytes = BASE64URL_NOPAD
            .decode(text.as_bytes())
            .map_err(|_| MalformedValue::NotATicket)?;
        let (instant, tag) = bytes
            .split_first_chunk::<INSTANT>()
            .ok_or(MalformedValue::NotATicket)?;
        Ok(Self {
            expires_at: Timestamp::from_millis(i64::from_be_bytes(*instant)),
            tag: tag.try_into().map_err(|_| MalformedValue::NotATicket)?,
        })
    }

    /// The ticket as callers receive it: 32 characters of base64url.
    #[must_use]
    pub fn expose(&self) -> String {
        let instant = self.expires_at.millis().to_be_bytes();
        BASE64URL_NOPAD.encode(&[instant.as_slice(), &self.tag].concat())
    }

    /// When the ticket expires.
    #[must_use]
    pub const fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// Compares two tickets, the tags in constant time.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        self.expires_at == other.expires_at && self.tag.ct_eq(&other.tag).into()
    }
}

impl fmt::Debug for EnrollmentTicket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ticket([redacted])")
    }
}

#[cfg(test)]
mod tests;
