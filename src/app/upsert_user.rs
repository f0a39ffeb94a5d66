//! `UpsertUser`: what the caller keeps on file of a user.

use crate::app::{App, Call, Error, UserView, call::same_call, error::committed};
use countersign_domain::{
    account::Account,
    change::{Base, Change, Made, Write},
    epoch::Epoch,
    event::{EventKind, Facts},
    malformed::Malformed,
    profile::{OnFile, ProfileUpdate},
    request::RequestMark,
    secret::SecretBytes,
    time::Timestamp,
};
use std::{sync::Arc, time::Duration};

/// How far a caller's clock may be ahead of ours.
const CLOCKS_DIFFER: Duration = Duration::from_secs(30);

impl App {
    /// Makes a user, or changes what is on file. No method moves with a changed address. A password that changed
    /// voids everything issued before.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn upsert_user(
        self: &Arc<Self>,
        call: Call,
        update: ProfileUpdate,
    ) -> Result<UserView, Error> {
        self.to_the_end(call, move |app, call| async move {
            app.upsert(&call, update).await
        })
        .await
    }

    async fn upsert(&self, call: &Call, update: ProfileUpdate) -> Result<UserView, Error> {
        let now = self.now();
        refuse_the_future(&update, now)?;
        let mark = self.mark(call);
        let loaded = self.accounts().load(&call.who, mark, now).await?;
        let repeated = same_call(loaded.receipt, mark)?.is_some();
        match loaded.account {
            Some(account) if repeated => self.user_view(&account),
            Some(account) => self.change_user(call, &account, update, (mark, now)).await,
            None if repeated => Err(Error::UserNotFound),
            None => self.make_user(call, update, (mark, now)).await,
        }
    }

    async fn make_user(
        &self,
        call: &Call,
        update: ProfileUpdate,
        (mark, now): (Option<RequestMark>, Timestamp),
    ) -> Result<UserView, Error> {
        let (on_file, _) = update.apply(&OnFile::default());
        let (user_key, sealed_key) = self.new_user_key(&call.who);
        let epoch = Epoch::first(u64::from_be_bytes(self.random()));
        let change = self.profile_change(
            call,
            (Base::Absent, epoch),
            &on_file,
            &user_key,
            (mark, now),
        );
        let mut writes = vec![Write::UserKey(sealed_key)];
        writes.extend(change.writes);
        committed(self.accounts().commit(&Change { writes, ..change }).await?)?;
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
        (mark, now): (Option<RequestMark>, Timestamp),
    ) -> Result<UserView, Error> {
        let (on_file, password_changed) = update.apply(&self.on_file(account)?);
        let base = Base::Present(account.epoch, account.revision);
        let epoch = if password_changed {
            account.epoch.grown()
        } else {
            account.epoch
        };
        let change = self.profile_change(
            call,
            (base, epoch),
            &on_file,
            &self.user_key(account)?,
            (mark, now),
        );
        committed(self.accounts().commit(&change).await?)?;
        Ok(UserView {
            on_file,
            updated_at: now,
            ..self.user_view(account)?
        })
    }

    fn profile_change(
        &self,
        call: &Call,
        (base, epoch): (Base, Epoch),
        on_file: &OnFile,
        user_key: &SecretBytes,
        (mark, now): (Option<RequestMark>, Timestamp),
    ) -> Change {
        let facts = Facts::none()
            .with("created", base == Base::Absent)
            .with("email_verified", on_file.email_verified);
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
            }],
            event: self.event(call, user_key, EventKind::UserUpserted, facts, now),
            notices: Vec::new(),
            receipt: Self::receipt(mark, Made::Nothing, None, now),
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
