//! The idempotency store: the result of each message, in an SQLite file, so that no message is sent twice, even after a
//! restart.
//!
//! A message is reserved before it is sent, and its result is recorded afterwards. The store contains no destination
//! and no text. It identifies messages by keyed digests; the key is in a file next to the database.

use crate::{
    outcome::SendOutcome,
    parsed_message::{IdentifiedMessage, MessageDigest, RetrySafety},
};
use countersign_domain::value::{secret::MacKey, time::Timestamp};
use countersign_proto::notifier::RefusalReason;
use countersign_transport::{secret_file::write_secret, system::RandomSource};
use data_encoding::HEXLOWER;
use refinery::{Migration, Runner};
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior};
use std::{
    fs::{self, DirBuilder, File, TryLockError},
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::Mutex,
    task::{JoinError, spawn_blocking},
    time::timeout,
};
use zeroize::Zeroizing;

const DATABASE: &str = "notifier.db";
const KEY: &str = "notifier.key";
const LOCK: &str = "notifier.lock";

/// How long a message waits for access to the idempotency store.
const LOCK_TIMEOUT: Duration = Duration::from_secs(3);

/// How long a statement waits while another process, such as a backup, locks the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The first migration keeps the table of earlier versions, which kept no record of migrations.
const MIGRATIONS: [(&str, &str); 1] = [(
    "V1__messages",
    include_str!("idempotency_store/migrations/0001_messages.sql"),
)];

const FIND: &str = "SELECT mark, state, reason, provider_id FROM messages WHERE tag = ?";
const RESERVE: &str = "INSERT INTO messages (tag, mark, state, changed_at) VALUES (?, ?, 'begun', ?) \
    ON CONFLICT (tag) DO UPDATE SET mark = excluded.mark, state = 'begun', changed_at = excluded.changed_at";
const CONCLUDE: &str =
    "UPDATE messages SET state = ?, reason = ?, provider_id = ?, changed_at = ? WHERE tag = ?";
const PURGE: &str = "DELETE FROM messages WHERE changed_at < ?";

/// The results of messages.
pub struct IdempotencyStore {
    database: Arc<Mutex<Connection>>,
    key: MacKey,
    /// Held until the process ends. So what another process started is over.
    _lock: File,
}

/// Why the idempotency store can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum IdempotencyStoreOpenError {
    /// The folder, or a file in it, can't be used.
    #[error("{0} can't be used: {1}")]
    Folder(PathBuf, io::Error),
    /// Another process uses the folder.
    #[error("another notifier uses the folder {0}: each needs a data_dir of its own")]
    InUse(PathBuf),
    /// The key file does not contain a key.
    #[error("{0} is not the key of an idempotency store")]
    Key(PathBuf),
    /// The database can't be opened.
    #[error("the idempotency store {0} can't be opened: {1}")]
    File(PathBuf, IdempotencyFileError),
}

