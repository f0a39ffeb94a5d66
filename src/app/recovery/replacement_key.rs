//! Recovery keys that replace a used one, formatted for display.

use crate::app::{
    DisplayedRecoveryCodes, Error,
    context::{CallContext, OpenedAccount},
    recovery::recovery_codes::RecoveryCodePrinter,
    replayed_response::ReplayedResponse,
    use_case_runner::{LoadedUser, UseCaseRunner},
};
use countersign_domain::{
    challenge::{Challenge, answered_by::AnsweredBy, approval::Approval},
    recovery::PrintableRecoveryCodes,
};
use std::sync::Arc;

/// Formats recovery keys that replace a used one.
pub(crate) struct ReplacementKeys {
    pub(crate) requests: Arc<UseCaseRunner>,
    pub(crate) printer: RecoveryCodePrinter,
}

impl ReplacementKeys {
    /// The key that this call created. The old key is spent, so the new one is returned even if the profile can't be
    /// loaded.
    pub(crate) async fn recovery_codes_of(
        &self,
        call: &CallContext,
        challenge: &Challenge,
        approval: &Approval,
        response: ReplayedResponse,
    ) -> Result<Option<DisplayedRecoveryCodes>, Error> {
        if approval.answered_by != AnsweredBy::RecoveryKey {
            return Ok(None);
        }
        let loaded = self.requests.load_user(call, None).await;
        let user = loaded.ok().and_then(|loaded| loaded.user);
        let user_id = challenge.subject.user.as_str();
        let printable = PrintableRecoveryCodes {
            locale: challenge.locale.as_deref(),
            company: &self.printer.company(&challenge.subject.tenant),
            account: user.as_ref().map_or(user_id, OpenedAccount::account_name),
            made_at: approval.at,
        };
        Ok(Some(DisplayedRecoveryCodes::of(response.codes, &printable)))
    }

    /// The key of an earlier call, from the idempotency record.
    pub(crate) async fn retained(
        &self,
        call: &CallContext,
        approval: &Approval,
    ) -> Result<Option<DisplayedRecoveryCodes>, Error> {
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
        let codes = self.requests.idempotency.open_answer(call, &record)?.codes;
        let printable = self.printer.display(call, &user, codes, approval.at);
        Ok(Some(printable))
    }
}
