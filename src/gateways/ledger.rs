//! The ledger: what became of each message, in an SQLite file, so that none is sent twice, also after a restart. A message
//! is noted before it is handed on, and what became of it afterwards. It holds no destination and no text: messages are
//! known by keyed digests, whose key is in a file beside it.

use crate::{
    gateways::{
        letter::{Filed, Kind, Tag},
        outcome::Sent,
    },
    ports::Entropy,
    proto::notifier::RefusalReason,
    server::write_secret,
};
use countersign_domain::{secret::MacKey, time::Timestamp};
use data_encoding::HEXLOWER;
use sqlx::{
    Row, Sqlite, SqlitePool, Transaction,
    sqlite::{
        SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous,
    },
};
use std::{
    fs::{self, DirBuilder, File, TryLockError},
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    time::Duration,
};
use zeroize::Zeroizing;

const DATABASE: &str = "notifier.db";
const KEY: &str = "notifier.key";
const LOCK: &str = "notifier.lock";

/// How long a message waits for its turn at the ledger.
const PATIENCE: Duration = Duration::from_secs(3);

const SCHEMA: &str = include_str!("ledger/schema.sql");
const FIND: &str = "SELECT mark, state, reason, provider_id FROM messages WHERE tag = ?";
const NOTE: &str = "INSERT INTO messages (tag, mark, state, changed_at) VALUES (?, ?, 'begun', ?) \
    ON CONFLICT (tag) DO UPDATE SET mark = excluded.mark, state = 'begun', changed_at = excluded.changed_at";
const CONCLUDE: &str =
    "UPDATE messages SET state = ?, reason = ?, provider_id = ?, changed_at = ? WHERE tag = ?";
const SWEEP: &str = "DELETE FROM messages WHERE changed_at < ?";

/// What became of each message.
pub struct Ledger {
    pool: SqlitePool,
    key: MacKey,
    /// Held until the process ends: whatever another process began is over.
    _lock: File,
}

/// A ledger that can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum BadLedger {
    /// Its folder can't be used.
    #[error("the folder {0} can't be used: {1}")]
    Folder(PathBuf, io::Error),
    /// Another process has it.
    #[error("another notifier uses the folder {0}: each needs a data_dir of its own")]
    InUse(PathBuf),
    /// Its key is none.
    #[error("{0} is not the key of a ledger")]
    Key(PathBuf),
    /// The file can't be opened.
    #[error("the ledger {0} can't be opened: {1}")]
    File(PathBuf, sqlx::Error),
}

/// What is to be done with a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// It is to be handed on; that is noted.
    Now,
    /// It was: this came of it.
    Before(Sent),
    /// It may have been, by a process that did not live to note it, and is not to be handed on again.
    InDoubt,
    /// Another message has the same key.
    AnotherMessage,
}

/// What is noted of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Noted {
    /// It was begun, and not concluded. Whoever began it is gone: in this process, nobody asks while it is on its way.
    Begun,
    /// This came of it.
    Concluded(Sent),
    /// It was not taken.
    Failed,
}

