//! What is sealed under the key ring, row by row, and sealing it again under the active key.

use super::{DurableStore, StoreEngine};
use crate::{
    ports::{KeyInUse, ResealResult, ResealStore, RowPlace, SealedRow, SealedTable, StoreResult},
    store::record::{OperationOutcome, StoreOperation, is_unusable, rows::ReplacedValue},
};
use async_trait::async_trait;
use countersign_domain::value::{id::Subject, secret::KeyId, time::Timestamp};
use futures_util::future::join_all;
use std::{collections::BTreeSet, sync::Arc};

/// How many rows a page has: with 13 kB for the largest account, 3 MB at most.
const PAGE_SIZE: i64 = 250;

#[async_trait]
impl<E: StoreEngine> ResealStore for DurableStore<E> {
    async fn keys_in_use(&self) -> StoreResult<Vec<KeyInUse>> {
        self.read_keys_in_use().await
    }

    async fn use_active_key(&self, now: Timestamp) -> StoreResult<()> {
        self.add_active_key(now).await
    }

    async fn remove_sealing_keys(
        &self,
        unused: &BTreeSet<KeyId>,
        seen: &[KeyInUse],
    ) -> StoreResult<bool> {
        self.remove_keys_in_use(unused, seen).await
    }

    async fn estimate_rows(&self, table: SealedTable) -> StoreResult<u64> {
        let estimate = self.engine.estimate_rows(table).await?;
        Ok(u64::try_from(estimate).unwrap_or_default())
    }

    async fn sealed_rows(
        &self,
        table: SealedTable,
        after: &RowPlace,
    ) -> StoreResult<Vec<SealedRow>> {
        if table == SealedTable::Accounts {
            let rows = self.engine.accounts_after(after, PAGE_SIZE).await?;
            return Ok(rows
                .iter()
                .map(|row| self.sealing.sealed_account(row))
                .collect());
        }
        let rows = self.engine.values_after(table, after, PAGE_SIZE).await?;
        let rows = rows.into_iter();
        Ok(rows
            .map(|row| self.sealing.sealed_value(table, row))
            .collect())
    }

    async fn reseal(&self, table: SealedTable, rows: &[SealedRow]) -> StoreResult<ResealResult> {
        if table == SealedTable::Accounts {
            self.reseal_accounts(rows).await
        } else {
            self.reseal_values(table, rows).await
        }
    }
}

#[expect(private_bounds, reason = "the two engines live in this module")]
impl<E: StoreEngine> DurableStore<E> {
    /// Each account is sealed under the lock of its row, in the transactions that verdicts share.
    async fn reseal_accounts(&self, rows: &[SealedRow]) -> StoreResult<ResealResult> {
        let mut resealed = ResealResult::default();
        for outcome in join_all(rows.iter().map(|row| self.reseal_account(row))).await {
            match outcome {
                Ok(OperationOutcome::Resealed(was_old)) => resealed.saved += u64::from(was_old),
                Ok(OperationOutcome::Verdict(_) | OperationOutcome::Change(_)) => {
                    return Err(super::mixed_up(self.engine.name()));
                }
                Err(unavailable) if is_unusable(&unavailable) => {
                    resealed.unusable.push(unavailable.cause.to_string());
                }
                Err(unavailable) => return Err(unavailable),
            }
        }
        Ok(resealed)
    }

    async fn reseal_account(&self, row: &SealedRow) -> StoreResult<OperationOutcome> {
        let store = self.engine.name();
        let subject = Subject {
            tenant: super::tenant_id(store, &row.place.tenant)?,
            user: super::user_id(store, &row.place.user)?,
        };
        let operation = StoreOperation::reseal(Arc::new(subject), &self.sealing);
        self.engine.run(operation).await
    }

    async fn reseal_values(
        &self,
        table: SealedTable,
        rows: &[SealedRow],
    ) -> StoreResult<ResealResult> {
        let mut unusable = Vec::new();
        let mut values = Vec::with_capacity(rows.len());
        for row in rows {
            match self.sealing.reseal_value(table, row) {
                Ok(after) => values.push(ReplacedValue {
                    place: row.place.clone(),
                    before: row.value.clone(),
                    after,
                }),
                Err(why) => unusable.push(why),
            }
        }
        let saved = if values.is_empty() {
            0
        } else {
            self.engine.replace_values(table, values).await?
        };
        Ok(ResealResult { saved, unusable })
    }
}
