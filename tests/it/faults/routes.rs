//! Which notifier a message goes to: by country, by priority, and by whether it answers at all.

use crate::{
    faults::{proxy::Proxy, startup::certificate},
    support::{
        Builder, Pair, Person, Stores,
        notifier::{DeliveryBehavior, TestNotifier},
        person::{add_method, attested_at},
        processes::{Deployment, now, run},
        refused,
        service::unique,
        until,
    },
};
use countersign::{
    config::{EndpointConfig, NotifierConfig, NotifiersConfig},
    notify::{client::NotifierClient, texts::MessageTexts},
    ports::Notifier,
};
use countersign_domain::{
    notice::{
        account_label::AccountLabel,
        message::{DeliveryResult, MessageContent, Notice, NoticeKind, OutboundMessage},
    },
    value::{
        destination::{Destination, Phone},
        id::TenantId,
        time::Timestamp,
    },
};
use countersign_proto::v1::{self as pb, MethodKind, begin_enrollment_request::Method};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tonic::Code;

pub(super) const GERMAN: &str = "+4915123456789";
const AUSTRIAN: &str = "+436641234567";
const AMERICAN: &str = "+12015550123";
pub(super) const DEADLINE: Duration = Duration::from_millis(400);
const WAIT: Duration = Duration::from_millis(300);

pub(super) fn on_a_runtime(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(test);
}

pub(super) fn client(endpoints: Vec<EndpointConfig>) -> NotifierClient {
    client_of(NotifierConfig {
        endpoints,
        ..config()
    })
}

fn client_of(sms: NotifierConfig) -> NotifierClient {
    let config = NotifiersConfig {
        sms,
        email: NotifierConfig::default(),
    };
    NotifierClient::new(&config, Arc::new(MessageTexts::built_in())).unwrap()
}

fn config() -> NotifierConfig {
    let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap();
    NotifierConfig {
        deadline_ms: millis(DEADLINE),
        breaker_failures: 2,
        breaker_wait_ms: millis(WAIT),
        ..NotifierConfig::default()
    }
}

pub(super) fn at(notifier: &TestNotifier) -> EndpointConfig {
    EndpointConfig::at(&notifier.url)
}

fn only_for(notifier: &TestNotifier, countries: &[&str]) -> EndpointConfig {
    EndpointConfig {
        countries: countries.iter().map(ToString::to_string).collect(),
        ..at(notifier)
    }
}

fn destination(number: &str) -> Destination {
    Destination::Phone(Phone::parse(number).unwrap())
}

pub(super) async fn deliver(client: &NotifierClient, number: &str) -> DeliveryResult {
    let notice = Notice {
        kind: NoticeKind::MethodAdded,
        method: None,
        destination: None,
        codes_left: None,
        at: Timestamp::from_millis(1_780_000_000_000),
        disclaimer: None,
        reset: None,
    };
    let message = OutboundMessage {
        key: unique(),
        tenant: TenantId::parse("acme").unwrap(),
        destination: destination(number),
        locale: None,
        display_name: "acme".to_owned(),
        account: AccountLabel::new("jane", false),
        content: MessageContent::Notice(notice),
    };
    client.deliver(&message).await
}

#[expect(clippy::disallowed_methods, reason = "a deadline is kept in real time")]
async fn timed<T>(call: impl Future<Output = T>) -> (T, Duration) {
    let began = Instant::now();
    let answer = call.await;
    (answer, began.elapsed())
}

#[test]
fn a_number_is_served_by_the_notifier_of_its_country() {
    on_a_runtime(async {
        let (german, rest) = (
            TestNotifier::start(DeliveryBehavior::Takes).await,
            TestNotifier::start(DeliveryBehavior::Takes).await,
        );
        let client = client(vec![only_for(&german, &["DE", "AT"]), at(&rest)]);
        for number in [GERMAN, AUSTRIAN, AMERICAN] {
            assert_eq!(deliver(&client, number).await, DeliveryResult::Taken);
        }
        let reached = |notifier: &TestNotifier| -> Vec<String> {
            let messages = notifier.messages().into_iter();
            messages.map(|message| message.destination).collect()
        };
        assert_eq!(reached(&german), [GERMAN, AUSTRIAN]);
        assert_eq!(reached(&rest), [AMERICAN]);
    });
}

