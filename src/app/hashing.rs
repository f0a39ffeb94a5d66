//! Slow hashes on a bounded pool: more load is refused, not a slower server (A52).

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

/// How long an attempt waits for a permit.
const ATTEMPT_WAIT_TIMEOUT: Duration = Duration::from_millis(40);

/// How long the making of a set waits for a permit: what it is for is authorized already, and would be lost.
const NEW_SET_WAIT_TIMEOUT: Duration = Duration::from_secs(5);

/// Bounded pools for argon2id. Sets of new codes have places of their own, so that many enrollments at once leave room
/// for the ones who need a recovery code now.
pub struct HashingPool {
    attempts: Arc<Semaphore>,
    sets: Arc<Semaphore>,
    cost: HashCost,
    dummy_hash: SecretHash,
}

/// A permit of the pool.
pub(super) struct HashingPermit(OwnedSemaphorePermit);

impl HashingPool {
    /// Pools of so many places for guesses, and half as many for sets. `seed` makes the hash that stands in for an empty
    /// slot.
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

    /// A permit to hash for one attempt. It is acquired before the attempt is charged: a code that is not looked at costs nothing.
    pub(super) async fn acquire_permit(&self) -> Result<HashingPermit, Error> {
        acquire_permit(&self.attempts, ATTEMPT_WAIT_TIMEOUT).await
    }

    /// Whether a hash is that of a code. An empty slot costs the same, and never matches.
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

    /// The hash of a bypass code.
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

    /// The hashes of new codes, each with a salt of its own, one after another in the same memory.
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

/// The permit moves into the task, so that a caller who goes away frees none while the hash goes on.
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
        .map_err(|_panicked| Error::Defect("a slow hash panicked"))
}

/// A new recovery code with its hash.
pub(super) struct HashedRecoveryCode {
    pub(super) code: RecoveryCode,
    pub(super) hash: SecretHash,
}

/// A new bypass code with its hash.
pub(super) struct HashedBypassCode {
    pub(super) code: BypassCode,
    pub(super) hash: SecretHash,
}
