//! What is said of the keys: what lies under each, and which may leave the ring.

use crate::{
    app::KeyUsage,
    cli::{common::CommandError, notices::age},
    crypto::KeyRing,
    ports::{KeyInUse, SealedTable},
};
use countersign_domain::value::{secret::KeyId, time::Timestamp};
use countersign_transport::system::{Clock, SystemClock};
use std::{collections::BTreeSet, fmt};

/// What lies under which key.
pub(super) struct KeyUsageReport<'a> {
    /// The keys of the ring, the active one first.
    ring: Vec<KeyId>,
    usage: &'a KeyUsage,
    in_use: &'a [KeyInUse],
    now: Timestamp,
}

impl<'a> KeyUsageReport<'a> {
    pub(super) fn new(ring: &KeyRing, usage: &'a KeyUsage, in_use: &'a [KeyInUse]) -> Self {
        Self::at(ring, usage, in_use, SystemClock.now())
    }

    fn at(ring: &KeyRing, usage: &'a KeyUsage, in_use: &'a [KeyInUse], now: Timestamp) -> Self {
        Self {
            ring: ring.ids().into_iter().map(KeyId::new).collect(),
            usage,
            in_use,
            now,
        }
    }

    /// A failure while an older key is needed.
    pub(super) fn outcome(&self) -> Result<(), CommandError> {
        let needed: Vec<String> = self
            .keys()
            .into_iter()
            .filter(|key| *key != self.active() && self.is_needed(key))
            .map(|key| format!("`{}`", key.as_str()))
            .collect();
        if needed.is_empty() {
            return Ok(());
        }
        Err(format!("something may be stored under {}", needed.join(", ")).into())
    }

    /// Those of the ring, then those that the ring lacks.
    fn keys(&self) -> Vec<&KeyId> {
        let stored = self.usage.keys();
        let stored: BTreeSet<&KeyId> = stored.chain(self.in_use.iter().map(|of| &of.key)).collect();
        let lacking = stored.into_iter().filter(|key| !self.ring.contains(key));
        self.ring.iter().chain(lacking).collect()
    }

    fn active(&self) -> &KeyId {
        self.ring
            .first()
            .expect("a ring is read only if it has an active key")
    }

    /// Whether something is stored under a key, or was when replicas last looked.
    fn is_needed(&self, key: &KeyId) -> bool {
        self.usage.rows_under(key) > 0 || self.noted(key).is_some()
    }

    fn noted(&self, key: &KeyId) -> Option<&KeyInUse> {
        self.in_use.iter().find(|of| of.key == *key)
    }

    fn row(&self, key: &KeyId) -> String {
        let in_ring = if key == self.active() {
            "active"
        } else if self.ring.contains(key) {
            "yes"
        } else {
            "no"
        };
        let counts = SealedTable::ALL.map(|table| self.usage.of(key, table));
        let oldest = counts.iter().filter_map(|count| count.oldest).min();
        let cells = SealedTable::ALL.iter().zip(counts);
        let cells =
            cells.map(|(table, count)| format!("{:>1$}", count.rows, heading(*table).len()));
        let cells: Vec<String> = cells.collect();
        let seen = self.noted(key).map(|of| of.active_at);
        format!(
            "{:<12}  {in_ring:<7}  {}  {:<8}  {}",
            key.as_str(),
            cells.join("  "),
            self.ago(oldest),
            self.ago(seen)
        )
    }

    fn ago(&self, at: Option<Timestamp>) -> String {
        at.map_or_else(|| "-".to_owned(), |at| age(at, self.now))
    }

    fn advice(&self, key: &KeyId) -> String {
        let (id, active) = (key.as_str(), self.active().as_str());
        let rows = self.usage.rows_under(key);
        if !self.ring.contains(key) {
            return format!(
                "The ring lacks `{id}`: what is stored under it does not open. Put it back. If it is lost for good, \
                 `countersign keys give-up {id}` lets replicas start without it."
            );
        }
        if rows > 0 {
            return format!(
                "`{id}` is needed: `countersign keys reseal` seals {rows} row(s) under `{active}`."
            );
        }
        if self.noted(key).is_some() {
            return format!(
                "`{id}` is needed until `countersign keys reseal` has found nothing under it: it takes the key out of use."
            );
        }
        format!(
            "Nothing is stored under `{id}`. If it is the next key, leave it in the ring. If it was active before, it may leave \
             the ring 10 minutes after the last replica was restarted with `{active}` active: until then, open challenges and \
             their codes need it. Keep it in the vault for as long as you may restore a backup from before now."
        )
    }
}

impl fmt::Display for KeyUsageReport<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<12}  {:<7}", "KEY", "IN RING")?;
        for table in SealedTable::ALL {
            write!(f, "  {}", heading(table))?;
        }
        writeln!(f, "  {:<8}  SEEN ACTIVE", "OLDEST")?;
        for key in self.keys() {
            writeln!(f, "{}", self.row(key))?;
        }
        let others: Vec<&KeyId> = self.keys().into_iter().skip(1).collect();
        if !others.is_empty() {
            writeln!(f)?;
        }
        for key in others {
            writeln!(f, "{}", self.advice(key))?;
        }
        if !self.usage.unusable().is_empty() {
            writeln!(f, "\nRows that can't be opened:")?;
        }
        for row in self.usage.unusable() {
            writeln!(f, "  {row}")?;
        }
        match self.usage.unnamed() {
            0 => Ok(()),
            more => writeln!(f, "  and {more} more"),
        }
    }
}

const fn heading(table: SealedTable) -> &'static str {
    match table {
        SealedTable::Accounts => "ACCOUNTS",
        SealedTable::Policies => "POLICIES",
        SealedTable::Outbox => "NOTICES",
        SealedTable::IdempotencyRecords => "ANSWERS",
        SealedTable::EndedChallenges => "ENDED CHALLENGES",
    }
}
