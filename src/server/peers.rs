//! No plaintext off loopback to the stores, unless a mesh is declared: judged by what their drivers make of an address,
//! because parameters of a URL can lead elsewhere than its host.

use crate::config::{Config, Problem};
use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo};
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use std::{net::IpAddr, str::FromStr};

/// What is refused of the stores' addresses.
pub(super) fn problems(config: &Config) -> Vec<Problem> {
    let redis = config.redis.urls.iter();
    let redis = redis.filter_map(|url| redis_problem(url));
    let redis = redis.filter(|problem| is_forbidden(problem, config));
    of_postgres(config).into_iter().chain(redis).collect()
}

/// What is refused of PostgreSQL's address, by whatever connects to it.
pub(super) fn of_postgres(config: &Config) -> Option<Problem> {
    let url = config.postgres.url.as_deref()?;
    postgres_problem(url).filter(|problem| is_forbidden(problem, config))
}

/// A mesh encrypts what is plaintext; it mends nothing else.
fn is_forbidden(problem: &Problem, config: &Config) -> bool {
    !config.server.mesh || !matches!(problem, Problem::PlaintextPeer(_))
}

fn postgres_problem(url: &str) -> Option<Problem> {
    const FIELD: &str = "postgres.url";
    let Ok(options) = PgConnectOptions::from_str(url) else {
        return Some(Problem::NotAUrl(FIELD));
    };
    let proves_its_name = matches!(
        options.get_ssl_mode(),
        PgSslMode::VerifyCa | PgSslMode::VerifyFull
    );
    let host = options.get_host();
    let socket = options.get_socket().is_some() || host.starts_with('/');
    (!proves_its_name && !socket && !is_loopback(host)).then_some(Problem::PlaintextPeer(FIELD))
}

fn redis_problem(url: &str) -> Option<Problem> {
    const FIELD: &str = "redis.urls";
    match url
        .into_connection_info()
        .as_ref()
        .map(ConnectionInfo::addr)
    {
        Err(_) => Some(Problem::NotAUrl(FIELD)),
        Ok(ConnectionAddr::TcpTls { insecure: true, .. }) => Some(Problem::Unverified(FIELD)),
        Ok(ConnectionAddr::TcpTls { .. } | ConnectionAddr::Unix(_)) => None,
        Ok(ConnectionAddr::Tcp(host, _)) if is_loopback(host) => None,
        Ok(_) => Some(Problem::PlaintextPeer(FIELD)),
    }
}

/// One host, and that on this machine.
fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    let address: Result<IpAddr, _> = address.parse();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests;
