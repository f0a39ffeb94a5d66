//! What holds for the whole database: the form of its records, and whose key ring it is.

use super::{DurableStore, Engine};
use crate::{
    ports::{Stored, Unavailable},
    store::record::{DatabaseState, Sealing, unavailable},
};

/// The forms of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forms {
    /// The one that the database is written in.
    pub writes: i32,
    /// The newest one that this process knows.
    pub knows: i32,
}

/// Why a key ring can't be used with a database.
#[derive(Debug, thiserror::Error)]
pub enum BadCanary {
    /// The database does not answer.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The database was set up with another ring.
    #[error(
        "the key ring is not the one of this database: {0}. Name the ring that the database was set up with in `keys.file`, \
         or use an empty database"
    )]
    OtherRing(Box<dyn std::error::Error + Send + Sync>),
}

impl Forms {
    /// Whether `countersign migrate --finish` would raise the form.
    #[must_use]
    pub const fn is_behind(self) -> bool {
        self.writes < self.knows
    }
}

#[expect(private_bounds, reason = "the two engines live in this module")]
impl<E: Engine> DurableStore<E> {
    /// The same store, as a version of this program runs it that knows forms up to this one: what upgrades are tested with.
    #[must_use]
    pub fn knowing_form(self, newest_form: i32) -> Self {
        Self {
            sealing: self.sealing.knowing_form(newest_form),
            ..self
        }
    }

    /// The forms of records.
    ///
    /// # Errors
    /// [`Unavailable`] if the database does not answer.
    pub async fn forms(&self) -> Stored<Forms> {
        Ok(forms(&self.engine.state().await?, &self.sealing))
    }

    /// From now on, records are written in the newest form that this process knows, by every process: older ones, which do
    /// not know it, refuse to write.
    ///
    /// # Errors
    /// [`Unavailable`] if the database does not answer, or newer processes finished an upgrade already.
    pub async fn finish_upgrade(&self) -> Stored<()> {
        self.check_writes_form().await?;
        self.engine.raise_form(self.sealing.newest_form()).await
    }

    /// Whether this process may write to the database at all.
    pub(super) async fn check_writes_form(&self) -> Stored<()> {
        let state = self.engine.state().await?;
        let checked = self.sealing.check_form(state.writes_form);
        checked.map_err(|bad| unavailable(self.engine.name(), bad))
    }

    /// Whether the key ring is the one of the database. An empty database is claimed for it, and a canary under an older key
    /// is sealed under the active one.
    ///
    /// # Errors
    /// [`BadCanary`] says why not.
    pub async fn claim_for_key_ring(&self) -> Result<(), BadCanary> {
        let canary = self.engine.state().await?.canary;
        if check_canary(&canary, &self.sealing)? {
            return Ok(());
        }
        let sealed = self.sealing.seal_canary();
        self.engine.replace_canary(&canary, &sealed).await?;
        // Another process may have been faster.
        self.check_key_ring().await
    }

    /// Whether the key ring is the one of the database, which is left as it is.
    ///
    /// # Errors
    /// [`BadCanary`] says why not.
    pub async fn check_key_ring(&self) -> Result<(), BadCanary> {
        let state = self.engine.state().await?;
        check_canary(&state.canary, &self.sealing).map(drop)
    }
}

pub(in crate::store) fn forms(state: &DatabaseState, sealing: &Sealing) -> Forms {
    Forms {
        writes: state.writes_form,
        knows: sealing.newest_form(),
    }
}

/// Whether there is a canary under the active key.
pub(in crate::store) fn check_canary(canary: &[u8], sealing: &Sealing) -> Result<bool, BadCanary> {
    if canary.is_empty() {
        return Ok(false);
    }
    sealing.open_canary(canary).map_err(BadCanary::OtherRing)
}
