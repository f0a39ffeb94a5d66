//! The proof that a change carries: looked up, put to the rule, and, last of all, looked at where it is a password.

use crate::app::{
    Error, context::RequestContext, method::enrollment_tickets::EnrollmentTickets,
    password::PasswordProofs,
};
use countersign_domain::{
    account::change::ConsumedProof,
    authorization::{
        action::Action,
        authorize,
        password::Password,
        proof::{AcceptableProof, AcceptedProof, Attestation, Proof},
        ticket::EnrollmentTicket,
    },
    refusal::Refusal,
    value::id::ApprovalId,
};

/// A proof as a call brings it.
#[derive(Debug, Clone)]
pub enum SubmittedProof {
    /// None.
    None,
    /// An approval's id.
    Approval(ApprovalId),
    /// The caller's word.
    Attestation(Attestation),
    /// The ticket of a sign-in that waits for an enrollment.
    Ticket(EnrollmentTicket),
    /// The account password.
    Password(Password),
}

/// A proof that lets the change happen, or does so once it is found to be right.
pub(super) enum AdmittedProof<'a> {
    Accepted(AcceptedProof),
    Password(&'a Password),
}

/// Decides whether a proof lets a change happen.
pub(super) struct Authorization {
    pub(super) tickets: EnrollmentTickets,
    /// None where no password service is configured.
    pub(super) passwords: Option<PasswordProofs>,
}

/// Whether the policy permits `action`, whatever the user proves.
pub(super) fn permit(context: &RequestContext, action: &Action) -> Result<(), Error> {
    let user = &context.user;
    let rules = &user.policy.rules;
    Ok(rules.permit(action, &user.account, user.profile(), context.now)?)
}

impl Authorization {
    /// Accepts the proof for `action`, if the policy permits that, to be used up with the change, or says what would do. A
    /// change comes here when all else of it was found to be in order: nobody is charged for a password that would have
    /// changed nothing.
    pub(super) async fn authorize(
        &self,
        context: &RequestContext,
        action: &Action,
        given: &SubmittedProof,
    ) -> Result<ConsumedProof, Error> {
        permit(context, action)?;
        let admitted = self.admit(context, action, given)?;
        let accepted = self.redeem(context, action, admitted).await?;
        let consumed_proof = ConsumedProof::of(&accepted, &context.call.caller.name);
        Ok(consumed_proof.ok_or(Refusal::AuthorizationNotAccepted)?)
    }

    /// Whether a proof would do. No password is looked at.
    pub(super) fn admit<'a>(
        &self,
        context: &RequestContext,
        action: &Action,
        given: &'a SubmittedProof,
    ) -> Result<AdmittedProof<'a>, Error> {
        let RequestContext { call, user, now } = context;
        let account = &user.account;
        let proof = match given {
            SubmittedProof::None => Proof::None,
            SubmittedProof::Attestation(word) => Proof::Attestation(word.clone()),
            SubmittedProof::Password(_) => Proof::Password,
            SubmittedProof::Approval(id) => {
                Proof::Approval(account.approval(*id).cloned().map(Box::new))
            }
            SubmittedProof::Ticket(given) => {
                let expected = self.tickets.ticket(context, given.expires_at());
                Proof::Ticket(given.is(&expected).then(|| given.clone()))
            }
        };
        let admissible = authorize(action, &proof, account, &call.caller, &user.policy, *now)?;
        match (admissible, given, &self.passwords) {
            (AcceptableProof::Accepted(accepted), ..) => Ok(AdmittedProof::Accepted(accepted)),
            (AcceptableProof::Password, SubmittedProof::Password(password), Some(_)) => {
                Ok(AdmittedProof::Password(password))
            }
            (AcceptableProof::Password, SubmittedProof::Password(_), None) => {
                Err(Refusal::NoPasswordService.into())
            }
            (AcceptableProof::Password, ..) => Err(Error::Defect("a password that nobody brought")),
        }
    }

    /// What lets the change happen: of a password, the approval that it becomes.
    pub(super) async fn redeem(
        &self,
        context: &RequestContext,
        action: &Action,
        admitted: AdmittedProof<'_>,
    ) -> Result<AcceptedProof, Error> {
        let password = match admitted {
            AdmittedProof::Accepted(accepted) => return Ok(accepted),
            AdmittedProof::Password(password) => password,
        };
        let passwords = self.passwords.as_ref();
        let passwords = passwords.ok_or(Refusal::NoPasswordService)?;
        let approval = passwords.approve(context, action, password).await?;
        Ok(AcceptedProof::Approval(approval))
    }
}
