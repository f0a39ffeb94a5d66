//! Nothing says that it works where it does not: a store that can't be written is found by the check, by the start and while
//! the service runs, and by name.

use crate::{
    faults::servers::{OwnPostgres, OwnRedis, free_port},
    support::{
        processes::{Deployment, Process, binary, run},
        stores::new_schema,
        tables::{execute_in_postgres, open_sqlite},
    },
};
use countersign_proto::health::{
    HealthCheckRequest, HealthCheckResponse, HealthListRequest,
    health_check_response::ServingStatus, health_client::HealthClient,
};
use std::{process::Output, time::Duration};
use tonic::Code;

/// How long the service has to say that it can't serve, and that it can again.
const NOTICED_WITHIN: Duration = Duration::from_secs(10);

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

fn text(output: &Output) -> String {
    [output.stdout.as_slice(), &output.stderr]
        .map(String::from_utf8_lossy)
        .concat()
}

/// `check-config` and `serve` refuse, and both say all of this.
fn both_refuse(deployment: &Deployment, parts: &[&str]) {
    let config = deployment.config();
    let config = config.to_str().unwrap();
    for arguments in [
        &["check-config", "--config", config][..],
        &["serve", "--config", config, "--listen", "127.0.0.1:0"],
    ] {
        let output = binary().args(arguments).output().unwrap();
        let said = text(&output);
        assert!(!output.status.success(), "{arguments:?}: {said}");
        for part in parts {
            assert!(said.contains(part), "{part} in {said}");
        }
    }
}

fn would_start(deployment: &Deployment) {
    let output = run(&[
        "check-config",
        "--config",
        deployment.config().to_str().unwrap(),
    ]);
    assert!(output.status.success(), "{}", text(&output));
}

async fn status_of(process: &Process) -> ServingStatus {
    let mut health = HealthClient::new(process.channel());
    let request = HealthCheckRequest::default();
    health.check(request).await.unwrap().into_inner().status()
}

