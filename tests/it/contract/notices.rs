//! The outbox: SQLite and PostgreSQL.

use crate::contract::accounts::{START, new_user, next, on_each, random, random_subject};
use countersign::ports::{
    AccountStore, ClaimedNotice, CommitResult, DeadNoticeReason, DeadNoticeSelection,
    FinishedNotice, NoticeFilter, NoticeOutcome,
};
use countersign_domain::{
    account::change::{AccountChange, AccountWriteOp, QueuedNotice},
    value::{
        destination::{
            Channel,
            Channel::{Email, Sms},
        },
        id::{NoticeId, Subject, SubjectTag},
        secret::SealedBytes,
        time::Timestamp,
    },
};
use std::{sync::Arc, time::Duration};

const DAY: Duration = Duration::from_hours(24);

pub(super) fn notice(tag: SubjectTag, channel: Channel) -> QueuedNotice {
    QueuedNotice {
        id: random(),
        subject: tag,
        channel,
        sealed: SealedBytes::from_bytes(vec![8]),
    }
}

/// A user with notices by these channels, in this order.
pub(super) async fn notices_by(
    accounts: &dyn AccountStore,
    channels: &[Channel],
) -> (Subject, SubjectTag, Vec<QueuedNotice>) {
    let (subject, tag) = random_subject();
    let notices: Vec<QueuedNotice> = channels
        .iter()
        .map(|channel| notice(tag, *channel))
        .collect();
    let change = AccountChange {
        notices: notices.clone(),
        ..new_user(&subject, tag)
    };
    assert_eq!(accounts.commit(&change).await.unwrap(), CommitResult::Done);
    (subject, tag, notices)
}

/// Claims one notice.
pub(crate) async fn claim(
    accounts: &dyn AccountStore,
    channel: Channel,
    now: Timestamp,
    until: Timestamp,
) -> Option<ClaimedNotice> {
    let claimed = accounts.claim_notices(channel, now, until, 1).await;
    claimed.unwrap().notices.pop()
}

/// Records the outcome of one delivery.
pub(crate) async fn finish(accounts: &dyn AccountStore, id: NoticeId, outcome: NoticeOutcome) {
    let finished = FinishedNotice { id, outcome };
    accounts.finish_notices(&[finished], START).await.unwrap();
}

async fn claimed(
    accounts: &dyn AccountStore,
    channel: Channel,
    now: Timestamp,
) -> Option<NoticeId> {
    let until = now.plus(Duration::from_mins(1));
    let claimed = claim(accounts, channel, now, until).await;
    claimed.map(|notice| notice.id)
}

#[test]
fn notices_of_one_user_go_out_in_order_and_a_failed_one_waits() {
    on_each(async |accounts| {
        let (_, _, notices) = notices_by(&*accounts, &[Sms, Sms]).await;
        let [first, second] = [notices[0].id, notices[1].id];
        assert_eq!(claimed(&*accounts, Sms, START).await, Some(first));
        assert_eq!(
            claimed(&*accounts, Sms, START).await,
            None,
            "it is held by whoever claimed it"
        );

        let later = START.plus(Duration::from_secs(10));
        let retried = NoticeOutcome::RetryAt(later);
        finish(&*accounts, first, retried).await;
        assert_eq!(
            claimed(&*accounts, Sms, START).await,
            None,
            "it waits, and the one behind it waits with it"
        );
        let again = claim(&*accounts, Sms, later, later).await;
        assert_eq!(
            again.map(|again| (again.id, again.attempts)),
            Some((first, 1))
        );
        let done = NoticeOutcome::Delivered;
        finish(&*accounts, first, done).await;
        assert_eq!(claimed(&*accounts, Sms, later).await, Some(second));
    });
}

#[test]
fn a_channel_holds_up_no_other() {
    on_each(async |accounts| {
        let (_, _, notices) = notices_by(&*accounts, &[Sms, Email]).await;
        assert_eq!(claimed(&*accounts, Sms, START).await, Some(notices[0].id));
        let never = NoticeOutcome::RetryAt(Timestamp::LATEST);
        finish(&*accounts, notices[0].id, never).await;
        assert_eq!(claimed(&*accounts, Email, START).await, Some(notices[1].id));
    });
}

