//! The proof that a change carries: looked up, and put to the rule.

use crate::app::{App, Call, Error};
use countersign_domain::{
    account::Account,
    action::Action,
    authorization::{Accepted, Attestation, Proof, authorize},
    change::Spend,
    id::ApprovalId,
    refusal::Refusal,
    ticket::{Ticket, TicketFor},
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
    /// The ticket of a sign-in that waits for an enrolment.
    Ticket(Ticket),
}

impl App {
    /// Whether the policy permits `action`, whatever the user proves.
    pub(super) fn permit(
        &self,
        account: &Account,
        action: &Action,
        now: Timestamp,
    ) -> Result<(), Error> {
        let profile = self.on_file(account)?.profile;
        let rules = self.policy(account).rules;
        Ok(rules.permit(action, account, &profile, now)?)
    }

    /// Accepts the proof for `action`, if the policy permits that, to be used up with the change, or says what would do.
    pub(super) async fn authorize(
        &self,
        call: &Call,
        account: &Account,
        action: &Action,
        given: &GivenProof,
        now: Timestamp,
    ) -> Result<Spend, Error> {
        self.permit(account, action, now)?;
        let accepted = self.accept(call, account, action, given, now).await?;
        let spend = Spend::of(&accepted, &call.caller.name);
        Ok(spend.ok_or(Refusal::AuthorizationNotAccepted)?)
    }

    /// Accepts the proof for `action`, or says what would do.
    pub(super) async fn accept(
        &self,
        call: &Call,
        account: &Account,
        action: &Action,
        given: &GivenProof,
        now: Timestamp,
    ) -> Result<Accepted, Error> {
        let policy = self.policy(account);
        let proof = match given {
            GivenProof::None => Proof::None,
            GivenProof::Attestation(word) => Proof::Attestation(word.clone()),
            GivenProof::Approval(id) => Proof::Approval(
                self.accounts()
                    .approval(&call.who, *id)
                    .await?
                    .map(Box::new),
            ),
            GivenProof::Ticket(given) => {
                let made = self.ticket(call, account, given.expires_at());
                Proof::Ticket(given.is(&made).then(|| given.clone()))
            }
        };
        let accepted = authorize(action, &proof, account, &call.caller, (&policy, now))?;
        Ok(accepted)
    }

    /// The user's right to enrol by this caller, as long as the epoch stands.
    pub(super) fn ticket(&self, call: &Call, account: &Account, expires_at: Timestamp) -> Ticket {
        let of = TicketFor {
            subject: &account.subject,
            caller: &call.caller.name,
            epoch: account.epoch,
            expires_at,
        };
        of.made(|fields| self.parts.keys.request_tag(fields))
    }
}
