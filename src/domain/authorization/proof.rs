//! What a caller brings to prove that a change is permitted, and what became of it.

use crate::{
    authorization::{action::Action, ticket::EnrollmentTicket},
    challenge::approval::Approval,
    value::{
        id::{ApprovalId, AttestationId},
        time::Timestamp,
    },
};

/// What a caller brings.
#[derive(Debug, Clone)]
pub enum Proof {
    /// Nothing.
    None,
    /// An approval, as the store has it; nothing if it has none of that id.
    Approval(Option<Box<Approval>>),
    /// The caller's word for a fresh first factor.
    Attestation(Attestation),
    /// A ticket; nothing if it is none of this user's, this caller's and this epoch's.
    Ticket(Option<EnrollmentTicket>),
    /// The account password, not looked at yet.
    Password,
}

/// A caller's word for a fresh first factor.
#[derive(Debug, Clone)]
pub struct Attestation {
    /// Accepted once.
    pub id: AttestationId,
    /// When the first factor was passed.
    pub authenticated_at: Timestamp,
    /// What it was passed for.
    pub action: Action,
}

/// A proof that would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AcceptableProof {
    /// This one does.
    Accepted(AcceptedProof),
    /// The account password, once it is found to match: the approval of that is what does.
    Password,
}

/// A proof that was accepted. It is spent in the transaction of the change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AcceptedProof {
    /// This approval, once.
    Approval(ApprovalId),
    /// This approval, once, of a sign-in by a recovery code or key, which said that the methods are lost.
    Recovery(ApprovalId),
    /// This approval, once, of a sign-in by an administrator's bypass code, which said the same.
    Bypass(ApprovalId),
    /// This attestation, once.
    Attestation(AttestationId),
    /// A ticket. The method that it lets in makes the epoch grow, and so uses it up.
    Ticket,
}
