//! Single rows: what stays as it is, what can't be opened, and who may not be disturbed.

use super::{FAST, OpenedValue, ResealDeployment, counts, key, on_both, settings};
use crate::support::{
    database::{Cell, literal},
    person::add_method,
};
use countersign::{
    app::ResealError,
    ports::{AccountLookup, KeyService, NoticeFilter},
    store::CanaryError,
};
use countersign_domain::account::Account;
use countersign_proto::v1 as pb;
use countersign_transport::system::{Clock, SystemClock};
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

/// All that is stored beside sealed bytes, in an order.
async fn tables(deployment: &ResealDeployment) -> Vec<Vec<Vec<Cell>>> {
    let mut tables = Vec::new();
    for sql in [
        "SELECT tenant_id, user_id, form, email_tag, methods, last_failure_at FROM accounts ORDER BY tenant_id, user_id",
        "SELECT event_id, kind, details, personal FROM events ORDER BY position",
        "SELECT notice_id, turn, channel, queued_at, attempts, dead_at, death FROM outbox ORDER BY position",
        "SELECT subject, channel, due_at, position, claimed_notice FROM outbox_queues ORDER BY subject, channel",
        "SELECT tenant_id, turn, kind FROM alerts ORDER BY position",
        "SELECT tenant_id, layer, etag, updated_at FROM policies ORDER BY tenant_id",
        "SELECT tenant_id, challenge_id, ended_at FROM ended_challenges ORDER BY tenant_id, user_id, challenge_id",
        "SELECT key_digest, subject, at FROM idempotency_records ORDER BY key_digest",
    ] {
        tables.push(deployment.database.rows(sql).await);
    }
    tables
}

/// An account without the bytes that are sealed in it.
fn plain(account: Account) -> Account {
    let empty = || countersign_domain::value::secret::SealedBytes::from_bytes(Vec::new());
    let mut account = account;
    account.user_key = empty();
    account.profile = empty();
    account.profile_tag.clear();
    for method in &mut account.methods {
        method.sealed = empty();
    }
    account
}

async fn account(opened: &OpenedValue, person: &crate::support::Person) -> Account {
    let subject = person.subject();
    let loaded = opened.accounts.load(&subject, AccountLookup::default());
    loaded.await.unwrap().account.unwrap()
}

#[test]
fn nothing_but_the_seals_changes() {
    on_both(async |deployment| {
        let first = deployment.open_long_ago(&[1]).await;
        let service = deployment.serve(&first, &[1]);
        let person = service.person().await;
        person.enroll_app(&service).await;
        service.stop().await;
        let before = (
            tables(&deployment).await,
            plain(account(&first, &person).await),
        );
        let report = deployment.reseal(&[2, 1]).await.unwrap();
        let saved: u64 = counts(&report.usage, 2).iter().sum();
        assert_eq!(report.saved, saved);
        assert!(saved > 2, "{saved}");
        let last = deployment.open(&[2]).await.unwrap();
        let after = (
            tables(&deployment).await,
            plain(account(&last, &person).await),
        );
        assert_eq!(before, after);
        let again = deployment.reseal(&[2, 1]).await.unwrap();
        assert_eq!(again.saved, 0);
    });
}

#[test]
fn a_profile_of_an_older_key_is_found_behind_a_record_of_the_active_one() {
    on_both(async |deployment| {
        let first = deployment.open_long_ago(&[1]).await;
        let service = deployment.serve(&first, &[1]);
        let person = service.person().await;
        let app = person.enroll_app(&service).await;
        service.stop().await;
        let rotated = deployment.open(&[2, 1]).await.unwrap();
        let service = deployment.serve(&rotated, &[2, 1]);
        let person = person.through(service.portal());
        // The sign-in saves the record; the second app changes the profile, and not what was sealed in it before.
        person.sign_in(&service, &app).await;
        let key_id = "SELECT key_id FROM accounts";
        let is_new = [Cell::Text("k-2".to_owned())];
        assert_eq!(deployment.database.rows(key_id).await, [is_new]);
        let proof = person
            .step_up(&service, &app, add_method(pb::MethodKind::Totp))
            .await;
        person.enroll_app_with(&service, proof).await;
        service.stop().await;
        let usage = deployment.usage(&[2, 1]).await;
        assert_eq!(counts(&usage, 1)[0], 1, "{usage:?}");
        assert_eq!(counts(&usage, 2)[0], 1, "{usage:?}");
        assert!(deployment.reseal(&[2, 1]).await.unwrap().saved > 0);
        let last = deployment.open(&[2]).await.unwrap();
        let service = deployment.serve(&last, &[2]);
        person
            .through(service.portal())
            .sign_in(&service, &app)
            .await;
        service.stop().await;
    });
}

