//! Slow hashes on a bounded pool: more load is refused, not a slower server (A52).

use crate::app::Error;
use countersign_domain::recovery::{HashCost, RecoveryCode, SlowHash};
use std::{sync::Arc, time::Duration};
use tokio::{sync::Semaphore, task::spawn_blocking, time::timeout};

/// How long a guess waits for a place.
const PATIENCE_OF_A_GUESS: Duration = Duration::from_millis(40);

/// How long the making of a set waits for a place: what it is for is authorised already, and would be lost.
const PATIENCE_OF_A_SET: Duration = Duration::from_secs(5);

/// A bounded pool for argon2id.
pub struct Hashing {
    places: Arc<Semaphore>,
    cost: HashCost,
    empty_slot: SlowHash,
}

impl Hashing {
    /// A pool of so many places. `seed` makes the hash that stands in for an empty slot.
    #[must_use]
    pub fn new(places: usize, cost: HashCost, seed: &[u8; 16]) -> Self {
        let nobodys = countersign_domain::recovery::nobodys_code(seed);
        Self {
            places: Arc::new(Semaphore::new(places)),
            cost,
            empty_slot: nobodys.hash(seed, cost),
        }
    }

    /// Whether a code has this hash. An empty slot costs the same, and never matches.
    pub(super) async fn matches(
        &self,
        code: RecoveryCode,
        hash: Option<SlowHash>,
    ) -> Result<bool, Error> {
        let occupied = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.empty_slot.clone());
        let matches = self
            .run(PATIENCE_OF_A_GUESS, move || code.matches(&hash))
            .await?;
        Ok(matches && occupied)
    }

    /// The hashes of new codes, each with a salt of its own.
    pub(super) async fn hash_all(
        &self,
        codes: Vec<(RecoveryCode, [u8; 16])>,
    ) -> Result<Vec<NewCode>, Error> {
        let cost = self.cost;
        self.run(PATIENCE_OF_A_SET, move || {
            let hashed = codes.into_iter().map(|(code, salt)| NewCode {
                hash: code.hash(&salt, cost),
                code,
            });
            hashed.collect()
        })
        .await
    }

    /// The permit moves into the task, so that a caller who goes away frees no place while the hash goes on.
    async fn run<T: Send + 'static>(
        &self,
        patience: Duration,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let place = timeout(patience, Arc::clone(&self.places).acquire_owned());
        let Ok(Ok(place)) = place.await else {
            return Err(Error::Busy);
        };
        let task = spawn_blocking(move || {
            let outcome = work();
            drop(place);
            outcome
        });
        task.await
            .map_err(|_panicked| Error::Defect("a slow hash panicked"))
    }
}

/// A new recovery code with its hash.
pub(super) struct NewCode {
    pub(super) code: RecoveryCode,
    pub(super) hash: SlowHash,
}
