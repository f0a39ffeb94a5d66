//! What the administrator of a tenant decided.

use super::{BadRow, Hex, account::ReceiptRow, one};
use crate::{ports::Stored, store::sql::unavailable};
use countersign_domain::{
    change::Receipt,
    policy::{Decided, Layer},
    request::RequestMark,
    time::Timestamp,
};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
struct LoadedRow {
    policy: Option<PolicyRow>,
    receipt: Option<ReceiptRow>,
}

#[derive(Debug, Deserialize)]
struct PolicyRow {
    layer: String,
    etag: Hex,
    updated_at: i64,
}

/// What a load of a policy brought.
pub(in crate::store) fn policy(
    store: &'static str,
    mark: Option<RequestMark>,
    texts: &[String],
) -> Stored<(Decided, Option<Receipt>)> {
    let LoadedRow { policy, receipt } =
        one(store, texts)?.ok_or_else(|| unavailable(store, BadRow("no row")))?;
    let decided = policy.map(|row| row.decided()).transpose();
    let decided = decided.map_err(|bad| unavailable(store, bad))?;
    let receipt = receipt
        .zip(mark)
        .map(|(row, mark)| row.receipt(store, mark.tag));
    Ok((
        decided.unwrap_or_else(Decided::nothing),
        receipt.transpose()?,
    ))
}

impl PolicyRow {
    fn decided(&self) -> Result<Decided, BadRow> {
        Ok(Decided {
            layer: layer(Some(&self.layer))?,
            etag: self.etag.id()?,
            updated_at: Some(Timestamp::from_millis(self.updated_at)),
        })
    }
}

/// A policy that can't be read is none: nobody may be let in by what it might have allowed.
pub(super) fn layer(stored: Option<&str>) -> Result<Layer, BadRow> {
    let layer = stored.map(serde_json::from_str).transpose();
    Ok(layer
        .map_err(|_| BadRow("a policy that can't be read"))?
        .unwrap_or_default())
}

#[cfg(test)]
mod tests;
