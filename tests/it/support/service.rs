//! A whole service, reached through a pipe in memory: every layer of the real one, no socket.

use crate::support::{Clients, ManualClock, Pair, Person, Stores, until};
use countersign::{
    app::{App, AppDependencies, HashingPool},
    crypto::KeyRing,
    notify::{
        inbox::{Inbox, OffsetClock},
        texts::MessageTexts,
    },
    ports::{KeyService, NoticeFilter, Notifier, PasswordChecker},
    server::{PreparedService as Server, SERVICES},
};
use countersign_domain::{
    authorization::caller::{Audience, Caller, CallerName, CallerRight, TenantScope},
    policy::{Policy, PolicyOverride},
    recovery::HashCost,
    value::tenant::DisplayNames,
};
use countersign_transport::{
    callers::{CallerRegistry, hash},
    config::ServerConfig,
    health::ProcessHealth,
    system::{Clock, RandomSource, SystemEntropy},
};
use hyper_util::rt::TokioIo;
use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{io::DuplexStream, sync::mpsc, task::JoinHandle};
use tokio_stream::{StreamExt, wrappers::UnboundedReceiverStream};
use tokio_util::sync::CancellationToken;
use tonic::transport::{Channel, Endpoint, Uri};

/// The cheapest hash that argon2 makes: tests are about who may do what, not about its cost.
pub(crate) const CHEAP: HashCost = HashCost {
    memory_kib: 8,
    passes: 1,
};

/// A service under test.
pub(crate) struct Service {
    pub(crate) app: Arc<App>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) stores: Stores,
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) ring: Arc<KeyRing>,
    pub(crate) health: ProcessHealth,
    dials: Arc<AtomicUsize>,
    dial: mpsc::UnboundedSender<DuplexStream>,
    stop: CancellationToken,
    running: JoinHandle<()>,
}

/// A service to be built, with whatever a test wants otherwise.
pub(crate) struct Builder {
    pub(crate) stores: Stores,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) ring: Arc<KeyRing>,
    /// What the use cases see of the ring, where it is not the ring itself.
    pub(crate) keys: Option<Arc<dyn KeyService>>,
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) notifier: Option<Arc<dyn Notifier>>,
    pub(crate) passwords: Option<Arc<dyn PasswordChecker>>,
    pub(crate) policy: Policy,
    pub(crate) service_layer: PolicyOverride,
    pub(crate) config: ServerConfig,
    pub(crate) hashing: (usize, HashCost),
    pub(crate) callers: Option<CallerRegistry>,
    pub(crate) display_names: DisplayNames,
}

impl Builder {
    pub(crate) fn new(stores: Stores) -> Self {
        Self::by_clock(stores, ManualClock::new())
    }

    /// For services that run for longer than a minute: then retention goes by the clock of PostgreSQL.
    pub(crate) fn by_clock(stores: Stores, clock: ManualClock) -> Self {
        let clock = Arc::new(clock);
        let ring = KeyRing::parse(&KeyRing::new_text(&SystemEntropy)).unwrap();
        Self {
            stores,
            inbox: Arc::new(Inbox::new(
                Arc::new(OffsetClock::of(Arc::clone(&clock) as Arc<dyn Clock>)),
                Arc::new(MessageTexts::built_in()),
                false,
            )),
            clock,
            ring: Arc::new(ring),
            keys: None,
            notifier: None,
            passwords: None,
            policy: Policy::built_in(),
            service_layer: PolicyOverride::default(),
            config: ServerConfig::default(),
            hashing: (4, CHEAP),
            callers: None,
            display_names: DisplayNames::default(),
        }
    }

    pub(crate) fn start(self) -> Service {
        let Self {
            stores,
            clock,
            ring,
            keys,
            inbox,
            notifier,
            passwords,
            policy,
            service_layer,
            config,
            hashing: (places, cost),
            callers,
            display_names,
        } = self;
        let app = App::new(AppDependencies {
            accounts: Arc::clone(&stores.accounts),
            challenges: Arc::clone(&stores.challenges),
            budgets: Arc::clone(&stores.budgets),
            notifier: notifier.unwrap_or_else(|| Arc::clone(&inbox) as Arc<dyn Notifier>),
            passwords,
            keys: keys.unwrap_or_else(|| Arc::clone(&ring) as _),
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            entropy: Arc::new(SystemEntropy),
            hashing: HashingPool::new(places, cost, b"a seed for tests"),
            policy,
            service_layer,
            issuer: "countersign.test".to_owned(),
            display_names,
        });
        let server = Server {
            app: Arc::clone(&app),
            callers: Arc::new(callers.unwrap_or_else(known_callers)),
            inbox: Some(Arc::clone(&inbox)),
            reflection: true,
            config,
            entropy: Arc::new(SystemEntropy),
        };
        let health = ProcessHealth::starting(&SERVICES);
        health.serving();
        let serving = health.clone();
        let (dial, dialled) = mpsc::unbounded_channel();
        let stop = CancellationToken::new();
        let stopped = stop.clone().cancelled_owned();
        #[expect(clippy::disallowed_methods, reason = "awaited in `stop`")]
        let running = tokio::spawn(async move {
            let incoming = UnboundedReceiverStream::new(dialled).map(Ok::<_, std::io::Error>);
            server.run(incoming, serving, stopped).await.unwrap();
        });
        Service {
            app,
            clock,
            stores,
            inbox,
            ring,
            health,
            dials: Arc::default(),
            dial,
            stop,
            running,
        }
    }
}