#[test]
fn a_user_holds_up_no_other() {
    on_each(async |accounts| {
        let (_, _, hers) = notices_by(&*accounts, &[Sms]).await;
        let (_, _, his) = notices_by(&*accounts, &[Sms]).await;
        assert_eq!(claimed(&*accounts, Sms, START).await, Some(hers[0].id));
        assert_eq!(claimed(&*accounts, Sms, START).await, Some(his[0].id));
        assert_eq!(claimed(&*accounts, Sms, START).await, None);
    });
}

#[test]
fn a_notice_is_claimed_by_one_of_its_rivals() {
    on_each(async |accounts| {
        let (_, _, notices) = notices_by(&*accounts, &[Sms, Sms]).await;
        let mut rivals = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let accounts = Arc::clone(&accounts);
            rivals.spawn(async move { claimed(&*accounts, Sms, START).await });
        }
        let taken: Vec<NoticeId> = rivals.join_all().await.into_iter().flatten().collect();
        assert_eq!(taken, [notices[0].id]);
    });
}

#[test]
fn a_dead_notice_is_not_claimed_again_and_holds_up_nothing() {
    on_each(async |accounts| {
        let (_, _, notices) = notices_by(&*accounts, &[Sms, Sms]).await;
        let [first, second] = [notices[0].id, notices[1].id];
        assert_eq!(claimed(&*accounts, Sms, START).await, Some(first));
        let dead = NoticeOutcome::Dead(START, DeadNoticeReason::Refused);
        finish(&*accounts, first, dead).await;
        assert_eq!(claimed(&*accounts, Sms, START).await, Some(second));
        let done = NoticeOutcome::Delivered;
        finish(&*accounts, second, done).await;
        assert_eq!(claimed(&*accounts, Sms, Timestamp::LATEST).await, None);
    });
}

/// Ids are unique, so that a notice with the id of another is written only where the other is gone.
async fn is_gone(accounts: &dyn AccountStore, of: &QueuedNotice) -> bool {
    let (subject, tag) = random_subject();
    let change = AccountChange {
        notices: vec![of.clone()],
        ..new_user(&subject, tag)
    };
    matches!(accounts.commit(&change).await, Ok(CommitResult::Done))
}

#[test]
fn a_dead_notice_is_kept_for_thirty_days() {
    on_each(async |accounts| {
        let (_, _, notices) = notices_by(&*accounts, &[Sms]).await;
        let dead = NoticeOutcome::Dead(START, DeadNoticeReason::Refused);
        finish(&*accounts, notices[0].id, dead).await;
        accounts.purge(START.plus(30 * DAY)).await.unwrap();
        assert!(!is_gone(&*accounts, &notices[0]).await);
        accounts.purge(START.plus(31 * DAY)).await.unwrap();
        assert!(is_gone(&*accounts, &notices[0]).await);
    });
}

#[test]
fn a_notice_that_waits_is_not_purged() {
    on_each(async |accounts| {
        let (_, _, notices) = notices_by(&*accounts, &[Email]).await;
        accounts.purge(START.plus(365 * DAY)).await.unwrap();
        assert_eq!(claimed(&*accounts, Email, START).await, Some(notices[0].id));
    });
}

#[test]
fn an_erased_user_is_told_nothing_more() {
    on_each(async |accounts| {
        let (subject, tag, notices) = notices_by(&*accounts, &[Sms, Email]).await;
        let dead = NoticeOutcome::Dead(START, DeadNoticeReason::Refused);
        finish(&*accounts, notices[0].id, dead).await;
        let (_, _, others) = notices_by(&*accounts, &[Email]).await;
        let erase = next(&*accounts, &subject, tag, vec![AccountWriteOp::Erase]).await;
        assert_eq!(accounts.commit(&erase).await.unwrap(), CommitResult::Done);
        for notice in &notices {
            assert!(is_gone(&*accounts, notice).await);
        }
        assert!(!is_gone(&*accounts, &others[0]).await);
    });
}

