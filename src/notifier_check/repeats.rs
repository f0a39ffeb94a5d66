//! Checks of outcomes and idempotency keys.

use crate::{
    answer::{CheckFinding, NotifierAnswer},
    notifier::CheckedNotifier,
};
use countersign_proto::notifier::{DeliverRequest, deliver_request::Content};
use futures_util::future::join_all;
use std::time::Duration;
use tonic::Code;

const FIRST: &str = "code";
const CONCURRENT_CALLS: usize = 8;
const CUT_SHORT_DELAYS: [Duration; 2] = [Duration::from_millis(3), Duration::from_millis(50)];

pub(super) async fn accepts_code(notifier: &CheckedNotifier) -> CheckFinding {
    let answer = notifier.deliver(&notifier.code(FIRST)).await;
    answer.must_be_accepted()
}

pub(super) async fn repeat(notifier: &CheckedNotifier) -> CheckFinding {
    let message = notifier.code("repeat");
    let first = notifier.deliver(&message).await;
    let second = notifier.deliver(&message).await;
    same(&first, &second)
}

fn same(first: &NotifierAnswer, second: &NotifierAnswer) -> CheckFinding {
    first.must_be_accepted()?;
    if first == second {
        return Ok(format!("twice {}", first.shown()));
    }
    Err(format!("{}, then {}", first.shown(), second.shown()))
}

/// Concurrent calls with one key may be `ABORTED`; all others have to receive the same outcome.
pub(super) async fn rivals(notifier: &CheckedNotifier) -> CheckFinding {
    let message = notifier.code("rivals");
    let connections = [notifier.connection(), notifier.connection()];
    let calls = connections
        .iter()
        .cycle()
        .take(CONCURRENT_CALLS)
        .map(|connection| notifier.deliver_over(connection, &message));
    let mut answers = join_all(calls).await;
    answers.retain(|answer| answer.code() != Some(Code::Aborted));
    answers.push(notifier.deliver(&message).await);
    let Some((first, others)) = answers.split_first() else {
        return Err("nothing".to_owned());
    };
    first.must_be_accepted()?;
    match others.iter().find(|other| *other != first) {
        Some(other) => Err(format!("{}, and {}", first.shown(), other.shown())),
        None => Ok(format!("each {}", first.shown())),
    }
}

pub(super) async fn other_content(notifier: &CheckedNotifier) -> CheckFinding {
    let first = notifier.code("other-content");
    let mut second = DeliverRequest {
        text: first.text.replace("000000", "000001: this must not arrive"),
        html: first.html.replace("000000", "000001: this must not arrive"),
        ..first.clone()
    };
    if let Some(Content::Code(content)) = &mut second.content {
        "000001".clone_into(&mut content.code);
    }
    notifier.deliver(&first).await.must_be_accepted()?;
    let answer = notifier.deliver(&second).await;
    answer.must_be(&[Code::AlreadyExists, Code::InvalidArgument])
}

/// Ends calls almost at once and a little later, so that one of them may interrupt the notifier's work.
pub(super) async fn cut_short(notifier: &CheckedNotifier) -> CheckFinding {
    let mut finding = Ok(String::new());
    for haste in CUT_SHORT_DELAYS {
        finding = Ok(cut_after(notifier, haste).await?);
    }
    finding
}

async fn cut_after(notifier: &CheckedNotifier, haste: Duration) -> CheckFinding {
    let message = notifier.code(&format!("cut-short-{}-ms", haste.as_millis()));
    let first = notifier.deliver_within(&message, haste).await;
    let second = notifier.deliver(&message).await;
    let finding = format!("{}, then {}", first.shown(), second.shown());
    let agree = !matches!(first, NotifierAnswer::Outcome(_)) || first == second;
    if matches!(second, NotifierAnswer::Outcome(_)) && agree {
        return Ok(finding);
    }
    Err(finding)
}
