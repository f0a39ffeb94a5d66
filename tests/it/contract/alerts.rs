//! Alerts: SQLite and PostgreSQL raise them with the settlement, and turn each into notices once.

use crate::contract::{
    accounts::{START, next, on_each, random, random_subject},
    notices::{claim, finish},
    verdicts::{Judged, prepare, taken_alerts, verdict_request},
};
use countersign::ports::{AccountLookup, AccountStore, AlertNotices, CommitResult, NoticeOutcome};
use countersign_domain::{
    account::change::{AccountWriteOp, QueuedNotice},
    challenge::{
        AttemptEffect, AttemptJudgment, approval::ApprovedPurpose, verdict::VerdictResult,
    },
    limits::budget::AttemptClass,
    method::MethodKind,
    notice::alert::{PendingSecurityAlert, SecurityAlert},
    recovery::CodeSlot,
    value::{
        destination::Channel,
        id::{Id, NoticeId, Subject, SubjectTag},
        secret::SealedBytes,
        time::Timestamp,
    },
};
use std::{sync::Arc, time::Duration};

const WRONG: AttemptJudgment = AttemptJudgment::Wrong { skew: None };

fn attempt(place: u8, judgment: AttemptJudgment) -> Judged {
    Judged {
        challenge: place / 2,
        attempt: place,
        payload: None,
        caller: "portal",
        class: AttemptClass::Unknown,
        behind: 0,
        asks_method: true,
        version: 1,
        judgment,
        device: None,
        purpose: ApprovedPurpose::SignIn,
    }
}

fn by_recovery_code(slot: u8) -> Judged {
    let effect = AttemptEffect::RecoveryCode {
        set: Id::from_bytes([50; 16]),
        slot: CodeSlot::new(slot).unwrap(),
    };
    Judged {
        asks_method: false,
        class: AttemptClass::Recovery,
        ..attempt(100 + 2 * slot, AttemptJudgment::Right(effect))
    }
}

async fn prepared(accounts: &dyn AccountStore) -> (Subject, SubjectTag) {
    let (subject, tag) = random_subject();
    prepare(accounts, &subject, tag).await;
    (subject, tag)
}

async fn record_verdict_of(
    accounts: &dyn AccountStore,
    (subject, tag): (&Subject, SubjectTag),
    judged: &Judged,
    at: Timestamp,
) -> VerdictResult {
    let loaded = accounts
        .load(subject, AccountLookup::default())
        .await
        .unwrap();
    let epoch = loaded.account.unwrap().epoch;
    let verdict_request = verdict_request(subject, tag, judged, epoch, at);
    accounts.record_verdict(&verdict_request).await.unwrap()
}

/// A sign-in by recovery code.
pub(crate) async fn raise_alert(
    accounts: &dyn AccountStore,
    subject: (&Subject, SubjectTag),
    at: Timestamp,
) {
    let verdict_result = record_verdict_of(accounts, subject, &by_recovery_code(0), at).await;
    assert!(
        matches!(verdict_result, VerdictResult::Approved { .. }),
        "{verdict_result:?}"
    );
}

fn seconds(seconds: u64) -> Timestamp {
    START.plus(Duration::from_secs(seconds))
}

fn notice(tag: SubjectTag, channel: Channel) -> QueuedNotice {
    QueuedNotice {
        id: random(),
        subject: tag,
        channel,
        sealed: SealedBytes::from_bytes(vec![8]),
    }
}

async fn due(accounts: &dyn AccountStore) -> Vec<PendingSecurityAlert> {
    accounts.due_alerts(Timestamp::LATEST).await.unwrap()
}

async fn claimed(accounts: &dyn AccountStore) -> Option<NoticeId> {
    let (now, until) = (seconds(600), seconds(660));
    let claimed = claim(accounts, Channel::Sms, now, until).await;
    claimed.map(|notice| notice.id)
}

#[test]
fn a_sign_in_by_recovery_code_raises_an_alert_once() {
    on_each(async |accounts| {
        let (subject, tag) = prepared(&*accounts).await;
        let judged = by_recovery_code(1);
        record_verdict_of(&*accounts, (&subject, tag), &judged, START).await;
        record_verdict_of(&*accounts, (&subject, tag), &judged, START).await;
        let alerts = taken_alerts(&*accounts, &subject, START).await;
        let used = SecurityAlert::RecoveryCodeUsed { left: 2 };
        assert_eq!(alerts, [(1, used, START)]);
        assert_eq!(taken_alerts(&*accounts, &subject, START).await, []);
    });
}

