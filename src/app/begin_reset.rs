//! `BeginReset`: a user who can't sign in asks for a reset, or, once its hold is over, for the code that confirms it.
//!
//! Several users may share an address, and whoever asks is told nothing: one read, the same for everyone, and the answer.
//! What follows from it runs beside (A14).

use crate::{
    app::{
        App, Call, Context, Error, Repeatable, call::same_call, commit::TRIES, error::committed,
        issue_challenge::Draft, notices::News,
    },
    ports::{AccountLookup, Committed},
};
use countersign_domain::{
    account::Account,
    caller::Caller,
    challenge::Purpose,
    change::{Base, Change, Made, Write},
    destination::Email,
    event::{EventKind, Facts},
    id::{ChallengeId, ResetId, Subject, TenantId, UserId},
    message::{Notice, NoticeKind, ResetNews},
    refusal::Refusal,
    reset::{Asked, Login, Reset, asked},
    time::Timestamp,
};
use std::sync::Arc;

/// What a caller asks for on behalf of somebody who can't sign in.
pub struct ResetAsked {
    /// Who asks.
    pub caller: Arc<Caller>,
    /// In which company.
    pub tenant: TenantId,
    /// Whose: a login or an address.
    pub whose: Result<UserId, Email>,
    /// The caller's word that the password can't be reset by a mail to the same address.
    pub independent: bool,
    /// What makes a repeat harmless.
    pub repeatable: Option<Repeatable>,
    /// What is known of the person's client.
    pub context: Context,
}

impl App {
    /// Begins resets, or mails their codes, for whoever the login or the address is of.
    ///
    /// # Errors
    /// [`Error::Unavailable`] and [`Error::Busy`], whoever is asked for.
    pub async fn begin_reset(self: &Arc<Self>, asked: ResetAsked) -> Result<(), Error> {
        self.gate.pass()?;
        let login = match &asked.whose {
            Ok(user) => Login::User(user.clone()),
            Err(email) => Login::Email(self.email_tag(&asked.tenant, email)),
        };
        let users = self.accounts().logins(&asked.tenant, &login).await?;
        let caller = asked.caller.name.clone();
        self.begun(&caller, move |app| async move {
            for user in users {
                app.ask_for_reset_of(&asked, user).await;
            }
        })
    }

    /// Nobody waits for what comes of it, so that a failure is for the log.
    async fn ask_for_reset_of(&self, asked: &ResetAsked, user: UserId) {
        let call = call_for(asked, user);
        match self.ask_for_reset(&call, asked.independent).await {
            Ok(()) => {}
            Err(error) if is_expected(&error) => {
                tracing::info!(%error, "a reset that was asked for came to nothing");
            }
            Err(error) => {
                tracing::warn!(%error, "a reset that was asked for came to nothing");
            }
        }
    }

    /// The digest by which users of a tenant are found who have this address.
    pub(super) fn email_tag(&self, tenant: &TenantId, email: &Email) -> [u8; 16] {
        let address = countersign_domain::destination::Destination::Email(email.clone()).bucket();
        let fields: [&[u8]; 3] = [b"email", tenant.as_str().as_bytes(), address.as_bytes()];
        self.parts.keys.request_tag(&fields)
    }

    async fn ask_for_reset(&self, call: &Call, independent: bool) -> Result<(), Error> {
        let now = self.now();
        let mark = self.mark(call);
        let loaded = self
            .accounts()
            .load(&call.who, AccountLookup::of_request(mark))
            .await?;
        if same_call(loaded.receipt, mark)?.is_some() {
            return Ok(());
        }
        let account = loaded.account.ok_or(Error::UserNotFound)?;
        match asked(&account, &self.policy(&account).rules, independent, now) {
            Asked::Nothing => Ok(()),
            Asked::Begin(due_at) => {
                let reset = Reset::begun(self.new_id(), account.epoch, (now, due_at));
                let change = self.resetting_later(call, &account, reset, now)?;
                committed(self.commit(&change).await?)?;
                self.bells.ring();
                Ok(())
            }
            Asked::Confirm(reset) => self.mail_reset_code(call, &account, reset, now).await,
        }
    }

