use super::*;
use crate::{
    account::{
        Account,
        groups::UserGroups,
        profile::{EnrollmentGrace, GraceReason, Profile},
    },
    fixtures::{NOW, account},
    policy::SecondFactorRequirement,
};
use proptest::{option, prelude::*, sample::subsequence};
use std::cmp::Reverse;

const DAY: Duration = Duration::from_hours(24);

fn modes() -> impl Strategy<Value = TwoFactorMode> {
    prop_oneof![
        Just(TwoFactorMode::Off),
        Just(TwoFactorMode::Optional),
        Just(TwoFactorMode::Required)
    ]
}

fn strengths() -> impl Strategy<Value = MethodStrength> {
    prop_oneof![
        Just(MethodStrength::Low),
        Just(MethodStrength::Restricted),
        Just(MethodStrength::Strong)
    ]
}

fn layers() -> impl Strategy<Value = PolicyOverride> {
    let ordered = (
        option::of(modes()),
        option::of(strengths()),
        option::of(any::<bool>()),
        option::of(0..8_u8),
    );
    let others = (
        option::of(any::<bool>()),
        option::of(0..3_usize),
        option::of(1..90_u64),
    );
    (required(), ordered, others).prop_map(
        |(
            required,
            (two_factor, sign_in_strength, trusted_devices, kinds),
            (locked, default, days),
        )| PolicyOverride {
            two_factor,
            sign_in_strength,
            trusted_devices,
            allowed_kinds: kinds.map(|bits| {
                let chosen = MethodKind::ALL.into_iter().enumerate();
                chosen
                    .filter_map(|(at, kind)| (bits & (1 << at) != 0).then_some(kind))
                    .collect()
            }),
            default_locked: locked,
            default_kind: default.and_then(|at| MethodKind::ALL.get(at).copied()),
            trust_lifetime: days.map(|days| Duration::from_hours(24 * days)),
            ..required
        },
    )
}

/// The date, groups and grace period of a layer.
fn required() -> impl Strategy<Value = PolicyOverride> {
    let fields = (
        option::of(around_now()),
        option::of(groups()),
        option::of(0..9_u32),
    );
    fields.prop_map(|(required_from, required_groups, days)| PolicyOverride {
        required_from,
        required_groups,
        grace_period: days.map(|days| DAY * days),
        ..PolicyOverride::default()
    })
}

fn around_now() -> impl Strategy<Value = Timestamp> {
    (0..9_u32).prop_map(|days| NOW.plus(DAY * days).minus(DAY * 4))
}

fn groups() -> impl Strategy<Value = Vec<GroupName>> {
    let named = ["staff", "guests", "board"].map(|name| GroupName::parse(name).unwrap());
    subsequence(named.to_vec(), 0..=3)
}

fn profiles() -> impl Strategy<Value = Profile> {
    (groups(), option::of(around_now())).prop_map(|(groups, until)| Profile {
        groups: UserGroups::Listed(groups),
        grace: until.map(|until| EnrollmentGrace {
            until,
            reason: GraceReason::parse("on leave").unwrap(),
        }),
        ..Profile::default()
    })
}

/// Orders requirements by strictness.
fn strictness(requirement: SecondFactorRequirement) -> (u8, Option<Reverse<Timestamp>>) {
    match requirement {
        SecondFactorRequirement::Off => (0, None),
        SecondFactorRequirement::Optional { enroll_by } => (1, enroll_by.map(Reverse)),
        SecondFactorRequirement::Required { enroll_by } => (2, Some(Reverse(enroll_by))),
    }
}

proptest! {
    #![proptest_config(crate::fixtures::properties(256))]

    #[test]
    fn no_layer_weakens_what_the_one_below_decided(below in layers(), layer in layers()) {
        let (alone, both) = (PolicyRules::of(&below), PolicyRules::of(&below.with(&layer)));
        if below.two_factor.is_some() {
            prop_assert!(both.two_factor >= alone.two_factor);
        }
        if below.sign_in_strength.is_some() {
            prop_assert!(both.sign_in_strength >= alone.sign_in_strength);
        }
        if below.trusted_devices.is_some() {
            prop_assert!(both.trusted_devices <= alone.trusted_devices);
        }
        if below.trust_lifetime.is_some() {
            prop_assert!(both.trust_lifetime <= alone.trust_lifetime);
        }
        prop_assert!(both.allowed_kinds.iter().all(|kind| alone.allowed_kinds.contain(kind)));
        if below.default_locked == Some(true) {
            prop_assert_eq!(both.default_kind, alone.default_kind);
            prop_assert!(both.default_locked);
        }
    }

    /// Neither by another mode, nor by postponing, nor by other groups.
    #[test]
    fn no_layer_requires_less_than_the_one_below(
        below in layers(),
        layer in layers(),
        profile in profiles(),
        created_at in around_now(),
    ) {
        prop_assume!(below.two_factor.is_some());
        let user = Account { created_at, ..account([]) };
        let strictness = |layer: &PolicyOverride| {
            let requirement = PolicyRules::of(layer).requirement(&user, &profile, NOW);
            strictness(requirement.unwrap())
        };
        prop_assert!(strictness(&below.with(&layer)) >= strictness(&below));
    }

    #[test]
    fn a_layer_that_decides_nothing_changes_nothing(layer in layers()) {
        prop_assert_eq!(&layer.with(&PolicyOverride::default()), &layer);
        prop_assert_eq!(&PolicyOverride::default().with(&layer), &layer);
    }

    #[test]
    fn a_layer_survives_its_store(layer in layers()) {
        let stored = serde_json::to_string(&layer).unwrap();
        prop_assert_eq!(serde_json::from_str::<PolicyOverride>(&stored).unwrap(), layer);
    }
}

#[test]
fn nothing_decided_is_the_built_in_policy() {
    assert_eq!(
        PolicyRules::of(&PolicyOverride::default()),
        PolicyRules::built_in()
    );
}

#[test]
fn a_name_that_is_not_known_is_the_strictest() {
    let stored = r#"{"two_factor": "SOMETIMES", "recovery_style": "FRIENDS"}"#;
    let settings: PolicyOverride = serde_json::from_str(stored).unwrap();
    assert_eq!(settings.two_factor, Some(TwoFactorMode::Required));
    assert_eq!(settings.recovery_style, Some(RecoveryStyle::None));
}

#[test]
fn a_tenant_that_requires_it_of_everyone_is_stricter_than_one_group() {
    let staff = vec![GroupName::parse("staff").unwrap()];
    let below = PolicyOverride {
        required_groups: Some(staff),
        ..PolicyOverride::default()
    };
    let layer = PolicyOverride {
        required_groups: Some(Vec::new()),
        ..PolicyOverride::default()
    };
    assert_eq!(below.with(&layer).required_groups, Some(Vec::new()));
}
