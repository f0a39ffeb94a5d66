use super::*;
use rusqlite::StatementStatus;

const NOW: i64 = 1_780_000_000_000;
const FEW: u32 = 1_000;
const MANY: u32 = 100_000;

const CLAIM: NoticeClaim = NoticeClaim {
    channel: "SMS",
    now: NOW,
    lease_until: NOW + 60_000,
    held_until: NOW + 60_000,
    at_most: 64,
};

/// Each user has one notice that is due.
const MANY_USERS: &str = "
    INSERT INTO outbox (notice_id, subject, turn, channel, sealed, queued_at)
    SELECT CAST(n AS BLOB), CAST(n AS BLOB), 1, 'SMS', x'00', $now FROM numbers;
    INSERT INTO outbox_queues (subject, channel, due_at, position) SELECT CAST(n AS BLOB), 'SMS', $now - n, n FROM numbers;";

/// All notices are one user's, and the oldest one is due.
const ONE_USER: &str = "
    INSERT INTO outbox (notice_id, subject, turn, channel, sealed, queued_at)
    SELECT CAST(n AS BLOB), x'01', n, 'SMS', x'00', $now FROM numbers;
    INSERT INTO outbox_queues (subject, channel, due_at, position) VALUES (x'01', 'SMS', $now, 1);";

/// All notices are one user's, the oldest one is tried again later; another user's is due.
const ONE_USER_WAITS: &str = "
    INSERT INTO outbox (notice_id, subject, turn, channel, sealed, queued_at)
    SELECT CAST(n AS BLOB), CASE n WHEN 1 THEN x'02' ELSE x'01' END, n, 'SMS', x'00', $now FROM numbers;
    INSERT INTO outbox_queues (subject, channel, due_at, position) VALUES (x'01', 'SMS', $now + 1, 1), (x'02', 'SMS', $now, 2);";

/// Every user's notice is tried again later.
const ALL_LATER: &str = "
    INSERT INTO outbox (notice_id, subject, turn, channel, sealed, queued_at)
    SELECT CAST(n AS BLOB), CAST(n AS BLOB), 1, 'SMS', x'00', $now FROM numbers;
    INSERT INTO outbox_queues (subject, channel, due_at, position) SELECT CAST(n AS BLOB), 'SMS', $now + n, n FROM numbers;";

/// Every user's notice is younger than an alert.
const ALL_HELD: &str = "
    INSERT INTO outbox (notice_id, subject, turn, channel, sealed, queued_at)
    SELECT CAST(n AS BLOB), CAST(n AS BLOB), 2, 'SMS', x'00', $now FROM numbers;
    INSERT INTO outbox_queues (subject, channel, due_at, position) SELECT CAST(n AS BLOB), 'SMS', $now - n, n FROM numbers;
    INSERT INTO alerts (tenant_id, user_id, subject, turn, kind, at, due_at)
    SELECT 't', n, CAST(n AS BLOB), 1, 'MANY_WRONG_CODES', $now, $now FROM numbers;";

/// All notices are one user's, and dead but the youngest.
const ALL_DEAD: &str = "
    INSERT INTO outbox (notice_id, subject, turn, channel, sealed, queued_at, dead_at, death)
    SELECT CAST(n AS BLOB), x'01', n, 'SMS', x'00', $now, CASE WHEN n < $count THEN $now END,
        CASE WHEN n < $count THEN 'REFUSED' END FROM numbers;
    INSERT INTO outbox_queues (subject, channel, due_at, position) VALUES (x'01', 'SMS', $now, 1);";

fn prepared(backlog: &str, count: u32) -> Connection {
    let db = Connection::open_in_memory().unwrap();
    db.set_prepared_statement_cache_capacity(64);
    db.execute_batch(include_str!("../migrations/0001_accounts.sql"))
        .unwrap();
    let backlog = backlog
        .replace("$now", &NOW.to_string())
        .replace("$count", &count.to_string());
    db.execute_batch(&format!(
        "CREATE TEMP TABLE numbers AS WITH RECURSIVE counted (n) AS (
             SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < {count}) SELECT n FROM counted;
         {backlog}"
    ))
    .unwrap();
    db
}

/// The steps of SQLite's machine that one claim takes, and how many notices it gets.
fn cost(db: &Connection) -> (i32, usize) {
    let steps = || {
        let statements = [DUE, HEAD, DELETE_QUEUE, HOLD_QUEUE, CLAIM_QUEUE, CLAIM_HEAD];
        let steps = statements.map(|sql| {
            let statement = db.prepare_cached(sql).unwrap();
            statement.get_status(StatementStatus::VmStep)
        });
        steps.iter().sum::<i32>()
    };
    let before = steps();
    let Ok(JobAnswer::Keep(claimed)) = claim_notices(db, CLAIM) else {
        panic!("the claim failed");
    };
    (steps() - before, claimed.notices.len())
}

#[test]
fn a_claim_reads_as_much_of_a_hundred_thousand_notices_as_of_a_thousand() {
    for (name, backlog, expected) in [
        ("many users", MANY_USERS, 64),
        ("one user", ONE_USER, 1),
        ("one user waits", ONE_USER_WAITS, 1),
        ("all later", ALL_LATER, 0),
        ("all held", ALL_HELD, 0),
        ("all dead", ALL_DEAD, 1),
    ] {
        let (few, claimed) = cost(&prepared(backlog, FEW));
        assert_eq!(claimed, expected, "{name}");
        let (many, claimed) = cost(&prepared(backlog, MANY));
        assert_eq!(claimed, expected, "{name}");
        println!("{name}: {few} steps of {FEW} notices, {many} of {MANY}");
        assert!(many <= few + few / 10, "{name}: {few} and {many} steps");
    }
}

#[test]
fn a_claim_that_reads_the_backlog_is_caught_control() {
    let with_index = cost(&prepared(ONE_USER, MANY)).0;
    let db = prepared(ONE_USER, MANY);
    db.execute_batch("DROP INDEX outbox_in_order").unwrap();
    let without_index = cost(&db).0;
    assert!(without_index > 20 * with_index, "{without_index}");
}
