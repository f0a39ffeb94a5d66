//! Tickets: the short-lived right to enroll that an unenrolled user gets under enforcement.
//!
//! A ticket is nowhere stored. Its tag is a keyed digest of tenant, user, caller, epoch and expiry; the method that it
//! lets in makes the epoch grow, and so ends it.

use crate::{
    authorization::caller::CallerName,
    value::{epoch::Epoch, id::Subject, malformed::MalformedValue, time::Timestamp},
};
use data_encoding::BASE64URL_NOPAD;
use std::fmt;
use subtle::ConstantTimeEq;

const INSTANT: usize = 8;
const TAG: usize = 16;

/// A ticket, genuine or not.
#[derive(Clone)]
pub struct EnrollmentTicket {
    expires_at: Timestamp,
    tag: [u8; TAG],
}

/// Whose right a ticket is, and how long.
#[derive(Debug, Clone)]
pub struct TicketSubject<'a> {
    /// Who may enroll.
    pub subject: &'a Subject,
    /// Who asks for them.
    pub caller: &'a CallerName,
    /// The ticket dies when it grows.
    pub epoch: Epoch,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl TicketSubject<'_> {
    /// The ticket, by the keyed digest of these fields.
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
    /// From what a caller sent back.
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

    /// The ticket as callers hold it: 32 characters of base64url.
    #[must_use]
    pub fn expose(&self) -> String {
        let instant = self.expires_at.millis().to_be_bytes();
        BASE64URL_NOPAD.encode(&[instant.as_slice(), &self.tag].concat())
    }

    /// When it ends.
    #[must_use]
    pub const fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// Whether it is the very ticket that was made.
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
