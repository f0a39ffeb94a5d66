//! The recovery key that takes the place of one that signed in, as it is shown.

use crate::{
    app::{App, Call, Error, ShownCodes, call::Shown},
    ports::AccountLookup,
};
use countersign_domain::{
    account::Account,
    approval::{AnsweredBy, Approval},
    challenge::Challenge,
    profile::AccountName,
    recovery::Sheet,
};

impl App {
    /// The key that took the place of the one that answered: made by this call, or kept for a repeat of it.
    pub(super) async fn next_key_of(
        &self,
        call: &Call,
        approval: &Approval,
        made: Option<(Shown, &Challenge)>,
    ) -> Result<Option<ShownCodes>, Error> {
        if approval.answered_by != AnsweredBy::RecoveryKey {
            return Ok(None);
        }
        let mark = self.mark(call);
        let loaded = self
            .accounts()
            .load(&call.who, AccountLookup::of_request(mark))
            .await;
        if let Some((shown, challenge)) = made {
            let account = loaded.ok().and_then(|loaded| loaded.account);
            return Ok(Some(self.shown_key(account, (shown, challenge), approval)));
        }
        let loaded = loaded?;
        let (Some(account), Some(receipt)) = (loaded.account, loaded.receipt) else {
            return Ok(None);
        };
        let codes = self.shown(&call.who, &receipt)?.codes;
        let shown = self.shown_codes(call, &account, (codes, approval.at))?;
        Ok(Some(shown))
    }

    /// The old key is spent, so that the new one is shown even where nobody can say what the account is called.
    fn shown_key(
        &self,
        account: Option<Account>,
        (shown, challenge): (Shown, &Challenge),
        approval: &Approval,
    ) -> ShownCodes {
        let on_file = account.and_then(|account| self.on_file(&account).ok());
        let named = on_file.and_then(|on_file| on_file.profile.account_name);
        let user = challenge.subject.user.as_str();
        let sheet = Sheet {
            locale: challenge.locale.as_deref(),
            company: &self.parts.display_names.of(&challenge.subject.tenant),
            account: named.as_ref().map_or(user, AccountName::as_str),
            made_at: approval.at,
        };
        ShownCodes::of(shown.codes, &sheet)
    }
}
