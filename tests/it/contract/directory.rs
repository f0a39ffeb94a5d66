//! `Directory`: SQLite and PostgreSQL.

use super::accounts::{START, new_user, next, on_each, random, subject};
use countersign::ports::{AccountLookup, Accounts, AskRecords, Committed, Scan, Scanned};
use countersign_domain::{
    caller::CallerName,
    change::{Base, Change, Ending, Made, Receipt, Write},
    directory::{Glance, Prefix},
    event::{Event, EventKind, Facts},
    id::{Id, Subject, SubjectTag, UserId},
    method::{Kind, Label, Method},
    request::RequestMark,
    secret::Sealed,
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
async fn tenant(accounts: &dyn Accounts, users: &[&str]) -> Subject {
    let (of, _) = subject();
    for user in users {
        let made = Change {
            base: Base::AbsentToTheCase,
            ..new_user(&named(&of, user), tag())
        };
        assert_eq!(accounts.commit(&made).await.unwrap(), Committed::Done);
    }
    of
}

fn scan(of: &Subject, prefix: &str, after: Option<&str>, at_most: u32) -> Scan {
    Scan {
        tenant: of.tenant.clone(),
        prefix: Prefix::parse(prefix).unwrap(),
        after: after.map(|user| UserId::parse(user).unwrap()),
        glances: vec![Glance::Anyone],
        at_most,
        now: START,
    }
}

fn ids(scanned: &[Scanned]) -> Vec<&str> {
    scanned.iter().map(|one| one.user.as_str()).collect()
}

async fn add(accounts: &dyn Accounts, who: &Subject, kinds: &[Kind]) {
    let methods = kinds.iter().map(|kind| {
        let method = Method {
            id: random(),
            kind: *kind,
            label: Label::parse(&random::<()>().to_string()).unwrap().unwrap(),
            version: 1,
            sealed: Sealed::from_bytes(vec![9]),
            disabled: false,
            suspended: false,
            created_at: START,
            last_used_at: None,
            consecutive_failures: 0,
            last_step: None,
        };
        Write::AddMethod(method, None)
    });
    let change = next(accounts, who, tag(), methods.collect()).await;
    assert_eq!(accounts.commit(&change).await.unwrap(), Committed::Done);
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
        add(&*accounts, &jane, &[Kind::Totp, Kind::Sms]).await;
        let scanned = accounts.scan(&scan(&of, "", None, 100)).await.unwrap();
        for one in scanned {
            let who = named(&of, one.user.as_str());
            let loaded = accounts
                .load(&who, AccountLookup::default())
                .await
                .unwrap()
                .account;
            assert_eq!(one.account, loaded);
            assert!(loaded.is_some());
        }
    });
}

