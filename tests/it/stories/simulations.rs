//! S30, S31: what a policy would do, told before it is decided.

use crate::{
    stories::methods::NUMBER,
    support::{
        Builder, Person, Service, Stores, field, on_both_pairs, person::add_method, reason,
        refused, service::unique, tamper::TamperedAccounts,
    },
};
use countersign_proto::v1::{
    self as pb, MethodKind, PolicyEffect, begin_sign_in_response::Decision,
};
use std::sync::{Arc, atomic::Ordering};
use tonic::{Code, Request, Status};

fn required() -> pb::Policy {
    pb::Policy {
        two_factor: Some(pb::TwoFactorMode::Required.into()),
        ..pb::Policy::default()
    }
}

fn request(person: &Person, policy: pb::Policy) -> pb::SimulatePolicyRequest {
    pb::SimulatePolicyRequest {
        tenant_id: person.tenant_id.clone(),
        policy: Some(policy),
        ..pb::SimulatePolicyRequest::default()
    }
}

/// All messages of a simulation.
async fn simulated(
    person: &Person,
    request: pb::SimulatePolicyRequest,
) -> Result<Vec<pb::SimulatePolicyResponse>, Status> {
    let mut policies = person.clients.policies.clone();
    let mut messages = policies.simulate_policy(request).await?.into_inner();
    let mut all = Vec::new();
    while let Some(message) = messages.message().await? {
        all.push(message);
    }
    Ok(all)
}

/// Who is told of, and what would be done to them.
fn effects(messages: &[pb::SimulatePolicyResponse]) -> Vec<(&str, Vec<PolicyEffect>)> {
    let users = messages.iter().flat_map(|message| &message.users);
    users
        .map(|user| (user.user_id.as_str(), user.effects().collect()))
        .collect()
}

fn count(message: &pb::SimulatePolicyResponse, effect: PolicyEffect) -> u64 {
    let counts = &message.progress.as_ref().unwrap().counts;
    let of_effect = counts.iter().find(|count| count.effect() == effect);
    of_effect.unwrap().users
}

/// Ann has an app, Bob a number, Cleo nothing; and somebody lives elsewhere.
async fn company(service: &Service) -> Person {
    let ann = Person::new(service.portal(), format!("tenant-{}", unique()), "ann").await;
    ann.enroll_app(service).await;
    let bob = ann.colleague("bob").await;
    let authorization = bob.attested(service, add_method(MethodKind::Sms));
    bob.enroll_number(NUMBER, authorization).await;
    ann.colleague("cleo").await;
    service.person().await;
    ann
}

#[test]
fn s30_the_administrator_sees_who_would_have_to_enroll() {
    on_both_pairs(async |service| {
        let ann = company(&service).await;
        let messages = simulated(&ann, request(&ann, required())).await.unwrap();
        assert_eq!(
            effects(&messages),
            [("cleo", vec![PolicyEffect::MustEnroll])]
        );
        let [last] = messages.try_into().unwrap();
        assert!(last.is_last && last.next_page_token.is_empty());
        let progress = last.progress.as_ref().unwrap();
        assert_eq!(
            (
                progress.users_seen,
                progress.users_total,
                progress.users_affected
            ),
            (3, Some(3), 1)
        );
        assert_eq!(count(&last, PolicyEffect::MustEnroll), 1);
        assert_eq!(count(&last, PolicyEffect::Blocked), 0);

        let in_grace = pb::Policy {
            grace_period: Some(prost_types::Duration {
                seconds: 3600,
                nanos: 0,
            }),
            ..required()
        };
        let messages = simulated(&ann, request(&ann, in_grace)).await.unwrap();
        assert_eq!(
            effects(&messages),
            [("cleo", vec![PolicyEffect::MustEnrollLater])]
        );
        let by = messages[0].users[0].enroll_by_time.unwrap();
        assert_eq!(by.seconds, service.seconds() + 3600);
    });
}

#[test]
fn s31_the_administrator_sees_who_would_lose_the_only_method() {
    on_both_pairs(async |service| {
        let ann = company(&service).await;
        let apps_only = pb::Policy {
            allowed_kinds: Some(pb::MethodKinds {
                kinds: vec![MethodKind::Totp.into()],
            }),
            ..required()
        };
        let messages = simulated(&ann, request(&ann, apps_only.clone()))
            .await
            .unwrap();
        assert_eq!(
            effects(&messages),
            [
                (
                    "bob",
                    vec![PolicyEffect::MustEnroll, PolicyEffect::LosesOnlyMethod]
                ),
                ("cleo", vec![PolicyEffect::MustEnroll]),
            ]
        );
        let optional = pb::Policy {
            two_factor: None,
            ..apps_only
        };
        let messages = simulated(&ann, request(&ann, optional)).await.unwrap();
        assert_eq!(
            effects(&messages),
            [(
                "bob",
                vec![PolicyEffect::LosesOnlyMethod, PolicyEffect::NotChallenged]
            )]
        );
    });
}

