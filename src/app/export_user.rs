//! `ExportUser`: everything durable about one user, for whoever has a right to know it (GDPR Article 15).

use crate::{
    app::{App, Call, DeviceView, Error, MethodView, UserView, commit},
    ports::{AskRecords, EndedChallenge, KeptNotice, Records},
};
use countersign_domain::{
    account::Account,
    destination::Channel,
    event::{EventKind, Facts, Personal, StoredEvent},
    id::{ChallengeId, NoticeId, SubjectTag},
    message::NoticeKind,
    recovery::RecoverySet,
    reset::Reset,
    revert::Revertible,
    secret::{Sealed, SecretBytes},
    time::Timestamp,
};
use std::sync::Arc;

/// How many events, and how many ended challenges, a page has at most.
const PAGE: u32 = 200;

/// How many bytes of events a page has at most, unless a single one is larger: an answer has its limit.
const BYTES_OF_EVENTS: usize = 256 * 1024;

/// A page of what is recorded of a user.
pub struct UserExport {
    /// What does not grow with use: on the first page only.
    pub person: Option<ExportedPerson>,
    /// Challenges that ended, in the order of their ids.
    pub challenges: Vec<EndedChallenge>,
    /// What happened, oldest first.
    pub events: Vec<ExportedEvent>,
    /// What asks for the next page; nothing if this is the last.
    pub next: Option<String>,
}

/// A user as they are now.
pub struct ExportedPerson {
    /// What is on file.
    pub user: UserView,
    /// The methods, and where the messages of each go: the person themselves gave that.
    pub methods: Vec<(MethodView, Option<String>)>,
    /// What is left of the recovery codes.
    pub recovery: Option<RecoverySet>,
    /// The recognised devices.
    pub devices: Vec<DeviceView>,
    /// The wrong codes that are still remembered.
    pub failures: Vec<(ChallengeId, Timestamp)>,
    /// Messages that wait to be delivered, or never will be.
    pub messages: Vec<ExportedMessage>,
    /// Until when a bypass code can sign in.
    pub bypass_until: Option<Timestamp>,
    /// Whether sign-ins wait for an administrator.
    pub held: bool,
    /// The reset that was asked for last.
    pub reset: Option<Reset>,
    /// What can still be disclaimed.
    pub revertible: Vec<Revertible>,
}

/// An audit event, and what of it tells who the person is.
pub struct ExportedEvent {
    /// The event.
    pub event: StoredEvent,
    /// Its personal fields; nothing where it was not sealed for the user: what they did as an administrator.
    pub personal: Option<Personal>,
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

/// Where a page ends: behind which row of events, and behind which ended challenge.
pub(super) type EndOfPage = (i64, Option<ChallengeId>);

impl App {
    /// A page of everything durable about a user. The first one leaves an event of its own.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn export_user(
        self: &Arc<Self>,
        call: Call,
        page_token: String,
    ) -> Result<UserExport, Error> {
        self.to_the_end(call, move |app, call| async move {
            app.export(&call, &page_token).await
        })
        .await
    }

    async fn export(&self, call: &Call, page_token: &str) -> Result<UserExport, Error> {
        let now = self.now();
        let account = self.account(call).await?;
        let user_key = self.user_key(&account)?;
        let from = self.end_of_export_page(&call.who, page_token)?;
        let ask = AskRecords {
            who: call.who.clone(),
            tag: self.tag(call),
            after_event: from.map_or(0, |(event, _)| event),
            after_challenge: from.and_then(|(_, challenge)| challenge),
            at_most: PAGE,
        };
        let mut records = self.accounts().records(&ask).await?;
        let next = end_of_page(&ask, &mut records);
        let person = match from {
            Some(_) => None,
            None => Some(self.exported_person(call, &account, &records, now)?),
        };
        if person.is_some() {
            let kind = EventKind::UserExported;
            let event = self.event(call, &user_key, kind, Facts::none(), now);
            self.accounts().record(&event).await?;
            commit::log(&event);
        }
        // Whoever had the same name before this user was somebody else.
        let own = |event: &StoredEvent| event.at >= account.created_at.millis();
        let events = records.events.into_iter().filter(own);
        Ok(UserExport {
            person,
            challenges: records.ended,
            events: events
                .map(|event| self.exported_event(&user_key, event))
                .collect::<Result<_, _>>()?,
            next: next.map(|end| self.export_page_token(&call.who, &end)),
        })
    }

    fn exported_person(
        &self,
        call: &Call,
        account: &Account,
        records: &Records,
        now: Timestamp,
    ) -> Result<ExportedPerson, Error> {
        let methods = account.methods.iter().map(|method| {
            let secret = self.open_method(&account.subject, method)?;
            let destination = secret.destination().map(|to| to.as_str().to_owned());
            Ok::<_, Error>((self.method_view(account, method)?, destination))
        });
        let messages = records.notices.iter();
        let messages = messages.map(|notice| self.exported_message(self.tag(call), notice));
        Ok(ExportedPerson {
            user: self.user_view(account)?,
            methods: methods.collect::<Result<_, _>>()?,
            recovery: account.recovery.clone(),
            devices: self.devices(call, account, now).devices,
            failures: records.failures.clone(),
            messages: messages.collect::<Result<_, _>>()?,
            bypass_until: account.bypass_until(),
            held: account.held,
            reset: account.reset.clone(),
            revertible: account.revertible.clone(),
        })
    }

    fn exported_message(
        &self,
        tag: SubjectTag,
        kept: &KeptNotice,
    ) -> Result<ExportedMessage, Error> {
        let notice = self.open_notice(tag, kept.id, &kept.sealed)?;
        Ok(ExportedMessage {
            id: kept.id,
            channel: kept.channel,
            destination: notice.destination.as_str().to_owned(),
            kind: notice.notice.kind,
            queued_at: kept.queued_at,
        })
    }

    fn exported_event(
        &self,
        user_key: &SecretBytes,
        event: StoredEvent,
    ) -> Result<ExportedEvent, Error> {
        let sealed = Sealed::from_bytes(event.personal.clone());
        let personal = self.open_personal(user_key, &sealed)?;
        Ok(ExportedEvent { event, personal })
    }
}

/// Where the page ends that was read, if another one follows. Events that are too much for one answer are left to it.
fn end_of_page(ask: &AskRecords, records: &mut Records) -> Option<EndOfPage> {
    let is_full = |count: usize| u32::try_from(count).is_ok_and(|count| count >= ask.at_most);
    let more = is_full(records.events.len()) || is_full(records.ended.len());
    let fitting = fitting(&records.events);
    let cut = fitting < records.events.len();
    records.events.truncate(fitting);
    let event = records
        .events
        .last()
        .map_or(ask.after_event, |last| last.row);
    let challenge = records.ended.last().map(|last| last.id);
    (more || cut).then_some((event, challenge.or(ask.after_challenge)))
}

/// How many events fit into an answer: one at least.
fn fitting(events: &[StoredEvent]) -> usize {
    let sizes = events
        .iter()
        .map(|event| event.facts.len() + event.personal.len());
    let sums = sizes.scan(0_usize, |sum, size| {
        *sum = sum.saturating_add(size);
        Some(*sum)
    });
    sums.take_while(|sum| *sum <= BYTES_OF_EVENTS)
        .count()
        .max(1)
}
