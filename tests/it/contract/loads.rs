//! Loads that share statements: each gets its own answer, as of its own beginning, whatever meets the others.

use crate::{
    contract::{
        accounts::{START, new_user, next, random, random_subject},
        lanes::as_own_role,
        policies::change as policy_change,
        verdicts::challenge_id,
    },
    support::{
        schema::{ROUTES, Route, Schema},
        service::unique,
        tables::postgres_session,
    },
};
use countersign::{
    ports::{
        AccountLookup, AccountStore, ChallengeEnding, ChallengesToEnd, LoadedAccount, PolicyStore,
        StoreResult,
    },
    store::postgres::PostgresAccounts,
};
use countersign_domain::{
    account::{
        Account,
        change::{
            AccountChange, AccountWriteOp, CreatedResource, IdempotencyRecord, UnapprovedEnding,
        },
    },
    authorization::caller::CallerName,
    method::{Method, MethodKind, MethodLabel},
    policy::{PolicyOverride, StoredPolicy, TwoFactorMode},
    value::{
        epoch::Epoch,
        id::{ChallengeId, Subject, SubjectTag, UserId},
        idempotency_key::IdempotencyKey,
        secret::SealedBytes,
    },
};
use std::{sync::Arc, time::Duration};
use tokio::{task::JoinSet, time::timeout};
use tokio_postgres::Client;

/// What a load may take here, with everything that is in its way.
const LONG: Duration = Duration::from_secs(20);

/// What a load brings, comparable.
type LoadAnswer = (
    Option<Account>,
    PolicyOverride,
    Option<IdempotencyRecord>,
    Option<ChallengeEnding>,
);

fn answer(loaded: LoadedAccount) -> LoadAnswer {
    (
        loaded.account,
        loaded.tenant_layer,
        loaded.idempotency_record,
        loaded.ending,
    )
}

/// A store whose sessions can be told from those of other tests.
struct LoadScene {
    schema: Schema,
    accounts: Arc<PostgresAccounts>,
    role: String,
}

impl LoadScene {
    async fn new(route: Route) -> Self {
        let mut schema = Schema::new(route).await;
        let role = match route {
            Route::Direct => {
                let role = format!("loads_{}", unique());
                schema.settings.url = as_own_role(&schema.url, &role).await;
                role
            }
            Route::Pooled => schema.role(),
        };
        Self {
            accounts: Arc::new(schema.accounts()),
            schema,
            role,
        }
    }

    fn load(
        &self,
        into: &mut JoinSet<(usize, StoreResult<LoadedAccount>)>,
        place: usize,
        asked: &LoadQuery,
    ) {
        let accounts = Arc::clone(&self.accounts);
        let (subject, lookup) = asked.clone();
        into.spawn(async move { (place, accounts.load(&subject, lookup).await) });
    }

    async fn load_all(&self, asked: &[LoadQuery]) -> Vec<(usize, StoreResult<LoadedAccount>)> {
        let mut loads = JoinSet::new();
        for (place, one) in asked.iter().enumerate() {
            self.load(&mut loads, place, one);
        }
        loads.join_all().await
    }

    /// The statements of the store that wait for a lock: their sessions and texts.
    async fn waiting(&self, observer: &Client) -> Vec<(i32, String)> {
        let sql = "SELECT pid, query FROM pg_stat_activity WHERE usename = $1 AND wait_event_type = 'Lock'
            AND application_name = 'countersign'";
        let rows = observer.query(sql, &[&self.role]).await.unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    }

