//! `UpsertUser`: creates a user or changes their profile.

use crate::app::{
    CallerRequest, Error, QueuedNoticeSummary, UserView,
    context::{CallContext, RequestContext},
    dependencies::UserDependencies,
    notices::ChangeNotice,
    replayed_response::ReplayedResponse,
    use_case_runner::{LoadedUser, retry_conflicts},
};
use countersign_domain::{
    account::{
        change::{AccountChange, AccountWriteOp, ChangeBase, CreatedResource},
        profile::{ProfileRecord, ProfileUpdate},
    },
    audit_event::{AuditDetails, AuditEventKind},
    notice::message::{Notice, NoticeKind},
    value::{epoch::Epoch, malformed::MalformedValue, time::Timestamp},
};
use std::{sync::Arc, time::Duration};

/// How far a caller's clock may be ahead of ours.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(30);

/// A user after the change, and where notices were queued.
pub struct UpsertedUser {
    /// The user.
    pub user: UserView,
    /// Where notices were queued, masked.
    pub queued_notices: Vec<QueuedNoticeSummary>,
}

/// Creates a user, or changes the profile. A changed address does not change any method. A changed password grows the
/// credential epoch. Notices are queued only for a changed address or number.
///
/// # Errors
/// See [`Error`].
pub(crate) async fn upsert_user(
    deps: &Arc<UserDependencies>,
    call: CallerRequest,
    update: ProfileUpdate,
) -> Result<UpsertedUser, Error> {
    deps.requests
        .run(deps, call, |deps, call| async move {
            refuse_the_future(&update, call.now)?;
            retry_conflicts(|| upsert(&deps, &call, &update)).await
        })
        .await
}

/// Returns `None` after a write conflict.
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
                queued_notices: deps.idempotency.open_answer(call, &record)?.queued_notices,
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
    let (profile_record, _) = update.apply(&ProfileRecord::default());
    let (user_key, sealed_key) = deps.sealing.new_user_key(&call.subject);
    let kind = AuditEventKind::UserUpserted;
    let details = profile_details(&profile_record, true);
    let change = AccountChange {
        subject: call.subject.clone(),
        base: base_of_new(deps, call, loaded),
        epoch: Epoch::first(u64::from_be_bytes(deps.randomness.bytes())),
        now,
        consumed_proofs: Vec::new(),
        writes: vec![
            AccountWriteOp::UserKey(sealed_key),
            profile_write(deps, call, &profile_record, Some(now)),
        ],
        event: deps.events.event_at(call, &user_key, kind, details, now),
        notices: Vec::new(),
        idempotency_record: deps.idempotency.record_at(
            call,
            CreatedResource::Nothing,
            &ReplayedResponse::default(),
            now,
        ),
    };
    let saved = deps.changes.save_or_conflict(&change).await?;
    Ok(saved.map(|()| UpsertedUser {
        user: UserView {
            subject: call.subject.clone(),
            profile_record,
            two_factor_enabled: false,
            created_at: now,
            updated_at: now,
        },
        queued_notices: Vec::new(),
    }))
}

/// How the new id may differ from existing ones.
fn base_of_new(deps: &UserDependencies, call: &CallContext, loaded: &LoadedUser) -> ChangeBase {
    let tenant = &call.subject.tenant;
    let policy = deps.policies.policy(tenant, &loaded.tenant_layer);
    ChangeBase::AbsentUnder(policy.rules.user_ids())
}

async fn change_user(
    deps: &UserDependencies,
    context: &RequestContext,
    update: ProfileUpdate,
) -> Result<Option<UpsertedUser>, Error> {
    let RequestContext { call, user, now } = context;
    let (account, before) = (&user.account, &user.profile_record);
    let (profile_record, password_changed) = update.apply(before);
    let ChangeNotice {
        mut notices,
        queued_notices,
    } = address_change_notice(deps, context, &profile_record)?;
    let moved = profile_record.mailbox_changed_since(before).then_some(*now);
    if moved.is_some() || password_changed {
        notices.extend(deps.notices.ended_reset_notice(user, *now)?);
    }
    let canceled = moved.and(account.reset.as_ref());
    let canceled = canceled.filter(|reset| reset.is_pending(account.epoch, *now));
    let cancels = canceled.map(|reset| AccountWriteOp::CancelReset(reset.id));
    let response = ReplayedResponse::with_queued_notices(queued_notices);
    let details = profile_details(&profile_record, false);
    let unchanged = context.change(deps.events.event(
        context,
        AuditEventKind::UserUpserted,
        details,
    ));
    let change = AccountChange {
        epoch: if password_changed {
            account.epoch.grown()
        } else {
            account.epoch
        },
        writes: [profile_write(deps, call, &profile_record, moved)]
            .into_iter()
            .chain(cancels)
            .collect(),
        notices,
        idempotency_record: deps
            .idempotency
            .record(context, CreatedResource::Nothing, &response),
        ..unchanged
    };
    let saved = deps.changes.save_or_conflict(&change).await?;
    Ok(saved.map(|()| UpsertedUser {
        user: UserView {
            profile_record,
            updated_at: *now,
            ..UserView::of(user)
        },
        queued_notices: response.queued_notices,
    }))
}

/// Notices of a changed address or number. An unverified address receives none, because it may be a stranger's.
fn address_change_notice(
    deps: &UserDependencies,
    context: &RequestContext,
    after: &ProfileRecord,
) -> Result<ChangeNotice, Error> {
    if !after.changed_since(&context.user.profile_record) {
        return Ok(ChangeNotice::default());
    }
    let notice = Notice::of(NoticeKind::AddressChanged, context.now);
    deps.notices
        .change_notice(&context.user, after.verified(), &notice)
}

fn profile_details(profile_record: &ProfileRecord, created: bool) -> AuditDetails {
    let details = AuditDetails::none()
        .with("created", created)
        .with("email_verified", profile_record.email_verified);
    match &profile_record.profile.grace {
        Some(grace) => details.with("grace_until", grace.until.seconds()),
        None => details,
    }
}

fn profile_write(
    deps: &UserDependencies,
    call: &CallContext,
    profile_record: &ProfileRecord,
    email_since: Option<Timestamp>,
) -> AccountWriteOp {
    let email = profile_record.profile.email.as_ref();
    let tenant = &call.subject.tenant;
    AccountWriteOp::Profile {
        profile: deps
            .sealing
            .seal_profile(&call.subject, &profile_record.profile),
        email_verified: profile_record.email_verified,
        email_version: profile_record.email_version,
        email_tag: email.map(|email| deps.resets.email_tag(tenant, email)),
        email_since,
    }
}

/// A future time would hide every password change before it.
fn refuse_the_future(update: &ProfileUpdate, now: Timestamp) -> Result<(), Error> {
    let changed_at = update.password_changed_at.flatten();
    if changed_at.is_some_and(|at| at > now.plus(CLOCK_TOLERANCE)) {
        return Err(MalformedValue::InTheFuture
            .at("profile.password_changed_time")
            .into());
    }
    Ok(())
}
