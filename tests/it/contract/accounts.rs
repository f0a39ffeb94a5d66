//! `Accounts`: SQLite and PostgreSQL.

use crate::support::{
    schema::{ROUTES, Schema},
    service::unique,
    stores::sqlite,
};
use countersign::ports::{AccountLookup, Accounts, Committed};
use countersign_domain::{
    caller::CallerName,
    change::{Base, Change, Made, Receipt, Spend, Write},
    epoch::Epoch,
    event::{Event, EventKind, Facts},
    id::{Id, Subject, SubjectTag, TenantId, UserId},
    method::{Kind, Label, Method},
    request::RequestMark,
    secret::Sealed,
    time::Timestamp,
};
use std::sync::Arc;

pub(crate) const START: Timestamp = Timestamp::from_millis(1_780_000_000_000);

/// A user of a tenant that no other test has, and their pseudonym.
pub(crate) fn subject() -> (Subject, SubjectTag) {
    let name = unique();
    let who = Subject {
        tenant: TenantId::parse(&name).unwrap(),
        user: UserId::parse("jane").unwrap(),
    };
    (who, SubjectTag(name.as_bytes().try_into().unwrap()))
}

/// The change that makes a user.
pub(crate) fn new_user(who: &Subject, tag: SubjectTag) -> Change {
    Change {
        subject: who.clone(),
        base: Base::Absent,
        epoch: Epoch::first(1),
        now: START,
        spends: Vec::new(),
        writes: vec![
            Write::UserKey(Sealed::from_bytes(vec![1])),
            Write::Profile {
                profile: Sealed::from_bytes(vec![2]),
                email_verified: false,
                email_version: 0,
                email_tag: None,
                email_since: None,
            },
        ],
        event: event(who, tag),
        notices: Vec::new(),
        receipt: None,
    }
}

fn event(who: &Subject, tag: SubjectTag) -> Event {
    Event {
        id: random(),
        tenant: who.tenant.clone(),
        subject: tag,
        kind: EventKind::UserUpserted,
        caller: CallerName::new("portal"),
        at: START,
        facts: Facts::none(),
        personal: Sealed::from_bytes(vec![3]),
    }
}

pub(crate) fn random<Of>() -> Id<Of> {
    Id::from_bytes(unique().as_bytes().try_into().unwrap())
}

/// A change of a user as it stands now.
pub(crate) async fn next(
    accounts: &dyn Accounts,
    who: &Subject,
    tag: SubjectTag,
    writes: Vec<Write>,
) -> Change {
    let account = accounts
        .load(who, AccountLookup::default())
        .await
        .unwrap()
        .account
        .unwrap();
    Change {
        base: Base::Present(account.epoch, account.revision),
        epoch: account.epoch,
        writes,
        event: event(who, tag),
        ..new_user(who, tag)
    }
}

fn method(label: &str) -> Method {
    Method {
        id: random(),
        kind: Kind::Totp,
        label: Label::parse(label).unwrap().unwrap(),
        version: 1,
        sealed: Sealed::from_bytes(vec![9]),
        disabled: false,
        created_at: START,
        last_used_at: None,
        suspended: false,
        consecutive_failures: 0,
        last_step: None,
    }
}

fn mark(seed: u8) -> RequestMark {
    RequestMark {
        tag: unique().as_bytes().try_into().unwrap(),
        payload: [seed; 16],
    }
}

/// Runs a scenario on both stores, and on PostgreSQL by each way to it.
pub(crate) fn on_each(scenario: impl AsyncFn(Arc<dyn Accounts>)) {
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
        let (who, tag) = subject();
        assert!(
            accounts
                .load(&who, AccountLookup::default())
                .await
                .unwrap()
                .account
                .is_none()
        );
        accounts.commit(&new_user(&who, tag)).await.unwrap();
        assert!(
            accounts
                .load(&who, AccountLookup::default())
                .await
                .unwrap()
                .account
                .is_some()
        );
        let erase = next(&*accounts, &who, tag, vec![Write::Erase]).await;
        assert_eq!(accounts.commit(&erase).await.unwrap(), Committed::Done);
        assert!(
            accounts
                .load(&who, AccountLookup::default())
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
        let (who, tag) = subject();
        accounts.commit(&new_user(&who, tag)).await.unwrap();
        let (first, second) = (method("First"), method("Second"));
        let writes = vec![
            Write::AddMethod(first.clone(), None),
            Write::AddMethod(second.clone(), None),
            Write::SetDefault(second.id),
            Write::RenameMethod(first.id, Label::parse("Renamed").unwrap().unwrap()),
        ];
        let change = next(&*accounts, &who, tag, writes).await;
        assert_eq!(accounts.commit(&change).await.unwrap(), Committed::Done);
        let account = accounts
            .load(&who, AccountLookup::default())
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
        assert_eq!(account.chosen_default, Some(second.id));

        let change = next(&*accounts, &who, tag, vec![Write::RemoveMethod(second.id)]).await;
        accounts.commit(&change).await.unwrap();
        let account = accounts
            .load(&who, AccountLookup::default())
            .await
            .unwrap()
            .account
            .unwrap();
        assert_eq!((account.methods.len(), account.chosen_default), (1, None));
    });
}

