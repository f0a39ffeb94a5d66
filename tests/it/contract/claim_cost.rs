//! What a claim costs PostgreSQL: the blocks that it reads, by its own statements and the settings of its sessions. They
//! depend on how many notices are claimed, not on how many wait. SQLite's cost is measured beside its statements.

use crate::support::stores::new_schema;
use tokio_postgres::Client;

const LOCK: &str = include_str!("../../../src/store/postgres/lock_due_queues.sql");
const CLAIM: &str = include_str!("../../../src/store/postgres/claim_notices.sql");

const NOW: i64 = 1_780_000_000_000;
const AT_MOST: usize = 64;
const FEW: u32 = 1_000;
const MANY: u32 = 100_000;

/// As `connection.rs` sets them.
const SETTINGS: &str =
    "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_hashjoin = off;
    SET enable_mergejoin = off; SET enable_bitmapscan = off; SET jit = off;";

/// Each user has one notice that is due.
const MANY_USERS: &str = "
    INSERT INTO outbox (notice_id, subject, turn, channel, sealed, queued_at)
    SELECT int4send(n), int4send(n), 1, 'SMS', 'x', $now FROM generate_series(1, $count) n;
    INSERT INTO outbox_queues (subject, channel, due_at, position)
    SELECT int4send(n), 'SMS', $now - n, n FROM generate_series(1, $count) n;";

/// All notices are one user's, and the oldest one is due.
const ONE_USER: &str = "
    INSERT INTO outbox (notice_id, subject, turn, channel, sealed, queued_at)
    SELECT int4send(n), 'jane', n, 'SMS', 'x', $now FROM generate_series(1, $count) n;
    INSERT INTO outbox_queues (subject, channel, due_at, position) VALUES ('jane', 'SMS', $now, 1);";

/// All notices are one user's, the oldest one is tried again later; another user's is due.
const ONE_USER_WAITS: &str = "
    INSERT INTO outbox (notice_id, subject, turn, channel, sealed, queued_at)
    SELECT int4send(n), CASE n WHEN 1 THEN 'john' ELSE 'jane' END::bytea, n, 'SMS', 'x', $now
    FROM generate_series(1, $count) n;
    INSERT INTO outbox_queues (subject, channel, due_at, position) VALUES ('jane', 'SMS', $now + 1, 1), ('john', 'SMS', $now, 2);";

/// Every user's notice is tried again later.
const ALL_LATER: &str = "
    INSERT INTO outbox (notice_id, subject, turn, channel, sealed, queued_at)
    SELECT int4send(n), int4send(n), 1, 'SMS', 'x', $now FROM generate_series(1, $count) n;
    INSERT INTO outbox_queues (subject, channel, due_at, position)
    SELECT int4send(n), 'SMS', $now + n, n FROM generate_series(1, $count) n;";

/// Every user's notice is younger than an alert.
const ALL_HELD: &str = "
    INSERT INTO outbox (notice_id, subject, turn, channel, sealed, queued_at)
    SELECT int4send(n), int4send(n), 2, 'SMS', 'x', $now FROM generate_series(1, $count) n;
    INSERT INTO outbox_queues (subject, channel, due_at, position)
    SELECT int4send(n), 'SMS', $now - n, n FROM generate_series(1, $count) n;
    INSERT INTO alerts (tenant_id, user_id, subject, turn, kind, at, due_at)
    SELECT 't', n::text, int4send(n), 1, 'MANY_WRONG_CODES', $now, $now FROM generate_series(1, $count) n;";

/// All notices are one user's, and dead but the youngest.
const ALL_DEAD: &str = "
    INSERT INTO outbox (notice_id, subject, turn, channel, sealed, queued_at, dead_at, death)
    SELECT int4send(n), 'jane', n, 'SMS', 'x', $now, CASE WHEN n < $count THEN $now END,
        CASE WHEN n < $count THEN 'REFUSED' END
    FROM generate_series(1, $count) n;
    INSERT INTO outbox_queues (subject, channel, due_at, position) VALUES ('jane', 'SMS', $now, 1);";

