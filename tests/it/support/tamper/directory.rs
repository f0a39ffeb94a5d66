//! The directory of stores with a flaw: it hangs with the rest, or has none.

use super::{HangingAccounts, TamperedAccounts};
use async_trait::async_trait;
use countersign::ports::{AskRecords, Directory, Records, Scan, Scanned, Stored};
use countersign_domain::id::TenantId;
use std::sync::atomic::Ordering;

#[async_trait]
impl Directory for HangingAccounts {
    async fn scan(&self, _: &Scan) -> Stored<Vec<Scanned>> {
        std::future::pending().await
    }
    async fn count_users(&self, _: &TenantId, _: u32) -> Stored<Option<u32>> {
        std::future::pending().await
    }
    async fn records(&self, _: &AskRecords) -> Stored<Records> {
        std::future::pending().await
    }
}

#[async_trait]
impl Directory for TamperedAccounts {
    async fn scan(&self, scan: &Scan) -> Stored<Vec<Scanned>> {
        self.count();
        if self.scans_hang.load(Ordering::SeqCst) {
            return std::future::pending().await;
        }
        self.inner.scan(scan).await
    }
    async fn count_users(&self, tenant: &TenantId, at_most: u32) -> Stored<Option<u32>> {
        self.inner.count_users(tenant, at_most).await
    }
    async fn records(&self, ask: &AskRecords) -> Stored<Records> {
        self.count();
        self.inner.records(ask).await
    }
}
