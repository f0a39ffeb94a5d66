//! `AccountStore`: SQLite and PostgreSQL.

use crate::support::{
    schema::{ROUTES, Schema},
    service::unique,
    stores::sqlite,
};
use countersign::ports::{AccountLookup, AccountStore, CommitResult};
use countersign_domain::{
    account::change::{
        AccountChange, AccountWriteOp, ChangeBase, ConsumedProof, CreatedResource,
        IdempotencyRecord,
    },
    audit_event::{AuditDetails, AuditEvent, AuditEventKind},
    authorization::caller::CallerName,
    method::{Method, MethodKind, MethodLabel},
    value::{
        epoch::Epoch,
        id::{Id, Subject, SubjectTag, TenantId, UserId},
        idempotency_key::IdempotencyKey,
        secret::SealedBytes,
        time::Timestamp,
    },
};
use std::sync::Arc;

pub(crate) const START: Timestamp = Timestamp::from_millis(1_780_000_000_000);

/// A user of a tenant that no other test has, and their pseudonym.
pub(crate) fn random_subject() -> (Subject, SubjectTag) {
    let name = unique();
    let subject = Subject {
        tenant: TenantId::parse(&name).unwrap(),
        user: UserId::parse("jane").unwrap(),
    };
    (subject, SubjectTag(name.as_bytes().try_into().unwrap()))
}

/// The change that makes a user.
pub(crate) fn new_user(subject: &Subject, tag: SubjectTag) -> AccountChange {
    AccountChange {
        subject: subject.clone(),
        base: ChangeBase::Absent,
        epoch: Epoch::first(1),
        now: START,
        consumed_proofs: Vec::new(),
        writes: vec![
            AccountWriteOp::UserKey(SealedBytes::from_bytes(vec![1])),
            AccountWriteOp::Profile {
                profile: SealedBytes::from_bytes(vec![2]),
                email_verified: false,
                email_version: 0,
                email_tag: None,
                email_since: None,
            },
        ],
        event: event(subject, tag),
        notices: Vec::new(),
        idempotency_record: None,
    }
}

fn event(subject: &Subject, tag: SubjectTag) -> AuditEvent {
    AuditEvent {
        id: random(),
        tenant: subject.tenant.clone(),
        subject: tag,
        kind: AuditEventKind::UserUpserted,
        caller: CallerName::new("portal"),
        at: START,
        details: AuditDetails::none(),
        personal: SealedBytes::from_bytes(vec![3]),
    }
}

pub(crate) fn random<Of>() -> Id<Of> {
    Id::from_bytes(unique().as_bytes().try_into().unwrap())
}

/// A change of a user as it stands now.
pub(crate) async fn next(
    accounts: &dyn AccountStore,
    subject: &Subject,
    tag: SubjectTag,
    writes: Vec<AccountWriteOp>,
) -> AccountChange {
    let account = accounts
        .load(subject, AccountLookup::default())
        .await
        .unwrap()
        .account
        .unwrap();
    AccountChange {
        base: ChangeBase::Present(account.epoch, account.revision),
        epoch: account.epoch,
        writes,
        event: event(subject, tag),
        ..new_user(subject, tag)
    }
}

fn method(label: &str) -> Method {
    Method {
        id: random(),
        kind: MethodKind::Totp,
        label: MethodLabel::parse(label).unwrap().unwrap(),
        version: 1,
        sealed: SealedBytes::from_bytes(vec![9]),
        disabled: false,
        created_at: START,
        last_used_at: None,
        suspended: false,
        consecutive_failures: 0,
        last_step: None,
    }
}

fn idempotency_key(seed: u8) -> IdempotencyKey {
    IdempotencyKey {
        key_digest: unique().as_bytes().try_into().unwrap(),
        request_fingerprint: [seed; 16],
    }
}

/// Runs a scenario on both stores, and on PostgreSQL by each way to it.
pub(crate) fn on_each(scenario: impl AsyncFn(Arc<dyn AccountStore>)) {
    let runtime = || {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap()
    };
    println!("on SQLite");
    runtime().block_on(async {
        let (accounts, _folder) = sqlite().await;
        scenario(accounts).await;
    });
    for route in ROUTES {
        runtime().block_on(async {
            let schema = Schema::new(route).await;
            scenario(Arc::new(schema.accounts())).await;
        });
    }
}

