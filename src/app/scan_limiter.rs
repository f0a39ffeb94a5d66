//! Limits concurrent scans over the users of a tenant, so that sign-ins keep database connections.

use crate::{
    app::Error,
    ports::{AccountStore, DirectoryScan, ScannedUser},
};
use std::sync::Arc;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Concurrent scans of one process.
const MAX_CONCURRENT_SCANS: usize = 4;

pub(super) struct ScanLimiter {
    accounts: Arc<dyn AccountStore>,
    permits: Semaphore,
}

impl ScanLimiter {
    pub(super) fn new(accounts: Arc<dyn AccountStore>) -> Self {
        Self {
            accounts,
            permits: scan_permits(),
        }
    }

    /// Reads the next users of a tenant.
    pub(super) async fn scan(&self, scan: &DirectoryScan) -> Result<Vec<ScannedUser>, Error> {
        let _permit = self.permit()?;
        Ok(self.accounts.scan(scan).await?)
    }

    /// Takes a permit, or fails with [`Error::Busy`] if none is free.
    pub(super) fn permit(&self) -> Result<SemaphorePermit<'_>, Error> {
        self.permits.try_acquire().map_err(|_| Error::Busy)
    }
}

fn scan_permits() -> Semaphore {
    Semaphore::new(MAX_CONCURRENT_SCANS)
}

#[cfg(test)]
mod tests {
    use super::{MAX_CONCURRENT_SCANS, scan_permits};

    #[test]
    fn one_more_than_there_are_places_is_refused_until_one_ends() {
        let scans = scan_permits();
        let mut places: Vec<_> = (0..MAX_CONCURRENT_SCANS)
            .map(|_| scans.try_acquire().unwrap())
            .collect();
        assert!(scans.try_acquire().is_err());
        places.pop();
        assert!(scans.try_acquire().is_ok());
    }
}
