//! Sign-ins beside more and more live challenges in Redis, and what one of them weighs.
//!
//! One challenge is issued by the service; the others are copies of its keys under other pseudonyms. They are never opened.

use super::{BenchSetup, VolumeLevel, sign_in};
use crate::{
    BenchResult,
    load::{Bounds, closed_loop},
    report::as_float,
    users::Users,
};
use redis::{Script, aio::MultiplexedConnection};
use std::sync::Arc;

/// The target of these rows.
pub(crate) const CHALLENGES: &str = "challenges in Redis";
/// The fact that tells how much of Redis one takes.
pub(crate) const REDIS_BYTES: &str = "Redis for each live challenge";

/// How many challenges are live.
pub(crate) const CHALLENGE_LEVELS: [VolumeLevel; 4] = [
    VolumeLevel {
        count: 1_000,
        operation: "10^3 live challenges",
    },
    VolumeLevel {
        count: 10_000,
        operation: "10^4 live challenges",
    },
    VolumeLevel {
        count: 100_000,
        operation: "10^5 live challenges",
    },
    VolumeLevel {
        count: 1_000_000,
        operation: "10^6 live challenges",
    },
];

/// Copies live longer than a round takes.
const LIFE_MS: usize = 3_600_000;

/// Copies all keys of a user under the pseudonyms of the numbers from ARGV[2] to ARGV[3].
const COPY: &str = r"
local values = {}
for place, key in ipairs(KEYS) do values[place] = redis.call('DUMP', key) end
for number = tonumber(ARGV[2]), tonumber(ARGV[3]) do
    local pseudonym = 'cs:{' .. string.format('%032x', number) .. '}'
    for place, value in ipairs(values) do
        redis.call('RESTORE', pseudonym .. string.match(KEYS[place], '}(.*)$'), ARGV[1], value)
    end
end";

pub(super) async fn measure(setup: &mut BenchSetup<'_>) -> BenchResult<()> {
    let deployment = setup.production()?.clone();
    let stores = setup.stores;
    let mut redis = stores.redis().await?;
    for round in 0..setup.options.rounds {
        eprintln!("challenges, round {}", round + 1);
        stores.flush_redis().await?;
        let server = setup.start(&deployment).await?;
        let users = Users::through(&deployment.users, server.address, setup.sink)?;
        let users = Arc::new(users);
        let empty = used_memory(&mut redis).await?;
        let keys = keys_of_a_challenge(&mut redis, &users).await?;
        let mut live = 0;
        for VolumeLevel { count, operation } in CHALLENGE_LEVELS {
            if count > setup.options.most_challenges {
                let why = format!("MOST_CHALLENGES is {}", setup.options.most_challenges);
                setup.report.leave_out(operation, why);
                continue;
            }
            copy(&mut redis, &keys, live..count).await?;
            live = count;
            let each = (used_memory(&mut redis).await? - empty) / as_float(count);
            let what = format!("{REDIS_BYTES}, {operation}");
            setup.report.note(&what, "B", each);
            deployment.restore(stores).await?;
            let mut bench = setup.bench(CHALLENGES, round, &server);
            bench.wait_until_idle().await?;
            sign_in(&mut bench, operation, &users).await?;
        }
    }
    deployment.restore(stores).await
}

/// All keys of a user who has one live challenge.
async fn keys_of_a_challenge(
    redis: &mut MultiplexedConnection,
    users: &Arc<Users>,
) -> BenchResult<Vec<String>> {
    let users = Arc::clone(users);
    let issue = move |call| Arc::clone(&users).issue_for_app(call);
    closed_loop(1, Bounds::calls(1), issue).await?;
    let keys: Vec<String> = redis::cmd("KEYS")
        .arg("cs:{*}:*")
        .query_async(redis)
        .await?;
    let challenges = keys.iter().find_map(|key| key.strip_suffix(":c"));
    let pseudonym = challenges.ok_or("no challenge in Redis")?.to_owned();
    let own = keys.into_iter().filter(|key| key.starts_with(&pseudonym));
    Ok(own.collect())
}

async fn copy(
    redis: &mut MultiplexedConnection,
    keys: &[String],
    numbers: std::ops::Range<usize>,
) -> BenchResult<()> {
    const AT_ONCE: usize = 1000;
    let script = Script::new(COPY);
    for first in numbers.clone().step_by(AT_ONCE) {
        let last = (first + AT_ONCE).min(numbers.end) - 1;
        let mut copying = script.prepare_invoke();
        for key in keys {
            copying.key(key);
        }
        copying.arg(LIFE_MS).arg(first).arg(last);
        let () = copying.invoke_async(redis).await?;
    }
    Ok(())
}

async fn used_memory(redis: &mut MultiplexedConnection) -> BenchResult<f64> {
    let info: String = redis::cmd("INFO").arg("memory").query_async(redis).await?;
    let (_, rest) = info.split_once("used_memory:").ok_or("no used_memory")?;
    let bytes = rest.split_whitespace().next().ok_or("no used_memory")?;
    Ok(bytes.parse()?)
}
