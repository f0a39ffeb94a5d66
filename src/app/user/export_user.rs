//! `ExportUser`: everything durable about one user, for the people who have a right to know it (GDPR Article 15).

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

/// How many events, and how many ended challenges, a page has at most.
const PAGE_SIZE: u32 = 200;

/// How many bytes of events a page has at most, unless a single one is larger: an answer has its limit.
const MAX_EVENT_BYTES: usize = 256 * 1024;

/// A page of what is recorded of a user.
pub struct UserExport {
    /// What does not grow with use: on the first page only.
    pub person: Option<ExportedUser>,
    /// Challenges that ended, in the order of their ids.
    pub challenges: Vec<EndedChallenge>,
    /// What happened, oldest first.
    pub events: Vec<ExportedEvent>,
    /// What asks for the next page; nothing if this is the last.
    pub next: Option<String>,
}

/// A user as they are now.
pub struct ExportedUser {
    /// What is on file.
    pub user: UserView,
    /// The methods, and where the messages of each go: the person themselves gave that.
    pub methods: Vec<(MethodView, Option<String>)>,
    /// What is left of the recovery codes.
    pub recovery: Option<RecoverySet>,
    /// The recognized devices.
    pub devices: Vec<DeviceView>,
    /// The wrong codes that are still remembered.
    pub failures: Vec<(ChallengeId, Timestamp)>,
    /// Messages that wait to be delivered, or never will be.
    pub messages: Vec<ExportedMessage>,
    /// Until when a bypass code can sign in.
    pub bypass_until: Option<Timestamp>,
    /// Whether sign-ins wait for an administrator.
    pub pending_review: bool,
    /// The reset that was asked for last.
    pub reset: Option<Reset>,
    /// What can still be disclaimed.
    pub revertible: Vec<RevertRecord>,
}

/// An audit event, and what of it tells who the person is.
pub struct ExportedEvent {
    /// The event.
    pub event: StoredAuditEvent,
    /// Its personal fields; nothing where it was not sealed for the user: what they did as an administrator.
    pub personal: Option<PersonalDetails>,
}

/// A message that waits.
pub struct ExportedMessage {
    /// Its id.
    pub id: NoticeId,
    /// By which channel it goes.
    pub channel: Channel,
    /// Where to.
    pub destination: String,
    /// What it tells of.
    pub kind: NoticeKind,
    /// When it was queued.
    pub queued_at: Timestamp,
}

/// A page of everything durable about a user. The first one leaves an event of its own.
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
    // Another person may have had the same name before this user.
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
    kept: &OutboxNotice,
) -> Result<ExportedMessage, Error> {
    let notice = deps.sealing.open_notice(tag, kept.id, &kept.sealed)?;
    Ok(ExportedMessage {
        id: kept.id,
        channel: kept.channel,
        destination: notice.destination.as_str().to_owned(),
        kind: notice.notice.kind,
        queued_at: kept.queued_at,
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

/// Where the page ends that was read, if another one follows. Events that are too much for one answer are left to it.
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

/// How many events fit into an answer: one at least.
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
