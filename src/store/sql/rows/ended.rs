//! How challenges ended.

use super::{BadRow, Hex, absent_if_empty, one};
use crate::{
    ports::{EndedChallenge, Stored},
    store::sql::unavailable,
};
use countersign_domain::{
    action::TransactionDigest,
    approval::{AnsweredBy, Approval, ApprovedPurpose},
    caller::{Audience, CallerName},
    change::Ending,
    epoch::Epoch,
    id::Subject,
    secret::KeyId,
    settlement::Ended,
    time::Timestamp,
};
use serde::Deserialize;

/// How a challenge ended.
#[derive(Debug, Deserialize)]
pub(super) struct EndedRow {
    challenge_id: Hex,
    caller: String,
    ending: String,
    at: i64,
    #[serde(deserialize_with = "absent_if_empty")]
    approval_id: Option<Hex>,
    #[serde(deserialize_with = "absent_if_empty")]
    guess_id: Option<Hex>,
    #[serde(deserialize_with = "absent_if_empty")]
    payload: Option<Hex>,
    purpose: Option<String>,
    action: Option<String>,
    #[serde(deserialize_with = "absent_if_empty")]
    digest: Option<Hex>,
    answered_by: Option<String>,
    #[serde(deserialize_with = "absent_if_empty")]
    method_id: Option<Hex>,
    audience: Option<String>,
    epoch: Option<i64>,
    key_id: Option<String>,
    #[serde(deserialize_with = "absent_if_empty")]
    device_id: Option<Hex>,
    spent_at: Option<i64>,
}

impl EndedRow {
    /// How it ended.
    pub(super) fn ended(self, store: &'static str, who: &Subject) -> Stored<Ended> {
        self.convert(who).map_err(|bad| unavailable(store, bad))
    }

    /// The challenge that ended.
    pub(super) fn challenge(self, store: &'static str, who: &Subject) -> Stored<EndedChallenge> {
        let id = self.challenge_id.id();
        Ok(EndedChallenge {
            id: id.map_err(|bad| unavailable(store, bad))?,
            caller: CallerName::new(&self.caller),
            at: Timestamp::from_millis(self.at),
            how: self.ended(store, who)?,
        })
    }

    fn convert(self, who: &Subject) -> Result<Ended, BadRow> {
        match Ending::named(&self.ending) {
            Some(ending) => Ok(Ended::Without(ending)),
            None => self
                .approval(who)
                .map(|approval| Ended::Approved(Box::new(approval))),
        }
    }

    fn approval(self, who: &Subject) -> Result<Approval, BadRow> {
        const INCOMPLETE: BadRow = BadRow("an approval with a part missing");
        let digest = self.digest.as_ref().map(Hex::array).transpose()?;
        let purpose = match (self.purpose.as_deref(), self.action) {
            (Some("SIGN_IN"), _) => ApprovedPurpose::SignIn,
            (Some("STEP_UP"), Some(action)) => ApprovedPurpose::StepUp {
                action,
                digest: digest.map(TransactionDigest::from_bytes),
            },
            (Some("VERIFY_EMAIL"), _) => ApprovedPurpose::VerifyEmail,
            (Some("ENROLLMENT"), _) => ApprovedPurpose::Enrollment,
            (Some("RESET"), _) => ApprovedPurpose::Reset,
            (Some("CHANGE"), Some(action)) => ApprovedPurpose::Change { action },
            _ => return Err(BadRow("an unknown purpose")),
        };
        let answered_by = self.answered_by.as_deref().and_then(AnsweredBy::named);
        Ok(Approval {
            id: self.approval_id.ok_or(INCOMPLETE)?.id()?,
            challenge: self.challenge_id.id()?,
            subject: who.clone(),
            caller: CallerName::new(&self.caller),
            guess: self.guess_id.ok_or(INCOMPLETE)?.id()?,
            payload: self.payload.as_ref().map(Hex::array).transpose()?,
            purpose,
            answered_by: answered_by.ok_or(INCOMPLETE)?,
            method: self.method_id.as_ref().map(Hex::id).transpose()?,
            audience: self.audience.as_deref().map(Audience::new),
            epoch: Epoch::from_number(self.epoch.ok_or(INCOMPLETE)?),
            at: Timestamp::from_millis(self.at),
            key: KeyId::new(&self.key_id.ok_or(INCOMPLETE)?),
            device: self.device_id.as_ref().map(Hex::id).transpose()?,
            spent: self.spent_at.is_some(),
        })
    }
}

/// How a challenge ended, and whose it was.
pub(in crate::store) fn ended(
    store: &'static str,
    who: &Subject,
    texts: &[String],
) -> Stored<Option<(CallerName, Ended)>> {
    let row: Option<EndedRow> = one(store, texts)?;
    row.map(|row| Ok((CallerName::new(&row.caller), row.ended(store, who)?)))
        .transpose()
}
