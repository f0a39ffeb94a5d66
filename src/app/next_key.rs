//! The recovery key that takes the place of one that signed in, as it is shown.

use crate::app::{
    CallContext, Error, ShownCodes,
    call::Shown,
    recovery_codes::RecoveryCodePrinter,
    requests::{LoadedUser, Requests},
};
use countersign_domain::{
    approval::{AnsweredBy, Approval},
    challenge::Challenge,
    profile::AccountName,
    recovery::Sheet,
};
use std::sync::Arc;

/// Shows recovery keys that took the place of others.
pub(super) struct NextKeys {
    pub(super) requests: Arc<Requests>,
    pub(super) printer: RecoveryCodePrinter,
}

impl NextKeys {
    /// The key that this call made. The old key is spent, so that the new one is shown even where nobody can say what the
    /// account is called.
    pub(super) async fn made(
        &self,
        call: &CallContext,
        challenge: &Challenge,
        approval: &Approval,
        made: Shown,
    ) -> Result<Option<ShownCodes>, Error> {
        if approval.answered_by != AnsweredBy::RecoveryKey {
            return Ok(None);
        }
        let loaded = self.requests.load_user(call, None).await;
        let user = loaded.ok().and_then(|loaded| loaded.user);
        let named = user.and_then(|user| user.on_file.profile.account_name);
        let user_id = challenge.subject.user.as_str();
        let sheet = Sheet {
            locale: challenge.locale.as_deref(),
            company: &self.printer.company(&challenge.subject.tenant),
            account: named.as_ref().map_or(user_id, AccountName::as_str),
            made_at: approval.at,
        };
        Ok(Some(ShownCodes::of(made.codes, &sheet)))
    }

    /// The key that was kept for a repeat of the call.
    pub(super) async fn kept(
        &self,
        call: &CallContext,
        approval: &Approval,
    ) -> Result<Option<ShownCodes>, Error> {
        if approval.answered_by != AnsweredBy::RecoveryKey {
            return Ok(None);
        }
        let loaded = self.requests.load_user(call, call.idempotency).await?;
        let LoadedUser {
            user: Some(user),
            record: Some(record),
            ..
        } = loaded
        else {
            return Ok(None);
        };
        let codes = self.requests.idempotency.shown(call, &record)?.codes;
        let sheet = self.printer.shown(call, &user, codes, approval.at);
        Ok(Some(sheet))
    }
}
