//! Looking through the users of a tenant, a few calls at a time: connections are left for whoever signs in.

use crate::{
    app::Error,
    ports::{AccountStore, DirectoryScan, ScannedUser},
};
use std::sync::Arc;
use tokio::sync::{Semaphore, SemaphorePermit};

/// How many scans one process has under way.
const MAX_CONCURRENT_SCANS: usize = 4;

/// Scans, a bounded count at once.
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

    /// The next users of a tenant.
    pub(super) async fn scan(&self, scan: &DirectoryScan) -> Result<Vec<ScannedUser>, Error> {
        let _permit = self.permit()?;
        Ok(self.accounts.scan(scan).await?)
    }

    /// A permit, if there is one now; else the caller comes again.
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
