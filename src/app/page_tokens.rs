//! Page tokens: the position in a list, sealed for exactly that list.

use crate::app::{
    Error,
    sealing::{ValueSealing, encode},
};
use countersign_domain::{
    account::directory::UserFilter,
    decisions::simulation::SimulationCounts,
    policy::PolicyOverride,
    value::{
        id::{ChallengeId, Subject, TenantId, UserId},
        malformed::{InvalidField, MalformedValue},
        secret::{SealedBytes, SealingContext},
    },
};
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// Where a simulation stopped.
#[derive(Serialize, Deserialize)]
pub(super) struct SimulationCursor {
    pub(super) last_user: UserId,
    /// Counts up to and including `last_user`.
    pub(super) totals: SimulationCounts,
}

/// Where a page of an export stopped.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
pub(super) struct ExportCursor {
    /// The row of the last event; 0 before the first.
    pub(super) last_event_row: i64,
    pub(super) last_challenge: Option<ChallengeId>,
}

/// Creates and reads page tokens.
#[derive(Clone)]
pub(super) struct PageTokens {
    sealing: ValueSealing,
}

impl PageTokens {
    pub(super) const fn new(sealing: ValueSealing) -> Self {
        Self { sealing }
    }

    /// Creates the token of the page that starts after user `last`.
    pub(super) fn list_page_token(
        &self,
        tenant: &TenantId,
        filter: &UserFilter,
        last: &UserId,
    ) -> String {
        let which = encode(&("users", filter));
        self.page_token(SealingContext::ListPage(tenant, &which), last)
    }

    /// The user after whom the page starts; `None` for the first page.
    pub(super) fn end_of_list_page(
        &self,
        tenant: &TenantId,
        filter: &UserFilter,
        token: &str,
    ) -> Result<Option<UserId>, Error> {
        let which = encode(&("users", filter));
        self.end_of_page(SealingContext::ListPage(tenant, &which), token)
    }

    /// Creates the token that continues a simulation.
    pub(super) fn simulation_token(
        &self,
        tenant: &TenantId,
        simulated: &PolicyOverride,
        end: &SimulationCursor,
    ) -> String {
        let which = encode(&("simulation", simulated));
        self.page_token(SealingContext::ListPage(tenant, &which), end)
    }

    /// Where the simulation continues; `None` at its start.
    pub(super) fn end_of_simulation(
        &self,
        tenant: &TenantId,
        simulated: &PolicyOverride,
        token: &str,
    ) -> Result<Option<SimulationCursor>, Error> {
        let which = encode(&("simulation", simulated));
        self.end_of_page(SealingContext::ListPage(tenant, &which), token)
    }

    /// Creates the token of the next page of an export.
    pub(super) fn export_page_token(&self, subject: &Subject, end: &ExportCursor) -> String {
        self.page_token(SealingContext::ExportPage(subject), end)
    }

    /// Where the page of an export starts; `None` for the first page.
    pub(super) fn end_of_export_page(
        &self,
        subject: &Subject,
        token: &str,
    ) -> Result<Option<ExportCursor>, Error> {
        self.end_of_page(SealingContext::ExportPage(subject), token)
    }

    fn page_token(&self, list: SealingContext<'_>, end: &impl Serialize) -> String {
        BASE64URL_NOPAD.encode(self.sealing.seal(list, end).as_bytes())
    }

    /// A token that can't be opened is reported as malformed, whatever the reason. The caller starts again at the first
    /// page.
    fn end_of_page<T: DeserializeOwned>(
        &self,
        list: SealingContext<'_>,
        token: &str,
    ) -> Result<Option<T>, Error> {
        const MALFORMED: InvalidField = InvalidField {
            field: "page_token",
            why: MalformedValue::NotAPageToken,
        };
        if token.is_empty() {
            return Ok(None);
        }
        let bytes = BASE64URL_NOPAD.decode(token.as_bytes());
        let sealed = SealedBytes::from_bytes(bytes.map_err(|_| MALFORMED)?);
        let end = self.sealing.open(list, &sealed).map_err(|_| MALFORMED)?;
        Ok(Some(end))
    }
}