/// Why the database can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum IdempotencyFileError {
    /// The file can't be read or written, or is not a database.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// The tables can't be migrated, or a newer version created them.
    #[error(transparent)]
    Migration(#[from] refinery::Error),
    /// The thread that opened the database panicked.
    #[error(transparent)]
    Thread(#[from] JoinError),
}

/// Why the idempotency store can't be read or written now.
#[derive(Debug, thiserror::Error)]
pub enum IdempotencyStoreError {
    /// Other messages used it for too long.
    #[error("the idempotency store is busy")]
    Busy,
    /// The database failed.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// The thread that used the database panicked.
    #[error(transparent)]
    Thread(#[from] JoinError),
}

/// What to do with a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReservationResult {
    /// Send it; the reservation is recorded.
    Now,
    /// Don't send it; it has this result.
    Before(SendOutcome),
    /// Don't send it; a process that ended without recording a result may have sent it.
    InDoubt,
    /// Another message has the same idempotency key.
    AnotherMessage,
}

/// The recorded state of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
enum RecordedResult {
    /// Reserved, without a result. The process that reserved it has ended, because this process does not ask while the
    /// message is in flight.
    Begun,
    /// The message has this result.
    Concluded(SendOutcome),
    /// The message was not accepted.
    Failed,
}

impl IdempotencyStore {
    /// Opens the idempotency store in a folder. Creates both if they do not exist.
    ///
    /// # Errors
    /// [`IdempotencyStoreOpenError`] says why not.
    pub async fn open(
        folder: &Path,
        entropy: &dyn RandomSource,
    ) -> Result<Self, IdempotencyStoreOpenError> {
        let lock = locked(folder)?;
        let key = key(&folder.join(KEY), entropy)?;
        let file = folder.join(DATABASE);
        let to_open = file.clone();
        let opened = spawn_blocking(move || open_database(&to_open)).await;
        let opened = opened.unwrap_or_else(|ended| Err(ended.into()));
        let database = opened.map_err(|error| IdempotencyStoreOpenError::File(file, error))?;
        Ok(Self {
            database: Arc::new(Mutex::new(database)),
            key,
            _lock: lock,
        })
    }

    /// The key of message digests.
    #[must_use]
    pub const fn key(&self) -> &MacKey {
        &self.key
    }

    /// Reserves a message if it is to be sent.
    ///
    /// # Errors
    /// The reservation can't be recorded, so the message must not be sent.
    pub async fn begin(
        &self,
        filed: &IdentifiedMessage,
        now: Timestamp,
    ) -> Result<ReservationResult, IdempotencyStoreError> {
        let (tag, mark, kind) = (filed.tag, filed.mark, filed.letter.kind);
        self.with(move |database| {
            let transaction = database.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let found = transaction
                .prepare_cached(FIND)?
                .query_row([tag], read)
                .optional()?;
            let reservation = decide(found, &mark, kind);
            if reservation == ReservationResult::Now {
                transaction
                    .prepare_cached(RESERVE)?
                    .execute((tag, mark, now.millis()))?;
                transaction.commit()?;
            }
            Ok(reservation)
        })
        .await
    }

    /// Records the result of a message.
    ///
    /// # Errors
    /// The result can't be recorded; the message stays reserved.
    pub async fn conclude(
        &self,
        tag: &MessageDigest,
        sent: &SendOutcome,
        now: Timestamp,
    ) -> Result<(), IdempotencyStoreError> {
        let (tag, sent) = (*tag, sent.clone());
        self.with(move |database| {
            let (state, reason, provider_id) = columns(&sent);
            let mut conclude = database.prepare_cached(CONCLUDE)?;
            conclude.execute((state, reason, provider_id, now.millis(), tag))?;
            Ok(())
        })
        .await
    }

    /// Deletes records that have not changed since `before`. Returns how many it deleted.
    ///
    /// # Errors
    /// The database can't be written.
    pub async fn purge(&self, before: Timestamp) -> Result<usize, IdempotencyStoreError> {
        self.with(move |database| database.execute(PURGE, [before.millis()]))
            .await
    }

    /// Runs `work` on a blocking thread, one call at a time.
    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, IdempotencyStoreError> {
        let turn = timeout(LOCK_TIMEOUT, Arc::clone(&self.database).lock_owned()).await;
        let mut database = turn.map_err(|_| IdempotencyStoreError::Busy)?;
        Ok(spawn_blocking(move || work(&mut database)).await??)
    }
}

/// Decides what to do with a message that has this record.
fn decide(
    found: Option<(MessageDigest, RecordedResult)>,
    mark: &MessageDigest,
    kind: RetrySafety,
) -> ReservationResult {
    match found {
        // Nothing was sent under this key, so any message may use it.
        None | Some((_, RecordedResult::Failed)) => ReservationResult::Now,
        Some((other, _)) if other != *mark => ReservationResult::AnotherMessage,
        Some((_, RecordedResult::Begun | RecordedResult::Concluded(SendOutcome::InDoubt(_)))) => {
            match kind {
                RetrySafety::Code => ReservationResult::InDoubt,
                RetrySafety::Notice => ReservationResult::Now,
            }
        }
        Some((_, RecordedResult::Concluded(sent))) => ReservationResult::Before(sent),
    }
}

/// Opens or creates the database and migrates it. Commits are durable.
fn open_database(file: &Path) -> Result<Connection, IdempotencyFileError> {
    let mut database = Connection::open(file)?;
    database.busy_timeout(BUSY_TIMEOUT)?;
    database.pragma_update(None, "journal_mode", "WAL")?;
    database.pragma_update(None, "synchronous", "FULL")?;
    let migrations = MIGRATIONS
        .iter()
        .map(|(name, sql)| Migration::unapplied(name, sql));
    let migrations: Vec<_> = migrations.collect::<Result<_, _>>()?;
    Runner::new(&migrations)
        .set_grouped(true)
        .run(&mut database)?;
    Ok(database)
}

fn read(row: &Row<'_>) -> rusqlite::Result<(MessageDigest, RecordedResult)> {
    let mark = row.get("mark")?;
    let state: String = row.get("state")?;
    let noted = match state.as_str() {
        "taken" => RecordedResult::Concluded(SendOutcome::Taken {
            provider_id: row.get("provider_id")?,
        }),
        "refused" => {
            let reason: String = row.get("reason")?;
            let reason = RefusalReason::from_str_name(&reason).unwrap_or_default();
            RecordedResult::Concluded(SendOutcome::Refused(reason))
        }
        "failed" => RecordedResult::Failed,
        _ => RecordedResult::Begun,
    };
    Ok((mark, noted))
}

/// The columns for a result: state, reason and provider id.
fn columns(sent: &SendOutcome) -> (&'static str, Option<&'static str>, Option<&str>) {
    match sent {
        SendOutcome::Taken { provider_id } => ("taken", None, Some(provider_id)),
        SendOutcome::Refused(reason) => ("refused", Some(reason.as_str_name()), None),
        SendOutcome::Failed(_) => ("failed", None, None),
        SendOutcome::InDoubt(_) => ("begun", None, None),
    }
}

fn locked(folder: &Path) -> Result<File, IdempotencyStoreOpenError> {
    let unusable = |cause| IdempotencyStoreOpenError::Folder(folder.to_path_buf(), cause);
    let mut made = DirBuilder::new();
    made.recursive(true).mode(0o700);
    made.create(folder).map_err(unusable)?;
    let lock = File::create(folder.join(LOCK)).map_err(unusable)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => {
            Err(IdempotencyStoreOpenError::InUse(folder.to_path_buf()))
        }
        Err(TryLockError::Error(cause)) => Err(unusable(cause)),
    }
}

/// Reads the key from a file. Creates it if the file does not exist.
fn key(file: &Path, entropy: &dyn RandomSource) -> Result<MacKey, IdempotencyStoreOpenError> {
    let unusable = |cause| IdempotencyStoreOpenError::Folder(file.to_path_buf(), cause);
    if !file.exists() {
        let mut bytes = Zeroizing::new([0; 32]);
        entropy.fill(bytes.as_mut_slice());
        let text = Zeroizing::new(HEXLOWER.encode(bytes.as_slice()));
        write_secret(file, &text).map_err(unusable)?;
    }
    let text = Zeroizing::new(fs::read_to_string(file).map_err(unusable)?);
    let bytes = HEXLOWER.decode(text.trim().as_bytes()).map(Zeroizing::new);
    let bytes = bytes
        .ok()
        .and_then(|bytes| <[u8; 32]>::try_from(bytes.as_slice()).ok());
    bytes
        .map(MacKey::new)
        .ok_or_else(|| IdempotencyStoreOpenError::Key(file.to_path_buf()))
}

#[cfg(test)]
mod tests;
