//! A67: eight stores decide on 32 users in random order, mixed with changes, endings and erasures, without a deadlock.
//!
//! A few seconds, or as many as `TEST_COUNTERSIGN_DEADLOCK_SECONDS` says.

use crate::{
    contract::{
        accounts::{START, random},
        verdicts::{bypass_code, key_set, prepare},
    },
    support::{
        database::{Database, connect},
        service::unique,
        sql_proxy::SqlProxy,
        stores::{postgres_at, setting, store_keys},
        verdicts::{TestUser, WRONG, right},
    },
};
use countersign::ports::{
    AccountLookup, AccountStore, AlertNotices, ChallengesToEnd, CommitResult,
};
use countersign_domain::{
    account::change::{AccountChange, AccountWriteOp, ChangeBase, UnapprovedEnding},
    authorization::caller::CallerName,
    challenge::verdict::VerdictResult,
    value::{id::ChallengeId, time::Timestamp},
};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{task::JoinSet, time::Instant};

const STORES: usize = 8;
const USERS: usize = 32;

/// Calls that one store carries out at a time.
const CALLS: usize = 16;

/// A flaw: rows are waited for in any order.
const UNSORTED: (&str, &str) = (
    "ORDER BY a.tenant_id, a.user_id FOR NO KEY UPDATE OF a SKIP LOCKED",
    "ORDER BY random() FOR NO KEY UPDATE OF a",
);

