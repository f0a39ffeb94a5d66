use super::*;
use crate::fixtures::jane;

fn actor(user: &str) -> Actor {
    Actor {
        user: UserId::parse(user).unwrap(),
        reason: ActorReason::parse("lost her phone, ticket 4711").unwrap(),
    }
}

#[test]
fn nobody_acts_on_themselves_in_whatever_case() {
    let rules = PolicyRules::built_in();
    assert_eq!(actor("admin").may_act_on(&jane(), &rules), Ok(()));
    for name in ["jane", "Jane"] {
        let refusal = actor(name).may_act_on(&jane(), &rules);
        assert_eq!(refusal, Err(Refusal::ActsOnThemselves), "{name}");
    }
}

#[test]
fn where_case_tells_users_apart_another_case_is_another_user() {
    let rules = PolicyRules {
        case_sensitive_ids: true,
        ..PolicyRules::built_in()
    };
    assert_eq!(actor("Jane").may_act_on(&jane(), &rules), Ok(()));
    let refusal = actor("jane").may_act_on(&jane(), &rules);
    assert_eq!(refusal, Err(Refusal::ActsOnThemselves));
}

#[test]
fn a_reason_is_one_plain_line() {
    assert_eq!(ActorReason::parse("").err(), Some(MalformedValue::Empty));
    assert_eq!(
        ActorReason::parse(&"x".repeat(257)).err(),
        Some(MalformedValue::TooLong(256))
    );
    assert_eq!(
        ActorReason::parse("two\nlines").err(),
        Some(MalformedValue::NotPlainText)
    );
    assert_eq!(
        ActorReason::parse("lost her phone").unwrap().as_str(),
        "lost her phone"
    );
}

#[test]
fn a_reason_prints_nothing() {
    assert_eq!(
        format!("{:?}", ActorReason::parse("Jane").unwrap()),
        "Reason([redacted])"
    );
}
