//! What `serve` refuses to start with, what it says, and what the other commands do.

use crate::{
    faults::servers::{OwnPostgres, OwnRedis, free_port},
    support::{
        Clients, Person,
        person::{add_method, attested_at},
        processes::{Deployment, Process, TOKEN, binary, last_step, now, run},
        refused,
        service::unique,
        tables::{open_sqlite, postgres_session},
    },
};
use countersign_proto::testing::AdvanceClockRequest;
use countersign_transport::system::{Clock, SystemClock};
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    fs::{self, DirEntry},
    path::{Path, PathBuf},
    process::Output,
    time::Duration,
};
use tonic::Code;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

/// What `serve` says when it does not start.
fn refusal(arguments: &[&str]) -> String {
    let output = binary()
        .args(["serve", "--listen", "127.0.0.1:0"])
        .args(arguments)
        .output()
        .unwrap();
    assert!(!output.status.success(), "it should not have started");
    text(&output)
}

fn text(output: &Output) -> String {
    [output.stdout.as_slice(), &output.stderr]
        .map(String::from_utf8_lossy)
        .concat()
}

#[test]
fn a58_an_empty_configuration_does_not_start_and_says_what_is_missing() {
    let said = refusal(&[]);
    for part in [
        "keys.file",
        "[[callers]]",
        "postgres.url",
        "countersign keys new",
        "countersign callers add",
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }
}

#[test]
fn a58_a_policy_of_the_service_that_contradicts_itself_does_not_start_and_a_weak_one_warns() {
    runtime().block_on(async {
        let mut deployment = Deployment::new().await;
        let mut check = |policy: &str| {
            deployment.extra = format!("[policy]\n{policy}\n");
            let config = deployment.config();
            let checked = run(&["check-config", "--config", config.to_str().unwrap()]);
            (checked.status.success(), text(&checked))
        };
        let refused = [
            (
                "two_factor = \"SOMETIMES\"",
                "policy.two_factor has to be OFF, OPTIONAL or REQUIRED",
            ),
            (
                "code_digits = 5",
                "policy.code_digits must be between 6 and 10",
            ),
            (
                "password_suffices = [\"ADD_METHOD\"]",
                "name DISABLE_TWO_FACTOR too",
            ),
            (
                "attestation_suffices = [\"GENERATE_RECOVERY_CODES\"]",
                "name DISABLE_TWO_FACTOR too",
            ),
        ];
        for (policy, why) in refused {
            let (starts, said) = check(policy);
            assert!(!starts && said.contains(why), "{policy}: {said}");
        }
        let (starts, said) = check("two_factor = \"OFF\"\nchange_notices = false");
        assert!(starts, "{said}");
        for part in [
            "two_factor, change_notices",
            "no second factor is requested",
            "users are not notified",
        ] {
            assert!(said.contains(part), "{part} in {said}");
        }
        let undelivered = "two_factor = \"REQUIRED\"\nallowed_kinds = [\"SMS\"]";
        let (starts, said) = check(undelivered);
        assert!(starts, "{said}");
        assert!(said.contains("nobody can enroll"), "{said}");
        let (_, said) = check("two_factor = \"REQUIRED\"\ngrace_period_days = 14");
        assert!(said.contains("set required_from"), "{said}");
    });
}

#[test]
fn a58_unsafe_configuration_does_not_start() {
    runtime().block_on(async {
        let mut deployment = Deployment::new().await;
        let serve = |deployment: &Deployment, more: &[&str]| {
            let config = deployment.config();
            let arguments = [&["--config", config.to_str().unwrap()], more].concat();
            refusal(&arguments)
        };
        let said = serve(&deployment, &["--listen", "0.0.0.0:0"]);
        assert!(
            said.contains("--listen") || said.contains("plaintext"),
            "{said}"
        );
        "[hashing]\nmemory_kib = 8\n".clone_into(&mut deployment.extra);
        assert!(serve(&deployment, &[]).contains("7168 KiB"));
        "[server]\nunknown = 1\n".clone_into(&mut deployment.extra);
        assert!(serve(&deployment, &[]).contains("unknown"));
        deployment.extra = String::new();
        deployment.redis = "redis://redis.example.com:6379".to_owned();
        assert!(serve(&deployment, &[]).contains("redis.urls is plaintext off loopback"));
        deployment.redis = "not a url".to_owned();
        assert!(serve(&deployment, &[]).contains("redis.urls is not a URL"));
        deployment.postgres = "postgres://localhost/db?host=db.example.com".to_owned();
        let plaintext = "postgres.url is plaintext off loopback";
        assert!(serve(&deployment, &[]).contains(plaintext));
        let config = deployment.config();
        let migrated = run(&["migrate", "--config", config.to_str().unwrap()]);
        assert!(!migrated.status.success() && text(&migrated).contains(plaintext));
    });
}

