//! A67, A43: a user is erased while 64 codes are judged. Nothing of the user is left afterwards, and nothing is approved
//! any more.

use crate::{
    contract::accounts::random,
    support::{
        database::Database,
        sql_proxy::SqlProxy,
        stores::store_keys,
        verdicts::{TestUser, WRONG, right},
    },
};
use countersign::ports::{AccountStore, ChallengesToEnd, CommitResult};
use countersign_domain::{
    account::change::{AccountWriteOp, ChangeBase, UnapprovedEnding},
    authorization::caller::CallerName,
    challenge::verdict::VerdictResult,
    value::{epoch::Epoch, id::ChallengeId},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::task::JoinSet;

const RIVALS: usize = 64;

/// The flaws of the control: neither the erasure nor a verdict keeps the row, and nobody looks whether it was there.
const FLAWS: [(&str, &str); 4] = [
    (
        "ORDER BY n.place",
        "ORDER BY n.place, (SELECT 1 FROM pg_sleep(0.03))",
    ),
    ("NO KEY UPDATE OF a", "KEY SHARE OF a"),
    ("FOR UPDATE OF a", "FOR KEY SHARE OF a"),
    (
        "SELECT 1 / (count(*) = cardinality($1::text[]))::integer FROM updated",
        "SELECT 1 FROM updated",
    ),
];

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

/// What an erasure among 64 rivals left.
#[derive(Debug, PartialEq, Eq)]
struct Left {
    /// Rows that name the user, or can be opened with what is stored of them.
    rows: i64,
    /// Approvals of codes that were sent after the erasure was acknowledged.
    late_approvals: u64,
    /// Approvals that can still be used.
    usable_approvals: usize,
}

const NOTHING: Left = Left {
    rows: 0,
    late_approvals: 0,
    usable_approvals: 0,
};

/// What the rivals share.
struct Race {
    jane: TestUser,
    is_erased: AtomicBool,
    next_step: AtomicU64,
    late_approvals: AtomicU64,
}

impl Race {
    /// Codes, one after the other, until a few were answered after the erasure.
    async fn answer(&self, store: &dyn AccountStore, place: usize) -> Vec<ChallengeId> {
        let mut approved = Vec::new();
        let mut afterwards = 0;
        while afterwards < 3 {
            let is_late = self.is_erased.load(Ordering::SeqCst);
            afterwards += usize::from(is_late);
            let id = random();
            if place % 8 == 7 {
                self.cancel(store, id).await;
                continue;
            }
            let step = self.next_step.fetch_add(1, Ordering::SeqCst);
            let judgment = if place % 8 == 6 { WRONG } else { right(step) };
            let verdict_result = store.record_verdict(&self.jane.attempt(id, judgment)).await;
            if let VerdictResult::Approved { .. } = verdict_result.unwrap() {
                approved.push(id);
                if is_late {
                    self.late_approvals.fetch_add(1, Ordering::SeqCst);
                }
            }
        }
        approved
    }

    async fn cancel(&self, store: &dyn AccountStore, id: ChallengeId) {
        let cancel = ChallengesToEnd {
            subject: self.jane.subject.clone(),
            challenges: vec![(id, CallerName::new("portal"))],
            how: UnapprovedEnding::Canceled,
            at: crate::contract::accounts::START,
            event: None,
        };
        store.end_challenges(&cancel).await.unwrap();
    }

    async fn erase(&self, store: &dyn AccountStore) {
        let epoch = Epoch::first(1);
        let erase = self.jane.change(
            ChangeBase::Present(epoch, 1),
            epoch,
            vec![AccountWriteOp::Erase],
        );
        assert_eq!(store.commit(&erase).await.unwrap(), CommitResult::Done);
        self.is_erased.store(true, Ordering::SeqCst);
    }
}

/// Erases a user among rivals, over stores on one database; what is left, and how many codes were approved before.
async fn erase(database: &Database, stores: &[Arc<dyn AccountStore>]) -> (Left, usize) {
    let jane = TestUser::prepared(&*stores[0]).await;
    let race = Arc::new(Race {
        jane,
        is_erased: AtomicBool::new(false),
        next_step: AtomicU64::new(2),
        late_approvals: AtomicU64::new(0),
    });
    let mut rivals = JoinSet::new();
    for place in 0..RIVALS {
        let (race, store) = (Arc::clone(&race), Arc::clone(&stores[place % stores.len()]));
        rivals.spawn(async move { race.answer(&*store, place).await });
    }
    tokio::time::sleep(Duration::from_millis(150)).await;
    race.erase(&**stores.last().unwrap()).await;
    let approved = rivals.join_all().await.concat();
    let mut usable_approvals = 0;
    for id in &approved {
        let ended = race.jane.ended(&*stores[0], *id).await;
        usable_approvals += usize::from(ended.is_some());
    }
    let tenant = race.jane.subject.tenant.as_str();
    let mut rows = 0;
    for table in ["accounts", "ended_challenges", "alerts"] {
        let sql = format!("SELECT count(*) FROM {table} WHERE tenant_id = '{tenant}'");
        rows += database.number(&sql).await;
    }
    let left = Left {
        rows,
        late_approvals: race.late_approvals.load(Ordering::SeqCst),
        usable_approvals,
    };
    (left, approved.len())
}

#[test]
fn a67_an_erasure_among_64_verdicts_leaves_nothing_and_ends_them() {
    let play = async |database: Database, count: usize| {
        let mut stores = Vec::new();
        for _ in 0..count {
            stores.push(database.store(store_keys()).await);
        }
        let mut approved = 0;
        for _ in 0..6 {
            let (left, before) = erase(&database, &stores).await;
            assert_eq!(left, NOTHING);
            approved += before;
        }
        assert!(approved > 0, "nothing was approved before an erasure");
    };
    runtime().block_on(async { play(Database::sqlite().await, 1).await });
    runtime().block_on(async { play(Database::postgres().await, 2).await });
}

#[test]
fn a67_an_erasure_that_keeps_nobody_out_is_caught_control() {
    runtime().block_on(async {
        let database = Database::postgres().await;
        let Database::Postgres(url) = &database else {
            panic!("it is PostgreSQL")
        };
        let proxy = SqlProxy::start(url, &FLAWS).await;
        let weak = Database::Postgres(proxy.url.clone());
        let stores = [
            weak.store(store_keys()).await,
            weak.store(store_keys()).await,
        ];
        for _ in 0..30 {
            if erase(&database, &stores).await.0.rows > 0 {
                return proxy.assert_all_applied();
            }
        }
        panic!("the harness did not see what was left");
    });
}
