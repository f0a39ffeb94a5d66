//! `google.api.field_behavior` says what requests are refused for: a message with its REQUIRED fields only is well-formed,
//! and one without any of them is `INVALID_ARGUMENT`.

use crate::support::{field, on_embedded, raw::send};
use countersign_proto::DESCRIPTORS;
use prost::Message;
use prost_reflect::{
    DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor,
    Value,
};
use tonic::{Code, transport::Channel};

/// Its numbers in `google.api.FieldBehavior`.
const REQUIRED: i32 = 2;

/// A malformed token is answered like any other wrong one.
const ANSWERED_LIKE_A_WRONG_ONE: &str = "countersign.v1.CancelResetRequest.cancel_token";

/// An update of nothing is refused: no field of it is needed, and one is.
const ONE_OF_SEVERAL: &str = "countersign.v1.UpdateMethodRequest.label";

/// Oneofs of which a request needs exactly one.
const CHOICES: [&str; 4] = [
    "countersign.v1.Action.action",
    "countersign.v1.BeginEnrollmentRequest.method",
    "countersign.v1.BeginResetRequest.whose",
    "countersign.v1.IssueChallengeRequest.purpose",
];

/// A message, and the field that it lacks.
struct Case {
    message: DynamicMessage,
    missing: Option<String>,
}

fn is_required(field: &FieldDescriptor) -> bool {
    let pool = field.parent_pool();
    let extension = pool
        .get_extension_by_name("google.api.field_behavior")
        .unwrap();
    let options = field.options();
    let behaviors = options.get_extension(&extension);
    behaviors
        .as_list()
        .unwrap()
        .iter()
        .any(|behavior| behavior.as_enum_number() == Some(REQUIRED))
}

/// A value that is well-formed, by the name of its field.
fn value(field: &FieldDescriptor) -> Value {
    let text = match field.name() {
        "tenant_id" => "acme",
        "user_id" | "acting_user_id" => "jane",
        "code" => "123456",
        "codes" => "DE",
        "name" => "laptop",
        "reason" => "a reason",
        "email" => "jane@example.com",
        "password" => "correct horse",
        "attestation_id" => "sign-in-of-jane-1",
        "revert_token" => "AAAAAAAAAAAAAAAAAAAAAA",
        _ => "0123456789abcdef0123456789abcdef",
    };
    let one = match field.kind() {
        Kind::String => Value::String(text.to_owned()),
        Kind::Enum(_) => Value::EnumNumber(1),
        Kind::Message(message) => Value::Message(minimal(&message)),
        kind => panic!("{}: {kind:?}", field.full_name()),
    };
    if field.is_list() {
        Value::List(vec![one])
    } else {
        one
    }
}

/// The message with what it needs, and nothing else.
fn minimal(message: &MessageDescriptor) -> DynamicMessage {
    let mut made = DynamicMessage::new(message.clone());
    for field in message.fields().filter(is_required) {
        let value = value(&field);
        made.set_field(&field, value);
    }
    if let Some(label) = message.get_field_by_name("label")
        && label.full_name() == ONE_OF_SEVERAL
    {
        made.set_field(&label, Value::String("Phone".to_owned()));
    }
    for choice in message.oneofs() {
        if CHOICES.contains(&choice.full_name()) {
            let first = choice.fields().next().unwrap();
            let value = value(&first);
            made.set_field(&first, value);
        }
    }
    made
}

fn is_ours(message: &MessageDescriptor) -> bool {
    message.package_name() == "countersign.v1"
}

/// The minimal message; it without each field that it needs; and it with each message that it may have, likewise.
fn cases(message: &MessageDescriptor) -> Vec<Case> {
    let base = minimal(message);
    let mut cases = vec![Case {
        message: base.clone(),
        missing: None,
    }];
    for field in message.fields() {
        if is_required(&field) {
            let mut without = base.clone();
            without.clear_field(&field);
            cases.push(Case {
                message: without,
                missing: Some(field.full_name().to_owned()),
            });
        }
        let Kind::Message(inner) = field.kind() else {
            continue;
        };
        if is_ours(&inner) && !field.is_list() {
            cases.extend(self::cases(&inner).into_iter().map(|case| {
                let mut with = base.clone();
                with.set_field(&field, Value::Message(case.message));
                Case {
                    message: with,
                    missing: case.missing,
                }
            }));
        }
    }
    cases
}