    /// Waits until statements wait for a lock that fit.
    async fn wait_for(
        &self,
        observer: &Client,
        fit: impl Fn(&[(i32, String)]) -> bool,
    ) -> Vec<(i32, String)> {
        let waiting = async {
            loop {
                let waiting = self.waiting(observer).await;
                if fit(&waiting) {
                    return waiting;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(LONG, waiting)
            .await
            .expect("they wait for the lock")
    }
}

type LoadQuery = (Subject, AccountLookup);

/// A user whom nothing but the tenant makes like another, and what can be asked of the user.
async fn user(accounts: &PostgresAccounts, subject: &Subject, seed: u8) -> Vec<LoadQuery> {
    let tag = SubjectTag(unique().as_bytes().try_into().unwrap());
    let idempotency_key = IdempotencyKey {
        key_digest: unique().as_bytes().try_into().unwrap(),
        request_fingerprint: [seed; 16],
    };
    let idempotency_record = IdempotencyRecord {
        idempotency_key,
        created: CreatedResource::Nothing,
        answer: Some(SealedBytes::from_bytes(vec![seed; 9])),
        at: START,
    };
    let created = AccountChange {
        epoch: Epoch::first(u64::from(seed)),
        idempotency_record: Some(idempotency_record),
        ..new_user(subject, tag)
    };
    accounts.commit(&created).await.unwrap();
    let challenge = challenge_id(tag, seed);
    let caller = CallerName::new(&format!("caller-{seed}"));
    let ends = ChallengesToEnd {
        subject: subject.clone(),
        challenges: vec![(challenge, caller)],
        how: UnapprovedEnding::Superseded,
        at: START,
        event: None,
    };
    accounts.end_challenges(&ends).await.unwrap();
    lookups(idempotency_key, challenge)
        .into_iter()
        .map(|lookup| (subject.clone(), lookup))
        .collect()
}

fn lookups(idempotency_key: IdempotencyKey, challenge: ChallengeId) -> [AccountLookup; 4] {
    [
        AccountLookup::default(),
        AccountLookup::of_request(Some(idempotency_key)),
        AccountLookup::of_challenge(challenge),
        AccountLookup {
            request: Some(idempotency_key),
            challenge: Some(challenge),
        },
    ]
}

/// Users of three tenants, two of which have policies; one user in eight is not there. All that can be asked of them.
async fn users(accounts: &PostgresAccounts) -> Vec<LoadQuery> {
    let mut asked = Vec::new();
    for tenant in 0..3_u8 {
        let (somebody, _) = random_subject();
        let mode = [TwoFactorMode::Required, TwoFactorMode::Optional];
        if let Some(two_factor) = mode.get(usize::from(tenant)) {
            let layer = PolicyOverride {
                two_factor: Some(*two_factor),
                ..PolicyOverride::default()
            };
            let change = policy_change(&somebody.tenant, StoredPolicy::nothing().etag, layer);
            accounts.commit_policy(&change).await.unwrap();
        }
        for number in 0..8 {
            let subject = Subject {
                user: UserId::parse(&format!("user-{number}")).unwrap(),
                ..somebody.clone()
            };
            if number == 7 {
                asked.push((subject, AccountLookup::of_challenge(random())));
            } else {
                asked.extend(user(accounts, &subject, tenant * 8 + number + 1).await);
            }
        }
    }
    asked
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn loads_at_once_each_get_their_own_answer() {
    for route in ROUTES {
        let scene = LoadScene::new(route).await;
        let asked = users(&scene.accounts).await;
        let mut alone = Vec::new();
        for (subject, lookup) in &asked {
            alone.push(answer(scene.accounts.load(subject, *lookup).await.unwrap()));
        }
        for (place, one) in alone.iter().enumerate() {
            assert!(!alone[..place].contains(one), "nothing shows a mix-up");
        }
        let often: Vec<LoadQuery> = (0..6).flat_map(|_| asked.clone()).collect();
        for (place, loaded) in scene.load_all(&often).await {
            let place = place % asked.len();
            assert_eq!(answer(loaded.unwrap()), alone[place], "{:?}", asked[place]);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_load_sees_what_was_saved_before_it_began() {
    for route in ROUTES {
        let scene = LoadScene::new(route).await;
        let mut work = JoinSet::new();
        for _ in 0..12 {
            let (subject, tag) = random_subject();
            scene
                .accounts
                .commit(&new_user(&subject, tag))
                .await
                .unwrap();
            let accounts = Arc::clone(&scene.accounts);
            work.spawn(save_and_load(accounts, subject, tag));
        }
        work.join_all().await;
    }
}

async fn save_and_load(accounts: Arc<PostgresAccounts>, subject: Subject, tag: SubjectTag) {
    for count in 1..=8 {
        let write = AccountWriteOp::AddMethod(method(count), None);
        let change = next(&*accounts, &subject, tag, vec![write]).await;
        accounts.commit(&change).await.unwrap();
        let loaded = accounts.load(&subject, AccountLookup::default()).await;
        let methods = loaded.unwrap().account.unwrap().methods;
        assert_eq!(methods.len(), usize::from(count), "{subject:?}");
    }
}

fn method(number: u8) -> Method {
    Method {
        id: random(),
        kind: MethodKind::Totp,
        label: MethodLabel::parse(&format!("App {number}"))
            .unwrap()
            .unwrap(),
        version: 1,
        sealed: SealedBytes::from_bytes(vec![number]),
        disabled: false,
        created_at: START,
        last_used_at: None,
        suspended: false,
        consecutive_failures: 0,
        last_step: None,
    }
}

/// The lock that keeps a statement of loads waiting, until its session ends.
async fn lock_policies(session: &Client) {
    let lock = "BEGIN; LOCK TABLE policies IN ACCESS EXCLUSIVE MODE";
    session.batch_execute(lock).await.unwrap();
}

/// On one thread, all loads have queued before the first statement is sent.
#[tokio::test]
async fn a_statement_that_loads_share_is_sent_again_when_its_backend_is_killed() {
    for route in ROUTES {
        let scene = LoadScene::new(route).await;
        let asked = users(&scene.accounts).await;
        let observer = postgres_session(&scene.schema.url).await;
        let asked = &asked[..13];
        let mut alone = Vec::new();
        for (subject, lookup) in asked {
            alone.push(answer(scene.accounts.load(subject, *lookup).await.unwrap()));
        }
        let lock = postgres_session(&scene.schema.url).await;
        lock_policies(&lock).await;
        let mut loads = JoinSet::new();
        for (place, one) in asked.iter().enumerate() {
            scene.load(&mut loads, place, one);
        }
        let is_shared =
            |waiting: &[(i32, String)]| matches!(waiting, [(_, sql)] if sql.contains("unnest"));
        let waiting = scene.wait_for(&observer, is_shared).await;
        let terminate = "SELECT pg_terminate_backend($1)";
        observer.query(terminate, &[&waiting[0].0]).await.unwrap();
        let is_sent_again =
            |again: &[(i32, String)]| is_shared(again) && again[0].0 != waiting[0].0;
        scene.wait_for(&observer, is_sent_again).await;
        drop(lock);
        for (place, loaded) in loads.join_all().await {
            assert_eq!(answer(loaded.unwrap()), alone[place], "{:?}", asked[place]);
        }
    }
}

/// A connection that hangs stops the loads that joined its statement, and no later ones.
#[tokio::test]
async fn a_load_goes_by_the_other_connection_while_a_statement_hangs() {
    for route in ROUTES {
        let scene = LoadScene::new(route).await;
        let asked = users(&scene.accounts).await;
        let observer = postgres_session(&scene.schema.url).await;
        let lock = postgres_session(&scene.schema.url).await;
        lock_policies(&lock).await;
        let mut loads = JoinSet::new();
        scene.load(&mut loads, 0, &asked[0]);
        scene
            .wait_for(&observer, |waiting| waiting.len() == 1)
            .await;
        // Longer than a statement may be out before others leave it.
        tokio::time::sleep(Duration::from_millis(100)).await;
        scene.load(&mut loads, 1, &asked[1]);
        scene
            .wait_for(&observer, |waiting| waiting.len() == 2)
            .await;
        drop(lock);
        for (_, loaded) in loads.join_all().await {
            loaded.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_can_not_be_read_fails_its_own_load_only() {
    for route in ROUTES {
        let scene = LoadScene::new(route).await;
        let asked = users(&scene.accounts).await;
        let broken = asked[0].0.tenant.clone();
        let sql = format!(
            "ALTER TABLE policies RENAME TO readable;
             CREATE VIEW policies AS SELECT tenant_id, etag, updated_at,
                 CASE WHEN tenant_id = '{}' THEN (1 / (length(layer) - length(layer)))::text ELSE layer END AS layer
             FROM readable;
             GRANT SELECT ON policies TO {}",
            broken.as_str(),
            scene.role
        );
        let administrator = postgres_session(&scene.schema.url).await;
        administrator.batch_execute(&sql).await.unwrap();
        for (place, loaded) in scene.load_all(&asked).await {
            let is_broken = asked[place].0.tenant == broken;
            assert_eq!(loaded.is_err(), is_broken, "{:?}", asked[place]);
        }
    }
}
