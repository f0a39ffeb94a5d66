//! A47: rapid resets. What was begun runs to its end all the same, so that how much is begun has to have a bound.

use crate::support::{
    Person, Service, on_embedded, reason, refused, tamper::HangingAccounts, until,
};
use std::{sync::Arc, time::Duration};
use tokio::{task::JoinSet, time::timeout};
use tonic::Code;

/// As many as a caller may have begun.
const PLACES: usize = 256;

/// Opens many calls over four connections and resets them all; how many were refused before that.
async fn open_and_reset(service: &Service, jane: &Person, calls: usize) -> usize {
    let rude: Vec<Person> = (0..4).map(|_| jane.through(service.portal())).collect();
    let mut open = JoinSet::new();
    for place in 0..calls {
        let jane = rude[place % rude.len()].clone();
        open.spawn(async move { timeout(Duration::from_millis(700), jane.begin_sign_in()).await });
    }
    let refused = |status| reason(&status) == "BUSY";
    let answered = open.join_all().await.into_iter().flatten();
    answered
        .filter_map(Result::err)
        .filter(|status| refused(status.clone()))
        .count()
}

#[test]
fn a47_calls_that_were_reset_are_started_up_to_a_bound_of_each_caller() {
    on_embedded(async |service| {
        let mut builder = service.twin_builder();
        builder.stores.accounts = Arc::new(HangingAccounts);
        builder.config.deadline_seconds = 2;
        let hanging = builder.start();
        let jane = service.person().await;
        assert_eq!(open_and_reset(&hanging, &jane, PLACES + 44).await, 44);
        assert_eq!(open_and_reset(&hanging, &jane, 20).await, 20);

        refused(
            jane.through(hanging.portal()).begin_sign_in().await,
            Code::ResourceExhausted,
            "BUSY",
        );
        refused(
            jane.through(hanging.caller("shop")).begin_sign_in().await,
            Code::DeadlineExceeded,
            "DEADLINE_EXCEEDED",
        );
    });
}

#[test]
fn a47_the_places_of_calls_that_were_reset_come_back_control() {
    on_embedded(async |service| {
        let jane = service.person().await;
        for _ in 0..2 {
            open_and_reset(&service, &jane, PLACES + 44).await;
        }
        until(async || jane.begin_sign_in().await, Result::is_ok)
            .await
            .unwrap();
        assert_eq!(open_and_reset(&service, &jane, PLACES / 2).await, 0);
    });
}
