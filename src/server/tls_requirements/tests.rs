use super::{of_nodes, postgres_problem, problems, redis_problem};
use crate::config::{Config, InvalidConfig};
use redis::ConnectionAddr;

#[test]
fn an_address_of_postgres_is_judged_by_where_it_leads() {
    for safe in [
        "postgres://localhost/db",
        "postgres://user:secret@127.0.0.1:5432/db?sslmode=disable",
        "postgres://[::1]/db",
        "postgres:///db?host=/var/run/postgresql",
        "postgres://localhost/db?host=/var/run/postgresql&hostaddr=192.0.2.1",
        "postgres://%2Fvar%2Frun%2Fpostgresql/db",
        "postgresql://db.example.com/db?sslmode=verify-full",
        "postgres://db.example.com/db?sslmode=verify-ca&sslrootcert=/ca.pem",
        "postgres://db.example.com/db?host=localhost",
    ] {
        assert_eq!(postgres_problem(safe), None, "{safe}");
    }
    for plaintext in [
        "postgres://db.example.com/db",
        "postgres://db.example.com/db?sslmode=require",
        "postgres://db.example.com/db?sslmode=verify-full&sslmode=disable",
        "postgres://localhost/db?host=db.example.com",
        "postgres://localhost/db?hostaddr=192.0.2.1",
        "postgres://localhost/db?host=localhost,db.example.com",
        "postgres://localhost,db.example.com/db",
        "postgres://localhost@db.example.com/db",
        "postgres://localhost.example.com/db",
        "postgres://0.0.0.0/db",
    ] {
        let problem = postgres_problem(plaintext);
        assert_eq!(
            problem,
            Some(InvalidConfig::PlaintextPeer("postgres.url")),
            "{plaintext}"
        );
    }
    for no_url in [
        "db.example.com",
        "postgres://localhost/db?sslmode=sometimes",
        "postgres://localhost/db?foo=bar",
        "",
    ] {
        let problem = postgres_problem(no_url);
        assert!(
            matches!(problem, Some(InvalidConfig::PostgresUrl(_))),
            "{no_url}"
        );
    }
}

#[test]
fn an_address_of_redis_is_judged_by_where_it_leads() {
    for safe in [
        "redis://localhost:6379",
        "redis://127.0.0.1",
        "redis://[::1]:6379/0",
        "rediss://redis.example.com:6379",
        "valkeys://redis.example.com:6379",
        "unix:///run/redis.sock",
    ] {
        assert_eq!(redis_problem(safe), None, "{safe}");
    }
    for plaintext in [
        "redis://redis.example.com",
        "valkey://redis.example.com",
        "redis://localhost@redis.example.com",
        "redis://localhost:6379@redis.example.com:6379",
        "redis://127.0.0.1.example.com",
    ] {
        let problem = redis_problem(plaintext);
        assert_eq!(
            problem,
            Some(InvalidConfig::PlaintextPeer("redis.urls")),
            "{plaintext}"
        );
    }
    let unverified = redis_problem("rediss://redis.example.com/#insecure");
    assert_eq!(unverified, Some(InvalidConfig::Unverified("redis.urls")));
    for no_url in [
        "redis.example.com",
        "https://redis.example.com",
        "redis://0.0.0.0",
        "",
    ] {
        let problem = redis_problem(no_url);
        assert_eq!(
            problem,
            Some(InvalidConfig::NotAUrl("redis.urls")),
            "{no_url}"
        );
    }
}

#[test]
fn a_cluster_leads_to_no_plaintext_off_loopback() {
    let node = |host: &str| ConnectionAddr::Tcp(host.to_owned(), 6379);
    let discovered = [node("127.0.0.1"), node("192.0.2.1")];
    let mut config = Config::default();
    let plaintext = InvalidConfig::PlaintextNode("192.0.2.1:6379".to_owned());
    assert_eq!(of_nodes(&discovered, &config), [plaintext]);
    config.server.mesh = true;
    assert_eq!(of_nodes(&discovered, &config), []);
}

#[test]
fn a_mesh_lets_plaintext_pass_and_nothing_else() {
    let mut config = Config::default();
    config.server.mesh = true;
    config.postgres.url = Some("postgres://db.example.com/db".to_owned());
    config.redis.urls = vec![
        "redis://redis.example.com".to_owned(),
        "rediss://redis.example.com/#insecure".to_owned(),
        "nonsense".to_owned(),
    ];
    let left = [
        InvalidConfig::Unverified("redis.urls"),
        InvalidConfig::NotAUrl("redis.urls"),
        InvalidConfig::Mixed("redis.urls"),
    ];
    assert_eq!(problems(&config), left);
}
