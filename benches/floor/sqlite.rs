//! One record for each user in SQLite: one thread commits all that has queued.

use super::{fresh_id, fresh_record, user_id};
use crate::BenchResult;
use rusqlite::{Connection, params};
use std::path::Path;
use tokio::sync::{mpsc, oneshot};

const BATCH: usize = 256;
const EVENT_BYTES: usize = 200;
const TABLES: &str = "
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
CREATE TABLE accounts (tenant_id TEXT, user_id TEXT, version INTEGER, record BLOB, PRIMARY KEY (tenant_id, user_id)) STRICT;
CREATE TABLE ended_challenges (challenge_id BLOB PRIMARY KEY, ending BLOB) STRICT, WITHOUT ROWID;
CREATE TABLE events (position INTEGER PRIMARY KEY, tenant_id TEXT, event BLOB) STRICT";

pub(super) struct FloorSqlite(mpsc::UnboundedSender<QueuedSqliteWrite>);

struct QueuedSqliteWrite {
    user: String,
    done: oneshot::Sender<()>,
}

impl FloorSqlite {
    pub(super) fn open(file: &Path, record_bytes: usize, users: usize) -> BenchResult<Self> {
        let mut db = Connection::open(file)?;
        db.execute_batch(TABLES)?;
        let transaction = db.transaction()?;
        for number in 0..users {
            transaction.execute(
                "INSERT INTO accounts VALUES ('acme', ?1, 0, ?2)",
                params![user_id(number), fresh_record(record_bytes)],
            )?;
        }
        transaction.commit()?;
        let (queue, writes) = mpsc::unbounded_channel();
        std::thread::spawn(move || serve(db, writes, record_bytes));
        Ok(Self(queue))
    }

    /// Answers when the write is committed.
    pub(super) async fn write(&self, user: &str) -> BenchResult<()> {
        let (done, committed) = oneshot::channel();
        let user = user.to_owned();
        self.0.send(QueuedSqliteWrite { user, done })?;
        Ok(committed.await?)
    }
}

fn serve(
    mut db: Connection,
    mut queue: mpsc::UnboundedReceiver<QueuedSqliteWrite>,
    record_bytes: usize,
) {
    let mut batch = Vec::new();
    while queue.blocking_recv_many(&mut batch, BATCH) > 0 {
        let committed = commit(&mut db, &batch, record_bytes).is_ok();
        // Writes of a batch that failed are dropped, and so are their calls.
        for write in batch.drain(..).filter(|_| committed) {
            let _nobody_waits = write.done.send(());
        }
    }
}

fn commit(
    db: &mut Connection,
    batch: &[QueuedSqliteWrite],
    record_bytes: usize,
) -> rusqlite::Result<()> {
    let transaction = db.transaction()?;
    for write in batch {
        let mut read = transaction.prepare_cached(
            "SELECT version, record FROM accounts WHERE tenant_id = 'acme' AND user_id = ?1",
        )?;
        let version: i64 = read.query_row([&write.user], |row| row.get(0))?;
        transaction
            .prepare_cached(
                "UPDATE accounts SET version = ?3, record = ?4 WHERE tenant_id = 'acme' AND user_id = ?1 AND version = ?2",
            )?
            .execute(params![
                write.user,
                version,
                rand::random::<i64>(),
                fresh_record(record_bytes)
            ])?;
        transaction
            .prepare_cached("INSERT INTO ended_challenges VALUES (?1, ?2)")?
            .execute(params![fresh_id(), fresh_record(EVENT_BYTES)])?;
        transaction
            .prepare_cached("INSERT INTO events (tenant_id, event) VALUES ('acme', ?1)")?
            .execute([fresh_record(EVENT_BYTES)])?;
    }
    transaction.commit()
}
