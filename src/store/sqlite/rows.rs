//! Rows as statements read them: each list of columns with what reads it.

use crate::store::record::rows::{AccountRow, NoticeRow, Projections};
use countersign_domain::audit_event::StoredAuditEvent;

/// The columns of [`account_row`].
pub(super) const ACCOUNT: &str = "a.tenant_id, a.user_id, a.skeleton, a.exact_id, a.version, a.form, a.key_id, a.record, a.email_tag,
    a.methods, a.last_failure_at";

/// A row of [`ACCOUNT`], without its profile.
pub(super) fn account_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<AccountRow> {
    Ok(AccountRow {
        tenant_id: row.get(0)?,
        user_id: row.get(1)?,
        skeleton: row.get(2)?,
        exact_id: row.get(3)?,
        version: row.get(4)?,
        form: row.get(5)?,
        key_id: row.get(6)?,
        record: row.get(7)?,
        profile: Vec::new(),
        projections: Projections {
            email_tag: row.get(8)?,
            methods: row.get(9)?,
            last_failure_at: row.get(10)?,
        },
    })
}

/// A row of [`ACCOUNT`] with its profile, in this column.
pub(super) fn with_profile(
    row: &rusqlite::Row<'_>,
    profile: usize,
) -> rusqlite::Result<AccountRow> {
    Ok(AccountRow {
        profile: row.get(profile)?,
        ..account_row(row)?
    })
}

/// The columns of [`event_row`].
pub(super) const EVENT: &str =
    "position, event_id, tenant_id, subject, kind, caller, at, details, personal";

/// A row of [`EVENT`].
pub(super) fn event_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<StoredAuditEvent> {
    Ok(StoredAuditEvent {
        row: row.get(0)?,
        id: row.get(1)?,
        tenant: row.get(2)?,
        subject: row.get(3)?,
        kind: row.get(4)?,
        caller: row.get(5)?,
        at: row.get(6)?,
        details: row.get(7)?,
        personal: row.get(8)?,
    })
}

/// The columns of [`notice_row`].
pub(super) const NOTICE: &str =
    "position, notice_id, subject, channel, sealed, attempts, queued_at, dead_at, death";

/// A row of [`NOTICE`].
pub(super) fn notice_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<NoticeRow> {
    Ok(NoticeRow {
        position: row.get(0)?,
        notice_id: row.get(1)?,
        subject: row.get(2)?,
        channel: row.get(3)?,
        sealed: row.get(4)?,
        attempts: row.get(5)?,
        queued_at: row.get(6)?,
        dead_at: row.get(7)?,
        death: row.get(8)?,
    })
}
