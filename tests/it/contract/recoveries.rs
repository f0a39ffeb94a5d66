//! `AccountStore`: the ways back in are kept alike by every durable store.

use crate::contract::{
    accounts::{START, new_user, next, on_each, random, random_subject},
    alerts::raise_alert,
    verdicts::{Judged, bypass_code, prepare, taken_alerts, verdict_request},
};
use countersign::ports::{AccountLookup, AccountStore, CommitResult};
use countersign_domain::{
    account::{
        Account, PendingAttempt, StoredHashLookup,
        change::{AccountChange, AccountWriteOp},
    },
    challenge::{
        AttemptEffect, AttemptJudgment, approval::ApprovedPurpose, totp::TimeStep,
        verdict::VerdictResult,
    },
    limits::budget::AttemptClass,
    method::MethodKind,
    notice::alert::SecurityAlert,
    recovery::reset::{LoginIdentifier, Reset},
    value::{
        id::{Id, Subject, SubjectTag, UserId},
        secret::SealedBytes,
        time::Timestamp,
    },
};
use std::time::Duration;

async fn prepared(accounts: &dyn AccountStore) -> (Subject, SubjectTag) {
    let (subject, tag) = random_subject();
    prepare(accounts, &subject, tag).await;
    (subject, tag)
}

async fn account(accounts: &dyn AccountStore, subject: &Subject) -> Account {
    accounts
        .load(subject, AccountLookup::default())
        .await
        .unwrap()
        .account
        .unwrap()
}

async fn write(
    accounts: &dyn AccountStore,
    subject: &Subject,
    tag: SubjectTag,
    writes: Vec<AccountWriteOp>,
) {
    let change = next(accounts, subject, tag, writes).await;
    assert_eq!(accounts.commit(&change).await.unwrap(), CommitResult::Done);
}

fn attempt(challenge: u8, judgment: AttemptJudgment) -> Judged {
    Judged {
        challenge,
        attempt: challenge,
        payload: None,
        caller: "portal",
        class: AttemptClass::Recovery,
        behind: 0,
        asks_method: false,
        version: 1,
        judgment,
        device: None,
        purpose: ApprovedPurpose::SignIn,
    }
}

async fn record_verdict_of(
    accounts: &dyn AccountStore,
    (subject, tag): (&Subject, SubjectTag),
    judged: &Judged,
    at: Timestamp,
) -> VerdictResult {
    let epoch = account(accounts, subject).await.epoch;
    let mut verdict_request = verdict_request(subject, tag, judged, epoch, at);
    verdict_request.approval.id = random();
    accounts.record_verdict(&verdict_request).await.unwrap()
}

fn by_bypass(challenge: u8, seed: u8) -> Judged {
    let id = Id::from_bytes([seed; 16]);
    attempt(
        challenge,
        AttemptJudgment::Right(AttemptEffect::BypassCode { id }),
    )
}

const fn is_approved(verdict_result: &VerdictResult) -> bool {
    matches!(verdict_result, VerdictResult::Approved { .. })
}

#[test]
fn one_bypass_code_is_live_and_the_one_before_is_dead() {
    on_each(async |accounts| {
        let (subject, tag) = prepared(&*accounts).await;
        let pending = PendingAttempt {
            challenge: random(),
            attempt: random(),
            challenge_ended: false,
        };
        let newer = bypass_code(61);
        write(
            &*accounts,
            &subject,
            tag,
            vec![AccountWriteOp::BypassCode(newer.clone())],
        )
        .await;
        assert_eq!(
            account(&*accounts, &subject).await.bypass_hash(pending),
            StoredHashLookup::Unused(newer.id, newer.hash)
        );
        let until = account(&*accounts, &subject).await.bypass_until();
        assert_eq!(until, Some(newer.expires_at));
        let older = record_verdict_of(&*accounts, (&subject, tag), &by_bypass(1, 60), START).await;
        assert!(!is_approved(&older), "{older:?}");
        let newer = record_verdict_of(&*accounts, (&subject, tag), &by_bypass(2, 61), START).await;
        assert!(is_approved(&newer), "{newer:?}");
        let again = record_verdict_of(&*accounts, (&subject, tag), &by_bypass(3, 61), START).await;
        assert!(!is_approved(&again), "{again:?}");
        assert_eq!(
            account(&*accounts, &subject).await.bypass_hash(pending),
            StoredHashLookup::Empty
        );
    });
}

