//! `Policies`: SQLite and PostgreSQL.

use super::accounts::{START, new_user, on_each, random, seal_until, subject};
use countersign::ports::{AccountLookup, Accounts, Committed};
use countersign_domain::{
    caller::CallerName,
    change::{Base, Change, Made, Receipt},
    event::{Event, EventKind, Facts},
    id::{PolicyEtag, Subject, SubjectTag, TenantId, UserId},
    method::{Kind, Strength},
    policy::{ChangeKind, Decided, Layer, PolicyChange, TwoFactorMode},
    profile::Group,
    request::RequestMark,
    secret::Sealed,
    time::Timestamp,
};
use std::{sync::Arc, time::Duration};

const LATER: Timestamp = Timestamp::from_millis(START.millis() + 1000);

/// A layer with a value of each sort.
fn layer() -> Layer {
    Layer {
        two_factor: Some(TwoFactorMode::Required),
        required_from: Some(START),
        required_groups: Some(vec![Group::parse("the \"staff\"").unwrap()]),
        grace_period: Some(Duration::from_millis(1500)),
        allowed_kinds: Some([Kind::Totp, Kind::Sms].into_iter().collect()),
        default_locked: Some(false),
        attestation_suffices: Some(vec![ChangeKind::TrustDevice]),
        sign_in_strength: Some(Strength::Restricted),
        recovery_codes: Some(12),
        code_digits: Some(8.try_into().unwrap()),
        ..Layer::default()
    }
}

fn change(tenant: &TenantId, base: PolicyEtag, layer: Layer) -> PolicyChange {
    PolicyChange {
        tenant: tenant.clone(),
        base,
        after: Decided {
            layer,
            etag: random(),
            updated_at: Some(LATER),
        },
        event: Event {
            id: random(),
            tenant: tenant.clone(),
            subject: SubjectTag([7; 16]),
            kind: EventKind::PolicyUpdated,
            caller: CallerName::new("portal"),
            at: LATER,
            facts: Facts::none().with("changed", "two_factor"),
            personal: Sealed::from_bytes(vec![3]),
        },
        receipt: None,
    }
}

async fn decided(accounts: &dyn Accounts, tenant: &TenantId) -> Decided {
    accounts.policy(tenant, None).await.unwrap().0
}

#[test]
fn a_tenant_without_a_policy_decided_nothing() {
    on_each(async |accounts| {
        let tenant = subject().0.tenant;
        assert_eq!(decided(&*accounts, &tenant).await, Decided::nothing());
    });
}

#[test]
fn a_policy_is_read_as_it_was_written_and_comes_with_every_user_of_its_tenant() {
    on_each(async |accounts| {
        let (jane, tag) = subject();
        let (stranger, _) = subject();
        let first = change(&jane.tenant, Decided::nothing().etag, layer());
        assert_eq!(
            accounts.commit_policy(&first).await.unwrap(),
            Committed::Done
        );
        assert_eq!(decided(&*accounts, &jane.tenant).await, first.after);

        let before = accounts
            .load(&jane, AccountLookup::default())
            .await
            .unwrap();
        assert_eq!((before.account, before.tenant_layer), (None, layer()));
        accounts.commit(&new_user(&jane, tag)).await.unwrap();
        let loaded = accounts
            .load(&jane, AccountLookup::default())
            .await
            .unwrap();
        assert_eq!(loaded.account.unwrap().tenant_layer, layer());

        assert_eq!(
            decided(&*accounts, &stranger.tenant).await,
            Decided::nothing()
        );
        let other = accounts
            .load(&stranger, AccountLookup::default())
            .await
            .unwrap();
        assert_eq!(other.tenant_layer, Layer::default());
    });
}

