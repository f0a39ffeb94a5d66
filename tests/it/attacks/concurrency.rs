//! A67: concurrent writers on one user and on fifty, over two stores on one database: one winner each, and no judged
//! attempt without its row.
//!
//! The controls weaken the SQL text of the real store on its way to the server. Every run stretches the time between the
//! lock and the write, so that rivals meet.

use crate::{
    contract::{
        accounts::{START, random},
        verdicts::{bypass_code, key_set},
    },
    support::{
        database::Database,
        sql_proxy::SqlProxy,
        stores::store_keys,
        verdicts::{METHOD, TestUser, WRONG, right},
    },
};
use countersign::ports::{AccountStore, ChallengesToEnd, CommitResult};
use countersign_domain::{
    account::change::{AccountChange, AccountWriteOp, ChangeBase, ConsumedProof, UnapprovedEnding},
    authorization::caller::CallerName,
    challenge::verdict::{ChallengeOutcome, VerdictResult},
    method::{Method, MethodKind, MethodLabel},
    value::{
        epoch::Epoch,
        id::{ChallengeId, SubjectTag},
        secret::SealedBytes,
    },
};
use std::{sync::Arc, time::Duration};
use tokio::{sync::Barrier, task::JoinSet};

const RIVALS: usize = 64;
const USERS: usize = 50;

/// How often a control plays: one round may meet nobody at the same instant.
const CONTROL_ROUNDS: usize = 30;

/// The time between the lock and the write grows by thirty milliseconds.
const SLOW: (&str, &str) = (
    "ORDER BY n.place",
    "ORDER BY n.place, (SELECT 1 FROM pg_sleep(0.03))",
);

/// A flaw: the lock keeps nobody from writing.
const WEAK_LOCK: (&str, &str) = ("NO KEY UPDATE OF a", "KEY SHARE OF a");

/// A flaw: a row is replaced that is not the one which was read.
const AT_LEAST: (&str, &str) = (
    "a.version = n.expected_version",
    "(a.version >= n.expected_version OR a.version < n.expected_version)",
);

/// A flaw: a challenge that has ended meanwhile is no reason to stop.
const ON_CONFLICT: (&str, &str) = (
    "$15::bigint[], $16::bytea[])",
    "$15::bigint[], $16::bytea[]) ON CONFLICT DO NOTHING",
);

type Store = Arc<dyn AccountStore>;

/// Rivals and where they write.
struct RivalArena {
    database: Database,
    stores: Vec<Store>,
    proxy: Option<SqlProxy>,
}

impl RivalArena {
    /// SQLite has one writer for a file.
    async fn sqlite() -> Self {
        let database = Database::sqlite().await;
        let stores = vec![database.store(store_keys()).await];
        Self {
            database,
            stores,
            proxy: None,
        }
    }

    async fn postgres(rewrites: &[(&'static str, &'static str)]) -> Self {
        let Database::Postgres(url) = Database::postgres().await else {
            panic!("it is PostgreSQL")
        };
        let rewrites: Vec<_> = [&[SLOW], rewrites].concat();
        let proxy = SqlProxy::start(&url, &rewrites).await;
        let through_proxy = Database::Postgres(proxy.url.clone());
        let mut stores = Vec::new();
        for _ in 0..2 {
            stores.push(through_proxy.store(store_keys()).await);
        }
        Self {
            database: Database::Postgres(url),
            stores,
            proxy: Some(proxy),
        }
    }

    fn store(&self, place: usize) -> Store {
        Arc::clone(&self.stores[place % self.stores.len()])
    }

    async fn events(&self, user: &TestUser, kind: &str) -> i64 {
        let tenant = user.subject.tenant.as_str();
        let sql =
            format!("SELECT count(*) FROM events WHERE tenant_id = '{tenant}' AND kind = '{kind}'");
        self.database.number(&sql).await
    }
}