#[test]
fn plaintext_off_loopback_is_refused_unless_a_mesh_is_declared() {
    runtime().block_on(async {
        let mut deployment = Deployment::new().await;
        let listen = |deployment: &Deployment| {
            let config = deployment.config();
            let check = binary();
            let mut check = check;
            text(
                &check
                    .args([
                        "check-config",
                        "--listen",
                        "0.0.0.0:50051",
                        "--config",
                        config.to_str().unwrap(),
                    ])
                    .output()
                    .unwrap(),
            )
        };
        let said = listen(&deployment);
        assert!(
            said.contains("server.listen is off loopback in plaintext"),
            "{said}"
        );
        "[server]\nmesh = true\n".clone_into(&mut deployment.extra);
        let said = listen(&deployment);
        assert!(
            said.contains("would start") && said.contains("a mesh is declared"),
            "{said}"
        );
    });
}

#[test]
fn a35_a_redis_that_may_evict_is_refused() {
    runtime().block_on(async {
        let redis = OwnRedis::start(&["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"]);
        let mut deployment = Deployment::new().await;
        deployment.redis = redis.url();
        let config = deployment.config();
        let said = refusal(&["--config", config.to_str().unwrap()]);
        assert!(
            said.contains("allkeys-lru") && said.contains("noeviction"),
            "{said}"
        );
        redis.cli(&["config", "set", "maxmemory-policy", "noeviction"]);
        deployment.serve();
    });
}

/// Several addresses of Redis, as one text that goes between the quotes of a list.
fn several(urls: &[String]) -> String {
    urls.join("\", \"")
}

#[test]
fn a_cluster_that_misses_a_node_is_used_and_warned_of() {
    runtime().block_on(async {
        let cluster = crate::support::stores::setting("TEST_COUNTERSIGN_REDIS_CLUSTER");
        let mut urls: Vec<String> = cluster.split(',').map(str::to_owned).collect();
        let dead = |port: u16| format!("redis://127.0.0.1:{port}");
        let port = free_port();
        urls.insert(0, dead(port));
        let mut deployment = Deployment::new().await;
        deployment.redis = several(&urls);
        let config = deployment.config();
        let output = run(&["check-config", "--config", config.to_str().unwrap()]);
        let warning = format!("Redis 127.0.0.1:{port} does not answer");
        let said = text(&output);
        assert!(output.status.success() && said.contains(&warning), "{said}");
        let process = deployment.serve();
        let jane = Person::new(process.portal(), format!("tenant-{}", unique()), "jane").await;
        enroll(&jane).await;
        jane.issue().await;
        assert!(process.said().contains(&warning), "{}", process.said());

        deployment.redis = several(&[dead(port), dead(free_port())]);
        let config = deployment.config();
        let said = refusal(&["--config", config.to_str().unwrap()]);
        assert!(said.contains("Redis is unavailable"), "{said}");
    });
}

#[test]
fn a35_a_node_that_may_evict_is_refused_though_nobody_configured_it() {
    runtime().block_on(async {
        let nodes = ["noeviction", "noeviction", "allkeys-lru"].map(|policy| {
            let bus = free_port().to_string();
            let policy = ["--maxmemory-policy", policy];
            OwnRedis::start(
                &[
                    &["--cluster-enabled", "yes", "--cluster-port", &bus],
                    &policy[..],
                ]
                .concat(),
            )
        });
        OwnRedis::join(&nodes);
        let mut deployment = Deployment::new().await;
        deployment.redis = several(&[nodes[0].url(), nodes[1].url()]);
        let config = deployment.config();
        let said = refusal(&["--config", config.to_str().unwrap()]);
        let evicting = nodes[2].url();
        let evicting = evicting.trim_start_matches("redis://");
        assert!(
            said.contains("allkeys-lru") && said.contains(evicting),
            "{said}"
        );
        nodes[2].cli(&["config", "set", "maxmemory-policy", "noeviction"]);
        deployment.serve();
    });
}

