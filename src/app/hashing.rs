//! Slow hashes (argon2id) on a bounded pool. Excess load is refused, so the server does not slow down (A52).

use crate::app::Error;
use countersign_domain::recovery::{
    HashCost, HashMemory, RecoveryCode, SecretHash, bypass_code::BypassCode,
};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::spawn_blocking,
    time::timeout,
};

const ATTEMPT_WAIT_TIMEOUT: Duration = Duration::from_millis(40);

/// How long the hashing of new codes waits for a permit. It is longer, because the change is already authorized and its
/// proof would be lost.
const NEW_SET_WAIT_TIMEOUT: Duration = Duration::from_secs(5);

/// Bounded pools for argon2id. New codes have permits of their own, so many enrollments at once do not block users who
/// sign in with a recovery code.
pub struct HashingPool {
    attempts: Arc<Semaphore>,
    sets: Arc<Semaphore>,
    cost: HashCost,
    dummy_hash: SecretHash,
}

pub(super) struct HashingPermit(OwnedSemaphorePermit);

impl HashingPool {
    /// Creates `places` permits for attempts and half as many for new codes, rounded up. `seed` derives the dummy hash
    /// that stands in for a missing hash.
    #[must_use]
    pub fn new(places: usize, cost: HashCost, seed: &[u8; 16]) -> Self {
        let dummy = countersign_domain::recovery::dummy_code(seed);
        Self {
            attempts: Arc::new(Semaphore::new(places)),
            sets: Arc::new(Semaphore::new(places.div_ceil(2))),
            cost,
            dummy_hash: dummy.hash(seed, cost, &mut HashMemory::new()),
        }
    }

    /// Takes the permit to hash one attempt. Take it before the attempt is charged, so that an attempt that is not
    /// checked costs nothing.
    pub(super) async fn acquire_permit(&self) -> Result<HashingPermit, Error> {
        acquire_permit(&self.attempts, ATTEMPT_WAIT_TIMEOUT).await
    }

    /// Checks a code against a hash. `None` is checked against the dummy hash: it takes as long and never matches.
    pub(super) async fn matches(
        &self,
        permit: HashingPermit,
        is_of: impl FnOnce(&SecretHash) -> bool + Send + 'static,
        hash: Option<SecretHash>,
    ) -> Result<bool, Error> {
        let occupied = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.dummy_hash.clone());
        let matches = run(permit, move || is_of(&hash)).await?;
        Ok(matches && occupied)
    }

    /// Hashes a new bypass code.
    pub(super) async fn hash_bypass(
        &self,
        code: BypassCode,
        salt: [u8; 16],
    ) -> Result<HashedBypassCode, Error> {
        let cost = self.cost;
        let permit = acquire_permit(&self.sets, NEW_SET_WAIT_TIMEOUT).await?;
        run(permit, move || {
            let hash = code.hash(&salt, cost);
            HashedBypassCode { code, hash }
        })
        .await
    }

    /// Hashes new recovery codes, each with its own salt, one after the other in the same memory.
    pub(super) async fn hash_all(
        &self,
        codes: Vec<(RecoveryCode, [u8; 16])>,
    ) -> Result<Vec<HashedRecoveryCode>, Error> {
        let cost = self.cost;
        let permit = acquire_permit(&self.sets, NEW_SET_WAIT_TIMEOUT).await?;
        run(permit, move || {
            let mut memory = HashMemory::new();
            let hashed = codes.into_iter().map(|(code, salt)| HashedRecoveryCode {
                hash: code.hash(&salt, cost, &mut memory),
                code,
            });
            hashed.collect()
        })
        .await
    }
}

async fn acquire_permit(pool: &Arc<Semaphore>, max_wait: Duration) -> Result<HashingPermit, Error> {
    match timeout(max_wait, Arc::clone(pool).acquire_owned()).await {
        Ok(Ok(permit)) => Ok(HashingPermit(permit)),
        Ok(Err(_)) | Err(_) => Err(Error::Busy),
    }
}

/// Runs `work` on a blocking thread. The permit moves into the task, so it is freed when the hash ends, not when the
/// caller goes away.
async fn run<T: Send + 'static>(
    HashingPermit(permit): HashingPermit,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Error> {
    let task = spawn_blocking(move || {
        let outcome = work();
        drop(permit);
        outcome
    });
    task.await
        .map_err(|_panicked| Error::Defect("the hashing task panicked"))
}

pub(super) struct HashedRecoveryCode {
    pub(super) code: RecoveryCode,
    pub(super) hash: SecretHash,
}

pub(super) struct HashedBypassCode {
    pub(super) code: BypassCode,
    pub(super) hash: SecretHash,
}
