//! The port to notifiers and providers of codes.

use async_trait::async_trait;
use countersign_domain::{
    account::AvailableChannels,
    challenge::provider_code::{
        ProviderCodeCheck, ProviderCodeRequest, ProviderCodeVerdict, ProviderName,
    },
    notice::message::{DeliveryResult, OutboundMessage},
    value::destination::Destination,
};

/// Delivers messages and provider codes.
#[async_trait]
pub trait Notifier: Send + Sync {
    /// The channels that a notifier serves.
    fn served(&self) -> AvailableChannels;
    /// Whether a notifier serves a destination.
    fn reaches(&self, destination: &Destination) -> bool {
        self.served().goes_by(destination.channel())
    }
    /// Hands one message to a notifier. Always returns within its deadline.
    async fn deliver(&self, message: &OutboundMessage) -> DeliveryResult;
    /// The provider that owns the next code to a destination; `None` if we own the code.
    fn code_owner(&self, _: &Destination) -> Option<ProviderName> {
        None
    }
    /// Asks a provider to send its code. Always returns within its deadline.
    async fn start(&self, _: &ProviderCodeRequest) -> DeliveryResult {
        DeliveryResult::NotTaken
    }
    /// Asks a provider to check a code. Always returns within its deadline.
    async fn check(
        &self,
        _: &ProviderCodeCheck<'_>,
    ) -> Result<ProviderCodeVerdict, ProviderUnavailable> {
        Err(ProviderUnavailable)
    }
}

/// The provider of a code did not say whether it is correct. The cause is in the log, with the provider's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the provider that checks this code did not answer: repeat the call with the same request_id"
)]
pub struct ProviderUnavailable;