#[test]
fn a_key_ring_of_another_database_is_refused() {
    runtime().block_on(async {
        let deployment = Deployment::new().await;
        let config = deployment.config();
        let config = config.to_str().unwrap();
        let checked = run(&["check-config", "--config", config]);
        assert!(
            checked.status.success(),
            "nobody claimed the database: {checked:?}"
        );
        let owner = crate::support::stores::postgres_at(&deployment.postgres);
        owner.claim_for_key_ring(SystemClock.now()).await.unwrap();
        let checked = run(&["check-config", "--config", config]);
        assert!(!checked.status.success());
        for said in [refusal(&["--config", config]), text(&checked)] {
            assert!(
                said.contains("the key ring is not the one of this database"),
                "{said}"
            );
            assert!(said.contains("`keys.file`"), "{said}");
        }
    });
}

#[test]
fn migrate_says_what_there_is_to_finish() {
    runtime().block_on(async {
        let deployment = Deployment::new().await;
        let config = deployment.config();
        let config = config.to_str().unwrap();
        for arguments in [
            &["migrate", "--config", config][..],
            &["migrate", "--finish", "--config", config],
        ] {
            let migrated = run(arguments);
            assert!(migrated.status.success(), "{migrated:?}");
            let said = text(&migrated);
            assert!(
                said.contains("the tables in PostgreSQL are up to date"),
                "{said}"
            );
            assert!(
                said.contains("written in form 1: there is nothing to finish"),
                "{said}"
            );
        }
        let newer = crate::support::stores::postgres_at(&deployment.postgres).knowing_form(2);
        newer.finish_upgrade().await.unwrap();
        let refused = run(&["migrate", "--finish", "--config", config]);
        assert!(!refused.status.success());
        assert!(
            text(&refused).contains("update this process"),
            "{refused:?}"
        );
    });
}

#[test]
fn a_postgres_that_does_not_flush_is_refused() {
    runtime().block_on(async {
        for (setting, shown) in [
            ("-c fsync=off", "fsync is `off`"),
            ("-c synchronous_commit=off", "synchronous_commit is `off`"),
        ] {
            let postgres = OwnPostgres::start(setting);
            let mut deployment = Deployment::new().await;
            deployment.postgres = postgres.url();
            let config = deployment.config();
            let config = config.to_str().unwrap();
            let said = refusal(&["--config", config]);
            assert!(said.contains("countersign migrate"), "{said}");
            let migrated = run(&["migrate", "--config", config]);
            assert!(migrated.status.success(), "{migrated:?}");
            let said = refusal(&["--config", config]);
            assert!(said.contains(shown), "{said}");
        }
    });
}

#[test]
fn a_postgres_with_asynchronous_standbys_is_refused() {
    runtime().block_on(async {
        let primary = OwnPostgres::start("-c wal_level=replica -c max_wal_senders=4");
        let standby = primary.standby();
        let mut deployment = Deployment::new().await;
        deployment.postgres = primary.url();
        let config = deployment.config();
        let config = config.to_str().unwrap();
        assert!(run(&["migrate", "--config", config]).status.success());
        crate::faults::servers::wait_until("the standby is connected", || {
            text(&run(&["check-config", "--config", config])).contains("standby")
        });
        let said = refusal(&["--config", config]);
        assert!(said.contains("synchronous_standby_names"), "{said}");
        drop(standby);
    });
}

#[test]
fn an_archiver_is_no_standby() {
    runtime().block_on(async {
        let primary = OwnPostgres::start("-c wal_level=replica -c max_wal_senders=4");
        let mut deployment = Deployment::new().await;
        deployment.postgres = primary.url();
        let config = deployment.config();
        let config = config.to_str().unwrap();
        assert!(run(&["migrate", "--config", config]).status.success());
        let archiver = primary.archiver();
        let server = postgres_session(&primary.url()).await;
        let streaming = "SELECT FROM pg_stat_replication WHERE state = 'streaming'";
        while server.query(streaming, &[]).await.unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let checked = run(&["check-config", "--config", config]);
        assert!(checked.status.success(), "{}", text(&checked));
        drop(archiver);
    });
}

#[test]
fn check_config_says_what_would_be_used_and_why_without_secrets() {
    runtime().block_on(async {
        let mut deployment = Deployment::new().await;
        deployment.postgres = deployment
            .postgres
            .replace("postgres@", "postgres:pa55word@");
        let config = deployment.config();
        let mut command = binary();
        command.args(["check-config", "--config", config.to_str().unwrap()]);
        command.env("COUNTERSIGN_SERVER__REFLECTION", "true");
        let output = command.output().unwrap();
        let said = text(&output);
        assert!(output.status.success(), "{said}");
        for part in [
            "PostgreSQL",
            "Redis",
            "portal",
            "would start",
            "(environment)",
            "(default)",
        ] {
            assert!(said.contains(part), "{part} in {said}");
        }
        assert!(!said.contains("pa55word"), "{said}");
    });
}