/// How many requests to an RPC were tried, and which were not answered as their options say.
async fn check(channel: &Channel, rpc: &MethodDescriptor) -> (usize, Vec<String>) {
    let path = format!("/{}/{}", rpc.parent_service().full_name(), rpc.name());
    let cases = cases(&rpc.input());
    let mut faults = Vec::new();
    for case in &cases {
        let bytes = case.message.encode_to_vec();
        let answer = send(channel, &path, bytes, Some("token-of-portal")).await;
        let malformed = answer
            .err()
            .filter(|status| status.code() == Code::InvalidArgument);
        let expected = case
            .missing
            .as_deref()
            .filter(|missing| *missing != ANSWERED_LIKE_A_WRONG_ONE);
        match (expected, malformed) {
            (None, None) => {}
            (None, Some(status)) => {
                let fields = case.message.fields();
                let given: Vec<String> = fields.map(|(field, _)| field.name().to_owned()).collect();
                faults.push(format!("{path} with {given:?}: {}", status.message()));
            }
            (Some(missing), None) => faults.push(format!("{path} goes without {missing}")),
            (Some(missing), Some(status)) => {
                if !names(&field(&status), missing) {
                    faults.push(format!("{path} without {missing}: {}", status.message()));
                }
            }
        }
    }
    (cases.len(), faults)
}

/// Whether a refusal names the field, or, within an action or a list, what the field is in.
fn names(refused: &str, missing: &str) -> bool {
    let last = |path: &str| path.rsplit('.').next().unwrap_or_default().to_owned();
    let of_an_action = refused.ends_with("action");
    last(refused) == last(missing) || of_an_action || refused == "policy.sms_countries"
}

fn rpcs(pool: &DescriptorPool) -> Vec<MethodDescriptor> {
    pool.services()
        .filter(|service| service.package_name() == "countersign.v1")
        .flat_map(|service| service.methods().collect::<Vec<_>>())
        .collect()
}

#[test]
fn a_field_is_required_where_its_absence_is_refused() {
    let pool = DescriptorPool::decode(DESCRIPTORS).unwrap();
    let rpcs = rpcs(&pool);
    on_embedded(async |service| {
        let channel = service.channel();
        let (mut tried, mut faults) = (0, Vec::new());
        for rpc in &rpcs {
            let (cases, found) = check(&channel, rpc).await;
            tried += cases;
            faults.extend(found);
        }
        assert!(faults.is_empty(), "{}", faults.join("\n"));
        assert!(tried > 300, "{tried}");
    });
}

/// What a request carries says for each field whether it is needed; what is in a oneof is said by its comment.
#[test]
fn every_field_of_a_request_says_whether_it_is_needed() {
    let pool = DescriptorPool::decode(DESCRIPTORS).unwrap();
    let extension = pool
        .get_extension_by_name("google.api.field_behavior")
        .unwrap();
    let mut open: Vec<MessageDescriptor> =
        rpcs(&pool).iter().map(MethodDescriptor::input).collect();
    let mut seen: Vec<String> = Vec::new();
    while let Some(message) = open.pop() {
        if seen.iter().any(|name| name == message.full_name()) {
            continue;
        }
        seen.push(message.full_name().to_owned());
        for field in message.fields() {
            if let Kind::Message(inner) = field.kind()
                && is_ours(&inner)
            {
                open.push(inner);
            }
            let in_a_choice = field
                .containing_oneof()
                .is_some_and(|oneof| !oneof.is_synthetic());
            let options = field.options();
            assert!(
                in_a_choice || options.has_extension(&extension),
                "{} has no field_behavior",
                field.full_name()
            );
        }
    }
    assert!(seen.len() > 40, "{seen:?}");
}
