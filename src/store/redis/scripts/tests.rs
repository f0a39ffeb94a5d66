use super::*;
use std::collections::BTreeSet;

const SCRIPTS: [(&str, &[&str]); 13] = [
    ("open", OPEN),
    ("charge_attempt", CHARGE_ATTEMPT),
    ("resend", RESEND),
    ("record_delivery", RECORD_DELIVERY),
    ("next_send", NEXT_SEND),
    ("find", FIND),
    ("pending_enrollment", PENDING_ENROLLMENT),
    ("drop_challenge", DROP_CHALLENGE),
    ("drop_all", DROP_ALL),
    ("conclude", CONCLUDE),
    ("charge_standalone_attempt", CHARGE_STANDALONE_ATTEMPT),
    ("refund_attempt", REFUND_ATTEMPT),
    ("lift_windows", LIFT_WINDOWS),
];

/// The functions that a part defines.
fn defined(part: &str) -> BTreeSet<&str> {
    let definitions = part
        .lines()
        .filter_map(|line| line.strip_prefix("local function "));
    definitions
        .filter_map(|definition| definition.split('(').next())
        .collect()
}

/// The functions that a part calls, those of Lua and Redis left out, and its own.
fn called<'part>(part: &'part str, shared: &BTreeSet<&str>) -> BTreeSet<&'part str> {
    let code = part.lines().filter(|line| !line.starts_with("--"));
    let names = code.flat_map(|line| {
        let before_brackets = line.split('(');
        before_brackets.filter_map(|text| {
            text.rsplit(|c: char| !c.is_alphanumeric() && c != '_')
                .next()
        })
    });
    let own = defined(part);
    names
        .filter(|name| shared.contains(name) && !own.contains(name))
        .collect()
}

/// What is wrong with how a script is made up.
fn flaws(parts: &[&str], shared: &BTreeSet<&str>) -> Vec<String> {
    let mut flaws = Vec::new();
    let mut known = BTreeSet::new();
    for part in parts {
        let missing = called(part, shared)
            .into_iter()
            .filter(|name| !known.contains(name));
        flaws.extend(missing.map(|name| format!("`{name}` is not defined")));
        known.extend(defined(part));
    }
    for (place, part) in parts.iter().enumerate() {
        let others = parts.iter().skip(place + 1);
        let used: BTreeSet<&str> = others.flat_map(|other| called(other, shared)).collect();
        let offered = defined(part);
        if offered.iter().any(|name| shared.contains(name)) && offered.is_disjoint(&used) {
            flaws.push(format!("none of {offered:?} is used"));
        }
    }
    flaws
}

fn shared() -> BTreeSet<&'static str> {
    let parts = [
        WINDOWS, CHALLENGES, CHARGES, CHARGING, RAISING, THROTTLING, MESSAGES, SENDING, REQUESTS,
        REPEATS,
    ];
    parts.into_iter().flat_map(defined).collect()
}

#[test]
fn each_script_has_the_functions_that_it_calls_and_no_part_for_nothing() {
    let shared = shared();
    assert!(shared.len() > 10, "{shared:?}");
    for (name, parts) in SCRIPTS {
        assert_eq!(flaws(parts, &shared), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn a_part_that_is_missing_or_useless_is_found_control() {
    let shared = shared();
    let without_charging = [LAYOUT, WINDOWS, CHARGES, REQUESTS, CHARGE_ATTEMPT[5]];
    let found = flaws(&without_charging, &shared);
    assert!(
        found.contains(&"`charge_attempt` is not defined".to_owned()),
        "{found:?}"
    );
    let with_raising = [LAYOUT, CHARGES, RAISING, REFUND_ATTEMPT[2]];
    assert_eq!(
        flaws(&with_raising, &shared),
        [r#"none of {"raise"} is used"#]
    );
}
