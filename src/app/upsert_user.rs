//! `UpsertUser`: what the caller keeps on file of a user.

use crate::app::{
    Call, CallContext, Confirmation, Error, RequestContext, UserView,
    call::Shown,
    dependencies::UserDependencies,
    notices::News,
    requests::{LoadedUser, retry_conflicts},
};
use countersign_domain::{
    change::{Base, Change, Made, Write},
    epoch::Epoch,
    event::{EventKind, Facts},
    malformed::Malformed,
    message::{Notice, NoticeKind},
    profile::{OnFile, ProfileUpdate},
    time::Timestamp,
};
use std::{sync::Arc, time::Duration};

/// How far a caller's clock may be ahead of ours.
const CLOCKS_DIFFER: Duration = Duration::from_secs(30);

/// A user as they are on file, and who hears of the change.
pub struct UpsertedUser {
    /// The user.
    pub user: UserView,
    /// Where the news went, masked.
    pub confirmations: Vec<Confirmation>,
}

/// Makes a user, or changes what is on file. No method moves with a changed address. A password that changed
/// voids everything issued before. Tells who hears of it: of another address or number on file, and of nothing else.
///
/// # Errors
/// See [`Error`].
pub(crate) async fn upsert_user(
    deps: &Arc<UserDependencies>,
    call: Call,
    update: ProfileUpdate,
) -> Result<UpsertedUser, Error> {
    deps.requests
        .run(deps, call, |deps, call| async move {
            refuse_the_future(&update, call.now)?;
            retry_conflicts(|| upsert(&deps, &call, &update)).await
        })
        .await
}

/// Nothing if another change got in the way.
async fn upsert(
    deps: &UserDependencies,
    call: &Arc<CallContext>,
    update: &ProfileUpdate,
) -> Result<Option<UpsertedUser>, Error> {
    let mut loaded = deps.requests.load_user(call, call.idempotency).await?;
    match (loaded.record.take(), &loaded.user) {
        (Some(record), _) => {
            let context = loaded.context(call)?;
            Ok(Some(UpsertedUser {
                user: UserView::of(&context.user),
                confirmations: deps.idempotency.shown(call, &record)?.confirmations,
            }))
        }
        (None, Some(_)) => change_user(deps, &loaded.context(call)?, update.clone()).await,
        (None, None) => make_user(deps, call, &loaded, update.clone()).await,
    }
}

async fn make_user(
    deps: &UserDependencies,
    call: &CallContext,
    loaded: &LoadedUser,
    update: ProfileUpdate,
) -> Result<Option<UpsertedUser>, Error> {
    let now = loaded.now;
    let (on_file, _) = update.apply(&OnFile::default());
    let (user_key, sealed_key) = deps.sealing.new_user_key(&call.subject);
    let kind = EventKind::UserUpserted;
    let facts = profile_facts(&on_file, true);
    let change = Change {
        subject: call.subject.clone(),
        base: base_of_new(deps, call, loaded),
        epoch: Epoch::first(u64::from_be_bytes(deps.randomness.bytes())),
        now,
        spends: Vec::new(),
        writes: vec![
            Write::UserKey(sealed_key),
            profile_write(deps, call, &on_file, Some(now)),
        ],
        event: deps.events.event_at(call, &user_key, kind, facts, now),
        notices: Vec::new(),
        receipt: deps
            .idempotency
            .record_at(call, Made::Nothing, &Shown::default(), now),
    };
    let saved = deps.changes.save_or_conflict(&change).await?;
    Ok(saved.map(|()| UpsertedUser {
        user: UserView {
            subject: call.subject.clone(),
            on_file,
            two_factor_enabled: false,
            created_at: now,
            updated_at: now,
        },
        confirmations: Vec::new(),
    }))
}

/// Whether a user may be made beside one whose id differs only in case.
fn base_of_new(deps: &UserDependencies, call: &CallContext, loaded: &LoadedUser) -> Base {
    let tenant = &call.subject.tenant;
    let policy = deps.policies.policy(tenant, &loaded.tenant_layer);
    if policy.rules.case_sensitive_ids {
        Base::AbsentToTheCase
    } else {
        Base::Absent
    }
}

async fn change_user(
    deps: &UserDependencies,
    context: &RequestContext,
    update: ProfileUpdate,
) -> Result<Option<UpsertedUser>, Error> {
    let RequestContext { call, user, now } = context;
    let (account, before) = (&user.account, &user.on_file);
    let (on_file, password_changed) = update.apply(before);
    let News {
        mut notices,
        confirmations,
    } = news_of_address(deps, context, &on_file)?;
    let moved = (on_file.email_version != before.email_version).then_some(*now);
    if moved.is_some() || password_changed {
        notices.extend(deps.notices.news_of_ended_reset(user, *now)?);
    }
    let cancelled = moved.and(account.reset.as_ref());
    let cancelled = cancelled.filter(|reset| reset.is_pending(account.epoch, *now));
    let cancels = cancelled.map(|reset| Write::CancelReset(reset.id));
    let shown = Shown::of_confirmations(confirmations);
    let facts = profile_facts(&on_file, false);
    let unchanged = context.change(deps.events.event(context, EventKind::UserUpserted, facts));
    let change = Change {
        epoch: if password_changed {
            account.epoch.grown()
        } else {
            account.epoch
        },
        writes: [profile_write(deps, call, &on_file, moved)]
            .into_iter()
            .chain(cancels)
            .collect(),
        notices,
        receipt: deps.idempotency.record(context, Made::Nothing, &shown),
        ..unchanged
    };
    let saved = deps.changes.save_or_conflict(&change).await?;
    Ok(saved.map(|()| UpsertedUser {
        user: UserView {
            on_file,
            updated_at: *now,
            ..UserView::of(user)
        },
        confirmations: shown.confirmations,
    }))
}

/// An address that nobody verified hears nothing: it may be a stranger's.
fn news_of_address(
    deps: &UserDependencies,
    context: &RequestContext,
    after: &OnFile,
) -> Result<News, Error> {
    if !after.moved_since(&context.user.on_file) {
        return Ok(News::default());
    }
    let notice = Notice::of(NoticeKind::AddressChanged, context.now);
    deps.notices.news(&context.user, after.verified(), &notice)
}

fn profile_facts(on_file: &OnFile, created: bool) -> Facts {
    let facts = Facts::none()
        .with("created", created)
        .with("email_verified", on_file.email_verified);
    match &on_file.profile.grace {
        Some(grace) => facts.with("grace_until", grace.until.seconds()),
        None => facts,
    }
}

fn profile_write(
    deps: &UserDependencies,
    call: &CallContext,
    on_file: &OnFile,
    email_since: Option<Timestamp>,
) -> Write {
    let email = on_file.profile.email.as_ref();
    let tenant = &call.subject.tenant;
    Write::Profile {
        profile: deps.sealing.seal_profile(&call.subject, &on_file.profile),
        email_verified: on_file.email_verified,
        email_version: on_file.email_version,
        email_tag: email.map(|email| deps.resets.email_tag(tenant, email)),
        email_since,
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
