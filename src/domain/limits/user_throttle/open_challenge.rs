//! The counters of one open challenge.

use crate::{
    authorization::caller::CallerName,
    limits::{
        budget::AttemptClass,
        user_throttle::operations::{
            AttemptCharge, AttemptRequest, ChallengeOpening, SupersededChallenge,
        },
    },
    notice::message::DeliveryStatus,
    value::{id::AttemptId, time::Timestamp},
};

#[derive(Debug)]
pub(super) struct OpenChallenge {
    pub(super) opening: ChallengeOpening,
    /// The challenges that were closed for this one.
    pub(super) superseded: Vec<SupersededChallenge>,
    /// Attempts that the replaced challenge had used.
    pub(super) carried: u8,
    pub(super) used: u8,
    pub(super) charged_attempts: Vec<ChargedAttemptEntry>,
    pub(super) sends: u32,
    pub(super) delivery: Option<DeliveryStatus>,
    pub(super) sent_at: Timestamp,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct ChargedAttemptEntry {
    pub(super) attempt_id: AttemptId,
    pub(super) payload: Option<[u8; 16]>,
    pub(super) class: AttemptClass,
    pub(super) at: Timestamp,
    pub(super) attempts_left: u8,
}

impl OpenChallenge {
    pub(super) fn attempts_left(&self) -> u8 {
        self.opening.attempts.saturating_sub(self.used)
    }

    pub(super) fn is_open(&self, caller: &CallerName, now: Timestamp) -> bool {
        self.opening.caller == *caller && now < self.opening.expires_at && self.attempts_left() > 0
    }

    pub(super) fn class_of(&self, attempt: &AttemptRequest) -> AttemptClass {
        let known = attempt.device.is_some() && attempt.device == self.opening.device;
        match (attempt.recovery, known) {
            (true, _) => AttemptClass::Recovery,
            (false, true) => AttemptClass::Known,
            (false, false) => AttemptClass::Unknown,
        }
    }

    pub(super) fn charged(&self, charged_attempt: &ChargedAttemptEntry) -> AttemptCharge {
        AttemptCharge {
            sealed: self.opening.sealed.clone(),
            class: charged_attempt.class,
            at: charged_attempt.at,
            attempts_left: charged_attempt.attempts_left,
            attempts_allowed: self.opening.attempts.saturating_sub(self.carried),
        }
    }
}