/// The dead notices of a user, and why they died.
async fn dead_of(
    accounts: &dyn AccountStore,
    tag: SubjectTag,
) -> Vec<(NoticeId, DeadNoticeReason)> {
    let dead = accounts
        .waiting_notices(NoticeFilter::Dead, 0)
        .await
        .unwrap();
    let theirs = dead.into_iter().filter(|notice| notice.subject == tag);
    theirs
        .map(|notice| (notice.id, notice.dead.unwrap().1))
        .collect()
}

#[test]
fn a_dead_notice_keeps_why_it_died() {
    on_each(async |accounts| {
        let (_, tag, notices) = notices_by(&*accounts, &[Sms, Email, Sms, Sms]).await;
        let deaths = [
            DeadNoticeReason::Refused,
            DeadNoticeReason::DoesNotOpen,
            DeadNoticeReason::TooOld,
        ];
        let mut expected = Vec::new();
        for (notice, why) in notices.iter().zip(deaths) {
            let dead = NoticeOutcome::Dead(START, why);
            finish(&*accounts, notice.id, dead).await;
            expected.push((notice.id, why));
        }
        assert_eq!(dead_of(&*accounts, tag).await, expected);
    });
}

#[test]
fn what_waits_is_listed_page_by_page() {
    on_each(async |accounts| {
        let (_, tag, notices) = notices_by(&*accounts, &[Sms, Email]).await;
        let all = accounts
            .waiting_notices(NoticeFilter::All, 0)
            .await
            .unwrap();
        let ids: Vec<NoticeId> = all.iter().map(|notice| notice.id).collect();
        assert_eq!(ids, [notices[0].id, notices[1].id]);
        let first = &all[0];
        assert_eq!((first.subject, first.channel), (tag, Sms));
        assert_eq!((first.attempts, first.queued_at), (0, START));
        assert_eq!(first.dead, None);
        let behind = accounts
            .waiting_notices(NoticeFilter::All, first.position)
            .await
            .unwrap();
        assert_eq!(behind, all[1..]);
        let dead = accounts
            .waiting_notices(NoticeFilter::Dead, 0)
            .await
            .unwrap();
        assert_eq!(dead, []);
    });
}

#[test]
fn a_dead_notice_is_brought_back_to_life_and_into_its_turn() {
    on_each(async |accounts| {
        let (_, tag, notices) = notices_by(&*accounts, &[Sms, Sms, Sms]).await;
        let [first, second, third] = [notices[0].id, notices[1].id, notices[2].id];
        for id in [first, second] {
            let dead = NoticeOutcome::Dead(START, DeadNoticeReason::TooOld);
            finish(&*accounts, id, dead).await;
        }
        let revive = async |which| accounts.revive_notices(which, START.plus(DAY)).await;
        assert_eq!(revive(DeadNoticeSelection::One(second)).await.unwrap(), 1);
        assert_eq!(
            revive(DeadNoticeSelection::One(second)).await.unwrap(),
            0,
            "it lives"
        );
        assert_eq!(revive(DeadNoticeSelection::One(random())).await.unwrap(), 0);
        assert_eq!(
            dead_of(&*accounts, tag).await,
            [(first, DeadNoticeReason::TooOld)]
        );
        assert_eq!(revive(DeadNoticeSelection::All).await.unwrap(), 1);
        let now = START.plus(DAY);
        for expected in [first, second, third] {
            let claimed = claim(&*accounts, Sms, now, now).await.unwrap();
            assert_eq!((claimed.id, claimed.attempts), (expected, 0));
            let again = if expected == third { START } else { now };
            assert_eq!(claimed.queued_at, again);
            let done = NoticeOutcome::Delivered;
            finish(&*accounts, expected, done).await;
        }
    });
}
