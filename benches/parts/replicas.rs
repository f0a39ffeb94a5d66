//! One replica, and two of them: what one issues, the other verifies. Both have the one core of the server, so the figure
//! is CPU per sign-in; two cores say nothing about rates.

use super::{BenchSetup, sign_in};
use crate::{BenchResult, measure::Bench, report::ReportRow, users::Users};
use std::sync::Arc;

/// The target of these rows.
pub(crate) const REPLICAS: &str = "replicas";
const ONE: &str = "one replica";
const TWO: &str = "two replicas";

pub(super) async fn measure(setup: &mut BenchSetup<'_>) -> BenchResult<()> {
    let deployment = setup.production()?.clone();
    let stores = setup.stores;
    for round in 0..setup.options.rounds {
        eprintln!("replicas, round {}", round + 1);
        stores.flush_redis().await?;
        let first = setup.start(&deployment).await?;
        deployment.restore(stores).await?;
        let users = Users::through(&deployment.users, first.address, setup.sink)?;
        let mut bench = setup.bench(REPLICAS, round, &first);
        bench.wait_until_idle().await?;
        sign_in(&mut bench, ONE, &Arc::new(users)).await?;

        let second = setup.start(&deployment).await?;
        deployment.restore(stores).await?;
        let addresses = [first.address, second.address];
        let users = Users::across(&deployment.users, &addresses, setup.sink)?;
        let mut bench = setup.bench(REPLICAS, round, &first);
        bench.wait_until_idle().await?;
        let before = second.cpu()?;
        sign_in(&mut bench, TWO, &Arc::new(users)).await?;
        let of_second = second.cpu()?.saturating_sub(before);
        let row = row(&bench);
        bench.report.sum(row, round).cpu.server += of_second;
    }
    deployment.restore(stores).await
}

fn row(bench: &Bench<'_>) -> ReportRow {
    ReportRow {
        target: REPLICAS,
        operation: TWO,
        streams: bench.streams,
    }
}
