//! The proof that a change carries: looked up, and put to the rule.

use crate::app::{App, Call, Error};
use countersign_domain::{
    account::Account,
    action::Action,
    authorization::{Attestation, Proof, authorize},
    change::Spend,
    id::ApprovalId,
    time::Timestamp,
};

/// A proof as a call brings it.
#[derive(Debug, Clone)]
pub enum GivenProof {
    /// None.
    None,
    /// An approval's id.
    Approval(ApprovalId),
    /// The caller's word.
    Attestation(Attestation),
}

impl App {
    /// Accepts the proof for `action`, to be used up with the change, or says what would do.
    pub(super) async fn authorize(
        &self,
        call: &Call,
        account: &Account,
        action: &Action,
        given: &GivenProof,
        now: Timestamp,
    ) -> Result<Spend, Error> {
        let proof = match given {
            GivenProof::None => Proof::None,
            GivenProof::Attestation(word) => Proof::Attestation(word.clone()),
            GivenProof::Approval(id) => Proof::Approval(
                self.accounts()
                    .approval(&call.who, *id)
                    .await?
                    .map(Box::new),
            ),
        };
        let accepted = authorize(
            action,
            &proof,
            account,
            &call.caller,
            (&self.policy(account), now),
        )?;
        Ok(Spend::of(&accepted, &call.caller.name))
    }
}
