//! Merges built-in, operator and tenant values, and caches the result while the tenant's override stays the same.

use countersign_domain::{
    policy::{Policy, PolicyOverride},
    value::id::TenantId,
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// Merged policies in the cache. If it is full, a new tenant evicts another one.
const MAX_CACHED_POLICIES: usize = 1024;

/// Merges policy layers, and caches the result.
pub(crate) struct PolicyResolver {
    built_in: Policy,
    service_layer: PolicyOverride,
    /// The policy of tenants whose administrator has set nothing.
    service_policy: Arc<Policy>,
    retained: Mutex<HashMap<TenantId, MergedPolicy>>,
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
            retained: Mutex::default(),
        }
    }

    /// The built-in policy. Its limits of users, challenges and messages can't be overridden.
    pub(crate) const fn built_in(&self) -> &Policy {
        &self.built_in
    }

    /// The operator's overrides from `[policy]`.
    pub(crate) const fn service_layer(&self) -> &PolicyOverride {
        &self.service_layer
    }

    /// The effective policy of a tenant. A cached policy is used only if it was merged from an equal override. So a
    /// call never mixes a record with the policy of another moment.
    pub(crate) fn policy(&self, tenant: &TenantId, tenant_layer: &PolicyOverride) -> Arc<Policy> {
        if *tenant_layer == PolicyOverride::default() {
            return Arc::clone(&self.service_policy);
        }
        let mut retained = self.retained.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(merged) = retained.get(tenant)
            && merged.tenant_layer == *tenant_layer
        {
            return Arc::clone(&merged.policy);
        }
        let policy = Arc::new(self.merge(tenant_layer));
        make_room(&mut retained);
        let merged = MergedPolicy {
            tenant_layer: tenant_layer.clone(),
            policy: Arc::clone(&policy),
        };
        retained.insert(tenant.clone(), merged);
        policy
    }

    /// Merges a tenant's override without caching the result.
    pub(crate) fn merge(&self, tenant_layer: &PolicyOverride) -> Policy {
        let decided = self.service_layer.with(tenant_layer);
        self.built_in.under(&decided)
    }
}

fn make_room(retained: &mut HashMap<TenantId, MergedPolicy>) {
    if retained.len() < MAX_CACHED_POLICIES {
        return;
    }
    if let Some(other) = retained.keys().next().cloned() {
        retained.remove(&other);
    }
}

#[cfg(test)]
mod tests;
