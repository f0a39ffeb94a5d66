//! Latency at a share of the load that saturates everything, in an open loop.

use super::{BenchSetup, sign_in};
use crate::{
    BenchResult,
    deployment::BenchDeployment,
    load::{Bounds, closed_loop},
    open_loop::{Arrivals, Offered, open_loop},
    report::as_float,
    users::{SIGN_INS, Users},
};
use std::sync::Arc;

/// The fact that tells how many sign-ins a second there are at most.
const SATURATED_RATE: &str = "sign-ins a second, saturated";
/// The load that the budget is about.
pub(crate) const AT_HALF: &str = "sign-in at 50 %";

const SATURATED: &str = "sign-in, saturated";

struct Share {
    operation: &'static str,
    of_saturated: f64,
    arrivals: Arrivals,
}

const SHARES: [Share; 4] = [
    Share {
        operation: "sign-in at 25 %",
        of_saturated: 0.25,
        arrivals: Arrivals::Poisson,
    },
    Share {
        operation: AT_HALF,
        of_saturated: 0.5,
        arrivals: Arrivals::Poisson,
    },
    Share {
        operation: "sign-in at 75 %",
        of_saturated: 0.75,
        arrivals: Arrivals::Poisson,
    },
    Share {
        operation: "sign-in at 50 %, even",
        of_saturated: 0.5,
        arrivals: Arrivals::Even,
    },
];

pub(super) async fn measure(setup: &mut BenchSetup<'_>) -> BenchResult<()> {
    let deployments = setup.deployments;
    for round in 0..setup.options.rounds {
        eprintln!("latency, round {}", round + 1);
        for deployment in deployments {
            measure_pair(setup, deployment, round).await?;
        }
    }
    Ok(())
}

async fn measure_pair(
    setup: &mut BenchSetup<'_>,
    deployment: &BenchDeployment,
    round: usize,
) -> BenchResult<()> {
    let stores = setup.stores;
    stores.flush_redis().await?;
    deployment.restore(stores).await?;
    let server = setup.start(deployment).await?;
    let users = Users::through(&deployment.users, server.address, setup.sink)?;
    let users = Arc::new(users);
    let calls = users.count() * SIGN_INS;
    let everyone = Arc::clone(&users);
    let warm_up = move |call| Arc::clone(&everyone).sign_in(call);
    closed_loop(super::STREAMS, Bounds::calls(users.count()), warm_up).await?;
    let pair = deployment.pair.name();
    let mut bench = setup.bench(pair, round, &server);
    deployment.restore(stores).await?;
    bench.wait_until_idle().await?;
    let elapsed = sign_in(&mut bench, SATURATED, &users).await?;
    let saturated = as_float(calls) / elapsed.as_secs_f64();
    bench
        .report
        .note(&format!("{pair}: {SATURATED_RATE}"), "/s", saturated);
    bench.streams = 0;
    for share in SHARES {
        deployment.restore(stores).await?;
        bench.wait_until_idle().await?;
        let offered = Offered {
            arrivals: share.arrivals,
            per_second: saturated * share.of_saturated,
            calls,
        };
        let users = Arc::clone(&users);
        let send = move |call| Arc::clone(&users).sign_in_in_turn(call);
        let load = open_loop(offered, send);
        bench.measure_load(share.operation, load).await?;
    }
    deployment.restore(stores).await
}
