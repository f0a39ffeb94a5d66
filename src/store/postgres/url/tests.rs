use super::{ServerAddress, TlsMode};

#[test]
fn a_url_names_a_server() {
    let url = "postgres://me:p%40ss@db.example.com:6543/two%20factor?sslmode=verify-full&sslrootcert=/ca.pem";
    let address = ServerAddress::parse(url).unwrap();
    assert_eq!(address.host.as_deref(), Some("db.example.com"));
    assert_eq!(address.port, Some(6543));
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
    assert_eq!(address.host.as_deref(), Some("db.example.com"));
    assert_eq!(address.port, Some(1));
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
        assert_eq!(address.socket, Some("/run/pg".into()), "{url}");
    }
}
