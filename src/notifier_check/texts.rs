//! Checks of scripts, long texts and the size of responses.

use crate::{
    answer::{CheckFinding, NotifierAnswer},
    kinds::each,
    notifier::CheckedNotifier,
};
use countersign_proto::notifier::{Channel, DeliverRequest};
use tonic::Code;

/// The largest response that Countersign reads, in bytes.
const MAX_ANSWER: usize = 16 * 1024;

const LONG_SMS: usize = 1_000;
const LONG_EMAIL: usize = 50_000;

const SCRIPTS: [(&str, &str); 4] = [
    (
        "Arabic",
        "رسالة تجريبية من فحص الإشعارات، يرجى تجاهلها 000000",
    ),
    ("Hebrew", "הודעת בדיקה, נא להתעלם 000000"),
    ("Chinese", "测试短信,请忽略 000000"),
    ("emoji", "🧪👩🏽‍🔬 a test, please ignore 000000"),
];

pub(super) async fn scripts(notifier: &CheckedNotifier) -> CheckFinding {
    let messages = SCRIPTS.map(|(script, text)| {
        let message = DeliverRequest {
            text: text.to_owned(),
            ..notifier.code(&format!("script-{script}"))
        };
        (message, script.to_owned())
    });
    each(notifier, messages.into()).await
}

pub(super) async fn long_text(notifier: &CheckedNotifier) -> CheckFinding {
    let length = match notifier.settings.destination.channel {
        Channel::Email => LONG_EMAIL,
        _ => LONG_SMS,
    };
    let short = notifier.code("long-text");
    let filling = "a long text, a test, please ignore. "
        .chars()
        .cycle()
        .take(length.saturating_sub(short.text.len()));
    let message = DeliverRequest {
        text: short.text.chars().chain(filling).collect(),
        ..short
    };
    let answer = notifier.deliver(&message).await;
    if matches!(answer, NotifierAnswer::Outcome(_)) {
        return Ok(answer.shown());
    }
    answer.must_be(&[Code::InvalidArgument])
}

pub(super) fn small_answers(notifier: &CheckedNotifier) -> CheckFinding {
    let finding = format!("{} bytes", notifier.largest_answer());
    if notifier.largest_answer() <= MAX_ANSWER {
        return Ok(finding);
    }
    Err(finding)
}
