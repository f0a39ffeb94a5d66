use super::{MAX_CACHED_POLICIES, PolicyResolver};
use countersign_domain::{
    policy::{Policy, PolicyOverride},
    value::id::TenantId,
};
use std::sync::Arc;

fn resolver() -> PolicyResolver {
    PolicyResolver::new(Policy::built_in(), PolicyOverride::default())
}

fn tenant(name: &str) -> TenantId {
    TenantId::parse(name).unwrap()
}

fn with_attempts(attempts: u8) -> PolicyOverride {
    PolicyOverride {
        attempts_per_challenge: Some(attempts),
        ..PolicyOverride::default()
    }
}

#[test]
fn an_unchanged_layer_is_merged_once() {
    let resolver = resolver();
    let first = resolver.policy(&tenant("acme"), &with_attempts(3));
    let second = resolver.policy(&tenant("acme"), &with_attempts(3));
    assert!(Arc::ptr_eq(&first, &second));
    assert_eq!(*first, resolver.merge(&with_attempts(3)));
}

#[test]
fn tenants_without_decisions_share_the_policy_of_the_service() {
    let resolver = resolver();
    let acme = resolver.policy(&tenant("acme"), &PolicyOverride::default());
    let globex = resolver.policy(&tenant("globex"), &PolicyOverride::default());
    assert!(Arc::ptr_eq(&acme, &globex));
}

#[test]
fn the_policy_of_the_service_is_that_of_an_empty_layer() {
    let resolver = PolicyResolver::new(Policy::built_in(), with_attempts(2));
    let policy = resolver.policy(&tenant("acme"), &PolicyOverride::default());
    assert_eq!(policy.attempts_per_challenge, 2);
    assert_eq!(*policy, resolver.merge(&PolicyOverride::default()));
}

#[test]
fn a_changed_layer_is_merged_again() {
    let resolver = resolver();
    resolver.policy(&tenant("acme"), &with_attempts(3));
    let changed = resolver.policy(&tenant("acme"), &with_attempts(4));
    assert_eq!(changed.attempts_per_challenge, 4);
    let back = resolver.policy(&tenant("acme"), &with_attempts(3));
    assert_eq!(back.attempts_per_challenge, 3);
}

#[test]
fn the_policy_of_one_tenant_is_never_that_of_another() {
    let resolver = resolver();
    let acme = resolver.policy(&tenant("acme"), &with_attempts(3));
    let globex = resolver.policy(&tenant("globex"), &with_attempts(4));
    assert_eq!(acme.attempts_per_challenge, 3);
    assert_eq!(globex.attempts_per_challenge, 4);
}

#[test]
fn no_more_policies_are_kept_than_fit() {
    let resolver = resolver();
    for number in 0..MAX_CACHED_POLICIES + 10 {
        resolver.policy(&tenant(&format!("tenant-{number}")), &with_attempts(3));
    }
    assert_eq!(resolver.retained.lock().unwrap().len(), MAX_CACHED_POLICIES);
}
