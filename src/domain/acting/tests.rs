use super::*;
use crate::fixtures::jane;

fn acting(user: &str) -> Acting {
    Acting {
        user: UserId::parse(user).unwrap(),
        reason: Reason::parse("lost her phone, ticket 4711").unwrap(),
    }
}

#[test]
fn nobody_acts_on_themselves_in_whatever_case() {
    let rules = Rules::built_in();
    assert_eq!(acting("admin").may_act_on(&jane(), &rules), Ok(()));
    for name in ["jane", "Jane"] {
        let refusal = acting(name).may_act_on(&jane(), &rules);
        assert_eq!(refusal, Err(Refusal::ActsOnThemselves), "{name}");
    }
}

#[test]
fn where_case_tells_users_apart_another_case_is_another_user() {
    let rules = Rules {
        case_sensitive_ids: true,
        ..Rules::built_in()
    };
    assert_eq!(acting("Jane").may_act_on(&jane(), &rules), Ok(()));
    let refusal = acting("jane").may_act_on(&jane(), &rules);
    assert_eq!(refusal, Err(Refusal::ActsOnThemselves));
}

#[test]
fn a_reason_is_one_plain_line() {
    assert_eq!(Reason::parse("").err(), Some(Malformed::Empty));
    assert_eq!(
        Reason::parse(&"x".repeat(257)).err(),
        Some(Malformed::TooLong(256))
    );
    assert_eq!(
        Reason::parse("two\nlines").err(),
        Some(Malformed::NotPlainText)
    );
    assert_eq!(
        Reason::parse("lost her phone").unwrap().as_str(),
        "lost her phone"
    );
}

#[test]
fn a_reason_prints_nothing() {
    assert_eq!(
        format!("{:?}", Reason::parse("Jane").unwrap()),
        "Reason([redacted])"
    );
}