#[test]
fn rows_that_do_not_open_are_named_and_the_others_are_sealed_again() {
    on_both(async |deployment| {
        let first = deployment.open_long_ago(&[1]).await;
        let service = deployment.serve(&first, &[1]);
        let (jane, john) = (service.person().await, service.person().await);
        jane.enroll_app(&service).await;
        john.enroll_app(&service).await;
        service.stop().await;
        let stranger = deployment.serve(&first, &[1]);
        stranger.stop().await;
        let notices = first.accounts.waiting_notices(NoticeFilter::All, 0);
        let notice = notices.await.unwrap()[0].clone();
        // One record is altered, and one notice lies under a key that nobody has.
        let name = &jane.tenant_id;
        let record = format!("SELECT record FROM accounts WHERE tenant_id = '{name}'");
        let Cell::Bytes(mut bytes) = deployment.database.rows(&record).await[0][0].clone() else {
            panic!("no bytes")
        };
        *bytes.last_mut().unwrap() ^= 1;
        let bytes = literal(&deployment.database, &bytes);
        let alter = format!("UPDATE accounts SET record = {bytes} WHERE tenant_id = '{name}'");
        deployment.database.execute(&alter).await;
        let lost = deployment.ring(&[9]);
        let purpose =
            countersign_domain::value::secret::SealingContext::Notice(notice.subject, notice.id);
        let sealed = lost.seal(purpose, b"plain", [7; 24]);
        let sealed = literal(&deployment.database, sealed.as_bytes());
        let id = literal(&deployment.database, notice.id.as_bytes());
        let replace = format!("UPDATE outbox SET sealed = {sealed} WHERE notice_id = {id}");
        deployment.database.execute(&replace).await;

        let rows: u64 = counts(&deployment.usage(&[2, 1]).await, 1).iter().sum();
        let report = deployment.reseal(&[2, 1]).await.unwrap();
        assert_eq!(report.saved, rows - 1);
        assert_eq!(report.usage.rows_under(&key(1)), 1);
        assert_eq!(report.usage.rows_under(&key(9)), 1);
        let named = report.usage.unusable().join("\n");
        let pseudonym =
            |tag: countersign_domain::value::id::SubjectTag| data_encoding::HEXLOWER.encode(&tag.0);
        let of_jane = pseudonym(deployment.ring(&[1]).subject_tag(&jane.subject()));
        for part in [
            "`accounts`",
            name,
            &of_jane,
            "the key `k-1`",
            "`outbox`",
            &pseudonym(notice.subject),
            "the key `k-9`",
        ] {
            // The altered row names the key that it was sealed under.
            assert!(
                named.contains(part) || part == "the key `k-1`" && named.contains("`k-1`"),
                "{part}: {named}"
            );
        }
        let refused = deployment.open(&[2]).await.err();
        assert!(
            matches!(refused, Some(CanaryError::LacksKey(_))),
            "{refused:?}"
        );
    });
}

#[test]
fn a_command_is_refused_while_a_process_has_the_other_key_active() {
    on_both(async |deployment| {
        let first = deployment.open(&[1]).await.unwrap();
        let service = deployment.serve(&first, &[1]);
        service.person().await;
        service.stop().await;
        let command = deployment.command(&[2, 1]).await;
        let runs = async {
            for probe in 1.. {
                let now = SystemClock.now().plus(Duration::from_secs(6) * probe);
                first.accounts.probe_write(now).await.unwrap();
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        let mut silent = |_| {};
        let refused = tokio::select! {
            refused = deployment.reseal_on(&command, &[2, 1], FAST, &mut silent) => refused,
            () = runs => panic!("it runs for ever"),
        };
        let refused = refused.unwrap_err();
        assert!(matches!(&refused, ResealError::OtherActive(other, _) if *other == key(1)));
        assert!(
            refused.to_string().contains("the key `k-1` active"),
            "{refused}"
        );
        assert_eq!(counts(&deployment.usage(&[2, 1]).await, 2), [0; 5]);
    });
}

#[test]
fn a_key_that_a_process_has_active_meanwhile_stays_in_use() {
    on_both(async |deployment| {
        deployment.open_long_ago(&[1]).await;
        let command = deployment.open(&[2, 1]).await.unwrap();
        let first = BTreeSet::from([key(1)]);
        let seen = command.sealed.keys_in_use().await.unwrap();
        let back = deployment.open(&[1, 2]).await.unwrap();
        let forgotten = command.sealed.remove_sealing_keys(&first, &seen);
        assert!(!forgotten.await.unwrap());
        assert!(deployment.open(&[2]).await.is_err());
        drop(back);
        let seen = command.sealed.keys_in_use().await.unwrap();
        let forgotten = command.sealed.remove_sealing_keys(&first, &seen);
        assert!(forgotten.await.unwrap());
        assert!(deployment.open(&[2]).await.is_ok());
        // A process that runs notes its key again.
        let running = deployment.database.store(deployment.ring(&[1, 2])).await;
        running.probe_write(SystemClock.now()).await.unwrap();
        assert!(deployment.open(&[2]).await.is_err());
    });
}

#[test]
fn a_running_process_that_lacks_a_key_in_use_says_so() {
    on_both(async |deployment| {
        let first = deployment.open(&[1]).await.unwrap();
        assert!(first.accounts.clock().await.is_ok());
        let second = deployment.open(&[2, 1]).await.unwrap();
        let refused = first.accounts.clock().await.unwrap_err().to_string();
        assert!(refused.contains("the key `k-2`"), "{refused}");
        assert!(second.accounts.clock().await.is_ok());
    });
}

#[test]
fn no_more_rows_are_saved_in_a_second_than_it_was_told() {
    on_both(async |deployment| {
        let first = deployment.open_long_ago(&[1]).await;
        let service = deployment.serve(&first, &[1]);
        for _ in 0..20 {
            service.person().await;
        }
        service.stop().await;
        let command = deployment.command(&[2, 1]).await;
        #[expect(clippy::disallowed_methods, reason = "the rate goes by the real time")]
        let began_at = Instant::now();
        let run = deployment
            .reseal_on(&command, &[2, 1], settings(10), &mut |_| {})
            .await;
        let saved = run.unwrap().saved;
        assert!(saved >= 20);
        // The last of them is paid for after it is saved.
        let least = Duration::from_millis(100) * u32::try_from(saved - 1).unwrap();
        assert!(
            began_at.elapsed() >= least,
            "{saved} in {:?}",
            began_at.elapsed()
        );
    });
}
