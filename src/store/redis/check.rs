//! Whether the servers keep what they are told: asked before anything starts.

use crate::{
    ports::{StoreResult, StoreUnavailable},
    store::redis::link::{fails, unavailable},
};
use futures_util::future::join_all;
use redis::{
    Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, RedisResult, Value,
    from_redis_value,
};
use std::time::Duration;
use tokio::time::timeout;

const MAXMEMORY_POLICY: &str = "maxmemory_policy";
const NO_EVICTION: &str = "noeviction";

/// A Redis that may lose what it was told.
#[derive(Debug, thiserror::Error)]
pub enum UnsafeRedis {
    /// It may evict keys.
    #[error(
        "Redis may evict open challenges and budgets: the maxmemory-policy of {0} is `{1}`; set it to `noeviction`"
    )]
    Evicts(String, String),
    /// It is a replica: what is written there is refused, or lost.
    #[error("Redis {node} is a replica of {primary}: name the primary in redis.urls")]
    Replica {
        /// The address that was asked.
        node: String,
        /// The address of its primary.
        primary: String,
    },
    /// It can't be asked.
    #[error(transparent)]
    Unavailable(#[from] StoreUnavailable),
}

/// What was found beside what is refused.
#[derive(Debug, Default)]
pub struct RedisCheck {
    /// What an operator should know, a sentence each.
    pub warnings: Vec<String>,
    /// Nodes that nobody configured: the cluster told of them, and calls will go there.
    pub discovered: Vec<ConnectionAddr>,
}

/// What one server says of itself.
struct ReportedSettings {
    policy: Option<String>,
    /// The address of its primary, where it is the replica of one outside a cluster.
    primary: Option<String>,
    /// All nodes of its cluster.
    nodes: Vec<ConnectionInfo>,
}

/// Asks the server, or every node of the cluster that the addresses belong to. One node that answers is enough, because
/// a healthy cluster bears the loss of others.
///
/// # Errors
/// [`UnsafeRedis::Evicts`] if any that answers may evict; [`UnsafeRedis::Unavailable`] if none answers.
pub async fn check(
    urls: &[String],
    is_cluster: bool,
    reply_timeout: Duration,
) -> Result<RedisCheck, UnsafeRedis> {
    let configured: RedisResult<Vec<ConnectionInfo>> = urls
        .iter()
        .map(|url| url.as_str().into_connection_info())
        .collect();
    let configured = configured.map_err(fails)?;
    let mut answers = ask_all(&configured, is_cluster, reply_timeout).await;
    if !answers.iter().any(|(_, answer)| answer.is_ok()) {
        let causes = answers.into_iter().filter_map(|(node, answer)| {
            let cause = answer.err()?.cause;
            Some(format!("{node}: {cause}"))
        });
        let causes: Vec<String> = causes.collect();
        return Err(unavailable(causes.join("; ")).into());
    }
    let settings = answers
        .iter()
        .filter_map(|(_, answer)| answer.as_ref().ok());
    let mut others: Vec<ConnectionInfo> = Vec::new();
    for node in settings.flat_map(|settings| &settings.nodes) {
        let known = |other: &ConnectionInfo| other.addr() == node.addr();
        if !configured.iter().any(known) && !others.iter().any(known) {
            others.push(node.clone());
        }
    }
    answers.extend(ask_all(&others, false, reply_timeout).await);
    Ok(RedisCheck {
        warnings: judge(&answers)?,
        discovered: others.iter().map(|node| node.addr().clone()).collect(),
    })
}

/// What to warn of.
fn judge(answers: &[(String, StoreResult<ReportedSettings>)]) -> Result<Vec<String>, UnsafeRedis> {
    let mut warnings = Vec::new();
    for (node, answer) in answers {
        if let Ok(ReportedSettings {
            primary: Some(primary),
            ..
        }) = answer
        {
            return Err(UnsafeRedis::Replica {
                node: node.clone(),
                primary: primary.clone(),
            });
        }
        match answer.as_ref().map(|settings| settings.policy.as_deref()) {
            Ok(Some(NO_EVICTION)) => {}
            Ok(Some(policy)) => return Err(UnsafeRedis::Evicts(node.clone(), policy.to_owned())),
            Ok(None) => warnings.push(format!(
                "Redis {node} does not tell its maxmemory-policy: make sure that it is noeviction"
            )),
            Err(_) => warnings.push(format!("Redis {node} does not answer")),
        }
    }
    Ok(warnings)
}