#[test]
fn a_glance_rules_accounts_out_and_leaves_their_place() {
    on_each(async |accounts| {
        let of = tenant(&*accounts, &["app", "both", "none", "sms"]).await;
        add(&*accounts, &named(&of, "app"), &[Kind::Totp]).await;
        add(&*accounts, &named(&of, "both"), &[Kind::Sms, Kind::Totp]).await;
        add(&*accounts, &named(&of, "sms"), &[Kind::Sms, Kind::Email]).await;
        let seen = async |glances: &[Glance]| {
            let scan = Scan {
                glances: glances.to_vec(),
                ..scan(&of, "", None, 100)
            };
            let scanned = accounts.scan(&scan).await.unwrap();
            assert_eq!(ids(&scanned), ["app", "both", "none", "sms"]);
            let seen = scanned.iter().filter(|one| one.account.is_some());
            seen.map(|one| one.user.as_str().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(seen(&[Glance::WithoutMethod]).await, ["none"]);
        assert_eq!(seen(&[Glance::WithoutStrongMethod]).await, ["sms"]);
        let weak = [Glance::WithoutMethod, Glance::WithoutStrongMethod];
        assert_eq!(seen(&weak).await, ["none", "sms"]);
        let trouble = [Glance::WithFailure, Glance::WithMethodOutOfUse];
        assert_eq!(seen(&trouble).await, Vec::<String>::new());
        assert_eq!(seen(&[Glance::Anyone]).await.len(), 4);
    });
}

#[test]
fn users_are_counted_up_to_a_bound() {
    on_each(async |accounts| {
        let of = tenant(&*accounts, &["a", "b", "c"]).await;
        let count = async |at_most| accounts.count_users(&of.tenant, at_most).await.unwrap();
        assert_eq!((count(3).await, count(100).await), (Some(3), Some(3)));
        assert_eq!(count(2).await, None);
        let nobody = subject().0.tenant;
        assert_eq!(accounts.count_users(&nobody, 5).await.unwrap(), Some(0));
    });
}

fn event(who: &Subject, of: SubjectTag) -> Event {
    Event {
        id: random(),
        tenant: who.tenant.clone(),
        subject: of,
        kind: EventKind::SignInAllowed,
        caller: CallerName::new("portal"),
        at: START,
        facts: Facts::none(),
        personal: Sealed::from_bytes(vec![3]),
    }
}

#[test]
fn records_come_page_by_page_and_are_the_users_own() {
    on_each(async |accounts| {
        let (jane, of_jane) = subject();
        let (joe, of_joe) = (named(&jane, "joe"), tag());
        for (who, tag) in [(&jane, of_jane), (&joe, of_joe)] {
            accounts.commit(&new_user(who, tag)).await.unwrap();
            for _ in 0..4 {
                accounts.record(&event(who, tag)).await.unwrap();
            }
            let challenges = (0..3).map(|_| (random(), CallerName::new("portal")));
            let ends = countersign::ports::EndChallenges {
                who: who.clone(),
                challenges: challenges.collect(),
                how: Ending::Cancelled,
                at: START,
                event: None,
            };
            accounts.end_challenges(&ends).await.unwrap();
        }
        let mut ask = AskRecords {
            who: jane.clone(),
            tag: of_jane,
            after_event: 0,
            after_challenge: None,
            at_most: 2,
        };
        let (mut events, mut challenges) = (Vec::new(), Vec::new());
        for _ in 0..3 {
            let records = accounts.records(&ask).await.unwrap();
            assert!(records.events.len() <= 2 && records.ended.len() <= 2);
            let of_jane = |event: &countersign_domain::event::StoredEvent| {
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
fn receipt(answer: Option<&[u8]>) -> Receipt {
    let mark: Id<()> = random();
    Receipt {
        mark: RequestMark {
            tag: *mark.as_bytes(),
            payload: [1; 16],
        },
        made: Made::Nothing,
        answer: answer.map(|bytes| Sealed::from_bytes(bytes.to_vec())),
        at: START,
    }
}

#[test]
fn an_erasure_takes_what_repeats_would_be_shown_and_leaves_that_calls_ran() {
    on_each(async |accounts| {
        let (jane, of_jane) = subject();
        let (joe, of_joe) = (named(&jane, "joe"), tag());
        accounts.commit(&new_user(&jane, of_jane)).await.unwrap();
        accounts.commit(&new_user(&joe, of_joe)).await.unwrap();
        let change = async |who: &Subject, of: SubjectTag, kept: &Receipt, writes: Vec<Write>| {
            let change = Change {
                receipt: Some(kept.clone()),
                ..next(&*accounts, who, of, writes).await
            };
            assert_eq!(accounts.commit(&change).await.unwrap(), Committed::Done);
        };
        let (shown, silent, of_another) = (
            receipt(Some(b"shown")),
            receipt(None),
            receipt(Some(b"his")),
        );
        change(&jane, of_jane, &shown, Vec::new()).await;
        change(&jane, of_jane, &silent, Vec::new()).await;
        change(&joe, of_joe, &of_another, Vec::new()).await;
        let erased = receipt(None);
        change(&jane, of_jane, &erased, vec![Write::Erase]).await;

        let met = async |kept: &Receipt| {
            let loaded = accounts
                .load(&jane, AccountLookup::of_request(Some(kept.mark)))
                .await
                .unwrap();
            loaded.receipt.is_some()
        };
        assert!(!met(&shown).await);
        assert!(met(&silent).await && met(&erased).await);
        assert!(met(&of_another).await);
    });
}
