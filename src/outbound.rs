//! The way to services that others run: how they are reached, what proves who calls, and whether one is passed over.
//! What is asked of them, and what their answers mean, is their clients' matter.

mod endpoint;
mod headers;

pub use endpoint::BadPeer;

use crate::config::EndpointConfig;
use countersign_domain::breaker::{Breaker, Patience, Permit, Report, Turn};
use std::{
    error::Error,
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;
use tonic::{
    Request, Status,
    metadata::{Ascii, MetadataValue},
    transport::Channel,
};

/// One service that another runs.
pub(crate) struct Peer {
    name: String,
    channel: Channel,
    bearer: Option<MetadataValue<Ascii>>,
    breaker: Mutex<Breaker>,
    /// What the breaker's time is counted from.
    began: Instant,
}

impl Peer {
    /// Over a connection that is opened when it is needed. `section` is the part of the configuration that names it, and
    /// `token_file` that section's own, for those that name none.
    pub(crate) fn new(
        section: &'static str,
        config: &EndpointConfig,
        token_file: Option<&PathBuf>,
        patience: Patience,
    ) -> Result<Self, BadPeer> {
        let token_file = config.token_file.as_ref().or(token_file);
        let bearer = token_file.map(|file| endpoint::bearer(section, file));
        Ok(Self {
            name: config.name().to_owned(),
            channel: endpoint::channel(section, config)?,
            bearer: bearer.transpose()?,
            breaker: Mutex::new(Breaker::new(patience)),
            began: Instant::now(),
        })
    }

    /// What it is called in the log.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The connection, for a stub.
    pub(crate) fn channel(&self) -> Channel {
        self.channel.clone()
    }

    /// A request with how long it may take, the token and the caller's trace.
    pub(crate) fn request<T>(&self, message: T, share: Duration) -> Request<T> {
        headers::with_headers(message, self.bearer.as_ref(), share)
    }

    /// Whether it is not passed over.
    pub(crate) fn is_admitted(&self) -> bool {
        self.breaker().admits(self.began.elapsed())
    }

    /// Lets a call through, if it is not passed over.
    pub(crate) fn admit(&self) -> Option<Permit> {
        self.breaker().admit(self.began.elapsed())
    }

    /// Hears what a call came to that was let through.
    pub(crate) fn report(&self, permit: Permit, report: Report) -> Option<Turn> {
        self.breaker().report(permit, report, self.began.elapsed())
    }

    /// A breaker is whole between any two of its methods, so that a panic elsewhere spoils nothing.
    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a status is there because of such an error on this side, and was not sent.
pub(crate) fn has_cause<E: Error + 'static>(status: &Status) -> bool {
    let mut cause = status.source();
    while let Some(error) = cause {
        if error.is::<E>() {
            return true;
        }
        cause = error.source();
    }
    false
}

/// The share of a deadline for the first of so many that are still to be tried.
pub(crate) fn share(ends: Instant, still_to_try: usize) -> Duration {
    let left = ends.saturating_duration_since(Instant::now());
    left / u32::try_from(still_to_try).unwrap_or(u32::MAX).max(1)
}
