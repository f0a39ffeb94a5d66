//! `UpdatePolicy`: the administrator decides anew.

use crate::app::{App, Call, Error, PolicyView, call::Shown, call::same_call, commit};
use crate::ports::Committed;
use countersign_domain::{
    acting::Reason,
    change::Made,
    event::{Event, EventKind, Facts},
    id::PolicyEtag,
    policy::{Author, Decided, Field, Layer, PolicyChange},
    time::Timestamp,
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

impl App {
    /// Changes what the administrator of a tenant decided. The call is the administrator's own.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn update_policy(
        self: &Arc<Self>,
        call: Call,
        update: PolicyUpdate,
    ) -> Result<PolicyView, Error> {
        self.to_the_end(call, move |app, call| async move {
            app.decide(&call, update).await
        })
        .await
    }

    async fn decide(&self, call: &Call, update: PolicyUpdate) -> Result<PolicyView, Error> {
        let (now, mark) = (self.now(), self.mark(call));
        let tenant = &call.who.tenant;
        let (before, receipt) = self.accounts().policy(tenant, mark).await?;
        if same_call(receipt, mark)?.is_some() {
            return Ok(self.policy_view(tenant.clone(), before));
        }
        if update.base.is_some_and(|base| base != before.etag) {
            return Err(Error::PolicyMoved);
        }
        let after = Decided {
            layer: decided(&before.layer, &update.layer, &update.fields),
            etag: self.new_id(),
            updated_at: Some(now),
        };
        if after.layer == before.layer {
            return Ok(self.policy_view(tenant.clone(), before));
        }
        let conflicts = self.policy_under(&after.layer).rules.conflicts();
        if !conflicts.is_empty() {
            return Err(Error::PolicyConflict(conflicts));
        }
        let change = PolicyChange {
            tenant: tenant.clone(),
            base: before.etag,
            event: self.event_of_policy(
                call,
                (&before.layer, &after.layer),
                &update.reason,
                now,
            )?,
            receipt: self.receipt(call, Made::Nothing, &Shown::default(), now),
            after,
        };
        match self.accounts().commit_policy(&change).await? {
            Committed::Done => {
                commit::log(&change.event);
                self.warn_of_weaknesses(call, (&before.layer, &change.after.layer));
                Ok(self.policy_view(tenant.clone(), change.after))
            }
            Committed::RanBefore => Err(Error::RequestInFlight),
            Committed::ChangedConcurrently | Committed::ProofSpent | Committed::DiffersInCase => {
                Err(Error::PolicyMoved)
            }
        }
    }

    fn warn_of_weaknesses(&self, call: &Call, (before, after): (&Layer, &Layer)) {
        let served = self.parts.notifier.served();
        let before = self.policy_under(before).weaknesses(served);
        let after = self.policy_under(after).weaknesses(served);
        let new = after.iter().filter(|weakness| !before.contains(weakness));
        let new: Vec<String> = new.map(ToString::to_string).collect();
        if !new.is_empty() {
            let (tenant, caller) = (call.who.tenant.as_str(), call.caller.name.as_str());
            tracing::warn!(tenant, caller, weaknesses = %new.join("; "), "the policy of a tenant became weaker");
        }
    }

    /// What changed stands in the facts; who did it, and why, is sealed, but not under a key that goes with a user.
    fn event_of_policy(
        &self,
        call: &Call,
        (before, after): (&Layer, &Layer),
        reason: &Reason,
        at: Timestamp,
    ) -> Result<Event, Error> {
        let changed: Vec<Field> = after.differences(before).collect();
        let facts = Facts::none()
            .with("before", listed(before, &changed)?)
            .with("after", listed(after, &changed)?);
        let author = Author {
            acting_user_id: call.who.user.as_str().to_owned(),
            reason: reason.as_str().to_owned(),
        };
        let id = self.new_id();
        Ok(Event {
            id,
            tenant: call.who.tenant.clone(),
            subject: self.tag(call),
            kind: EventKind::PolicyUpdated,
            caller: call.caller.name.clone(),
            at,
            facts,
            personal: self.seal_author(&call.who.tenant, id, &author),
        })
    }
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
