//! Checks of fields, purposes and notice kinds from later versions of the contract.

use crate::{answer::CheckFinding, notifier::CheckedNotifier};
use countersign_proto::notifier::{
    CodePurpose, DeliverRequest, NoticeKind, deliver_request::Content,
};

/// An enum value that no version has.
const LATER: i32 = 77;

/// Field 1000 as a string, which no version has.
const LATER_FIELD: &[u8] = b"\xc2\x3e\x05later";

pub(super) async fn unknown_field(notifier: &CheckedNotifier) -> CheckFinding {
    let message = notifier.code("unknown-field");
    let answer = notifier.deliver_with(&message, LATER_FIELD).await;
    answer.must_be_accepted()
}

pub(super) async fn purposes(notifier: &CheckedNotifier) -> CheckFinding {
    let known = (1..).map_while(|number| CodePurpose::try_from(number).ok());
    let named = known.map(|purpose| (i32::from(purpose), purpose.as_str_name().to_owned()));
    let messages = named
        .chain([(LATER, format!("CodePurpose {LATER}"))])
        .map(|(number, name)| (for_purpose(notifier, number), name));
    each(notifier, messages.collect()).await
}

fn for_purpose(notifier: &CheckedNotifier, number: i32) -> DeliverRequest {
    let mut message = notifier.code(&format!("purpose-{number}"));
    if let Some(Content::Code(content)) = &mut message.content {
        content.purpose = number;
    }
    message
}

pub(super) async fn notices(notifier: &CheckedNotifier) -> CheckFinding {
    let known = (1..).map_while(|number| NoticeKind::try_from(number).ok());
    let named = known.map(|kind| (i32::from(kind), kind.as_str_name().to_owned()));
    let messages = named
        .chain([(LATER, format!("NoticeKind {LATER}"))])
        .map(|(number, name)| (notifier.notice(&format!("notice-{number}"), number), name));
    each(notifier, messages.collect()).await
}

/// Every message has to be accepted. Fails with the first one that is not.
pub(super) async fn each(
    notifier: &CheckedNotifier,
    messages: Vec<(DeliverRequest, String)>,
) -> CheckFinding {
    let count = messages.len();
    for (message, name) in messages {
        let answer = notifier.deliver(&message).await;
        answer
            .must_be_accepted()
            .map_err(|finding| format!("{finding}, for {name}"))?;
    }
    Ok(format!("{count} times accepted"))
}
