use super::*;
use proptest::{option, prelude::*};

fn modes() -> impl Strategy<Value = TwoFactorMode> {
    prop_oneof![
        Just(TwoFactorMode::Off),
        Just(TwoFactorMode::Optional),
        Just(TwoFactorMode::Required)
    ]
}

fn strengths() -> impl Strategy<Value = Strength> {
    prop_oneof![
        Just(Strength::Low),
        Just(Strength::Restricted),
        Just(Strength::Strong)
    ]
}

fn layers() -> impl Strategy<Value = Layer> {
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
    (ordered, others).prop_map(
        |((two_factor, sign_in_strength, trusted_devices, kinds), (locked, default, days))| Layer {
            two_factor,
            sign_in_strength,
            trusted_devices,
            allowed_kinds: kinds.map(|bits| {
                let chosen = Kind::ALL.into_iter().enumerate();
                chosen
                    .filter_map(|(at, kind)| (bits & (1 << at) != 0).then_some(kind))
                    .collect()
            }),
            default_locked: locked,
            default_kind: default.and_then(|at| Kind::ALL.get(at).copied()),
            trust_life: days.map(|days| Duration::from_hours(24 * days)),
            ..Layer::default()
        },
    )
}

proptest! {
    #![proptest_config(crate::fixtures::properties(256))]

    #[test]
    fn no_layer_weakens_what_the_one_below_decided(below in layers(), layer in layers()) {
        let (alone, both) = (Rules::of(&below), Rules::of(&below.with(&layer)));
        if below.two_factor.is_some() {
            prop_assert!(both.two_factor >= alone.two_factor);
        }
        if below.sign_in_strength.is_some() {
            prop_assert!(both.sign_in_strength >= alone.sign_in_strength);
        }
        if below.trusted_devices.is_some() {
            prop_assert!(both.trusted_devices <= alone.trusted_devices);
        }
        if below.trust_life.is_some() {
            prop_assert!(both.trust_life <= alone.trust_life);
        }
        prop_assert!(both.allowed_kinds.iter().all(|kind| alone.allowed_kinds.contain(kind)));
        if below.default_locked == Some(true) {
            prop_assert_eq!(both.default_kind, alone.default_kind);
            prop_assert!(both.default_locked);
        }
    }

    #[test]
    fn a_layer_that_decides_nothing_changes_nothing(layer in layers()) {
        prop_assert_eq!(&layer.with(&Layer::default()), &layer);
        prop_assert_eq!(&Layer::default().with(&layer), &layer);
    }

    #[test]
    fn a_layer_survives_its_store(layer in layers()) {
        let stored = serde_json::to_string(&layer).unwrap();
        prop_assert_eq!(serde_json::from_str::<Layer>(&stored).unwrap(), layer);
    }
}

#[test]
fn nothing_decided_is_the_built_in_policy() {
    assert_eq!(Rules::of(&Layer::default()), Rules::built_in());
}

#[test]
fn a_name_that_is_not_known_is_the_strictest() {
    let stored = r#"{"two_factor": "SOMETIMES", "recovery_style": "FRIENDS"}"#;
    let settings: Layer = serde_json::from_str(stored).unwrap();
    assert_eq!(settings.two_factor, Some(TwoFactorMode::Required));
    assert_eq!(settings.recovery_style, Some(RecoveryStyle::None));
}

#[test]
fn a_tenant_that_requires_it_of_everyone_is_stricter_than_one_group() {
    let staff = vec![Group::parse("staff").unwrap()];
    let below = Layer {
        required_groups: Some(staff),
        ..Layer::default()
    };
    let layer = Layer {
        required_groups: Some(Vec::new()),
        ..Layer::default()
    };
    assert_eq!(below.with(&layer).required_groups, Some(Vec::new()));
}
