//! What no rule asks for any more, a bounded count of rows at a time: however much has gathered, each statement ends soon
//! and lets go of what it locked.

use crate::store::sql::Statement;
use countersign_domain::{reset::QUIET_AFTER_CANCEL, revert::REVERT_LIFE, time::Timestamp};
use std::time::Duration;

/// How many rows one statement deletes at most; one that deletes as many is carried out again.
pub(in crate::store) const AT_ONCE: u64 = 1_000;

/// How often a statement is carried out in one sweep at most. The next sweep goes on.
pub(in crate::store) const ROUNDS: u32 = 100;

/// The statements, each to be carried out by itself.
pub(in crate::store) fn statements(now: Timestamp) -> [Statement; 8] {
    let older = |sql, age: Duration| {
        let at_once = AT_ONCE.cast_signed().into();
        Statement::new(sql, [now.minus(age).into(), at_once])
    };
    [
        older(
            "DELETE FROM failures WHERE (tenant_id, user_id, challenge_id, guess_id) IN (
                 SELECT tenant_id, user_id, challenge_id, guess_id FROM failures WHERE at < $1 LIMIT $2)",
            Duration::from_hours(48),
        ),
        older(
            "DELETE FROM receipts WHERE tag IN (SELECT tag FROM receipts WHERE at < $1 LIMIT $2)",
            Duration::from_mins(11),
        ),
        older(
            "DELETE FROM attestations WHERE (caller, attestation_id) IN (
                 SELECT caller, attestation_id FROM attestations WHERE at < $1 LIMIT $2)",
            Duration::from_hours(1),
        ),
        older(
            "DELETE FROM ended_challenges WHERE challenge_id IN (
                 SELECT challenge_id FROM ended_challenges WHERE at < $1 LIMIT $2)",
            Duration::from_hours(7 * 24),
        ),
        older(
            "DELETE FROM bypass_codes WHERE (tenant_id, user_id) IN (
                 SELECT tenant_id, user_id FROM bypass_codes WHERE expires_at < $1 LIMIT $2)",
            Duration::from_hours(1),
        ),
        older(
            "DELETE FROM outbox WHERE position IN (SELECT position FROM outbox WHERE dead_at < $1 LIMIT $2)",
            Duration::from_hours(30 * 24),
        ),
        older(
            "DELETE FROM reverts WHERE (tenant_id, user_id, token) IN (
                 SELECT tenant_id, user_id, token FROM reverts WHERE at < $1 LIMIT $2)",
            REVERT_LIFE,
        ),
        older(
            "DELETE FROM resets WHERE (tenant_id, user_id) IN (
                 SELECT tenant_id, user_id FROM resets WHERE ends_at < $1 LIMIT $2)",
            QUIET_AFTER_CANCEL,
        ),
    ]
}