#[test]
fn a_change_from_an_older_state_is_refused_whole() {
    on_each(async |accounts| {
        let tenant = subject().0.tenant;
        let nothing = Decided::nothing().etag;
        let first = change(&tenant, nothing, layer());
        accounts.commit_policy(&first).await.unwrap();
        let second = change(&tenant, first.after.etag, Layer::default());
        assert_eq!(
            accounts.commit_policy(&second).await.unwrap(),
            Committed::Done
        );
        assert_eq!(seal_until(&*accounts, 2).await, 2);

        for stale in [nothing, first.after.etag, random()] {
            let stale = change(&tenant, stale, layer());
            assert_eq!(
                accounts.commit_policy(&stale).await.unwrap(),
                Committed::ChangedConcurrently
            );
        }
        assert_eq!(decided(&*accounts, &tenant).await, second.after);
        assert_eq!(
            accounts.seal_events().await.unwrap(),
            0,
            "each leaves no event"
        );
    });
}

#[test]
fn of_two_changes_from_one_state_one_wins() {
    on_each(async |accounts| {
        let tenant = subject().0.tenant;
        let mut from = Decided::nothing().etag;
        for _ in 0..10 {
            let rivals = (0..4).map(|_| {
                let (accounts, change) = (Arc::clone(&accounts), change(&tenant, from, layer()));
                async move { (accounts.commit_policy(&change).await.unwrap(), change.after) }
            });
            let outcomes = futures_util::future::join_all(rivals).await;
            let won: Vec<_> = outcomes
                .into_iter()
                .filter(|(outcome, _)| *outcome == Committed::Done)
                .collect();
            let [(_, after)] = won.try_into().unwrap();
            assert_eq!(decided(&*accounts, &tenant).await, after);
            from = after.etag;
        }
    });
}

#[test]
fn every_change_leaves_its_event() {
    on_each(async |accounts| {
        let tenant = subject().0.tenant;
        accounts.seal_events().await.unwrap();
        let first = change(&tenant, Decided::nothing().etag, layer());
        accounts.commit_policy(&first).await.unwrap();
        assert_eq!(seal_until(&*accounts, 1).await, 1);
    });
}

#[test]
fn a_repeat_meets_the_receipt() {
    on_each(async |accounts| {
        let tenant = subject().0.tenant;
        let mark = RequestMark {
            tag: *random::<()>().as_bytes(),
            payload: [1; 16],
        };
        let receipt = Receipt {
            mark,
            made: Made::Nothing,
            answer: None,
            at: LATER,
        };
        let first = PolicyChange {
            receipt: Some(receipt.clone()),
            ..change(&tenant, Decided::nothing().etag, layer())
        };
        accounts.commit_policy(&first).await.unwrap();
        let (_, met) = accounts.policy(&tenant, Some(mark)).await.unwrap();
        assert_eq!(met, Some(receipt));
        assert_eq!(
            accounts.commit_policy(&first).await.unwrap(),
            Committed::RanBefore
        );
    });
}

fn spelled(who: &Subject, user: &str) -> Subject {
    Subject {
        user: UserId::parse(user).unwrap(),
        ..who.clone()
    }
}

#[test]
fn ids_that_differ_in_case_live_beside_each_other_only_if_they_were_made_so() {
    on_each(async |accounts| {
        let (jane, tag) = subject();
        let make = async |user: &str, base| {
            let change = Change {
                base,
                ..new_user(&spelled(&jane, user), tag)
            };
            accounts.commit(&change).await.unwrap()
        };
        assert_eq!(make("jane", Base::Absent).await, Committed::Done);
        assert_eq!(make("JANE", Base::Absent).await, Committed::DiffersInCase);
        for user in ["JANE", "Jane", "Joe", "JOE"] {
            assert_eq!(make(user, Base::AbsentToTheCase).await, Committed::Done);
        }
        // Switched back: whatever was made stays, and no further spelling of it is taken.
        for user in ["janE", "joe"] {
            assert_eq!(make(user, Base::Absent).await, Committed::DiffersInCase);
        }
        for base in [Base::Absent, Base::AbsentToTheCase] {
            assert_eq!(make("JOE", base).await, Committed::ChangedConcurrently);
        }
        assert_eq!(make("jim", Base::Absent).await, Committed::Done);
    });
}
