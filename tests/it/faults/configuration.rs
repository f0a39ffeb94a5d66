//! Configuration as platforms hand it over: variables, files of secrets, pipes, and addresses of every form.

use crate::support::processes::{Deployment, Process, TOKEN, binary, run, run_with_input};
use std::{fs, os::unix::net::UnixListener, process::Output};
use tempfile::TempDir;

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().unwrap()
}

fn text(output: &Output) -> String {
    [output.stdout.as_slice(), &output.stderr]
        .map(String::from_utf8_lossy)
        .concat()
}

/// What `check-config` says with these variables, and whether it would start.
fn check(variables: &[(&str, &str)]) -> (bool, String) {
    let mut command = binary();
    command.arg("check-config").envs(variables.iter().copied());
    let output = command.output().unwrap();
    (output.status.success(), text(&output))
}

/// Everything that `serve` needs, in variables alone.
fn variables(deployment: &Deployment) -> Vec<(&'static str, String)> {
    let hash = data_encoding::HEXLOWER.encode(&countersign_transport::callers::hash(TOKEN));
    let caller = format!(
        "[{{name = \"portal\", token_sha256 = \"{hash}\", rights = [\"UserService\"], tenants = [\"*\"]}}]"
    );
    vec![
        ("COUNTERSIGN_POSTGRES__URL", deployment.postgres.clone()),
        ("COUNTERSIGN_REDIS__URLS", deployment.redis.clone()),
        (
            "COUNTERSIGN_KEYS__FILE",
            deployment.path("keys.toml").display().to_string(),
        ),
        ("COUNTERSIGN_CALLERS", caller),
    ]
}

