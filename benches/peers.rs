//! Peers: other products that sign in users with codes of their apps, under the same load program and in the same run.
//!
//! Each has a folder here with its scripts and its configuration. `benches/peers/install.sh` installs them.

mod better_auth;
mod django_otp;
mod http;
mod keycloak;
mod server;
mod sign_in;

use crate::{
    BenchResult,
    load::{Bounds, closed_loop},
    measure::Bench,
    operations::{ISSUE, SIGN_IN, VERIFY},
    report::BenchReport,
    stores::BenchStores,
};
use server::PeerServer;
use sign_in::{PeerUser, SignIns};
use std::{
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// The sign-ins by which a peer's best concurrency is found.
pub(crate) const TRIAL: &str = "trial: issue + verify";
const TRIAL_STREAMS: [usize; 6] = [1, 2, 4, 8, 16, 32];
const TRIAL_CALLS: usize = 500;

/// Keycloak alone: the ID token for what `VERIFY` ended with, and both factors and the tokens in one request.
const EXCHANGE: &str = "after: tokens for code";
const DIRECT_GRANT: &str = "direct grant, app";

/// How many users are enrolled. A code is used once, so each user signs in at most once in 30 seconds.
const USERS: usize = 5000;
/// How many calls of each operation are measured in one round.
const CALLS: usize = 2000;
const WARM_UP_STREAMS: usize = 8;

/// The products.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PeerProduct {
    Keycloak,
    BetterAuth,
    DjangoOtp,
}

impl PeerProduct {
    pub(crate) const ALL: [Self; 3] = [Self::Keycloak, Self::BetterAuth, Self::DjangoOtp];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Keycloak => "Keycloak",
            Self::BetterAuth => "better-auth",
            Self::DjangoOtp => "django-otp",
        }
    }

    /// Its folder in `benches/peers` and in `target/peers`.
    const fn folder(self) -> &'static str {
        match self {
            Self::Keycloak => "keycloak",
            Self::BetterAuth => "better-auth",
            Self::DjangoOtp => "django-otp",
        }
    }

    /// The database that it has to itself.
    const fn database(self) -> &'static str {
        match self {
            Self::Keycloak => "peer_keycloak",
            Self::BetterAuth => "peer_better_auth",
            Self::DjangoOtp => "peer_django_otp",
        }
    }

    /// What goes before a sign-in and does not count as a part of it.
    const fn before(self) -> Option<&'static str> {
        match self {
            Self::Keycloak => Some("before: sign-in page"),
            Self::BetterAuth => None,
            Self::DjangoOtp => Some("before: first factor"),
        }
    }

    /// How many sign-ins go before a measurement: Java compiles what is called often.
    const fn warm_up(self) -> usize {
        match self {
            Self::Keycloak => 5000,
            Self::BetterAuth | Self::DjangoOtp => 2000,
        }
    }
}

/// The peers that take part in this run.
pub(crate) struct Peers {
    ready: Vec<ReadyPeer>,
}

struct ReadyPeer {
    peer: PeerProduct,
    database_url: String,
    log: PathBuf,
    users: Arc<Vec<PeerUser>>,
    /// The user of the next call.
    next: usize,
    /// The best concurrency, once it is known.
    streams: Option<usize>,
}

impl Peers {
    pub(crate) fn none() -> Self {
        Self { ready: Vec::new() }
    }

    /// Enrolls the users of all peers. One for which this fails says why, and is left out.
    pub(crate) async fn prepare(
        stores: &BenchStores,
        out: &Path,
        report: &mut BenchReport,
    ) -> Self {
        let mut ready = Vec::new();
        for peer in PeerProduct::ALL {
            eprintln!("{}: enrolling {USERS} users", peer.name());
            match server::prepare(peer, stores, out, USERS).await {
                Ok(database_url) => ready.push(ReadyPeer {
                    peer,
                    database_url,
                    log: server::log(peer, out),
                    users: Arc::new((0..USERS).map(PeerUser::new).collect()),
                    next: 0,
                    streams: None,
                }),
                Err(error) => {
                    eprintln!("{}: left out: {error}", peer.name());
                    report.leave_out(peer.name(), error.to_string());
                }
            }
        }
        Self { ready }
    }

    /// One round, each peer in a new process. A peer whose call fails says why, and is left out from then on.
    pub(crate) async fn measure(
        &mut self,
        stores: &BenchStores,
        report: &mut BenchReport,
        round: usize,
    ) {
        for mut peer in std::mem::take(&mut self.ready) {
            let name = peer.peer.name();
            match peer.measure(stores, report, round).await {
                Ok(()) => self.ready.push(peer),
                Err(error) => {
                    eprintln!("{name}: left out from now on: {error}");
                    let why = format!("from round {} on: {error}", round + 1);
                    report.leave_out(name, why);
                }
            }
        }
    }
}

