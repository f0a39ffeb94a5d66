//! Policies of tenants.

use super::{DurableStore, PolicyWrite, StoreEngine, policy_layer};
use crate::{
    ports::{CommitResult, PolicyStore, StoreResult},
    store::record::{
        InvalidRow, event_row, idempotency_record_from_row, idempotency_row, rows::PolicyRow,
        unavailable,
    },
};
use async_trait::async_trait;
use countersign_domain::{
    account::change::IdempotencyRecord,
    policy::{PolicyChange, PolicyOverride, StoredPolicy},
    value::{
        id::{PolicyEtag, TenantId},
        idempotency_key::IdempotencyKey,
        secret::SealedBytes,
        time::Timestamp,
    },
};
use serde_json::Value as Json;

#[async_trait]
impl<E: StoreEngine> PolicyStore for DurableStore<E> {
    async fn policy(
        &self,
        tenant: &TenantId,
        idempotency_key: Option<IdempotencyKey>,
    ) -> StoreResult<(StoredPolicy, Option<IdempotencyRecord>)> {
        let store = self.engine.name();
        let key = idempotency_key.map(|idempotency_key| idempotency_key.key_digest);
        let (row, idempotency) = self.engine.policy(tenant.as_str(), key).await?;
        let decided = row.map(|row| decided(store, &row)).transpose()?;
        let idempotency_record = idempotency_key.zip(idempotency);
        let idempotency_record = idempotency_record.map(|(idempotency_key, row)| {
            idempotency_record_from_row(store, idempotency_key.key_digest, &row)
        });
        let decided = decided.unwrap_or_else(StoredPolicy::nothing);
        Ok((decided, idempotency_record.transpose()?))
    }

    async fn commit_policy(&self, change: &PolicyChange) -> StoreResult<CommitResult> {
        let store = self.engine.name();
        let after = &change.after;
        let layer = as_json(&after.layer).map_err(|cause| unavailable(store, cause))?;
        let is_first = change.base == StoredPolicy::nothing().etag;
        let idempotency_record = change.idempotency_record.as_ref();
        let write = PolicyWrite {
            tenant: change.tenant.as_str().to_owned(),
            expected_etag: (!is_first).then(|| *change.base.as_bytes()),
            row: PolicyRow {
                layer,
                etag: after.etag.as_bytes().to_vec(),
                updated_at: after.updated_at.map_or(0, Timestamp::millis),
                author_key: after
                    .author_key
                    .as_ref()
                    .map_or_else(Vec::new, |key| key.as_bytes().to_vec()),
            },
            event: event_row(&change.event),
            idempotency: idempotency_record.map(|idempotency_record| {
                idempotency_row(idempotency_record, change.event.subject)
            }),
        };
        self.engine.save_policy(write).await
    }
}

fn decided(store: &'static str, row: &PolicyRow) -> StoreResult<StoredPolicy> {
    let etag = <[u8; 16]>::try_from(row.etag.as_slice());
    let etag = etag.map_err(|_| unavailable(store, InvalidRow::Shape("an etag")))?;
    Ok(StoredPolicy {
        layer: policy_layer::layer(store, Some(&row.layer))?,
        etag: PolicyEtag::from_bytes(etag),
        updated_at: Some(Timestamp::from_millis(row.updated_at)),
        author_key: (!row.author_key.is_empty())
            .then(|| SealedBytes::from_bytes(row.author_key.clone())),
    })
}

/// What is left open is left out: it travels with every load of a user.
fn as_json(layer: &PolicyOverride) -> Result<String, serde_json::Error> {
    let mut json = serde_json::to_value(layer)?;
    if let Json::Object(fields) = &mut json {
        fields.retain(|_, value| !value.is_null());
    }
    serde_json::to_string(&json)
}
