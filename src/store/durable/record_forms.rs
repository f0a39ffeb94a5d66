//! What holds for the whole database: the form of its records.

use super::{DurableStore, StoreEngine, check_canaries};
use crate::{
    ports::StoreResult,
    store::record::{DatabaseState, RecordSealing, unavailable},
};

/// The forms of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordForms {
    /// The one that the database is written in.
    pub writes: i32,
    /// The newest one that this process knows.
    pub knows: i32,
}

impl RecordForms {
    /// Whether `countersign migrate --finish` would raise the form.
    #[must_use]
    pub const fn is_behind(self) -> bool {
        self.writes < self.knows
    }
}

#[expect(private_bounds, reason = "the two engines live in this module")]
impl<E: StoreEngine> DurableStore<E> {
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
    /// [`crate::ports::StoreUnavailable`] if the database does not answer.
    pub async fn forms(&self) -> StoreResult<RecordForms> {
        Ok(forms(&self.engine.state().await?, &self.sealing))
    }

    /// From now on, records are written in the newest form that this process knows, by every process: older ones, which do
    /// not know it, refuse to write.
    ///
    /// # Errors
    /// [`crate::ports::StoreUnavailable`] if the database does not answer, or newer processes finished an upgrade already.
    pub async fn finish_upgrade(&self) -> StoreResult<()> {
        self.check_writes_form().await?;
        self.engine.raise_form(self.sealing.newest_form()).await
    }

    /// Whether this process may write to the database, and opens what others write.
    pub(super) async fn check_state(&self) -> StoreResult<()> {
        let state = self.engine.state().await?;
        let store = self.engine.name();
        let checked = self.sealing.check_form(state.writes_form);
        checked.map_err(|bad| unavailable(store, bad))?;
        let checked = check_canaries(&state.keys_in_use, &self.sealing);
        checked.map_err(|bad| unavailable(store, bad))
    }

    /// Whether this process may write to the database at all.
    async fn check_writes_form(&self) -> StoreResult<()> {
        let state = self.engine.state().await?;
        let checked = self.sealing.check_form(state.writes_form);
        checked.map_err(|bad| unavailable(self.engine.name(), bad))
    }
}

pub(in crate::store) fn forms(state: &DatabaseState, sealing: &RecordSealing) -> RecordForms {
    RecordForms {
        writes: state.writes_form,
        knows: sealing.newest_form(),
    }
}
