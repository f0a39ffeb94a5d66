//! What operations write, as statements: one column of values is one array, whatever the count of rows.

use super::{
    connection::{PipelinedConnection, PostgresFailure, PreparedText},
    sql_params::{SqlParam, SqlType},
};
use crate::store::record::rows::{
    AccountRow, AccountWrite, AttestationRow, EndingRow, EventRow, IdempotencyRow, NewAlertRow,
    NewNoticeRow, OperationWrites,
};
use countersign_domain::value::id::{Subject, SubjectTag};
use futures_util::future::{BoxFuture, join_all};
use tokio_postgres::types::ToSql;

/// The one statement of verdicts. It divides by zero, and so undoes the transaction, where a row is not as it was locked.
const UPDATE: &str = include_str!("update.sql");

const INSERT_ACCOUNT: &str =
    "INSERT INTO accounts (tenant_id, user_id, skeleton, exact_id, version, form, key_id, record,
        profile, email_tag, methods, last_failure_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";

/// The user's row is locked for an update of its key, so nobody adds rows for the user meanwhile. Queues are locked before
/// their notices, as a claim locks them.
const DELETE_ACCOUNT: &str =
    "WITH endings AS (DELETE FROM ended_challenges WHERE tenant_id = $1 AND user_id = $2),
        alerts_of_user AS (DELETE FROM alerts WHERE tenant_id = $1 AND user_id = $2),
        queues AS (DELETE FROM outbox_queues WHERE subject = $3 RETURNING 1),
        notices AS (DELETE FROM outbox WHERE subject = $3 AND (SELECT count(*) FROM queues) >= 0),
        answers AS (DELETE FROM idempotency_records WHERE subject = $3 AND has_answer)
    DELETE FROM accounts WHERE tenant_id = $1 AND user_id = $2";

const INSERT_ALERTS: &str = "INSERT INTO alerts (tenant_id, user_id, subject, turn, kind, method_id, method_kind, codes_left, at, due_at)
    SELECT n.*, n.at FROM unnest($1::text[], $2::text[], $3::bytea[], $4::bigint[], $5::text[], $6::bytea[], $7::text[],
        $8::bigint[], $9::bigint[]) AS n (tenant_id, user_id, subject, turn, kind, method_id, method_kind, codes_left, at)";

const INSERT_NOTICES: &str = include_str!("insert_notices.sql");

const INSERT_IDEMPOTENCY: &str =
    "INSERT INTO idempotency_records (key_digest, subject, at, has_answer, record)
    SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::bigint[], $4::boolean[], $5::bytea[])";

const INSERT_ATTESTATIONS: &str = "INSERT INTO attestations (caller, attestation_id, at)
    SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[])";

pub(super) const INSERT_EVENT: &str = "INSERT INTO events (event_id, tenant_id, subject, kind, caller, at, details, personal)
    SELECT * FROM unnest($1::bytea[], $2::text[], $3::bytea[], $4::text[], $5::text[], $6::bigint[], $7::text[], $8::bytea[])";

/// A value of a statement.
type SqlValue<'v> = Box<dyn SqlParam + Send + 'v>;

/// A statement and its values.
pub(super) type BoundStatement<'v> = (&'static str, Vec<SqlValue<'v>>);

/// One column of rows, as an array.
fn column<'v, R, T>(rows: &[R], value: impl Fn(&R) -> T) -> SqlValue<'v>
where
    T: Send + Sync + 'v,
    Vec<T>: SqlType + ToSql,
{
    Box::new(rows.iter().map(value).collect::<Vec<_>>())
}

/// Carries out what operations write and commits, all in one flush.
pub(super) struct WritePipeline<'w> {
    bound: Vec<BoundStatement<'w>>,
    statements: Vec<PreparedText>,
}