#[test]
fn nobody_is_found_before_the_first_upsert_and_after_the_erasure() {
    on_each(async |accounts| {
        let (subject, tag) = random_subject();
        assert!(
            accounts
                .load(&subject, AccountLookup::default())
                .await
                .unwrap()
                .account
                .is_none()
        );
        accounts.commit(&new_user(&subject, tag)).await.unwrap();
        assert!(
            accounts
                .load(&subject, AccountLookup::default())
                .await
                .unwrap()
                .account
                .is_some()
        );
        let erase = next(&*accounts, &subject, tag, vec![AccountWriteOp::Erase]).await;
        assert_eq!(accounts.commit(&erase).await.unwrap(), CommitResult::Done);
        assert!(
            accounts
                .load(&subject, AccountLookup::default())
                .await
                .unwrap()
                .account
                .is_none()
        );
    });
}

#[test]
fn what_is_written_is_loaded() {
    on_each(async |accounts| {
        let (subject, tag) = random_subject();
        accounts.commit(&new_user(&subject, tag)).await.unwrap();
        let (first, second) = (method("First"), method("Second"));
        let writes = vec![
            AccountWriteOp::AddMethod(first.clone(), None),
            AccountWriteOp::AddMethod(second.clone(), None),
            AccountWriteOp::SetDefault(second.id),
            AccountWriteOp::RenameMethod(first.id, MethodLabel::parse("Renamed").unwrap().unwrap()),
        ];
        let change = next(&*accounts, &subject, tag, writes).await;
        assert_eq!(accounts.commit(&change).await.unwrap(), CommitResult::Done);
        let account = accounts
            .load(&subject, AccountLookup::default())
            .await
            .unwrap()
            .account
            .unwrap();
        let labels: Vec<&str> = account
            .methods
            .iter()
            .map(|method| method.label.as_str())
            .collect();
        assert!(
            labels.contains(&"Renamed") && labels.contains(&"Second"),
            "{labels:?}"
        );
        assert_eq!(account.user_default, Some(second.id));

        let change = next(
            &*accounts,
            &subject,
            tag,
            vec![AccountWriteOp::RemoveMethod(second.id)],
        )
        .await;
        accounts.commit(&change).await.unwrap();
        let account = accounts
            .load(&subject, AccountLookup::default())
            .await
            .unwrap()
            .account
            .unwrap();
        assert_eq!((account.methods.len(), account.user_default), (1, None));
    });
}

#[test]
fn an_id_that_differs_only_in_case_is_refused() {
    on_each(async |accounts| {
        let (subject, tag) = random_subject();
        accounts.commit(&new_user(&subject, tag)).await.unwrap();
        let other = Subject {
            user: UserId::parse("JANE").unwrap(),
            ..subject.clone()
        };
        assert_eq!(
            accounts.commit(&new_user(&other, tag)).await.unwrap(),
            CommitResult::DiffersInCase
        );
        assert!(
            accounts
                .load(&other, AccountLookup::default())
                .await
                .unwrap()
                .account
                .is_none()
        );
    });
}

#[test]
fn a_change_from_an_older_revision_is_refused_whole() {
    on_each(async |accounts| {
        let (subject, tag) = random_subject();
        accounts.commit(&new_user(&subject, tag)).await.unwrap();
        let first = next(
            &*accounts,
            &subject,
            tag,
            vec![AccountWriteOp::AddMethod(method("First"), None)],
        )
        .await;
        let second = next(
            &*accounts,
            &subject,
            tag,
            vec![AccountWriteOp::AddMethod(method("Second"), None)],
        )
        .await;
        assert_eq!(accounts.commit(&first).await.unwrap(), CommitResult::Done);
        assert_eq!(
            accounts.commit(&second).await.unwrap(),
            CommitResult::ChangedConcurrently
        );
        let account = accounts
            .load(&subject, AccountLookup::default())
            .await
            .unwrap()
            .account
            .unwrap();
        assert_eq!(account.methods.len(), 1);
    });
}

