//! No plaintext off loopback to the stores, unless a mesh is declared: judged by what their drivers make of an address,
//! because parameters of a URL can lead elsewhere than its host.

use crate::{
    config::{Config, InvalidConfig},
    store::postgres::ServerAddress,
};
use redis::{ConnectionAddr, IntoConnectionInfo};
use std::net::IpAddr;

const REDIS: &str = "redis.urls";

/// What is refused of the stores' addresses.
pub(super) fn problems(config: &Config) -> Vec<InvalidConfig> {
    let redis = redis_problems(&config.redis.urls);
    let redis = redis.filter(|problem| is_forbidden(problem, config));
    of_postgres(config).into_iter().chain(redis).collect()
}

/// What is refused of nodes that a cluster told of.
pub(super) fn of_nodes(discovered: &[ConnectionAddr], config: &Config) -> Vec<InvalidConfig> {
    let plaintext = discovered.iter().filter(|addr| is_plaintext(addr));
    let problems = plaintext.map(|addr| InvalidConfig::PlaintextNode(addr.to_string()));
    problems
        .filter(|problem| is_forbidden(problem, config))
        .collect()
}

/// What is refused of PostgreSQL's address, by whatever connects to it.
pub(super) fn of_postgres(config: &Config) -> Option<InvalidConfig> {
    let url = config.postgres.url.as_deref()?;
    postgres_problem(url).filter(|problem| is_forbidden(problem, config))
}

/// A mesh encrypts what is plaintext; nothing else is excused.
fn is_forbidden(problem: &InvalidConfig, config: &Config) -> bool {
    let plaintext = matches!(
        problem,
        InvalidConfig::PlaintextPeer(_) | InvalidConfig::PlaintextNode(_)
    );
    !config.server.mesh || !plaintext
}

fn postgres_problem(url: &str) -> Option<InvalidConfig> {
    const FIELD: &str = "postgres.url";
    let address = match ServerAddress::parse(url) {
        Ok(address) => address,
        Err(cause) => return Some(InvalidConfig::PostgresUrl(cause.to_string())),
    };
    (!address.verifies_server() && !address.is_local(is_loopback))
        .then_some(InvalidConfig::PlaintextPeer(FIELD))
}

fn redis_problems(urls: &[String]) -> impl Iterator<Item = InvalidConfig> {
    let with_tls = |url: &&String| matches!(address(url), Some(ConnectionAddr::TcpTls { .. }));
    let encrypted = urls.iter().filter(with_tls).count();
    let mixed = encrypted > 0 && encrypted < urls.len();
    let mixed = mixed.then_some(InvalidConfig::Mixed(REDIS));
    urls.iter()
        .filter_map(|url| redis_problem(url))
        .chain(mixed)
}

fn redis_problem(url: &str) -> Option<InvalidConfig> {
    match address(url) {
        None => Some(InvalidConfig::NotAUrl(REDIS)),
        Some(ConnectionAddr::TcpTls { insecure: true, .. }) => {
            Some(InvalidConfig::Unverified(REDIS))
        }
        Some(addr) => is_plaintext(&addr).then_some(InvalidConfig::PlaintextPeer(REDIS)),
    }
}

fn address(url: &str) -> Option<ConnectionAddr> {
    let info = url.into_connection_info().ok()?;
    Some(info.addr().clone())
}

fn is_plaintext(addr: &ConnectionAddr) -> bool {
    match addr {
        ConnectionAddr::TcpTls { .. } | ConnectionAddr::Unix(_) => false,
        ConnectionAddr::Tcp(host, _) => !is_loopback(host),
        _ => true,
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
