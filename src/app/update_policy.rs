//! `UpdatePolicy`: the administrator decides anew.

use crate::app::{
    Call, CallContext, Error, PolicyView, call::Shown, commit, dependencies::PolicyDependencies,
    get_policy::policy_view, idempotency::record_of_repeat, requests::retry_conflicts,
};
use countersign_domain::{
    acting::Reason,
    change::Made,
    event::{Event, EventKind, Facts},
    id::PolicyEtag,
    policy::{Author, Decided, Field, Layer, PolicyChange},
    secret::SealedFor,
};
use std::sync::Arc;

/// What is to be decided otherwise.
pub struct PolicyUpdate {
    /// The state that it was decided from; any, where nothing is said.
    pub base: Option<PolicyEtag>,
    /// The new values.
    pub layer: Layer,
    /// Which of them are written; what the layer leaves open is left open from then on.
    pub fields: Vec<Field>,
    /// Why.
    pub reason: Reason,
}

/// Changes what the administrator of a tenant decided. The call is the administrator's own.
///
/// # Errors
/// See [`Error`].
pub(crate) async fn update_policy(
    deps: &Arc<PolicyDependencies>,
    call: Call,
    update: PolicyUpdate,
) -> Result<PolicyView, Error> {
    deps.requests
        .run(deps, call, |deps, call| async move {
            retry_conflicts(|| decide(&deps, &call, &update)).await
        })
        .await
}

/// Nothing if another change got in the way.
async fn decide(
    deps: &PolicyDependencies,
    call: &CallContext,
    update: &PolicyUpdate,
) -> Result<Option<PolicyView>, Error> {
    let (now, mark) = (call.now, call.idempotency);
    let tenant = &call.subject.tenant;
    let (before, record) = deps.accounts.policy(tenant, mark).await?;
    if record_of_repeat(record, mark)?.is_some() {
        return Ok(Some(policy_view(deps, tenant.clone(), before)));
    }
    if update.base.is_some_and(|base| base != before.etag) {
        return Err(Error::PolicyMoved);
    }
    let after = Decided {
        layer: decided(&before.layer, &update.layer, &update.fields),
        etag: deps.randomness.id(),
        updated_at: Some(now),
    };
    if after.layer == before.layer {
        return Ok(Some(policy_view(deps, tenant.clone(), before)));
    }
    let conflicts = deps.policies.merge(&after.layer).rules.conflicts();
    if !conflicts.is_empty() {
        return Err(Error::PolicyConflict(conflicts));
    }
    let shown = Shown::default();
    let change = PolicyChange {
        tenant: tenant.clone(),
        base: before.etag,
        event: event(deps, call, &before.layer, &after.layer, &update.reason)?,
        receipt: deps.idempotency.record_at(call, Made::Nothing, &shown, now),
        after,
    };
    let outcome = deps.accounts.commit_policy(&change).await?;
    if commit::unless_conflict(outcome)?.is_none() {
        return Ok(None);
    }
    commit::log(&change.event);
    warn_of_weaknesses(deps, call, &before.layer, &change.after.layer);
    Ok(Some(policy_view(deps, tenant.clone(), change.after)))
}

fn warn_of_weaknesses(
    deps: &PolicyDependencies,
    call: &CallContext,
    before: &Layer,
    after: &Layer,
) {
    let served = deps.notifier.served();
    let before = deps.policies.merge(before).weaknesses(served);
    let after = deps.policies.merge(after).weaknesses(served);
    let new = after.iter().filter(|weakness| !before.contains(weakness));
    let new: Vec<String> = new.map(ToString::to_string).collect();
    if !new.is_empty() {
        let (tenant, caller) = (call.subject.tenant.as_str(), call.caller.name.as_str());
        tracing::warn!(tenant, caller, weaknesses = %new.join("; "), "the policy of a tenant became weaker");
    }
}

/// What changed stands in the facts; who did it, and why, is sealed, but not under a key that goes with a user.
fn event(
    deps: &PolicyDependencies,
    call: &CallContext,
    before: &Layer,
    after: &Layer,
    reason: &Reason,
) -> Result<Event, Error> {
    let changed: Vec<Field> = after.differences(before).collect();
    let facts = Facts::none()
        .with("before", listed(before, &changed)?)
        .with("after", listed(after, &changed)?);
    let author = Author {
        acting_user_id: call.subject.user.as_str().to_owned(),
        reason: reason.as_str().to_owned(),
    };
    let id = deps.randomness.id();
    let tenant = &call.subject.tenant;
    Ok(Event {
        id,
        tenant: tenant.clone(),
        subject: call.subject_tag,
        kind: EventKind::PolicyUpdated,
        caller: call.caller.name.clone(),
        at: call.now,
        facts,
        personal: deps.sealing.seal(SealedFor::Author(tenant, id), &author),
    })
}

/// What is decided once these fields have their new values.
pub(super) fn decided(before: &Layer, new: &Layer, fields: &[Field]) -> Layer {
    let mut after = before.clone();
    for field in fields {
        after.take(*field, new);
    }
    after
}

/// Fields and their values as JSON; `null` where they are left open.
fn listed(layer: &Layer, fields: &[Field]) -> Result<String, Error> {
    let mut json = serde_json::to_value(layer)
        .map_err(|_| Error::Defect("a layer could not be written as JSON"))?;
    if let serde_json::Value::Object(values) = &mut json {
        values.retain(|name, _| fields.iter().any(|field| field.name() == name));
    }
    Ok(json.to_string())
}
