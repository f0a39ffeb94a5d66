//! What answers mean.

use super::Judge;
use crate::{
    config::{Loaded, Overrides, load_over},
    gateways::{
        config::{GatewayConfig, Reason, RefusalConfig, SmsNotifierConfig, SuccessConfig},
        outcome::{Sent, Trouble},
        sms::preset,
    },
    proto::notifier::RefusalReason,
};
use serde_json::{Value, json};

fn taken(id: &str) -> Sent {
    Sent::Taken {
        provider_id: id.to_owned(),
    }
}

fn judge(config: &GatewayConfig, status: u16, body: &Value) -> Sent {
    Judge::new(config).unwrap().judge(status, Some(body))
}

#[test]
fn without_a_mapping_the_status_decides() {
    let judge = Judge::new(&GatewayConfig::default()).unwrap();
    for status in [200, 201, 202, 299] {
        assert_eq!(judge.judge(status, None), taken(""));
    }
    for (status, expected) in [
        (302, Sent::Failed(Trouble::Redirect)),
        (307, Sent::Failed(Trouble::Redirect)),
        (400, Sent::Failed(Trouble::Content)),
        (422, Sent::Failed(Trouble::Content)),
        (401, Sent::Failed(Trouble::Status)),
        (429, Sent::Failed(Trouble::Status)),
        (500, Sent::InDoubt(Trouble::Status)),
        (502, Sent::InDoubt(Trouble::Status)),
        (503, Sent::Failed(Trouble::Status)),
        (504, Sent::InDoubt(Trouble::Status)),
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
            reason: Reason::NotServed,
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
    assert_eq!(answer(json!("6")), Sent::Refused(RefusalReason::NotServed));
    assert_eq!(answer(json!("1")), Sent::Failed(Trouble::Answer));
    assert_eq!(
        judge(&config, 200, &json!({})),
        Sent::InDoubt(Trouble::Answer)
    );
    let no_json = Judge::new(&config).unwrap().judge(200, None);
    assert_eq!(no_json, Sent::InDoubt(Trouble::Answer));
}

fn with_preset(name: &str) -> GatewayConfig {
    let text = preset(name).unwrap();
    let loaded: Loaded<SmsNotifierConfig> = load_over(&Overrides::default(), Some(text)).unwrap();
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
        assert_eq!(sent, Sent::Refused(reason));
    }
    let other = judge(&twilio, 400, &json!({"code": 20001}));
    assert_eq!(other, Sent::Failed(Trouble::Content));
    let login = judge(&twilio, 401, &json!({"code": 20003}));
    assert_eq!(login, Sent::Failed(Trouble::Status));
    let vonage = judge(&with_preset("vonage"), 202, &json!({"message_uuid": "u"}));
    assert_eq!(vonage, taken("u"));
    let messagebird = with_preset("messagebird");
    assert_eq!(judge(&messagebird, 201, &json!({"id": "m"})), taken("m"));
    let nobody = json!({"errors": [{"code": 9, "parameter": "recipients"}]});
    let refused = Sent::Refused(RefusalReason::InvalidDestination);
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
        assert!(Judge::new(&config).is_err(), "{statuses}");
    }
    let config = GatewayConfig {
        message_id: Some("id".to_owned()),
        ..GatewayConfig::default()
    };
    assert!(Judge::new(&config).is_err());
}
