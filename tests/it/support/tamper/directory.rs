//! The directory of stores with a flaw: it hangs with the rest, or has none.

use super::{HangingAccounts, TamperedAccounts};
use async_trait::async_trait;
use countersign::ports::{
    DirectoryScan, RecordsQuery, ScannedUser, StoreResult, UserDirectory, UserRecords,
};
use countersign_domain::value::id::TenantId;
use std::sync::atomic::Ordering;

#[async_trait]
impl UserDirectory for HangingAccounts {
    async fn scan(&self, _: &DirectoryScan) -> StoreResult<Vec<ScannedUser>> {
        std::future::pending().await
    }
    async fn count_users(&self, _: &TenantId, _: u32) -> StoreResult<Option<u32>> {
        std::future::pending().await
    }
    async fn records(&self, _: &RecordsQuery) -> StoreResult<UserRecords> {
        std::future::pending().await
    }
}

#[async_trait]
impl UserDirectory for TamperedAccounts {
    async fn scan(&self, scan: &DirectoryScan) -> StoreResult<Vec<ScannedUser>> {
        self.count();
        if self.scans_hang.load(Ordering::SeqCst) {
            return std::future::pending().await;
        }
        self.inner.scan(scan).await
    }
    async fn count_users(&self, tenant: &TenantId, at_most: u32) -> StoreResult<Option<u32>> {
        self.inner.count_users(tenant, at_most).await
    }
    async fn records(&self, ask: &RecordsQuery) -> StoreResult<UserRecords> {
        self.count();
        self.inner.records(ask).await
    }
}