/// The windows are 4 in a minute and 6 in ten minutes.
#[test]
fn a_full_window_raises_an_alert_once_until_it_was_empty() {
    on_each(async |accounts| {
        let (subject, tag) = prepared(&*accounts).await;
        let alerts_at = async |place: u8, at: u64| -> Vec<SecurityAlert> {
            let attempt = attempt(place, WRONG);
            let verdict_result =
                record_verdict_of(&*accounts, (&subject, tag), &attempt, seconds(at)).await;
            assert!(
                matches!(verdict_result, VerdictResult::Rejected { .. }),
                "{verdict_result:?}"
            );
            let alerts = taken_alerts(&*accounts, &subject, seconds(at)).await;
            alerts.into_iter().map(|(_, alert, _)| alert).collect()
        };
        let none: Vec<SecurityAlert> = Vec::new();
        let many = vec![SecurityAlert::ManyWrongCodes];
        for (place, at) in [(0, 0), (1, 1), (2, 2)] {
            assert_eq!(alerts_at(place, at).await, none);
        }
        assert_eq!(alerts_at(3, 3).await, many, "the short window is full");
        assert_eq!(alerts_at(4, 120).await, none);
        assert_eq!(alerts_at(5, 121).await, none, "so is the long one");
        // The last of before is just out of the long window, and the method is not disabled yet.
        assert_eq!(alerts_at(6, 721).await, none);
    });
}

#[test]
fn a_window_that_was_empty_is_told_of_again() {
    on_each(async |accounts| {
        let (subject, tag) = prepared(&*accounts).await;
        let mut told = Vec::new();
        for round in 0..2_u8 {
            for place in 0..4_u8 {
                let mut judged = attempt(20 * round + place, WRONG);
                judged.asks_method = false;
                let at = seconds(600 * u64::from(round) + u64::from(3 * round + place));
                record_verdict_of(&*accounts, (&subject, tag), &judged, at).await;
                let alerts = taken_alerts(&*accounts, &subject, at).await;
                told.extend(alerts.into_iter().map(|(_, alert, _)| (round, alert)));
            }
        }
        let expected = [
            (0, SecurityAlert::ManyWrongCodes),
            (1, SecurityAlert::ManyWrongCodes),
        ];
        assert_eq!(told, expected);
    });
}

/// After eight failures in a row.
#[test]
fn a_method_that_is_disabled_raises_an_alert_once() {
    on_each(async |accounts| {
        let (subject, tag) = prepared(&*accounts).await;
        let mut told = Vec::new();
        for place in 0..10_u8 {
            let at = seconds(700 * u64::from(place));
            record_verdict_of(&*accounts, (&subject, tag), &attempt(place, WRONG), at).await;
            for (_, alert, _) in taken_alerts(&*accounts, &subject, at).await {
                told.push((place, alert));
            }
        }
        let disabled = SecurityAlert::MethodDisabled {
            method: Id::from_bytes([7; 16]),
            kind: MethodKind::Totp,
        };
        assert_eq!(told, [(7, disabled)]);
    });
}

#[test]
fn an_alert_is_announced_by_one_of_its_rivals() {
    on_each(async |accounts| {
        let (subject, tag) = prepared(&*accounts).await;
        record_verdict_of(&*accounts, (&subject, tag), &by_recovery_code(0), START).await;
        let [raised] = due(&*accounts).await.try_into().unwrap();
        let mut rivals = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let (accounts, raised) = (Arc::clone(&accounts), raised.clone());
            rivals.spawn(async move {
                let announcement = AlertNotices {
                    raised,
                    notices: vec![notice(tag, Channel::Sms)],
                    now: START,
                };
                let id = announcement.notices[0].id;
                let ours = accounts.dispatch_alert(&announcement).await.unwrap();
                ours.then_some(id)
            });
        }
        let announced: Vec<NoticeId> = rivals.join_all().await.into_iter().flatten().collect();
        let [id] = announced.try_into().unwrap();
        assert_eq!(claimed(&*accounts).await, Some(id));
        let done = NoticeOutcome::Delivered;
        finish(&*accounts, id, done).await;
        assert_eq!(claimed(&*accounts).await, None, "it was queued once");
        assert_eq!(due(&*accounts).await, []);
    });
}