async fn ask_all(
    nodes: &[ConnectionInfo],
    is_cluster: bool,
    reply_timeout: Duration,
) -> Vec<(String, StoreResult<ReportedSettings>)> {
    let asked = nodes.iter().map(|node| async move {
        let answer = match timeout(reply_timeout, ask(node, is_cluster)).await {
            Ok(answer) => answer.map_err(fails),
            Err(elapsed) => Err(unavailable(elapsed)),
        };
        (node.addr().to_string(), answer)
    });
    join_all(asked).await
}

async fn ask(node: &ConnectionInfo, is_cluster: bool) -> RedisResult<ReportedSettings> {
    let client = Client::open(node.clone())?;
    let mut connection = client.get_multiplexed_async_connection().await?;
    let mut info = async |section: &str| -> RedisResult<String> {
        let mut info = redis::cmd("INFO");
        info.arg(section).query_async(&mut connection).await
    };
    let policy = value_of(&info("memory").await?, MAXMEMORY_POLICY).map(str::to_owned);
    let primary = if is_cluster {
        // Replicas of a cluster are reached through it, and written by their primaries.
        None
    } else {
        primary_of(&info("replication").await?)
    };
    let mut nodes = Vec::new();
    if is_cluster {
        let slots: Vec<Vec<Value>> = redis::cmd("CLUSTER")
            .arg("SLOTS")
            .query_async(&mut connection)
            .await?;
        // First and last slot, then the nodes that serve them.
        let rows = slots.into_iter().flat_map(|row| row.into_iter().skip(2));
        nodes.extend(rows.filter_map(|row| named(row, node)));
    }
    Ok(ReportedSettings {
        policy,
        primary,
        nodes,
    })
}

/// Why a running server, or any node of a cluster, may evict, by its answer to `INFO memory`.
pub(super) fn evicting(reply: &Value, addresses: &str) -> Option<UnsafeRedis> {
    let policy = match reply {
        Value::Map(nodes) => {
            return nodes
                .iter()
                .find_map(|(_, answer)| evicting(answer, addresses));
        }
        Value::Array(answers) => {
            return answers
                .iter()
                .find_map(|answer| evicting(answer, addresses));
        }
        Value::BulkString(info) => String::from_utf8_lossy(info).into_owned(),
        Value::VerbatimString { text, .. } | Value::SimpleString(text) => text.clone(),
        _ => return None,
    };
    let policy = value_of(&policy, MAXMEMORY_POLICY).filter(|policy| *policy != NO_EVICTION)?;
    Some(UnsafeRedis::Evicts(addresses.to_owned(), policy.to_owned()))
}

fn primary_of(replication: &str) -> Option<String> {
    value_of(replication, "role").filter(|role| *role == "slave")?;
    let part = |name| value_of(replication, name).unwrap_or("?");
    Some(format!("{}:{}", part("master_host"), part("master_port")))
}

/// A line of `INFO`.
fn value_of<'i>(info: &'i str, name: &str) -> Option<&'i str> {
    let mut lines = info.lines().filter_map(|line| line.split_once(':'));
    lines
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value.trim())
}

/// A node as the cluster names it, to be reached as the one that told of it.
fn named(row: Value, by: &ConnectionInfo) -> Option<ConnectionInfo> {
    let row: Vec<Value> = from_redis_value(row).ok()?;
    let mut row = row.into_iter();
    let host: Option<String> = from_redis_value(row.next()?).ok()?;
    let port: u16 = from_redis_value(row.next()?).ok()?;
    // Without a name it means itself; `?` is a node that it does not know either.
    let host = host.filter(|host| !host.is_empty());
    if host.as_deref() == Some("?") {
        return None;
    }
    let addr = match by.addr().clone() {
        ConnectionAddr::Tcp(own, _) => ConnectionAddr::Tcp(host.unwrap_or(own), port),
        ConnectionAddr::TcpTls {
            host: own,
            insecure,
            tls_params,
            ..
        } => ConnectionAddr::TcpTls {
            host: host.unwrap_or(own),
            port,
            insecure,
            tls_params,
        },
        _ => return None,
    };
    Some(by.clone().set_addr(addr))
}