async fn until_status(process: &Process, expected: ServingStatus) {
    let reached = async {
        while status_of(process).await != expected {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let reached = tokio::time::timeout(NOTICED_WITHIN, reached).await;
    assert!(reached.is_ok(), "not {expected:?}: {}", process.said());
}

/// Breaks a running service, waits until it says so and why, repairs it, and waits until it serves again.
async fn noticed_and_forgotten(
    process: &Process,
    parts: &[&str],
    breaks: impl AsyncFnOnce(),
    repairs: impl AsyncFnOnce(),
) {
    until_status(process, ServingStatus::Serving).await;
    breaks().await;
    until_status(process, ServingStatus::NotServing).await;
    let said = process.said();
    let line = said
        .lines()
        .rfind(|line| line.contains("not serving"))
        .unwrap();
    for part in parts {
        assert!(line.contains(part), "{part} in {line}");
    }
    repairs().await;
    until_status(process, ServingStatus::Serving).await;
}

fn own_stores() -> (OwnRedis, OwnPostgres, Deployment) {
    let (redis, postgres) = (OwnRedis::start(&[]), OwnPostgres::start(""));
    let deployment = Deployment::on(redis.url(), postgres.url());
    let migrated = run(&["migrate", "--config", deployment.config().to_str().unwrap()]);
    assert!(migrated.status.success(), "{}", text(&migrated));
    (redis, postgres, deployment)
}

#[test]
fn a64_a_postgres_that_takes_no_writes_is_found_at_the_start_and_while_it_runs() {
    runtime().block_on(async {
        let (_redis, postgres, deployment) = own_stores();
        would_start(&deployment);
        let process = deployment.serve();
        let read_only = async |value: &str| {
            postgres.set("default_transaction_read_only", value).await;
        };
        let cause = [
            "PostgreSQL",
            &format!("127.0.0.1:{}", postgres.port()),
            "read-only",
        ];
        noticed_and_forgotten(
            &process,
            &cause,
            async || read_only("on").await,
            async || read_only("off").await,
        )
        .await;
        read_only("on").await;
        both_refuse(
            &deployment,
            &["PostgreSQL", "read-only", "default_transaction_read_only"],
        );
    });
}

#[test]
fn a64_a_role_that_may_not_write_a_table_is_found_at_the_start_and_while_it_runs() {
    runtime().block_on(async {
        let (_redis, postgres, mut deployment) = own_stores();
        let admin = postgres.url();
        for sql in [
            "CREATE ROLE serves LOGIN",
            "GRANT USAGE ON SCHEMA public TO serves",
            "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO serves",
        ] {
            execute_in_postgres(&admin, sql).await;
        }
        deployment.postgres = admin.replace("postgres@", "serves@");
        would_start(&deployment);
        let process = deployment.serve();
        noticed_and_forgotten(
            &process,
            &["UPDATE on accounts", "countersign grants"],
            async || execute_in_postgres(&admin, "REVOKE UPDATE ON accounts FROM serves").await,
            async || execute_in_postgres(&admin, "GRANT UPDATE ON accounts TO serves").await,
        )
        .await;
        execute_in_postgres(&admin, "REVOKE INSERT ON outbox FROM serves").await;
        both_refuse(&deployment, &["INSERT on outbox", "countersign grants"]);
    });
}

#[test]
fn a64_a_redis_that_became_a_replica_is_found_at_the_start_and_while_it_runs() {
    runtime().block_on(async {
        let primary = OwnRedis::start(&[]);
        let redis = OwnRedis::start(&[]);
        let deployment = Deployment::on(redis.url(), new_schema().await);
        would_start(&deployment);
        let process = deployment.serve();
        let port = primary.port().to_string();
        let address = format!("127.0.0.1:{}", redis.port());
        noticed_and_forgotten(
            &process,
            &["Redis", &address, "can't be written"],
            async || drop(redis.cli(&["replicaof", "127.0.0.1", &port])),
            async || drop(redis.cli(&["replicaof", "no", "one"])),
        )
        .await;
        redis.cli(&["replicaof", "127.0.0.1", &port]);
        both_refuse(
            &deployment,
            &[&address, "is a replica of", &port, "redis.urls"],
        );
    });
}

#[test]
fn a64_a_redis_whose_role_may_not_run_a_script_is_found_at_the_start() {
    runtime().block_on(async {
        let redis = OwnRedis::start(&[]);
        let url = format!("redis://serves:secret@127.0.0.1:{}", redis.port());
        let deployment = Deployment::on(url, new_schema().await);
        redis.cli(&[
            "acl", "setuser", "serves", "on", ">secret", "~cs:*", "+@all", "-@admin",
        ]);
        would_start(&deployment);
        for command in ["hset", "hdel", "getex", "zadd"] {
            let without = format!("-{command}");
            redis.cli(&["acl", "setuser", "serves", "+@all", "-@admin", &without]);
            let address = format!("127.0.0.1:{}", redis.port());
            both_refuse(&deployment, &["Redis", &address, "can't run this command"]);
        }
        redis.cli(&["acl", "setuser", "serves", "+@all", "-@admin"]);
        would_start(&deployment);
    });
}

#[test]
fn a64_a_redis_that_is_told_to_evict_while_it_runs_takes_the_replica_out_of_service() {
    runtime().block_on(async {
        let redis = OwnRedis::start(&[]);
        let deployment = Deployment::on(redis.url(), new_schema().await);
        let process = deployment.serve();
        let policy =
            async |value: &str| drop(redis.cli(&["config", "set", "maxmemory-policy", value]));
        noticed_and_forgotten(
            &process,
            &["maxmemory-policy", "allkeys-lru", "noeviction"],
            async || policy("allkeys-lru").await,
            async || policy("noeviction").await,
        )
        .await;
    });
}

#[test]
fn a64_an_sqlite_file_of_another_user_is_found_by_check_and_start() {
    let folder = tempfile::TempDir::new().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let file = data.join("countersign.db");
    drop(open_sqlite(&file));
    std::process::Command::new("chmod")
        .args(["0755", folder.path().to_str().unwrap()])
        .status()
        .unwrap();
    std::process::Command::new("chmod")
        .args(["0777", data.to_str().unwrap()])
        .status()
        .unwrap();
    std::process::Command::new("chmod")
        .args(["0644", file.to_str().unwrap()])
        .status()
        .unwrap();
    let ring = folder.path().join("keys.toml");
    assert!(
        run(&["keys", "new", ring.to_str().unwrap()])
            .status
            .success()
    );
    std::process::Command::new("chmod")
        .args(["0644", ring.to_str().unwrap()])
        .status()
        .unwrap();
    let config = folder.path().join("config.toml");
    let hash = "00".repeat(32);
    std::fs::write(
        &config,
        format!(
            "data_dir = \"{}\"\n[keys]\nfile = \"{}\"\n[[callers]]\nname = \"portal\"\ntoken_sha256 = \"{hash}\"\n\
             audiences = [\"portal\"]\ntenants = [\"*\"]\nrights = [\"KeyService\"]\n",
            data.display(),
            ring.display()
        ),
    )
    .unwrap();
    let config = config.to_str().unwrap();
    for arguments in [
        &["check-config", "--config", config][..],
        &["serve", "--config", config, "--listen", "127.0.0.1:0"],
    ] {
        // Root may write everything: another user runs the program.
        let output = std::process::Command::new("setpriv")
            .args(["--reuid", "65534", "--regid", "65534", "--clear-groups"])
            .arg(binary().get_program())
            .args(arguments)
            .env_clear()
            .output()
            .unwrap();
        let said = text(&output);
        assert!(!output.status.success(), "{arguments:?}: {said}");
        assert!(said.contains("countersign.db"), "{said}");
    }
}

#[test]
fn a64_a_dependency_that_does_not_answer_is_named_with_its_address_and_the_cause() {
    runtime().block_on(async {
        let port = free_port();
        let closed = format!("127.0.0.1:{port}");
        let of_postgres = Deployment::on(
            OwnRedis::start(&[]).url(),
            format!("postgres://postgres:s3cret@{closed}/postgres"),
        );
        both_refuse(&of_postgres, &["PostgreSQL", &closed, "refused"]);
        let of_redis = Deployment::on(format!("redis://:s3cret@{closed}"), new_schema().await);
        both_refuse(&of_redis, &["Redis", &closed, "refused"]);
        for deployment in [of_postgres, of_redis] {
            let output = run(&[
                "check-config",
                "--config",
                deployment.config().to_str().unwrap(),
            ]);
            assert!(!text(&output).contains("s3cret"), "{}", text(&output));
        }
    });
}

#[test]
fn of_several_hosts_the_one_that_takes_writes_is_used() {
    runtime().block_on(async {
        let (redis, postgres, _) = own_stores();
        let read_only = OwnPostgres::start("-c default_transaction_read_only=on");
        let (first, second, closed) = (read_only.port(), postgres.port(), free_port());
        let hosts = format!("127.0.0.1:{closed},127.0.0.1:{first},127.0.0.1:{second}");
        let url = format!("postgres://postgres@{hosts}/postgres");
        let deployment = Deployment::on(redis.url(), url.clone());
        would_start(&deployment);
        let process = deployment.serve();
        until_status(&process, ServingStatus::Serving).await;
        assert!(process.said().contains(&hosts), "{}", process.said());

        let any = Deployment::on(redis.url(), format!("{url}?target_session_attrs=any"));
        both_refuse(&any, &["PostgreSQL"]);
        let unknown = Deployment::on(redis.url(), format!("{url}?foo=bar"));
        both_refuse(&unknown, &["postgres.url", "`foo`", "target_session_attrs"]);
    });
}

#[test]
fn health_lists_every_service_and_watches_an_unknown_one() {
    runtime().block_on(async {
        let process = Process::start(&["dev", "--listen", "127.0.0.1:0"]);
        until_status(&process, ServingStatus::Serving).await;
        let mut health = HealthClient::new(process.channel());
        let listed = health
            .list(HealthListRequest {})
            .await
            .unwrap()
            .into_inner();
        assert!(listed.statuses.len() >= 8, "{listed:?}");
        for (name, status) in &listed.statuses {
            assert_eq!(status.status(), ServingStatus::Serving, "{name}");
        }
        let unknown = HealthCheckRequest {
            service: "nonsense".to_owned(),
        };
        let refused = health.check(unknown.clone()).await.unwrap_err();
        assert_eq!(refused.code(), Code::NotFound);
        let mut watched = health.watch(unknown).await.unwrap().into_inner();
        let first: HealthCheckResponse = watched.message().await.unwrap().unwrap();
        assert_eq!(first.status(), ServingStatus::ServiceUnknown);
        let more = tokio::time::timeout(Duration::from_millis(500), watched.message()).await;
        assert!(more.is_err(), "it stays open: {more:?}");
    });
}

#[test]
fn sighup_drains_as_sigterm_does() {
    runtime().block_on(async {
        let process = Process::start(&["dev", "--listen", "127.0.0.1:0"]);
        until_status(&process, ServingStatus::Serving).await;
        process.signal("HUP");
        let (code, said) = process.wait();
        assert_eq!(code, Some(0), "{said}");
        assert!(
            said.contains("draining") && said.contains("SIGHUP"),
            "{said}"
        );
        assert!(said.contains("drained"), "{said}");
    });
}
