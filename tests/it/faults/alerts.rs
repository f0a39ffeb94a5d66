//! Alerts of accounts that can't be read: nobody else waits for them.

use crate::{
    contract::{accounts::random_subject, alerts::raise_alert, verdicts::prepare},
    faults::notices::{builder, on_a_runtime, until_attempted},
    support::{
        notifier::{DeliveryBehavior, TestNotifier},
        tamper::TamperedAccounts,
        until,
    },
};
use countersign::ports::Outbox;
use countersign_domain::value::time::Timestamp;
use countersign_transport::system::Clock;
use std::sync::Arc;

/// Its account is not sealed under a key of the ring.
#[test]
fn an_alert_of_an_account_that_does_not_open_is_given_up_after_three_days() {
    on_a_runtime(async {
        let email = TestNotifier::start(DeliveryBehavior::Takes).await;
        let service = builder(None, Some(&email)).await.start();
        let accounts = &*service.stores.accounts;
        let (subject, tag) = random_subject();
        prepare(accounts, &subject, tag).await;
        raise_alert(accounts, (&subject, tag), service.clock.now()).await;
        let alerts = async || accounts.due_alerts(Timestamp::LATEST).await.unwrap();
        service.app.dispatch_due_alerts().await.unwrap();
        service.advance(71 * 60 * 60);
        service.app.dispatch_due_alerts().await.unwrap();
        assert_eq!(alerts().await.len(), 1, "another replica may have the key");

        let jane = service.person().await;
        let app = jane.enroll_app(&service).await;
        let challenge = jane.issue().await;
        jane.approved(&challenge.challenge_id, &app.recovery_codes[0])
            .await;
        until_attempted(&email, 2).await;
        service.advance(60 * 60);
        service.app.dispatch_due_alerts().await.unwrap();
        until(alerts, Vec::is_empty).await;
    });
}

/// Its row is damaged, or of a version that this process does not know.
#[test]
fn an_alert_of_an_account_that_the_store_can_not_read_holds_up_nobody_elses() {
    on_a_runtime(async {
        let email = TestNotifier::start(DeliveryBehavior::Takes).await;
        let mut builder = builder(None, Some(&email)).await;
        let accounts = Arc::new(TamperedAccounts::new(Arc::clone(&builder.stores.accounts)));
        builder.stores.accounts = accounts.clone();
        let service = builder.start();
        let (subject, tag) = random_subject();
        prepare(&*accounts, &subject, tag).await;
        raise_alert(&*accounts, (&subject, tag), service.clock.now()).await;
        accounts.damage(&subject);

        let jane = service.person().await;
        let app = jane.enroll_app(&service).await;
        let challenge = jane.issue().await;
        jane.approved(&challenge.challenge_id, &app.recovery_codes[0])
            .await;
        until_attempted(&email, 2).await;
        service.advance(73 * 60 * 60);
        service.app.dispatch_due_alerts().await.unwrap();
        let waiting = accounts.due_alerts(Timestamp::LATEST).await.unwrap();
        assert_eq!(waiting.len(), 1, "it is never given up");
    });
}