#[test]
fn a_bypass_code_dies_with_its_epoch_and_with_its_time() {
    on_each(async |accounts| {
        let (subject, tag) = prepared(&*accounts).await;
        let ends = bypass_code(60).expires_at;
        let late = record_verdict_of(&*accounts, (&subject, tag), &by_bypass(1, 60), ends).await;
        assert!(!is_approved(&late), "{late:?}");

        let change = next(&*accounts, &subject, tag, Vec::new()).await;
        let epoch = change.epoch.grown();
        let change = AccountChange { epoch, ..change };
        accounts.commit(&change).await.unwrap();
        assert_eq!(account(&*accounts, &subject).await.bypass_until(), None);
        let old = record_verdict_of(&*accounts, (&subject, tag), &by_bypass(2, 60), START).await;
        assert!(!is_approved(&old), "{old:?}");
    });
}

#[test]
fn windows_that_were_lifted_are_empty_but_an_attempt_is_counted_once_all_the_same() {
    on_each(async |accounts| {
        let (subject, tag) = prepared(&*accounts).await;
        let wrong = attempt(1, AttemptJudgment::Wrong { skew: None });
        record_verdict_of(&*accounts, (&subject, tag), &wrong, START).await;
        let soon = START.plus(Duration::from_secs(1));
        assert_eq!(account(&*accounts, &subject).await.failures().len(), 1);

        write(&*accounts, &subject, tag, vec![AccountWriteOp::LiftWindows]).await;
        assert_eq!(account(&*accounts, &subject).await.failures(), []);
        let repeated = record_verdict_of(&*accounts, (&subject, tag), &wrong, soon).await;
        assert!(
            matches!(repeated, VerdictResult::Rejected { .. }),
            "{repeated:?}"
        );
        assert_eq!(account(&*accounts, &subject).await.failures(), []);
    });
}

#[test]
fn a_reset_leaves_nothing_to_answer_with() {
    on_each(async |accounts| {
        let (subject, tag) = prepared(&*accounts).await;
        let writes = vec![
            AccountWriteOp::SetDefault(Id::from_bytes([7; 16])),
            AccountWriteOp::RemoveAllMethods,
            AccountWriteOp::NoRecoveryCodes,
            AccountWriteOp::NoBypassCode,
        ];
        write(&*accounts, &subject, tag, writes).await;
        let left = account(&*accounts, &subject).await;
        assert_eq!(left.methods, []);
        assert_eq!(
            (
                left.user_default,
                left.recovery.clone(),
                left.bypass_until()
            ),
            (None, None, None)
        );
    });
}

fn reset_due_at(due_at: Timestamp, account: &Account) -> Reset {
    let started_at = due_at.minus(Duration::from_hours(72));
    Reset::started(random(), account.epoch, started_at, due_at)
}

#[test]
fn a_reset_is_kept_as_it_was_started_canceled_and_finished() {
    on_each(async |accounts| {
        let (subject, tag) = prepared(&*accounts).await;
        let before = account(&*accounts, &subject).await;
        let reset = reset_due_at(START.plus(Duration::from_hours(72)), &before);
        write(
            &*accounts,
            &subject,
            tag,
            vec![AccountWriteOp::BeginReset(reset.clone())],
        )
        .await;
        assert_eq!(
            account(&*accounts, &subject).await.reset,
            Some(reset.clone())
        );

        let challenge = random();
        write(
            &*accounts,
            &subject,
            tag,
            vec![AccountWriteOp::MailResetCode(reset.id, challenge)],
        )
        .await;
        let mailed = account(&*accounts, &subject).await.reset.unwrap();
        assert_eq!(mailed.challenge, Some(challenge));

        write(
            &*accounts,
            &subject,
            tag,
            vec![AccountWriteOp::CancelReset(reset.id)],
        )
        .await;
        let canceled = account(&*accounts, &subject).await.reset.unwrap();
        assert!(canceled.canceled_at.is_some());
        for late in [
            AccountWriteOp::CancelReset(reset.id),
            AccountWriteOp::FinishReset(reset.id),
        ] {
            let change = next(&*accounts, &subject, tag, vec![late]).await;
            let outcome = accounts.commit(&change).await.unwrap();
            assert_eq!(outcome, CommitResult::ChangedConcurrently);
        }

        let again = reset_due_at(START, &before);
        write(
            &*accounts,
            &subject,
            tag,
            vec![AccountWriteOp::BeginReset(again.clone())],
        )
        .await;
        assert_eq!(
            account(&*accounts, &subject).await.reset,
            Some(again.clone())
        );
        write(
            &*accounts,
            &subject,
            tag,
            vec![AccountWriteOp::FinishReset(again.id)],
        )
        .await;
        assert_eq!(account(&*accounts, &subject).await.reset, None);
    });
}

