//! The parts of a run, and what they share. Each repeats what it measures in rounds, one setting after the other within a
//! round, so that a slow minute of the machine meets all settings.

mod audit_chain;
mod build;
mod challenges;
mod kinds;
mod latency;
mod memory;
mod observers;
mod replicas;
mod user_counts;

pub(crate) use audit_chain::CHAIN_RATE;
pub(crate) use build::COLD_BUILD;
pub(crate) use challenges::{CHALLENGE_LEVELS, CHALLENGES, REDIS_BYTES};
pub(crate) use kinds::{KINDS, UserKind};
pub(crate) use latency::AT_HALF;
pub(crate) use memory::{PEAK_MEMORY, PeakMemory};
pub(crate) use observers::{ALL_OFF, ALL_ON, EVERYTHING_EXISTS, OBSERVERS};
pub(crate) use replicas::REPLICAS;
pub(crate) use user_counts::{USER_COUNTS, USER_LEVELS};

use crate::{
    BenchResult, Options, SERVER_CORE,
    deployment::{BenchDeployment, StorePair},
    load::Bounds,
    measure::Bench,
    process::Server,
    report::BenchReport,
    sink::NotifierSink,
    stores::BenchStores,
    users::{SIGN_INS, Users},
};
use std::{
    error::Error,
    sync::Arc,
    time::{Duration, Instant},
};

/// How many calls are in flight where a part does not vary it.
pub(crate) const STREAMS: usize = 64;

/// How much there is of something, and the operation that names it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct VolumeLevel {
    pub(crate) count: usize,
    pub(crate) operation: &'static str,
}

/// What can be measured alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum BenchPart {
    /// Each operation beside the floor.
    Calls,
    /// Open-loop latency.
    Latency,
    /// Typical, heavy and unlucky users.
    Kinds,
    /// From 1,000 users on.
    Users,
    /// From 1,000 live challenges on.
    Challenges,
    /// One replica and two.
    Replicas,
    /// Logs and traces on and off.
    Observers,
    /// Memory for each connection.
    Memory,
    /// Events per second of the audit chain.
    Audit,
    /// A build of the release binary from nothing. Only where it is asked for.
    Build,
}

impl BenchPart {
    /// Every part that does not have to be asked for.
    pub(crate) const USUAL: [Self; 9] = [
        Self::Calls,
        Self::Latency,
        Self::Kinds,
        Self::Users,
        Self::Challenges,
        Self::Replicas,
        Self::Observers,
        Self::Memory,
        Self::Audit,
    ];

    pub(crate) const fn needs(self, pair: StorePair) -> bool {
        match pair {
            StorePair::RedisAndPostgres => !matches!(self, Self::Build),
            StorePair::Embedded => matches!(self, Self::Calls | Self::Latency | Self::Memory),
        }
    }

    async fn measure(self, setup: &mut BenchSetup<'_>) -> BenchResult<()> {
        match self {
            // They come first, and bring the floor with them.
            Self::Calls => Ok(()),
            Self::Latency => latency::measure(setup).await,
            Self::Kinds => kinds::measure(setup).await,
            Self::Users => user_counts::measure(setup).await,
            Self::Challenges => challenges::measure(setup).await,
            Self::Replicas => replicas::measure(setup).await,
            Self::Observers => observers::measure(setup).await,
            Self::Memory => memory::measure(setup).await,
            Self::Audit => audit_chain::measure(setup).await,
            Self::Build => build::measure(setup),
        }
    }
}

/// What the parts share.
pub(crate) struct BenchSetup<'a> {
    pub(crate) options: &'a Options,
    pub(crate) stores: &'a BenchStores,
    pub(crate) sink: &'a NotifierSink,
    /// With all users enrolled, and a snapshot of them.
    pub(crate) deployments: &'a [BenchDeployment],
    pub(crate) report: &'a mut BenchReport,
}

/// Measures all parts that were asked for, except the calls. A part that fails says why in the report, and the others go on.
pub(crate) async fn measure(setup: &mut BenchSetup<'_>) {
    let others = setup.options.parts.iter().copied();
    for part in others.filter(|part| *part != BenchPart::Calls) {
        let started = Instant::now();
        if let Err(error) = part.measure(setup).await {
            setup.fail(part, &*error);
        }
        eprintln!("{part:?}: {:.0} s", started.elapsed().as_secs_f64());
    }
}

impl BenchSetup<'_> {
    /// Says in the report why there are no more figures of a part.
    pub(crate) fn fail(&mut self, part: BenchPart, error: &(dyn Error + 'static)) {
        let mut causes = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            causes = format!("{causes}: {error}");
            cause = error.source();
        }
        eprintln!("{part:?} failed: {causes}");
        self.report.fail(&format!("part {part:?}"), &causes);
    }

    fn production(&self) -> BenchResult<&BenchDeployment> {
        let mut all = self.deployments.iter();
        let found = all.find(|deployment| deployment.pair == StorePair::RedisAndPostgres);
        Ok(found.ok_or("no deployment on Redis and PostgreSQL")?)
    }

    async fn start(&self, deployment: &BenchDeployment) -> BenchResult<Server> {
        Ok(deployment.start(SERVER_CORE).await?.0)
    }

    /// Measures in one round of `target`, under [`STREAMS`] streams.
    fn bench<'b>(
        &'b mut self,
        target: &'static str,
        round: usize,
        server: &'b Server,
    ) -> Bench<'b> {
        Bench {
            stores: self.stores,
            report: self.report,
            round,
            target,
            server,
            streams: STREAMS,
        }
    }
}

/// All sign-ins that restored users have, in a closed loop.
async fn sign_in(
    bench: &mut Bench<'_>,
    operation: &'static str,
    users: &Arc<Users>,
) -> BenchResult<Duration> {
    let calls = Bounds::calls(users.count() * SIGN_INS);
    let users = Arc::clone(users);
    let send = move |call| Arc::clone(&users).sign_in_in_turn(call);
    bench.measure(operation, calls, send).await
}
