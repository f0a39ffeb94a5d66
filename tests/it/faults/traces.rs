//! The caller's trace goes through: it is in the log of a failure, and in what notifiers hear.

use crate::{
    faults::servers::OwnRedis,
    support::{
        Person,
        notifier::{DeliveryBehavior, TestNotifier},
        processes::Deployment,
        service::unique,
    },
};
use countersign_proto::v1 as pb;
use tonic::Request;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

fn traced<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    let parent = format!("00-{TRACE}-00f067aa0ba902b7-01");
    request
        .metadata_mut()
        .insert("traceparent", parent.parse().unwrap());
    request
}

#[test]
fn a_callers_trace_is_joined() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut redis = OwnRedis::start(&[]);
        let notifier = TestNotifier::start(DeliveryBehavior::Takes).await;
        let mut deployment = Deployment::new().await;
        deployment.redis = redis.url();
        deployment.notifier = Some(notifier.url.clone());
        let process = deployment.serve();
        let jane = Person::new(process.portal(), format!("tenant-{}", unique()), "jane").await;
        let verify_email = pb::IssueChallengeRequest {
            purpose: Some(pb::issue_challenge_request::Purpose::VerifyEmail(
                pb::VerifyEmail {},
            )),
            ..jane.challenge_request()
        };
        let mut challenges = jane.clients.challenges.clone();
        challenges
            .issue_challenge(traced(verify_email.clone()))
            .await
            .unwrap();
        let heard = notifier.metadata().remove(0);
        let parent = heard.get("traceparent").unwrap().to_str().unwrap();
        assert!(
            parent.contains(TRACE) && !parent.contains("00f067aa0ba902b7"),
            "a span of ours: {parent}"
        );

        redis.kill();
        challenges
            .issue_challenge(traced(verify_email))
            .await
            .unwrap_err();
        process.signal("TERM");
        let (_, said) = process.wait();
        let line = said
            .lines()
            .find(|line| line.contains("store unavailable"))
            .unwrap();
        assert!(
            line.contains(TRACE) && line.contains("ChallengeService/IssueChallenge"),
            "{line}"
        );
    });
}

#[test]
fn a_callers_trace_is_passed_on_though_the_log_leaves_calls_out() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let notifier = TestNotifier::start(DeliveryBehavior::Takes).await;
        let mut deployment = Deployment::new().await;
        deployment.notifier = Some(notifier.url.clone());
        deployment.extra = "[log]\nfilter = \"info,countersign::grpc=warn\"\n".to_owned();
        let process = deployment.serve();
        let jane = Person::new(process.portal(), format!("tenant-{}", unique()), "jane").await;
        let verify_email = pb::IssueChallengeRequest {
            purpose: Some(pb::issue_challenge_request::Purpose::VerifyEmail(
                pb::VerifyEmail {},
            )),
            ..jane.challenge_request()
        };
        let mut challenges = jane.clients.challenges.clone();
        challenges
            .issue_challenge(traced(verify_email))
            .await
            .unwrap();
        let heard = notifier.metadata().remove(0);
        let parent = heard.get("traceparent").unwrap().to_str().unwrap();
        assert!(parent.contains(TRACE), "{parent}");
    });
}