#[test]
fn an_id_that_differs_only_in_case_is_refused() {
    on_each(async |accounts| {
        let (who, tag) = subject();
        accounts.commit(&new_user(&who, tag)).await.unwrap();
        let other = Subject {
            user: UserId::parse("JANE").unwrap(),
            ..who.clone()
        };
        assert_eq!(
            accounts.commit(&new_user(&other, tag)).await.unwrap(),
            Committed::DiffersInCase
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
        let (who, tag) = subject();
        accounts.commit(&new_user(&who, tag)).await.unwrap();
        let first = next(
            &*accounts,
            &who,
            tag,
            vec![Write::AddMethod(method("First"), None)],
        )
        .await;
        let second = next(
            &*accounts,
            &who,
            tag,
            vec![Write::AddMethod(method("Second"), None)],
        )
        .await;
        assert_eq!(accounts.commit(&first).await.unwrap(), Committed::Done);
        assert_eq!(
            accounts.commit(&second).await.unwrap(),
            Committed::ChangedConcurrently
        );
        let account = accounts
            .load(&who, AccountLookup::default())
            .await
            .unwrap()
            .account
            .unwrap();
        assert_eq!(account.methods.len(), 1);
    });
}

#[test]
fn an_attestation_is_spent_once_even_by_rivals() {
    on_each(async |accounts| {
        let attestation = format!("attestation-{}", unique());
        let mut rivals = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let (accounts, attestation) = (Arc::clone(&accounts), attestation.clone());
            rivals.spawn(async move {
                let (who, tag) = subject();
                let spend = Spend::Attestation(CallerName::new("portal"), attestation);
                let change = Change {
                    spends: vec![spend],
                    ..new_user(&who, tag)
                };
                let committed = accounts.commit(&change).await.unwrap();
                let exists = accounts
                    .load(&who, AccountLookup::default())
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
            .filter(|outcome| **outcome == (Committed::Done, true))
            .count();
        let spent = outcomes
            .iter()
            .filter(|outcome| **outcome == (Committed::ProofSpent, false))
            .count();
        assert_eq!((done, spent), (1, 7), "{outcomes:?}");
    });
}

#[test]
fn a_repeat_meets_its_receipt_and_writes_nothing() {
    on_each(async |accounts| {
        let (who, tag) = subject();
        accounts.commit(&new_user(&who, tag)).await.unwrap();
        let (mark, added) = (mark(1), method("Added"));
        let receipt = Receipt {
            mark,
            made: Made::Method(added.id),
            answer: Some(Sealed::from_bytes(vec![7, 7])),
            at: START,
        };
        let change = Change {
            receipt: Some(receipt.clone()),
            ..next(&*accounts, &who, tag, vec![Write::AddMethod(added, None)]).await
        };
        assert_eq!(accounts.commit(&change).await.unwrap(), Committed::Done);
        let loaded = accounts
            .load(&who, AccountLookup::of_request(Some(mark)))
            .await
            .unwrap();
        assert_eq!(loaded.receipt, Some(receipt.clone()));

        let again = Change {
            receipt: Some(receipt),
            ..next(
                &*accounts,
                &who,
                tag,
                vec![Write::AddMethod(method("Again"), None)],
            )
            .await
        };
        assert_eq!(accounts.commit(&again).await.unwrap(), Committed::RanBefore);
        assert_eq!(
            accounts
                .load(&who, AccountLookup::default())
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
pub(crate) async fn seal_until(accounts: &dyn Accounts, at_least: u64) -> u64 {
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
        let (who, tag) = subject();
        accounts.commit(&new_user(&who, tag)).await.unwrap();
        let mut sealers = tokio::task::JoinSet::new();
        for _ in 0..4 {
            let accounts = Arc::clone(&accounts);
            sealers.spawn(async move { accounts.seal_events().await.unwrap() });
        }
        sealers.join_all().await;
        seal_until(&*accounts, 0).await;
        accounts.record(&event(&who, tag)).await.unwrap();
        assert!(seal_until(&*accounts, 1).await >= 1);
    });
}