impl<'w> WritePipeline<'w> {
    /// Prepares the statements that are needed. Nothing is written yet.
    pub(super) async fn prepare(
        connection: &PipelinedConnection,
        writes: &'w [(&'w Subject, OperationWrites)],
    ) -> Result<Self, PostgresFailure> {
        let bound = statements(writes);
        let mut statements = Vec::with_capacity(bound.len());
        for (sql, _) in &bound {
            statements.push(connection.prepared(sql).await?);
        }
        Ok(Self { bound, statements })
    }

    /// Writes and commits. The first failure is the cause of the others. If the server reported it, all is undone: a
    /// transaction with a failed statement can't be committed.
    pub(super) async fn commit(
        &self,
        connection: &PipelinedConnection,
    ) -> Result<(), PostgresFailure> {
        let values: Vec<Vec<&dyn SqlParam>> = self
            .bound
            .iter()
            .map(|(_, values)| borrowed(values))
            .collect();
        let mut sent: Vec<BoxFuture<'_, Result<(), PostgresFailure>>> = Vec::new();
        for (statement, values) in self.statements.iter().zip(&values) {
            sent.push(Box::pin(async move {
                connection.query(statement, values).await.map(drop)
            }));
        }
        sent.push(Box::pin(connection.simple("COMMIT")));
        let outcomes = join_all(sent).await;
        outcomes.into_iter().collect()
    }
}

pub(super) fn borrowed<'v>(values: &'v [SqlValue<'_>]) -> Vec<&'v dyn SqlParam> {
    values
        .iter()
        .map(|value| &**value as &dyn SqlParam)
        .collect()
}

fn statements<'w>(writes: &'w [(&'w Subject, OperationWrites)]) -> Vec<BoundStatement<'w>> {
    let mut bound: Vec<BoundStatement<'w>> = Vec::new();
    for (subject, writes) in writes {
        match &writes.account {
            AccountWrite::Insert(row) => bound.push((INSERT_ACCOUNT, inserted(row))),
            AccountWrite::Delete(tag) => bound.push((DELETE_ACCOUNT, deleted(subject, tag))),
            AccountWrite::Update { .. } | AccountWrite::None => {}
        }
    }
    bound.push((UPDATE, updated(writes)));
    let alerts: Vec<_> = writes
        .iter()
        .flat_map(|(_, writes)| &writes.alerts)
        .collect();
    if !alerts.is_empty() {
        bound.push((INSERT_ALERTS, alert_columns(&alerts)));
    }
    let notices: Vec<_> = writes
        .iter()
        .flat_map(|(_, writes)| &writes.notices)
        .collect();
    if !notices.is_empty() {
        bound.push((INSERT_NOTICES, notice_columns(&notices)));
    }
    let records = writes.iter().flat_map(|(_, writes)| &writes.idempotency);
    let records: Vec<_> = records.collect();
    if !records.is_empty() {
        bound.push((INSERT_IDEMPOTENCY, idempotency_columns(&records)));
    }
    let attestations = writes.iter().flat_map(|(_, writes)| &writes.attestations);
    let attestations: Vec<_> = attestations.collect();
    if !attestations.is_empty() {
        bound.push((INSERT_ATTESTATIONS, attestation_columns(&attestations)));
    }
    bound
}

fn inserted(row: &AccountRow) -> Vec<SqlValue<'_>> {
    vec![
        Box::new(row.tenant_id.as_str()),
        Box::new(row.user_id.as_str()),
        Box::new(row.skeleton.as_str()),
        Box::new(row.exact_id.as_str()),
        Box::new(row.version),
        Box::new(row.form),
        Box::new(row.key_id.as_str()),
        Box::new(row.record.as_slice()),
        Box::new(row.profile.as_slice()),
        Box::new(row.projections.email_tag.as_deref()),
        Box::new(row.projections.methods),
        Box::new(row.projections.last_failure_at),
    ]
}

fn deleted<'w>(subject: &'w Subject, tag: &'w SubjectTag) -> Vec<SqlValue<'w>> {
    vec![
        Box::new(subject.tenant.as_str()),
        Box::new(subject.user.as_str()),
        Box::new(tag.0.as_slice()),
    ]
}

fn updated<'w>(writes: &'w [(&'w Subject, OperationWrites)]) -> Vec<SqlValue<'w>> {
    let updates = writes
        .iter()
        .filter_map(|(_, writes)| match &writes.account {
            AccountWrite::Update {
                expected_version,
                row,
            } => Some((*expected_version, &**row)),
            _ => None,
        });
    let updates: Vec<(i64, &AccountRow)> = updates.collect();
    let endings = writes.iter().filter_map(|(subject, writes)| {
        let ending = writes.ending.as_ref()?;
        Some((*subject, ending))
    });
    let endings: Vec<(&Subject, &EndingRow)> = endings.collect();
    let events: Vec<&EventRow> = writes
        .iter()
        .filter_map(|(_, writes)| writes.event.as_ref())
        .collect();
    let mut values = vec![
        column(&updates, |of| of.1.tenant_id.as_str()),
        column(&updates, |of| of.1.user_id.as_str()),
        column(&updates, |of| of.0),
        column(&updates, |of| of.1.version),
        column(&updates, |of| of.1.form),
        column(&updates, |of| of.1.key_id.as_str()),
        column(&updates, |of| of.1.record.as_slice()),
        column(&updates, |of| of.1.profile.as_slice()),
        column(&updates, |of| of.1.projections.email_tag.as_deref()),
        column(&updates, |of| of.1.projections.methods),
        column(&updates, |of| of.1.projections.last_failure_at),
    ];
    values.extend(vec![
        column(&endings, |of| of.0.tenant.as_str()),
        column(&endings, |of| of.0.user.as_str()),
        column(&endings, |of| of.1.challenge_id.as_slice()),
        column(&endings, |of| of.1.at),
        column(&endings, |of| of.1.ending.as_slice()),
    ]);
    values.extend(event_columns(&events));
    values
}

pub(super) fn event_columns<'w>(events: &[&'w EventRow]) -> Vec<SqlValue<'w>> {
    vec![
        column(events, |event| event.event_id.as_slice()),
        column(events, |event| event.tenant_id.as_str()),
        column(events, |event| event.subject.0.as_slice()),
        column(events, |event| event.kind),
        column(events, |event| event.caller.as_str()),
        column(events, |event| event.at),
        column(events, |event| event.details.as_str()),
        column(events, |event| event.personal.as_slice()),
    ]
}

fn alert_columns<'w>(alerts: &[&'w NewAlertRow]) -> Vec<SqlValue<'w>> {
    vec![
        column(alerts, |alert| alert.tenant_id.as_str()),
        column(alerts, |alert| alert.user_id.as_str()),
        column(alerts, |alert| alert.subject.0.as_slice()),
        column(alerts, |alert| alert.turn),
        column(alerts, |alert| alert.kind),
        column(alerts, |alert| {
            alert.method_id.as_ref().map(<[u8; 16]>::as_slice)
        }),
        column(alerts, |alert| alert.method_kind),
        column(alerts, |alert| alert.codes_left),
        column(alerts, |alert| alert.at),
    ]
}