/// What lies in a folder: names, and digests of contents. SQLite's index of its log is no content: readers note themselves in it.
fn contents(folder: &Path) -> BTreeMap<String, String> {
    let files = fs::read_dir(folder).unwrap();
    let files = files.map(|file| file.unwrap());
    let file = |file: DirEntry| {
        let name = file.file_name().into_string().unwrap();
        let digest = if name.ends_with("-shm") {
            Sha256::digest("")
        } else {
            Sha256::digest(fs::read(file.path()).unwrap())
        };
        (name, data_encoding::HEXLOWER.encode(&digest))
    };
    files.map(file).collect()
}

#[test]
fn check_config_neither_makes_nor_changes_what_serve_would() {
    runtime().block_on(async {
        let deployment = Deployment::new().await;
        let config = deployment.config();
        let whole = fs::read_to_string(&config).unwrap();
        let (_, rest) = whole.split_once("[keys]").unwrap();
        fs::write(&config, format!("[keys]{rest}")).unwrap();
        let (data, config) = (deployment.path("data"), config.to_str().unwrap());
        let arguments = |command| [command, "--config", config, "--data-dir"];
        let check = || {
            let arguments = arguments("check-config");
            let output = run(&[&arguments[..], &[data.to_str().unwrap()]].concat());
            (output.status.success(), text(&output))
        };
        let serve = || {
            let arguments = arguments("serve");
            let listen = [data.to_str().unwrap(), "--listen", "127.0.0.1:0"];
            Process::start(&[&arguments[..], &listen].concat())
        };
        let (fits, said) = check();
        assert!(fits && said.contains("the file would be made"), "{said}");
        assert!(!data.exists(), "it made the folder");
        fs::create_dir(&data).unwrap();
        let (fits, said) = check();
        assert!(fits && said.contains("the file would be made"), "{said}");
        assert!(contents(&data).is_empty(), "it made a file");
        let database = data.join("countersign.db");
        fs::write(&database, "").unwrap();
        let before = contents(&data);
        let (fits, said) = check();
        assert!(
            fits && said.contains("would be brought up to date"),
            "{said}"
        );
        assert_eq!(contents(&data), before);

        let would = |said: &str| said.split("would start").next().unwrap().contains("would");
        let process = serve();
        let (fits, said) = check();
        assert!(fits && !would(&said), "while it is served: {said}");
        process.signal("KILL");
        process.wait();
        let log = data.join("countersign.db-wal");
        assert!(log.exists(), "it died with its log");
        for _ in 0..2 {
            let before = contents(&data);
            let (fits, said) = check();
            assert!(fits && !would(&said), "{said}");
            assert_eq!(contents(&data), before);
            let last = open_sqlite(&database);
            last.execute_batch("SELECT count(*) FROM accounts").unwrap();
            last.close().unwrap();
        }
        assert!(!log.exists(), "whoever leaves last takes the log along");

        let fresh = fs::read(&database).unwrap();
        let not_ours = "no note that this program made them";
        for (file, change, part) in [
            (&fresh[..], "DELETE FROM refinery_schema_history", not_ours),
            (&fresh, "DROP TABLE refinery_schema_history", not_ours),
            (b"", "CREATE TABLE notes (text TEXT)", not_ours),
            (
                &fresh,
                "UPDATE refinery_schema_history SET version = version + 98",
                "99",
            ),
            (
                &fresh,
                "UPDATE refinery_schema_history SET checksum = '0'",
                "another build",
            ),
        ] {
            fs::write(&database, file).unwrap();
            let written = open_sqlite(&database);
            written.execute_batch(change).unwrap();
            written.close().unwrap();
            let before = contents(&data);
            let (fits, said) = check();
            assert!(!fits && said.contains(part), "{change}: {said}");
            assert_eq!(contents(&data), before);
            let said = refusal(&["--config", config, "--data-dir", data.to_str().unwrap()]);
            assert!(said.contains(part), "{change}: {said}");
        }
        fs::write(
            &database,
            "no database, but a text that is long enough to be read as a header of one, \
                              whose first sixteen bytes it does not have",
        )
        .unwrap();
        let (fits, said) = check();
        assert!(!fits && said.contains("not a database"), "{said}");
        fs::remove_dir_all(&data).unwrap();
        fs::write(&data, "a file").unwrap();
        let (fits, said) = check();
        assert!(!fits && said.contains("the data folder"), "{said}");
    });
}