#[test]
fn an_attestation_is_consumed_once_even_by_rivals() {
    on_each(async |accounts| {
        let attestation = format!("attestation-{}", unique());
        let mut rivals = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let (accounts, attestation) = (Arc::clone(&accounts), attestation.clone());
            rivals.spawn(async move {
                let (subject, tag) = random_subject();
                let spend = ConsumedProof::Attestation(CallerName::new("portal"), attestation);
                let change = AccountChange {
                    consumed_proofs: vec![spend],
                    ..new_user(&subject, tag)
                };
                let committed = accounts.commit(&change).await.unwrap();
                let exists = accounts
                    .load(&subject, AccountLookup::default())
                    .await
                    .unwrap()
                    .account
                    .is_some();
                (committed, exists)
            });
        }
        let outcomes = rivals.join_all().await;
        let done = outcomes
            .iter()
            .filter(|outcome| **outcome == (CommitResult::Done, true))
            .count();
        let spent = outcomes
            .iter()
            .filter(|outcome| **outcome == (CommitResult::ProofSpent, false))
            .count();
        assert_eq!((done, spent), (1, 7), "{outcomes:?}");
    });
}

#[test]
fn a_repeat_meets_its_idempotency_record_and_writes_nothing() {
    on_each(async |accounts| {
        let (subject, tag) = random_subject();
        accounts.commit(&new_user(&subject, tag)).await.unwrap();
        let (idempotency_key, added) = (idempotency_key(1), method("Added"));
        let idempotency_record = IdempotencyRecord {
            idempotency_key,
            created: CreatedResource::Method(added.id),
            answer: Some(SealedBytes::from_bytes(vec![7, 7])),
            at: START,
        };
        let change = AccountChange {
            idempotency_record: Some(idempotency_record.clone()),
            ..next(
                &*accounts,
                &subject,
                tag,
                vec![AccountWriteOp::AddMethod(added, None)],
            )
            .await
        };
        assert_eq!(accounts.commit(&change).await.unwrap(), CommitResult::Done);
        let loaded = accounts
            .load(&subject, AccountLookup::of_request(Some(idempotency_key)))
            .await
            .unwrap();
        assert_eq!(loaded.idempotency_record, Some(idempotency_record.clone()));

        let again = AccountChange {
            idempotency_record: Some(idempotency_record),
            ..next(
                &*accounts,
                &subject,
                tag,
                vec![AccountWriteOp::AddMethod(method("Again"), None)],
            )
            .await
        };
        assert_eq!(
            accounts.commit(&again).await.unwrap(),
            CommitResult::RanBefore
        );
        assert_eq!(
            accounts
                .load(&subject, AccountLookup::default())
                .await
                .unwrap()
                .account
                .unwrap()
                .methods
                .len(),
            1
        );
    });
}

/// Chains events until so many are chained. PostgreSQL holds those back that are younger than a transaction which still
/// runs, and other tests run some.
pub(crate) async fn seal_until(accounts: &dyn AccountStore, at_least: u64) -> u64 {
    let mut sealed = accounts.seal_events().await.unwrap();
    for _ in 0..200 {
        if sealed >= at_least {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
        sealed += accounts.seal_events().await.unwrap();
    }
    sealed
}

#[test]
fn events_are_sealed_once_each_with_an_unbroken_chain() {
    on_each(async |accounts| {
        let (subject, tag) = random_subject();
        accounts.commit(&new_user(&subject, tag)).await.unwrap();
        let mut sealers = tokio::task::JoinSet::new();
        for _ in 0..4 {
            let accounts = Arc::clone(&accounts);
            sealers.spawn(async move { accounts.seal_events().await.unwrap() });
        }
        sealers.join_all().await;
        seal_until(&*accounts, 0).await;
        accounts.record(&event(&subject, tag)).await.unwrap();
        assert!(seal_until(&*accounts, 1).await >= 1);
    });
}
