//! Values as the scripts read them: packed one after the other, numbers with the highest byte first. `shared/layout.lua`
//! has the formats.

use countersign_domain::{
    account::change::FailedAttempt,
    device::DeviceTokenHash,
    limits::{
        budget::{AttemptClass, RateLimitWindows},
        user_throttle::{AttemptRequest, ChallengeOpening, SendCharge},
    },
    value::time::{Timestamp, millis},
};
use data_encoding::HEXLOWER;
use std::time::Duration;

/// Values one after the other.
#[derive(Default)]
struct PackedValues(Vec<u8>);

impl PackedValues {
    fn byte(mut self, byte: u8) -> Self {
        self.0.push(byte);
        self
    }

    fn count(self, count: u32) -> Self {
        self.bytes(&count.to_be_bytes())
    }

    /// A double, as all numbers of Lua are.
    #[expect(
        clippy::cast_precision_loss,
        reason = "milliseconds are whole numbers below 2^53 for 280,000 years"
    )]
    fn instant(self, at: Timestamp) -> Self {
        self.bytes(&(at.millis() as f64).to_be_bytes())
    }

    fn span(self, span: Duration) -> Self {
        self.count(u32::try_from(millis(span)).unwrap_or(u32::MAX))
    }

    fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// Bytes after their number.
    fn text(self, text: &[u8]) -> Self {
        let length = u32::try_from(text.len()).expect("no value has 4 GiB");
        self.count(length).bytes(text)
    }

    fn windows(self, windows: &RateLimitWindows) -> Self {
        let RateLimitWindows { short, long } = windows;
        let short = self.count(short.count).span(short.within);
        short.count(long.count).span(long.within)
    }
}

/// What is frozen when a challenge is opened.
pub(super) fn frozen(opening: &ChallengeOpening) -> Vec<u8> {
    let device = opening.device.as_ref().map(DeviceTokenHash::as_bytes);
    let (sends_at_most, destination, send) = match &opening.send {
        None => (0, String::new(), Vec::new()),
        Some(send) => (
            send.per_challenge,
            HEXLOWER.encode(&send.destination.0),
            limits_and_waits(send),
        ),
    };
    let sealed = opening.sealed.as_bytes();
    let mut packed = PackedValues(Vec::with_capacity(256 + sealed.len()))
        .instant(opening.now)
        .instant(opening.expires_at)
        .byte(opening.attempts)
        .byte(u8::from(opening.enrollment))
        .count(sends_at_most)
        .text(opening.caller.as_str().as_bytes())
        .text(device.map_or(&[], |token| &token[..]))
        .text(destination.as_bytes())
        .text(&send)
        .text(sealed);
    for class in AttemptClass::ALL {
        packed = packed.windows(&opening.wrong_codes.of(class));
    }
    packed.0
}

/// An attempt that is about to be judged.
pub(super) fn attempt(attempt: &AttemptRequest) -> Vec<u8> {
    let device = attempt.device.as_ref().map(DeviceTokenHash::as_bytes);
    PackedValues(Vec::with_capacity(128))
        .instant(attempt.now)
        .byte(u8::from(attempt.recovery))
        .bytes(attempt.challenge.as_bytes())
        .bytes(attempt.attempt_id.as_bytes())
        .text(attempt.caller.as_str().as_bytes())
        .text(device.map_or(&[], |token| &token[..]))
        .text(attempt.payload.as_ref().map_or(&[], |payload| &payload[..]))
        .0
}

/// Attempts that failed, as they stand in the log of charged ones.
pub(super) fn failures(failures: &[FailedAttempt]) -> Vec<u8> {
    let mut packed = PackedValues::default();
    for failure in failures {
        packed = packed
            .instant(failure.at)
            .byte(failure.class.number())
            .bytes(failure.challenge.as_bytes())
            .bytes(failure.attempt_id.as_bytes());
    }
    packed.0
}

pub(super) fn limits(windows: &RateLimitWindows) -> Vec<u8> {
    PackedValues::default().windows(windows).0
}

pub(super) fn limits_and_waits(send: &SendCharge) -> Vec<u8> {
    let [first, second, third] = send.waits;
    let limits = PackedValues::default().windows(&send.windows);
    let waits = limits.span(first).span(second).span(third);
    let approved = waits.windows(&send.approved);
    approved.byte(u8::from(send.known_device)).0
}
