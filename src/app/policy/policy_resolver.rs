//! Merged policies: built-in, service, and tenant values, merged once and kept while the tenant's layer stays the same.

use countersign_domain::{
    policy::{Policy, PolicyOverride},
    value::id::TenantId,
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// How many tenants' merged policies are kept. A tenant beyond that takes the place of another one.
const MAX_CACHED_POLICIES: usize = 1024;

/// Merges policy layers, and remembers the result.
pub(crate) struct PolicyResolver {
    built_in: Policy,
    service_layer: PolicyOverride,
    /// What holds where a tenant's administrator has decided nothing.
    service_policy: Arc<Policy>,
    kept: Mutex<HashMap<TenantId, MergedPolicy>>,
}

struct MergedPolicy {
    tenant_layer: PolicyOverride,
    policy: Arc<Policy>,
}

impl PolicyResolver {
    pub(crate) fn new(built_in: Policy, service_layer: PolicyOverride) -> Self {
        Self {
            service_policy: Arc::new(built_in.under(&service_layer)),
            built_in,
            service_layer,
            kept: Mutex::default(),
        }
    }

    /// The values that no layer changes: limits of users, challenges, and messages.
    pub(crate) const fn built_in(&self) -> &Policy {
        &self.built_in
    }

    /// What the operator of the service decided.
    pub(crate) const fn service_layer(&self) -> &PolicyOverride {
        &self.service_layer
    }

    /// What holds in a tenant. A kept policy is used only if it was merged from an equal layer, so that no call sees the
    /// policy of another moment than that of the record it loaded.
    pub(crate) fn policy(&self, tenant: &TenantId, tenant_layer: &PolicyOverride) -> Arc<Policy> {
        if *tenant_layer == PolicyOverride::default() {
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
    pub(crate) fn merge(&self, tenant_layer: &PolicyOverride) -> Policy {
        let decided = self.service_layer.with(tenant_layer);
        self.built_in.under(&decided)
    }
}

fn make_room(kept: &mut HashMap<TenantId, MergedPolicy>) {
    if kept.len() < MAX_CACHED_POLICIES {
        return;
    }
    if let Some(other) = kept.keys().next().cloned() {
        kept.remove(&other);
    }
}

#[cfg(test)]
mod tests;
