//! Statements of reverts: what makes a change revertible, and what reverts it.

use crate::{
    ports::Committed,
    store::sql::{
        Statement,
        recovery::no_recovery_codes,
        statements::{who, with},
    },
};
use countersign_domain::{
    change::Change,
    device::TokenHash,
    id::Subject,
    revert::{Did, Reverting},
};

/// The statement that lets a token revert a change. The change has moved the revision already.
pub(super) fn revertible(change: &Change, token: TokenHash, did: Did) -> Statement {
    Statement::new(
        "INSERT INTO reverts (tenant_id, user_id, token, did, method_id, at, revision)
         SELECT $1, $2, $3, $4, $5, $6, revision FROM users WHERE tenant_id = $1 AND user_id = $2",
        with(
            &change.subject,
            [
                token.as_bytes().into(),
                did.as_str().into(),
                did.method().into(),
                change.now.into(),
            ],
        ),
    )
}

/// Statements that revert a change and all later ones. What a method that came by recovery codes fell with, or may still
/// fall with, is decided by those codes, whichever change is disclaimed first: its row stays.
pub(super) fn revert(subject: &Subject, reverting: &Reverting) -> Vec<Statement> {
    let Reverting {
        suspends,
        voids_codes,
        forgets_default,
        holds,
        from,
    } = reverting;
    let use_up = Statement::new(
        "DELETE FROM reverts WHERE tenant_id = $1 AND user_id = $2 AND revision >= $3
             AND did <> 'RECOVERED_METHOD'",
        with(subject, [(*from).into()]),
    )
    .or(Committed::ChangedConcurrently);
    let mut statements = vec![use_up];
    statements.extend(suspends.iter().map(|id| {
        Statement::new(
            "UPDATE methods SET suspended = 1 WHERE tenant_id = $1 AND user_id = $2 AND method_id = $3",
            with(subject, [(*id).into()]),
        )
        .or(Committed::ChangedConcurrently)
    }));
    if *voids_codes {
        statements.extend(no_recovery_codes(subject));
    }
    if *forgets_default {
        statements.push(Statement::new(
            "UPDATE users SET default_method = NULL WHERE tenant_id = $1 AND user_id = $2",
            who(subject),
        ));
    }
    if *holds {
        statements.push(Statement::new(
            "UPDATE users SET held = 1 WHERE tenant_id = $1 AND user_id = $2",
            who(subject),
        ));
    }
    statements
}

/// The statement after which no change so far can be reverted.
pub(super) fn none(subject: &Subject) -> Statement {
    Statement::new(
        "DELETE FROM reverts WHERE tenant_id = $1 AND user_id = $2",
        who(subject),
    )
}

/// The statement that ends the wait for an administrator.
pub(super) fn release(subject: &Subject) -> Statement {
    Statement::new(
        "UPDATE users SET held = 0 WHERE tenant_id = $1 AND user_id = $2",
        who(subject),
    )
}