#[test]
fn one_process_at_a_time_serves_from_a_data_folder_and_commands_work_beside_it() {
    runtime().block_on(async {
        let deployment = Deployment::new().await;
        let config = deployment.config();
        let whole = fs::read_to_string(&config).unwrap();
        let (_, rest) = whole.split_once("[keys]").unwrap();
        fs::write(&config, format!("[keys]{rest}")).unwrap();
        let (data, config) = (deployment.path("data"), config.to_str().unwrap());
        let common = ["--config", config, "--data-dir", data.to_str().unwrap()];
        let serve = [&["serve"], &common[..], &["--listen", "127.0.0.1:0"]].concat();

        let first = Process::start(&serve);
        let said = refusal(&common);
        assert!(said.contains("in use by another"), "{said}");
        let dev = [
            "dev",
            "--data-dir",
            data.to_str().unwrap(),
            "--listen",
            "127.0.0.1:0",
        ];
        let dev = run(&dev);
        assert!(!dev.status.success() && text(&dev).contains("in use by another"));
        let listed = run(&[&["notices", "list"], &common[..]].concat());
        assert!(listed.status.success(), "{}", text(&listed));

        first.signal("KILL");
        first.wait();
        let next = Process::start(&serve);
        next.signal("TERM");
        assert_eq!(next.wait().0, Some(0));
    });
}

#[test]
fn serve_answers_health_and_drains_on_sigterm() {
    runtime().block_on(async {
        let deployment = Deployment::new().await;
        let process = deployment.serve();
        let url = process.url();
        crate::faults::servers::wait_until("it is serving", || {
            run(&["healthcheck", &url]).status.success()
        });
        let jane = Person::new(process.portal(), format!("tenant-{}", unique()), "jane").await;
        jane.get().await.unwrap();
        process.signal("TERM");
        let (code, said) = process.wait();
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains("drained"), "{said}");
        let dead = run(&["healthcheck", &url]);
        assert!(
            !dead.status.success() && text(&dead).contains("nothing answers"),
            "{dead:?}"
        );
    });
}

#[test]
fn serve_knows_its_callers_and_shows_no_reflection() {
    runtime().block_on(async {
        let deployment = Deployment::new().await;
        let process = deployment.serve();
        let stranger = Clients::new(process.channel(), "some other token");
        let request = countersign_proto::v1::GetJwksRequest {};
        refused(
            stranger.keys.clone().get_jwks(request).await,
            Code::Unauthenticated,
            "UNKNOWN_CALLER",
        );
        process
            .portal()
            .keys
            .clone()
            .get_jwks(request)
            .await
            .unwrap();
        let inbox = countersign_proto::testing::ListMessagesRequest::default();
        refused(
            process.portal().inbox.clone().list_messages(inbox).await,
            Code::Unimplemented,
            "UNKNOWN_RPC",
        );
        let mut reflection =
            tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient::new(
                process.channel(),
            );
        let asked =
            tokio_stream::iter([tonic_reflection::pb::v1::ServerReflectionRequest::default()]);
        refused(
            reflection.server_reflection_info(asked).await,
            Code::Unimplemented,
            "UNKNOWN_RPC",
        );
    });
}

/// A certificate for `countersign.test` and `localhost`, and its key, as files.
pub(super) fn certificate(deployment: &Deployment) -> (PathBuf, PathBuf) {
    let (cert, key) = (deployment.path("cert.pem"), deployment.path("key.pem"));
    let output = std::process::Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
        ])
        .args([
            "-subj",
            "/CN=countersign.test",
            "-addext",
            "subjectAltName=DNS:countersign.test,DNS:localhost",
        ])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .args([
            "-keyout",
            key.to_str().unwrap(),
            "-out",
            cert.to_str().unwrap(),
        ])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    (cert, key)
}

#[test]
fn serve_speaks_tls() {
    runtime().block_on(async {
        let mut deployment = Deployment::new().await;
        let (cert, key) = certificate(&deployment);
        deployment.extra = format!("[server.tls]\ncert = {cert:?}\nkey = {key:?}\n");
        let process = deployment.serve();
        let url = format!("https://{}", process.address);
        let cert = cert.to_str().unwrap().to_owned();
        crate::faults::servers::wait_until("it is serving over TLS", || {
            run(&[
                "healthcheck",
                &url,
                "--ca",
                &cert,
                "--server-name",
                "countersign.test",
            ])
            .status
            .success()
        });
        let untrusted = run(&["healthcheck", &url, "--server-name", "countersign.test"]);
        assert!(!untrusted.status.success(), "{untrusted:?}");
        let plain = run(&["healthcheck", &process.url()]);
        assert!(!plain.status.success(), "{plain:?}");
    });
}