#[test]
fn the_smallest_priority_is_first_and_a_failure_goes_on_among_those_that_serve() {
    on_a_runtime(async {
        let (last, first, other) = (
            TestNotifier::start(DeliveryBehavior::Takes).await,
            TestNotifier::start(DeliveryBehavior::Takes).await,
            TestNotifier::start(DeliveryBehavior::Takes).await,
        );
        let with_priority = |priority, endpoint| EndpointConfig {
            priority,
            ..endpoint
        };
        let client = client(vec![
            with_priority(2, at(&last)),
            with_priority(0, only_for(&other, &["US"])),
            with_priority(1, only_for(&first, &["DE"])),
        ]);
        deliver(&client, GERMAN).await;
        let counts = || [&first, &last, &other].map(|notifier| notifier.messages().len());
        assert_eq!(counts(), [1, 0, 0]);
        first.behave(DeliveryBehavior::Errs);
        assert_eq!(deliver(&client, GERMAN).await, DeliveryResult::Taken);
        assert_eq!(
            counts(),
            [2, 1, 0],
            "not to one that is for another country"
        );
    });
}

#[test]
fn a_number_that_nobody_serves_is_not_enrolled() {
    on_a_runtime(async {
        let notifier = TestNotifier::start(DeliveryBehavior::Takes).await;
        let client = client_of(NotifierConfig {
            endpoints: vec![only_for(&notifier, &["DE"])],
            only_listed_countries: true,
            ..config()
        });
        assert!(client.reaches(&destination(GERMAN)) && !client.reaches(&destination(AMERICAN)));
        assert_eq!(
            deliver(&client, AMERICAN).await,
            DeliveryResult::NotTaken,
            "not refused for good"
        );
        let mut builder = Builder::new(Stores::of(Pair::Embedded).await);
        builder.notifier = Some(Arc::new(client));
        let service = builder.start();
        let jane = service.person().await;
        let enroll = async |number: &str| {
            let method = Method::Sms(pb::EnrollSms {
                phone_number: number.to_owned(),
            });
            let authorization = jane.attested(&service, add_method(MethodKind::Sms));
            jane.begin_enrollment(jane.enrollment_request(method, authorization))
                .await
        };
        refused(
            enroll(AMERICAN).await,
            Code::FailedPrecondition,
            "NO_NOTIFIER",
        );
        enroll(GERMAN).await.unwrap();
    });
}

#[test]
fn a_dead_notifier_costs_a_few_messages_their_share_and_the_rest_nothing() {
    on_a_runtime(async {
        let (dead, live) = (
            TestNotifier::start(DeliveryBehavior::Hangs).await,
            TestNotifier::start(DeliveryBehavior::Takes).await,
        );
        let client = client_of(NotifierConfig {
            endpoints: vec![at(&dead), at(&live)],
            // No look within this test, however slow the machine is.
            breaker_wait_ms: 60_000,
            ..config()
        });
        for _ in 0..2 {
            let (handover, took) = timed(deliver(&client, GERMAN)).await;
            assert_eq!(handover, DeliveryResult::Taken);
            assert!(took >= DEADLINE / 2, "it was waited for: {took:?}");
        }
        for _ in 0..20 {
            let (handover, took) = timed(deliver(&client, GERMAN)).await;
            assert_eq!(handover, DeliveryResult::Taken);
            assert!(took < DEADLINE / 4, "{took:?}");
        }
        assert_eq!(dead.messages().len(), 2);
    });
}

#[test]
fn one_message_looks_whether_a_notifier_is_back() {
    on_a_runtime(async {
        let (first, second) = (
            TestNotifier::start(DeliveryBehavior::Errs).await,
            TestNotifier::start(DeliveryBehavior::Takes).await,
        );
        let client = client(vec![at(&first), at(&second)]);
        for _ in 0..5 {
            deliver(&client, GERMAN).await;
        }
        assert_eq!(first.messages().len(), 2);
        tokio::time::sleep(WAIT).await;
        for _ in 0..5 {
            deliver(&client, GERMAN).await;
        }
        assert_eq!(first.messages().len(), 3, "one looked, and found it dead");
        first.behave(DeliveryBehavior::Takes);
        tokio::time::sleep(WAIT).await;
        for _ in 0..5 {
            deliver(&client, GERMAN).await;
        }
        assert_eq!(first.messages().len(), 8, "it is the first again");
        assert_eq!(second.messages().len(), 10);
    });
}

#[test]
fn where_all_are_passed_over_a_message_fails_at_once_and_is_not_refused_for_good() {
    on_a_runtime(async {
        let notifier = TestNotifier::start(DeliveryBehavior::Hangs).await;
        let client = client(vec![at(&notifier)]);
        for _ in 0..2 {
            assert_eq!(deliver(&client, GERMAN).await, DeliveryResult::Unanswered);
        }
        let (handover, took) = timed(deliver(&client, GERMAN)).await;
        assert_eq!(handover, DeliveryResult::NotTaken);
        assert!(took < DEADLINE / 4, "{took:?}");
    });
}