#[test]
fn s30_the_administrator_sees_who_would_be_blocked() {
    on_both_pairs(async |service| {
        let ann = company(&service).await;
        let staff = pb::Policy {
            required_groups: Some(pb::Groups {
                names: vec!["staff".to_owned()],
            }),
            ..required()
        };
        let messages = simulated(&ann, request(&ann, staff)).await.unwrap();
        let blocked = vec![PolicyEffect::Blocked];
        assert_eq!(
            effects(&messages),
            [
                ("ann", blocked.clone()),
                ("bob", blocked.clone()),
                ("cleo", blocked)
            ]
        );
    });
}

#[test]
fn s30_what_was_simulated_is_what_comes_and_nothing_came_of_the_simulation() {
    on_both_pairs(async |service| {
        let ann = company(&service).await;
        let cleo = ann.colleague("cleo").await;
        simulated(&ann, request(&ann, required())).await.unwrap();
        let decision = cleo.begin_sign_in().await.unwrap();
        assert!(matches!(decision, Decision::Allowed(_)), "{decision:?}");
        let update = pb::UpdatePolicyRequest {
            tenant_id: ann.tenant_id.clone(),
            policy: Some(required()),
            acting_user_id: "root@example.com".to_owned(),
            reason: "as simulated".to_owned(),
            ..pb::UpdatePolicyRequest::default()
        };
        let mut policies = ann.clients.policies.clone();
        policies.update_policy(update).await.unwrap();
        let decision = cleo.begin_sign_in().await.unwrap();
        assert!(
            matches!(decision, Decision::EnrollmentRequired(_)),
            "{decision:?}"
        );
        let messages = simulated(&ann, request(&ann, required())).await.unwrap();
        assert_eq!(effects(&messages), [], "it is so already");
    });
}

#[test]
fn s30_a_simulation_that_was_cut_short_goes_on() {
    on_both_pairs(async |service| {
        let ann = Person::new(service.portal(), format!("tenant-{}", unique()), "ann").await;
        for number in 0..205 {
            ann.colleague(&format!("user-{number:03}")).await;
        }
        let whole = simulated(&ann, request(&ann, required())).await.unwrap();
        assert_eq!(whole.len(), 2);
        let [first, second] = whole.try_into().unwrap();
        assert_eq!((first.users.len(), second.users.len()), (200, 6));
        assert!(!first.is_last && second.is_last);

        let rest = pb::SimulatePolicyRequest {
            page_token: first.next_page_token.clone(),
            ..request(&ann, required())
        };
        assert_eq!(simulated(&ann, rest).await.unwrap(), [second]);
        let other = pb::SimulatePolicyRequest {
            page_token: first.next_page_token,
            ..request(&ann, pb::Policy::default())
        };
        let status = simulated(&ann, other).await.unwrap_err();
        assert_eq!(field(&status), "page_token");
    });
}

#[test]
fn s30_a_caller_who_goes_away_ends_the_scan_and_so_does_the_deadline() {
    on_both_pairs(async |service| {
        let ann = company(&service).await;
        let accounts = TamperedAccounts::new(Arc::clone(&service.stores.accounts));
        accounts.scans_hang.store(true, Ordering::SeqCst);
        let stores = Stores {
            accounts: Arc::new(accounts),
            ..service.stores.clone()
        };
        let stuck = Builder {
            stores,
            ..service.twin_builder()
        };
        let stuck = stuck.start();
        let mut policies = stuck.portal().policies;
        let left = policies.simulate_policy(request(&ann, required())).await;
        drop(left.unwrap());

        let mut hurried = Request::new(request(&ann, required()));
        hurried
            .metadata_mut()
            .insert("grpc-timeout", "900m".parse().unwrap());
        let mut messages = policies
            .simulate_policy(hurried)
            .await
            .unwrap()
            .into_inner();
        let late = messages.message().await;
        refused(late, Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
        stuck.stop().await;
    });
}

#[test]
fn a20_only_who_may_decide_for_a_tenant_simulates_and_sees_no_others() {
    on_both_pairs(async |service| {
        let ann = company(&service).await;
        for (caller, why) in [
            ("elsewhere", "TENANT_NOT_ALLOWED"),
            ("keys-only", "RIGHT_MISSING"),
        ] {
            let other = ann.through(service.caller(caller));
            let denied = simulated(&other, request(&ann, required())).await;
            refused(denied, Code::PermissionDenied, why);
        }
        let contradiction = pb::Policy {
            allowed_kinds: Some(pb::MethodKinds {
                kinds: vec![MethodKind::Email.into()],
            }),
            sign_in_strength: Some(pb::MethodStrength::Strong.into()),
            ..required()
        };
        let status = simulated(&ann, request(&ann, contradiction))
            .await
            .unwrap_err();
        assert_eq!(reason(&status), "POLICY_CONFLICT");
    });
}
