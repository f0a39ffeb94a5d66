//! The pace of a run, which shares the store with calls that users wait for.

use std::{num::NonZeroU32, time::Duration};
use tokio::time::sleep;

/// Rows read in the time of one saved row: reading costs the store far less.
const READS_FOR_A_SAVE: u32 = 20;

const BATCHES_PER_SECOND: u32 = 10;

const LARGEST_BATCH: u32 = 100;

/// Pauses for the time that the work may take at the rate, however long it took. So a store with a single writer is
/// free for others.
#[derive(Debug, Clone, Copy)]
pub(super) struct ResealPace {
    rate: NonZeroU32,
}

impl ResealPace {
    pub(super) const fn new(rate: NonZeroU32) -> Self {
        Self { rate }
    }

    /// The number of rows saved at once.
    pub(super) fn batch(self) -> usize {
        let rows = (self.rate.get() / BATCHES_PER_SECOND).clamp(1, LARGEST_BATCH);
        usize::try_from(rows).unwrap_or(1)
    }

    pub(super) async fn after_reading(self, rows: usize) {
        pause(rows, self.rate.get().saturating_mul(READS_FOR_A_SAVE)).await;
    }

    pub(super) async fn after_saving(self, rows: usize) {
        pause(rows, self.rate.get()).await;
    }
}

async fn pause(rows: usize, rate: u32) {
    let rows = u32::try_from(rows).unwrap_or(u32::MAX);
    sleep(Duration::from_secs(1).saturating_mul(rows) / rate).await;
}
