//! Policies of tenants.

use super::{
    PostgresEngine,
    connection::{PipelinedConnection, PostgresFailure},
    pool::PooledLease,
    write_pipeline::{INSERT_EVENT, borrowed, event_columns, idempotency_record},
};
use crate::{
    ports::CommitResult,
    store::{durable::PolicyWrite, record::rows::PolicyRow},
};

impl PostgresEngine {
    pub(super) async fn read_policy(
        &self,
        tenant: &str,
        idempotency_key: Option<[u8; 16]>,
    ) -> Result<(Option<PolicyRow>, Option<Vec<u8>>), PostgresFailure> {
        const POLICY: &str = "SELECT p.layer, p.etag, p.updated_at, p.author_key,
                (SELECT record FROM idempotency_records WHERE key_digest = $2) AS idempotency
            FROM (SELECT 1) one LEFT JOIN policies p ON p.tenant_id = $1";
        let key = idempotency_key.as_ref().map(<[u8; 16]>::as_slice);
        let rows = self.readers.rows(POLICY, &[&tenant, &key]).await?;
        let Some(row) = rows.first() else {
            return Ok((None, None));
        };
        let layer: Option<String> = row.try_get("layer")?;
        let policy = layer.map(|layer| {
            Ok::<_, PostgresFailure>(PolicyRow {
                layer,
                etag: row.try_get("etag")?,
                updated_at: row.try_get("updated_at")?,
                author_key: row.try_get("author_key")?,
            })
        });
        Ok((policy.transpose()?, row.try_get("idempotency")?))
    }

    /// Saves a policy. The idempotency record comes first, so that the later of two equal calls learns what it is.
    pub(super) async fn write_policy(
        &self,
        write: &PolicyWrite,
    ) -> Result<CommitResult, PostgresFailure> {
        let lease = self.pool.lease().await?;
        let saved = lease.within(save(&lease, write)).await;
        let saved = match saved {
            Err(failure) => duplicate(&failure).ok_or(failure)?,
            Ok(CommitResult::Done) => {
                lease.release();
                return Ok(CommitResult::Done);
            }
            Ok(refused) => refused,
        };
        roll_back(lease).await;
        Ok(saved)
    }
}

fn duplicate(failure: &PostgresFailure) -> Option<CommitResult> {
    match failure.duplicate()? {
        "idempotency_records_pkey" => Some(CommitResult::RanBefore),
        "policies_pkey" => Some(CommitResult::ChangedConcurrently),
        _ => None,
    }
}

async fn roll_back(lease: PooledLease) {
    if lease.within(lease.simple("ROLLBACK")).await.is_ok() {
        lease.release();
    }
}

async fn save(
    connection: &PipelinedConnection,
    write: &PolicyWrite,
) -> Result<CommitResult, PostgresFailure> {
    const INSERT: &str = "INSERT INTO policies (tenant_id, layer, etag, updated_at, author_key) VALUES ($1, $2, $3, $4, $5)";
    const UPDATE: &str = "UPDATE policies SET layer = $2, etag = $3, updated_at = $4,
            author_key = CASE WHEN length(author_key) = 0 THEN $5 ELSE author_key END
        WHERE tenant_id = $1 AND etag = $6";
    connection.begin().await?;
    if let Some(record) = &write.idempotency {
        let (sql, columns) = idempotency_record(record);
        connection.execute(sql, &borrowed(&columns)).await?;
    }
    let row = &write.row;
    let saved = match &write.expected_etag {
        None => {
            let values = [
                &write.tenant as _,
                &row.layer as _,
                &row.etag as _,
                &row.updated_at as _,
                &row.author_key as _,
            ];
            connection.execute(INSERT, &values).await?
        }
        Some(etag) => {
            let etag = etag.as_slice();
            let values = [
                &write.tenant as _,
                &row.layer as _,
                &row.etag as _,
                &row.updated_at as _,
                &row.author_key as _,
                &etag as _,
            ];
            connection.execute(UPDATE, &values).await?
        }
    };
    if saved == 0 {
        return Ok(CommitResult::ChangedConcurrently);
    }
    let columns = event_columns(&[&write.event]);
    connection
        .execute(INSERT_EVENT, &borrowed(&columns))
        .await?;
    connection.simple("COMMIT").await?;
    Ok(CommitResult::Done)
}
