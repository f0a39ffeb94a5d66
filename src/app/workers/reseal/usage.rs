//! What lies under which key.

use super::MAX_NAMED_ROWS;
use crate::ports::{SealedRow, SealedTable};
use countersign_domain::value::{secret::KeyId, time::Timestamp};
use std::collections::BTreeMap;

/// What lies under which key. A row that has several things sealed is counted once for each of their keys.
#[derive(Debug, Default)]
pub struct KeyUsage {
    counts: BTreeMap<KeyId, BTreeMap<SealedTable, RowCount>>,
    unusable: Vec<String>,
    /// How many more there are that can't be opened.
    unnamed: u64,
}

/// Rows of one table under one key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RowCount {
    /// How many.
    pub rows: u64,
    /// When the oldest of them was made, where rows say so.
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

    /// Names rows that can't be opened, each once and not too many of them.
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

    /// The keys that anything lies under.
    pub fn keys(&self) -> impl Iterator<Item = &KeyId> {
        self.counts.keys()
    }

    /// The rows of a table under a key.
    #[must_use]
    pub fn of(&self, key: &KeyId, table: SealedTable) -> RowCount {
        let count = self.counts.get(key).and_then(|tables| tables.get(&table));
        count.copied().unwrap_or_default()
    }

    /// How many rows lie under a key.
    #[must_use]
    pub fn rows_under(&self, key: &KeyId) -> u64 {
        let tables = self.counts.get(key).into_iter();
        tables.flat_map(BTreeMap::values).map(|of| of.rows).sum()
    }

    /// How many rows lie under other keys than this one.
    #[must_use]
    pub fn lies_under_another(&self, active: &KeyId) -> u64 {
        let others = self.counts.keys().filter(|key| *key != active);
        others.map(|key| self.rows_under(key)).sum()
    }

    /// Rows that can't be opened: which, and why. Not all of them where there are many.
    #[must_use]
    pub fn unusable(&self) -> &[String] {
        &self.unusable
    }

    /// How many rows there are that can't be opened and are not named.
    #[must_use]
    pub const fn unnamed(&self) -> u64 {
        self.unnamed
    }
}
