//! The password file: a line `tenant/user:$argon2id$…` for each account. It is reloaded when it changes.

use countersign_domain::{
    authorization::password::Password,
    recovery::{HashCost, SecretHash},
    value::id::{Subject, TenantId, UserId},
};
use countersign_transport::system::RandomSource;
use futures_util::StreamExt;
use std::{
    collections::HashMap,
    fs,
    future::Future,
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio_stream::Stream;
use zeroize::Zeroizing;

/// How often the file is checked for changes.
const FILE_CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// The password hashes of all accounts, from one reading of the file.
pub struct PasswordHashes {
    by_subject: HashMap<Subject, SecretHash>,
    /// The hash that passwords of unknown accounts are compared with.
    dummy: SecretHash,
}

/// The password file, and its current content.
pub struct PasswordFile {
    file: PathBuf,
    default_cost: HashCost,
    seed: [u8; 32],
    now: Mutex<(Arc<PasswordHashes>, FileVersion)>,
}

/// Identifies a version of the file: inode, size and modification time. `None` if the file has no metadata.
type FileVersion = Option<[i128; 4]>;

/// Why a password file can't be used. Errors never contain its content.
#[derive(Debug, thiserror::Error)]
pub enum PasswordFileError {
    /// The file can't be read.
    #[error("the password file {0} can't be read: {1}")]
    File(PathBuf, io::Error),
    /// A line is malformed. Lines count from 1.
    #[error(
        "the password file {0}: line {1} is not `tenant/user:$argon2id$…`; create lines with `countersign identity hash`"
    )]
    Line(PathBuf, usize),
    /// Two lines have the same account.
    #[error("the password file {0}: line {1} repeats the account of another line")]
    Twice(PathBuf, usize),
}

impl PasswordHashes {
    /// Whether this is the password of the account. Unknown accounts take as long, and never match.
    #[must_use]
    pub fn know(&self, subject: &Subject, password: &Password) -> bool {
        let hash = self.by_subject.get(subject);
        let matches = password.matches(hash.unwrap_or(&self.dummy));
        matches && hash.is_some()
    }
}

impl PasswordFile {
    /// Reads a file. Checking an unknown account costs as much as the most expensive known one, or `default_cost` if
    /// the file is empty.
    ///
    /// # Errors
    /// [`PasswordFileError`] says why the file can't be used.
    pub fn read(
        file: PathBuf,
        default_cost: HashCost,
        entropy: &dyn RandomSource,
    ) -> Result<Self, PasswordFileError> {
        let mut seed = [0; 32];
        entropy.fill(&mut seed);
        let version = version(&file);
        let users = read(&file, default_cost, &seed)?;
        Ok(Self {
            file,
            default_cost,
            seed,
            now: Mutex::new((Arc::new(users), version)),
        })
    }

    /// The path of the file.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The number of accounts.
    #[must_use]
    pub fn count(&self) -> usize {
        self.now().by_subject.len()
    }

    /// The current content of the file.
    #[must_use]
    pub fn now(&self) -> Arc<PasswordHashes> {
        Arc::clone(&self.kept().0)
    }

    fn kept(&self) -> MutexGuard<'_, (Arc<PasswordHashes>, FileVersion)> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reloads the file if it changed, or if `is_forced`. If the new file can't be used, the previous content stays in
    /// use.
    fn reread(&self, is_forced: bool) {
        let version = version(&self.file);
        if !is_forced && version == self.kept().1 {
            return;
        }
        // Not under the lock, which every verification takes: none should wait for a file and a slow hash.
        let read = read(&self.file, self.default_cost, &self.seed);
        let mut now = self.kept();
        now.1 = version;
        match read {
            Ok(users) => {
                tracing::info!(users = users.by_subject.len(), "password file reloaded");
                now.0 = Arc::new(users);
            }
            Err(bad) => {
                tracing::error!(%bad, "password file not reloaded; previous content stays in use");
            }
        }
    }
}

/// Reloads the file whenever it changes, and on each of `reload_signals`, until `stop` resolves.
pub(super) async fn watch(
    users: Arc<PasswordFile>,
    reload_signals: impl Stream<Item = ()>,
    stop: impl Future<Output = ()>,
) {
    let (mut reload_signals, mut stop) = (pin!(reload_signals.fuse()), pin!(stop));
    loop {
        let is_forced = tokio::select! {
            () = &mut stop => return,
            Some(()) = reload_signals.next() => true,
            () = tokio::time::sleep(FILE_CHECK_INTERVAL) => false,
        };
        let users = Arc::clone(&users);
        let reading = tokio::task::spawn_blocking(move || users.reread(is_forced));
        if reading.await.is_err() {
            tracing::error!("password file reload panicked; please report it");
        }
    }
}

fn version(file: &Path) -> FileVersion {
    let now = fs::metadata(file).ok()?;
    Some([
        i128::from(now.ino()),
        i128::from(now.size()),
        i128::from(now.mtime()),
        i128::from(now.mtime_nsec()),
    ])
}

fn read(
    file: &Path,
    default_cost: HashCost,
    seed: &[u8; 32],
) -> Result<PasswordHashes, PasswordFileError> {
    let text = fs::read_to_string(file).map(Zeroizing::new);
    let text = text.map_err(|cause| PasswordFileError::File(file.to_path_buf(), cause))?;
    let mut by_subject = HashMap::new();
    let mut dearest = None;
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (subject, hash, cost) =
            account(line).ok_or_else(|| PasswordFileError::Line(file.to_path_buf(), number))?;
        if by_subject.insert(subject, hash).is_some() {
            return Err(PasswordFileError::Twice(file.to_path_buf(), number));
        }
        dearest = dearest.max(Some((work(cost), cost.memory_kib, cost.passes)));
    }
    let cost = dearest.map_or(default_cost, |(_, memory_kib, passes)| HashCost {
        memory_kib,
        passes,
    });
    Ok(PasswordHashes {
        by_subject,
        dummy: dummy(seed, cost),
    })
}

fn account(line: &str) -> Option<(Subject, SecretHash, HashCost)> {
    // A hash has no colon, and an id may have several.
    let (name, phc) = line.rsplit_once(':')?;
    let (tenant, user) = name.split_once('/')?;
    let subject = Subject {
        tenant: TenantId::parse(tenant).ok()?,
        user: UserId::parse(user).ok()?,
    };
    let (hash, cost) = SecretHash::read(phc)?;
    Some((subject, hash, cost))
}

fn work(cost: HashCost) -> u64 {
    u64::from(cost.memory_kib).saturating_mul(u64::from(cost.passes))
}

/// The hash of a random password.
fn dummy(seed: &[u8; 32], cost: HashCost) -> SecretHash {
    let (password, salt) = seed.split_at(16);
    let password = data_encoding::HEXLOWER.encode(password);
    let salt = salt.first_chunk().copied().unwrap_or_default();
    let password = Password::parse(Zeroizing::new(password));
    let password = password.expect("32 hexadecimal characters are a password");
    password.hash(&salt, cost)
}

#[cfg(test)]
mod tests;
