//! Page tokens: where a list goes on, sealed for the list that it was given out for.

use crate::app::{
    Error, Sealing, export_user::EndOfPage, simulate_policy::EndOfSimulation, vault::encode,
};
use countersign_domain::{
    directory::Filter,
    id::{Subject, TenantId, UserId},
    malformed::{InvalidField, Malformed},
    policy::Layer,
    secret::{Sealed, SealedFor},
};
use data_encoding::BASE64URL_NOPAD;
use serde::{Serialize, de::DeserializeOwned};

/// Makes and reads page tokens.
#[derive(Clone)]
pub(super) struct PageTokens {
    sealing: Sealing,
}

impl PageTokens {
    pub(super) const fn new(sealing: Sealing) -> Self {
        Self { sealing }
    }

    /// What asks for the page of a list behind a user.
    pub(super) fn list_page_token(
        &self,
        tenant: &TenantId,
        filter: &Filter,
        last: &UserId,
    ) -> String {
        let which = encode(&("users", filter));
        self.page_token(SealedFor::ListPage(tenant, &which), last)
    }

    /// Behind which user a page begins; nothing for the first.
    pub(super) fn end_of_list_page(
        &self,
        tenant: &TenantId,
        filter: &Filter,
        token: &str,
    ) -> Result<Option<UserId>, Error> {
        let which = encode(&("users", filter));
        self.end_of_page(SealedFor::ListPage(tenant, &which), token)
    }

    /// What goes on with a simulation that was cut short.
    pub(super) fn simulation_token(
        &self,
        tenant: &TenantId,
        tried: &Layer,
        end: &EndOfSimulation,
    ) -> String {
        let which = encode(&("simulation", tried));
        self.page_token(SealedFor::ListPage(tenant, &which), end)
    }

    /// Where a simulation goes on; nothing if it begins.
    pub(super) fn end_of_simulation(
        &self,
        tenant: &TenantId,
        tried: &Layer,
        token: &str,
    ) -> Result<Option<EndOfSimulation>, Error> {
        let which = encode(&("simulation", tried));
        self.end_of_page(SealedFor::ListPage(tenant, &which), token)
    }

    /// What asks for the next page of an export.
    pub(super) fn export_page_token(&self, who: &Subject, end: &EndOfPage) -> String {
        self.page_token(SealedFor::ExportPage(who), end)
    }

    /// Where a page of an export begins; nothing for the first.
    pub(super) fn end_of_export_page(
        &self,
        who: &Subject,
        token: &str,
    ) -> Result<Option<EndOfPage>, Error> {
        self.end_of_page(SealedFor::ExportPage(who), token)
    }

    fn page_token(&self, list: SealedFor<'_>, end: &impl Serialize) -> String {
        BASE64URL_NOPAD.encode(self.sealing.seal(list, end).as_bytes())
    }

    /// A token that does not open is the caller's mistake, whatever is the matter with it: the list begins anew.
    fn end_of_page<T: DeserializeOwned>(
        &self,
        list: SealedFor<'_>,
        token: &str,
    ) -> Result<Option<T>, Error> {
        const MALFORMED: InvalidField = InvalidField {
            field: "page_token",
            why: Malformed::NotAPageToken,
        };
        if token.is_empty() {
            return Ok(None);
        }
        let bytes = BASE64URL_NOPAD.decode(token.as_bytes());
        let sealed = Sealed::from_bytes(bytes.map_err(|_| MALFORMED)?);
        let end = self.sealing.open(list, &sealed).map_err(|_| MALFORMED)?;
        Ok(Some(end))
    }
}
