//! The proof that a change carries: looked up, put to the rule, and, last of all, looked at where it is a password.

use crate::app::{App, Call, Error};
use countersign_domain::{
    account::Account,
    action::Action,
    authorization::{Accepted, Admissible, Attestation, Proof, authorize},
    change::Spend,
    id::ApprovalId,
    password::Password,
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
    /// The account password.
    Password(Password),
}

/// A proof that lets the change happen, or does so once it is found to be right.
pub(super) enum Admitted<'a> {
    Accepted(Accepted),
    Password(&'a Password),
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

    /// Accepts the proof for `action`, if the policy permits that, to be used up with the change, or says what would do. A
    /// change comes here when all else of it was found to be in order: nobody is charged for a password that would have
    /// changed nothing.
    pub(super) async fn authorize(
        &self,
        call: &Call,
        account: &Account,
        action: &Action,
        given: &GivenProof,
        now: Timestamp,
    ) -> Result<Spend, Error> {
        self.permit(account, action, now)?;
        let admitted = self.admit(call, account, action, given, now)?;
        let accepted = self.redeem(call, account, (action, admitted), now).await?;
        let spend = Spend::of(&accepted, &call.caller.name);
        Ok(spend.ok_or(Refusal::AuthorizationNotAccepted)?)
    }

    /// Whether a proof would do. No password is looked at.
    pub(super) fn admit<'a>(
        &self,
        call: &Call,
        account: &Account,
        action: &Action,
        given: &'a GivenProof,
        now: Timestamp,
    ) -> Result<Admitted<'a>, Error> {
        let proof = match given {
            GivenProof::None => Proof::None,
            GivenProof::Attestation(word) => Proof::Attestation(word.clone()),
            GivenProof::Password(_) => Proof::Password,
            GivenProof::Approval(id) => {
                Proof::Approval(account.approval(*id).cloned().map(Box::new))
            }
            GivenProof::Ticket(given) => {
                let made = self.ticket(call, account, given.expires_at());
                Proof::Ticket(given.is(&made).then(|| given.clone()))
            }
        };
        let policy = self.policy(account);
        let admissible = authorize(action, &proof, account, &call.caller, (&policy, now))?;
        match (admissible, given, &self.parts.passwords) {
            (Admissible::Accepted(accepted), ..) => Ok(Admitted::Accepted(accepted)),
            (Admissible::Password, GivenProof::Password(password), Some(_)) => {
                Ok(Admitted::Password(password))
            }
            (Admissible::Password, GivenProof::Password(_), None) => {
                Err(Refusal::NoPasswordService.into())
            }
            (Admissible::Password, ..) => Err(Error::Defect("a password that nobody brought")),
        }
    }

    /// What lets the change happen: of a password, the approval that it becomes.
    pub(super) async fn redeem(
        &self,
        call: &Call,
        account: &Account,
        (action, admitted): (&Action, Admitted<'_>),
        now: Timestamp,
    ) -> Result<Accepted, Error> {
        match admitted {
            Admitted::Accepted(accepted) => Ok(accepted),
            Admitted::Password(password) => {
                let asked = (action, password);
                let approval = self.approve_by_password(call, account, asked, now).await?;
                Ok(Accepted::Approval(approval))
            }
        }
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
