//! The clock and the random source of the machine: the only place that asks for either.

use countersign_domain::value::time::Timestamp;
use rand::{TryRng, rngs::SysRng};
use std::time::{SystemTime, UNIX_EPOCH};

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// Gives random bits.
pub trait RandomSource: Send + Sync {
    /// Fills a buffer from a cryptographically secure source.
    fn fill(&self, buffer: &mut [u8]);
}

/// The machine's clock.
pub struct SystemClock;

/// The operating system's cryptographically secure random source.
pub struct SystemEntropy;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the clock"
    )]
    fn now(&self) -> Timestamp {
        let since_1970 = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp::from_millis(countersign_domain::value::time::millis(since_1970))
    }
}

impl RandomSource for SystemEntropy {
    /// # Panics
    /// If the operating system has no random bits to give: nothing safe can be done without.
    fn fill(&self, buffer: &mut [u8]) {
        SysRng
            .try_fill_bytes(buffer)
            .expect("the operating system gives random bits");
    }
}
