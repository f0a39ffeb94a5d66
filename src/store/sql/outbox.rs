//! Statements of the outbox: notices and alarms, each in its turn.

use crate::{
    ports::{Announcement, Committed, NoticeOutcome, Revived},
    store::sql::{Statement, statements::with},
};
use countersign_domain::{
    alarm::Alarm,
    change::{Change, QueuedNotice},
    id::{NoticeId, Subject, SubjectTag},
    method::Kind,
    time::Timestamp,
};

/// Statements that queue notices of a change, behind all that its user is to be told. The change holds the lock on the
/// user, so that no two take the same turn.
pub(in crate::store) fn of_notices(change: &Change) -> Vec<Statement> {
    if change.notices.is_empty() {
        return Vec::new();
    }
    let queued = change.notices.iter();
    let notices = queued.map(|queued| {
        Statement::new(
            "INSERT INTO outbox (notice_id, subject, turn, channel, sealed, queued_at, due_at)
             SELECT $3, $4, told, $5, $6, $7, $7 FROM users WHERE tenant_id = $1 AND user_id = $2",
            with(
                &change.subject,
                [
                    queued.id.into(),
                    (&queued.subject.0).into(),
                    queued.channel.as_str().into(),
                    queued.sealed.as_bytes().into(),
                    change.now.into(),
                ],
            ),
        )
    });
    std::iter::once(next_turn(&change.subject))
        .chain(notices)
        .collect()
}

/// Statements that raise an alarm, in turn with the notices.
pub(in crate::store) fn of_alarm(
    who: &Subject,
    subject: SubjectTag,
    alarm: Alarm,
    at: Timestamp,
) -> [Statement; 2] {
    let method = alarm.method();
    let raise = Statement::new(
        "INSERT INTO alarms (tenant_id, user_id, subject, turn, kind, method_id, method_kind, codes_left, at, due_at)
         SELECT $1, $2, $3, told, $4, $5, $6, $7, $8, $8 FROM users WHERE tenant_id = $1 AND user_id = $2",
        with(
            who,
            [
                (&subject.0).into(),
                alarm.as_str().into(),
                method.map(|(id, _)| id).into(),
                method
                    .map(|(_, kind)| Kind::as_str(kind).to_owned())
                    .into(),
                alarm.codes_left().map(i64::from).into(),
                at.into(),
            ],
        ),
    );
    [next_turn(who), raise]
}

fn next_turn(who: &Subject) -> Statement {
    Statement::new(
        "UPDATE users SET told = told + 1 WHERE tenant_id = $1 AND user_id = $2",
        with(who, []),
    )
}

/// Statements that turn an alarm into notices. They lock the user first, so that nothing is queued for whoever is erased
/// meanwhile; and take the alarm away, so that nobody else announces it.
pub(in crate::store) fn of_announcement(announcement: &Announcement) -> Vec<Statement> {
    let Announcement {
        raised,
        notices,
        now,
    } = announcement;
    let lock = Statement::new(
        "UPDATE users SET revision = revision WHERE tenant_id = $1 AND user_id = $2",
        with(&raised.who, []),
    );
    let take = Statement::new(
        "DELETE FROM alarms WHERE position = $1",
        [raised.position.into()],
    );
    [lock, take]
        .map(|statement| statement.or(Committed::ChangedConcurrently))
        .into_iter()
        .chain(
            notices
                .iter()
                .map(|queued| announced(queued, raised.turn, *now)),
        )
        .collect()
}

fn announced(queued: &QueuedNotice, turn: i64, now: Timestamp) -> Statement {
    Statement::new(
        "INSERT INTO outbox (notice_id, subject, turn, channel, sealed, queued_at, due_at)
         VALUES ($1, $2, $3, $4, $5, $6, $6)",
        [
            queued.id.into(),
            (&queued.subject.0).into(),
            turn.into(),
            queued.channel.as_str().into(),
            queued.sealed.as_bytes().into(),
            now.into(),
        ],
    )
}

/// The statement that puts an alarm off.
pub(in crate::store) fn postpone_alarm(position: i64, until: Timestamp) -> Statement {
    Statement::new(
        "UPDATE alarms SET due_at = $2 WHERE position = $1",
        [position.into(), until.into()],
    )
}

/// The statement that notes what became of a notice.
pub(in crate::store) fn finish_notice(id: NoticeId, outcome: NoticeOutcome) -> Statement {
    match outcome {
        NoticeOutcome::Delivered => {
            Statement::new("DELETE FROM outbox WHERE notice_id = $1", [id.into()])
        }
        NoticeOutcome::RetryAt(due) => Statement::new(
            "UPDATE outbox SET due_at = $2 WHERE notice_id = $1",
            [id.into(), due.into()],
        ),
        NoticeOutcome::Dead(at, why) => Statement::new(
            "UPDATE outbox SET dead_at = $2, death = $3 WHERE notice_id = $1",
            [id.into(), at.into(), why.as_str().into()],
        ),
    }
}

/// The statement that brings dead notices back to life.
pub(in crate::store) fn revive_notices(which: Revived, now: Timestamp) -> Statement {
    match which {
        Revived::All => Statement::new(
            "UPDATE outbox SET dead_at = NULL, death = NULL, attempts = 0, queued_at = $1, due_at = $1
             WHERE dead_at IS NOT NULL",
            [now.into()],
        ),
        Revived::One(id) => Statement::new(
            "UPDATE outbox SET dead_at = NULL, death = NULL, attempts = 0, queued_at = $1, due_at = $1
             WHERE dead_at IS NOT NULL AND notice_id = $2",
            [now.into(), id.into()],
        ),
    }
}
