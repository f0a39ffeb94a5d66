//! A25: no user bypasses an enforcing policy by having no method. The decision agrees with an independent model for all
//! policies, users and devices.

use super::*;
use crate::fixtures::{email, properties};
use proptest::{
    collection::vec, option, prelude::*, sample::subsequence, strategy::ValueTree,
    test_runner::TestRunner,
};
use std::time::Duration;

const DAY: u64 = 24 * 60 * 60;

/// The inputs of one sign-in.
#[derive(Debug, Clone)]
struct SignInCase {
    rules: PolicyRules,
    methods: Vec<(MethodKind, bool)>,
    profile: Profile,
    made_days_ago: u64,
    on_trusted_device: bool,
}

/// The model: states the rule a second time and returns the name of the decision.
fn model(case: &SignInCase) -> &'static str {
    let rules = &case.rules;
    if rules.two_factor == TwoFactorMode::Off {
        return "TWO_FACTOR_OFF";
    }
    let enforcing = rules.two_factor == TwoFactorMode::Required;
    let everyone = rules.required_groups.is_empty();
    if enforcing && !everyone && case.profile.groups == UserGroups::Unknown {
        return "REFUSED";
    }
    let strongest_allowed = rules.allowed_kinds.iter().map(MethodKind::strength).max();
    let satisfiable = strongest_allowed.is_some_and(|most| most >= rules.sign_in_strength);
    if !satisfiable && !case.methods.is_empty() {
        return "REFUSED";
    }
    let mut counting = 0;
    for (kind, _) in &case.methods {
        let proves = match kind {
            MethodKind::Totp => 3,
            MethodKind::Sms => 2,
            MethodKind::Email => 1,
        };
        let asked = match rules.sign_in_strength {
            MethodStrength::Low => 1,
            MethodStrength::Restricted => 2,
            MethodStrength::Strong => 3,
        };
        if rules.allowed_kinds.iter().any(|other| other == *kind) && proves >= asked {
            counting += 1;
        }
    }
    if counting > 0 {
        let spared = case.on_trusted_device && rules.trusted_devices;
        return if spared && !rules.challenge_every_sign_in {
            "TRUSTED_DEVICE"
        } else {
            "CHALLENGE"
        };
    }
    let named = |group: &GroupName| rules.required_groups.iter().any(|other| other == group);
    let is_member = match &case.profile.groups {
        UserGroups::Unknown => false,
        UserGroups::Listed(groups) => groups.iter().any(named),
        UserGroups::TooMany => true,
    };
    let now = NOW.millis();
    let from = rules.required_from.map_or(i64::MIN, Timestamp::millis);
    if !enforcing || !(everyone || is_member) || now < from {
        return "NOT_REQUIRED";
    }
    let made = now - i64::try_from(case.made_days_ago * DAY * 1000).unwrap();
    let put_off = i64::try_from(rules.grace_period.as_millis()).unwrap();
    let excepted = case
        .profile
        .grace
        .as_ref()
        .map(|grace| grace.until.millis());
    if now < from.max(made) + put_off || excepted.is_some_and(|until| now < until) {
        return "GRACE_PERIOD";
    }
    "ENROLLMENT"
}

/// The decision of the service.
fn decided(case: &SignInCase) -> &'static str {
    let account = Account {
        created_at: NOW.minus(Duration::from_secs(case.made_days_ago * DAY)),
        ..account(
            case.methods
                .iter()
                .zip(1..)
                .map(|((kind, disabled), seed)| Method {
                    disabled: *disabled,
                    ..method(seed, *kind)
                }),
        )
    };
    let sign_in = SignIn {
        account: &account,
        profile: &case.profile,
        rules: &case.rules,
        on_trusted_device: case.on_trusted_device,
        now: NOW,
    };
    match sign_in.need() {
        Ok(SignInRequirement::Nothing(pass)) => pass.as_str(),
        Ok(SignInRequirement::Challenge) => "CHALLENGE",
        Ok(SignInRequirement::Enrollment) => "ENROLLMENT",
        Err(_) => "REFUSED",
    }
}

