//! Looking through the users of a tenant, a few calls at a time: connections are left for whoever signs in.

use crate::{
    app::{App, Error},
    ports::{Scan, Scanned},
};
use tokio::sync::{Semaphore, SemaphorePermit};

/// How many scans one process has under way.
const AT_ONCE: usize = 4;

/// The places of scans.
pub(super) struct Scans(Semaphore);

impl Default for Scans {
    fn default() -> Self {
        Self(Semaphore::new(AT_ONCE))
    }
}

impl App {
    /// The next users of a tenant.
    pub(super) async fn scan(&self, scan: &Scan) -> Result<Vec<Scanned>, Error> {
        let _place = self.place_to_scan()?;
        Ok(self.accounts().scan(scan).await?)
    }

    /// A place, if there is one now; else the caller comes again.
    pub(super) fn place_to_scan(&self) -> Result<SemaphorePermit<'_>, Error> {
        self.scans.0.try_acquire().map_err(|_| Error::Busy)
    }
}

#[cfg(test)]
mod tests {
    use super::{AT_ONCE, Scans};

    #[test]
    fn one_more_than_there_are_places_is_refused_until_one_ends() {
        let scans = Scans::default();
        let mut places: Vec<_> = (0..AT_ONCE)
            .map(|_| scans.0.try_acquire().unwrap())
            .collect();
        assert!(scans.0.try_acquire().is_err());
        places.pop();
        assert!(scans.0.try_acquire().is_ok());
    }
}
