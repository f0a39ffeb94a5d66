//! The keys of the ring that data may be sealed under. Each has a canary in the database, so that a ring that lacks one is
//! found before a user is.

use super::{DurableStore, StoreEngine};
use crate::{
    ports::{KeyInUse, StoreResult, StoreUnavailable},
    store::record::{DatabaseState, InvalidRow, RecordSealing, unavailable},
};
use countersign_domain::value::{secret::KeyId, time::Timestamp};
use countersign_proto::stored;
use prost::Message;
use std::{collections::BTreeSet, error::Error};

/// How often other processes may change the keys in use at the very same time.
const MAX_TRIES: u32 = 64;

/// Why a key ring can't be used with a database.
#[derive(Debug, thiserror::Error)]
pub enum CanaryError {
    /// The database does not answer.
    #[error(transparent)]
    Unavailable(#[from] StoreUnavailable),
    /// The database was set up with another ring.
    #[error(
        "the key ring is not the one of this database: {0}. Name the ring that the database was set up with in `keys.file`, \
         or use an empty database"
    )]
    OtherRing(Box<dyn Error + Send + Sync>),
    /// The ring lacks a key that data may be sealed under.
    #[error(
        "the key ring can't open all that is stored: {0}. It may leave the ring once `countersign keys reseal` says so"
    )]
    LacksKey(Box<dyn Error + Send + Sync>),
}

#[expect(private_bounds, reason = "the two engines live in this module")]
impl<E: StoreEngine> DurableStore<E> {
    /// Whether the key ring can open what is stored. An empty database is claimed for it. The active key is noted as in use.
    ///
    /// # Errors
    /// [`CanaryError`] says why not.
    pub async fn claim_for_key_ring(&self, now: Timestamp) -> Result<(), CanaryError> {
        for _ in 0..MAX_TRIES {
            let state = self.engine.state().await?;
            check_canaries(&state.keys_in_use, &self.sealing)?;
            if self.note_in(&state, now).await? {
                return Ok(());
            }
        }
        Err(self.contended().into())
    }

    /// Notes that the active key is in use, whatever the ring lacks.
    pub(super) async fn add_active_key(&self, now: Timestamp) -> StoreResult<()> {
        for _ in 0..MAX_TRIES {
            let state = self.engine.state().await?;
            if self.note_in(&state, now).await? {
                return Ok(());
            }
        }
        Err(self.contended())
    }

    /// Whether the key ring can open what is stored. Nothing is written.
    ///
    /// # Errors
    /// [`CanaryError`] says why not.
    pub async fn check_key_ring(&self) -> Result<(), CanaryError> {
        let state = self.engine.state().await?;
        check_canaries(&state.keys_in_use, &self.sealing)
    }

    /// Notes that this process has its active key active, unless somebody did a moment ago. A database that no process was
    /// started with stays unclaimed.
    pub(super) async fn note_active_key(&self, now: Timestamp) -> StoreResult<()> {
        let state = self.engine.state().await?;
        if !state.keys_in_use.is_empty() {
            // Where another process was faster, the next probe notes it.
            self.note_in(&state, now).await?;
        }
        Ok(())
    }

    /// Whether the active key is noted.
    async fn note_in(&self, state: &DatabaseState, now: Timestamp) -> StoreResult<bool> {
        let before = &state.keys_in_use;
        let mut in_use = self.parsed(before)?;
        let active = self.sealing.active_key();
        let is_active = |stored: &&mut stored::KeyInUse| {
            self.sealing.canary_key(&stored.canary) == Some(active.clone())
        };
        match in_use.keys.iter_mut().find(is_active) {
            Some(noted) => {
                let noted_at = Timestamp::from_millis(noted.active_at_millis);
                if now < noted_at.plus(KeyInUse::KEY_USE_REPORT_INTERVAL) {
                    return Ok(true);
                }
                noted.active_at_millis = now.millis();
            }
            None => in_use.keys.push(stored::KeyInUse {
                canary: self.sealing.seal_canary(),
                active_at_millis: now.millis(),
            }),
        }
        self.engine
            .replace_keys_in_use(before, &in_use.encode_to_vec())
            .await
    }

    pub(super) async fn read_keys_in_use(&self) -> StoreResult<Vec<KeyInUse>> {
        let in_use = self.parsed(&self.engine.state().await?.keys_in_use)?;
        in_use
            .keys
            .iter()
            .map(|stored| self.key_in_use(stored))
            .collect()
    }

    fn key_in_use(&self, stored: &stored::KeyInUse) -> StoreResult<KeyInUse> {
        const NO_KEY: InvalidRow = InvalidRow::Shape("a canary that names no key");
        let key = self.sealing.canary_key(&stored.canary);
        Ok(KeyInUse {
            key: key.ok_or_else(|| self.bad(NO_KEY))?,
            active_at: Timestamp::from_millis(stored.active_at_millis),
        })
    }

    /// Takes keys out of use, unless a process noted one of them as active since they were `seen`.
    pub(super) async fn remove_keys_in_use(
        &self,
        unused: &BTreeSet<KeyId>,
        seen: &[KeyInUse],
    ) -> StoreResult<bool> {
        for _ in 0..MAX_TRIES {
            let before = self.engine.state().await?.keys_in_use;
            let keys = self.parsed(&before)?.keys.into_iter();
            let keys = keys.map(|stored| Ok((self.key_in_use(&stored)?, stored)));
            let keys = keys.collect::<StoreResult<Vec<_>>>()?;
            let (gone, kept): (Vec<_>, Vec<_>) = keys
                .into_iter()
                .partition(|(of, _)| unused.contains(&of.key));
            if gone.iter().any(|(of, _)| !seen.contains(of)) {
                return Ok(false);
            }
            let kept = stored::KeysInUse {
                keys: kept.into_iter().map(|(_, stored)| stored).collect(),
            };
            let after = kept.encode_to_vec();
            if after == before || self.engine.replace_keys_in_use(&before, &after).await? {
                return Ok(true);
            }
        }
        Err(self.contended())
    }

    fn parsed(&self, keys_in_use: &[u8]) -> StoreResult<stored::KeysInUse> {
        parsed(keys_in_use).map_err(|bad| self.bad(bad))
    }

    fn bad(&self, bad: InvalidRow) -> StoreUnavailable {
        unavailable(self.engine.name(), bad)
    }

    fn contended(&self) -> StoreUnavailable {
        unavailable(self.engine.name(), "too many processes start at once")
    }
}

/// Whether a ring opens every canary.
pub(in crate::store) fn check_canaries(
    keys_in_use: &[u8],
    sealing: &RecordSealing,
) -> Result<(), CanaryError> {
    let in_use = parsed(keys_in_use).map_err(|bad| CanaryError::OtherRing(bad.into()))?;
    let canaries = in_use.keys.iter();
    let opened = canaries.map(|stored| sealing.open_canary(&stored.canary));
    let mut refused: Vec<_> = opened.filter_map(Result::err).collect();
    let opens_none = refused.len() == in_use.keys.len();
    match refused.pop() {
        None => Ok(()),
        Some(cause) if opens_none => Err(CanaryError::OtherRing(cause)),
        Some(cause) => Err(CanaryError::LacksKey(cause)),
    }
}

fn parsed(keys_in_use: &[u8]) -> Result<stored::KeysInUse, InvalidRow> {
    let parsed = stored::KeysInUse::decode(keys_in_use);
    let parsed = parsed.map_err(|_| InvalidRow::Shape("the keys in use"))?;
    if parsed.encoded_len() != keys_in_use.len() {
        return Err(InvalidRow::Newer);
    }
    Ok(parsed)
}
