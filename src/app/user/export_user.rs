//! `ExportUser`: exports all durable data about one user (GDPR Article 15).

use crate::{
    app::{
        CallerRequest, DeviceView, DeviceViews, Error, MethodView, UserView, commit,
        context::RequestContext, dependencies::UserDependencies, page_tokens::ExportCursor,
    },
    ports::{EndedChallenge, OutboxNotice, RecordsQuery, UserRecords},
};
use countersign_domain::{
    audit_event::{AuditDetails, AuditEventKind, PersonalDetails, StoredAuditEvent},
    notice::message::NoticeKind,
    recovery::{RecoverySet, reset::Reset},
    revert::RevertRecord,
    value::{
        destination::Channel,
        id::{ChallengeId, NoticeId, SubjectTag},
        secret::{SealedBytes, SecretBytes},
        time::Timestamp,
    },
};
use std::sync::Arc;

/// The maximum number of events, and of ended challenges, in a page.
const PAGE_SIZE: u32 = 200;

/// The maximum size of the events in a page, in bytes, because responses are limited. A page always has at least one
/// event.
const MAX_EVENT_BYTES: usize = 256 * 1024;

/// A page of a user's records.
pub struct UserExport {
    /// The account data, on the first page only.
    pub person: Option<ExportedUser>,
    /// Ended challenges, in the order of their ids.
    pub challenges: Vec<EndedChallenge>,
    /// Audit events, oldest first.
    pub events: Vec<ExportedEvent>,
    /// The token of the next page; `None` after the last page.
    pub next: Option<String>,
}

/// The account data of a user, as of now.
pub struct ExportedUser {
    /// The profile.
    pub user: UserView,
    /// The methods, each with the unmasked destination of its messages.
    pub methods: Vec<(MethodView, Option<String>)>,
    /// The remaining recovery codes or the key.
    pub recovery: Option<RecoverySet>,
    /// The recognized devices.
    pub devices: Vec<DeviceView>,
    /// Stored wrong attempts, with their challenge and time.
    pub failures: Vec<(ChallengeId, Timestamp)>,
    /// Notices in the outbox: waiting or dead.
    pub messages: Vec<ExportedMessage>,
    /// When the bypass code expires, if there is one.
    pub bypass_until: Option<Timestamp>,
    /// Whether the account is locked pending administrator review.
    pub pending_review: bool,
    /// The latest reset.
    pub reset: Option<Reset>,
    /// The changes that can still be reverted.
    pub revertible: Vec<RevertRecord>,
}

/// An audit event with its personal details.
pub struct ExportedEvent {
    /// The audit event.
    pub event: StoredAuditEvent,
    /// The personal details; `None` if they are not sealed under the user's key, as in events of the user's acts as an
    /// administrator.
    pub personal: Option<PersonalDetails>,
}

/// A notice in the outbox.
pub struct ExportedMessage {
    /// The notice's id.
    pub id: NoticeId,
    /// The channel of the notice.
    pub channel: Channel,
    /// The unmasked destination.
    pub destination: String,
    /// The kind of the notice.
    pub kind: NoticeKind,
    /// When the notice was queued.
    pub queued_at: Timestamp,
}

/// Exports one page of a user's durable data. The first page writes an audit event.
///
/// # Errors
/// See [`Error`].
pub(crate) async fn export_user(
    deps: &Arc<UserDependencies>,
    call: CallerRequest,
    page_token: String,
) -> Result<UserExport, Error> {
    deps.requests
        .run_loaded(deps, call, |deps, context| async move {
            export(&deps, &context, &page_token).await
        })
        .await
}

