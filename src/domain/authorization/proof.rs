//! The proof of a caller that a change is permitted, and the result of its check.

use crate::{
    authorization::{action::Action, rejection::AuthorizationRejection, ticket::EnrollmentTicket},
    challenge::approval::Approval,
    value::{
        id::{ApprovalId, AttestationId},
        time::Timestamp,
    },
};

/// The proof in a request.
#[derive(Debug, Clone)]
pub enum Proof {
    /// No proof.
    None,
    /// The stored approval.
    Approval(Box<Approval>),
    /// The id of an approval that the account does not have, and why.
    EndedApproval(AuthorizationRejection),
    /// An attestation of a recent first factor.
    Attestation(Attestation),
    /// A ticket for this user, caller and epoch.
    Ticket(EnrollmentTicket),
    /// Another ticket, and why it authorizes nothing.
    EndedTicket(AuthorizationRejection),
    /// The account password, not verified yet.
    Password,
}

/// A caller's statement that the user passed a first factor recently.
#[derive(Debug, Clone)]
pub struct Attestation {
    /// The id. Each attestation is accepted once.
    pub id: AttestationId,
    /// When the user passed the first factor.
    pub authenticated_at: Timestamp,
    /// The action for which they passed it.
    pub action: Action,
}

/// A proof that suffices for the change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AcceptableProof {
    /// This proof is accepted.
    Accepted(AcceptedProof),
    /// The account password, once it is verified. The approval of that verification is then the accepted proof.
    Password,
}

/// An accepted proof. The transaction of the change uses it up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AcceptedProof {
    /// An approval.
    Approval(ApprovalId),
    /// The approval of a sign-in by recovery code or key, which implies that the methods are lost.
    Recovery(ApprovalId),
    /// The approval of a sign-in by bypass code, which implies the same.
    Bypass(ApprovalId),
    /// The approval of a step-up by e-mail, which is weaker than the user's strongest method and suffices by policy.
    MailboxCode(ApprovalId),
    /// An attestation.
    Attestation(AttestationId),
    /// A ticket. The method that it adds makes the epoch grow, which uses the ticket up.
    Ticket,
}

impl AcceptedProof {
    /// The name in audit events.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Approval(_) => "APPROVAL",
            Self::Recovery(_) => "RECOVERY",
            Self::Bypass(_) => "BYPASS",
            Self::MailboxCode(_) => "MAILBOX_CODE",
            Self::Attestation(_) => "ATTESTATION",
            Self::Ticket => "TICKET",
        }
    }
}