/// Plays on both engines.
fn on_each(play: impl AsyncFn(RivalArena)) {
    runtime().block_on(async { play(RivalArena::sqlite().await).await });
    runtime().block_on(async { play(RivalArena::postgres(&[]).await).await });
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

/// Everybody begins at the same instant; what each came to.
async fn all_at_once<T: Send + 'static>(
    rivals: impl IntoIterator<Item = impl Future<Output = T> + Send + 'static>,
) -> Vec<T> {
    let rivals: Vec<_> = rivals.into_iter().collect();
    let barrier = Arc::new(Barrier::new(rivals.len()));
    let mut running = JoinSet::new();
    for rival in rivals {
        let barrier = Arc::clone(&barrier);
        running.spawn(async move {
            barrier.wait().await;
            rival.await
        });
    }
    running.join_all().await
}

/// How often one code of each user's app is accepted that 64 rivals give, each to a challenge of its own.
async fn acceptances(arena: &RivalArena, users: &[TestUser]) -> Vec<usize> {
    let rivals = (0..RIVALS.max(users.len() * 2)).map(|place| {
        let (user, store) = (
            users[place % users.len()].clone(),
            arena.store(place / users.len()),
        );
        async move {
            let attempt = user.attempt(random(), right(2));
            let verdict_result = store.record_verdict(&attempt).await;
            (
                user.tag,
                matches!(verdict_result, Ok(VerdictResult::Approved { .. })),
            )
        }
    });
    let answers = all_at_once(rivals).await;
    let accepted = |user: &TestUser| {
        let is_theirs = |answer: &&(SubjectTag, bool)| **answer == (user.tag, true);
        answers.iter().filter(is_theirs).count()
    };
    users.iter().map(accepted).collect()
}

#[test]
fn a67_one_code_is_accepted_once_for_64_challenges() {
    on_each(async |arena| {
        for _ in 0..4 {
            let jane = TestUser::many(&*arena.stores[0], 1).await;
            assert_eq!(acceptances(&arena, &jane).await, [1]);
        }
        for _ in 0..3 {
            let users = TestUser::many(&*arena.stores[0], USERS).await;
            assert_eq!(acceptances(&arena, &users).await, [1; USERS]);
            for user in &users {
                assert_eq!(arena.events(user, "CHALLENGE_APPROVED").await, 1);
            }
        }
    });
}

/// Whether any user's code is accepted twice by stores with a flaw, in so many rounds.
async fn is_accepted_twice(rewrites: &[(&'static str, &'static str)], rounds: usize) -> bool {
    let arena = RivalArena::postgres(rewrites).await;
    let mut twice = false;
    for _ in 0..rounds {
        let users = TestUser::many(&*arena.stores[0], USERS).await;
        let counts = acceptances(&arena, &users).await;
        twice = counts.iter().any(|count| *count > 1);
        if twice {
            break;
        }
    }
    arena.proxy.unwrap().assert_all_applied();
    twice
}

#[test]
fn a67_without_the_lock_the_version_still_refuses_the_second() {
    runtime().block_on(async {
        assert!(!is_accepted_twice(&[WEAK_LOCK], 3).await);
    });
}

#[test]
fn a67_a_version_that_need_not_be_equal_is_caught_control() {
    runtime().block_on(async {
        assert!(is_accepted_twice(&[WEAK_LOCK, AT_LEAST], CONTROL_ROUNDS).await);
    });
}

/// Of 64 wrong codes: how many were judged, how many the audit record has, and how many the user's record has.
async fn wrong_codes(arena: &RivalArena) -> (usize, i64, usize) {
    let jane = TestUser::prepared(&*arena.stores[0]).await;
    let rivals = (0..RIVALS).map(|place| {
        let (jane, store) = (jane.clone(), arena.store(place));
        async move { store.record_verdict(&jane.attempt(random(), WRONG)).await }
    });
    let answers = all_at_once(rivals).await;
    let judged = answers
        .iter()
        .filter(|answer| matches!(answer, Ok(VerdictResult::Rejected { .. })));
    let account = jane.account(&*arena.stores[0]).await.unwrap();
    (
        judged.count(),
        arena.events(&jane, "CHALLENGE_REJECTED").await,
        account.wrong_attempts.len(),
    )
}

