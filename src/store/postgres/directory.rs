//! The directory.

use crate::{
    ports::{AskRecords, Directory, Records, Scan, Scanned, Stored},
    store::{
        postgres::{NAME, PostgresAccounts},
        sql::{directory, rows},
    },
};
use async_trait::async_trait;
use countersign_domain::id::TenantId;
use std::sync::LazyLock;

static SCAN: LazyLock<String> =
    LazyLock::new(|| directory::scan_text(include_str!("scan.sql"), include_str!("load.sql")));

#[async_trait]
impl Directory for PostgresAccounts {
    async fn scan(&self, scan: &Scan) -> Stored<Vec<Scanned>> {
        let texts = self.read(SCAN.as_str(), &directory::scan(scan)).await?;
        rows::scanned(NAME, scan, &texts)
    }

    async fn count_users(&self, tenant: &TenantId, at_most: u32) -> Stored<Option<u32>> {
        let values = directory::count_users(tenant, at_most);
        let texts = self.read(directory::COUNT_USERS, &values).await?;
        rows::counted(NAME, at_most, &texts)
    }

    async fn records(&self, ask: &AskRecords) -> Stored<Records> {
        let values = directory::records(ask);
        let texts = self.read(include_str!("records.sql"), &values).await?;
        rows::records(NAME, ask, &texts)
    }
}
