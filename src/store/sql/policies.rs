//! A change of a policy as a list of statements.

use crate::{
    ports::{Committed, Stored},
    store::sql::{Statement, statements, unavailable},
};
use countersign_domain::{
    policy::{Decided, Layer, PolicyChange},
    time::Timestamp,
};
use serde_json::Value as Json;

/// Statements of a change. The receipt comes first, so that of two equal calls the later one learns what it is.
pub(in crate::store) fn of_change(
    store: &'static str,
    change: &PolicyChange,
) -> Stored<Vec<Statement>> {
    let layer = as_json(&change.after.layer).map_err(|cause| unavailable(store, cause))?;
    let subject = change.event.subject;
    let receipt = change.receipt.as_ref();
    let receipt = receipt.map(|kept| statements::receipt(kept, subject));
    let statements = receipt.into_iter().chain([
        write(change, &layer).or(Committed::ChangedConcurrently),
        statements::event(&change.event),
    ]);
    Ok(statements.collect())
}

fn write(change: &PolicyChange, layer: &str) -> Statement {
    let Decided {
        etag, updated_at, ..
    } = &change.after;
    let values = [
        change.tenant.as_str().into(),
        layer.into(),
        (*etag).into(),
        updated_at.map(Timestamp::millis).into(),
    ];
    if change.base == Decided::nothing().etag {
        return Statement::new(
            "INSERT INTO policies (tenant_id, layer, etag, updated_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (tenant_id) DO NOTHING",
            values,
        );
    }
    let values: Vec<_> = values.into_iter().chain([change.base.into()]).collect();
    Statement::new(
        "UPDATE policies SET layer = $2, etag = $3, updated_at = $4 WHERE tenant_id = $1 AND etag = $5",
        values,
    )
}

/// What is left open is left out: it travels with every load of a user.
fn as_json(layer: &Layer) -> Result<String, serde_json::Error> {
    let mut json = serde_json::to_value(layer)?;
    if let Json::Object(fields) = &mut json {
        fields.retain(|_, value| !value.is_null());
    }
    serde_json::to_string(&json)
}
