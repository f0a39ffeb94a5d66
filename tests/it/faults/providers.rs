//! Providers that own their codes, seen from the client: who is chosen, what is sent, and what their answers are worth.

use crate::{
    faults::proxy::Proxy,
    support::{
        notifier::{DeliveryBehavior, TestNotifier},
        processes::{Deployment, run},
        provider::{CheckBehavior, StartBehavior, TestProvider},
        service::unique,
        until,
    },
};
use countersign::{
    config::{EndpointConfig, NotifierConfig, NotifiersConfig},
    notify::{client::NotifierClient, texts::MessageTexts},
    ports::{Notifier, ProviderUnavailable},
};
use countersign_domain::{
    challenge::{
        code::{CanonicalAnswer, DigitCount, Digits},
        provider_code::{
            ProviderCodeCheck, ProviderCodeRequest, ProviderCodeVerdict, ProviderName,
            ProviderVerification,
        },
    },
    notice::{
        account_label::AccountLabel,
        message::{
            CodePurpose, DeliveryResult, MessageContent, Notice, NoticeKind, OutboundMessage,
        },
    },
    value::{
        destination::{Channel, Destination, Email, Phone},
        id::{Id, TenantId},
        time::Timestamp,
    },
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tonic::Code;

const GERMAN: &str = "+4915123456789";
const AMERICAN: &str = "+12015550123";
const DEADLINE: Duration = Duration::from_millis(400);
const WAIT: Duration = Duration::from_millis(300);

fn on_a_runtime(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(test);
}

fn client(endpoints: Vec<EndpointConfig>) -> NotifierClient {
    client_of(NotifierConfig {
        endpoints,
        ..config()
    })
}

fn client_of(sms: NotifierConfig) -> NotifierClient {
    let config = NotifiersConfig {
        email: sms.clone(),
        sms,
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

fn owner(provider: &TestProvider, name: &str) -> EndpointConfig {
    EndpointConfig {
        name: Some(name.to_owned()),
        owns_code: true,
        ..EndpointConfig::at(&provider.url)
    }
}

fn sms(number: &str) -> Destination {
    Destination::Phone(Phone::parse(number).unwrap())
}

fn verification(name: &str) -> ProviderVerification {
    let bytes: [u8; 8] = data_encoding::HEXLOWER
        .decode(unique().as_bytes())
        .unwrap()
        .try_into()
        .unwrap();
    ProviderVerification {
        id: Id::from_bytes([bytes, bytes].concat().try_into().unwrap()),
        provider: ProviderName::new(name),
        digits: DigitCount::SIX,
        method: None,
    }
}

fn start(verification: &ProviderVerification, ordinal: u32) -> ProviderCodeRequest {
    ProviderCodeRequest {
        key: format!("{}-{ordinal}", verification.id),
        verification: verification.clone(),
        destination: sms(GERMAN),
        locale: Some("de".to_owned()),
        display_name: "Acme".to_owned(),
        purpose: CodePurpose::SignIn,
        expires_at: Timestamp::from_millis(1_780_000_000_000),
    }
}

fn digits(text: &str) -> Digits {
    match CanonicalAnswer::parse(text) {
        Ok(CanonicalAnswer::Digits(digits)) => digits,
        _ => panic!("{text} is no code"),
    }
}

async fn check(
    client: &NotifierClient,
    verification: &ProviderVerification,
    code: &str,
) -> Result<ProviderCodeVerdict, ProviderUnavailable> {
    check_as(client, verification, code, &unique()).await
}

async fn check_as(
    client: &NotifierClient,
    verification: &ProviderVerification,
    code: &str,
    key: &str,
) -> Result<ProviderCodeVerdict, ProviderUnavailable> {
    let check = ProviderCodeCheck {
        key: key.to_owned(),
        verification,
        channel: Channel::Sms,
        digits: &digits(code),
    };
    client.check(&check).await
}

#[expect(clippy::disallowed_methods, reason = "a deadline is kept in real time")]
async fn timed<T>(call: impl Future<Output = T>) -> (T, Duration) {
    let began = Instant::now();
    let answer = call.await;
    (answer, began.elapsed())
}

fn other(code: &str) -> String {
    crate::support::person::wrong(code)
}

#[test]
fn a_provider_sends_its_code_and_tells_it_from_others() {
    on_a_runtime(async {
        let provider = TestProvider::start().await;
        let client = client(vec![owner(&provider, "verify")]);
        let verification = verification("verify");
        assert_eq!(
            client.start(&start(&verification, 1)).await,
            DeliveryResult::Taken
        );
        let code = provider.last_code();
        let wrong = check(&client, &verification, &other(&code)).await;
        assert_eq!(wrong, Ok(ProviderCodeVerdict::Rejected));
        let right = check_as(&client, &verification, &code, "one guess").await;
        assert_eq!(right, Ok(ProviderCodeVerdict::Approved));
        let repeat = check_as(&client, &verification, &code, "one guess").await;
        assert_eq!(
            repeat,
            Ok(ProviderCodeVerdict::Approved),
            "one key, one answer"
        );
        let again = check(&client, &verification, &code).await;
        assert_eq!(again, Ok(ProviderCodeVerdict::Ended));
    });
}

/// No tenant, no user, no challenge: the names of the fields are all there is.
#[test]
fn a_provider_is_told_what_it_needs_and_no_more() {
    on_a_runtime(async {
        let provider = TestProvider::start().await;
        let client = client(vec![owner(&provider, "verify")]);
        let verification = verification("verify");
        client.start(&start(&verification, 1)).await;
        check_as(&client, &verification, "123456", "guess")
            .await
            .unwrap();
        let countersign_proto::notifier::StartVerificationRequest {
            idempotency_key,
            verification_id,
            channel,
            destination,
            locale,
            display_name,
            purpose,
            code_digits,
            expire_time,
        } = provider.started().remove(0);
        let id = verification.id.to_string();
        assert_eq!(
            (idempotency_key, &verification_id),
            (format!("{id}-1"), &id)
        );
        assert_eq!(
            (destination.as_str(), locale.as_str(), display_name.as_str()),
            (GERMAN, "de", "Acme")
        );
        assert_eq!((channel, purpose, code_digits), (1, 1, 6));
        assert_eq!(expire_time.unwrap().seconds, 1_780_000_000);
        let countersign_proto::notifier::CheckVerificationRequest {
            idempotency_key,
            verification_id,
            digits,
        } = provider.checked().remove(0);
        assert_eq!(
            (idempotency_key.as_str(), verification_id, digits.as_str()),
            ("guess", id, "123456")
        );
    });
}

#[test]
fn the_first_that_serves_and_answers_decides_whose_the_code_is() {
    on_a_runtime(async {
        let (provider, notifier) = (
            TestProvider::start().await,
            TestNotifier::start(DeliveryBehavior::Takes).await,
        );
        let german = EndpointConfig {
            countries: vec!["DE".to_owned()],
            priority: 1,
            ..owner(&provider, "verify")
        };
        let rest = EndpointConfig {
            priority: 2,
            ..EndpointConfig::at(&notifier.url)
        };
        let first = EndpointConfig {
            priority: 0,
            ..rest.clone()
        };
        let owners = |endpoints| {
            let client = client(endpoints);
            [GERMAN, AMERICAN].map(|number| client.code_owner(&sms(number)))
        };
        let verify = Some(ProviderName::new("verify"));
        assert_eq!(owners(vec![rest.clone(), german.clone()]), [verify, None]);
        assert_eq!(owners(vec![first, german]), [None, None]);
        let by_mail = client(vec![owner(&provider, "mail"), rest]);
        let address = Destination::Email(Email::parse("jane@example.com").unwrap());
        assert_eq!(
            by_mail.code_owner(&address),
            Some(ProviderName::new("mail"))
        );
    });
}

#[test]
fn notices_go_past_a_provider_to_a_notifier() {
    on_a_runtime(async {
        let (provider, notifier) = (
            TestProvider::start().await,
            TestNotifier::start(DeliveryBehavior::Takes).await,
        );
        let at = EndpointConfig::at(&notifier.url);
        let client = client(vec![owner(&provider, "verify"), at]);
        let now = Timestamp::from_millis(1_780_000_000_000);
        let message = OutboundMessage {
            key: unique(),
            tenant: TenantId::parse("acme").unwrap(),
            destination: sms(GERMAN),
            locale: None,
            display_name: "acme".to_owned(),
            account: AccountLabel::new("jane", false),
            content: MessageContent::Notice(Notice::of(NoticeKind::MethodAdded, now)),
        };
        assert_eq!(client.deliver(&message).await, DeliveryResult::Taken);
        assert_eq!(notifier.messages().len(), 1);
        assert!(provider.started().is_empty());
    });
}

#[test]
fn what_a_provider_says_of_a_message_is_told_as_it_is() {
    on_a_runtime(async {
        let provider = TestProvider::start().await;
        for (how, handover) in [
            (StartBehavior::Well, DeliveryResult::Taken),
            (StartBehavior::Refusing, DeliveryResult::Refused),
            (
                StartBehavior::Erring(Code::InvalidArgument),
                DeliveryResult::Refused,
            ),
            (
                StartBehavior::Erring(Code::Unavailable),
                DeliveryResult::NotTaken,
            ),
            (
                StartBehavior::Erring(Code::Internal),
                DeliveryResult::Unanswered,
            ),
            (StartBehavior::Silently, DeliveryResult::Unanswered),
            (StartBehavior::SendingAndHanging, DeliveryResult::Unanswered),
        ] {
            let client = client(vec![owner(&provider, "verify")]);
            provider.starts(how);
            let (told, took) = timed(client.start(&start(&verification("verify"), 1))).await;
            assert_eq!(told, handover, "{how:?}");
            assert!(took < DEADLINE * 2, "{how:?} took {took:?}");
        }
        provider.die();
        let client = client(vec![owner(&provider, "verify")]);
        let told = client.start(&start(&verification("verify"), 1)).await;
        assert_eq!(told, DeliveryResult::NotTaken);
    });
}

#[test]
fn an_answer_that_is_none_approves_nobody() {
    on_a_runtime(async {
        let provider = TestProvider::start().await;
        let started = client(vec![owner(&provider, "verify")]);
        let verification = verification("verify");
        started.start(&start(&verification, 1)).await;
        let code = provider.last_code();
        for how in [
            CheckBehavior::AboutAnother,
            CheckBehavior::Silently,
            CheckBehavior::InANewWay,
            CheckBehavior::Erring(Code::Unavailable),
            CheckBehavior::Erring(Code::NotFound),
            CheckBehavior::Erring(Code::InvalidArgument),
            CheckBehavior::Hanging,
            CheckBehavior::After(DEADLINE * 2),
        ] {
            let client = client(vec![owner(&provider, "verify")]);
            provider.judges(how);
            let (told, took) = timed(check(&client, &verification, &code)).await;
            assert_eq!(told, Err(ProviderUnavailable), "{how:?}");
            assert!(took < DEADLINE * 2, "{how:?} took {took:?}");
        }
        provider.judges(CheckBehavior::ForgettingEverything);
        let told = check(&started, &verification, &code).await;
        assert_eq!(told, Ok(ProviderCodeVerdict::Ended));
    });
}

#[test]
fn only_the_provider_that_made_a_code_is_asked_about_it() {
    on_a_runtime(async {
        let (first, second) = (TestProvider::start().await, TestProvider::start().await);
        second.judges(CheckBehavior::ApprovingEverything);
        let client = client(vec![owner(&first, "first"), owner(&second, "second")]);
        let of_first = verification("first");
        client.start(&start(&of_first, 1)).await;
        first.judges(CheckBehavior::Erring(Code::Unavailable));
        assert_eq!(
            check(&client, &of_first, "123456").await,
            Err(ProviderUnavailable)
        );
        let renamed = check(&client, &verification("renamed"), "123456").await;
        assert_eq!(
            renamed,
            Err(ProviderUnavailable),
            "it is not in the configuration"
        );
        assert!(second.checked().is_empty() && second.started().is_empty());
    });
}

/// Two breakers: one that can't send may still know the code that it sent, and a code that nobody checks is none.
#[test]
fn a_provider_that_fails_time_after_time_is_passed_over_for_what_it_fails_at() {
    on_a_runtime(async {
        let (provider, notifier) = (
            TestProvider::start().await,
            TestNotifier::start(DeliveryBehavior::Takes).await,
        );
        let both = || {
            vec![
                owner(&provider, "verify"),
                EndpointConfig::at(&notifier.url),
            ]
        };
        let owned = |client: &NotifierClient| client.code_owner(&sms(GERMAN)).is_some();

        let cant_send = client(both());
        let verification = verification("verify");
        cant_send.start(&start(&verification, 1)).await;
        let code = provider.last_code();
        provider.starts(StartBehavior::Erring(Code::Unavailable));
        for ordinal in 2..4 {
            assert!(owned(&cant_send));
            cant_send.start(&start(&verification, ordinal)).await;
        }
        assert!(!owned(&cant_send), "new codes are ours");
        let checked = check(&cant_send, &verification, &code).await;
        assert_eq!(checked, Ok(ProviderCodeVerdict::Approved));

        let cant_judge = client(both());
        provider.starts(StartBehavior::Well);
        provider.judges(CheckBehavior::Hanging);
        for _ in 0..2 {
            assert!(owned(&cant_judge));
            check(&cant_judge, &verification, &code).await.unwrap_err();
        }
        assert!(!owned(&cant_judge), "a code that nobody checks is none");
        let (told, took) = timed(check(&cant_judge, &verification, &code)).await;
        assert_eq!(told, Err(ProviderUnavailable));
        assert!(took < DEADLINE / 4, "nobody waits for it: {took:?}");

        provider.judges(CheckBehavior::Well);
        tokio::time::sleep(WAIT).await;
        assert!(owned(&cant_judge), "one looks");
        check(&cant_judge, &verification, &code).await.unwrap();
        assert!(owned(&cant_judge));
    });
}

/// Else whoever types what a provider does not like could have it passed over.
#[test]
fn a_provider_that_finds_fault_with_digits_is_not_passed_over() {
    on_a_runtime(async {
        let provider = TestProvider::start().await;
        let client = client(vec![owner(&provider, "verify")]);
        provider.judges(CheckBehavior::Erring(Code::InvalidArgument));
        let verification = verification("verify");
        for _ in 0..5 {
            let told = check(&client, &verification, "1234567890").await;
            assert_eq!(told, Err(ProviderUnavailable));
        }
        assert_eq!(provider.checked().len(), 5);
    });
}

#[test]
fn checks_that_hang_have_a_bound_of_their_own() {
    on_a_runtime(async {
        let provider = TestProvider::start().await;
        let client = Arc::new(client_of(NotifierConfig {
            endpoints: vec![owner(&provider, "verify")],
            max_in_flight: 2,
            breaker_failures: u32::MAX,
            ..config()
        }));
        provider.judges(CheckBehavior::Hanging);
        let verification = verification("verify");
        let hanging = async { check(&client, &verification, "123456").await };
        let another = async { check(&client, &verification, "123456").await };
        let beyond = async {
            until(async || provider.checked().len(), |count| *count == 2).await;
            let third = timed(check(&client, &verification, "123456")).await;
            let sent = client.start(&start(&verification, 1)).await;
            (third, sent)
        };
        let (_, _, ((third, took), sent)) = tokio::join!(hanging, another, beyond);
        assert_eq!(third, Err(ProviderUnavailable));
        assert!(took < DEADLINE / 4, "{took:?}");
        assert_eq!(
            sent,
            DeliveryResult::Taken,
            "messages have places of their own"
        );
        assert_eq!(provider.checked().len(), 2);
    });
}

/// The transport must not repeat by itself what may have been judged.
#[test]
fn a_connection_that_is_dropped_is_no_answer_and_no_second_question() {
    on_a_runtime(async {
        let provider = TestProvider::start().await;
        provider.judges(CheckBehavior::Hanging);
        let address = provider.url.trim_start_matches("http://").parse();
        let proxy = Proxy::to(address.unwrap()).await;
        let through = EndpointConfig {
            url: format!("http://127.0.0.1:{}", proxy.port),
            ..owner(&provider, "verify")
        };
        let client = client(vec![through]);
        let verification = verification("verify");
        let cut = async {
            until(async || provider.checked().len(), |count| *count == 1).await;
            proxy.cut();
        };
        let (told, ()) = tokio::join!(check(&client, &verification, "123456"), cut);
        assert_eq!(told, Err(ProviderUnavailable));
        assert_eq!(provider.checked().len(), 1);
    });
}

#[test]
fn a_provider_hears_its_own_token() {
    on_a_runtime(async {
        let provider = TestProvider::start().await;
        let folder = tempfile::TempDir::new().unwrap();
        let token = folder.path().join("token");
        std::fs::write(&token, "of-the-provider\n").unwrap();
        let client = client(vec![EndpointConfig {
            token_file: Some(token),
            ..owner(&provider, "verify")
        }]);
        let verification = verification("verify");
        client.start(&start(&verification, 1)).await;
        check(&client, &verification, "123456").await.unwrap();
        let heard = provider.metadata();
        assert_eq!(heard.len(), 2);
        for metadata in heard {
            assert_eq!(
                metadata.get("authorization").unwrap(),
                "Bearer of-the-provider"
            );
        }
    });
}

/// What `check-config` says of these lines.
fn checked(deployment: &mut Deployment, lines: &str) -> String {
    lines.clone_into(&mut deployment.extra);
    let config = deployment.config();
    let output = run(&["check-config", "--config", config.to_str().unwrap()]);
    [output.stdout.as_slice(), &output.stderr]
        .map(String::from_utf8_lossy)
        .concat()
}

const VERIFY: &str = "[[notifiers.sms.endpoints]]\nname = \"verify\"\n\
     url = \"https://verify.example.com\"\nowns_code = true\n";
const GATEWAY: &str = "[[notifiers.sms.endpoints]]\nurl = \"https://sms.example.com\"\n";

#[test]
fn check_config_tells_who_owns_codes() {
    on_a_runtime(async {
        let mut deployment = Deployment::new().await;
        let said = checked(
            &mut deployment,
            &[VERIFY, "countries = [\"DE\"]\n", GATEWAY].concat(),
        );
        let routes = "verify at https://verify.example.com/ for DE (codes are its own, and no notices), \
                      then https://sms.example.com/";
        for part in [routes, "would start"] {
            assert!(said.contains(part), "{part} in {said}");
        }
    });
}

#[test]
fn owners_of_codes_that_can_not_be_meant_do_not_start() {
    on_a_runtime(async {
        let mut deployment = Deployment::new().await;
        let german = [GATEWAY, "countries = [\"DE\"]\n"].concat();
        let mail = VERIFY.replace("sms", "email");
        let behind = "none for the same people that delivers notices";
        for (lines, why) in [
            (VERIFY.to_owned(), behind),
            (mail, behind),
            ([VERIFY, &german].concat(), behind),
            (
                [&german, VERIFY, "countries = [\"DE\", \"AT\"]\n"].concat(),
                behind,
            ),
            (
                [VERIFY, VERIFY, GATEWAY].concat(),
                "two notifiers of one name that own their codes",
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
