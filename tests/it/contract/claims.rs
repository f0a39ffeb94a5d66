//! Claims of notices in batches: SQLite and PostgreSQL.

use crate::contract::{
    accounts::{START, next, on_each, random},
    notices::{claim, finish, notice, notices_by},
};
use countersign::ports::{
    AccountStore, CommitResult, DeadNoticeReason, DeadNoticeSelection, FinishedNotice,
    NoticeOutcome,
};
use countersign_domain::{
    account::change::AccountWriteOp,
    value::{
        destination::{
            Channel,
            Channel::{Email, Sms},
        },
        id::{NoticeId, SubjectTag},
        time::Timestamp,
    },
};
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex},
    time::Duration,
};

const LEASE: Duration = Duration::from_mins(1);

/// Claims a batch: the notices, in no order, and whether there may be more.
async fn claim_batch(
    accounts: &dyn AccountStore,
    channel: Channel,
    now: Timestamp,
    at_most: usize,
) -> (HashSet<NoticeId>, bool) {
    let claimed = accounts.claim_notices(channel, now, now.plus(LEASE), at_most);
    let claimed = claimed.await.unwrap();
    let ids = claimed.notices.iter().map(|notice| notice.id);
    (ids.collect(), claimed.has_more)
}

#[test]
fn a_claim_takes_the_oldest_notice_of_each_user() {
    on_each(async |accounts| {
        let mut heads = HashSet::new();
        for _ in 0..5 {
            let (_, _, notices) = notices_by(&*accounts, &[Email, Sms, Sms]).await;
            heads.insert(notices[1].id);
        }
        let (first, has_more) = claim_batch(&*accounts, Sms, START, 3).await;
        assert_eq!((first.len(), has_more), (3, true));
        let (second, has_more) = claim_batch(&*accounts, Sms, START, 3).await;
        assert_eq!((second.len(), has_more), (2, false));
        assert_eq!(&first | &second, heads);
        let nothing = (HashSet::new(), false);
        assert_eq!(claim_batch(&*accounts, Sms, START, 3).await, nothing);
    });
}

#[test]
fn outcomes_are_recorded_in_a_batch() {
    on_each(async |accounts| {
        let (_, _, delivered) = notices_by(&*accounts, &[Sms, Sms]).await;
        let (_, _, retried) = notices_by(&*accounts, &[Sms, Sms]).await;
        let (_, _, dead) = notices_by(&*accounts, &[Sms, Sms]).await;
        let (_, _, last) = notices_by(&*accounts, &[Sms]).await;
        assert_eq!(claim_batch(&*accounts, Sms, START, 9).await.0.len(), 4);
        let later = START.plus(Duration::from_secs(10));
        let outcome = |notice: NoticeId, outcome| FinishedNotice {
            id: notice,
            outcome,
        };
        let finished = [
            outcome(delivered[0].id, NoticeOutcome::Delivered),
            outcome(retried[0].id, NoticeOutcome::RetryAt(later)),
            outcome(
                dead[0].id,
                NoticeOutcome::Dead(START, DeadNoticeReason::Refused),
            ),
            outcome(last[0].id, NoticeOutcome::Delivered),
            outcome(random(), NoticeOutcome::Delivered),
        ];
        accounts.finish_notices(&finished, START).await.unwrap();
        let (now, _) = claim_batch(&*accounts, Sms, START, 9).await;
        assert_eq!(now, HashSet::from([delivered[1].id, dead[1].id]));
        let (then, _) = claim_batch(&*accounts, Sms, later, 9).await;
        assert_eq!(then, HashSet::from([retried[0].id]));
    });
}

/// Users take turns: one with a thousand notices comes last again after each.
#[test]
fn a_user_with_many_notices_does_not_come_before_the_others() {
    on_each(async |accounts| {
        let (_, _, many) = notices_by(&*accounts, &[Sms; 5]).await;
        assert_eq!(
            claim_batch(&*accounts, Sms, START, 1).await.0,
            HashSet::from([many[0].id])
        );
        let (_, _, other) = notices_by(&*accounts, &[Sms]).await;
        let now = START.plus(Duration::from_secs(1));
        let finished = [FinishedNotice {
            id: many[0].id,
            outcome: NoticeOutcome::Delivered,
        }];
        accounts.finish_notices(&finished, now).await.unwrap();
        let (next, _) = claim_batch(&*accounts, Sms, now, 1).await;
        assert_eq!(next, HashSet::from([other[0].id]));
    });
}

#[test]
fn a_lease_that_ran_out_is_no_right_to_finish_the_next_notice() {
    on_each(async |accounts| {
        let (_, _, notices) = notices_by(&*accounts, &[Sms, Sms]).await;
        let [first, second] = [notices[0].id, notices[1].id];
        let taken = async |now| {
            let claimed = claim(&*accounts, Sms, now, now.plus(LEASE)).await;
            claimed.map(|notice| notice.id)
        };
        assert_eq!(taken(START).await, Some(first));
        let later = START.plus(LEASE);
        assert_eq!(taken(later).await, Some(first), "the lease ran out");
        finish(&*accounts, first, NoticeOutcome::Delivered).await;
        assert_eq!(taken(later).await, Some(second));
        for late in [
            NoticeOutcome::Delivered,
            NoticeOutcome::RetryAt(START),
            NoticeOutcome::Dead(START, DeadNoticeReason::TooOld),
        ] {
            finish(&*accounts, first, late).await;
            assert_eq!(taken(later).await, None, "the second one is claimed");
        }
    });
}

