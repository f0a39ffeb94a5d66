//! `UpsertUser`: what the caller keeps on file of a user.

use crate::{
    app::{
        App, Call, Confirmation, Error, UserView,
        call::{Shown, same_call},
        error::committed,
        notices::News,
    },
    ports::AccountLookup,
};
use countersign_domain::{
    account::Account,
    change::{Base, Change, Made, Write},
    epoch::Epoch,
    event::{EventKind, Facts},
    malformed::Malformed,
    message::{Notice, NoticeKind},
    policy::Layer,
    profile::{OnFile, ProfileUpdate},
    secret::SecretBytes,
    time::Timestamp,
};
use std::{sync::Arc, time::Duration};

/// How far a caller's clock may be ahead of ours.
const CLOCKS_DIFFER: Duration = Duration::from_secs(30);

impl App {
    /// Makes a user, or changes what is on file. No method moves with a changed address. A password that changed
    /// voids everything issued before. Tells who hears of it: of another address or number on file, and of nothing else.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn upsert_user(
        self: &Arc<Self>,
        call: Call,
        update: ProfileUpdate,
    ) -> Result<(UserView, Vec<Confirmation>), Error> {
        self.to_the_end(call, move |app, call| async move {
            app.upsert(&call, update).await
        })
        .await
    }

    async fn upsert(
        &self,
        call: &Call,
        update: ProfileUpdate,
    ) -> Result<(UserView, Vec<Confirmation>), Error> {
        let now = self.now();
        refuse_the_future(&update, now)?;
        let mark = self.mark(call);
        let loaded = self
            .accounts()
            .load(&call.who, AccountLookup::of_request(mark))
            .await?;
        let repeated = same_call(loaded.receipt, mark)?;
        match (loaded.account, repeated) {
            (Some(account), Some(receipt)) => {
                let confirmations = self.shown(&call.who, &receipt)?.confirmations;
                Ok((self.user_view(&account)?, confirmations))
            }
            (Some(account), None) => self.change_user(call, &account, update, now).await,
            (None, Some(_)) => Err(Error::UserNotFound),
            (None, None) => {
                let base = self.base_of_new(&loaded.tenant_layer);
                let made = self.make_user(call, update, (base, now)).await?;
                Ok((made, Vec::new()))
            }
        }
    }

    /// Whether a user may be made beside one whose id differs only in case.
    fn base_of_new(&self, tenant_layer: &Layer) -> Base {
        if self.policy_under(tenant_layer).rules.case_sensitive_ids {
            Base::AbsentToTheCase
        } else {
            Base::Absent
        }
    }

    async fn make_user(
        &self,
        call: &Call,
        update: ProfileUpdate,
        (base, now): (Base, Timestamp),
    ) -> Result<UserView, Error> {
        let (on_file, _) = update.apply(&OnFile::default());
        let (user_key, sealed_key) = self.new_user_key(&call.who);
        let epoch = Epoch::first(u64::from_be_bytes(self.random()));
        let change =
            self.profile_change(call, (base, epoch), (&on_file, &user_key), (now, Some(now)));
        let mut writes = vec![Write::UserKey(sealed_key)];
        writes.extend(change.writes);
        committed(self.commit(&Change { writes, ..change }).await?)?;
        Ok(UserView {
            subject: call.who.clone(),
            on_file,
            two_factor_enabled: false,
            created_at: now,
            updated_at: now,
        })
    }

    async fn change_user(
        &self,
        call: &Call,
        account: &Account,
        update: ProfileUpdate,
        now: Timestamp,
    ) -> Result<(UserView, Vec<Confirmation>), Error> {
        let before = self.on_file(account)?;
        let (on_file, password_changed) = update.apply(&before);
        let base = Base::Present(account.epoch, account.revision);
        let epoch = if password_changed {
            account.epoch.grown()
        } else {
            account.epoch
        };
        let News {
            notices,
            confirmations,
        } = self.news_of_address(account, (&before, &on_file), now)?;
        let shown = Shown {
            confirmations,
            ..Shown::default()
        };
        let user_key = self.user_key(account)?;
        let moved = (on_file.email_version != before.email_version).then_some(now);
        let change = self.profile_change(call, (base, epoch), (&on_file, &user_key), (now, moved));
        let cancelled = moved.and(account.reset.as_ref());
        let cancelled = cancelled.filter(|reset| reset.is_pending(account.epoch, now));
        let cancels = cancelled.map(|reset| Write::CancelReset(reset.id));
        let of_reset = if moved.is_some() || password_changed {
            self.news_of_ended_reset(account, now)?
        } else {
            Vec::new()
        };
        let change = Change {
            notices: notices.into_iter().chain(of_reset).collect(),
            writes: change.writes.iter().cloned().chain(cancels).collect(),
            receipt: self.receipt(call, Made::Nothing, &shown, now),
            ..change
        };
        committed(self.commit(&change).await?)?;
        self.bells.ring();
        let view = UserView {
            on_file,
            updated_at: now,
            ..self.user_view(account)?
        };
        Ok((view, shown.confirmations))
    }

    /// An address that nobody verified hears nothing: it may be a stranger's.
    fn news_of_address(
        &self,
        account: &Account,
        (before, after): (&OnFile, &OnFile),
        now: Timestamp,
    ) -> Result<News, Error> {
        if !after.moved_since(before) {
            return Ok(News::default());
        }
        let notice = Notice::of(NoticeKind::AddressChanged, now);
        self.news(account, after.verified(), &notice)
    }

    fn profile_change(
        &self,
        call: &Call,
        (base, epoch): (Base, Epoch),
        (on_file, user_key): (&OnFile, &SecretBytes),
        (now, email_since): (Timestamp, Option<Timestamp>),
    ) -> Change {
        let email = on_file.profile.email.as_ref();
        let facts = Facts::none()
            .with("created", !matches!(base, Base::Present(..)))
            .with("email_verified", on_file.email_verified);
        let facts = match &on_file.profile.grace {
            Some(grace) => facts.with("grace_until", grace.until.seconds()),
            None => facts,
        };
        Change {
            subject: call.who.clone(),
            base,
            epoch,
            now,
            spends: Vec::new(),
            writes: vec![Write::Profile {
                profile: self.seal_profile(&call.who, &on_file.profile),
                email_verified: on_file.email_verified,
                email_version: on_file.email_version,
                email_tag: email.map(|email| self.email_tag(&call.who.tenant, email)),
                email_since,
            }],
            event: self.event(call, user_key, EventKind::UserUpserted, facts, now),
            notices: Vec::new(),
            receipt: self.receipt(call, Made::Nothing, &Shown::default(), now),
        }
    }
}

/// A password that is still to change would let every change before that instant pass unnoticed.
fn refuse_the_future(update: &ProfileUpdate, now: Timestamp) -> Result<(), Error> {
    let changed_at = update.password_changed_at.flatten();
    if changed_at.is_some_and(|at| at > now.plus(CLOCKS_DIFFER)) {
        return Err(Malformed::InTheFuture
            .at("profile.password_changed_time")
            .into());
    }
    Ok(())
}
