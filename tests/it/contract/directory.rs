//! `UserDirectory`: SQLite and PostgreSQL.

use super::accounts::{START, new_user, next, on_each, random, random_subject};
use countersign::ports::{
    AccountLookup, AccountStore, CommitResult, DirectoryScan, RecordsQuery, ScannedUser,
};
use countersign_domain::{
    account::{
        change::{
            AccountChange, AccountWriteOp, ChangeBase, CreatedResource, IdempotencyRecord,
            UnapprovedEnding,
        },
        directory::{DirectoryProjection, UserIdPrefix},
    },
    audit_event::{AuditDetails, AuditEvent, AuditEventKind},
    authorization::caller::CallerName,
    method::{Method, MethodKind, MethodLabel},
    value::{
        id::{Id, Subject, SubjectTag, UserId, UserIdRules},
        idempotency_key::IdempotencyKey,
        secret::SealedBytes,
    },
};

fn tag() -> SubjectTag {
    SubjectTag(*random::<()>().as_bytes())
}

fn named(of: &Subject, user: &str) -> Subject {
    Subject {
        user: UserId::parse(user).unwrap(),
        ..of.clone()
    }
}

/// Users of one tenant.
async fn tenant(accounts: &dyn AccountStore, users: &[&str]) -> Subject {
    let (of, _) = random_subject();
    for user in users {
        let created = AccountChange {
            base: ChangeBase::AbsentUnder(UserIdRules {
                case_sensitive: true,
                accent_sensitive: false,
            }),
            ..new_user(&named(&of, user), tag())
        };
        assert_eq!(accounts.commit(&created).await.unwrap(), CommitResult::Done);
    }
    of
}

fn scan(of: &Subject, prefix: &str, after: Option<&str>, at_most: u32) -> DirectoryScan {
    DirectoryScan {
        tenant: of.tenant.clone(),
        prefix: UserIdPrefix::parse(prefix).unwrap(),
        after: after.map(|user| UserId::parse(user).unwrap()),
        projections: vec![DirectoryProjection::Anyone],
        at_most,
        now: START,
    }
}

fn ids(scanned: &[ScannedUser]) -> Vec<&str> {
    scanned.iter().map(|one| one.user.as_str()).collect()
}

async fn add(accounts: &dyn AccountStore, subject: &Subject, kinds: &[MethodKind]) {
    let methods = kinds.iter().map(|kind| {
        let method = Method {
            id: random(),
            kind: *kind,
            label: MethodLabel::parse(&random::<()>().to_string())
                .unwrap()
                .unwrap(),
            version: 1,
            sealed: SealedBytes::from_bytes(vec![9]),
            disabled: false,
            suspended: false,
            created_at: START,
            last_used_at: None,
            consecutive_failures: 0,
            last_step: None,
        };
        AccountWriteOp::AddMethod(method, None)
    });
    let change = next(accounts, subject, tag(), methods.collect()).await;
    assert_eq!(accounts.commit(&change).await.unwrap(), CommitResult::Done);
}

#[test]
fn pages_go_through_every_user_once_in_the_order_of_small_letters() {
    on_each(async |accounts| {
        let users = ["b", "a", "C-3", "a.b", "A", "c-2", "_x", "~z", "Zed"];
        let of = tenant(&*accounts, &users).await;
        tenant(&*accounts, &["a", "elsewhere"]).await;
        let expected = ["_x", "A", "a", "a.b", "b", "c-2", "C-3", "Zed", "~z"];
        let all = accounts.scan(&scan(&of, "", None, 100)).await.unwrap();
        assert_eq!(ids(&all), expected);
        for at_most in 1..=4 {
            let (mut seen, mut after) = (Vec::new(), None);
            loop {
                let page = scan(&of, "", after.as_deref(), at_most);
                let page = accounts.scan(&page).await.unwrap();
                let Some(last) = page.last() else { break };
                after = Some(last.user.as_str().to_owned());
                assert!(page.len() <= usize::try_from(at_most).unwrap());
                seen.extend(ids(&page).into_iter().map(str::to_owned));
            }
            assert_eq!(seen, expected);
        }
    });
}

