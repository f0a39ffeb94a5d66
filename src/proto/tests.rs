use crate::{DESCRIPTORS, notifier, stored, v1};
use prost_reflect::{DescriptorPool, FieldDescriptor, Kind, MessageDescriptor};

/// The messages whose `Debug` the build redacted, by their options.
const REDACTED: &[&str] = &include!(concat!(env!("OUT_DIR"), "/redacted.rs"));

/// The messages that were redacted by name before the options decided. None of them may ever print itself again.
const ALWAYS_REDACTED: [&str; 44] = [
    "countersign.identity.v1.VerifyPasswordRequest",
    "countersign.notifier.v1.CheckVerificationRequest",
    "countersign.notifier.v1.CodeContent",
    "countersign.notifier.v1.DeliverRequest",
    "countersign.notifier.v1.NoticeContent",
    "countersign.notifier.v1.StartVerificationRequest",
    "countersign.storage.v1.AccountRecord",
    "countersign.storage.v1.Approval",
    "countersign.storage.v1.Argon2idHash",
    "countersign.storage.v1.BypassCode",
    "countersign.storage.v1.ChallengeEnding",
    "countersign.storage.v1.CodeHash",
    "countersign.storage.v1.Device",
    "countersign.storage.v1.IdempotencyRecord",
    "countersign.storage.v1.Method",
    "countersign.storage.v1.RecoverySet",
    "countersign.storage.v1.Reset",
    "countersign.storage.v1.RevertRecord",
    "countersign.storage.v1.UnusedCode",
    "countersign.testing.v1.ListMessagesRequest",
    "countersign.testing.v1.Message",
    "countersign.v1.Approved",
    "countersign.v1.Authorization",
    "countersign.v1.BeginEnrollmentResponse",
    "countersign.v1.BeginResetRequest",
    "countersign.v1.CancelResetRequest",
    "countersign.v1.ClientContext",
    "countersign.v1.ConfirmEnrollmentRequest",
    "countersign.v1.ConfirmResetRequest",
    "countersign.v1.EnrollSms",
    "countersign.v1.ExportedEvent",
    "countersign.v1.ExportedMessage",
    "countersign.v1.ExportedMethod",
    "countersign.v1.IssueBypassCodeRequest",
    "countersign.v1.IssueBypassCodeResponse",
    "countersign.v1.Password",
    "countersign.v1.Profile",
    "countersign.v1.RecoveryCodes",
    "countersign.v1.ResetUserRequest",
    "countersign.v1.SignInAllowed",
    "countersign.v1.StepUp",
    "countersign.v1.TotpSetup",
    "countersign.v1.UnlockUserRequest",
    "countersign.v1.VerifyChallengeRequest",
];

/// Names of fields that hold a secret, a number or an address, and those that end in one of them after a `_`.
const SENSITIVE: [&str; 14] = [
    "assertion",
    "client_address",
    "code",
    "codes",
    "destination",
    "digits",
    "email",
    "hash",
    "html",
    "number",
    "password",
    "secret",
    "ticket",
    "token",
];

/// Fields with such a name that are none of it: masked, places in a list, countries.
const HARMLESS: [&str; 4] = [
    "masked_destination",
    "next_page_token",
    "page_token",
    "countersign.v1.Countries.codes",
];

fn ours() -> Vec<MessageDescriptor> {
    let pool = DescriptorPool::decode(DESCRIPTORS).unwrap();
    pool.all_messages()
        .filter(|message| message.package_name().starts_with("countersign."))
        .collect()
}

fn is_sensitive(field: &FieldDescriptor) -> bool {
    let text = matches!(field.kind(), Kind::String | Kind::Bytes);
    let named = |word: &&str| {
        let rest = field.name().strip_suffix(*word);
        rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('_'))
    };
    text && SENSITIVE.iter().any(named)
        && !HARMLESS.contains(&field.name())
        && !HARMLESS.contains(&field.full_name())
}