fn check_with(base: &[(&'static str, String)], more: &[(&str, &str)]) -> (bool, String) {
    let base = base.iter().map(|(name, value)| (*name, value.as_str()));
    let kept = base.filter(|(name, _)| more.iter().all(|(other, _)| name != other));
    check(&kept.chain(more.iter().copied()).collect::<Vec<_>>())
}

#[test]
fn variables_alone_configure_serve() {
    runtime().block_on(async {
        let deployment = Deployment::new().await;
        let base = variables(&deployment);
        let (starts, said) = check_with(&base, &[]);
        assert!(starts && said.contains("portal"), "{said}");
        let more = [
            (
                "COUNTERSIGN_POLICY",
                "two_factor = \"REQUIRED\"\nrequired_from = \"2027-01-31T00:00:00Z\"",
            ),
            ("COUNTERSIGN_POLICY__ALLOWED_KINDS", "TOTP, EMAIL"),
            ("COUNTERSIGN_ISSUER", "12345"),
            ("COUNTERSIGN_SERVER__REFLECTION", "TRUE"),
            (
                "COUNTERSIGN_TENANTS",
                "[[tenants]]\nid = \"acme\"\ndisplay_name = \"Acme\"\n",
            ),
            (
                "COUNTERSIGN_NOTIFIERS__SMS__ENDPOINTS",
                "http://127.0.0.1:1, http://127.0.0.1:2,",
            ),
            (
                "COUNTERSIGN_NOTIFIERS__EMAIL",
                "{endpoints = [\"http://127.0.0.1:3\"]}",
            ),
        ];
        let (starts, said) = check_with(&base, &more);
        assert!(starts, "{said}");
        for part in [
            "two_factor, required_from, allowed_kinds",
            "http://127.0.0.1:1/, then http://127.0.0.1:2/",
            "http://127.0.0.1:3/",
            "environment",
        ] {
            assert!(said.contains(part), "{part} in {said}");
        }
    });
}

#[test]
fn an_empty_variable_is_unset_and_an_empty_secret_refuses_to_start() {
    runtime().block_on(async {
        let deployment = Deployment::new().await;
        let base = variables(&deployment);
        let harmless = [
            ("COUNTERSIGN_ISSUER", ""),
            ("COUNTERSIGN_DATA_DIR", " "),
            ("COUNTERSIGN_SERVER__LISTEN", ""),
            ("COUNTERSIGN_SERVER__DEADLINE_SECONDS", ""),
            ("COUNTERSIGN_SERVER__MESH", ""),
            ("COUNTERSIGN_POLICY", ""),
            ("COUNTERSIGN_POLICY__ALLOWED_KINDS", ""),
            ("COUNTERSIGN_TENANTS", ""),
            ("COUNTERSIGN_NOTIFIERS__SMS__ENDPOINTS", "\n"),
            ("PORT", ""),
        ];
        let (starts, said) = check_with(&base, &harmless);
        assert!(starts && said.contains("127.0.0.1:50051"), "{said}");
        for secret in [
            "COUNTERSIGN_POSTGRES__URL",
            "COUNTERSIGN_POSTGRES__URL_FILE",
            "COUNTERSIGN_REDIS__URLS",
            "COUNTERSIGN_REDIS__URLS_FILE",
            "COUNTERSIGN_KEYS__FILE",
            "COUNTERSIGN_CALLERS",
            "COUNTERSIGN_SERVER__TLS__KEY",
            "COUNTERSIGN_NOTIFIERS__SMS__TOKEN_FILE",
            "COUNTERSIGN_IDENTITY__TOKEN_FILE",
        ] {
            for empty in ["", " \n"] {
                let (starts, said) = check_with(&base, &[(secret, empty)]);
                let names = said.contains(secret) && said.contains("empty");
                assert!(!starts && names, "{secret}: {said}");
            }
        }
    });
}

#[test]
fn a_secret_in_an_empty_file_or_in_two_places_refuses_to_start() {
    runtime().block_on(async {
        let deployment = Deployment::new().await;
        let mut base = variables(&deployment);
        base.retain(|(name, _)| !name.ends_with("URL") && !name.ends_with("URLS"));
        let file = |name: &str, text: &str| {
            let path = deployment.path(name);
            fs::write(&path, text).unwrap();
            path.display().to_string()
        };
        let postgres = file("postgres", &format!("{}\n", deployment.postgres));
        let redis = file("redis", &format!(" {}\r\n", deployment.redis));
        let empty = file("empty", "\n");
        let both = [
            ("COUNTERSIGN_POSTGRES__URL_FILE", postgres.as_str()),
            ("COUNTERSIGN_REDIS__URLS_FILE", redis.as_str()),
        ];
        let (starts, said) = check_with(&base, &both);
        assert!(
            starts && said.contains("named by postgres.url_file"),
            "{said}"
        );
        let (starts, said) =
            check_with(&base, &[("COUNTERSIGN_POSTGRES__URL_FILE", empty.as_str())]);
        assert!(
            !starts && said.contains("postgres.url_file: the secret file"),
            "{said}"
        );
        let twice = [
            both[0],
            ("COUNTERSIGN_POSTGRES__URL", "postgres://elsewhere/db"),
        ];
        let (starts, said) = check_with(&base, &twice);
        assert!(
            !starts && said.contains("postgres.url and postgres.url_file are both set"),
            "{said}"
        );
        let token = [
            both[0],
            both[1],
            (
                "COUNTERSIGN_NOTIFIERS__SMS__ENDPOINTS",
                "http://127.0.0.1:1",
            ),
            ("COUNTERSIGN_NOTIFIERS__SMS__TOKEN_FILE", empty.as_str()),
        ];
        let (starts, said) = check_with(&base, &token);
        assert!(!starts && said.contains("exactly one line"), "{said}");
    });
}

#[test]
fn a_table_that_is_not_toml_is_refused_without_showing_it() {
    let (starts, said) = check(&[("COUNTERSIGN_CALLERS", "[{name = hunter2-secret}]")]);
    assert!(!starts && said.contains("COUNTERSIGN_CALLERS"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
    let (starts, said) = check(&[("COUNTERSIGN_POLICI", "two_factor = \"REQUIRED\"")]);
    assert!(!starts && said.contains("nothing reads it"), "{said}");
    let (starts, said) = check(&[("COUNTERSIGN_SERVER__LISTEN", "localhost")]);
    let forms = "server.listen: it has to be ADDRESS:PORT, HOST:PORT, :PORT, PORT or unix:/path";
    assert!(!starts && said.contains(forms), "{said}");
}

/// Waits until a process says that it serves.
fn assert_serving(address: &str) {
    let mut healthy = run(&["healthcheck", address]);
    for _ in 0..100 {
        if healthy.status.success() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
        healthy = run(&["healthcheck", address]);
    }
    panic!("{address}: {}", text(&healthy));
}

/// What `dev` says of where it listens.
fn dev(arguments: &[&str], variables: &[(&str, &str)]) -> Process {
    Process::start_with(&[&["dev"], arguments].concat(), variables)
}

#[test]
fn dev_listens_on_localhost_and_on_the_port_of_the_platform() {
    let named = dev(&["--listen", "localhost:0"], &[]);
    assert!(named.address.starts_with("127.0.0.1:"), "{}", named.address);
    assert_serving(&named.address);
    let port = crate::faults::servers::free_port().to_string();
    let of_platform = dev(&[], &[("PORT", &port)]);
    assert_eq!(of_platform.address, format!("127.0.0.1:{port}"));
    // A field that is set wins.
    let set = dev(
        &[],
        &[("PORT", "1"), ("COUNTERSIGN_SERVER__LISTEN", "127.0.0.1:0")],
    );
    assert_ne!(set.address, "127.0.0.1:1");
    let everywhere = run(&["dev", "--listen", ":0"]);
    assert!(!everywhere.status.success(), "{}", text(&everywhere));
}

#[test]
fn a_port_of_every_address_needs_tls_or_a_mesh() {
    runtime().block_on(async {
        let deployment = Deployment::new().await;
        let base = variables(&deployment);
        for (name, value) in [
            ("PORT", "8080"),
            ("COUNTERSIGN_SERVER__LISTEN", "8080"),
            ("COUNTERSIGN_SERVER__LISTEN", ":8080"),
        ] {
            let (starts, said) = check_with(&base, &[(name, value)]);
            assert!(
                !starts && said.contains("server.listen is off loopback in plaintext"),
                "{said}"
            );
            let mesh = [(name, value), ("COUNTERSIGN_SERVER__MESH", "true")];
            let (starts, said) = check_with(&base, &mesh);
            assert!(starts && said.contains(":8080"), "{said}");
        }
        let (starts, said) = check_with(&base, &[("PORT", "tcp://10.0.0.1:80")]);
        assert!(
            !starts && said.contains("variable PORT: server.listen"),
            "{said}"
        );
    });
}

#[test]
fn a_unix_socket_serves_is_taken_over_from_a_killed_process_and_goes_with_its_own() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("countersign.sock");
    let address = format!("unix:{}", path.display());
    // What a killed process leaves.
    drop(UnixListener::bind(&path).unwrap());
    let process = dev(&["--listen", &address], &[]);
    assert_eq!(process.address, address);
    assert_serving(&address);
    let second = run(&["dev", "--listen", &address]);
    assert!(
        !second.status.success() && text(&second).contains("can't listen on unix:"),
        "{}",
        text(&second)
    );
    // The second one did not take the socket.
    assert_serving(&address);
    process.signal("TERM");
    let (code, said) = process.wait();
    assert_eq!(code, Some(0), "{said}");
    assert!(!path.exists());
    fs::write(&path, "not a socket").unwrap();
    let file = run(&["dev", "--listen", &address]);
    assert!(!file.status.success(), "{}", text(&file));
    assert_eq!(fs::read_to_string(&path).unwrap(), "not a socket");
}

#[test]
fn the_configuration_may_come_through_a_pipe() {
    runtime().block_on(async {
        let output = run_with_input(&["check-config", "--config", "/dev/stdin"], "issuer = \n");
        assert!(text(&output).contains("/dev/stdin: line 1"), "{}", text(&output));
        let deployment = Deployment::new().await;
        let whole = fs::read_to_string(deployment.config()).unwrap();
        let output = run_with_input(&["check-config", "--config", "/dev/stdin"], &whole);
        let said = text(&output);
        assert!(output.status.success() && said.contains("(/dev/stdin)"), "{said}");
        // Read twice: once for the name of the preset.
        let token = deployment.path("token");
        fs::write(&token, "t").unwrap();
        let notifier = "data_dir = \"/tmp\"\n[caller]\ntoken_sha256 = [\"".to_owned()
            + &"0".repeat(64)
            + "\"]\n[gateway]\npreset = \"generic\"\nurl = \"http://127.0.0.1:1/\"\nsender = \"Acme\"\n[gateway.secrets]\ntoken = \""
            + token.to_str().unwrap()
            + "\"\n";
        let output = run_with_input(&["notifier", "sms", "--check", "--config", "/dev/stdin"], &notifier);
        assert!(output.status.success(), "{}", text(&output));
    });
}
