//! One record for each user in PostgreSQL: read alone, written in batches on two connections.

use super::{fresh_id, fresh_record, user_id};
use crate::BenchResult;
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};
use tokio::sync::{mpsc, oneshot};
use tokio_postgres::{Client, NoTls, Row, Statement, types::ToSql};

const LANES: usize = 2;
const BATCH: usize = 64;
/// How many bytes an event, and the ending of a challenge, have.
const EVENT_BYTES: usize = 200;

const TABLES: &str = "
CREATE SCHEMA IF NOT EXISTS floor;
CREATE TABLE floor.accounts (tenant_id text COLLATE \"C\", user_id text COLLATE \"C\", version bigint NOT NULL,
    record bytea NOT NULL, PRIMARY KEY (tenant_id, user_id)) WITH (fillfactor = 50, toast_tuple_target = 8160);
ALTER TABLE floor.accounts ALTER COLUMN record SET STORAGE MAIN;
CREATE TABLE floor.ended_challenges (challenge_id bytea PRIMARY KEY, ending bytea NOT NULL);
CREATE TABLE floor.events (position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tenant_id text, event bytea NOT NULL)";
const READ: &str =
    "SELECT version, record FROM floor.accounts WHERE tenant_id = 'acme' AND user_id = $1";
const LOCK: &str = "
SELECT a.user_id, a.version, a.record FROM unnest($1::text[]) AS n (user_id)
    JOIN floor.accounts a ON a.tenant_id = 'acme' AND a.user_id = n.user_id
ORDER BY a.tenant_id, a.user_id FOR NO KEY UPDATE OF a SKIP LOCKED";
const WRITE: &str = "
WITH written AS (
    UPDATE floor.accounts a SET version = n.next, record = n.record
    FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bytea[]) AS n (user_id, version, next, record)
    WHERE a.tenant_id = 'acme' AND a.user_id = n.user_id AND a.version = n.version RETURNING 1
), ended AS (
    INSERT INTO floor.ended_challenges SELECT * FROM unnest($5::bytea[], $6::bytea[])
), added AS (
    INSERT INTO floor.events (tenant_id, event) SELECT 'acme', event FROM unnest($6::bytea[]) AS n (event)
) SELECT count(*) FROM written";

pub(super) struct FloorPostgres {
    reader: Client,
    read: Statement,
    lanes: Vec<mpsc::UnboundedSender<QueuedPostgresWrite>>,
}

struct QueuedPostgresWrite {
    user: String,
    done: oneshot::Sender<()>,
}

struct Lane {
    client: Arc<Client>,
    lock: Statement,
    write: Statement,
    record_bytes: usize,
}

impl FloorPostgres {
    pub(super) async fn connect(url: &str, record_bytes: usize, users: usize) -> BenchResult<Self> {
        let reader = connect(url).await?;
        reader.batch_execute(TABLES).await?;
        let insert = "INSERT INTO floor.accounts VALUES ('acme', $1, 0, $2)";
        for number in 0..users {
            let row: [&(dyn ToSql + Sync); 2] = [&user_id(number), &fresh_record(record_bytes)];
            reader.execute(insert, &row).await?;
        }
        reader
            .batch_execute("VACUUM ANALYZE floor.accounts")
            .await?;
        let mut lanes = Vec::new();
        for _ in 0..LANES {
            let client = connect(url).await?;
            let lane = Lane {
                lock: client.prepare(LOCK).await?,
                write: client.prepare(WRITE).await?,
                client: Arc::new(client),
                record_bytes,
            };
            let (queue, writes) = mpsc::unbounded_channel();
            tokio::spawn(lane.serve(writes));
            lanes.push(queue);
        }
        let read = reader.prepare(READ).await?;
        Ok(Self {
            reader,
            read,
            lanes,
        })
    }

    pub(super) async fn read(&self, user: &str) -> BenchResult<()> {
        let row = self.reader.query_one(&self.read, &[&user]).await?;
        std::hint::black_box(row.get::<_, &[u8]>(1));
        Ok(())
    }

    /// Answers when the write is committed.
    pub(super) async fn write(&self, user: &str) -> BenchResult<()> {
        let number = user.bytes().fold(0, |sum, byte| sum + usize::from(byte));
        let lane = self.lanes.get(number % LANES).ok_or("no lane")?;
        let (done, committed) = oneshot::channel();
        let user = user.to_owned();
        lane.send(QueuedPostgresWrite { user, done })?;
        Ok(committed.await?)
    }
}

impl Lane {
    async fn serve(self, mut queue: mpsc::UnboundedReceiver<QueuedPostgresWrite>) {
        let mut waiting = Vec::new();
        while !waiting.is_empty() || queue.recv_many(&mut waiting, BATCH).await > 0 {
            let mut users = HashSet::new();
            let (batch, later): (Vec<_>, Vec<_>) = waiting
                .drain(..)
                .partition(|write: &QueuedPostgresWrite| users.insert(write.user.clone()));
            let committed = self.commit(&batch).await.is_ok();
            // Writes of a batch that failed are dropped, and so are their calls.
            for write in batch.into_iter().filter(|_| committed) {
                let _nobody_waits = write.done.send(());
            }
            waiting = later;
        }
    }

    async fn commit(&self, batch: &[QueuedPostgresWrite]) -> BenchResult<()> {
        let users: Vec<&str> = batch.iter().map(|write| write.user.as_str()).collect();
        let locking: [&(dyn ToSql + Sync); 1] = [&users];
        let (begun, locked) = tokio::try_join!(
            self.client.batch_execute("BEGIN"),
            self.client.query(&self.lock, &locking),
        )?;
        let () = begun;
        let versions: HashMap<&str, i64> = locked.iter().map(version).collect();
        let versions: Vec<i64> = users
            .iter()
            .filter_map(|user| versions.get(user).copied())
            .collect();
        let records: Vec<Vec<u8>> = users
            .iter()
            .map(|_| fresh_record(self.record_bytes))
            .collect();
        let next: Vec<i64> = users.iter().map(|_| rand::random()).collect();
        let ids: Vec<Vec<u8>> = users.iter().map(|_| fresh_id().to_vec()).collect();
        let events: Vec<Vec<u8>> = users.iter().map(|_| fresh_record(EVENT_BYTES)).collect();
        let writing: [&(dyn ToSql + Sync); 6] = [&users, &versions, &next, &records, &ids, &events];
        let (written, ()) = tokio::try_join!(
            self.client.query_one(&self.write, &writing),
            self.client.batch_execute("COMMIT"),
        )?;
        if written.get::<_, i64>(0) != i64::try_from(batch.len())? {
            return Err("a row was not written".into());
        }
        Ok(())
    }
}

fn version(row: &Row) -> (&str, i64) {
    (row.get(0), row.get(1))
}

async fn connect(url: &str) -> BenchResult<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}