impl ReadyPeer {
    async fn measure(
        &mut self,
        stores: &BenchStores,
        report: &mut BenchReport,
        round: usize,
    ) -> BenchResult<()> {
        let name = self.peer.name();
        eprintln!("{name}: warming up");
        let server = PeerServer::start(self.peer, &self.database_url, &self.log).await?;
        let address = server.address();
        let sign_ins = Arc::new(SignIns::new(self.peer, address, Arc::clone(&self.users))?);
        self.warm_up(&sign_ins).await?;
        let mut bench = Bench {
            stores,
            report,
            round,
            target: name,
            server: server.server(),
            streams: 0,
        };
        bench.streams = match self.streams {
            Some(streams) => streams,
            None => self.find_best_streams(&mut bench, &sign_ins).await?,
        };
        self.streams = Some(bench.streams);
        self.measure_operations(&mut bench, &sign_ins).await
    }

    async fn warm_up(&mut self, sign_ins: &Arc<SignIns>) -> BenchResult<()> {
        let calls = self.peer.warm_up();
        let first = self.take_users(calls).await?.start;
        let sign_ins = Arc::clone(sign_ins);
        let send = move |call| {
            let sign_ins = Arc::clone(&sign_ins);
            async move {
                Arc::clone(&sign_ins).begin(first + call).await?;
                sign_ins.sign_in(first + call).await
            }
        };
        closed_loop(WARM_UP_STREAMS, Bounds::calls(calls), send).await?;
        Ok(())
    }

    /// Tries each concurrency once.
    async fn find_best_streams(
        &mut self,
        bench: &mut Bench<'_>,
        sign_ins: &Arc<SignIns>,
    ) -> BenchResult<usize> {
        let mut trials = Vec::new();
        for streams in TRIAL_STREAMS {
            bench.streams = streams;
            let users = self.take_users(TRIAL_CALLS).await?;
            begin(sign_ins, users.clone()).await?;
            let elapsed = measure(bench, sign_ins, TRIAL, users, SignIns::sign_in).await?;
            trials.push((elapsed, streams));
        }
        let best = trials.into_iter().min();
        Ok(best.ok_or("no trial")?.1)
    }

    async fn measure_operations(
        &mut self,
        bench: &mut Bench<'_>,
        sign_ins: &Arc<SignIns>,
    ) -> BenchResult<()> {
        let users = self.take_users(CALLS).await?;
        begin(sign_ins, users.clone()).await?;
        measure(bench, sign_ins, ISSUE, users.clone(), SignIns::issue).await?;
        measure(bench, sign_ins, VERIFY, users.clone(), SignIns::verify).await?;
        if self.peer == PeerProduct::Keycloak {
            measure(bench, sign_ins, EXCHANGE, users, SignIns::exchange).await?;
            let users = self.take_users(CALLS).await?;
            measure(bench, sign_ins, DIRECT_GRANT, users, SignIns::grant).await?;
        }
        let users = self.take_users(CALLS).await?;
        if let Some(before) = self.peer.before() {
            measure(bench, sign_ins, before, users.clone(), SignIns::begin).await?;
        }
        measure(bench, sign_ins, SIGN_IN, users, SignIns::sign_in).await?;
        Ok(())
    }

    /// The next users, once each of them can show a code that is not used yet.
    async fn take_users(&mut self, calls: usize) -> BenchResult<Range<usize>> {
        let first = self.next;
        self.next = (first + calls) % USERS;
        let users = self.users.iter().cycle().skip(first);
        for user in users.take(calls) {
            user.wait_for_code().await?;
        }
        Ok(first..first + calls)
    }
}

/// What goes before sign-ins, not measured.
async fn begin(sign_ins: &Arc<SignIns>, users: Range<usize>) -> BenchResult<()> {
    let (sign_ins, calls) = (Arc::clone(sign_ins), Bounds::calls(users.len()));
    let send = move |call| Arc::clone(&sign_ins).begin(users.start + call);
    closed_loop(WARM_UP_STREAMS, calls, send).await?;
    Ok(())
}

/// One call for each of these users.
async fn measure<Sent>(
    bench: &mut Bench<'_>,
    sign_ins: &Arc<SignIns>,
    operation: &'static str,
    users: Range<usize>,
    send: impl Fn(Arc<SignIns>, usize) -> Sent + Send + Sync + 'static,
) -> BenchResult<Duration>
where
    Sent: Future<Output = BenchResult<()>> + Send,
{
    let (sign_ins, calls) = (Arc::clone(sign_ins), Bounds::calls(users.len()));
    let send = move |call| send(Arc::clone(&sign_ins), users.start + call);
    bench.measure(operation, calls, send).await
}