#[test]
fn the_log_says_once_that_a_notifier_is_passed_over_and_once_that_it_is_back() {
    on_a_runtime(async {
        let notifier = TestNotifier::start(DeliveryBehavior::Errs).await;
        let mut deployment = Deployment::new().await;
        deployment.extra = format!(
            "[notifiers.sms]\nbreaker_failures = 2\nbreaker_wait_ms = 300\n\
             [[notifiers.sms.endpoints]]\nname = \"gateway-a\"\nurl = {:?}\n",
            notifier.url
        );
        let process = deployment.serve();
        let jane = Person::new(process.portal(), format!("tenant-{}", unique()), "jane").await;
        let mut numbers = 4_915_123_456_700_u64..;
        let mut send = async |count: usize| {
            for number in numbers.by_ref().take(count) {
                let method = Method::Sms(pb::EnrollSms {
                    phone_number: format!("+{number}"),
                });
                let authorization = attested_at(now(), add_method(MethodKind::Sms));
                jane.begin_enrollment(jane.enrollment_request(method, authorization))
                    .await
                    .unwrap();
            }
        };
        send(4).await;
        tokio::time::sleep(WAIT).await;
        send(1).await;
        notifier.behave(DeliveryBehavior::Takes);
        tokio::time::sleep(WAIT).await;
        send(3).await;
        let said = until(
            async || process.said(),
            |said| said.contains("circuit breaker closed"),
        )
        .await;
        let lines_with = |part: &str| said.lines().filter(|line| line.contains(part)).count();
        assert_eq!(lines_with("circuit breaker opened"), 1, "{said}");
        assert_eq!(lines_with("circuit breaker closed"), 1, "{said}");
        assert_eq!(lines_with("notifier=\"gateway-a\""), 2 + 3, "{said}");
    });
}

#[test]
fn a_notifiers_certificate_is_checked_against_the_authorities_that_are_named() {
    on_a_runtime(async {
        let deployment = Deployment::new().await;
        let (cert, key) = certificate(&deployment);
        let notifier = TestNotifier::start_with_tls(&cert, &key).await;
        let trusted = |ca_file| EndpointConfig {
            ca_file,
            ..at(&notifier)
        };
        let client_trusting = |ca_file| client(vec![trusted(ca_file)]);
        let with_ca = client_trusting(Some(cert));
        assert_eq!(deliver(&with_ca, GERMAN).await, DeliveryResult::Taken);
        let without = client_trusting(None);
        assert_eq!(deliver(&without, GERMAN).await, DeliveryResult::NotTaken);
        assert_eq!(notifier.messages().len(), 1);
    });
}

#[test]
fn each_notifier_hears_its_own_token() {
    on_a_runtime(async {
        let (first, second) = (
            TestNotifier::start(DeliveryBehavior::Errs).await,
            TestNotifier::start(DeliveryBehavior::Takes).await,
        );
        let folder = tempfile::TempDir::new().unwrap();
        let token = |name: &str| {
            let file = folder.path().join(name);
            std::fs::write(&file, name).unwrap();
            Some(file)
        };
        let own = EndpointConfig {
            token_file: token("own"),
            ..at(&first)
        };
        let client = client_of(NotifierConfig {
            endpoints: vec![own, at(&second)],
            token_file: token("shared"),
            ..config()
        });
        deliver(&client, GERMAN).await;
        let heard = |notifier: &TestNotifier| {
            let metadata = notifier.metadata().remove(0);
            metadata
                .get("authorization")
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned()
        };
        assert_eq!(
            (heard(&first), heard(&second)),
            ("Bearer own".to_owned(), "Bearer shared".to_owned())
        );
    });
}

/// It may have taken the message before it went: another may deliver the same, but nobody says that nothing was sent.
#[test]
fn a_connection_that_is_dropped_leaves_open_what_became_of_the_message() {
    on_a_runtime(async {
        let notifier = TestNotifier::start(DeliveryBehavior::Hangs).await;
        let address = notifier.url.trim_start_matches("http://").parse();
        let proxy = Proxy::to(address.unwrap()).await;
        let url = format!("http://127.0.0.1:{}", proxy.port);
        let client = client(vec![EndpointConfig::at(url)]);
        let cut = async {
            until(async || notifier.messages().len(), |count| *count == 1).await;
            proxy.cut();
        };
        let (handover, ()) = tokio::join!(deliver(&client, GERMAN), cut);
        assert_eq!(handover, DeliveryResult::Unanswered);
        assert_eq!(notifier.messages().len(), 1, "it is not sent again unasked");
    });
}

