//! `PolicyStore`: SQLite and PostgreSQL.

use super::accounts::{START, new_user, on_each, random, random_subject, seal_until};
use countersign::ports::{AccountLookup, AccountStore, CommitResult};
use countersign_domain::{
    account::{
        change::{AccountChange, ChangeBase, CreatedResource, IdempotencyRecord},
        groups::GroupName,
    },
    audit_event::{AuditDetails, AuditEvent, AuditEventKind},
    authorization::caller::CallerName,
    method::{MethodKind, MethodStrength},
    policy::{PolicyChange, PolicyOverride, ProtectedChange, StoredPolicy, TwoFactorMode},
    value::{
        id::{PolicyEtag, Subject, SubjectTag, TenantId, UserId, UserIdRules},
        idempotency_key::IdempotencyKey,
        secret::SealedBytes,
        time::Timestamp,
    },
};
use std::{sync::Arc, time::Duration};

const LATER: Timestamp = Timestamp::from_millis(START.millis() + 1000);

/// A layer with a value of each sort.
fn layer() -> PolicyOverride {
    PolicyOverride {
        two_factor: Some(TwoFactorMode::Required),
        required_from: Some(START),
        required_groups: Some(vec![GroupName::parse("the \"staff\"").unwrap()]),
        grace_period: Some(Duration::from_millis(1500)),
        allowed_kinds: Some([MethodKind::Totp, MethodKind::Sms].into_iter().collect()),
        default_locked: Some(false),
        attestation_suffices: Some(vec![ProtectedChange::TrustDevice]),
        sign_in_strength: Some(MethodStrength::Restricted),
        recovery_codes: Some(12),
        code_digits: Some(8.try_into().unwrap()),
        ..PolicyOverride::default()
    }
}

pub(crate) fn change(tenant: &TenantId, base: PolicyEtag, layer: PolicyOverride) -> PolicyChange {
    PolicyChange {
        tenant: tenant.clone(),
        base,
        after: StoredPolicy {
            layer,
            etag: random(),
            updated_at: Some(LATER),
            author_key: Some(SealedBytes::from_bytes(vec![4])),
        },
        event: AuditEvent {
            id: random(),
            tenant: tenant.clone(),
            subject: SubjectTag([7; 16]),
            kind: AuditEventKind::PolicyUpdated,
            caller: CallerName::new("portal"),
            at: LATER,
            details: AuditDetails::none().with("changed", "two_factor"),
            personal: SealedBytes::from_bytes(vec![3]),
        },
        idempotency_record: None,
    }
}

async fn decided(accounts: &dyn AccountStore, tenant: &TenantId) -> StoredPolicy {
    accounts.policy(tenant, None).await.unwrap().0
}

#[test]
fn a_tenant_without_a_policy_decided_nothing() {
    on_each(async |accounts| {
        let tenant = random_subject().0.tenant;
        assert_eq!(decided(&*accounts, &tenant).await, StoredPolicy::nothing());
    });
}

#[test]
fn a_policy_is_read_as_it_was_written_and_comes_with_every_user_of_its_tenant() {
    on_each(async |accounts| {
        let (jane, tag) = random_subject();
        let (stranger, _) = random_subject();
        let first = change(&jane.tenant, StoredPolicy::nothing().etag, layer());
        assert_eq!(
            accounts.commit_policy(&first).await.unwrap(),
            CommitResult::Done
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
            StoredPolicy::nothing()
        );
        let other = accounts
            .load(&stranger, AccountLookup::default())
            .await
            .unwrap();
        assert_eq!(other.tenant_layer, PolicyOverride::default());
    });
}

