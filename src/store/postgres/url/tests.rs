use super::{PostgresUrlError, ServerAddress, ServerEndpoint, ServerHost, TargetSession, TlsMode};

fn endpoints(url: &str) -> Vec<String> {
    let address = ServerAddress::parse(url).unwrap();
    let endpoints = address.endpoints();
    endpoints.iter().map(ServerEndpoint::to_string).collect()
}

#[test]
fn a_url_names_a_server() {
    let url = "postgres://me:p%40ss@db.example.com:6543/two%20factor?sslmode=verify-full&sslrootcert=/ca.pem";
    let address = ServerAddress::parse(url).unwrap();
    assert_eq!(
        address.hosts,
        [ServerHost::Tcp("db.example.com".to_owned())]
    );
    assert_eq!(address.ports, [6543]);
    assert_eq!(address.user.as_deref(), Some("me"));
    assert_eq!(address.password.as_deref(), Some("p@ss"));
    assert_eq!(address.database.as_deref(), Some("two factor"));
    assert_eq!(address.tls, TlsMode::VerifyFull);
    assert_eq!(address.root_certificates, Some("/ca.pem".into()));
    assert!(address.verifies_server());
}

#[test]
fn parameters_take_precedence_over_what_stands_before_them() {
    let url = "postgres://localhost/a?host=db.example.com&port=1&dbname=b&user=c&password=d";
    let address = ServerAddress::parse(url).unwrap();
    assert_eq!(endpoints(url), ["db.example.com:1"]);
    assert_eq!(address.database.as_deref(), Some("b"));
    assert_eq!(address.user.as_deref(), Some("c"));
    assert_eq!(address.password.as_deref(), Some("d"));
}

#[test]
fn settings_of_the_session_are_kept() {
    let url = "postgres://localhost/db?options=-c%20search_path%3Dtest&options[geqo]=off";
    let address = ServerAddress::parse(url).unwrap();
    assert_eq!(address.options, "-c search_path=test -c geqo=off");
}

#[test]
fn a_folder_is_a_socket() {
    for url in ["postgres:///db?host=/run/pg", "postgres://%2Frun%2Fpg/db"] {
        let address = ServerAddress::parse(url).unwrap();
        assert_eq!(
            address.hosts,
            [ServerHost::Socket("/run/pg".into())],
            "{url}"
        );
        assert!(address.is_socket());
    }
}

#[test]
fn several_hosts_are_tried_in_order_each_at_its_port() {
    for (url, expected) in [
        ("postgres://a,b/db", vec!["a:5432", "b:5432"]),
        ("postgres://a:1,b:2/db", vec!["a:1", "b:2"]),
        ("postgres://a:1,b/db", vec!["a:1", "b:5432"]),
        (
            "postgres://me:p@[::1]:1,[2001:db8::1]/db",
            vec!["[::1]:1", "[2001:db8::1]:5432"],
        ),
        ("postgres:///db?host=a,b&port=1,2", vec!["a:1", "b:2"]),
        ("postgres:///db?host=a,b&port=7", vec!["a:7", "b:7"]),
        (
            "postgres:///db?hostaddr=192.0.2.1,2001:db8::1",
            vec!["192.0.2.1:5432", "[2001:db8::1]:5432"],
        ),
        ("postgres:///db", vec!["localhost:5432"]),
        ("postgres://:6543/db", vec!["localhost:6543"]),
        ("postgres://a", vec!["a:5432"]),
        ("postgres://a?sslmode=disable", vec!["a:5432"]),
    ] {
        assert_eq!(endpoints(url), expected, "{url}");
    }
}

#[test]
fn a_session_may_be_asked_for_that_can_write() {
    let target = |url: &str| ServerAddress::parse(url).map(|address| address.target_session);
    assert_eq!(target("postgres://a,b/db"), Ok(None));
    for (name, expected) in [
        ("any", TargetSession::Any),
        ("read-write", TargetSession::ReadWrite),
        ("primary", TargetSession::ReadWrite),
    ] {
        let url = format!("postgres://a,b/db?target_session_attrs={name}");
        assert_eq!(target(&url), Ok(Some(expected)), "{name}");
    }
    for name in ["standby", "read-only", "prefer-standby", ""] {
        let url = format!("postgres://a,b/db?target_session_attrs={name}");
        assert!(
            matches!(target(&url), Err(PostgresUrlError::Value { .. })),
            "{name}"
        );
    }
}

#[test]
fn what_has_no_effect_is_refused() {
    let refused = |url: &str| ServerAddress::parse(url).err();
    let unknown = refused("postgres://a/db?foo=secret").unwrap().to_string();
    assert!(
        unknown.contains("`foo`") && unknown.contains("sslmode"),
        "{unknown}"
    );
    assert!(!unknown.contains("secret"), "{unknown}");
    assert_eq!(
        refused("postgres://a,b,c/db?port=1,2"),
        Some(PostgresUrlError::Ports { hosts: 3, ports: 2 })
    );
    for port in ["0", "65536", "x", "-1"] {
        let url = format!("postgres://a:{port}/db");
        assert_eq!(refused(&url), Some(PostgresUrlError::Port), "{port}");
    }
    for form in ["db.example.com", "mysql://a/db", ""] {
        assert_eq!(refused(form), Some(PostgresUrlError::Form), "{form}");
    }
}