#[test]
fn a_connection_that_is_never_made_is_a_message_that_nobody_took_control() {
    on_a_runtime(async {
        let client = client(vec![EndpointConfig::at("http://127.0.0.1:1")]);
        assert_eq!(deliver(&client, GERMAN).await, DeliveryResult::NotTaken);
    });
}

/// What `check-config` says of these lines.
pub(super) fn checked(deployment: &mut Deployment, lines: &str) -> String {
    lines.clone_into(&mut deployment.extra);
    let config = deployment.config();
    let output = run(&["check-config", "--config", config.to_str().unwrap()]);
    [output.stdout.as_slice(), &output.stderr]
        .map(String::from_utf8_lossy)
        .concat()
}

const GERMAN_GATEWAY: &str = "[[notifiers.sms.endpoints]]\nname = \"german\"\n\
     url = \"https://sms.example.com:443\"\npriority = 1\ncountries = [\"DE\", \"AT\"]\n";

#[test]
fn check_config_tells_the_routes_in_the_order_in_which_they_are_tried() {
    on_a_runtime(async {
        let mut deployment = Deployment::new().await;
        let rest =
            "[[notifiers.sms.endpoints]]\nurl = \"https://rest.example.com\"\npriority = 2\n";
        let mail = "[notifiers.email]\nendpoints = [\"https://a.example.com\", \"https://b.example.com\"]\n";
        let said = checked(&mut deployment, &[rest, GERMAN_GATEWAY, mail].concat());
        for part in [
            "german at https://sms.example.com/ for DE AT, then https://rest.example.com/",
            "https://a.example.com/, then https://b.example.com/",
            "would start",
        ] {
            assert!(said.contains(part), "{part} in {said}");
        }
    });
}

#[test]
fn a_channel_that_leaves_numbers_out_does_not_start_unless_it_is_said() {
    on_a_runtime(async {
        let mut deployment = Deployment::new().await;
        let said = checked(&mut deployment, GERMAN_GATEWAY);
        assert!(
            said.contains("so that other numbers would get nothing"),
            "{said}"
        );
        let stated = "[notifiers.sms]\nonly_listed_countries = true\n";
        let said = checked(&mut deployment, &[stated, GERMAN_GATEWAY].concat());
        assert!(said.contains("would start"), "{said}");
    });
}

#[test]
fn routes_that_can_not_be_meant_do_not_start() {
    on_a_runtime(async {
        let mut deployment = Deployment::new().await;
        let endpoint = |channel: &str, more: &str| {
            format!("[[notifiers.{channel}.endpoints]]\nurl = \"https://a.example.com\"\n{more}\n")
        };
        for (lines, why) in [
            (
                endpoint("sms", "countries = [\"XX\"]"),
                "names a country that is none",
            ),
            (
                endpoint("email", "countries = [\"DE\"]"),
                "addresses have none",
            ),
            (
                "[[identity.endpoints]]\nurl = \"https://a.example.com\"\ncountries = [\"DE\"]\n"
                    .to_owned(),
                "passwords have none",
            ),
            (
                "[[identity.endpoints]]\nurl = \"https://a.example.com\"\nowns_code = true\n"
                    .to_owned(),
                "identity.endpoints has owns_code, but passwords are no codes",
            ),
            (
                endpoint("sms", "country = \"DE\""),
                "there is no such field",
            ),
            (
                endpoint("sms", "ca_file = \"/nowhere\""),
                "the authorities in /nowhere can't be read",
            ),
            (
                "[notifiers.sms]\nendpoints = [7]\n".to_owned(),
                "a URL or a table",
            ),
            (
                "[notifiers.sms]\nbreaker_failures = 0\n".to_owned(),
                "notifiers.sms.breaker_failures is 0",
            ),
            (
                "[notifiers.email]\nbreaker_wait_ms = 0\n".to_owned(),
                "notifiers.email.breaker_wait_ms is 0",
            ),
            (
                "[[notifiers.sms.endpoints]]\nurl = \"http://a.example.com\"\n".to_owned(),
                "notifiers.sms.endpoints is plaintext off loopback",
            ),
        ] {
            let said = checked(&mut deployment, &lines);
            assert!(
                said.contains(why) && !said.contains("would start"),
                "{why} in {said}"
            );
        }
    });
}
