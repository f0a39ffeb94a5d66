//! Reseals stored values under the active key, so that an older key can leave the ring.
//!
//! No progress is stored: the remaining work is every value sealed under an older key. A run repeats passes over all
//! rows, and reseals what it finds, until a pass finds nothing. Only then does it remove the older keys, and only if no
//! process had one of them active since before the last pass.

mod pace;
mod usage;

pub use usage::{KeyUsage, RowCount};

use crate::ports::{
    KeyInUse, KeyService, ResealStore, RowPlace, SealedRow, SealedTable, StoreResult,
    StoreUnavailable,
};
use countersign_domain::value::secret::KeyId;
use countersign_transport::system::Clock;
use pace::ResealPace;
use std::{collections::BTreeSet, num::NonZeroU32, time::Duration};
use tokio::time::sleep;

/// The maximum number of passes. More than two are needed only if rows are still written under an older key.
const MAX_PASSES: u32 = 4;

/// How often a request to an unavailable store is retried.
const RETRIES: u32 = 5;

/// The interval at which other processes' active keys are polled.
const PROGRESS_POLL_INTERVAL: Duration = Duration::from_secs(1);

/// The maximum number of rows that a report names as unusable.
const MAX_NAMED_ROWS: usize = 100;

/// The settings of a run.
#[derive(Debug, Clone, Copy)]
pub struct ResealSettings {
    /// The maximum number of rows saved each second.
    pub rate: NonZeroU32,
    /// A process that has not recorded its active key for this long has stopped.
    pub silence: Duration,
}

/// The progress of a run.
#[derive(Debug, Clone, Copy)]
pub struct ResealProgress {
    /// The number of the pass; the first is 1.
    pub pass: u32,
    /// The table that is being read.
    pub table: SealedTable,
    /// Rows read in this pass.
    pub read: u64,
    /// The estimated number of rows.
    pub total: u64,
    /// Rows saved in all passes.
    pub saved: u64,
}

/// The result of a run.
#[derive(Debug)]
pub struct ResealReport {
    /// Rows saved.
    pub saved: u64,
    /// The number of rows under each key, from the last pass.
    pub usage: KeyUsage,
    /// An older key that a process had active before the run ended.
    pub other_active: Option<KeyId>,
}

/// Why a run failed.
#[derive(Debug, thiserror::Error)]
pub enum ResealError {
    /// A store is unavailable.
    #[error("{0}; run the command again to reseal the remaining rows")]
    Unavailable(#[from] StoreUnavailable),
    /// A process has another key active, and would write under it again.
    #[error(
        "a process has the key `{}` active, and this ring has `{}`: move the new key to the front of the ring of every replica, \
         restart them, and run the command again", .0.as_str(), .1.as_str()
    )]
    OtherActive(KeyId, KeyId),
}

/// Receives the progress of a run.
pub(crate) type ResealListener<'a> = &'a mut (dyn FnMut(ResealProgress) + Send);

struct ResealRun<'a> {
    store: &'a dyn ResealStore,
    clock: &'a dyn Clock,
    active: KeyId,
    settings: ResealSettings,
    /// Whether rows are saved, or only counted.
    saves: bool,
    pace: ResealPace,
    listener: ResealListener<'a>,
    progress: ResealProgress,
}

/// Reseals everything that is sealed under another key than the active one.
///
/// # Errors
/// See [`ResealError`].
pub async fn reseal(
    store: &dyn ResealStore,
    keys: &dyn KeyService,
    clock: &dyn Clock,
    settings: ResealSettings,
    listener: ResealListener<'_>,
) -> Result<ResealReport, ResealError> {
    let mut run = ResealRun::new(store, keys.active(), clock, settings, listener);
    run.saves = true;
    run.refuse_another_active_key().await?;
    store.use_active_key(clock.now()).await?;
    run.reseal().await
}

/// Counts the rows under each key. Changes nothing.
///
/// # Errors
/// [`StoreUnavailable`] if the store is unavailable.
pub async fn key_usage(
    store: &dyn ResealStore,
    keys: &dyn KeyService,
    clock: &dyn Clock,
    settings: ResealSettings,
    listener: ResealListener<'_>,
) -> StoreResult<KeyUsage> {
    let mut run = ResealRun::new(store, keys.active(), clock, settings, listener);
    let total = run.estimate().await?;
    run.begin_pass(total);
    run.read_all().await
}

impl<'a> ResealRun<'a> {
    fn new(
        store: &'a dyn ResealStore,
        active: KeyId,
        clock: &'a dyn Clock,
        settings: ResealSettings,
        listener: ResealListener<'a>,
    ) -> Self {
        Self {
            store,
            clock,
            active,
            settings,
            saves: false,
            pace: ResealPace::new(settings.rate),
            listener,
            progress: ResealProgress {
                pass: 0,
                table: SealedTable::Accounts,
                read: 0,
                total: 0,
                saved: 0,
            },
        }
    }

