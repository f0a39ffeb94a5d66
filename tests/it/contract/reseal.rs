//! `ResealStore`: a key of the ring is replaced while people sign in, and what was stored under it is sealed again.

mod rows;
mod story;

use crate::support::{ManualClock, Service, database::Database, service::Builder, stores};
use async_trait::async_trait;
use countersign::{
    app::{KeyUsage, ResealError, ResealProgress, ResealReport, ResealSettings, key_usage, reseal},
    crypto::KeyRing,
    ports::{AccountStore, KeyService, Notifier, ResealStore, SealedTable},
    store::{CanaryError, postgres::PostgresAccounts, sqlite::SqliteAccounts},
};
use countersign_domain::{
    account::AvailableChannels,
    notice::message::{DeliveryResult, OutboundMessage},
    value::{secret::KeyId, time::Timestamp},
};
use countersign_transport::system::{Clock, SystemClock, SystemEntropy};
use data_encoding::BASE64;
use std::{
    num::NonZeroU32,
    sync::{Arc, Mutex},
    time::Duration,
};

/// A deployment with a ring of its own, whose keys are numbered.
struct ResealDeployment {
    database: Database,
    stores: stores::Stores,
    lookup: [u8; 32],
    clock: Arc<ManualClock>,
    notifier: Arc<SwitchedNotifier>,
}

/// What a process has of a database.
struct OpenedValue {
    accounts: Arc<dyn AccountStore>,
    sealed: Arc<dyn ResealStore>,
}

/// A notifier that does with every notice what it is told.
struct SwitchedNotifier {
    answer: Mutex<DeliveryResult>,
    taken: Mutex<usize>,
}

#[async_trait]
impl Notifier for SwitchedNotifier {
    fn served(&self) -> AvailableChannels {
        AvailableChannels {
            sms: true,
            email: true,
        }
    }

    async fn deliver(&self, _: &OutboundMessage) -> DeliveryResult {
        let answer = *self.answer.lock().unwrap();
        if matches!(answer, DeliveryResult::Taken) {
            *self.taken.lock().unwrap() += 1;
        }
        answer
    }
}

impl SwitchedNotifier {
    fn behave(&self, answer: DeliveryResult) {
        *self.answer.lock().unwrap() = answer;
    }

    fn taken(&self) -> usize {
        *self.taken.lock().unwrap()
    }
}

impl ResealDeployment {
    async fn on(database: Database) -> Self {
        let mut lookup = [0; 32];
        countersign_transport::system::RandomSource::fill(&SystemEntropy, &mut lookup);
        let (challenges, budgets) = match database {
            Database::Sqlite(_) => stores::memory(),
            Database::Postgres(_) => stores::redis(),
        };
        let stores = stores::Stores {
            accounts: database.store(stores::store_keys()).await,
            challenges,
            budgets,
            folder: None,
        };
        Self {
            database,
            stores,
            lookup,
            clock: Arc::new(ManualClock::at_real_time()),
            notifier: Arc::new(SwitchedNotifier {
                answer: Mutex::new(DeliveryResult::NotTaken),
                taken: Mutex::new(0),
            }),
        }
    }

    /// A ring of these keys, the active one first.
    fn ring(&self, keys: &[u8]) -> Arc<KeyRing> {
        let keys = keys.iter().map(|number| {
            let secret = BASE64.encode(&[*number; 32]);
            format!("[[key]]\nid = \"k-{number}\"\nsecret = \"{secret}\"\n")
        });
        let lookup = BASE64.encode(&self.lookup);
        let text = format!("lookup = \"{lookup}\"\n{}", keys.collect::<String>());
        Arc::new(KeyRing::parse(&text).unwrap())
    }

    /// What a process with this ring opens at its start, or why it does not start.
    async fn open_at(&self, keys: &[u8], now: Timestamp) -> Result<OpenedValue, CanaryError> {
        let ring: Arc<dyn KeyService> = self.ring(keys);
        Ok(match &self.database {
            Database::Postgres(_) => {
                let opened = self.postgres(ring);
                opened.claim_for_key_ring(now).await?;
                OpenedValue::of(opened)
            }
            Database::Sqlite(_) => {
                let opened = self.sqlite(ring).await;
                opened.claim_for_key_ring(now).await?;
                OpenedValue::of(opened)
            }
        })
    }

