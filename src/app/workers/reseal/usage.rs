//! Counts rows for each sealing key.

use super::MAX_NAMED_ROWS;
use crate::ports::{SealedRow, SealedTable};
use countersign_domain::value::{secret::KeyId, time::Timestamp};
use std::collections::BTreeMap;

/// The number of rows under each key. A row with several sealed values counts once for each of their keys.
#[derive(Debug, Default)]
pub struct KeyUsage {
    counts: BTreeMap<KeyId, BTreeMap<SealedTable, RowCount>>,
    unusable: Vec<String>,
    /// Unusable rows beyond those that are named.
    unnamed: u64,
}

/// Rows of one table under one key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RowCount {
    /// The number of rows.
    pub rows: u64,
    /// When the oldest of them was created; `None` if the rows don't say.
    pub oldest: Option<Timestamp>,
}

impl KeyUsage {
    pub(super) fn count(&mut self, table: SealedTable, row: &SealedRow) {
        for key in &row.keys {
            let tables = self.counts.entry(key.clone()).or_default();
            let count = tables.entry(table).or_default();
            count.rows += 1;
            count.oldest = match (count.oldest, row.at) {
                (Some(oldest), Some(at)) => Some(oldest.min(at)),
                (oldest, at) => oldest.or(at),
            };
        }
        self.name(row.unusable.clone());
    }

    /// Names unusable rows, each once, up to [`MAX_NAMED_ROWS`].
    pub(super) fn name(&mut self, unusable: impl IntoIterator<Item = String>) {
        for row in unusable {
            if self.unusable.contains(&row) {
                continue;
            }
            if self.unusable.len() < MAX_NAMED_ROWS {
                self.unusable.push(row);
            } else {
                self.unnamed += 1;
            }
        }
    }

    /// The keys with at least one row.
    pub fn keys(&self) -> impl Iterator<Item = &KeyId> {
        self.counts.keys()
    }

    /// The rows of a table under a key.
    #[must_use]
    pub fn of(&self, key: &KeyId, table: SealedTable) -> RowCount {
        let count = self.counts.get(key).and_then(|tables| tables.get(&table));
        count.copied().unwrap_or_default()
    }

    /// The number of rows under a key.
    #[must_use]
    pub fn rows_under(&self, key: &KeyId) -> u64 {
        let tables = self.counts.get(key).into_iter();
        tables.flat_map(BTreeMap::values).map(|of| of.rows).sum()
    }

    /// The number of rows under other keys than `active`.
    #[must_use]
    pub fn lies_under_another(&self, active: &KeyId) -> u64 {
        let others = self.counts.keys().filter(|key| *key != active);
        others.map(|key| self.rows_under(key)).sum()
    }

    /// Rows that can't be opened, each with the reason; at most 100.
    #[must_use]
    pub fn unusable(&self) -> &[String] {
        &self.unusable
    }

    /// The number of rows that can't be opened and are not named.
    #[must_use]
    pub const fn unnamed(&self) -> u64 {
        self.unnamed
    }
}