async fn export(
    deps: &UserDependencies,
    context: &RequestContext,
    page_token: &str,
) -> Result<UserExport, Error> {
    let RequestContext { call, user, .. } = context;
    let subject = &call.subject;
    let previous_page = deps.page_tokens.end_of_export_page(subject, page_token)?;
    let start = previous_page.unwrap_or_default();
    let ask = RecordsQuery {
        subject: subject.clone(),
        tag: call.subject_tag,
        after_event: start.last_event_row,
        after_challenge: start.last_challenge,
        at_most: PAGE_SIZE,
    };
    let mut records = deps.accounts.records(&ask).await?;
    let next = end_of_page(&ask, &mut records);
    let person = match previous_page {
        Some(_) => None,
        None => Some(exported_person(deps, context, &records)?),
    };
    if person.is_some() {
        let kind = AuditEventKind::UserExported;
        let event = deps.events.event(context, kind, AuditDetails::none());
        deps.accounts.record(&event).await?;
        commit::log(&event);
    }
    // Events before the user's creation may be about an earlier user with the same id.
    let own = |event: &StoredAuditEvent| event.at >= user.account.created_at.millis();
    let events = records.events.into_iter().filter(own);
    Ok(UserExport {
        person,
        challenges: records.ended,
        events: events
            .map(|event| exported_event(deps, &user.user_key, event))
            .collect::<Result<_, _>>()?,
        next: next.map(|end| deps.page_tokens.export_page_token(subject, &end)),
    })
}

fn exported_person(
    deps: &UserDependencies,
    context: &RequestContext,
    records: &UserRecords,
) -> Result<ExportedUser, Error> {
    let RequestContext { call, user, .. } = context;
    let account = &user.account;
    let methods = account.methods.iter().map(|method| {
        let secret = deps.sealing.open_method(&account.subject, method)?;
        let destination = secret.destination().map(|to| to.as_str().to_owned());
        Ok::<_, Error>((deps.views.one(account, &user.policy, method)?, destination))
    });
    let messages = records.notices.iter();
    let messages = messages.map(|notice| exported_message(deps, call.subject_tag, notice));
    Ok(ExportedUser {
        user: UserView::of(user),
        methods: methods.collect::<Result<_, _>>()?,
        recovery: account.recovery.clone(),
        devices: DeviceViews::of(context).devices,
        failures: records.failures.clone(),
        messages: messages.collect::<Result<_, _>>()?,
        bypass_until: account.bypass_until(),
        pending_review: account.pending_review,
        reset: account.reset.clone(),
        revertible: account.revertible.clone(),
    })
}

fn exported_message(
    deps: &UserDependencies,
    tag: SubjectTag,
    retained: &OutboxNotice,
) -> Result<ExportedMessage, Error> {
    let notice = deps
        .sealing
        .open_notice(tag, retained.id, &retained.sealed)?;
    Ok(ExportedMessage {
        id: retained.id,
        channel: retained.channel,
        destination: notice.destination.as_str().to_owned(),
        kind: notice.notice.kind,
        queued_at: retained.queued_at,
    })
}

fn exported_event(
    deps: &UserDependencies,
    user_key: &SecretBytes,
    event: StoredAuditEvent,
) -> Result<ExportedEvent, Error> {
    let sealed = SealedBytes::from_bytes(event.personal.clone());
    let personal = deps.sealing.open_personal(user_key, &sealed)?;
    Ok(ExportedEvent { event, personal })
}

/// Where the page ends, if another one follows. Removes the events that do not fit into this page.
fn end_of_page(ask: &RecordsQuery, records: &mut UserRecords) -> Option<ExportCursor> {
    let is_full = |count: usize| u32::try_from(count).is_ok_and(|count| count >= ask.at_most);
    let more = is_full(records.events.len()) || is_full(records.ended.len());
    let fitting = fitting(&records.events);
    let cut = fitting < records.events.len();
    records.events.truncate(fitting);
    let last_event = records.events.last();
    let last_challenge = records.ended.last().map(|last| last.id);
    (more || cut).then_some(ExportCursor {
        last_event_row: last_event.map_or(ask.after_event, |last| last.row),
        last_challenge: last_challenge.or(ask.after_challenge),
    })
}

/// How many events fit into a page; at least one.
fn fitting(events: &[StoredAuditEvent]) -> usize {
    let sizes = events
        .iter()
        .map(|event| event.details.len() + event.personal.len());
    let sums = sizes.scan(0_usize, |sum, size| {
        *sum = sum.saturating_add(size);
        Some(*sum)
    });
    sums.take_while(|sum| *sum <= MAX_EVENT_BYTES)
        .count()
        .max(1)
}
