//! What a notifier's answer means: to the message, to the next notifier, and to whether it is passed over.

use crate::{
    faults::routes::{DEADLINE, GERMAN, at, checked, client, deliver, on_a_runtime},
    support::{
        notifier::{DeliveryBehavior, TestNotifier},
        processes::Deployment,
    },
};
use countersign_domain::notice::message::DeliveryResult;
use std::time::Duration;

/// Else a caller who knows a number that a provider does not like could switch a notifier off.
#[test]
fn a_notifier_that_finds_fault_with_messages_is_not_passed_over() {
    on_a_runtime(async {
        let notifier = TestNotifier::start(DeliveryBehavior::CallsItInvalid).await;
        let client = client(vec![at(&notifier)]);
        for behavior in [DeliveryBehavior::CallsItInvalid, DeliveryBehavior::Refuses] {
            notifier.behave(behavior);
            for _ in 0..5 {
                assert_eq!(deliver(&client, GERMAN).await, DeliveryResult::Refused);
            }
        }
        assert_eq!(notifier.messages().len(), 10);
    });
}

/// Else whoever has an address that a mail server puts off could have everybody's messages fail.
#[test]
fn a_notifier_that_puts_a_message_off_is_not_passed_over() {
    on_a_runtime(async {
        let notifier = TestNotifier::start(DeliveryBehavior::PutsOff).await;
        let client = client(vec![at(&notifier)]);
        for _ in 0..5 {
            assert_eq!(deliver(&client, GERMAN).await, DeliveryResult::NotTaken);
        }
        notifier.behave(DeliveryBehavior::Takes);
        assert_eq!(deliver(&client, GERMAN).await, DeliveryResult::Taken);
        assert_eq!(notifier.messages().len(), 6);
    });
}

#[test]
fn a_message_that_is_put_off_goes_to_the_next_notifier() {
    on_a_runtime(async {
        let (first, second) = (
            TestNotifier::start(DeliveryBehavior::PutsOff).await,
            TestNotifier::start(DeliveryBehavior::Takes).await,
        );
        let client = client(vec![at(&first), at(&second)]);
        assert_eq!(deliver(&client, GERMAN).await, DeliveryResult::Taken);
    });
}

#[test]
fn one_that_does_not_serve_a_number_leaves_it_to_the_next() {
    on_a_runtime(async {
        let (first, second) = (
            TestNotifier::start(DeliveryBehavior::DoesNotServe).await,
            TestNotifier::start(DeliveryBehavior::Takes).await,
        );
        let client = client(vec![at(&first), at(&second)]);
        assert_eq!(deliver(&client, GERMAN).await, DeliveryResult::Taken);
        second.behave(DeliveryBehavior::DoesNotServe);
        assert_eq!(
            deliver(&client, GERMAN).await,
            DeliveryResult::Refused,
            "all say so"
        );
        second.behave(DeliveryBehavior::Errs);
        assert_eq!(
            deliver(&client, GERMAN).await,
            DeliveryResult::NotTaken,
            "the other one may serve it later"
        );
    });
}

#[test]
fn an_answer_that_is_too_long_to_be_read_leaves_open_what_became_of_the_message() {
    on_a_runtime(async {
        let notifier = TestNotifier::start(DeliveryBehavior::SaysTooMuch).await;
        let client = client(vec![at(&notifier)]);
        assert_eq!(deliver(&client, GERMAN).await, DeliveryResult::Unanswered);
    });
}

/// How long the last message was given, as gRPC over HTTP/2 writes it.
fn given(notifier: &TestNotifier) -> Duration {
    let metadata = notifier.metadata().pop().unwrap();
    let value = metadata.get("grpc-timeout").unwrap().to_str().unwrap();
    let (digits, unit) = value.split_at(value.len() - 1);
    let number = digits.parse().unwrap();
    match unit {
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        other => panic!("{other}"),
    }
}

#[test]
fn a_notifier_hears_how_long_it_has() {
    on_a_runtime(async {
        let (first, second) = (
            TestNotifier::start(DeliveryBehavior::Errs).await,
            TestNotifier::start(DeliveryBehavior::Takes).await,
        );
        let client = client(vec![at(&first), at(&second)]);
        deliver(&client, GERMAN).await;
        assert!(
            given(&first) > DEADLINE / 4 && given(&first) <= DEADLINE / 2,
            "its share: {:?}",
            given(&first)
        );
        assert!(
            given(&second) > DEADLINE / 2 && given(&second) <= DEADLINE,
            "what is left: {:?}",
            given(&second)
        );
    });
}

/// Else a call that is repeated would be told that its message died on the way, and a notice would be taken up by another
/// process while it is still on its way.
#[test]
fn a_deadline_longer_than_calls_last_does_not_start() {
    on_a_runtime(async {
        let mut deployment = Deployment::new().await;
        for channel in ["sms", "email"] {
            let lines = |millis| format!("[notifiers.{channel}]\ndeadline_ms = {millis}\n");
            let said = checked(&mut deployment, &lines(10_001));
            let why = format!("notifiers.{channel}.deadline_ms is above 10000");
            assert!(
                said.contains(&why) && !said.contains("would start"),
                "{said}"
            );
            let said = checked(&mut deployment, &lines(10_000));
            assert!(said.contains("would start"), "{said}");
        }
    });
}