    /// The code of a reset whose hold is over goes to the address on file, like that of any challenge.
    async fn mail_reset_code(
        &self,
        call: &Call,
        account: &Account,
        reset: Reset,
        now: Timestamp,
    ) -> Result<(), Error> {
        // Whoever asks this caller again, a stranger perhaps, makes no code void that the owner may be typing.
        if let Some(mailed) = reset.challenge
            && self.mailed_again(call, mailed).await?
        {
            return Ok(());
        }
        let asks = self.asks_for_address(account)?;
        let send = self.send_charge(&asks, true);
        let purpose = Purpose::Reset(reset.id);
        let challenge = self.challenge(call, account, (purpose, asks), None, now)?;
        let mark = self.mark(call);
        let reserved = self.reserve(&challenge, send, mark, now).await?;
        let draft = Draft {
            challenge,
            send,
            instead_of: None,
        };
        let posted = self
            .post(call, account, draft, (reserved, mark, now))
            .await?;
        let code_of = (reset.id, posted.challenge.id);
        self.keep_reset_code(call, account.clone(), code_of).await?;
        self.deliver_code(call, posted).await.map(drop)
    }

    /// Mails the code of a challenge once more; says whether it was open, in short-lived memory and on record.
    async fn mailed_again(&self, call: &Call, mailed: ChallengeId) -> Result<bool, Error> {
        if self.ended(call, mailed).await?.is_some() {
            return Ok(false);
        }
        match self.resend(call, mailed).await {
            Ok(_) => Ok(true),
            Err(Error::ChallengeNotFound | Error::Refused(Refusal::ChallengeOver)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The challenge is open and its message is charged by now: so another change does not keep the code from its reset,
    /// unless it has ended that.
    async fn keep_reset_code(
        &self,
        call: &Call,
        mut account: Account,
        (reset, challenge): (ResetId, ChallengeId),
    ) -> Result<(), Error> {
        for _ in 0..TRIES {
            let now = self.now();
            let written = (
                Write::MailResetCode(reset, challenge),
                EventKind::ResetCodeMailed,
            );
            let change = self.reset_change(call, &account, written, now)?;
            match self.commit(&change).await? {
                Committed::ChangedConcurrently => account = self.account(call).await?,
                outcome => return committed(outcome),
            }
            let rules = self.policy(&account).rules;
            let kept = account.reset.as_ref();
            let kept = kept.filter(|kept| kept.id == reset);
            if !kept.is_some_and(|kept| kept.is_due(account.epoch, &rules, now)) {
                break;
            }
        }
        Err(Error::ChangedConcurrently)
    }

    fn resetting_later(
        &self,
        call: &Call,
        account: &Account,
        reset: Reset,
        now: Timestamp,
    ) -> Result<Change, Error> {
        let notice = Notice {
            reset: Some(ResetNews {
                user: account.subject.user.clone(),
                due_at: reset.due_at,
                cancel_token: self.cancel_token(&account.subject, &reset).expose(),
            }),
            ..Notice::of(NoticeKind::ResetBegun, now)
        };
        let News { notices, .. } = self.news(account, [], &notice)?;
        let written = (Write::BeginReset(reset), EventKind::ResetBegun);
        Ok(Change {
            notices,
            ..self.reset_change(call, account, written, now)?
        })
    }

    /// A change of a reset, and of nothing else.
    pub(super) fn reset_change(
        &self,
        call: &Call,
        account: &Account,
        (write, kind): (Write, EventKind),
        now: Timestamp,
    ) -> Result<Change, Error> {
        Ok(Change {
            subject: call.who.clone(),
            base: Base::Present(account.epoch, account.revision),
            epoch: account.epoch,
            now,
            spends: Vec::new(),
            writes: vec![write],
            event: self.event(call, &self.user_key(account)?, kind, Facts::none(), now),
            notices: Vec::new(),
            receipt: self.receipt(call, Made::Nothing, &super::call::Shown::default(), now),
        })
    }

    pub(super) fn cancel_token(
        &self,
        who: &Subject,
        reset: &Reset,
    ) -> countersign_domain::reset::CancelToken {
        reset.cancel_token(who, |fields| self.parts.keys.request_tag(fields))
    }
}

/// Whether it tells of what was asked, and of nothing that an operator has to look after.
const fn is_expected(error: &Error) -> bool {
    matches!(
        error,
        Error::UserNotFound
            | Error::Refused(_)
            | Error::TooManySends { .. }
            | Error::RequestIdReused
            | Error::RequestInFlight
            | Error::ChangedConcurrently
    )
}

/// The call, as it is for one of the users.
fn call_for(asked: &ResetAsked, user: UserId) -> Call {
    Call {
        caller: Arc::clone(&asked.caller),
        who: Subject {
            tenant: asked.tenant.clone(),
            user,
        },
        repeatable: asked.repeatable.as_ref().map(|repeatable| Repeatable {
            rpc: repeatable.rpc,
            id: repeatable.id.clone(),
            payload: repeatable.payload.clone(),
        }),
        context: asked.context.without_device(),
        acting: None,
    }
}