#[test]
fn no_message_that_was_redacted_prints_itself() {
    let missing: Vec<&str> = ALWAYS_REDACTED
        .into_iter()
        .filter(|name| !REDACTED.contains(name))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn a_field_that_is_named_like_a_secret_is_redacted() {
    let printed: Vec<String> = ours()
        .iter()
        .filter(|message| !REDACTED.contains(&message.full_name()))
        .flat_map(MessageDescriptor::fields)
        .filter(is_sensitive)
        .map(|field| field.full_name().to_owned())
        .collect();
    assert!(printed.is_empty(), "no debug_redact: {printed:?}");
}

#[test]
fn a_redacted_message_prints_its_name_only() {
    let code = "123456".to_owned();
    let request = v1::VerifyChallengeRequest {
        code: code.clone(),
        ..Default::default()
    };
    assert_eq!(format!("{request:?}"), "VerifyChallengeRequest([redacted])");
    let content = notifier::deliver_request::Content::Code(notifier::CodeContent {
        code,
        ..Default::default()
    });
    let delivery = notifier::DeliverRequest {
        content: Some(content),
        ..Default::default()
    };
    assert_eq!(format!("{delivery:?}"), "DeliverRequest([redacted])");
    let device = stored::Device::default();
    assert_eq!(format!("{device:?}"), "Device([redacted])");
}

#[test]
fn every_file_says_where_its_code_goes() {
    let pool = DescriptorPool::decode(DESCRIPTORS).unwrap();
    let ours = pool
        .files()
        .filter(|file| file.package_name().starts_with("countersign."));
    for file in ours {
        let (package, name) = (file.package_name(), file.name().to_owned());
        let options = file.file_descriptor_proto().options.clone().unwrap();
        let folder = package.replace('.', "/");
        let go = format!(
            "github.com/countersign/countersign/gen/go/{folder};{}",
            package.replace('.', "")
        );
        assert_eq!(options.go_package(), go, "{name}");
        assert_eq!(options.java_package(), format!("dev.{package}"), "{name}");
        assert!(options.java_multiple_files(), "{name}");
        let capitals = |between: &str| {
            let parts = package.split('.').map(|part| {
                let (first, rest) = part.split_at(1);
                first.to_uppercase() + rest
            });
            parts.collect::<Vec<String>>().join(between)
        };
        assert_eq!(options.csharp_namespace(), capitals("."), "{name}");
        assert_eq!(options.ruby_package(), capitals("::"), "{name}");
        assert_eq!(options.php_namespace(), capitals("\\"), "{name}");
    }
}

/// A number that is free may have been given before: it is reserved.
#[test]
fn no_number_below_the_highest_is_free() {
    let pool = DescriptorPool::decode(DESCRIPTORS).unwrap();
    for message in ours() {
        let numbers = message.fields().map(|field| field.number());
        let reserved = message.reserved_ranges();
        assert_no_gap(
            message.full_name(),
            &numbers.collect::<Vec<u32>>(),
            &reserved.flatten().collect::<Vec<u32>>(),
        );
    }
    let enums = pool
        .all_enums()
        .filter(|one| one.package_name().starts_with("countersign."));
    for one in enums {
        let unsigned = |number: i32| u32::try_from(number).unwrap();
        let numbers = one.values().map(|value| unsigned(value.number()));
        let reserved = one.reserved_ranges().flatten().map(unsigned);
        assert_no_gap(
            one.full_name(),
            &numbers.collect::<Vec<u32>>(),
            &reserved.collect::<Vec<u32>>(),
        );
    }
}

fn assert_no_gap(name: &str, numbers: &[u32], reserved: &[u32]) {
    let highest = numbers.iter().copied().max().unwrap_or_default();
    let free: Vec<u32> = (1..highest)
        .filter(|number| !numbers.contains(number) && !reserved.contains(number))
        .collect();
    assert!(
        free.is_empty(),
        "{name}: {free:?} are neither used nor reserved"
    );
}