/// A change after an alert, and one before it.
#[test]
fn an_alert_keeps_its_turn_until_it_is_announced() {
    on_each(async |accounts| {
        let (subject, tag) = prepared(&*accounts).await;
        let tell = async || {
            let mut change = next(&*accounts, &subject, tag, Vec::new()).await;
            change.notices = vec![notice(tag, Channel::Sms)];
            assert_eq!(accounts.commit(&change).await.unwrap(), CommitResult::Done);
            change.notices[0].id
        };
        let before = tell().await;
        record_verdict_of(&*accounts, (&subject, tag), &by_recovery_code(0), START).await;
        let after = tell().await;
        let done = async |id| {
            let done = NoticeOutcome::Delivered;
            finish(&*accounts, id, done).await;
        };
        assert_eq!(claimed(&*accounts).await, Some(before));
        done(before).await;
        assert_eq!(claimed(&*accounts).await, None, "the alert comes first");

        let [raised] = due(&*accounts).await.try_into().unwrap();
        let announcement = AlertNotices {
            raised,
            notices: vec![notice(tag, Channel::Sms), notice(tag, Channel::Sms)],
            now: START,
        };
        assert!(accounts.dispatch_alert(&announcement).await.unwrap());
        for expected in [
            announcement.notices[0].id,
            announcement.notices[1].id,
            after,
        ] {
            assert_eq!(claimed(&*accounts).await, Some(expected));
            done(expected).await;
        }
    });
}

#[test]
fn notices_go_on_when_an_alert_before_them_tells_nobody() {
    on_each(async |accounts| {
        let (subject, tag) = prepared(&*accounts).await;
        record_verdict_of(&*accounts, (&subject, tag), &by_recovery_code(0), START).await;
        let mut change = next(&*accounts, &subject, tag, Vec::new()).await;
        change.notices = vec![notice(tag, Channel::Sms)];
        assert_eq!(accounts.commit(&change).await.unwrap(), CommitResult::Done);
        assert_eq!(claimed(&*accounts).await, None, "the alert comes first");
        let [raised] = due(&*accounts).await.try_into().unwrap();
        let announcement = AlertNotices {
            raised,
            notices: Vec::new(),
            now: START,
        };
        assert!(accounts.dispatch_alert(&announcement).await.unwrap());
        assert_eq!(claimed(&*accounts).await, Some(change.notices[0].id));
    });
}

#[test]
fn an_alert_that_is_put_off_is_not_due() {
    on_each(async |accounts| {
        let (subject, tag) = prepared(&*accounts).await;
        record_verdict_of(&*accounts, (&subject, tag), &by_recovery_code(0), START).await;
        let [raised] = due(&*accounts).await.try_into().unwrap();
        let later = seconds(60);
        accounts
            .postpone_alert(raised.position, later)
            .await
            .unwrap();
        assert_eq!(accounts.due_alerts(seconds(59)).await.unwrap(), []);
        assert_eq!(accounts.due_alerts(later).await.unwrap(), [raised]);
    });
}

#[test]
fn nothing_is_announced_to_an_erased_user() {
    on_each(async |accounts| {
        let (subject, tag) = prepared(&*accounts).await;
        record_verdict_of(&*accounts, (&subject, tag), &by_recovery_code(0), START).await;
        let [raised] = due(&*accounts).await.try_into().unwrap();
        let erase = next(&*accounts, &subject, tag, vec![AccountWriteOp::Erase]).await;
        assert_eq!(accounts.commit(&erase).await.unwrap(), CommitResult::Done);
        assert_eq!(due(&*accounts).await, []);
        let announcement = AlertNotices {
            raised,
            notices: vec![notice(tag, Channel::Sms)],
            now: START,
        };
        assert!(!accounts.dispatch_alert(&announcement).await.unwrap());
        assert_eq!(claimed(&*accounts).await, None);
    });
}
