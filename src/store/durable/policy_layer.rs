//! What a tenant decided, as it is stored.

use crate::{
    ports::StoreResult,
    store::record::{InvalidRow, unavailable},
};
use countersign_domain::policy::PolicyOverride;

/// A policy that can't be read is none: nobody may be let in by what it might have allowed.
pub(super) fn layer(store: &'static str, stored: Option<&str>) -> StoreResult<PolicyOverride> {
    let layer = stored.map(serde_json::from_str).transpose();
    let layer =
        layer.map_err(|_| unavailable(store, InvalidRow::Shape("a policy that can't be read")))?;
    Ok(layer.unwrap_or_default())
}
