//! Trust: which devices may skip the second factor, and what the token of one that may comes to at a sign-in.

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
    /// Nobody said so.
    Never,
    /// From one instant to another, and no longer than the epoch lasts.
    Given {
        /// When it was given.
        at: Timestamp,
        /// When it ends by itself.
        until: Timestamp,
        /// The user's epoch then.
        epoch: Epoch,
    },
    /// Its user took it back; nobody gives it again but the user.
    Withdrawn,
}

/// What a policy makes of trust, frozen in a challenge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceTrustTerms {
    /// How long trust lives.
    pub lifetime: Duration,
    /// Whether the company's app is trusted without being asked for.
    pub mobile: bool,
    /// What a device has to have answered with: nothing that a sign-in would not be answered with.
    pub proofs: MethodKinds,
}

/// What a client is that shows a token, or none, at a sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceRecognition<'a> {
    /// Nobody that is known.
    Stranger,
    /// A device that has to answer like everybody.
    Recognized(&'a Device),
    /// A device that may skip the second factor.
    Trusted(&'a Device),
    /// Somebody with a token of a trusted device whose successor was seen: it was copied, by them or from them.
    Reused(&'a Device),
}

impl DeviceTrustTerms {
    /// What the rules make of trust; nothing where there is none.
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
    /// When trust in it ends, if it is trusted now. A policy that became stricter holds for trust that was given before.
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

/// What a client is that shows `token` at the sign-in of a user with these devices, at this epoch. Of a device that is
/// not trusted an old token proves nothing, and is no alert: nothing is to be had by it.
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
