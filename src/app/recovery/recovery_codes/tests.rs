use super::RecoveryCodeGenerator;
use crate::app::{
    ClientContext,
    context::{CallContext, RetainedResults},
    hashing::HashingPool,
    randomness::Randomness,
};
use countersign_domain::{
    authorization::caller::{Caller, CallerName, TenantScope},
    policy::{Policy, RecoveryStyle},
    recovery::HashCost,
    value::{
        id::{Subject, SubjectTag, TenantId, UserId},
        time::Timestamp,
    },
};
use countersign_transport::system::SystemEntropy;
use std::sync::Arc;

fn generator() -> RecoveryCodeGenerator {
    let cost = HashCost {
        memory_kib: 8,
        passes: 1,
    };
    RecoveryCodeGenerator {
        hashing: Arc::new(HashingPool::new(1, cost, b"a seed for tests")),
        randomness: Randomness::new(Arc::new(SystemEntropy)),
    }
}

fn call() -> CallContext {
    CallContext {
        caller: Arc::new(Caller {
            name: CallerName::new("portal"),
            rights: Vec::new(),
            audiences: Vec::new(),
            tenants: TenantScope::All,
        }),
        subject: Subject {
            tenant: TenantId::parse("acme").unwrap(),
            user: UserId::parse("jane").unwrap(),
        },
        subject_tag: SubjectTag([1; 16]),
        client: ClientContext::default(),
        actor: None,
        idempotency: None,
        now: Timestamp::from_millis(0),
        retained: RetainedResults::default(),
        permit: std::sync::Arc::default(),
    }
}

fn policy(recovery_style: RecoveryStyle) -> Policy {
    let mut policy = Policy::built_in();
    policy.rules.recovery_style = recovery_style;
    policy
}

#[tokio::test]
async fn a_call_that_is_decided_again_hashes_no_second_set() {
    let (generator, call) = (generator(), call());
    let policy = policy(RecoveryStyle::Codes);
    let first = generator.new_recovery_codes(&call, &policy).await;
    let again = generator.new_recovery_codes(&call, &policy).await;
    let (first, again) = (first.unwrap().unwrap(), again.unwrap().unwrap());
    assert_eq!(
        (first.exposed_codes, first.set),
        (again.exposed_codes, again.set)
    );
}

#[tokio::test]
async fn a_set_that_the_policy_wants_no_more_is_not_used() {
    let (generator, call) = (generator(), call());
    let codes = policy(RecoveryStyle::Codes);
    let first = generator.new_recovery_codes(&call, &codes).await;
    let first = first.unwrap().unwrap();
    let mut fewer = codes.clone();
    fewer.rules.recovery_codes -= 1;
    for other in [policy(RecoveryStyle::Key), fewer] {
        let second = generator.new_recovery_codes(&call, &other).await;
        assert_ne!(first.set, second.unwrap().unwrap().set);
    }
    let none = policy(RecoveryStyle::None);
    let none = generator.new_recovery_codes(&call, &none).await;
    assert!(none.unwrap().is_none());
}

#[tokio::test]
async fn two_calls_get_different_sets() {
    let generator = generator();
    let policy = policy(RecoveryStyle::Codes);
    let one = generator.new_recovery_codes(&call(), &policy).await;
    let other = generator.new_recovery_codes(&call(), &policy).await;
    assert_ne!(
        one.unwrap().unwrap().exposed_codes,
        other.unwrap().unwrap().exposed_codes
    );
}