impl Ledger {
    /// Opens the ledger in a folder, and makes both where there are none.
    ///
    /// # Errors
    /// [`BadLedger`].
    pub async fn open(folder: &Path, entropy: &dyn Entropy) -> Result<Self, BadLedger> {
        let lock = locked(folder)?;
        let key = key(&folder.join(KEY), entropy)?;
        let file = folder.join(DATABASE);
        let options = SqliteConnectOptions::new()
            .filename(&file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full);
        let fails = |error| BadLedger::File(file.clone(), error);
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(PATIENCE)
            .connect_with(options)
            .await
            .map_err(fails)?;
        sqlx::raw_sql(SCHEMA).execute(&pool).await.map_err(fails)?;
        Ok(Self {
            pool,
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
    pub async fn begin(&self, filed: &Filed, now: Timestamp) -> Result<Begun, sqlx::Error> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let found = find(&mut transaction, &filed.tag).await?;
        let begun = decide(found, &filed.mark, filed.letter.kind);
        if begun == Begun::Now {
            sqlx::query(NOTE)
                .bind(filed.tag.as_slice())
                .bind(filed.mark.as_slice())
                .bind(now.millis())
                .execute(&mut *transaction)
                .await?;
            transaction.commit().await?;
        }
        Ok(begun)
    }

    /// Notes what became of it.
    ///
    /// # Errors
    /// If that can't be noted: it stays begun.
    pub async fn conclude(
        &self,
        tag: &Tag,
        sent: &Sent,
        now: Timestamp,
    ) -> Result<(), sqlx::Error> {
        let (state, reason, provider_id) = columns(sent);
        sqlx::query(CONCLUDE)
            .bind(state)
            .bind(reason)
            .bind(provider_id)
            .bind(now.millis())
            .bind(tag.as_slice())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Forgets what was noted before an instant; how many messages that were.
    ///
    /// # Errors
    /// If the file can't be written.
    pub async fn sweep(&self, before: Timestamp) -> Result<u64, sqlx::Error> {
        let swept = sqlx::query(SWEEP).bind(before.millis()).execute(&self.pool);
        Ok(swept.await?.rows_affected())
    }
}

/// What is to be done with a message of which this is noted.
fn decide(found: Option<(Tag, Noted)>, mark: &Tag, kind: Kind) -> Begun {
    match found {
        // Nothing was sent under this key, so that it is nobody's.
        None | Some((_, Noted::Failed)) => Begun::Now,
        Some((other, _)) if other != *mark => Begun::AnotherMessage,
        Some((_, Noted::Begun | Noted::Concluded(Sent::InDoubt(_)))) => match kind {
            Kind::Code => Begun::InDoubt,
            Kind::Notice => Begun::Now,
        },
        Some((_, Noted::Concluded(sent))) => Begun::Before(sent),
    }
}

async fn find(
    transaction: &mut Transaction<'_, Sqlite>,
    tag: &Tag,
) -> Result<Option<(Tag, Noted)>, sqlx::Error> {
    let row = sqlx::query(FIND)
        .bind(tag.as_slice())
        .fetch_optional(&mut **transaction)
        .await?;
    row.map(|row| read(&row)).transpose()
}

fn read(row: &SqliteRow) -> Result<(Tag, Noted), sqlx::Error> {
    let mark: Vec<u8> = row.try_get("mark")?;
    let mark = Tag::try_from(mark.as_slice()).map_err(|error| sqlx::Error::Decode(error.into()))?;
    let state: String = row.try_get("state")?;
    let noted = match state.as_str() {
        "taken" => Noted::Concluded(Sent::Taken {
            provider_id: row.try_get("provider_id")?,
        }),
        "refused" => {
            let reason: String = row.try_get("reason")?;
            let reason = RefusalReason::from_str_name(&reason).unwrap_or_default();
            Noted::Concluded(Sent::Refused(reason))
        }
        "failed" => Noted::Failed,
        _ => Noted::Begun,
    };
    Ok((mark, noted))
}

/// State, reason and provider's id of what became of a message.
fn columns(sent: &Sent) -> (&'static str, Option<&'static str>, Option<&str>) {
    match sent {
        Sent::Taken { provider_id } => ("taken", None, Some(provider_id)),
        Sent::Refused(reason) => ("refused", Some(reason.as_str_name()), None),
        Sent::Failed(_) => ("failed", None, None),
        Sent::InDoubt(_) => ("begun", None, None),
    }
}

fn locked(folder: &Path) -> Result<File, BadLedger> {
    let unusable = |cause| BadLedger::Folder(folder.to_path_buf(), cause);
    let mut made = DirBuilder::new();
    made.recursive(true).mode(0o700);
    made.create(folder).map_err(unusable)?;
    let lock = File::create(folder.join(LOCK)).map_err(unusable)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(BadLedger::InUse(folder.to_path_buf())),
        Err(TryLockError::Error(cause)) => Err(unusable(cause)),
    }
}

/// The key in a file, made where there is none.
fn key(file: &Path, entropy: &dyn Entropy) -> Result<MacKey, BadLedger> {
    let unusable = |cause| BadLedger::Folder(file.to_path_buf(), cause);
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
        .ok_or_else(|| BadLedger::Key(file.to_path_buf()))
}

#[cfg(test)]
mod tests;