pub(super) fn notice_columns<'w>(notices: &[&'w NewNoticeRow]) -> Vec<SqlValue<'w>> {
    vec![
        column(notices, |notice| notice.notice_id.as_slice()),
        column(notices, |notice| notice.subject.0.as_slice()),
        column(notices, |notice| notice.turn),
        column(notices, |notice| notice.channel),
        column(notices, |notice| notice.sealed.as_slice()),
        column(notices, |notice| notice.at),
    ]
}

fn idempotency_columns<'w>(records: &[&'w IdempotencyRow]) -> Vec<SqlValue<'w>> {
    vec![
        column(records, |record| record.key_digest.as_slice()),
        column(records, |record| record.subject.0.as_slice()),
        column(records, |record| record.at),
        column(records, |record| record.has_answer),
        column(records, |record| record.record.as_slice()),
    ]
}

fn attestation_columns<'w>(attestations: &[&'w AttestationRow]) -> Vec<SqlValue<'w>> {
    vec![
        column(attestations, |attestation| attestation.caller.as_str()),
        column(attestations, |attestation| {
            attestation.attestation_id.as_str()
        }),
        column(attestations, |attestation| attestation.at),
    ]
}

/// The values of an ending's or policy's own idempotency record.
pub(super) fn idempotency_record(record: &IdempotencyRow) -> BoundStatement<'_> {
    (INSERT_IDEMPOTENCY, idempotency_columns(&[record]))
}
