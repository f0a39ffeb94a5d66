//! How many events a second the worker of the audit chain takes, when many wait.

use super::BenchSetup;
use crate::{BenchResult, report::as_float, users::Users};
use std::time::{Duration, Instant};

/// The fact that tells it.
pub(crate) const CHAIN_RATE: &str = "events a second of the audit chain, 40 tenants";

const EVENTS: usize = 50_000;
const TIMEOUT: Duration = Duration::from_mins(2);

const APPEND: &str = "INSERT INTO audit.events (event_id, tenant_id, subject, kind, caller, at, details, personal)
    SELECT sha256(int8send(n)), 'tenant-' || n % 40, int8send(n), 'CHALLENGE_APPROVED', 'portal',
        (extract(epoch FROM now()) * 1000)::bigint,
        'challenge=01234567-0123-0123-0123-0123456789ab answered_by=TOTP purpose=SIGN_IN', int8send(n)
    FROM generate_series(1, 50000) n";
const UNCHAINED: &str = "SELECT (SELECT coalesce(max(position), 0) FROM audit.events)::float8
    - (SELECT coalesce(max(last_position), 0) FROM audit.audit_segments)::float8";

pub(super) async fn measure(setup: &mut BenchSetup<'_>) -> BenchResult<()> {
    let stores = setup.stores;
    let production = setup.production()?;
    let deployment = production
        .in_schema("audit".to_owned(), Users::numbered(1), stores)
        .await?;
    let server = setup.start(&deployment).await?;
    for round in 0..setup.options.rounds {
        eprintln!("audit chain, round {}", round + 1);
        let bench = setup.bench("audit chain", round, &server);
        bench.wait_until_idle().await?;
        stores.postgres.batch_execute(APPEND).await?;
        let started = Instant::now();
        while stores.number(UNCHAINED).await? > 0.0 {
            if started.elapsed() > TIMEOUT {
                return Err("the audit chain does not get on".into());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let rate = as_float(EVENTS) / started.elapsed().as_secs_f64();
        bench.report.note(CHAIN_RATE, "/s", rate);
    }
    Ok(())
}
