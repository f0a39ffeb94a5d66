//! `UpdatePolicy`: changes the policy of a tenant.

use crate::app::{
    CallerRequest, Error, PolicyView, commit, context::CallContext,
    dependencies::PolicyDependencies, idempotency::record_of_repeat,
    policy::get_policy::policy_view, replayed_response::ReplayedResponse,
    use_case_runner::retry_conflicts,
};
use countersign_domain::{
    account::change::CreatedResource,
    audit_event::{AuditDetails, AuditEvent, AuditEventKind},
    authorization::actor::ActorReason,
    policy::{PolicyAuthor, PolicyChange, PolicyField, PolicyOverride, StoredPolicy},
    value::{
        id::{PolicyEtag, TenantId},
        secret::{SealedBytes, SealingContext, SecretBytes},
    },
};
use std::sync::Arc;

/// A change of a tenant's policy.
pub struct PolicyUpdate {
    /// The etag that the change is based on; `None` accepts any.
    pub base: Option<PolicyEtag>,
    /// The new values.
    pub layer: PolicyOverride,
    /// The fields to write. A field that `layer` leaves unset is removed from the override.
    pub fields: Vec<PolicyField>,
    /// The administrator's reason.
    pub reason: ActorReason,
}

/// Changes the policy of a tenant. The call's subject is the administrator.
///
/// # Errors
/// See [`Error`].
pub(crate) async fn update_policy(
    deps: &Arc<PolicyDependencies>,
    call: CallerRequest,
    update: PolicyUpdate,
) -> Result<PolicyView, Error> {
    deps.requests
        .run(deps, call, |deps, call| async move {
            retry_conflicts(|| decide(&deps, &call, &update)).await
        })
        .await
}

/// Returns `None` after a write conflict.
async fn decide(
    deps: &PolicyDependencies,
    call: &CallContext,
    update: &PolicyUpdate,
) -> Result<Option<PolicyView>, Error> {
    let (now, idempotency_key) = (call.now, call.idempotency);
    let tenant = &call.subject.tenant;
    let (before, record) = deps.accounts.policy(tenant, idempotency_key).await?;
    if record_of_repeat(record, idempotency_key)?.is_some() {
        return Ok(Some(policy_view(deps, tenant.clone(), before)));
    }
    if update.base.is_some_and(|base| base != before.etag) {
        return Err(Error::PolicyMoved);
    }
    let author_key = author_key(deps, tenant, before.author_key.as_ref())?;
    let after = StoredPolicy {
        layer: decided(&before.layer, &update.layer, &update.fields),
        etag: deps.randomness.id(),
        updated_at: Some(now),
        author_key: Some(author_key.sealed),
    };
    if after.layer == before.layer {
        return Ok(Some(policy_view(deps, tenant.clone(), before)));
    }
    let conflicts = deps.policies.merge(&after.layer).rules.conflicts();
    if !conflicts.is_empty() {
        return Err(Error::PolicyConflict(conflicts));
    }
    let response = ReplayedResponse::default();
    let author = PolicyAuthor {
        acting_user_id: call.subject.user.as_str().to_owned(),
        reason: update.reason.as_str().to_owned(),
    };
    let personal = deps.sealing.seal_personal(&author_key.plain, &author);
    let change = PolicyChange {
        tenant: tenant.clone(),
        base: before.etag,
        event: event(deps, call, &before.layer, &after.layer, personal)?,
        idempotency_record: deps.idempotency.record_at(
            call,
            CreatedResource::Nothing,
            &response,
            now,
        ),
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
    before: &PolicyOverride,
    after: &PolicyOverride,
) {
    let served = deps.notifier.served();
    let before = deps.policies.merge(before).weaknesses(served);
    let after = deps.policies.merge(after).weaknesses(served);
    let new = after.iter().filter(|weakness| !before.contains(weakness));
    let new: Vec<String> = new.map(ToString::to_string).collect();
    if !new.is_empty() {
        let (tenant, caller) = (call.subject.tenant.as_str(), call.caller.name.as_str());
        tracing::warn!(tenant, caller, weaknesses = %new.join("; "), "tenant policy weakened");
    }
}

/// A tenant's own key, which seals who changed its policy and why.
struct AuthorKey {
    plain: SecretBytes,
    sealed: SealedBytes,
}

/// Opens the tenant's key, or creates one. The key outlives the tenant's users, and can be resealed under another key
/// of the ring; audit events can't.
fn author_key(
    deps: &PolicyDependencies,
    tenant: &TenantId,
    stored: Option<&SealedBytes>,
) -> Result<AuthorKey, Error> {
    let Some(sealed) = stored else {
        let (plain, sealed) = deps.sealing.new_key(SealingContext::TenantKey(tenant));
        return Ok(AuthorKey { plain, sealed });
    };
    Ok(AuthorKey {
        plain: deps
            .sealing
            .open_key(SealingContext::TenantKey(tenant), sealed)?,
        sealed: sealed.clone(),
    })
}

/// Builds the audit event. The changed values are in its details. The administrator and the reason are sealed under the
/// tenant's key, which outlives the administrator's account.
fn event(
    deps: &PolicyDependencies,
    call: &CallContext,
    before: &PolicyOverride,
    after: &PolicyOverride,
    personal: SealedBytes,
) -> Result<AuditEvent, Error> {
    let changed: Vec<PolicyField> = after.differences(before).collect();
    let details = AuditDetails::none()
        .with("before", listed(before, &changed)?)
        .with("after", listed(after, &changed)?);
    Ok(AuditEvent {
        id: deps.randomness.id(),
        tenant: call.subject.tenant.clone(),
        subject: call.subject_tag,
        kind: AuditEventKind::PolicyUpdated,
        caller: call.caller.name.clone(),
        at: call.now,
        details,
        personal,
    })
}

/// The override after the fields have taken their new values.
pub(crate) fn decided(
    before: &PolicyOverride,
    new: &PolicyOverride,
    fields: &[PolicyField],
) -> PolicyOverride {
    let mut after = before.clone();
    for field in fields {
        after.take(*field, new);
    }
    after
}

/// The fields and their values as JSON; `null` for unset fields.
fn listed(layer: &PolicyOverride, fields: &[PolicyField]) -> Result<String, Error> {
    let mut json = serde_json::to_value(layer)
        .map_err(|_| Error::Defect("a policy override can't be serialized as JSON"))?;
    if let serde_json::Value::Object(values) = &mut json {
        values.retain(|name, _| fields.iter().any(|field| field.name() == name));
    }
    Ok(json.to_string())
}
