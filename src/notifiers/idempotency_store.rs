//! The idempotency store: what became of each message, in an SQLite file, so that none is sent twice, also after a restart. A message
//! is noted before it is handed on, and what became of it afterwards. It holds no destination and no text: messages are
//! known by keyed digests, whose key is in a file beside it.

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

/// How long a message waits for its turn at the idempotency store.
const LOCK_TIMEOUT: Duration = Duration::from_secs(3);

/// How long a statement waits for another process that holds the file, as one does that copies it.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The first one leaves the table alone that earlier versions made without a record of migrations.
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

/// What became of each message.
pub struct IdempotencyStore {
    database: Arc<Mutex<Connection>>,
    key: MacKey,
    /// Held until the process ends: whatever another process began is over.
    _lock: File,
}

/// An idempotency store that can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum IdempotencyStoreOpenError {
    /// Its folder can't be used.
    #[error("the folder {0} can't be used: {1}")]
    Folder(PathBuf, io::Error),
    /// Another process has it.
    #[error("another notifier uses the folder {0}: each needs a data_dir of its own")]
    InUse(PathBuf),
    /// Its key is none.
    #[error("{0} is not the key of an idempotency store")]
    Key(PathBuf),
    /// The file can't be opened.
    #[error("the idempotency store {0} can't be opened: {1}")]
    File(PathBuf, IdempotencyFileError),
}

/// What a file is that can't be opened as an idempotency store.
#[derive(Debug, thiserror::Error)]
pub enum IdempotencyFileError {
    /// It can't be read or written, or is no database.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// Its tables can't be brought up to date, or a newer version made them.
    #[error(transparent)]
    Migration(#[from] refinery::Error),
    /// The thread that opened it ended early.
    #[error(transparent)]
    Thread(#[from] JoinError),
}

/// An idempotency store that can't be read or written now.
#[derive(Debug, thiserror::Error)]
pub enum IdempotencyStoreError {
    /// Others used it for too long.
    #[error("no turn at the idempotency store came in time")]
    Busy,
    /// The database.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// The thread that used it ended early.
    #[error(transparent)]
    Thread(#[from] JoinError),
}

/// What is to be done with a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReservationResult {
    /// It is to be handed on; that is noted.
    Now,
    /// It was: this came of it.
    Before(SendOutcome),
    /// It may have been, by a process that did not live to note it, and is not to be handed on again.
    InDoubt,
    /// Another message has the same key.
    AnotherMessage,
}

/// What is noted of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
enum RecordedResult {
    /// It was begun, and not concluded. Whoever began it is gone: in this process, nobody asks while it is on its way.
    Begun,
    /// This came of it.
    Concluded(SendOutcome),
    /// It was not taken.
    Failed,
}

impl IdempotencyStore {
    /// Opens the idempotency store in a folder, and makes both where there are none.
    ///
    /// # Errors
    /// [`IdempotencyStoreOpenError`].
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

    /// What digests of messages are made with.
    #[must_use]
    pub const fn key(&self) -> &MacKey {
        &self.key
    }

    /// Notes that a message is about to be handed on, if it is to be.
    ///
    /// # Errors
    /// If that can't be noted: then nothing may be sent.
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

    /// Notes what became of it.
    ///
    /// # Errors
    /// If that can't be noted: it stays begun.
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

    /// Forgets what was noted before an instant; how many messages that were.
    ///
    /// # Errors
    /// If the file can't be written.
    pub async fn purge(&self, before: Timestamp) -> Result<usize, IdempotencyStoreError> {
        self.with(move |database| database.execute(PURGE, [before.millis()]))
            .await
    }

    /// Works on the database in a thread that may wait for the disk, one job after the other.
    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, IdempotencyStoreError> {
        let turn = timeout(LOCK_TIMEOUT, Arc::clone(&self.database).lock_owned()).await;
        let mut database = turn.map_err(|_| IdempotencyStoreError::Busy)?;
        Ok(spawn_blocking(move || work(&mut database)).await??)
    }
}

/// What is to be done with a message of which this is noted.
fn decide(
    found: Option<(MessageDigest, RecordedResult)>,
    mark: &MessageDigest,
    kind: RetrySafety,
) -> ReservationResult {
    match found {
        // Nothing was sent under this key, so that it is nobody's.
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

/// Opens the file, or makes it, and brings its tables up to date. What is committed is on disk.
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

/// State, reason and provider's id of what became of a message.
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

/// The key in a file, made where there is none.
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
