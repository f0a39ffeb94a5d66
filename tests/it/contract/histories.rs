//! What a failover may have lost: the domain's rule and the function of PostgreSQL say the same of it.

use crate::{
    contract::{
        accounts::{START, next, random_subject},
        verdicts::{Judged, prepare, runtime, verdict_request},
    },
    support::{
        schema::{ROUTES, Route, Schema},
        tables::execute_in_postgres,
    },
};
use countersign::ports::{AccountStore, CommitResult};
use countersign_domain::{
    challenge::{
        AttemptEffect, AttemptJudgment,
        approval::ApprovedPurpose,
        totp::TimeStep,
        verdict::{MethodStatus, Verdict, VerdictInputs, VerdictResult},
    },
    limits::budget::AttemptClass,
    method::MethodKind,
    value::{epoch::Epoch, time::Timestamp},
};

/// What the record says of a user that `prepare` made, in a history that began then.
fn fresh(timeline_started_at: Timestamp) -> VerdictInputs {
    VerdictInputs {
        epoch: Some(Epoch::first(1)),
        ended: None,
        is_recorded_failure: false,
        failed_at: Vec::new(),
        failures_of_challenge: 0,
        window_announced: false,
        method: Some(MethodStatus {
            kind: MethodKind::Totp,
            consecutive_failures: 0,
            version: 1,
            disabled: false,
            last_step: Some(TimeStep(1)),
        }),
        code_unused: true,
        reset_pending: false,
        request_used: false,
        email_version: 0,
        trust_withdrawn: false,
        timeline_started_at,
    }
}

#[test]
fn postgres_rules_on_a_new_history_as_the_domain_does() {
    for route in ROUTES {
        runtime().block_on(rule_on_a_new_history(route));
    }
}

async fn rule_on_a_new_history(route: Route) {
    let schema = Schema::new(route).await;
    let accounts = schema.accounts();
    let began = format!("UPDATE histories SET began_at = {}", START.millis());
    execute_in_postgres(&schema.url, &began).await;
    let around = [-60_000, -30_000, -1, 0, 1, 30_000].map(|offset| START.millis() + offset);
    let mut seen = Vec::new();
    for (issued_at, acceptable_from) in around
        .iter()
        .flat_map(|issued| around.iter().map(move |from| (*issued, *from)))
    {
        let (subject, tag) = random_subject();
        prepare(&accounts, &subject, tag).await;
        let judged = Judged {
            challenge: 1,
            attempt: 1,
            payload: None,
            caller: "portal",
            class: AttemptClass::Unknown,
            behind: 0,
            asks_method: true,
            version: 1,
            judgment: AttemptJudgment::Right(AttemptEffect::Step {
                step: TimeStep(2),
                acceptable_from: Timestamp::from_millis(acceptable_from),
            }),
            device: None,
            purpose: ApprovedPurpose::SignIn,
        };
        let mut verdict_request = verdict_request(&subject, tag, &judged, Epoch::first(1), START);
        verdict_request.issued_at = Timestamp::from_millis(issued_at);
        let expected = verdict_request.rule(&fresh(START));
        let actual = match accounts.record_verdict(&verdict_request).await.unwrap() {
            VerdictResult::Approved { .. } => Verdict::Approve,
            VerdictResult::Rejected { .. } => Verdict::Reject,
            VerdictResult::Full(until) => Verdict::Full(until),
            VerdictResult::Over => Verdict::Over,
        };
        assert_eq!(actual, expected, "{issued_at} {acceptable_from}");
        seen.push(actual);
    }
    for verdict in [Verdict::Approve, Verdict::Reject, Verdict::Over] {
        assert!(seen.contains(&verdict), "{verdict:?} never came");
    }
}

#[test]
fn a_change_that_was_decided_in_an_older_history_is_decided_again() {
    for route in ROUTES {
        runtime().block_on(async {
            let schema = Schema::new(route).await;
            let accounts = schema.accounts();
            let (subject, tag) = random_subject();
            prepare(&accounts, &subject, tag).await;
            let mut change = next(&accounts, &subject, tag, Vec::new()).await;
            let began = format!("UPDATE histories SET began_at = {}", START.millis() + 1);
            execute_in_postgres(&schema.url, &began).await;
            // A process that knows nothing of the older one.
            let accounts = schema.accounts();
            let refused = accounts.commit(&change).await.unwrap();
            assert_eq!(refused, CommitResult::ChangedConcurrently);
            change.now = Timestamp::from_millis(START.millis() + 1);
            assert_eq!(accounts.commit(&change).await.unwrap(), CommitResult::Done);
        });
    }
}
