//! Resets, which users who can't sign in request. After a waiting period, a code sent to the user's e-mail address
//! confirms the reset. In the waiting period the owner can cancel it. A passed second factor and each new epoch cancel
//! it, too.

use crate::{
    limits::budget::{RateLimit, RateLimitWindows},
    policy::PolicyRules,
    value::{
        crockford::typed,
        epoch::Epoch,
        id::{ChallengeId, ResetId, Subject, UserId},
        time::Timestamp,
    },
};
use data_encoding::BASE32_NOPAD;
use std::time::Duration;
use subtle::ConstantTimeEq;

/// How long a reset can be confirmed after its waiting period.
pub(crate) const RESET_LIFETIME: Duration = Duration::from_hours(72);

/// How long no reset can be started after one was canceled.
pub const CANCELED_RESET_COOLDOWN: Duration = Duration::from_hours(7 * 24);

/// Requests for resets of one login, whether a user has it or not. A stranger's address is used up before it.
pub const RESETS_PER_LOGIN: RateLimitWindows = per_hour_and_day(60, 200);

/// Requests for resets from one address in a tenant: an office may share one.
pub const RESETS_PER_ADDRESS: RateLimitWindows = per_hour_and_day(30, 100);

/// Requests for resets in a tenant without a known address, all together.
pub const RESETS_WITHOUT_ADDRESS: RateLimitWindows = per_hour_and_day(300, 1_000);

/// Requests for resets in one tenant.
pub const RESETS_PER_TENANT: RateLimitWindows = per_hour_and_day(1_000, 5_000);

/// Requests for resets from one caller, in all tenants.
pub const RESETS_PER_CALLER: RateLimitWindows = per_hour_and_day(3_000, 20_000);

const fn per_hour_and_day(hour: u32, day: u32) -> RateLimitWindows {
    RateLimitWindows {
        short: RateLimit::new(hour, Duration::from_hours(1)),
        long: RateLimit::new(day, Duration::from_hours(24)),
    }
}

/// The reset of a user. A user has at most one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reset {
    /// The id.
    pub id: ResetId,
    /// The user's credential epoch at the start. The reset is canceled when the epoch grows.
    pub epoch: Epoch,
    /// When the waiting period ends.
    pub due_at: Timestamp,
    /// When the reset expires.
    pub ends_at: Timestamp,
    /// When it was canceled; `None` if it was not.
    pub canceled_at: Option<Timestamp>,
    /// The challenge whose code was mailed last.
    pub challenge: Option<ChallengeId>,
    /// When it was started. If the policy's waiting period became longer since, it counts from this instant.
    pub started_at: Timestamp,
}

/// The user whose reset is requested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoginIdentifier {
    /// The user with this id.
    User(UserId),
    /// All users with this e-mail address, by its digest.
    Email([u8; 16]),
}

/// The decision on a request for a reset. The response does not reveal it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResetDecision {
    /// Nothing happens.
    Nothing,
    /// A reset is started. Its waiting period ends at this instant.
    Begin(Timestamp),
    /// The waiting period of this reset is over, and its code is mailed.
    Confirm(Reset),
}

/// The token by which notices cancel a reset: 128 bits of a keyed digest. It is not stored.
#[derive(Clone)]
pub struct CancelToken([u8; 16]);

impl Reset {
    /// Makes a reset that starts at `started_at` and whose waiting period ends at `due_at`.
    #[must_use]
    pub fn started(id: ResetId, epoch: Epoch, started_at: Timestamp, due_at: Timestamp) -> Self {
        Self {
            id,
            epoch,
            due_at,
            ends_at: due_at.plus(RESET_LIFETIME),
            canceled_at: None,
            challenge: None,
            started_at,
        }
    }

    /// Whether it is in its waiting period or can be confirmed, in this credential epoch.
    #[must_use]
    pub fn is_pending(&self, epoch: Epoch, now: Timestamp) -> bool {
        self.is_open(now) && self.epoch == epoch
    }

    /// Whether it can be confirmed: the waiting periods of the start and of the current rules are over.
    #[must_use]
    pub fn is_due(&self, epoch: Epoch, rules: &PolicyRules, now: Timestamp) -> bool {
        let held_until = self.due_at.max(self.started_at.plus(rules.reset_hold));
        self.is_pending(epoch, now) && now >= held_until
    }

    /// Whether it was not canceled and has not expired.
    pub(crate) fn is_open(&self, now: Timestamp) -> bool {
        self.canceled_at.is_none() && now < self.ends_at
    }

    /// The token that cancels it. `digest` computes the keyed digest of its fields.
    #[must_use]
    pub fn cancel_token(
        &self,
        subject: &Subject,
        digest: impl FnOnce(&[&[u8]]) -> [u8; 16],
    ) -> CancelToken {
        CancelToken(digest(&[
            b"cancel reset",
            subject.tenant.as_str().as_bytes(),
            subject.user.as_str().as_bytes(),
            self.id.as_bytes(),
        ]))
    }
}

impl CancelToken {
    /// Reads a token in any case. White space around it, spaces and dashes are ignored. `None` if the text has another
    /// form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let typed: String = typed(text.trim())
            .map(|character| character.to_ascii_uppercase())
            .collect();
        let bytes = BASE32_NOPAD.decode(typed.as_bytes()).ok()?;
        bytes.try_into().ok().map(Self)
    }

    /// The token in notices: 26 letters and digits.
    #[must_use]
    pub fn expose(&self) -> String {
        BASE32_NOPAD.encode(&self.0)
    }

    /// Compares two tokens in constant time.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl std::fmt::Debug for CancelToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CancelToken([redacted])")
    }
}

#[cfg(test)]
mod tests;