#[test]
fn a_health_check_that_fails_says_why() {
    runtime().block_on(async {
        let mut deployment = Deployment::new().await;
        let (cert, key) = certificate(&deployment);
        deployment.extra = format!("[server.tls]\ncert = {cert:?}\nkey = {key:?}\n");
        let process = deployment.serve();
        let url = format!("https://{}", process.address);
        let missing = deployment.path("missing.pem");
        let [cert, key, missing] = [&cert, &key, &missing].map(|file| file.to_str().unwrap());
        let refusing = format!("http://127.0.0.1:{}", free_port());
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let silent = format!("http://{}", silent.local_addr().unwrap());
        let answer = "nothing answers at";
        for (arguments, parts) in [
            (vec![&*url, "--ca", missing], ["--ca", missing]),
            (vec![&*url, "--ca", key], ["--ca", key]),
            (vec![&*url], [answer, "UnknownIssuer"]),
            (vec![&*url, "--ca", cert], [answer, "not valid for name"]),
            (vec![&*refusing], [answer, "refused"]),
            (vec![&*silent], [&*silent, "imeout"]),
            (vec!["here and there"], ["here and there", "URL"]),
        ] {
            let output = run(&[&["healthcheck"], &arguments[..]].concat());
            let said = text(&output);
            assert!(!output.status.success(), "{arguments:?}: {said}");
            for part in parts {
                assert!(said.contains(part), "{part} in {said}, by {arguments:?}");
            }
        }
    });
}

#[test]
fn a58_a_filter_that_is_none_is_told_by_the_check_as_by_the_start() {
    runtime().block_on(async {
        let mut deployment = Deployment::new().await;
        deployment.extra = "[log]\nfilter = \"countersign=loud\"\n".to_owned();
        let config = deployment.config();
        for command in ["check-config", "serve"] {
            let output = run(&[command, "--config", config.to_str().unwrap()]);
            let said = text(&output);
            assert!(
                !output.status.success() && said.contains("log.filter is not a filter"),
                "{command}: {said}"
            );
        }
    });
}

#[test]
fn a_certificate_that_cant_be_used_is_told_before_anything_starts() {
    runtime().block_on(async {
        let mut deployment = Deployment::new().await;
        let (cert, key) = certificate(&deployment);
        let (other, broken) = (deployment.path("other.pem"), deployment.path("broken.pem"));
        let canary = "CANARYinTHEkey";
        fs::copy(&key, &other).unwrap();
        certificate(&deployment);
        let pem =
            format!("-----BEGIN PRIVATE KEY-----{canary}\n{canary}\n-----END PRIVATE KEY-----\n");
        fs::write(&broken, pem).unwrap();
        let missing = deployment.path("missing.pem");
        for (cert, key, file, said) in [
            (&missing, &key, &missing, "can't be read"),
            (&cert, &missing, &missing, "can't be read"),
            (&key, &key, &key, "no certificate in PEM"),
            (&cert, &cert, &cert, "no private key in PEM"),
            (&cert, &broken, &broken, "PEM is broken"),
            (&cert, &other, &cert, "can't be used with the key"),
        ] {
            deployment.extra = format!("[server.tls]\ncert = {cert:?}\nkey = {key:?}\n");
            let config = deployment.config();
            for command in ["check-config", "serve"] {
                let output = run(&[command, "--config", config.to_str().unwrap()]);
                let told = text(&output);
                assert!(!output.status.success(), "{told}");
                let named = told.contains(file.to_str().unwrap());
                assert!(named && told.contains(said), "{said}: {told}");
                assert!(!told.contains(canary), "{told}");
            }
        }
    });
}

#[test]
fn dev_needs_nothing_and_stays_on_loopback() {
    runtime().block_on(async {
        let process = Process::start(&["dev", "--listen", "127.0.0.1:0"]);
        let said = process.said();
        for part in [
            "SQLite",
            "development inbox",
            "every right",
            "grpcurl -plaintext",
        ] {
            assert!(said.contains(part), "{part} in {said}");
        }
        let anyone = Clients::new(process.channel(), "any token");
        let jane = Person::new(anyone, format!("tenant-{}", unique()), "jane").await;
        jane.get().await.unwrap();
        let off = run(&["dev", "--listen", "0.0.0.0:0"]);
        assert!(
            !off.status.success() && text(&off).contains("loopback only"),
            "{off:?}"
        );
    });
}

