//! `countersign identity file`: the reference verifier as a process of its own, by its contract.

use crate::support::{
    clients::Bearer,
    passwords::{FileVerifier, TOKEN},
    processes::{binary, run, run_with_input},
    reason, until,
};
use countersign_proto::identity::{
    Verdict, VerifyPasswordRequest, password_service_client::PasswordServiceClient,
};
use std::fs;
use tempfile::TempDir;
use tokio::task::JoinSet;
use tonic::{Code, Status};

const JANE: (&str, &str) = ("acme/jane", "of jane");

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

fn request(user_id: &str, password: &str) -> VerifyPasswordRequest {
    VerifyPasswordRequest {
        tenant_id: "acme".to_owned(),
        user_id: user_id.to_owned(),
        password: password.to_owned(),
        idempotency_key: "k-1".to_owned(),
    }
}

async fn ask_with(
    verifier: &FileVerifier,
    token: &str,
    request: VerifyPasswordRequest,
) -> Result<Verdict, Status> {
    let bearer = Bearer(token.to_owned());
    let channel = verifier.process().channel();
    let mut client = PasswordServiceClient::with_interceptor(channel, bearer);
    let answer = client.verify_password(request).await?;
    Ok(answer.into_inner().verdict())
}

async fn ask(verifier: &FileVerifier, user_id: &str, password: &str) -> Verdict {
    let asked = ask_with(verifier, TOKEN, request(user_id, password));
    asked.await.unwrap()
}

#[test]
fn a_verdict_is_the_accounts_own() {
    runtime().block_on(async {
        let verifier = FileVerifier::knowing(&[JANE, ("acme/jim", "of jim")]);
        assert_eq!(ask(&verifier, "jane", "of jane").await, Verdict::Matches);
        for (user, password) in [
            ("jane", "of jim"),
            ("jane", "of jane "),
            ("Jane", "of jane"),
            ("nobody", "of jane"),
        ] {
            let verdict = ask(&verifier, user, password).await;
            assert_eq!(verdict, Verdict::DoesNotMatch, "{user}");
        }
        let elsewhere = VerifyPasswordRequest {
            tenant_id: "elsewhere".to_owned(),
            ..request("jane", "of jane")
        };
        let verdict = ask_with(&verifier, TOKEN, elsewhere).await.unwrap();
        assert_eq!(verdict, Verdict::DoesNotMatch);
    });
}

#[test]
fn a_stranger_learns_nothing_and_health_is_everybodys() {
    runtime().block_on(async {
        let mut verifier = FileVerifier::knowing(&[JANE]);
        for token in ["", "wrong", "csi_a-token-that-only-tests-usE"] {
            let asked = ask_with(&verifier, token, request("jane", "of jane"));
            let status = asked.await.unwrap_err();
            assert_eq!(
                (status.code(), reason(&status).as_str()),
                (Code::Unauthenticated, "UNKNOWN_CALLER")
            );
        }
        let healthy = run(&["healthcheck", &verifier.process().url()]);
        assert!(healthy.status.success(), "{healthy:?}");
        let (exit, said) = verifier.stop();
        assert_eq!(exit, Some(0), "{said}");
        assert!(
            said.contains("drained") && !said.contains("of jane"),
            "{said}"
        );
    });
}

#[test]
fn what_is_malformed_is_refused_by_its_field() {
    runtime().block_on(async {
        let verifier = FileVerifier::knowing(&[JANE]);
        let whole = request("jane", "of jane");
        for (field, malformed) in [
            (
                "tenant_id",
                VerifyPasswordRequest {
                    tenant_id: "a b".to_owned(),
                    ..whole.clone()
                },
            ),
            (
                "user_id",
                VerifyPasswordRequest {
                    user_id: String::new(),
                    ..whole.clone()
                },
            ),
            (
                "password",
                VerifyPasswordRequest {
                    password: String::new(),
                    ..whole.clone()
                },
            ),
            (
                "password",
                VerifyPasswordRequest {
                    password: "x".repeat(1025),
                    ..whole.clone()
                },
            ),
        ] {
            let status = ask_with(&verifier, TOKEN, malformed).await.unwrap_err();
            assert_eq!(status.code(), Code::InvalidArgument);
            assert_eq!(crate::support::field(&status), field);
        }
        let huge = request("jane", &"x".repeat(100_000));
        let status = ask_with(&verifier, TOKEN, huge).await.unwrap_err();
        assert_eq!(status.code(), Code::OutOfRange);
        assert_eq!(ask(&verifier, "jane", "of jane").await, Verdict::Matches);
    });
}

