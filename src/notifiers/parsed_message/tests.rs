//! Tests of valid and malformed messages.

use super::{IdentifiedMessage, RetrySafety, UnusableMessage};
use countersign_domain::value::secret::MacKey;
use countersign_proto::notifier::{
    Channel, CodeContent, DeliverRequest, NoticeContent, deliver_request::Content,
};

type BreakMessage = fn(&mut DeliverRequest);

fn request() -> DeliverRequest {
    DeliverRequest {
        idempotency_key: "a-key".to_owned(),
        channel: Channel::Email.into(),
        destination: "jane@example.com".to_owned(),
        subject: "Your code".to_owned(),
        text: "Your code is 123456".to_owned(),
        content: Some(Content::Code(CodeContent {
            code: "123456".to_owned(),
            ..CodeContent::default()
        })),
        ..DeliverRequest::default()
    }
}

fn read(request: DeliverRequest) -> Result<IdentifiedMessage, UnusableMessage> {
    IdentifiedMessage::read(request, &MacKey::new([7; 32]))
}

fn field(request: DeliverRequest) -> &'static str {
    read(request)
        .err()
        .map_or("none", |malformed| malformed.field)
}

#[test]
fn what_is_no_message_is_refused_by_its_field() {
    let refused: [(BreakMessage, &str); 12] = [
        (|request| request.idempotency_key.clear(), "idempotency_key"),
        (
            |request| request.idempotency_key = "a b".to_owned(),
            "idempotency_key",
        ),
        (
            |request| request.idempotency_key = "x".repeat(129),
            "idempotency_key",
        ),
        (|request| request.channel = 0, "channel"),
        (|request| request.channel = 9, "channel"),
        (|request| request.text.clear(), "text"),
        (|request| request.text = "x".repeat(16 * 1024 + 1), "text"),
        (|request| request.html = "x".repeat(128 * 1024 + 1), "text"),
        (|request| request.destination.clear(), "destination"),
        (
            |request| request.subject = "a\r\nBcc: x@example.com".to_owned(),
            "subject",
        ),
        (
            |request| request.display_name = "a\nb".to_owned(),
            "display_name",
        ),
        (
            |request| request.subject = "123456 is your code".to_owned(),
            "subject",
        ),
    ];
    for (break_it, expected) in refused {
        let mut request = request();
        break_it(&mut request);
        assert_eq!(field(request), expected);
    }
    assert_eq!(field(request()), "none");
}

#[test]
fn a_message_is_known_by_its_key_and_by_what_it_is_but_not_by_its_wording() {
    let one = read(request()).unwrap();
    let again = read(request()).unwrap();
    assert_eq!((one.tag, one.mark), (again.tag, again.mark));
    let mut other = request();
    "jane@example.org".clone_into(&mut other.destination);
    let other = read(other).unwrap();
    assert_eq!(one.tag, other.tag);
    assert_ne!(one.mark, other.mark);
    let mut reworded = request();
    "Another wording".clone_into(&mut reworded.text);
    assert_eq!(one.mark, read(reworded).unwrap().mark);
    let mut recoded = request();
    recoded.content = Some(Content::Code(CodeContent {
        code: "654321".to_owned(),
        ..CodeContent::default()
    }));
    assert_ne!(one.mark, read(recoded).unwrap().mark);
    let elsewhere = IdentifiedMessage::read(request(), &MacKey::new([8; 32])).unwrap();
    assert_ne!(one.tag, elsewhere.tag);
    assert_ne!(one.mark, elsewhere.mark);
}

#[test]
fn codes_and_notices_are_told_apart() {
    assert_eq!(read(request()).unwrap().letter.kind, RetrySafety::Code);
    let mut later = request();
    later.content = None;
    assert_eq!(read(later).unwrap().letter.kind, RetrySafety::Code);
    let mut notice = request();
    notice.content = Some(Content::Notice(NoticeContent::default()));
    assert_eq!(read(notice).unwrap().letter.kind, RetrySafety::Notice);
}

#[test]
fn a_letter_shows_nothing() {
    let letter = read(request()).unwrap().letter;
    assert_eq!(format!("{letter:?}"), "Letter([redacted])");
}