#[test]
fn nobody_waits_in_development_where_the_clock_is_moved_ahead() {
    runtime().block_on(async {
        let process = Process::start(&["dev", "--listen", "127.0.0.1:0"]);
        let anyone = Clients::new(process.channel(), "any token");
        let jane = Person::new(anyone, format!("tenant-{}", unique()), "jane").await;
        let advance = async |seconds: Option<i64>| {
            let duration = seconds.map(|seconds| prost_types::Duration { seconds, nanos: 0 });
            let request = AdvanceClockRequest { duration };
            let moved = jane.clients.inbox.clone().advance_clock(request).await?;
            Ok(moved.into_inner().current_time.unwrap().seconds)
        };
        let start: i64 = advance(None).await.unwrap();
        assert!((now() - 5..=now()).contains(&start), "in step at first");
        let challenge = jane.issue_verify_email().await.unwrap();
        let early = jane.resend(&challenge.challenge_id).await;
        refused(early, Code::ResourceExhausted, "TOO_MANY_SENDS");
        assert!(advance(Some(31)).await.unwrap() >= start + 31);
        jane.resend(&challenge.challenge_id).await.unwrap();
        for too_far in [-1, 11 * 366 * 24 * 3600] {
            let status: tonic::Status = advance(Some(too_far)).await.unwrap_err();
            assert_eq!(status.code(), Code::InvalidArgument);
        }
        assert!(
            advance(None).await.unwrap() < start + 60,
            "where it was left"
        );
    });
}

#[test]
fn dev_with_a_data_folder_keeps_enrollments_and_used_codes_over_a_restart() {
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
        let first = Process::start(&arguments);
        let clients = |process: &Process| Clients::new(process.channel(), "any token");
        let jane = Person::new(clients(&first), "acme".to_owned(), "jane").await;
        let app = enroll(&jane).await;
        let code = app.code_at(now());
        let challenge = jane.issue().await;
        jane.approved(&challenge.challenge_id, &code).await;
        first.signal("KILL");
        first.wait();

        let second = Process::start(&arguments);
        let jane = jane.through(clients(&second));
        assert_eq!(jane.settings().await.methods.len(), 1);
        let challenge = jane.issue().await;
        jane.rejected(&challenge.challenge_id, &code).await;
        jane.approved(&challenge.challenge_id, &app.code_at(now() + 30))
            .await;
    });
}

pub(super) async fn enroll(jane: &Person) -> crate::support::Authenticator {
    use countersign_proto::v1 as pb;
    let authorization = attested_at(now(), add_method(pb::MethodKind::Totp));
    let method = pb::begin_enrollment_request::Method::Totp(pb::EnrollTotp {});
    let begun = jane
        .begin_enrollment(jane.enrollment_request(method, authorization))
        .await
        .unwrap();
    let app = crate::support::Authenticator::from_base32(&begun.totp.unwrap().secret);
    jane.confirm(
        &begun.challenge.unwrap().challenge_id,
        &app.code_at(last_step().await),
    )
    .await;
    app
}

#[test]
fn a43_a_mistake_in_a_file_is_told_by_its_place_without_what_stands_there() {
    runtime().block_on(async {
        const CANARY: &str = "CANARYc2VjcmV0";
        let mut deployment = Deployment::new().await;
        let said = |deployment: &Deployment, variable: Option<(&str, &str)>| {
            let config = deployment.config();
            let mut command = binary();
            command.args(["check-config", "--config", config.to_str().unwrap()]);
            command.envs(variable);
            let output = command.output().unwrap();
            let said = text(&output);
            assert!(!output.status.success() && !said.contains(CANARY), "{said}");
            said
        };
        let told = |said: &str, parts: &[&str]| {
            assert!(parts.iter().all(|part| said.contains(part)), "{said}");
        };
        deployment.extra = format!("issuer = \"countersign\"\ndata_dir = \"{CANARY}\n");
        told(&said(&deployment, None), &["config-", "line 2, column "]);
        deployment.extra = format!("[server]\ndrain_seconds = \"{CANARY}\"\n");
        let place = "line 2, column 17: server.drain_seconds: it has to be u64";
        told(&said(&deployment, None), &["config-", place]);
        deployment.extra = String::new();
        let variable = ("COUNTERSIGN_SERVER__DRAIN_SECONDS", CANARY);
        let place = "environment: server.drain_seconds: it has to be u64";
        told(&said(&deployment, Some(variable)), &[place]);

        let ring = deployment.path("keys.toml");
        let whole = fs::read_to_string(&ring).unwrap();
        let broken = whole.replace("secret = \"", &format!("secret = {CANARY}\""));
        let line = broken.lines().position(|line| line.contains(CANARY));
        let line = format!("line {}, column 10", line.unwrap() + 1);
        fs::write(&ring, broken).unwrap();
        told(&said(&deployment, None), &["keys.toml", &line]);
        fs::write(&ring, format!("{whole}retired_at = \"{CANARY}\"\n")).unwrap();
        let kind = "key.0.retired_at: it has to be i64, and is a text";
        told(&said(&deployment, None), &["keys.toml", kind]);
    });
}

