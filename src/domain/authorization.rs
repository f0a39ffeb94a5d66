//! Which proof lets a change happen (A17, A21): one rule for all changes.

use crate::{
    account::Account,
    action::Action,
    approval::{AnsweredBy, Approval, ApprovedPurpose},
    caller::{Caller, Right},
    id::{ApprovalId, AttestationId},
    method::Strength,
    policy::Policy,
    refusal::Refusal,
    time::Timestamp,
};
use std::time::Duration;

/// What a caller brings.
#[derive(Debug, Clone)]
pub enum Proof {
    /// Nothing.
    None,
    /// An approval, as the store has it; nothing if it has none of that id.
    Approval(Option<Box<Approval>>),
    /// The caller's word for a fresh first factor.
    Attestation(Attestation),
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

/// A proof that was accepted. It is spent in the transaction of the change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Accepted {
    /// This approval, once.
    Approval(ApprovalId),
    /// This attestation, once.
    Attestation(AttestationId),
}

/// A clock of a caller may be this far ahead of ours.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(30);

/// Accepts a proof for `action`, or says what would do. With two-factor off, the caller's word; with two-factor on,
/// a step-up for this very action by a method that is strong enough for it, or, for one enrolment, a sign-in by
/// recovery code.
///
/// # Errors
/// What would do.
pub fn authorize(
    action: &Action,
    proof: &Proof,
    account: &Account,
    caller: &Caller,
    (policy, now): (&Policy, Timestamp),
) -> Result<Accepted, Refusal> {
    if !account.two_factor_enabled() {
        return match proof {
            Proof::Attestation(word) => accept_attestation(word, action, caller, policy, now),
            Proof::None | Proof::Approval(_) => Err(Refusal::AttestationRequired),
        };
    }
    let approval = match proof {
        Proof::Approval(Some(approval)) => approval,
        Proof::Approval(None) => return Err(Refusal::AuthorizationNotAccepted),
        Proof::None | Proof::Attestation(_) => return Err(Refusal::StepUpRequired),
    };
    let by_recovery = approval.answered_by == AnsweredBy::RecoveryCode;
    let life = if by_recovery {
        policy.recovery_authorization_life
    } else {
        policy.authorization_life
    };
    if !approval.is_live(&caller.name, account.epoch, life, now) || !fits(approval, action) {
        return Err(Refusal::AuthorizationNotAccepted);
    }
    if !by_recovery && approval.answered_by.strength() < strength_needed(action, account) {
        return Err(Refusal::StrongerMethodRequired);
    }
    Ok(Accepted::Approval(approval.id))
}

fn accept_attestation(
    word: &Attestation,
    action: &Action,
    caller: &Caller,
    policy: &Policy,
    now: Timestamp,
) -> Result<Accepted, Refusal> {
    let fresh = now.since(word.authenticated_at) <= policy.authorization_life
        && word.authenticated_at <= now.plus(CLOCK_TOLERANCE);
    if !caller.may(Right::Attest) {
        return Err(Refusal::AttestationRequired);
    }
    if !fresh || word.action != *action {
        return Err(Refusal::AuthorizationNotAccepted);
    }
    Ok(Accepted::Attestation(word.id.clone()))
}

fn fits(approval: &Approval, action: &Action) -> bool {
    match &approval.purpose {
        ApprovedPurpose::StepUp {
            action: approved, ..
        } => *approved == action.to_string(),
        ApprovedPurpose::SignIn => {
            let enrols = matches!(action, Action::AddMethod(_) | Action::ReplaceMethod(..));
            approval.answered_by == AnsweredBy::RecoveryCode && enrols
        }
        ApprovedPurpose::VerifyEmail | ApprovedPurpose::Enrollment => false,
    }
}

/// What brings a way in needs the strongest method that is enrolled, disabled or not: else whoever holds the weakest
/// would add a stronger one of their own, and remove the rest with it. What goes needs one at least as strong.
fn strength_needed(action: &Action, account: &Account) -> Option<Strength> {
    let strengths = account.methods.iter().map(|method| method.kind.strength());
    match action {
        Action::AddMethod(_) | Action::ReplaceMethod(..) | Action::GenerateRecoveryCodes => {
            strengths.max()
        }
        Action::RemoveMethod(id) => account.method(*id).map(|method| method.kind.strength()),
        Action::SetDefaultMethod(_) | Action::Caller(_) => None,
    }
}

#[cfg(test)]
mod tests;
