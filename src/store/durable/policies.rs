//! Policies of tenants.

use super::{DurableStore, Engine, PolicyWrite};
use crate::{
    ports::{Committed, Policies, Stored},
    store::record::{
        BadRow, event_row, idempotency_row, receipt_from_row, rows::PolicyRow, unavailable,
    },
};
use async_trait::async_trait;
use countersign_domain::{
    change::Receipt,
    id::{PolicyEtag, TenantId},
    policy::{Decided, Layer, PolicyChange},
    request::RequestMark,
    time::Timestamp,
};
use serde_json::Value as Json;

#[async_trait]
impl<E: Engine> Policies for DurableStore<E> {
    async fn policy(
        &self,
        tenant: &TenantId,
        mark: Option<RequestMark>,
    ) -> Stored<(Decided, Option<Receipt>)> {
        let store = self.engine.name();
        let key = mark.map(|mark| mark.tag);
        let (row, idempotency) = self.engine.policy(tenant.as_str(), key).await?;
        let decided = row.map(|row| decided(store, &row)).transpose()?;
        let receipt = mark.zip(idempotency);
        let receipt = receipt.map(|(mark, row)| receipt_from_row(store, mark.tag, &row));
        let decided = decided.unwrap_or_else(Decided::nothing);
        Ok((decided, receipt.transpose()?))
    }

    async fn commit_policy(&self, change: &PolicyChange) -> Stored<Committed> {
        let store = self.engine.name();
        let after = &change.after;
        let layer = as_json(&after.layer).map_err(|cause| unavailable(store, cause))?;
        let is_first = change.base == Decided::nothing().etag;
        let receipt = change.receipt.as_ref();
        let write = PolicyWrite {
            tenant: change.tenant.as_str().to_owned(),
            expected_etag: (!is_first).then(|| *change.base.as_bytes()),
            row: PolicyRow {
                layer,
                etag: after.etag.as_bytes().to_vec(),
                updated_at: after.updated_at.map_or(0, Timestamp::millis),
            },
            event: event_row(&change.event),
            idempotency: receipt.map(|receipt| idempotency_row(receipt, change.event.subject)),
        };
        self.engine.save_policy(write).await
    }
}

fn decided(store: &'static str, row: &PolicyRow) -> Stored<Decided> {
    let etag = <[u8; 16]>::try_from(row.etag.as_slice());
    let etag = etag.map_err(|_| unavailable(store, BadRow::Shape("an etag")))?;
    Ok(Decided {
        layer: layer(store, Some(&row.layer))?,
        etag: PolicyEtag::from_bytes(etag),
        updated_at: Some(Timestamp::from_millis(row.updated_at)),
    })
}

/// A policy that can't be read is none: nobody may be let in by what it might have allowed.
pub(super) fn layer(store: &'static str, stored: Option<&str>) -> Stored<Layer> {
    let layer = stored.map(serde_json::from_str).transpose();
    let layer =
        layer.map_err(|_| unavailable(store, BadRow::Shape("a policy that can't be read")))?;
    Ok(layer.unwrap_or_default())
}

/// What is left open is left out: it travels with every load of a user.
fn as_json(layer: &Layer) -> Result<String, serde_json::Error> {
    let mut json = serde_json::to_value(layer)?;
    if let Json::Object(fields) = &mut json {
        fields.retain(|_, value| !value.is_null());
    }
    serde_json::to_string(&json)
}