#[test]
fn a67_no_wrong_code_is_judged_without_its_row_or_beyond_the_window() {
    on_each(async |arena| {
        for _ in 0..3 {
            assert_eq!(wrong_codes(&arena).await, (4, 4, 4));
        }
    });
}

#[test]
fn a67_wrong_codes_that_overwrite_each_other_are_caught_control() {
    runtime().block_on(async {
        let arena = RivalArena::postgres(&[WEAK_LOCK, AT_LEAST]).await;
        for _ in 0..CONTROL_ROUNDS {
            let (judged, _, recorded) = wrong_codes(&arena).await;
            if judged > 4 && recorded < judged {
                return;
            }
        }
        panic!("the harness did not see an attempt that is not counted");
    });
}

fn new_method() -> Method {
    Method {
        id: random(),
        kind: MethodKind::Totp,
        label: MethodLabel::parse("Another").unwrap().unwrap(),
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

/// Every kind of change that a user can meet at any time.
fn kinds_of_changes() -> Vec<(&'static str, AccountWriteOp)> {
    let label = MethodLabel::parse("Renamed").unwrap().unwrap();
    let profile = AccountWriteOp::Profile {
        profile: SealedBytes::from_bytes(vec![2, 3]),
        email_verified: false,
        email_version: 1,
        email_tag: None,
        email_since: None,
    };
    vec![
        ("profile", profile),
        (
            "add a method",
            AccountWriteOp::AddMethod(new_method(), None),
        ),
        (
            "rename a method",
            AccountWriteOp::RenameMethod(METHOD, label),
        ),
        ("default", AccountWriteOp::SetDefault(METHOD)),
        ("remove a method", AccountWriteOp::RemoveMethod(METHOD)),
        ("remove all methods", AccountWriteOp::RemoveAllMethods),
        ("recovery codes", AccountWriteOp::RecoveryCodes(key_set(51))),
        ("no recovery codes", AccountWriteOp::NoRecoveryCodes),
        ("bypass code", AccountWriteOp::BypassCode(bypass_code(61))),
        ("no bypass code", AccountWriteOp::NoBypassCode),
        ("lift windows", AccountWriteOp::LiftWindows),
        ("trust no device", AccountWriteOp::UntrustDevices),
        ("forget all devices", AccountWriteOp::NoDevices),
        ("nothing to revert", AccountWriteOp::NoRevertible),
        ("erase", AccountWriteOp::Erase),
    ]
}

/// How many of 64 rivals change something, and how many are told that somebody else did.
async fn changes(arena: &RivalArena, change: impl Fn() -> AccountChange) -> (usize, usize) {
    let rivals = (0..RIVALS).map(|place| {
        let (store, change) = (arena.store(place), change());
        async move { store.commit(&change).await.unwrap() }
    });
    let answers = all_at_once(rivals).await;
    let count = |of: &[CommitResult]| answers.iter().filter(|answer| of.contains(answer)).count();
    (
        count(&[CommitResult::Done]),
        count(&[CommitResult::ChangedConcurrently, CommitResult::ProofSpent]),
    )
}

#[test]
fn a67_every_kind_of_change_has_one_winner_of_64() {
    on_each(async |arena| {
        for (name, write) in kinds_of_changes() {
            let jane = TestUser::prepared(&*arena.stores[0]).await;
            let account = jane.account(&*arena.stores[0]).await.unwrap();
            let base = ChangeBase::Present(account.epoch, account.revision);
            let change = || jane.change(base, account.epoch, vec![write.clone()]);
            assert_eq!(changes(&arena, change).await, (1, RIVALS - 1), "{name}");
            assert_eq!(arena.events(&jane, "USER_UPSERTED").await, 2, "{name}");
        }
    });
}

#[test]
fn a67_a_user_is_made_once_by_64_rivals() {
    on_each(async |arena| {
        let (subject, tag) = crate::contract::accounts::random_subject();
        let change = || crate::contract::accounts::new_user(&subject, tag);
        assert_eq!(changes(&arena, change).await, (1, RIVALS - 1));
    });
}

#[test]
fn a67_one_approval_pays_for_one_of_64_changes() {
    on_each(async |arena| {
        let jane = TestUser::prepared(&*arena.stores[0]).await;
        let attempt = jane.attempt(random(), right(2));
        let verdict_result = arena.stores[0].record_verdict(&attempt).await.unwrap();
        let VerdictResult::Approved { approval, .. } = verdict_result else {
            panic!("{verdict_result:?}")
        };
        let epoch = Epoch::first(1);
        let change = || AccountChange {
            consumed_proofs: vec![ConsumedProof::Approval(approval.id)],
            ..jane.change(
                ChangeBase::Epoch(epoch),
                epoch,
                vec![AccountWriteOp::LiftWindows],
            )
        };
        assert_eq!(changes(&arena, change).await, (1, RIVALS - 1));
    });
}

#[test]
fn a67_changes_that_overwrite_each_other_are_caught_control() {
    runtime().block_on(async {
        let arena = RivalArena::postgres(&[WEAK_LOCK, AT_LEAST]).await;
        for _ in 0..CONTROL_ROUNDS {
            let jane = TestUser::prepared(&*arena.stores[0]).await;
            let account = jane.account(&*arena.stores[0]).await.unwrap();
            let base = ChangeBase::Present(account.epoch, account.revision);
            let change = || {
                let writes = vec![AccountWriteOp::AddMethod(new_method(), None)];
                jane.change(base, account.epoch, writes)
            };
            if changes(&arena, change).await.0 > 1 {
                return;
            }
        }
        panic!("the harness did not see the lost update");
    });
}

/// Users of whom a right code is approved while the record says that the challenge was canceled, or the other way round.
async fn disagreements(arena: &RivalArena) -> Vec<String> {
    let users = TestUser::many(&*arena.stores[0], USERS).await;
    let mut disagreements = Vec::new();
    for step in 2..6 {
        let rivals = users.iter().map(|user| {
            let (user, store, other) = (user.clone(), arena.store(0), arena.store(1));
            async move {
                let id: ChallengeId = random();
                let attempt = user.attempt(id, right(step));
                let portal = CallerName::new("portal");
                let cancel = ChallengesToEnd {
                    subject: user.subject.clone(),
                    challenges: vec![(id, portal)],
                    how: UnapprovedEnding::Canceled,
                    at: START,
                    event: None,
                };
                let later = async {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    other.end_challenges(&cancel).await
                };
                let (verdict_result, canceled) =
                    tokio::join!(store.record_verdict(&attempt), later);
                canceled.unwrap();
                let is_approved = matches!(verdict_result.unwrap(), VerdictResult::Approved { .. });
                let ended = user.ended(&*store, id).await;
                let says_approved = matches!(ended, Some(ChallengeOutcome::Approved(_)));
                (is_approved != says_approved).then(|| format!("{is_approved} {ended:?}"))
            }
        });
        disagreements.extend(all_at_once(rivals).await.into_iter().flatten());
    }
    disagreements
}

#[test]
fn a67_a_challenge_is_approved_or_canceled_and_never_both() {
    on_each(async |arena| {
        assert_eq!(disagreements(&arena).await, [""; 0]);
    });
}

#[test]
fn a67_an_insert_that_ignores_conflicts_is_caught_control() {
    runtime().block_on(async {
        let arena = RivalArena::postgres(&[ON_CONFLICT]).await;
        for _ in 0..CONTROL_ROUNDS {
            if !disagreements(&arena).await.is_empty() {
                return arena.proxy.unwrap().assert_all_applied();
            }
        }
        panic!("the harness did not see a challenge that is approved and canceled");
    });
}
