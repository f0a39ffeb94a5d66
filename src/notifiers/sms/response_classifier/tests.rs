//! Tests of the classification of responses.

use super::ResponseClassifier;
use crate::{
    config::{ConfiguredRefusal, GatewayConfig, RefusalConfig, SmsNotifierConfig, SuccessConfig},
    outcome::{SendFailure, SendOutcome},
    sms::preset,
};
use countersign_proto::notifier::RefusalReason;
use countersign_transport::config::{LoadedConfig, Overrides, load_over};
use serde_json::{Value, json};

fn taken(id: &str) -> SendOutcome {
    SendOutcome::Taken {
        provider_id: id.to_owned(),
    }
}

fn judge(config: &GatewayConfig, status: u16, body: &Value) -> SendOutcome {
    ResponseClassifier::new(config)
        .unwrap()
        .judge(status, Some(body))
}

#[test]
fn without_a_mapping_the_status_decides() {
    let judge = ResponseClassifier::new(&GatewayConfig::default()).unwrap();
    for status in [200, 201, 202, 299] {
        assert_eq!(judge.judge(status, None), taken(""));
    }
    for (status, expected) in [
        (302, SendOutcome::Failed(SendFailure::Redirect)),
        (307, SendOutcome::Failed(SendFailure::Redirect)),
        (400, SendOutcome::Failed(SendFailure::Content)),
        (422, SendOutcome::Failed(SendFailure::Content)),
        (401, SendOutcome::Failed(SendFailure::Status)),
        (429, SendOutcome::Failed(SendFailure::Status)),
        (500, SendOutcome::InDoubt(SendFailure::Status)),
        (502, SendOutcome::InDoubt(SendFailure::Status)),
        (503, SendOutcome::Failed(SendFailure::Status)),
        (504, SendOutcome::InDoubt(SendFailure::Status)),
    ] {
        assert_eq!(judge.judge(status, None), expected, "{status}");
    }
}

#[test]
fn a_value_in_the_answer_decides_where_it_is_asked_for() {
    let config = GatewayConfig {
        success: SuccessConfig {
            pointer: Some("/messages/0/status".to_owned()),
            equals: vec!["0".to_owned()],
            ..SuccessConfig::default()
        },
        message_id: Some("/messages/0/id".to_owned()),
        refusals: vec![RefusalConfig {
            statuses: Vec::new(),
            pointer: Some("/messages/0/status".to_owned()),
            equals: vec!["6".to_owned()],
            reason: ConfiguredRefusal::NotServed,
        }],
        ..GatewayConfig::default()
    };
    let answer = |status: Value| {
        judge(
            &config,
            200,
            &json!({"messages": [{"status": status, "id": "a b"}]}),
        )
    };
    assert_eq!(answer(json!("0")), taken("ab"));
    assert_eq!(answer(json!(0)), taken("ab"), "with or without quotes");
    assert_eq!(
        answer(json!("6")),
        SendOutcome::Refused(RefusalReason::NotServed)
    );
    assert_eq!(answer(json!("1")), SendOutcome::Failed(SendFailure::Answer));
    assert_eq!(
        judge(&config, 200, &json!({})),
        SendOutcome::InDoubt(SendFailure::Answer)
    );
    let no_json = ResponseClassifier::new(&config).unwrap().judge(200, None);
    assert_eq!(no_json, SendOutcome::InDoubt(SendFailure::Answer));
}

fn with_preset(name: &str) -> GatewayConfig {
    let text = preset(name).unwrap();
    let loaded: LoadedConfig<SmsNotifierConfig> =
        load_over(&Overrides::default(), Some(text)).unwrap();
    loaded.config.gateway
}

#[test]
fn the_presets_read_the_answers_of_their_gateways() {
    let twilio = with_preset("twilio");
    assert_eq!(judge(&twilio, 201, &json!({"sid": "SM1"})), taken("SM1"));
    for (code, reason) in [
        (21211, RefusalReason::InvalidDestination),
        (21610, RefusalReason::OptedOut),
        (21408, RefusalReason::NotServed),
    ] {
        let sent = judge(&twilio, 400, &json!({"code": code}));
        assert_eq!(sent, SendOutcome::Refused(reason));
    }
    let other = judge(&twilio, 400, &json!({"code": 20001}));
    assert_eq!(other, SendOutcome::Failed(SendFailure::Content));
    let login = judge(&twilio, 401, &json!({"code": 20003}));
    assert_eq!(login, SendOutcome::Failed(SendFailure::Status));
    let vonage = judge(&with_preset("vonage"), 202, &json!({"message_uuid": "u"}));
    assert_eq!(vonage, taken("u"));
    let messagebird = with_preset("messagebird");
    assert_eq!(judge(&messagebird, 201, &json!({"id": "m"})), taken("m"));
    let nobody = json!({"errors": [{"code": 9, "parameter": "recipients"}]});
    let refused = SendOutcome::Refused(RefusalReason::InvalidDestination);
    assert_eq!(judge(&messagebird, 422, &nobody), refused);
    let sinch = judge(&with_preset("sinch"), 201, &json!({"id": "s"}));
    assert_eq!(sinch, taken("s"));
    let generic = judge(&with_preset("generic"), 200, &json!({"id": 7}));
    assert_eq!(generic, taken("7"));
    assert!(preset("nobody's").is_err());
}

#[test]
fn what_is_no_status_and_no_pointer_is_refused() {
    for statuses in ["", "20", "two", "200-", "200-999", "600"] {
        let config = GatewayConfig {
            success: SuccessConfig {
                statuses: vec![statuses.to_owned()],
                ..SuccessConfig::default()
            },
            ..GatewayConfig::default()
        };
        assert!(ResponseClassifier::new(&config).is_err(), "{statuses}");
    }
    let config = GatewayConfig {
        message_id: Some("id".to_owned()),
        ..GatewayConfig::default()
    };
    assert!(ResponseClassifier::new(&config).is_err());
}