impl Service {
    pub(crate) async fn start(pair: Pair) -> Self {
        Builder::new(Stores::of(pair).await).start()
    }

    /// Another process of the same deployment: the same stores, key ring, clock and inbox.
    pub(crate) fn twin(&self) -> Self {
        self.twin_builder().start()
    }

    /// The same deployment after its policy has changed.
    pub(crate) fn under(&self, service_layer: PolicyOverride) -> Self {
        let twin = self.twin_builder();
        Builder {
            service_layer,
            ..twin
        }
        .start()
    }

    pub(crate) fn twin_builder(&self) -> Builder {
        Builder {
            clock: Arc::clone(&self.clock),
            ring: Arc::clone(&self.ring),
            inbox: Arc::clone(&self.inbox),
            ..Builder::new(self.stores.clone())
        }
    }

    /// A connection of its own.
    pub(crate) fn channel(&self) -> Channel {
        let (dial, dials) = (self.dial.clone(), Arc::clone(&self.dials));
        let connector = tower::service_fn(move |_: Uri| {
            let dial = dial.clone();
            dials.fetch_add(1, Ordering::SeqCst);
            async move {
                let (ours, theirs) = tokio::io::duplex(1 << 20);
                dial.send(theirs)
                    .map_err(|_| std::io::Error::other("the service has stopped"))?;
                Ok::<_, std::io::Error>(TokioIo::new(ours))
            }
        });
        Endpoint::from_static("http://countersign.test").connect_with_connector_lazy(connector)
    }

    /// How many connections were made.
    pub(crate) fn dialled(&self) -> usize {
        self.dials.load(Ordering::SeqCst)
    }

    /// A peer that connects, and is never heard of again.
    pub(crate) fn connect_and_say_nothing(&self) -> DuplexStream {
        let (ours, theirs) = tokio::io::duplex(1024);
        self.dial.send(theirs).unwrap();
        ours
    }

    /// The caller `portal`, which may do everything for every tenant.
    pub(crate) fn portal(&self) -> Clients {
        self.caller("portal")
    }

    pub(crate) fn caller(&self, name: &str) -> Clients {
        Clients::new(self.channel(), &token(name))
    }

    /// A new user of a new tenant, with a verified address on file.
    pub(crate) async fn person(&self) -> Person {
        Person::new(self.portal(), format!("tenant-{}", unique()), "jane").await
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// Everybody has heard of everything that happened so far.
    pub(crate) async fn wait_for_notices(&self) {
        let waiting = async || {
            self.app.deliver_due_notices().await.unwrap();
            let waiting = self.stores.accounts.waiting_notices(NoticeFilter::All, 0);
            waiting.await.unwrap().len()
        };
        until(waiting, |waiting| *waiting == 0).await;
    }

    pub(crate) fn seconds(&self) -> i64 {
        self.clock.now().millis() / 1000
    }

    /// SIGTERM, and the end of the drain.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.running.await.unwrap();
    }
}

/// The callers that every service under test knows: `portal` and `shop` may do everything, the others lack something.
fn known_callers() -> CallerRegistry {
    let caller = |name: &str, rights: &[CallerRight], tenants: TenantScope| Caller {
        name: CallerName::new(name),
        rights: rights.to_vec(),
        audiences: vec![Audience::new(name)],
        tenants,
    };
    let without_attest: Vec<CallerRight> = CallerRight::ALL
        .into_iter()
        .filter(|right| *right != CallerRight::Attest)
        .collect();
    let callers = [
        caller("portal", &CallerRight::ALL, TenantScope::All),
        caller("shop", &CallerRight::ALL, TenantScope::All),
        caller("no-attest", &without_attest, TenantScope::All),
        caller("keys-only", &[CallerRight::KeyService], TenantScope::All),
        caller(
            "elsewhere",
            &CallerRight::ALL,
            TenantScope::Only(vec!["elsewhere".to_owned()]),
        ),
    ];
    let by_token: HashMap<_, _> = callers
        .into_iter()
        .map(|caller| (hash(&token(caller.name.as_str())), Arc::new(caller)))
        .collect();
    CallerRegistry::ByToken(by_token)
}

fn token(caller: &str) -> String {
    format!("token-of-{caller}")
}

/// A name that no other test uses.
pub(crate) fn unique() -> String {
    let mut bytes = [0; 8];
    SystemEntropy.fill(&mut bytes);
    data_encoding::HEXLOWER.encode(&bytes)
}

/// Plays a story on memory and SQLite, then on Redis and PostgreSQL.
pub(crate) fn on_both_pairs(story: impl AsyncFn(Service)) {
    on(Pair::Embedded, &story);
    on(Pair::Production, &story);
}

pub(crate) fn on_embedded(story: impl AsyncFn(Service)) {
    on(Pair::Embedded, &story);
}

pub(crate) fn on_production(story: impl AsyncFn(Service)) {
    on(Pair::Production, &story);
}

pub(crate) fn on(pair: Pair, story: &impl AsyncFn(Service)) {
    println!("on {pair:?}");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async { story(Service::start(pair).await).await });
    runtime.shutdown_background();
}