    async fn reseal(mut self) -> Result<ResealReport, ResealError> {
        let total = self.estimate().await?;
        loop {
            // Read before the rows: a process that records an older key as active afterwards may have written under it.
            let seen = self.store.keys_in_use().await?;
            let saved_before = self.progress.saved;
            self.begin_pass(total);
            let usage = self.read_all().await?;
            let is_clean = usage.lies_under_another(&self.active) == 0;
            let comes_further = self.progress.saved > saved_before;
            if !is_clean && comes_further && self.progress.pass < MAX_PASSES {
                continue;
            }
            let other_active = self.forget_others(&seen, is_clean).await?;
            return Ok(ResealReport {
                saved: self.progress.saved,
                usage,
                other_active,
            });
        }
    }

    /// Removes all other keys. Returns the key that a process still has active, if any.
    async fn forget_others(&self, seen: &[KeyInUse], is_clean: bool) -> StoreResult<Option<KeyId>> {
        let others: Vec<&KeyInUse> = seen.iter().filter(|of| of.key != self.active).collect();
        if let Some(active) = others.iter().find(|of| self.is_active(of)) {
            return Ok(Some(active.key.clone()));
        }
        if !is_clean {
            return Ok(None);
        }
        let unused: BTreeSet<KeyId> = others.iter().map(|of| of.key.clone()).collect();
        if self.store.remove_sealing_keys(&unused, seen).await? {
            return Ok(None);
        }
        let now_in_use = self.store.keys_in_use().await?;
        let mut changed = now_in_use.into_iter().filter(|of| !seen.contains(of));
        Ok(changed.find(|of| of.key != self.active).map(|of| of.key))
    }

    fn is_active(&self, of: &KeyInUse) -> bool {
        self.clock.now() < of.active_at.plus(self.settings.silence)
    }

    /// Waits for a process that has just stopped. Fails if a process records another active key meanwhile.
    async fn refuse_another_active_key(&self) -> Result<(), ResealError> {
        let first = self.store.keys_in_use().await?;
        let mut in_use = first.clone();
        loop {
            let mut others = in_use.iter().filter(|of| of.key != self.active);
            let Some(other) = others.find(|of| self.is_active(of)) else {
                return Ok(());
            };
            if !first.contains(other) {
                return Err(ResealError::OtherActive(
                    other.key.clone(),
                    self.active.clone(),
                ));
            }
            sleep(PROGRESS_POLL_INTERVAL).await;
            in_use = self.store.keys_in_use().await?;
        }
    }

    async fn estimate(&self) -> StoreResult<u64> {
        let mut total: u64 = 0;
        for table in SealedTable::ALL {
            total = total.saturating_add(self.store.estimate_rows(table).await?);
        }
        Ok(total)
    }

    fn begin_pass(&mut self, total: u64) {
        self.progress.pass += 1;
        self.progress.read = 0;
        self.progress.total = total;
    }

    async fn read_all(&mut self) -> StoreResult<KeyUsage> {
        let mut usage = KeyUsage::default();
        for table in SealedTable::ALL {
            self.progress.table = table;
            let mut after = Some(RowPlace::default());
            while let Some(place) = after {
                after = self.page(&place, &mut usage).await?;
            }
        }
        Ok(usage)
    }

    /// Reads one page, and returns the place of its last row.
    async fn page(
        &mut self,
        after: &RowPlace,
        usage: &mut KeyUsage,
    ) -> StoreResult<Option<RowPlace>> {
        let (store, table) = (self.store, self.progress.table);
        let rows = retried(async || store.sealed_rows(table, after).await).await?;
        for row in &rows {
            usage.count(table, row);
        }
        self.progress.read += u64::try_from(rows.len()).unwrap_or_default();
        (self.listener)(self.progress);
        self.pace.after_reading(rows.len()).await;
        let old = rows
            .iter()
            .filter(|row| self.saves && row.lies_under_another(&self.active));
        let old: Vec<SealedRow> = old.cloned().collect();
        for batch in old.chunks(self.pace.batch()) {
            let resealed = retried(async || store.reseal(table, batch).await).await?;
            self.progress.saved += resealed.saved;
            usage.name(resealed.unusable);
            (self.listener)(self.progress);
            self.pace.after_saving(batch.len()).await;
        }
        Ok(rows.last().map(|row| row.place.clone()))
    }
}

/// Retries if the store is unavailable: another process may hold it for a moment.
async fn retried<T>(ask: impl AsyncFn() -> StoreResult<T>) -> StoreResult<T> {
    for _ in 0..RETRIES {
        match ask().await {
            Err(unavailable) => sleep(unavailable.retry_after).await,
            answer => return answer,
        }
    }
    ask().await
}