#[test]
fn a_revived_notice_is_not_claimed_beside_another_of_its_user() {
    on_each(async |accounts| {
        let (_, _, notices) = notices_by(&*accounts, &[Sms, Sms]).await;
        let [first, second] = [notices[0].id, notices[1].id];
        let dead = NoticeOutcome::Dead(START, DeadNoticeReason::Refused);
        finish(&*accounts, first, dead).await;
        let taken = async || {
            let claimed = claim(&*accounts, Sms, START, START.plus(LEASE)).await;
            claimed.map(|notice| notice.id)
        };
        assert_eq!(taken().await, Some(second));
        let revived = accounts
            .revive_notices(DeadNoticeSelection::All, START)
            .await;
        assert_eq!(revived.unwrap(), 1);
        assert_eq!(taken().await, None);
        finish(&*accounts, second, NoticeOutcome::Delivered).await;
        assert_eq!(taken().await, Some(first));
        finish(&*accounts, first, NoticeOutcome::Delivered).await;
        assert_eq!(taken().await, None);
    });
}

/// A notice that is queued while the last one of its queue is finished.
#[test]
fn a_notice_that_is_queued_meanwhile_is_not_forgotten() {
    on_each(async |accounts| {
        let (subject, tag, notices) = notices_by(&*accounts, &[Sms]).await;
        let mut last = notices[0].id;
        for round in 0..60_u32 {
            let claimed = claim(&*accounts, Sms, START, START.plus(LEASE)).await;
            assert_eq!(claimed.map(|notice| notice.id), Some(last), "{round}");
            let mut change = next(&*accounts, &subject, tag, Vec::new()).await;
            change.notices = vec![notice(tag, Sms)];
            let queued = change.notices[0].id;
            let queueing = Arc::clone(&accounts);
            let queueing = async move { queueing.commit(&change).await };
            let finishing = async {
                for _ in 0..round % 20 {
                    tokio::task::yield_now().await;
                }
                finish(&*accounts, last, NoticeOutcome::Delivered).await;
            };
            let (committed, ()) = tokio::join!(queueing, finishing);
            assert_eq!(committed.unwrap(), CommitResult::Done);
            last = queued;
        }
    });
}

/// What rivals have claimed so far.
#[derive(Default)]
struct Claimed {
    /// In the order in which they were delivered.
    delivered: HashMap<SubjectTag, Vec<NoticeId>>,
    /// Whose notices are claimed now.
    users: HashSet<SubjectTag>,
}

#[test]
fn rivals_claim_each_notice_once_and_one_of_a_user_at_a_time() {
    on_each(async |accounts| {
        let mut queued = HashMap::new();
        for _ in 0..30 {
            let (_, tag, notices) = notices_by(&*accounts, &[Sms; 6]).await;
            let ids: Vec<NoticeId> = notices.iter().map(|notice| notice.id).collect();
            queued.insert(tag, ids);
        }
        let all: usize = queued.values().map(Vec::len).sum();
        let claimed = Arc::new(Mutex::new(Claimed::default()));
        let mut rivals = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let (accounts, claimed) = (Arc::clone(&accounts), Arc::clone(&claimed));
            rivals.spawn(async move {
                loop {
                    let batch = accounts.claim_notices(Sms, START, START.plus(LEASE), 7);
                    let batch = batch.await.unwrap().notices;
                    let mut finished = Vec::new();
                    {
                        let mut claimed = claimed.lock().unwrap();
                        for notice in &batch {
                            assert!(claimed.users.insert(notice.subject), "two of one user");
                            finished.push(FinishedNotice {
                                id: notice.id,
                                outcome: NoticeOutcome::Delivered,
                            });
                        }
                    }
                    tokio::task::yield_now().await;
                    {
                        let mut claimed = claimed.lock().unwrap();
                        for notice in &batch {
                            claimed.users.remove(&notice.subject);
                            let delivered = claimed.delivered.entry(notice.subject);
                            delivered.or_default().push(notice.id);
                        }
                        let count: usize = claimed.delivered.values().map(Vec::len).sum();
                        if batch.is_empty() && count == all {
                            return;
                        }
                    }
                    accounts.finish_notices(&finished, START).await.unwrap();
                }
            });
        }
        while let Some(rival) = rivals.join_next().await {
            rival.unwrap();
        }
        assert_eq!(claimed.lock().unwrap().delivered, queued);
    });
}

#[test]
fn an_erased_user_leaves_no_queue_behind() {
    on_each(async |accounts| {
        let (subject, tag, notices) = notices_by(&*accounts, &[Sms, Sms]).await;
        let claimed = claim(&*accounts, Sms, START, START.plus(LEASE)).await;
        assert!(claimed.is_some());
        let erase = next(&*accounts, &subject, tag, vec![AccountWriteOp::Erase]).await;
        assert_eq!(accounts.commit(&erase).await.unwrap(), CommitResult::Done);
        finish(&*accounts, notices[0].id, NoticeOutcome::Delivered).await;
        let (left, has_more) = claim_batch(&*accounts, Sms, Timestamp::LATEST, 1).await;
        assert_eq!(
            (left.len(), has_more),
            (0, false),
            "not even an empty queue"
        );
    });
}
