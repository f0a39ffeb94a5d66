//! The budgets of `BeginReset`. They are charged before the response, alike for every login, whether a user has it or
//! not.

use crate::{
    app::{Error, randomness::Randomness, recovery::reset_request::ResetRequest},
    ports::{BudgetBucket, BudgetStore, KeyService},
};
use countersign_domain::{
    limits::budget::{BudgetOwner, BudgetTag, RateLimitWindows},
    recovery::reset::{
        RESETS_PER_ADDRESS, RESETS_PER_CALLER, RESETS_PER_LOGIN, RESETS_PER_TENANT,
        RESETS_WITHOUT_ADDRESS,
    },
    value::{destination::Destination, time::Timestamp},
};
use std::sync::Arc;

/// Charges requests for resets.
pub(crate) struct ResetBudgets {
    pub(crate) budgets: Arc<dyn BudgetStore>,
    pub(crate) keys: Arc<dyn KeyService>,
    pub(crate) randomness: Randomness,
}

impl ResetBudgets {
    /// Charges the budgets of the caller, the tenant, the address and the login. A repeat is not charged again.
    ///
    /// # Errors
    /// [`Error::TooManySends`] if one of them is used up.
    pub(crate) async fn charge(&self, request: &ResetRequest, now: Timestamp) -> Result<(), Error> {
        let charge = self.charge_id(request);
        let buckets = self
            .budgets(request)
            .map(|(owner, of, windows)| BudgetBucket {
                owner,
                of,
                windows,
                charge,
            });
        let charged = self.budgets.charge(&buckets, now).await?;
        charged.map_err(|full| Error::too_many_sends(full.until, now))?;
        Ok(())
    }

    fn budgets(&self, request: &ResetRequest) -> [(BudgetOwner, BudgetTag, RateLimitWindows); 4] {
        let tenant = request.tenant.as_str();
        let login = match &request.whose {
            Ok(user) => format!("user {}", user.folded()),
            Err(email) => format!("email {}", Destination::Email(email.clone()).bucket()),
        };
        let address = request.context.client_address;
        let (address, of_address) = address.map_or_else(
            || ("unknown".to_owned(), RESETS_WITHOUT_ADDRESS),
            |address| (address.to_string(), RESETS_PER_ADDRESS),
        );
        let keys = &self.keys;
        let owner = keys.budget_owner(&request.tenant);
        let of_caller = keys.budget_tag(&["resets of caller", request.caller.name.as_str()]);
        let of_tenant = keys.budget_tag(&["resets", tenant]);
        let address = keys.budget_tag(&["resets from", tenant, &address]);
        let login = keys.budget_tag(&["resets of login", tenant, &login]);
        [
            (BudgetOwner(of_caller.0), of_caller, RESETS_PER_CALLER),
            (owner, of_tenant, RESETS_PER_TENANT),
            (owner, address, of_address),
            (owner, login, RESETS_PER_LOGIN),
        ]
    }

    /// Identifies the call. The payload is part of it: another login under the same request id is another charge.
    fn charge_id(&self, request: &ResetRequest) -> [u8; 16] {
        let Some(identity) = &request.request_identity else {
            return self.randomness.bytes();
        };
        self.keys.request_tag(&[
            b"charge of a reset",
            request.caller.name.as_str().as_bytes(),
            request.tenant.as_str().as_bytes(),
            identity.id.as_str().as_bytes(),
            &identity.payload,
        ])
    }
}
