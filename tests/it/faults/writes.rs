//! Stores that answer but can't be written: health says so within ten seconds, and both come back without a restart.

use crate::{
    faults::{
        servers::{OwnPostgres, OwnRedis, free_port},
        stores::runtime,
    },
    support::{
        Clients, Person,
        processes::{Deployment, Process, run},
        refused,
        service::unique,
        stores::setting,
    },
};
use countersign_proto::v1 as pb;
use std::{
    fs,
    time::{Duration, Instant},
};
use tonic::{Code, Status};

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

/// Upserts a new user.
async fn write(clients: &Clients, user_id: &str) -> Result<(), Status> {
    let request = pb::UpsertUserRequest {
        tenant_id: "acme".to_owned(),
        user_id: user_id.to_owned(),
        profile: Some(pb::Profile {
            account_name: format!("account of {user_id}"),
            ..pb::Profile::default()
        }),
        ..pb::UpsertUserRequest::default()
    };
    clients.users.clone().upsert_user(request).await.map(drop)
}

async fn account_name(clients: &Clients, user_id: &str) -> String {
    let request = pb::GetUserRequest {
        tenant_id: "acme".to_owned(),
        user_id: user_id.to_owned(),
    };
    let found = clients.users.clone().get_user(request).await;
    let found = found.unwrap_or_else(|status| panic!("{user_id}: {status}"));
    let user = found.into_inner().user.unwrap();
    user.profile.unwrap().account_name
}

async fn all_are_kept(clients: &Clients, user_ids: &[String]) {
    for user_id in user_ids {
        let name = account_name(clients, user_id).await;
        assert_eq!(name, format!("account of {user_id}"));
    }
}

/// Writes new users until the store can't be written; those that were acknowledged.
async fn write_until_full(clients: &Clients) -> Vec<String> {
    let mut acknowledged = Vec::new();
    for number in 0..500 {
        let user_id = format!("user-{number}");
        match write(clients, &user_id).await {
            Ok(()) => acknowledged.push(user_id),
            outcome => {
                refused(outcome, Code::Unavailable, "STORE_UNAVAILABLE");
                return acknowledged;
            }
        }
    }
    panic!("the disk never became full");
}

#[test]
fn sqlite_on_a_full_disk_is_written_again_without_a_restart_once_there_is_space() {
    runtime().block_on(async {
        let folder = tempfile::TempDir::new().unwrap();
        let data = folder.path().join("data");
        let arguments = [
            "dev",
            "--listen",
            "127.0.0.1:0",
            "--data-dir",
            data.to_str().unwrap(),
        ];
        let process = Process::start_on_limited_disk(&arguments);
        let clients = Clients::new(process.channel(), "any token");
        health_becomes(&process, true).await;

        let sizes = fs::read_dir(&data).unwrap();
        let sizes = sizes.map(|entry| entry.unwrap().metadata().unwrap().len());
        process.limit_file_size(Some(sizes.max().unwrap() + 128 * 1024));
        let mut acknowledged = write_until_full(&clients).await;
        assert!(!acknowledged.is_empty());
        process.limit_file_size(Some(0));
        not_serving_because(
            &process,
            &["SQLite at", "can't be written: SQLite is unavailable"],
        )
        .await;
        for _ in 0..3 {
            let outcome = write(&clients, "too-late").await;
            refused(outcome, Code::Unavailable, "STORE_UNAVAILABLE");
        }
        all_are_kept(&clients, &acknowledged).await;

        process.limit_file_size(None);
        write(&clients, "afterwards").await.unwrap();
        acknowledged.push("afterwards".to_owned());
        acknowledged.extend(write_many(&clients).await);
        health_becomes(&process, true).await;
        all_are_kept(&clients, &acknowledged).await;

        process.signal("KILL");
        process.wait();
        let process = Process::start(&arguments);
        let clients = Clients::new(process.channel(), "any token");
        all_are_kept(&clients, &acknowledged).await;
    });
}

/// Many writes at once, none of which may fail.
async fn write_many(clients: &Clients) -> Vec<String> {
    let user_ids: Vec<String> = (0..20).map(|number| format!("one-of-{number}")).collect();
    let writes = user_ids.iter().map(|user_id| write(clients, user_id));
    futures_util::future::try_join_all(writes).await.unwrap();
    user_ids
}

#[test]
fn a_read_only_postgres_takes_the_replica_out_of_service_until_it_can_be_written() {
    runtime().block_on(async {
        let postgres = OwnPostgres::start("");
        let (_deployment, process) = deployed(setting("TEST_COUNTERSIGN_REDIS"), postgres.url());
        health_becomes(&process, true).await;
        let jane = portal_user(&process).await;

        postgres.set("default_transaction_read_only", "on").await;
        not_serving_because(
            &process,
            &[
                "PostgreSQL at",
                "can't be written: PostgreSQL",
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
            not_serving_because(&process, &["Redis at", "can't be written: Redis", why]).await;
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
            not_serving_because(&process, &["Redis Cluster at", "can't be written: Redis"]).await;
            node.cli(&["config", "set", "min-replicas-to-write", "0"]);
            health_becomes(&process, true).await;
        }
    });
}
