//! Users of a tenant whose ids have one skeleton.

use countersign_domain::value::id::{UserId, UserIdConflict, UserIdRules};

/// The most users with one skeleton beside whom another one is made.
pub(in crate::store) const MAX_SIBLINGS: u16 = 256;

/// Why the id of a new user is taken; [`MAX_SIBLINGS`] and one more siblings at most were read.
pub(super) fn conflict(
    siblings: &[String],
    user: &UserId,
    rules: UserIdRules,
) -> Option<UserIdConflict> {
    if siblings.len() > usize::from(MAX_SIBLINGS) {
        return Some(UserIdConflict::LooksAlike);
    }
    let siblings = siblings.iter().filter_map(|id| UserId::parse(id).ok());
    let conflicts: Vec<UserIdConflict> = siblings
        .filter_map(|sibling| rules.conflict(user, &sibling))
        .collect();
    let differs_in_case = conflicts.contains(&UserIdConflict::DiffersInCase);
    let plainest = differs_in_case.then_some(UserIdConflict::DiffersInCase);
    plainest.or(conflicts.first().copied())
}