async fn prepared(backlog: &str, count: u32) -> Client {
    let url = new_schema().await;
    let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls)
        .await
        .unwrap();
    tokio::runtime::Handle::current().spawn(connection);
    let backlog = backlog
        .replace("$now", &NOW.to_string())
        .replace("$count", &count.to_string());
    client.batch_execute(&backlog).await.unwrap();
    for table in ["outbox", "outbox_queues", "alerts"] {
        let vacuum = format!("VACUUM ANALYZE {table}");
        client.batch_execute(&vacuum).await.unwrap();
    }
    let prepare = format!(
        "{SETTINGS}
        PREPARE lock_queues (text, bigint, bigint) AS {LOCK};
        PREPARE claim (text, bytea[], bigint, bigint) AS {CLAIM};"
    );
    client.batch_execute(&prepare).await.unwrap();
    client
}

/// The blocks that a statement reads.
async fn blocks(client: &Client, statement: &str) -> u64 {
    let explain = format!("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE {statement}");
    let rows = client.simple_query(&explain).await.unwrap();
    let plan = rows.iter().find_map(|row| match row {
        tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    let plan: serde_json::Value = serde_json::from_str(plan.unwrap()).unwrap();
    let plan = &plan[0]["Plan"];
    let of = |name: &str| plan[name].as_u64().unwrap();
    of("Shared Hit Blocks") + of("Shared Read Blocks")
}

/// The blocks that one claim reads, and how many notices it takes.
async fn cost(client: &Client) -> (u64, i64) {
    client.batch_execute("BEGIN").await.unwrap();
    let lock = format!("lock_queues('SMS', {NOW}, {AT_MOST})");
    let due = client.query(LOCK, &[&"SMS", &NOW, &64_i64]).await.unwrap();
    let due: Vec<String> = due
        .iter()
        .map(|row| {
            let subject: Vec<u8> = row.get(0);
            let bytes: Vec<String> = subject.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("'\\x{}'::bytea", bytes.concat())
        })
        .collect();
    let locking = blocks(client, &lock).await;
    let claim = format!(
        "claim('SMS', ARRAY[{}]::bytea[], {}, {})",
        due.join(","),
        NOW + 60_000,
        NOW + 60_000
    );
    let claiming = blocks(client, &claim).await;
    let claimed = "SELECT count(*) FROM outbox_queues WHERE claimed_notice IS NOT NULL";
    let claimed: i64 = client.query_one(claimed, &[]).await.unwrap().get(0);
    client.batch_execute("COMMIT").await.unwrap();
    (locking + claiming, claimed)
}

fn on_a_runtime(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(test);
}

#[test]
fn a_claim_reads_as_much_of_a_hundred_thousand_notices_as_of_a_thousand() {
    on_a_runtime(async {
        for (name, backlog, expected) in [
            ("many users", MANY_USERS, 64),
            ("one user", ONE_USER, 1),
            ("one user waits", ONE_USER_WAITS, 1),
            ("all later", ALL_LATER, 0),
            ("all held", ALL_HELD, 0),
            ("all dead", ALL_DEAD, 1),
        ] {
            let (few, claimed) = cost(&prepared(backlog, FEW).await).await;
            assert_eq!(claimed, expected, "{name}");
            let (many, claimed) = cost(&prepared(backlog, MANY).await).await;
            assert_eq!(claimed, expected, "{name}");
            println!("{name}: {few} blocks of {FEW} notices, {many} of {MANY}");
            // An index of a hundred times as many rows is one or two levels deeper.
            assert!(many <= 2 * few + 20, "{name}: {few} and {many} blocks");
        }
    });
}

/// Without the index of each queue's order, a claim reads all notices of the user.
#[test]
fn a_claim_that_reads_the_backlog_is_caught_control() {
    on_a_runtime(async {
        let client = prepared(ONE_USER, MANY).await;
        let (with_index, _) = cost(&client).await;
        let (without, put_back) = (
            "DROP INDEX outbox_in_order",
            "UPDATE outbox_queues SET due_at = 0, claimed_notice = NULL",
        );
        client.batch_execute(without).await.unwrap();
        client.batch_execute(put_back).await.unwrap();
        let (without_index, _) = cost(&client).await;
        assert!(without_index > 20 * with_index, "{without_index}");
    });
}