/// A52: more than there are places for are turned away, and the process goes on.
#[test]
fn a52_a_flood_of_passwords_is_turned_away() {
    runtime().block_on(async {
        let verifier = FileVerifier::with(&[JANE], "[hashing]\nat_once = 1\n");
        let channel = verifier.process().channel();
        let mut flood = JoinSet::new();
        for _ in 0..64 {
            let channel = channel.clone();
            flood.spawn(async move {
                let bearer = Bearer(TOKEN.to_owned());
                let mut client = PasswordServiceClient::with_interceptor(channel, bearer);
                client.verify_password(request("jane", "x")).await
            });
        }
        let outcomes = flood.join_all().await;
        let busy = outcomes.iter().filter_map(|outcome| outcome.as_ref().err());
        let busy: Vec<_> = busy.map(|status| (status.code(), reason(status))).collect();
        assert!(!busy.is_empty(), "nobody was turned away");
        let expected = (Code::ResourceExhausted, "BUSY".to_owned());
        assert!(busy.iter().all(|status| *status == expected), "{busy:?}");
        assert_eq!(ask(&verifier, "jane", "of jane").await, Verdict::Matches);
    });
}

#[test]
fn the_file_is_read_again_when_it_changes_and_when_that_is_asked_for() {
    runtime().block_on(async {
        let verifier = FileVerifier::knowing(&[JANE]);
        verifier.write(&[("acme/jane", "another")]);
        let verdict = async || ask(&verifier, "jane", "another").await;
        until(verdict, |verdict| *verdict == Verdict::Matches).await;
        fs::write(verifier.path("users"), "acme/jane:in-the-clear\n").unwrap();
        verifier.process().signal("HUP");
        let said = async || verifier.process().said();
        let said = until(said, |said| said.contains("line 1 is not")).await;
        assert!(!said.contains("in-the-clear"), "{said}");
        assert_eq!(ask(&verifier, "jane", "another").await, Verdict::Matches);
    });
}

/// What `--check` says of a file of passwords and a configuration, and whether it would start.
fn check(users: Option<&str>, config: &str) -> (bool, String) {
    let folder = TempDir::new().unwrap();
    let (file, users_file) = (
        folder.path().join("config.toml"),
        folder.path().join("users"),
    );
    fs::write(&file, config).unwrap();
    let mut arguments = vec![
        "identity",
        "file",
        "--check",
        "--config",
        file.to_str().unwrap(),
    ];
    if let Some(users) = users {
        fs::write(&users_file, users).unwrap();
        arguments.extend(["--users", users_file.to_str().unwrap()]);
    }
    let output = run(&arguments);
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}

const CALLER: &str = "[caller]\ntoken_sha256 = [\"0000000000000000000000000000000000000000000000000000000000000000\"]\n";

#[test]
fn a58_unsafe_configuration_is_refused() {
    let (would_start, said) = check(Some("# nobody\n"), CALLER);
    assert!(would_start && said.contains("0 of them"), "{said}");
    for (users, config, part) in [
        (None, CALLER, "users is not set"),
        (Some(""), "", "identity token"),
        (
            Some(""),
            "[caller]\ntoken_sha256 = [\"zz\"]\n",
            "64 hexadecimal",
        ),
        (
            Some(""),
            &format!("{CALLER}[server]\nlisten = \"0.0.0.0:1\"\n"),
            "off loopback",
        ),
        (
            Some(""),
            &format!("{CALLER}[server]\nreflection = true\n"),
            "reflection",
        ),
        (
            Some(""),
            &format!("{CALLER}[hashing]\nat_once = 0\n"),
            "at_once",
        ),
        (
            Some(""),
            &format!("{CALLER}[hashing]\nother = 0\n"),
            "other",
        ),
        (
            Some(""),
            &format!("{CALLER}[log]\nfilter = \"countersign=loud\"\n"),
            "log.filter is not a filter",
        ),
        (Some("jane\n"), CALLER, "line 1"),
    ] {
        let (would_start, said) = check(users, config);
        assert!(!would_start && said.contains(part), "{part} in {said}");
    }
}

