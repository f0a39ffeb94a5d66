//! The file of passwords: a line `tenant/user:$argon2id$…` for each account, read anew when it changes.

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

/// How often it is looked whether the file changed.
const FILE_CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// The passwords of all accounts, as one reading of the file has them.
pub struct PasswordHashes {
    by_subject: HashMap<Subject, SecretHash>,
    /// Nobody's: what the password of an unknown account is compared with.
    dummy: SecretHash,
}

/// The file, and what it says.
pub struct PasswordFile {
    file: PathBuf,
    default_cost: HashCost,
    seed: [u8; 32],
    now: Mutex<(Arc<PasswordHashes>, FileVersion)>,
}

/// What tells one version of the file from the next.
type FileVersion = Option<[i128; 4]>;

/// A file of passwords that can't be used. What stands in it is never shown.
#[derive(Debug, thiserror::Error)]
pub enum PasswordFileError {
    /// It can't be read.
    #[error("the file of passwords {0} can't be read: {1}")]
    File(PathBuf, io::Error),
    /// A line has another form.
    #[error(
        "the file of passwords {0}: line {1} is not `tenant/user:$argon2id$…`; `countersign identity hash` makes such lines"
    )]
    Line(PathBuf, usize),
    /// An account has two passwords.
    #[error("the file of passwords {0}: line {1} names an account that another line has")]
    Twice(PathBuf, usize),
}

impl PasswordHashes {
    /// Whether this is the account's password. Unknown accounts cost the same, and never match.
    #[must_use]
    pub fn know(&self, subject: &Subject, password: &Password) -> bool {
        let hash = self.by_subject.get(subject);
        let matches = password.matches(hash.unwrap_or(&self.dummy));
        matches && hash.is_some()
    }
}

impl PasswordFile {
    /// Reads a file. An unknown account costs what the dearest known one does, or, where there is none, `default_cost`.
    ///
    /// # Errors
    /// [`PasswordFileError`].
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

    /// Where they are kept.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.now().by_subject.len()
    }

    /// What the file said last.
    #[must_use]
    pub fn now(&self) -> Arc<PasswordHashes> {
        Arc::clone(&self.kept().0)
    }

    fn kept(&self) -> MutexGuard<'_, (Arc<PasswordHashes>, FileVersion)> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the file anew, if it changed, or if that was asked for. One that can't be used leaves the last one in use.
    fn reread(&self, is_forced: bool) {
        let version = version(&self.file);
        if !is_forced && version == self.kept().1 {
            return;
        }
        // Not under the lock: whoever verifies a password takes it too, and does not wait for a file and a slow hash.
        let read = read(&self.file, self.default_cost, &self.seed);
        let mut now = self.kept();
        now.1 = version;
        match read {
            Ok(users) => {
                tracing::info!(
                    users = users.by_subject.len(),
                    "the file of passwords was read anew"
                );
                now.0 = Arc::new(users);
            }
            Err(bad) => tracing::error!(%bad, "the file of passwords stays as it was read before"),
        }
    }
}

/// Reads the file anew whenever it changes, and when `reload_signals` says so, until `stop` resolves.
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
            tracing::error!("reading the file of passwords panicked; please report it");
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
    let (name, phc) = line.split_once(":$")?;
    let (tenant, user) = name.split_once('/')?;
    let subject = Subject {
        tenant: TenantId::parse(tenant).ok()?,
        user: UserId::parse(user).ok()?,
    };
    let (hash, cost) = SecretHash::read(&format!("${phc}"))?;
    Some((subject, hash, cost))
}

fn work(cost: HashCost) -> u64 {
    u64::from(cost.memory_kib).saturating_mul(u64::from(cost.passes))
}

/// The hash of a password that nobody has.
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
