//! A40 and what goes with it: a replica that can't tell the time, or whose durable store may forget, answers nobody.

use crate::{
    faults::{
        servers::{OwnPostgres, OwnRedis},
        stores::runtime,
    },
    support::{
        Builder, ManualClock, Pair, Person, Service, refused,
        service::unique,
        stores::{Stores, memory, postgres_at, redis_at},
    },
};
use countersign::{app::ReadinessFailure, server::watch};
use countersign_proto::{
    health::{
        HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
    },
    v1 as pb,
};
use std::{sync::Arc, time::Duration};
use tonic::Code;

/// A service that goes by the real time, as its stores do.
fn in_step(stores: Stores) -> Service {
    let mut builder = Builder::new(stores);
    builder.clock = Arc::new(ManualClock::at_real_time());
    builder.start()
}

/// What health says of the whole process once its watch has looked.
async fn is_serving(service: &Service) -> bool {
    let stop = tokio::time::sleep(Duration::from_millis(300));
    watch(service.health.clone(), Arc::clone(&service.app), stop).await;
    let mut health = HealthClient::new(service.channel());
    let request = HealthCheckRequest {
        service: String::new(),
    };
    health.check(request).await.unwrap().into_inner().status() == ServingStatus::Serving
}

/// Every kind of call, those that change something and those that only read.
async fn all_calls_are_refused(jane: &Person, challenge_id: &str, code: &str) {
    let out = |outcome: Result<(), _>| {
        let status = refused(outcome, Code::Unavailable, "STORE_UNAVAILABLE");
        assert!(status.message().contains("not ready"), "{status}");
    };
    out(jane.verify(challenge_id, code).await.map(drop));
    out(jane.issue_with(jane.challenge_request()).await.map(drop));
    out(jane.begin_sign_in().await.map(drop));
    out(jane.get().await.map(drop));
    out(jane.get_challenge(challenge_id).await.map(drop));
    let settings = pb::GetMethodSettingsRequest {
        tenant_id: jane.tenant_id.clone(),
        user_id: jane.user_id.clone(),
        context: None,
    };
    let mut methods = jane.clients.methods.clone();
    out(methods.get_method_settings(settings).await.map(drop));
}

#[test]
fn a40_a_replica_whose_clock_is_off_answers_nobody_until_it_is_right_again() {
    runtime().block_on(async {
        let service = in_step(Stores::of(Pair::Production).await);
        let jane = service.person().await;
        let app = jane.enroll_app(&service).await;
        service.advance(30);
        let challenge = jane.issue().await;
        let code = app.app.code_at(service.seconds());
        assert!(!is_serving(&service).await);
        all_calls_are_refused(&jane, &challenge.challenge_id, &code).await;

        service.clock.set_back(Duration::from_secs(30));
        assert!(is_serving(&service).await);
        jane.approved(&challenge.challenge_id, &code).await;
    });
}

#[test]
fn a40_a_clock_that_is_off_is_not_noticed_without_a_look_control() {
    runtime().block_on(async {
        let service = in_step(Stores::of(Pair::Production).await);
        service.advance(30);
        service.person().await.get().await.unwrap();
    });
}

#[test]
fn a40_a_store_that_does_not_answer_is_no_reason_to_refuse_what_does_not_need_it() {
    runtime().block_on(async {
        let mut redis = OwnRedis::start(&[]);
        let (challenges, budgets) = redis_at(&[redis.url()], false);
        let stores = Stores {
            challenges,
            budgets,
            ..Stores::of(Pair::Production).await
        };
        let service = in_step(stores);
        let jane = service.person().await;
        redis.kill();
        assert!(!is_serving(&service).await);
        jane.get().await.unwrap();

        // What was found before stands for as long as nothing else is found.
        redis.start_again();
        service.clock.set_back(Duration::from_secs(30));
        assert!(matches!(
            service.app.check_stores().await,
            Err(ReadinessFailure::OutOfStep { .. })
        ));
        redis.kill();
        assert!(!is_serving(&service).await);
        refused(jane.get().await, Code::Unavailable, "STORE_UNAVAILABLE");
    });
}

#[test]
fn a_clock_that_ran_ahead_sweeps_nothing_that_is_still_needed() {
    runtime().block_on(async {
        let service = in_step(Stores::of(Pair::Production).await);
        let jane = service.person().await;
        let request_id = unique();
        let upsert = |account_name: &str| {
            let request = pb::UpsertUserRequest {
                tenant_id: jane.tenant_id.clone(),
                user_id: jane.user_id.clone(),
                request_id: request_id.clone(),
                profile: Some(pb::Profile {
                    account_name: account_name.to_owned(),
                    ..pb::Profile::default()
                }),
                ..pb::UpsertUserRequest::default()
            };
            let mut users = jane.clients.users.clone();
            async move { users.upsert_user(request).await }
        };
        upsert("first").await.unwrap();
        service.advance(3600);
        service.app.purge().await.unwrap();
        service.clock.set_back(Duration::from_hours(1));
        refused(
            upsert("second").await,
            Code::AlreadyExists,
            "REQUEST_ID_REUSED",
        );
    });
}

#[test]
fn a_postgres_that_is_told_to_forget_while_it_runs_takes_the_replica_out_of_service() {
    runtime().block_on(async {
        let postgres = OwnPostgres::start("");
        let accounts = postgres_at(&postgres.url());
        accounts.migrate().await.unwrap();
        let (challenges, budgets) = memory();
        let stores = Stores {
            accounts: Arc::new(accounts),
            challenges,
            budgets,
            ..Stores::of(Pair::Embedded).await
        };
        let service = in_step(stores);
        let jane = service.person().await;
        let app = jane.enroll_app(&service).await;
        let challenge = jane.issue().await;
        let code = app.app.code_at(service.seconds() + 30);
        assert!(is_serving(&service).await);

        postgres.set("synchronous_commit", "off").await;
        let Err(ReadinessFailure::MayForget(why)) = service.app.check_stores().await else {
            panic!("it was not noticed");
        };
        assert!(why.contains("synchronous_commit is `off`"), "{why}");
        assert!(!is_serving(&service).await);
        all_calls_are_refused(&jane, &challenge.challenge_id, &code).await;

        postgres.set("synchronous_commit", "on").await;
        assert!(is_serving(&service).await);
        jane.approved(&challenge.challenge_id, &code).await;
    });
}

#[test]
fn a68_a_replica_of_an_older_version_does_not_serve_once_the_upgrade_is_finished() {
    runtime().block_on(async {
        let url = crate::support::stores::new_schema().await;
        let (challenges, budgets) = memory();
        let service = in_step(Stores {
            accounts: Arc::new(postgres_at(&url)),
            challenges,
            budgets,
            folder: None,
        });
        let jane = service.person().await;
        let app = jane.enroll_app(&service).await;
        let challenge = jane.issue().await;
        let code = app.app.code_at(service.seconds() + 30);
        assert!(is_serving(&service).await);
        let newer = postgres_at(&url).knowing_form(2);
        newer.finish_upgrade().await.unwrap();
        assert!(!is_serving(&service).await);
        let outcome = jane.verify(&challenge.challenge_id, &code).await;
        refused(outcome, Code::Unavailable, "STORE_UNAVAILABLE");
    });
}
