//! Authorization of account changes: which proof a change needs (A17, A21).

pub mod action;
pub mod actor;
pub mod caller;
pub mod password;
pub mod proof;
pub mod rejection;
pub mod ticket;

use crate::{
    account::Account,
    authorization::{
        action::Action,
        caller::{Caller, CallerRight},
        proof::{AcceptableProof, AcceptedProof, Attestation, Proof},
        rejection::AuthorizationRejection,
        ticket::EnrollmentTicket,
    },
    challenge::{
        answered_by::AnsweredBy,
        approval::{Approval, ApprovedPurpose},
    },
    method::{Method, MethodKind, MethodStrength},
    policy::{Policy, PolicyRules},
    refusal::Refusal,
    value::time::Timestamp,
};
use std::time::Duration;

/// How far the clock of a caller may be ahead.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(30);

/// Accepts a proof for `action`, or says which proof is needed.
///
/// - The first method that counts needs a ticket, the account password or an attestation.
/// - Without any method, other changes need the account password or an attestation.
/// - With two-factor on, a change needs a step-up for this action with a method that is strong enough.
/// - The approval of a sign-in by recovery or bypass code authorizes one enrollment, that of a recovery code or key
///   instead the removal of one method. While a method removed so keeps its strength, it also authorizes new recovery
///   codes and turning two-factor off.
/// - The approval of a sign-in by a method authorizes trust in devices.
/// - With two-factor on, a password or an attestation suffices only where the policy permits it.
///
/// # Errors
/// [`Refusal`] says which proof is needed.
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
    // Users without a method that counts sign in by the first factor alone, so they can prove no more.
    let is_first = matches!(action, Action::AddMethod(_)) && !account.is_protected(rules);
    let by_first_factor = is_first || !has_methods;
    // While a review is pending, neither a first factor nor an attestation authorizes a change.
    let lets = |opted_in: bool| by_first_factor || (opted_in && !account.pending_review);
    let accepted = match proof {
        Proof::Password if lets(rules.password_permits(action)) => {
            return Ok(AcceptableProof::Password);
        }
        Proof::Ticket(ticket) if is_first => accept_ticket(ticket, now),
        Proof::EndedTicket(why) if is_first => Err(not_accepted(*why)),
        Proof::Attestation(word) if lets(rules.attestation_permits(action)) => {
            accept_attestation(word, action, caller, policy, now)
        }
        Proof::Approval(approval) if has_methods => {
            accept_approval(approval, action, account, caller, policy, now)
        }
        Proof::EndedApproval(why) if has_methods => Err(not_accepted(*why)),
        _ if by_first_factor => Err(Refusal::AttestationRequired),
        _ if account.pending_review => Err(Refusal::WaitsForAdministrator),
        Proof::Ticket(_) => Err(not_accepted(AuthorizationRejection::OtherAction)),
        Proof::EndedTicket(why) => Err(not_accepted(*why)),
        Proof::None
        | Proof::Attestation(_)
        | Proof::Approval(_)
        | Proof::EndedApproval(_)
        | Proof::Password => Err(Refusal::StepUpRequired),
    };
    accepted.map(AcceptableProof::Accepted)
}

fn accept_ticket(ticket: &EnrollmentTicket, now: Timestamp) -> Result<AcceptedProof, Refusal> {
    if now >= ticket.expires_at() {
        return Err(not_accepted(AuthorizationRejection::Expired));
    }
    Ok(AcceptedProof::Ticket)
}

const fn not_accepted(why: AuthorizationRejection) -> Refusal {
    Refusal::AuthorizationNotAccepted(why)
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
    let lifetime = lifetime(approval, action, policy);
    let rejection = approval.rejection(&caller.name, account.epoch, lifetime, now);
    // To everybody but the caller who obtained it, the approval is unknown, whatever the account is like.
    if rejection == Some(AuthorizationRejection::Unknown) {
        return Err(not_accepted(AuthorizationRejection::Unknown));
    }
    // If somebody else removed the methods that count, the remaining ones prove no more than a first factor.
    if account.pending_review && !(by_recovery && action.enrolls()) {
        return Err(Refusal::WaitsForAdministrator);
    }
    if let Some(rejection) = rejection {
        return Err(not_accepted(rejection));
    }
    if !fits(approval, action, account, &policy.rules, now) {
        return Err(not_accepted(AuthorizationRejection::OtherAction));
    }
    let needed = strength_needed(action, account, &policy.rules, now);
    if !by_recovery && approval.answered_by.strength() < needed {
        if is_mailbox_code(approval) && mailbox_suffices(action, account, &policy.rules, now) {
            return Ok(AcceptedProof::MailboxCode(approval.id));
        }
        return Err(Refusal::StrongerMethodRequired);
    }
    if approval.answered_by.is_recovery() && account.has_restricted_recovery(now) {
        return Err(Refusal::RecoveryCodesTooNew);
    }
    Ok(match approval.answered_by {
        AnsweredBy::RecoveryCode | AnsweredBy::RecoveryKey => AcceptedProof::Recovery(approval.id),
        AnsweredBy::BypassCode => AcceptedProof::Bypass(approval.id),
        AnsweredBy::Code(_) | AnsweredBy::Password => AcceptedProof::Approval(approval.id),
    })
}

