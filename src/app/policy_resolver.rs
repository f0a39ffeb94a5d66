//! Merged policies: built-in, service, and tenant values, merged once and kept while the tenant's layer stays the same.

use countersign_domain::{
    id::TenantId,
    policy::{Layer, Policy},
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// How many tenants' merged policies are kept. A tenant beyond that takes the place of another one.
const KEPT_POLICIES: usize = 1024;

/// Merges policy layers, and remembers the result.
pub(super) struct PolicyResolver {
    built_in: Policy,
    service_layer: Layer,
    /// What holds where a tenant's administrator has decided nothing.
    service_policy: Arc<Policy>,
    kept: Mutex<HashMap<TenantId, MergedPolicy>>,
}

struct MergedPolicy {
    tenant_layer: Layer,
    policy: Arc<Policy>,
}

impl PolicyResolver {
    pub(super) fn new(built_in: Policy, service_layer: Layer) -> Self {
        Self {
            service_policy: Arc::new(built_in.under(&service_layer)),
            built_in,
            service_layer,
            kept: Mutex::default(),
        }
    }

    /// The values that no layer changes: limits of users, challenges, and messages.
    pub(super) const fn built_in(&self) -> &Policy {
        &self.built_in
    }

    /// What the operator of the service decided.
    pub(super) const fn service_layer(&self) -> &Layer {
        &self.service_layer
    }

    /// What holds in a tenant. A kept policy is used only if it was merged from an equal layer, so that no call sees the
    /// policy of another moment than that of the record it loaded.
    pub(super) fn policy(&self, tenant: &TenantId, tenant_layer: &Layer) -> Arc<Policy> {
        if *tenant_layer == Layer::default() {
            return Arc::clone(&self.service_policy);
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(merged) = kept.get(tenant)
            && merged.tenant_layer == *tenant_layer
        {
            return Arc::clone(&merged.policy);
        }
        let policy = Arc::new(self.merge(tenant_layer));
        make_room(&mut kept);
        let merged = MergedPolicy {
            tenant_layer: tenant_layer.clone(),
            policy: Arc::clone(&policy),
        };
        kept.insert(tenant.clone(), merged);
        policy
    }

    /// What a tenant's layer would come to; nothing is kept.
    pub(super) fn merge(&self, tenant_layer: &Layer) -> Policy {
        let decided = self.service_layer.with(tenant_layer);
        self.built_in.under(&decided)
    }
}

fn make_room(kept: &mut HashMap<TenantId, MergedPolicy>) {
    if kept.len() < KEPT_POLICIES {
        return;
    }
    if let Some(other) = kept.keys().next().cloned() {
        kept.remove(&other);
    }
}

#[cfg(test)]
mod tests;