#[test]
fn a_prefix_takes_whatever_begins_with_it_and_nothing_else() {
    on_each(async |accounts| {
        let users = ["Jane", "jane.doe", "jan", "janf", "JAN~", "ja", "bjane"];
        let of = tenant(&*accounts, &users).await;
        let found = async |prefix: &str| {
            let found = accounts.scan(&scan(&of, prefix, None, 100)).await.unwrap();
            ids(&found)
                .into_iter()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        assert_eq!(found("jane").await, ["Jane", "jane.doe"]);
        assert_eq!(found("JAN").await.len(), 5);
        assert_eq!(found("jan~").await, ["JAN~"]);
        assert_eq!(found("x").await, Vec::<String>::new());
        let behind = scan(&of, "jan", Some("Jane"), 100);
        let behind = accounts.scan(&behind).await.unwrap();
        assert_eq!(ids(&behind), ["jane.doe", "janf", "JAN~"]);
    });
}

#[test]
fn an_account_comes_as_a_load_brings_it() {
    on_each(async |accounts| {
        let of = tenant(&*accounts, &["jane", "joe"]).await;
        let jane = named(&of, "jane");
        add(&*accounts, &jane, &[MethodKind::Totp, MethodKind::Sms]).await;
        let scanned = accounts.scan(&scan(&of, "", None, 100)).await.unwrap();
        for one in scanned {
            let subject = named(&of, one.user.as_str());
            let loaded = accounts
                .load(&subject, AccountLookup::default())
                .await
                .unwrap()
                .account;
            assert_eq!(one.account, loaded);
            assert!(loaded.is_some());
        }
    });
}

#[test]
fn a_projection_rules_accounts_out_and_leaves_their_place() {
    on_each(async |accounts| {
        let of = tenant(&*accounts, &["app", "both", "none", "sms"]).await;
        add(&*accounts, &named(&of, "app"), &[MethodKind::Totp]).await;
        add(
            &*accounts,
            &named(&of, "both"),
            &[MethodKind::Sms, MethodKind::Totp],
        )
        .await;
        add(
            &*accounts,
            &named(&of, "sms"),
            &[MethodKind::Sms, MethodKind::Email],
        )
        .await;
        let seen = async |projections: &[DirectoryProjection]| {
            let scan = DirectoryScan {
                projections: projections.to_vec(),
                ..scan(&of, "", None, 100)
            };
            let scanned = accounts.scan(&scan).await.unwrap();
            assert_eq!(ids(&scanned), ["app", "both", "none", "sms"]);
            let seen = scanned.iter().filter(|one| one.account.is_some());
            seen.map(|one| one.user.as_str().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(seen(&[DirectoryProjection::WithoutMethod]).await, ["none"]);
        assert_eq!(
            seen(&[DirectoryProjection::WithoutStrongMethod]).await,
            ["sms"]
        );
        let weak = [
            DirectoryProjection::WithoutMethod,
            DirectoryProjection::WithoutStrongMethod,
        ];
        assert_eq!(seen(&weak).await, ["none", "sms"]);
        let failure = [
            DirectoryProjection::WithFailure,
            DirectoryProjection::WithMethodOutOfUse,
        ];
        assert_eq!(seen(&failure).await, Vec::<String>::new());
        assert_eq!(seen(&[DirectoryProjection::Anyone]).await.len(), 4);
    });
}

#[test]
fn users_are_counted_up_to_a_bound() {
    on_each(async |accounts| {
        let of = tenant(&*accounts, &["a", "b", "c"]).await;
        let count = async |at_most| accounts.count_users(&of.tenant, at_most).await.unwrap();
        assert_eq!((count(3).await, count(100).await), (Some(3), Some(3)));
        assert_eq!(count(2).await, None);
        let nobody = random_subject().0.tenant;
        assert_eq!(accounts.count_users(&nobody, 5).await.unwrap(), Some(0));
    });
}

fn event(subject: &Subject, of: SubjectTag) -> AuditEvent {
    AuditEvent {
        id: random(),
        tenant: subject.tenant.clone(),
        subject: of,
        kind: AuditEventKind::SignInAllowed,
        caller: CallerName::new("portal"),
        at: START,
        details: AuditDetails::none(),
        personal: SealedBytes::from_bytes(vec![3]),
    }
}

#[test]
fn records_come_page_by_page_and_are_the_users_own() {
    on_each(async |accounts| {
        let (jane, of_jane) = random_subject();
        let (joe, of_joe) = (named(&jane, "joe"), tag());
        for (subject, tag) in [(&jane, of_jane), (&joe, of_joe)] {
            accounts.commit(&new_user(subject, tag)).await.unwrap();
            for _ in 0..4 {
                accounts.record(&event(subject, tag)).await.unwrap();
            }
            let challenges = (0..3).map(|_| (random(), CallerName::new("portal")));
            let ends = countersign::ports::ChallengesToEnd {
                subject: subject.clone(),
                challenges: challenges.collect(),
                how: UnapprovedEnding::Canceled,
                at: START,
                event: None,
            };
            accounts.end_challenges(&ends).await.unwrap();
        }
        let mut ask = RecordsQuery {
            subject: jane.clone(),
            tag: of_jane,
            after_event: 0,
            after_challenge: None,
            at_most: 2,
        };
        let (mut events, mut challenges) = (Vec::new(), Vec::new());
        for _ in 0..3 {
            let records = accounts.records(&ask).await.unwrap();
            assert!(records.events.len() <= 2 && records.ended.len() <= 2);
            let of_jane = |event: &countersign_domain::audit_event::StoredAuditEvent| {
                event.subject == of_jane.0 && event.tenant == jane.tenant.as_str()
            };
            assert!(records.events.iter().all(of_jane));
            ask.after_event = records
                .events
                .last()
                .map_or(ask.after_event, |last| last.row);
            let last = records.ended.last().map(|last| last.id);
            ask.after_challenge = last.or(ask.after_challenge);
            events.extend(records.events);
            challenges.extend(records.ended);
        }
        assert_eq!((events.len(), challenges.len()), (5, 3));
        assert!(events.is_sorted_by(|one, other| one.row < other.row));
    });
}

/// What a repeat of a call meets: marks, and an answer if there was one to show.
fn idempotency_record(answer: Option<&[u8]>) -> IdempotencyRecord {
    let idempotency_key: Id<()> = random();
    IdempotencyRecord {
        idempotency_key: IdempotencyKey {
            key_digest: *idempotency_key.as_bytes(),
            request_fingerprint: [1; 16],
        },
        created: CreatedResource::Nothing,
        answer: answer.map(|bytes| SealedBytes::from_bytes(bytes.to_vec())),
        at: START,
    }
}

#[test]
fn an_erasure_takes_what_repeats_would_be_shown_and_leaves_that_calls_ran() {
    on_each(async |accounts| {
        let (jane, of_jane) = random_subject();
        let (joe, of_joe) = (named(&jane, "joe"), tag());
        accounts.commit(&new_user(&jane, of_jane)).await.unwrap();
        accounts.commit(&new_user(&joe, of_joe)).await.unwrap();
        let change = async |subject: &Subject,
                            of: SubjectTag,
                            kept: &IdempotencyRecord,
                            writes: Vec<AccountWriteOp>| {
            let change = AccountChange {
                idempotency_record: Some(kept.clone()),
                ..next(&*accounts, subject, of, writes).await
            };
            assert_eq!(accounts.commit(&change).await.unwrap(), CommitResult::Done);
        };
        let (shown, silent, of_another) = (
            idempotency_record(Some(b"shown")),
            idempotency_record(None),
            idempotency_record(Some(b"his")),
        );
        change(&jane, of_jane, &shown, Vec::new()).await;
        change(&jane, of_jane, &silent, Vec::new()).await;
        change(&joe, of_joe, &of_another, Vec::new()).await;
        let erased = idempotency_record(None);
        change(&jane, of_jane, &erased, vec![AccountWriteOp::Erase]).await;

        let met = async |kept: &IdempotencyRecord| {
            let loaded = accounts
                .load(&jane, AccountLookup::of_request(Some(kept.idempotency_key)))
                .await
                .unwrap();
            loaded.idempotency_record.is_some()
        };
        assert!(!met(&shown).await);
        assert!(met(&silent).await && met(&erased).await);
        assert!(met(&of_another).await);
    });
}