#[test]
fn callers_add_makes_a_caller_that_the_configuration_takes() {
    let added = run(&[
        "callers",
        "add",
        "portal",
        "--rights",
        "ChallengeService,attest",
        "--audiences",
        "portal",
        "--tenants",
        "*",
    ]);
    assert!(added.status.success(), "{added:?}");
    let lines = String::from_utf8(added.stdout).unwrap();
    let token = String::from_utf8(added.stderr)
        .unwrap()
        .lines()
        .find(|line| line.starts_with("cs_"))
        .unwrap()
        .to_owned();
    let hash = data_encoding::HEXLOWER.encode(&countersign_transport::callers::hash(&token));
    assert!(
        lines.contains(&hash) && !lines.contains(&token),
        "only the hash is configured: {lines}"
    );
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("config.toml");
    fs::write(&file, lines).unwrap();
    let overrides = countersign_transport::config::Overrides {
        file: Some(file),
        ..countersign_transport::config::Overrides::default()
    };
    let config = countersign::config::load(&overrides).unwrap().config;
    assert_eq!(
        countersign::config::by_token(&config.callers)
            .unwrap()
            .len(),
        1
    );

    let unknown = run(&[
        "callers",
        "add",
        "portal",
        "--rights",
        "Everything",
        "--tenants",
        "*",
    ]);
    assert!(
        !unknown.status.success() && text(&unknown).contains("ChallengeService"),
        "{unknown:?}"
    );
}

#[test]
fn a_caller_without_an_audience_is_warned_of_because_it_can_sign_nobody_in() {
    runtime().block_on(async {
        let deployment = Deployment::new().await;
        let config = deployment.config();
        let check = || {
            text(&run(&[
                "check-config",
                "--config",
                config.to_str().unwrap(),
            ]))
        };
        let warning = "callers: `portal` has the right ChallengeService and no audiences";
        let said = check();
        assert!(
            said.contains("would start") && !said.contains(warning),
            "{said}"
        );
        let whole = fs::read_to_string(&config).unwrap();
        fs::write(&config, whole.replace("audiences = [\"portal\"]\n", "")).unwrap();
        let said = check();
        assert!(
            said.contains("would start") && said.contains(warning),
            "{said}"
        );

        let more = ["f", "b", "e", "a", "d", "c"].map(|name| {
            let hash = data_encoding::HEXLOWER.encode(&countersign_transport::callers::hash(name));
            format!(
                "[[callers]]\nname = \"{name}\"\ntoken_sha256 = \"{hash}\"\ntenants = [\"*\"]\n\
                 rights = [\"ChallengeService\"]\n"
            )
        });
        let whole = fs::read_to_string(&config).unwrap();
        fs::write(&config, whole + &more.concat()).unwrap();
        let said = check();
        let warned = said.match_indices("callers: `");
        let warned: Vec<_> = warned
            .map(|(at, part)| &said[at + part.len()..][..1])
            .collect();
        assert_eq!(warned, ["a", "b", "c", "d", "e", "f", "p"], "{said}");
    });
    let added = |rights: &str| {
        let added = run(&[
            "callers",
            "add",
            "portal",
            "--rights",
            rights,
            "--tenants",
            "*",
        ]);
        assert!(added.status.success(), "{added:?}");
        String::from_utf8(added.stderr).unwrap()
    };
    assert!(added("ChallengeService").contains("no audiences"));
    assert!(!added("UserService").contains("no audiences"));
}

#[test]
fn keys_new_leaves_a_ring_that_exists_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("keys.toml");
    let path = file.to_str().unwrap();
    assert!(run(&["keys", "new", path]).status.success());
    let before = fs::read_to_string(&file).unwrap();
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert!(!run(&["keys", "new", path]).status.success());
    assert_eq!(fs::read_to_string(&file).unwrap(), before);
    assert!(TOKEN.starts_with("cs_"));
}