#[test]
fn a_second_factor_that_is_passed_cancels_a_pending_reset_and_says_so() {
    on_each(async |accounts| {
        let (subject, tag) = prepared(&*accounts).await;
        let before = account(&*accounts, &subject).await;
        let reset = reset_due_at(START.plus(Duration::from_hours(72)), &before);
        write(
            &*accounts,
            &subject,
            tag,
            vec![AccountWriteOp::BeginReset(reset)],
        )
        .await;
        let step = AttemptEffect::Step {
            step: TimeStep(9),
            acceptable_from: START,
        };
        let by_app = Judged {
            asks_method: true,
            class: AttemptClass::Unknown,
            ..attempt(1, AttemptJudgment::Right(step))
        };
        assert_eq!(before.methods[0].kind, MethodKind::Totp);
        let verdict_result = record_verdict_of(&*accounts, (&subject, tag), &by_app, START).await;
        assert!(is_approved(&verdict_result), "{verdict_result:?}");
        let canceled = account(&*accounts, &subject).await.reset.unwrap();
        assert_eq!(canceled.canceled_at, Some(START));
        let alerts = taken_alerts(&*accounts, &subject, START).await;
        let told: Vec<SecurityAlert> = alerts.into_iter().map(|(_, alert, _)| alert).collect();
        assert_eq!(told, [SecurityAlert::ResetCanceled]);
    });
}

#[test]
fn users_are_found_by_login_and_by_the_digest_of_their_address() {
    on_each(async |accounts| {
        let (subject, _) = prepared(&*accounts).await;
        let by_login = LoginIdentifier::User(subject.user.clone());
        let found = accounts.logins(&subject.tenant, &by_login).await.unwrap();
        assert_eq!(found, std::slice::from_ref(&subject.user));
        let nobody = accounts
            .logins(&subject.tenant, &LoginIdentifier::Email([9; 16]))
            .await;
        assert_eq!(nobody.unwrap(), []);
    });
}

#[test]
fn namesakes_whose_address_is_not_verified_take_no_place() {
    const TAG: [u8; 16] = [7; 16];
    on_each(async |accounts| {
        let (first, _) = random_subject();
        let with_address = async |name: &str, email_verified| {
            let subject = Subject {
                user: UserId::parse(name).unwrap(),
                ..first.clone()
            };
            let (_, tag) = random_subject();
            let created = accounts.commit(&new_user(&subject, tag)).await.unwrap();
            assert_eq!(created, CommitResult::Done);
            let address = AccountWriteOp::Profile {
                profile: SealedBytes::from_bytes(vec![1]),
                email_verified,
                email_version: 1,
                email_tag: Some(TAG),
                email_since: Some(START),
            };
            write(&*accounts, &subject, tag, vec![address]).await;
        };
        for number in 10..30 {
            with_address(&format!("a-{number}"), false).await;
        }
        with_address("jane", true).await;
        let found = accounts
            .logins(&first.tenant, &LoginIdentifier::Email(TAG))
            .await;
        assert_eq!(found.unwrap(), [UserId::parse("jane").unwrap()]);
    });
}

#[test]
fn whatever_lets_the_epoch_grow_cancels_the_reset_that_is_pending() {
    on_each(async |accounts| {
        let (subject, tag) = prepared(&*accounts).await;
        let before = account(&*accounts, &subject).await;
        let reset = reset_due_at(START.plus(Duration::from_hours(72)), &before);
        write(
            &*accounts,
            &subject,
            tag,
            vec![AccountWriteOp::BeginReset(reset)],
        )
        .await;
        let change = next(&*accounts, &subject, tag, Vec::new()).await;
        let grown = AccountChange {
            epoch: change.epoch.grown(),
            ..change
        };
        let outcome = accounts.commit(&grown).await.unwrap();
        assert_eq!(outcome, CommitResult::Done);
        let canceled = account(&*accounts, &subject).await.reset.unwrap();
        assert_eq!(canceled.canceled_at, Some(grown.now));
    });
}

#[test]
fn a_sign_in_by_recovery_code_cancels_the_reset_that_is_pending_and_says_so() {
    on_each(async |accounts| {
        let (subject, tag) = prepared(&*accounts).await;
        let before = account(&*accounts, &subject).await;
        let reset = reset_due_at(START.plus(Duration::from_hours(72)), &before);
        write(
            &*accounts,
            &subject,
            tag,
            vec![AccountWriteOp::BeginReset(reset)],
        )
        .await;
        raise_alert(&*accounts, (&subject, tag), START).await;
        let canceled = account(&*accounts, &subject).await.reset.unwrap();
        assert_eq!(canceled.canceled_at, Some(START));
        let alerts = taken_alerts(&*accounts, &subject, START).await;
        let told: Vec<SecurityAlert> = alerts.into_iter().map(|(_, alert, _)| alert).collect();
        assert_eq!(
            told,
            [
                SecurityAlert::ResetCanceled,
                SecurityAlert::RecoveryCodeUsed { left: 2 }
            ]
        );
    });
}
