//! Codes of an authenticator app, by a TOTP of our own, and the clock that they go by.

use crate::BenchResult;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// When every code that a user was enrolled with is two steps old, in seconds since 1970.
pub(crate) fn step_after_next() -> BenchResult<i64> {
    Ok((unix_seconds()? / 30 + 2) * 30)
}

/// Waits until an instant, in seconds since 1970.
pub(crate) async fn wait_for(seconds: i64) -> BenchResult<()> {
    while unix_seconds()? < seconds {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

pub(crate) fn unix_seconds() -> BenchResult<i64> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH)?;
    Ok(i64::try_from(since.as_secs())?)
}

/// RFC 6238, six digits of SHA-1.
pub(crate) fn totp(secret: &[u8], step: u64) -> BenchResult<String> {
    let mut mac = Hmac::<Sha1>::new_from_slice(secret)?;
    mac.update(&step.to_be_bytes());
    let digest = mac.finalize().into_bytes();
    let offset = usize::from(digest.last().ok_or("an empty digest")? & 0xf);
    let word = digest
        .iter()
        .skip(offset)
        .take(4)
        .fold(0, |word, byte| word << 8 | u32::from(*byte));
    Ok(format!("{:06}", (word & 0x7fff_ffff) % 1_000_000))
}
