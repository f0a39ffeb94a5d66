//! What it costs to be observed: the same sign-ins with observers off and on.

use super::{BenchSetup, sign_in};
use crate::{BenchResult, users::Users};
use std::sync::Arc;

/// The target of these rows.
pub(crate) const OBSERVERS: &str = "observers";
pub(crate) const ALL_OFF: &str = "all off";
pub(crate) const ALL_ON: &str = "all on";

/// Whether [`ALL_ON`] has all that the budget names: metrics, traces exported at 1 in 100, audit, one access line per call.
/// Metrics, the export of spans and access lines of `serve` do not exist yet. Once they do, turn them on in
/// [`SETTINGS`], and this to true.
pub(crate) const EVERYTHING_EXISTS: bool = false;

/// One way to be observed.
struct Setting {
    operation: &'static str,
    /// The file of the configuration.
    name: &'static str,
    /// The end of the configuration.
    config: &'static str,
    /// Whether callers send the context of a trace, one in 100 of them sampled.
    traced: bool,
}

const SETTINGS: [Setting; 3] = [
    Setting {
        operation: ALL_OFF,
        name: "observers-off",
        config: "[log]\nfilter = \"off\"\n",
        traced: false,
    },
    Setting {
        operation: "logs, JSON",
        name: "observers-logs",
        config: "[log]\nformat = \"json\"\nfilter = \"info\"\n",
        traced: false,
    },
    Setting {
        operation: ALL_ON,
        name: "observers-on",
        config: "[log]\nformat = \"json\"\nfilter = \"info\"\n",
        traced: true,
    },
];

pub(super) async fn measure(setup: &mut BenchSetup<'_>) -> BenchResult<()> {
    let plain = setup.production()?.clone();
    let stores = setup.stores;
    for round in 0..setup.options.rounds {
        eprintln!("observers, round {}", round + 1);
        for setting in &SETTINGS {
            let deployment = plain.configured(setting.name, setting.config)?;
            stores.flush_redis().await?;
            deployment.restore(stores).await?;
            let server = setup.start(&deployment).await?;
            let connect = if setting.traced {
                Users::traced
            } else {
                Users::through
            };
            let users = connect(&deployment.users, server.address, setup.sink)?;
            let mut bench = setup.bench(OBSERVERS, round, &server);
            bench.wait_until_idle().await?;
            sign_in(&mut bench, setting.operation, &Arc::new(users)).await?;
        }
    }
    plain.restore(stores).await
}