#[test]
fn a_change_from_an_older_state_is_refused_whole() {
    on_each(async |accounts| {
        let tenant = random_subject().0.tenant;
        let nothing = StoredPolicy::nothing().etag;
        let first = change(&tenant, nothing, layer());
        accounts.commit_policy(&first).await.unwrap();
        let second = change(&tenant, first.after.etag, PolicyOverride::default());
        assert_eq!(
            accounts.commit_policy(&second).await.unwrap(),
            CommitResult::Done
        );
        assert_eq!(seal_until(&*accounts, 2).await, 2);

        for stale in [nothing, first.after.etag, random()] {
            let stale = change(&tenant, stale, layer());
            assert_eq!(
                accounts.commit_policy(&stale).await.unwrap(),
                CommitResult::ChangedConcurrently
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
        let tenant = random_subject().0.tenant;
        let mut from = StoredPolicy::nothing().etag;
        for _ in 0..10 {
            let rivals = (0..4).map(|_| {
                let (accounts, change) = (Arc::clone(&accounts), change(&tenant, from, layer()));
                async move { (accounts.commit_policy(&change).await.unwrap(), change.after) }
            });
            let outcomes = futures_util::future::join_all(rivals).await;
            let won: Vec<_> = outcomes
                .into_iter()
                .filter(|(outcome, _)| *outcome == CommitResult::Done)
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
        let tenant = random_subject().0.tenant;
        accounts.seal_events().await.unwrap();
        let first = change(&tenant, StoredPolicy::nothing().etag, layer());
        accounts.commit_policy(&first).await.unwrap();
        assert_eq!(seal_until(&*accounts, 1).await, 1);
    });
}

#[test]
fn a_repeat_meets_the_idempotency_record() {
    on_each(async |accounts| {
        let tenant = random_subject().0.tenant;
        let idempotency_key = IdempotencyKey {
            key_digest: *random::<()>().as_bytes(),
            request_fingerprint: [1; 16],
        };
        let idempotency_record = IdempotencyRecord {
            idempotency_key,
            created: CreatedResource::Nothing,
            answer: None,
            at: LATER,
        };
        let first = PolicyChange {
            idempotency_record: Some(idempotency_record.clone()),
            ..change(&tenant, StoredPolicy::nothing().etag, layer())
        };
        accounts.commit_policy(&first).await.unwrap();
        let (_, met) = accounts
            .policy(&tenant, Some(idempotency_key))
            .await
            .unwrap();
        assert_eq!(met, Some(idempotency_record));
        assert_eq!(
            accounts.commit_policy(&first).await.unwrap(),
            CommitResult::RanBefore
        );
    });
}

fn spelled(subject: &Subject, user: &str) -> Subject {
    Subject {
        user: UserId::parse(user).unwrap(),
        ..subject.clone()
    }
}

#[test]
fn ids_that_differ_in_case_live_beside_each_other_only_if_they_were_made_so() {
    on_each(async |accounts| {
        let (jane, tag) = random_subject();
        let make = async |user: &str, base| {
            let change = AccountChange {
                base,
                ..new_user(&spelled(&jane, user), tag)
            };
            accounts.commit(&change).await.unwrap()
        };
        let to_the_case = ChangeBase::AbsentUnder(UserIdRules {
            case_sensitive: true,
            accent_sensitive: false,
        });
        assert_eq!(make("jane", ChangeBase::Absent).await, CommitResult::Done);
        assert_eq!(
            make("JANE", ChangeBase::Absent).await,
            CommitResult::DiffersInCase
        );
        for user in ["JANE", "Jane", "Joe", "JOE"] {
            assert_eq!(make(user, to_the_case).await, CommitResult::Done);
        }
        // Switched back: whatever was made stays, and no further spelling of it is taken.
        for user in ["janE", "joe"] {
            assert_eq!(
                make(user, ChangeBase::Absent).await,
                CommitResult::DiffersInCase
            );
        }
        for base in [ChangeBase::Absent, to_the_case] {
            assert_eq!(make("JOE", base).await, CommitResult::ChangedConcurrently);
        }
        assert_eq!(make("jim", ChangeBase::Absent).await, CommitResult::Done);
    });
}

#[test]
fn ids_that_look_alike_live_beside_each_other_only_if_they_were_made_so() {
    on_each(async |accounts| {
        let (jane, tag) = random_subject();
        let make = async |user: &str, base| {
            let change = AccountChange {
                base,
                ..new_user(&spelled(&jane, user), tag)
            };
            accounts.commit(&change).await.unwrap()
        };
        let under = |case_sensitive, accent_sensitive| {
            ChangeBase::AbsentUnder(UserIdRules {
                case_sensitive,
                accent_sensitive,
            })
        };
        let strict = ChangeBase::Absent;
        assert_eq!(make("jane", strict).await, CommitResult::Done);
        for user in ["jáne", "ｊａｎｅ", "JÁNE", "𝓳ane"] {
            assert_eq!(make(user, strict).await, CommitResult::LooksAlike, "{user}");
        }
        assert_eq!(
            make("jáne", under(true, false)).await,
            CommitResult::LooksAlike
        );
        assert_eq!(make("jáne", under(false, true)).await, CommitResult::Done);
        assert_eq!(
            make("JÁNE", under(false, true)).await,
            CommitResult::DiffersInCase
        );
        assert_eq!(
            make("Jane", under(false, true)).await,
            CommitResult::DiffersInCase
        );
        assert_eq!(make("JÁNE", under(true, true)).await, CommitResult::Done);
        assert_eq!(
            make("JÀNE", under(true, false)).await,
            CommitResult::LooksAlike
        );
        // Switched back: whatever was made stays.
        assert_eq!(make("jäne", strict).await, CommitResult::LooksAlike);
        assert_eq!(
            make("jáne", strict).await,
            CommitResult::ChangedConcurrently
        );
        for user in ["jane", "jáne", "JÁNE"] {
            let subject = spelled(&jane, user);
            let loaded = accounts.load(&subject, AccountLookup::default()).await;
            assert_eq!(loaded.unwrap().account.unwrap().subject, subject);
        }
    });
}

#[test]
fn of_look_alikes_that_come_at_once_one_is_made() {
    on_each(async |accounts| {
        let (jane, tag) = random_subject();
        let spellings = ["jane", "jáne", "JANE", "ｊane"];
        let changes = spellings.map(|user| new_user(&spelled(&jane, user), tag));
        let made =
            futures_util::future::join_all(changes.iter().map(|change| accounts.commit(change)));
        let made: Vec<CommitResult> = made.await.into_iter().map(Result::unwrap).collect();
        let done = made.iter().filter(|result| **result == CommitResult::Done);
        assert_eq!(done.count(), 1, "{made:?}");
    });
}
