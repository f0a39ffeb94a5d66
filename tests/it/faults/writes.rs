//! Stores that answer but can't be written: health says so within ten seconds, and both come back without a restart.

use crate::{
    faults::{
        servers::{OwnPostgres, OwnRedis, free_port},
        stores::runtime,
    },
    support::{
        Person,
        processes::{Deployment, Process, run},
        service::unique,
        stores::setting,
    },
};
use countersign::proto::v1 as pb;
use std::time::{Duration, Instant};

/// Within what time health has to notice.
const NOTICED: Duration = Duration::from_secs(10);

fn healthcheck_passes(process: &Process) -> bool {
    run(&["healthcheck", &process.url()]).status.success()
}

/// Waits until health says so, in time.
#[expect(
    clippy::disallowed_methods,
    reason = "the processes go by the real clock"
)]
async fn health_becomes(process: &Process, serving: bool) {
    let began = Instant::now();
    while healthcheck_passes(process) != serving {
        assert!(
            began.elapsed() < NOTICED,
            "health never became {serving}: {}",
            process.said()
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The process is not serving, and its log says which store can't be written.
async fn not_serving_because(process: &Process, why: &[&str]) {
    health_becomes(process, false).await;
    let said = process.said();
    let line = said.lines().rfind(|line| line.contains("not serving"));
    let line = line.unwrap_or_else(|| panic!("it is not in the log: {said}"));
    for part in why {
        assert!(line.contains(part), "{part} in {line}");
    }
}

/// On PostgreSQL and Redis that are up to date.
fn deployed(redis: String, postgres: String) -> (Deployment, Process) {
    let deployment = Deployment::on(redis, postgres);
    let config = deployment.config();
    let migrated = run(&["migrate", "--config", config.to_str().unwrap()]);
    assert!(migrated.status.success(), "{migrated:?}");
    let process = deployment.serve();
    (deployment, process)
}

async fn portal_user(process: &Process) -> Person {
    Person::new(process.portal(), format!("tenant-{}", unique()), "jane").await
}

#[test]
fn a_read_only_postgres_takes_the_replica_out_of_service_until_it_can_be_written() {
    runtime().block_on(async {
        let postgres = OwnPostgres::start("");
        let (_deployment, process) = deployed(setting("COUNTERSIGN_TEST_REDIS"), postgres.url());
        health_becomes(&process, true).await;
        let jane = portal_user(&process).await;

        postgres.set("default_transaction_read_only", "on").await;
        not_serving_because(
            &process,
            &[
                "the durable store can't be written: PostgreSQL",
                "read-only transaction",
            ],
        )
        .await;
        jane.get().await.expect("what only reads goes on");

        postgres.set("default_transaction_read_only", "off").await;
        health_becomes(&process, true).await;
        jane.upsert(pb::Profile::default()).await.unwrap();
    });
}

#[test]
fn a_redis_that_takes_no_writes_takes_the_replica_out_of_service_until_it_does() {
    runtime().block_on(async {
        let redis = OwnRedis::start(&[]);
        let postgres = crate::support::stores::new_schema().await;
        let (_deployment, process) = deployed(redis.url(), postgres);
        health_becomes(&process, true).await;
        let faults = [
            (vec!["replicaof", "127.0.0.1", "1"], "read only replica"),
            (
                vec!["config", "set", "min-replicas-to-write", "1"],
                "Not enough good replicas",
            ),
            (vec!["config", "set", "maxmemory", "1"], "maxmemory"),
        ];
        let repairs = [
            vec!["replicaof", "no", "one"],
            vec!["config", "set", "min-replicas-to-write", "0"],
            vec!["config", "set", "maxmemory", "0"],
        ];
        for ((fault, why), repair) in faults.iter().zip(&repairs) {
            redis.cli(fault);
            not_serving_because(
                &process,
                &["the short-lived store can't be written: Redis", why],
            )
            .await;
            redis.cli(repair);
            health_becomes(&process, true).await;
        }
    });
}

#[test]
fn one_primary_of_a_cluster_that_takes_no_writes_takes_the_replica_out_of_service() {
    runtime().block_on(async {
        let nodes = [(); 3].map(|()| {
            let bus = free_port().to_string();
            OwnRedis::start(&["--cluster-enabled", "yes", "--cluster-port", &bus])
        });
        OwnRedis::join(&nodes);
        let urls = nodes.each_ref().map(OwnRedis::url).join("\", \"");
        let postgres = crate::support::stores::new_schema().await;
        let (_deployment, process) = deployed(urls, postgres);
        health_becomes(&process, true).await;
        for node in &nodes {
            node.cli(&["config", "set", "min-replicas-to-write", "1"]);
            not_serving_because(&process, &["the short-lived store can't be written: Redis"]).await;
            node.cli(&["config", "set", "min-replicas-to-write", "0"]);
            health_becomes(&process, true).await;
        }
    });
}