/// The defect of Kratos CVE-2024-45042: users without a method are let in.
fn decided_by_what_is_enrolled(case: &SignInCase) -> &'static str {
    match decided(case) {
        "ENROLLMENT" => "NOT_REQUIRED",
        decision => decision,
    }
}

fn groups() -> impl Strategy<Value = Vec<GroupName>> {
    subsequence(vec![group("staff"), group("guests")], 0..=2)
}

fn days_from_now() -> impl Strategy<Value = Timestamp> {
    (0..8_u64).prop_map(|days| {
        NOW.plus(Duration::from_secs(days * DAY))
            .minus(Duration::from_secs(4 * DAY))
    })
}

fn kinds() -> impl Strategy<Value = MethodKind> {
    prop_oneof![
        Just(MethodKind::Totp),
        Just(MethodKind::Sms),
        Just(MethodKind::Email)
    ]
}

fn rules() -> impl Strategy<Value = PolicyRules> {
    let modes = prop_oneof![
        1 => Just(TwoFactorMode::Off),
        1 => Just(TwoFactorMode::Optional),
        4 => Just(TwoFactorMode::Required)
    ];
    let strengths = prop_oneof![
        Just(MethodStrength::Low),
        Just(MethodStrength::Restricted),
        Just(MethodStrength::Strong)
    ];
    let whom = (modes, option::of(days_from_now()), groups(), 0..4_u64);
    let how = (vec(kinds(), 0..4), strengths, any::<bool>(), any::<bool>());
    (whom, how).prop_map(
        |((two_factor, required_from, required_groups, days), (kinds, strength, trust, every))| {
            PolicyRules {
                two_factor,
                required_from,
                required_groups,
                grace_period: Duration::from_secs(days * DAY),
                allowed_kinds: kinds.into_iter().collect(),
                sign_in_strength: strength,
                trusted_devices: trust,
                challenge_every_sign_in: every,
                ..PolicyRules::built_in()
            }
        },
    )
}

fn cases() -> impl Strategy<Value = SignInCase> {
    let known = prop_oneof![
        1 => Just(UserGroups::Unknown),
        4 => groups().prop_map(UserGroups::Listed),
        1 => Just(UserGroups::TooMany),
    ];
    let file = (known, option::of(days_from_now()));
    let methods = vec((kinds(), any::<bool>()), 0..3);
    (rules(), methods, file, 0..6_u64, any::<bool>()).prop_map(
        |(rules, methods, (groups, until), made_days_ago, on_trusted_device)| SignInCase {
            rules,
            methods,
            profile: Profile {
                email: Some(email("jane@example.com")),
                groups,
                grace: until.and_then(|until| excepted_until(until).grace),
                ..Profile::default()
            },
            made_days_ago,
            on_trusted_device,
        },
    )
}

fn agrees(decide: fn(&SignInCase) -> &'static str) -> Result<(), String> {
    let mut runner = TestRunner::new(properties(4096));
    let compared = runner.run(&cases(), |case| {
        prop_assert_eq!(decide(&case), model(&case));
        Ok(())
    });
    compared.map_err(|difference| difference.to_string())
}

#[test]
fn a25_every_decision_is_that_of_an_independent_model() {
    agrees(decided).unwrap();
}

#[test]
fn a25_a_decision_by_what_is_enrolled_is_noticed_control() {
    agrees(decided_by_what_is_enrolled).unwrap_err();
}

#[test]
fn a25_every_decision_is_met_in_the_comparison() {
    let mut runner = TestRunner::new(properties(1));
    let mut met = std::collections::BTreeSet::new();
    for _ in 0..4096 {
        let case = cases().new_tree(&mut runner).unwrap().current();
        met.insert(model(&case));
    }
    assert_eq!(met.len(), 7, "{met:?}");
}