#[expect(
    clippy::disallowed_methods,
    reason = "the long run says how long it is"
)]
fn seconds() -> u64 {
    let asked = std::env::var("TEST_COUNTERSIGN_DEADLOCK_SECONDS").ok();
    asked.and_then(|text| text.parse().ok()).unwrap_or(4)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

/// A database of its own, whose deadlocks are nobody else's.
async fn own_database() -> String {
    let server = setting("TEST_COUNTERSIGN_POSTGRES");
    let name = format!("deadlocks_{}", unique());
    let create = format!("CREATE DATABASE {name}");
    connect(&server).await.batch_execute(&create).await.unwrap();
    let (server, _) = server.rsplit_once('/').unwrap();
    let url = format!("{server}/{name}");
    postgres_at(&url).migrate().await.unwrap();
    url
}

async fn deadlocks(url: &str) -> i64 {
    let sql = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    let row = connect(url).await.query_one(sql, &[]).await;
    row.unwrap().get(0)
}

/// What the calls came to.
#[derive(Debug, Default)]
struct DeadlockCounts {
    approved: AtomicUsize,
    rejected: AtomicUsize,
    other_verdicts: AtomicUsize,
    changes: AtomicUsize,
    endings: AtomicUsize,
    erasures: AtomicUsize,
    refusals: AtomicUsize,
    failures: Mutex<Vec<String>>,
}

impl DeadlockCounts {
    fn add(count: &AtomicUsize) {
        count.fetch_add(1, Ordering::Relaxed);
    }

    fn failed(&self, why: &dyn std::fmt::Display) {
        self.failures.lock().unwrap().push(why.to_string());
    }
}

/// A small generator, so that a run needs no source of its own.
struct Dice(u64);

impl Dice {
    /// Below a bound.
    fn roll(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// The load: everything that stores do to users at the same time.
struct DeadlockLoad {
    users: Vec<TestUser>,
    /// A step that no user has used yet, and an instant that has not been.
    clock: AtomicU64,
    counts: DeadlockCounts,
    until: Instant,
    only_verdicts: bool,
}

impl DeadlockLoad {
    fn tick(&self) -> (u64, Timestamp) {
        let tick = self.clock.fetch_add(1, Ordering::Relaxed);
        (tick + 10, START.plus(Duration::from_millis(tick)))
    }

    async fn work(&self, store: &dyn AccountStore, mut dice: Dice) {
        while Instant::now() < self.until {
            let place = usize::try_from(dice.roll(USERS as u64)).unwrap();
            let user = &self.users[place];
            let what = if self.only_verdicts {
                0
            } else {
                dice.roll(100)
            };
            match what {
                0..70 => {
                    let is_right = dice.roll(2) == 0;
                    self.judge(store, user, is_right).await;
                }
                70..85 => self.change(store, user, dice.roll(4)).await,
                85..95 => self.end(store, user).await,
                95..98 => self.erase(store, user).await,
                _ => self.run_workers(store).await,
            }
        }
    }

    async fn judge(&self, store: &dyn AccountStore, user: &TestUser, is_right: bool) {
        let Some(account) = self.account(store, user).await else {
            return;
        };
        let (step, at) = self.tick();
        let judgment = if is_right { right(step) } else { WRONG };
        let attempt = user.attempt_in(account.epoch, at, random(), judgment);
        match store.record_verdict(&attempt).await {
            Ok(VerdictResult::Approved { .. }) => DeadlockCounts::add(&self.counts.approved),
            Ok(VerdictResult::Rejected { .. }) => DeadlockCounts::add(&self.counts.rejected),
            Ok(VerdictResult::Full(_) | VerdictResult::Over) => {
                DeadlockCounts::add(&self.counts.other_verdicts);
            }
            Err(unavailable) => self.counts.failed(&unavailable),
        }
    }

    async fn account(
        &self,
        store: &dyn AccountStore,
        user: &TestUser,
    ) -> Option<countersign_domain::account::Account> {
        match store.load(&user.subject, AccountLookup::default()).await {
            Ok(loaded) => loaded.account,
            Err(unavailable) => {
                self.counts.failed(&unavailable);
                None
            }
        }
    }

    async fn commit(&self, store: &dyn AccountStore, change: AccountChange, done: &AtomicUsize) {
        match store.commit(&change).await {
            Ok(CommitResult::Done) => DeadlockCounts::add(done),
            Ok(_) => DeadlockCounts::add(&self.counts.refusals),
            Err(unavailable) => self.counts.failed(&unavailable),
        }
    }

    async fn change(&self, store: &dyn AccountStore, user: &TestUser, which: u64) {
        let Some(account) = self.account(store, user).await else {
            return;
        };
        let write = match which {
            0 | 1 => AccountWriteOp::LiftWindows,
            2 => AccountWriteOp::BypassCode(bypass_code(61)),
            _ => AccountWriteOp::RecoveryCodes(key_set(51)),
        };
        let base = if which == 0 {
            ChangeBase::Epoch(account.epoch)
        } else {
            ChangeBase::Present(account.epoch, account.revision)
        };
        let change = user.change(base, account.epoch, vec![write]);
        self.commit(store, change, &self.counts.changes).await;
    }

    /// Ends three challenges, while one of them is answered.
    async fn end(&self, store: &dyn AccountStore, user: &TestUser) {
        let Some(account) = self.account(store, user).await else {
            return;
        };
        let challenges: [ChallengeId; 3] = [(); 3].map(|()| random());
        let (step, at) = self.tick();
        let attempt = user.attempt_in(account.epoch, at, challenges[1], right(step));
        let portal = CallerName::new("portal");
        let ends = ChallengesToEnd {
            subject: user.subject.clone(),
            challenges: challenges.map(|id| (id, portal.clone())).to_vec(),
            how: UnapprovedEnding::Superseded,
            at,
            event: None,
        };
        let (verdict_result, ended) =
            tokio::join!(store.record_verdict(&attempt), store.end_challenges(&ends));
        match ended {
            Ok(()) => DeadlockCounts::add(&self.counts.endings),
            Err(unavailable) => self.counts.failed(&unavailable),
        }
        match verdict_result {
            Ok(VerdictResult::Approved { .. }) => DeadlockCounts::add(&self.counts.approved),
            Ok(VerdictResult::Rejected { .. }) => DeadlockCounts::add(&self.counts.rejected),
            Ok(_) => DeadlockCounts::add(&self.counts.other_verdicts),
            Err(unavailable) => self.counts.failed(&unavailable),
        }
    }

    async fn erase(&self, store: &dyn AccountStore, user: &TestUser) {
        if let Some(account) = self.account(store, user).await {
            let base = ChangeBase::Present(account.epoch, account.revision);
            let change = user.change(base, account.epoch, vec![AccountWriteOp::Erase]);
            self.commit(store, change, &self.counts.erasures).await;
        }
        self.make(store, user).await;
    }

    async fn make(&self, store: &dyn AccountStore, user: &TestUser) {
        if self.account(store, user).await.is_none() {
            prepare(store, &user.subject, user.tag).await;
        }
    }

    /// Retention and the announcement of alerts run beside all of that.
    async fn run_workers(&self, store: &dyn AccountStore) {
        // As if a year had gone by: everything that retention deletes is old.
        let later = START.plus(Duration::from_hours(24 * 365));
        if let Err(unavailable) = store.purge(later).await {
            self.counts.failed(&unavailable);
        }
        let due = store.due_alerts(later).await.unwrap_or_default();
        for raised in due.into_iter().take(3) {
            let announcement = AlertNotices {
                raised,
                notices: Vec::new(),
                now: later,
            };
            if let Err(unavailable) = store.dispatch_alert(&announcement).await {
                self.counts.failed(&unavailable);
            }
        }
    }
}

/// Runs the load through eight stores on a database; what it came to, and how many deadlocks there were.
async fn run(url: &str, through: &str, seconds: u64, only_verdicts: bool) -> (DeadlockLoad, i64) {
    let before = deadlocks(url).await;
    let database = Database::Postgres(through.to_owned());
    let maker = Database::Postgres(url.to_owned()).store(store_keys()).await;
    let users = TestUser::many(&*maker, USERS).await;
    let load = Arc::new(DeadlockLoad {
        users,
        clock: AtomicU64::new(0),
        counts: DeadlockCounts::default(),
        until: Instant::now() + Duration::from_secs(seconds),
        only_verdicts,
    });
    let mut calls = JoinSet::new();
    for number in 0..STORES {
        let store = database.store(store_keys()).await;
        for call in 0..CALLS {
            let (load, store) = (Arc::clone(&load), Arc::clone(&store));
            let seed = u64::try_from(number * CALLS + call).unwrap();
            let dice = Dice(0x9e37_79b9_7f4a_7c15 ^ (seed + 1));
            calls.spawn(async move { load.work(&*store, dice).await });
        }
    }
    calls.join_all().await;
    // Sessions report what they counted within a second, or when they end.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let found = deadlocks(url).await - before;
    (Arc::into_inner(load).unwrap(), found)
}

#[test]
fn a67_eight_stores_decide_on_32_users_without_a_deadlock() {
    runtime().block_on(async {
        let url = own_database().await;
        let (load, deadlocks) = run(&url, &url, seconds(), false).await;
        let counts = load.counts;
        println!("{deadlocks} deadlocks in {} s: {counts:?}", seconds());
        assert_eq!(deadlocks, 0);
        assert_eq!(counts.failures.into_inner().unwrap(), [""; 0]);
        let client = connect(&url).await;
        for (kind, answered) in [
            ("CHALLENGE_APPROVED", counts.approved),
            ("CHALLENGE_REJECTED", counts.rejected),
        ] {
            let sql = "SELECT count(*) FROM events WHERE kind = $1";
            let recorded: i64 = client.query_one(sql, &[&kind]).await.unwrap().get(0);
            let answered = i64::try_from(answered.into_inner()).unwrap();
            assert!(
                answered > 0 && recorded == answered,
                "{kind}: {recorded}, {answered}"
            );
        }
        assert!(counts.erasures.into_inner() > 0);
        assert!(counts.endings.into_inner() > 0);
    });
}

#[test]
fn a67_locks_in_any_order_are_caught_control() {
    runtime().block_on(async {
        let url = own_database().await;
        let proxy = SqlProxy::start(&url, &[UNSORTED]).await;
        let (load, deadlocks) = run(&url, &proxy.url, 4, true).await;
        println!("{deadlocks} deadlocks in 4 s: {:?}", load.counts);
        proxy.assert_all_applied();
        assert!(deadlocks > 0, "the harness did not see a deadlock");
    });
}
