//! Checks the proof that authorizes a change: loads it, applies the domain rule, and verifies a password last.

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
        rejection::AuthorizationRejection,
        ticket::EnrollmentTicket,
    },
    refusal::Refusal,
    value::id::ApprovalId,
};

/// The proof that a call submits for a change.
#[derive(Debug, Clone)]
pub enum SubmittedProof {
    /// The call has no proof.
    None,
    /// The id of an approval.
    Approval(ApprovalId),
    /// The caller's statement that the user recently passed a first factor.
    Attestation(Attestation),
    /// The ticket of a sign-in that requires enrollment.
    Ticket(EnrollmentTicket),
    /// The account password.
    Password(Password),
}

/// A proof of the right kind. An account password still has to be verified.
pub(super) enum AdmittedProof<'a> {
    Accepted(AcceptedProof),
    Password(&'a Password),
}

impl AdmittedProof<'_> {
    /// Whether it is a sign-in by recovery code or key, which implies that methods are lost.
    pub(super) const fn is_recovery(&self) -> bool {
        matches!(self, Self::Accepted(AcceptedProof::Recovery(_)))
    }
}

/// Decides whether a proof authorizes a change.
pub(super) struct Authorization {
    pub(super) tickets: EnrollmentTickets,
    /// `None` if no password service is configured.
    pub(super) passwords: Option<PasswordProofs>,
}

/// Fails if the policy forbids `action`, whatever proof the user has.
pub(super) fn permit(context: &RequestContext, action: &Action) -> Result<(), Error> {
    let user = &context.user;
    let rules = &user.policy.rules;
    Ok(rules.permit(action, &user.account, user.profile(), context.now)?)
}

/// What the change uses up. A ticket is used up by the enrollment of a method only.
pub(super) fn consumed_by_change(
    context: &RequestContext,
    accepted: &AcceptedProof,
) -> Result<ConsumedProof, Error> {
    let consumed_proof = ConsumedProof::of(accepted, &context.call.caller.name);
    let not_accepted = Refusal::AuthorizationNotAccepted(AuthorizationRejection::OtherAction);
    Ok(consumed_proof.ok_or(not_accepted)?)
}

impl Authorization {
    /// Checks that the policy permits `action` and that the proof authorizes it. Returns the proof that the change
    /// consumes.
    ///
    /// Call this after all other checks of the change, so that no password attempt is charged for a change that would
    /// fail.
    pub(super) async fn authorize(
        &self,
        context: &RequestContext,
        action: &Action,
        given: &SubmittedProof,
    ) -> Result<ConsumedProof, Error> {
        let accepted = self.accept(context, action, given).await?;
        consumed_by_change(context, &accepted)
    }

    /// Like [`Self::authorize`], but returns the accepted proof, for changes that depend on its kind.
    pub(super) async fn accept(
        &self,
        context: &RequestContext,
        action: &Action,
        given: &SubmittedProof,
    ) -> Result<AcceptedProof, Error> {
        permit(context, action)?;
        let admitted = self.admit(context, action, given)?;
        self.redeem(context, action, admitted).await
    }

    /// Checks whether the proof is of a kind that authorizes `action`. Verifies no password.
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
                let approval = account.approval(*id).cloned().map(Box::new);
                approval.map_or_else(
                    || Proof::EndedApproval(account.rejection_of(*id, &call.caller.name, *now)),
                    Proof::Approval,
                )
            }
            SubmittedProof::Ticket(given) => self.tickets.proof(context, given),
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
            (AcceptableProof::Password, ..) => Err(Error::Defect("the proof has no password")),
        }
    }

    /// Returns the accepted proof. A password is verified here and becomes an approval.
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
