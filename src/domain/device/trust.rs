//! Device trust: which devices may skip the second factor, and how a presented token is recognized.

use super::{Device, DeviceToken};
use crate::{
    policy::{MethodKinds, PolicyRules},
    value::{epoch::Epoch, time::Timestamp},
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Whether a device may skip the second factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceTrust {
    /// The device was never trusted.
    Never,
    /// Trusted for a time, and only in one credential epoch.
    Given {
        /// When trust was given.
        at: Timestamp,
        /// When trust expires.
        until: Timestamp,
        /// The user's credential epoch when trust was given.
        epoch: Epoch,
    },
    /// The user withdrew trust. Only the user can give it again.
    Withdrawn,
}

/// The policy's terms for trusted devices, fixed in a challenge at issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceTrustTerms {
    /// How long trust lasts.
    pub lifetime: Duration,
    /// Whether the tenant's mobile app is trusted without asking.
    pub mobile: bool,
    /// The kinds that a trusted device must have answered with: those that count for a sign-in.
    pub proofs: MethodKinds,
}

/// How a client at a sign-in is recognized by its token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceRecognition<'a> {
    /// The client has no token, or an unknown one.
    Stranger,
    /// A known device that must complete the second factor.
    Recognized(&'a Device),
    /// A device that may skip the second factor.
    Trusted(&'a Device),
    /// The token of a trusted device was presented after a later one of its series: one of the two clients has a copy.
    Reused(&'a Device),
}

impl DeviceTrustTerms {
    /// The terms under the rules; `None` if no device can be trusted.
    #[must_use]
    pub fn of(rules: &PolicyRules) -> Option<Self> {
        if !rules.trusted_devices || rules.challenge_every_sign_in {
            return None;
        }
        Some(Self {
            lifetime: rules.trust_lifetime,
            mobile: rules.mobile_trusted_automatically,
            proofs: rules
                .allowed_kinds
                .iter()
                .filter(|kind| kind.strength() >= rules.sign_in_strength)
                .collect(),
        })
    }
}

impl Device {
    /// When trust in the device ends; `None` if it is not trusted now. A stricter policy also limits trust given
    /// earlier.
    #[must_use]
    pub fn trusted_until(
        &self,
        terms: Option<DeviceTrustTerms>,
        epoch: Epoch,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let terms = terms?;
        let DeviceTrust::Given {
            at,
            until,
            epoch: given_in,
        } = self.trust
        else {
            return None;
        };
        let until = until.min(at.plus(terms.lifetime));
        let proved = terms.proofs.contain(self.proved_by);
        (given_in == epoch && proved && now < until).then_some(until)
    }
}

/// Recognizes a client by the token that it presents at a sign-in, in this credential epoch. An old token of an
/// untrusted device proves nothing and raises no security alert, because it gives no access.
#[must_use]
pub fn recognize_device<'a>(
    token: Option<&DeviceToken>,
    devices: &'a [Device],
    terms: Option<DeviceTrustTerms>,
    epoch: Epoch,
    now: Timestamp,
) -> DeviceRecognition<'a> {
    let Some(token) = token else {
        return DeviceRecognition::Stranger;
    };
    let (hash, series) = (token.hash(), token.series());
    let is_trusted = |device: &&Device| device.trusted_until(terms, epoch, now).is_some();
    if let Some(device) = devices.iter().find(|device| device.holds(hash)) {
        return if is_trusted(&device) {
            DeviceRecognition::Trusted(device)
        } else {
            DeviceRecognition::Recognized(device)
        };
    }
    let copied = devices.iter().find(|device| device.series == series);
    copied
        .filter(is_trusted)
        .map_or(DeviceRecognition::Stranger, DeviceRecognition::Reused)
}

#[cfg(test)]
mod tests;
