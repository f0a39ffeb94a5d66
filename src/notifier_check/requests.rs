//! Checks of tokens and malformed messages.

use crate::{
    answer::{CheckFinding, NotifierAnswer},
    notifier::{CheckedNotifier, TokenChoice},
    serving::goes_on,
};
use countersign_proto::notifier::{DeliverRequest, deliver_response::Outcome};
use prost::Message as _;
use tonic::Code;

const OVERSIZED: usize = 5 * 1024 * 1024;
const IMPOSSIBLE: usize = 100_000;
const LATER: i32 = 77;

pub(super) async fn no_token(notifier: &CheckedNotifier) -> CheckFinding {
    with(notifier, &TokenChoice::None).await
}

/// A token that starts with the agreed one, or is a prefix of it, reveals a wrong comparison.
pub(super) async fn other_tokens(notifier: &CheckedNotifier) -> CheckFinding {
    let agreed = notifier.settings.token.as_deref().unwrap_or_default();
    let shorter = agreed.get(..agreed.len().saturating_sub(1));
    let others = [
        notifier.settings.run.clone(),
        format!("{agreed}0"),
        shorter.unwrap_or_default().to_owned(),
    ];
    let mut finding = Ok(String::new());
    for other in others {
        finding = Ok(with(notifier, &TokenChoice::Other(&other)).await?);
    }
    finding
}

async fn with(notifier: &CheckedNotifier, token: &TokenChoice<'_>) -> CheckFinding {
    let message = notifier.to_nowhere("token");
    let answer = notifier.deliver_bytes(message.encode_to_vec(), token).await;
    answer.must_be(&[Code::Unauthenticated])
}

pub(super) async fn accepts_us(notifier: &CheckedNotifier) -> CheckFinding {
    let answer = notifier.deliver(&notifier.to_nowhere("token")).await;
    let refused = [
        Code::Unauthenticated,
        Code::PermissionDenied,
        Code::Unimplemented,
    ];
    if !answer.is_an_answer() || answer.code().is_some_and(|code| refused.contains(&code)) {
        return Err(answer.shown());
    }
    Ok("an answer".to_owned())
}

pub(super) async fn no_destination(notifier: &CheckedNotifier) -> CheckFinding {
    let answer = notifier.deliver(&notifier.to_nowhere("nowhere")).await;
    answer.must_be(&[Code::InvalidArgument])
}

pub(super) async fn impossible_destination(notifier: &CheckedNotifier) -> CheckFinding {
    let message = DeliverRequest {
        destination: "x".repeat(IMPOSSIBLE),
        ..notifier.to_nowhere("impossible")
    };
    let answer = notifier.deliver(&message).await;
    if matches!(answer, NotifierAnswer::Outcome(Outcome::Refused(_))) {
        return Ok(answer.shown());
    }
    answer.must_be(&[Code::InvalidArgument])
}

pub(super) async fn oversized(notifier: &CheckedNotifier) -> CheckFinding {
    let message = DeliverRequest {
        text: "x".repeat(OVERSIZED),
        ..notifier.to_nowhere("oversized")
    };
    let answer = notifier.deliver(&message).await;
    goes_on(notifier, &answer).await
}

pub(super) async fn garbage(notifier: &CheckedNotifier) -> CheckFinding {
    let answer = notifier
        .deliver_bytes(vec![0xff; 64], &TokenChoice::Agreed)
        .await;
    goes_on(notifier, &answer).await
}

pub(super) async fn no_key(notifier: &CheckedNotifier) -> CheckFinding {
    let message = DeliverRequest {
        idempotency_key: String::new(),
        ..notifier.code("no-key")
    };
    let answer = notifier.deliver(&message).await;
    answer.must_be(&[Code::InvalidArgument])
}

pub(super) async fn unknown_channel(notifier: &CheckedNotifier) -> CheckFinding {
    let mut finding = Ok(String::new());
    for channel in [LATER, 0] {
        let message = DeliverRequest {
            channel,
            ..notifier.code(&format!("channel-{channel}"))
        };
        let answer = notifier.deliver(&message).await;
        finding = Ok(answer.must_be(&[Code::InvalidArgument])?);
    }
    finding
}
