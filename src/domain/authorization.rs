//! Which proof lets a change happen (A17, A21): one rule for all changes.

pub mod action;
pub mod actor;
pub mod caller;
pub mod password;
pub mod proof;
pub mod ticket;

use crate::{
    account::Account,
    authorization::{
        action::Action,
        caller::{Caller, CallerRight},
        proof::{AcceptableProof, AcceptedProof, Attestation, Proof},
        ticket::EnrollmentTicket,
    },
    challenge::{
        answered_by::AnsweredBy,
        approval::{Approval, ApprovedPurpose},
    },
    method::MethodStrength,
    policy::{Policy, PolicyRules},
    refusal::Refusal,
    value::time::Timestamp,
};
use std::time::Duration;

/// A clock of a caller may be this far ahead of ours.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(30);

/// Accepts a proof for `action`, or says what would do. For the first method that counts, a ticket, the account password or
/// the caller's word; with two-factor on, a step-up for this very action by a method that is strong enough for it, or, for
/// one enrollment, a sign-in by recovery or bypass code, or, for trust in devices, a sign-in by a method; password and word
/// only where the policy opts in.
///
/// # Errors
/// What would do.
pub fn authorize(
    action: &Action,
    proof: &Proof,
    account: &Account,
    caller: &Caller,
    policy: &Policy,
    now: Timestamp,
) -> Result<AcceptableProof, Refusal> {
    let rules = &policy.rules;
    let has_methods = account.two_factor_enabled();
    // Whoever has no method that counts signs in by the first factor alone, so that is all they can prove.
    let is_first = matches!(action, Action::AddMethod(_)) && !account.is_protected(rules);
    let by_first_factor = is_first || !has_methods;
    // Whoever waits for an administrator is let in by no first factor, nor by anybody's word for one, nor by a method.
    let lets = |opted_in: bool| by_first_factor || (opted_in && !account.pending_review);
    let accepted = match proof {
        Proof::Password if lets(rules.password_permits(action)) => {
            return Ok(AcceptableProof::Password);
        }
        Proof::Ticket(ticket) if is_first => accept_ticket(ticket.as_ref(), now),
        Proof::Attestation(word) if lets(rules.attestation_permits(action)) => {
            accept_attestation(word, action, caller, policy, now)
        }
        Proof::Approval(approval) if has_methods => {
            let approval = approval
                .as_deref()
                .ok_or(Refusal::AuthorizationNotAccepted)?;
            accept_approval(approval, action, account, caller, policy, now)
        }
        _ if by_first_factor => Err(Refusal::AttestationRequired),
        _ if account.pending_review => Err(Refusal::WaitsForAdministrator),
        Proof::Ticket(_) => Err(Refusal::AuthorizationNotAccepted),
        Proof::None | Proof::Attestation(_) | Proof::Approval(_) | Proof::Password => {
            Err(Refusal::StepUpRequired)
        }
    };
    accepted.map(AcceptableProof::Accepted)
}

fn accept_ticket(
    ticket: Option<&EnrollmentTicket>,
    now: Timestamp,
) -> Result<AcceptedProof, Refusal> {
    let live = ticket.filter(|ticket| now < ticket.expires_at());
    live.map(|_| AcceptedProof::Ticket)
        .ok_or(Refusal::AuthorizationNotAccepted)
}

fn accept_approval(
    approval: &Approval,
    action: &Action,
    account: &Account,
    caller: &Caller,
    policy: &Policy,
    now: Timestamp,
) -> Result<AcceptedProof, Refusal> {
    let by_recovery = approval.answered_by.is_fallback();
    // What is left to whom somebody took the methods that count proves no more than a first factor.
    if account.pending_review && !by_recovery {
        return Err(Refusal::WaitsForAdministrator);
    }
    let lifetime = if by_recovery {
        policy.recovery_authorization_life
    } else {
        policy.authorization_lifetime
    };
    if !approval.is_live(&caller.name, account.epoch, lifetime, now) || !fits(approval, action) {
        return Err(Refusal::AuthorizationNotAccepted);
    }
    let needed = strength_needed(action, account, &policy.rules);
    if !by_recovery && approval.answered_by.strength() < needed {
        return Err(Refusal::StrongerMethodRequired);
    }
    Ok(match approval.answered_by {
        AnsweredBy::RecoveryCode | AnsweredBy::RecoveryKey => AcceptedProof::Recovery(approval.id),
        AnsweredBy::BypassCode => AcceptedProof::Bypass(approval.id),
        AnsweredBy::Code(_) | AnsweredBy::Password => AcceptedProof::Approval(approval.id),
    })
}

fn accept_attestation(
    word: &Attestation,
    action: &Action,
    caller: &Caller,
    policy: &Policy,
    now: Timestamp,
) -> Result<AcceptedProof, Refusal> {
    let fresh = now.since(word.authenticated_at) <= policy.authorization_lifetime
        && word.authenticated_at <= now.plus(CLOCK_TOLERANCE);
    if !caller.may(CallerRight::Attest) {
        return Err(Refusal::AttestationRequired);
    }
    if !fresh || word.action != *action {
        return Err(Refusal::AuthorizationNotAccepted);
    }
    Ok(AcceptedProof::Attestation(word.id.clone()))
}

fn fits(approval: &Approval, action: &Action) -> bool {
    match &approval.purpose {
        ApprovedPurpose::StepUp {
            action: approved, ..
        } => *approved == action.to_string(),
        ApprovedPurpose::SignIn if approval.answered_by.is_fallback() => {
            matches!(action, Action::AddMethod(_) | Action::ReplaceMethod(..))
        }
        ApprovedPurpose::SignIn => matches!(action, Action::TrustDevice(_)),
        ApprovedPurpose::VerifyEmail
        | ApprovedPurpose::Enrollment
        | ApprovedPurpose::Reset
        | ApprovedPurpose::Change { .. } => false,
    }
}

/// What brings a way in needs the strongest method that is enrolled, disabled or not: else whoever holds the weakest
/// would add a stronger one of their own, and remove the rest with it. What goes needs one at least as strong. A method
/// that the policy does not allow can prove nothing, so none is asked for its strength.
pub(crate) fn strength_needed(
    action: &Action,
    account: &Account,
    rules: &PolicyRules,
) -> Option<MethodStrength> {
    let strongest = account.strongest(rules);
    match action {
        Action::AddMethod(_)
        | Action::ReplaceMethod(..)
        | Action::GenerateRecoveryCodes
        | Action::DisableTwoFactor => strongest,
        Action::RemoveMethod(id) => {
            let goes = account.method(*id).map(|method| method.kind.strength());
            goes.min(strongest)
        }
        // Trust spares the sign-ins to come their code.
        Action::TrustDevice(_) => Some(rules.sign_in_strength),
        Action::SetDefaultMethod(_) | Action::Caller(_) => None,
    }
}

#[cfg(test)]
mod tests;