/// How long an approval authorizes an action.
const fn lifetime(approval: &Approval, action: &Action, policy: &Policy) -> Duration {
    match (&approval.purpose, action) {
        _ if approval.answered_by.is_fallback() => policy.recovery_authorization_lifetime,
        (ApprovedPurpose::SignIn, Action::GenerateRecoveryCodes) => {
            policy.sign_in_authorization_lifetime
        }
        _ => policy.authorization_lifetime,
    }
}

/// Whether it is the approval of a step-up by a code to the mailbox.
const fn is_mailbox_code(approval: &Approval) -> bool {
    matches!(approval.purpose, ApprovedPurpose::StepUp { .. })
        && matches!(approval.answered_by, AnsweredBy::Code(MethodKind::Email))
}

/// Whether a code to the mailbox suffices for the action, though the user has or recently lost a stronger method. While
/// a method removed by recovery code keeps its strength, it does not.
fn mailbox_suffices(
    action: &Action,
    account: &Account,
    rules: &PolicyRules,
    now: Timestamp,
) -> bool {
    rules.mailbox_permits(action) && account.strongest_lost(rules, now).is_none()
}

fn accept_attestation(
    word: &Attestation,
    action: &Action,
    caller: &Caller,
    policy: &Policy,
    now: Timestamp,
) -> Result<AcceptedProof, Refusal> {
    if !caller.may(CallerRight::Attest) {
        return Err(Refusal::AttestationRequired);
    }
    if now.since(word.authenticated_at) > policy.authorization_lifetime {
        return Err(not_accepted(AuthorizationRejection::Expired));
    }
    if word.authenticated_at > now.plus(CLOCK_TOLERANCE) {
        return Err(not_accepted(AuthorizationRejection::FromTheFuture));
    }
    if word.action != *action {
        return Err(not_accepted(AuthorizationRejection::OtherAction));
    }
    Ok(AcceptedProof::Attestation(word.id.clone()))
}

fn fits(
    approval: &Approval,
    action: &Action,
    account: &Account,
    rules: &PolicyRules,
    now: Timestamp,
) -> bool {
    match &approval.purpose {
        ApprovedPurpose::StepUp {
            action: approved, ..
        } => *approved == action.to_string(),
        ApprovedPurpose::SignIn => match approval.answered_by {
            AnsweredBy::RecoveryCode | AnsweredBy::RecoveryKey => {
                recovery_fits(action, account, now)
            }
            AnsweredBy::BypassCode => action.enrolls(),
            AnsweredBy::Code(_) => match action {
                Action::TrustDevice(_) => true,
                Action::GenerateRecoveryCodes => rules.sign_in_authorizes_recovery_codes,
                _ => false,
            },
            AnsweredBy::Password => matches!(action, Action::TrustDevice(_)),
        },
        ApprovedPurpose::VerifyEmail
        | ApprovedPurpose::Enrollment
        | ApprovedPurpose::Reset
        | ApprovedPurpose::Change { .. } => false,
    }
}

/// Whether a sign-in by recovery code or key authorizes the action.
fn recovery_fits(action: &Action, account: &Account, now: Timestamp) -> bool {
    match action {
        Action::AddMethod(_) | Action::ReplaceMethod(..) | Action::RemoveMethod(_) => true,
        Action::GenerateRecoveryCodes | Action::DisableTwoFactor => account.has_lost_method(now),
        Action::SetDefaultMethod(_) | Action::TrustDevice(_) | Action::Caller(_) => false,
    }
}

/// Refuses a step-up by a method whose approval would be too weak for the action, as the change would.
///
/// # Errors
/// [`Refusal::StrongerMethodRequired`].
pub fn check_step_up(
    action: &Action,
    method: &Method,
    account: &Account,
    rules: &PolicyRules,
    now: Timestamp,
) -> Result<(), Refusal> {
    let by_mailbox =
        method.kind == MethodKind::Email && mailbox_suffices(action, account, rules, now);
    let needed = strength_needed(action, account, rules, now);
    if !by_mailbox && Some(method.kind.strength()) < needed {
        return Err(Refusal::StrongerMethodRequired);
    }
    Ok(())
}

/// The strength that a step-up for `action` needs. To enroll a method it is that of the strongest enrolled one, even if
/// disabled. Otherwise an attacker with the weakest method could add a stronger one and remove the others. To remove a
/// method, one at least as strong is needed. Methods that the policy does not allow are ignored.
///
/// A method that was removed by recovery code counts for 72 hours more, also for the removal of the last method, which
/// turns two-factor off.
pub(crate) fn strength_needed(
    action: &Action,
    account: &Account,
    rules: &PolicyRules,
    now: Timestamp,
) -> Option<MethodStrength> {
    let strongest = account.strongest(rules);
    let lost = account.strongest_lost(rules, now);
    match action {
        Action::AddMethod(_)
        | Action::ReplaceMethod(..)
        | Action::GenerateRecoveryCodes
        | Action::DisableTwoFactor => strongest.max(lost),
        Action::RemoveMethod(id) => {
            let goes = account.method(*id).map(|method| method.kind.strength());
            let needed = goes.min(strongest);
            if account.ends_with(*id, rules) {
                needed.max(lost)
            } else {
                needed
            }
        }
        // A trusted device skips later sign-ins, so trust needs the strength of a sign-in.
        Action::TrustDevice(_) => Some(rules.sign_in_strength),
        Action::SetDefaultMethod(_) | Action::Caller(_) => None,
    }
}

#[cfg(test)]
mod tests;