#[test]
fn a_field_outside_sections_may_stand_in_the_environment() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("users"), "# nobody\n").unwrap();
    fs::write(path("config.toml"), CALLER).unwrap();
    let check = |variables: &[(&str, &str)]| {
        let mut command = binary();
        command.args(["identity", "file", "--check", "--config"]);
        command.arg(path("config.toml"));
        let output = command.envs(variables.iter().copied()).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(said).unwrap())
    };
    let users = path("users");
    let users = ("COUNTERSIGN_USERS", users.to_str().unwrap());
    let (would_start, said) = check(&[users]);
    assert!(
        would_start && said.contains("0 of them") && said.contains("(environment)"),
        "{said}"
    );
    // Kubernetes sets such variables.
    let others = [
        ("COUNTERSIGN_SERVICE_HOST", "10.0.0.1"),
        ("COUNTERSIGN_SERVICE_PORT_GRPC", "50051"),
        ("COUNTERSIGN_PORT", "tcp://10.0.0.1:50051"),
        ("COUNTERSIGN_PORT_50051_TCP_ADDR", "10.0.0.1"),
        ("COUNTERSIGN_USERS_SERVICE_HOST", "10.0.0.1"),
        ("COUNTERSIGN_USERS_PORT_50051_TCP", "tcp://10.0.0.1:50051"),
    ];
    let (would_start, said) = check(&[&[users], &others[..]].concat());
    assert!(would_start, "{said}");
    let (would_start, said) = check(&others);
    assert!(!would_start && said.contains("users is not set"), "{said}");
    // What nothing reads is refused, and a section that is not TOML.
    for unknown in [
        "COUNTERSIGN_SERVER",
        "COUNTERSIGN_CALLERS",
        "COUNTERSIGN_USER",
    ] {
        let (would_start, said) = check(&[users, (unknown, "10.0.0.1")]);
        assert!(!would_start && said.contains(unknown), "{said}");
        assert!(!said.contains("10.0.0.1"), "{said}");
    }
}

#[test]
fn a_line_is_made_from_what_is_typed() {
    let hashed = run_with_input(&["identity", "hash"], "of jane\nand more\n");
    let line = String::from_utf8(hashed.stdout).unwrap();
    assert!(
        line.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
        "{line}"
    );
    assert_eq!(line.lines().count(), 1);
    let again = run_with_input(&["identity", "hash"], "of jane");
    assert_ne!(line.as_bytes(), again.stdout, "a salt of its own");
    for (arguments, input) in [
        (&["identity", "hash"][..], ""),
        (&["identity", "hash", "jane"], "x"),
        (&["identity", "hash", "a b/jane"], "x"),
    ] {
        let refused = run_with_input(arguments, input);
        assert!(!refused.status.success(), "{arguments:?}");
    }
    let long = run_with_input(&["identity", "hash"], &"x".repeat(1025));
    assert!(!long.status.success(), "{long:?}");
}

#[test]
fn a_token_is_made_once_and_lets_its_holder_in() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("token");
    let output = run(&["identity", "token", file.to_str().unwrap()]);
    assert!(output.status.success(), "{output:?}");
    let token = fs::read_to_string(&file).unwrap();
    assert!(token.starts_with("csi_") && !String::from_utf8_lossy(&output.stderr).contains(&token));
    let (would_start, said) = check(Some(""), &String::from_utf8(output.stdout).unwrap());
    assert!(would_start, "{said}");
    let again = run(&["identity", "token", file.to_str().unwrap()]);
    assert!(!again.status.success(), "one that exists is left alone");
}