    /// What a command opens: it has no key active.
    async fn command(&self, keys: &[u8]) -> OpenedValue {
        let ring: Arc<dyn KeyService> = self.ring(keys);
        match &self.database {
            Database::Postgres(_) => OpenedValue::of(self.postgres(ring)),
            Database::Sqlite(_) => OpenedValue::of(self.sqlite(ring).await),
        }
    }

    fn postgres(&self, ring: Arc<dyn KeyService>) -> PostgresAccounts {
        let Database::Postgres(url) = &self.database else {
            panic!("it is a file")
        };
        PostgresAccounts::new(&stores::direct(url), ring, stores::entropy()).unwrap()
    }

    async fn sqlite(&self, ring: Arc<dyn KeyService>) -> SqliteAccounts {
        let file = self.database.path();
        let opened = SqliteAccounts::open(&file, ring, stores::entropy()).await;
        opened.unwrap()
    }

    async fn open(&self, keys: &[u8]) -> Result<OpenedValue, CanaryError> {
        self.open_at(keys, SystemClock.now()).await
    }

    /// What a process opens that was started an hour ago and ended since.
    async fn open_long_ago(&self, keys: &[u8]) -> OpenedValue {
        let hour = Duration::from_hours(1);
        let opened = self.open_at(keys, SystemClock.now().minus(hour)).await;
        opened.unwrap()
    }

    /// A service with this ring.
    fn serve(&self, opened: &OpenedValue, keys: &[u8]) -> Service {
        self.builder(opened, keys).start()
    }

    fn builder(&self, opened: &OpenedValue, keys: &[u8]) -> Builder {
        let mut stores = self.stores.clone();
        stores.accounts = Arc::clone(&opened.accounts);
        let mut builder = Builder::new(stores);
        builder.clock = Arc::clone(&self.clock);
        builder.ring = self.ring(keys);
        builder.notifier = Some(Arc::clone(&self.notifier) as _);
        builder
    }

    /// A service with this ring after short-lived memory has ended: what is open there still needs the old key.
    fn serve_afterwards(&self, opened: &OpenedValue, keys: &[u8]) -> Service {
        let (challenges, budgets) = stores::memory();
        let mut builder = self.builder(opened, keys);
        builder.stores.challenges = challenges;
        builder.stores.budgets = budgets;
        builder.start()
    }

    /// What the command with this ring comes to.
    async fn reseal(&self, keys: &[u8]) -> Result<ResealReport, ResealError> {
        let command = self.command(keys).await;
        self.reseal_on(&command, keys, FAST, &mut |_| {}).await
    }

    async fn reseal_on(
        &self,
        opened: &OpenedValue,
        keys: &[u8],
        settings: ResealSettings,
        listener: &mut (dyn FnMut(ResealProgress) + Send),
    ) -> Result<ResealReport, ResealError> {
        let ring = self.ring(keys);
        reseal(&*opened.sealed, &*ring, &SystemClock, settings, listener).await
    }

    async fn usage(&self, keys: &[u8]) -> KeyUsage {
        let command = self.command(keys).await;
        let ring = self.ring(keys);
        let usage = key_usage(&*command.sealed, &*ring, &SystemClock, FAST, &mut |_| {}).await;
        usage.unwrap()
    }
}

impl OpenedValue {
    fn of<Store: AccountStore + ResealStore + 'static>(store: Store) -> Self {
        let store = Arc::new(store);
        Self {
            accounts: Arc::clone(&store) as _,
            sealed: store,
        }
    }
}

/// As fast as it goes.
const FAST: ResealSettings = settings(100_000);

const fn settings(rate: u32) -> ResealSettings {
    ResealSettings {
        rate: NonZeroU32::new(rate).unwrap(),
        silence: Duration::from_secs(20),
    }
}

fn key(number: u8) -> KeyId {
    KeyId::new(&format!("k-{number}"))
}

/// Rows of each table under a key.
fn counts(usage: &KeyUsage, number: u8) -> [u64; 5] {
    SealedTable::ALL.map(|table| usage.of(&key(number), table).rows)
}

fn on_both(test: impl AsyncFn(ResealDeployment)) {
    for is_postgres in [false, true] {
        println!("on PostgreSQL: {is_postgres}");
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let database = if is_postgres {
                Database::postgres().await
            } else {
                Database::sqlite().await
            };
            test(ResealDeployment::on(database).await).await;
        });
        runtime.shutdown_background();
    }
}
