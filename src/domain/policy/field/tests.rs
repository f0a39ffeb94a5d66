use super::*;
use crate::policy::TwoFactorMode;

fn keys() -> Vec<String> {
    let layer = serde_json::to_value(PolicyOverride::default()).unwrap();
    layer.as_object().unwrap().keys().cloned().collect()
}

#[test]
fn every_field_of_a_layer_has_its_name() {
    let mut names = PolicyField::ALL
        .map(|field| field.name().to_owned())
        .to_vec();
    names.sort();
    let mut keys = keys();
    keys.sort();
    assert_eq!(names, keys);
    for field in PolicyField::ALL {
        assert_eq!(PolicyField::named(field.name()), Some(field));
        assert_eq!(field.path(), format!("policy.{}", field.name()));
    }
}

#[test]
fn a_field_is_taken_alone() {
    let full = crate::policy::fixtures::full();
    for field in PolicyField::ALL {
        let only = full.only(field);
        assert!(full.decides(field), "{field:?}");
        let differences: Vec<PolicyField> = only.differences(&PolicyOverride::default()).collect();
        assert_eq!(differences, [field]);
        let json = serde_json::to_value(&only).unwrap();
        assert!(!json[field.name()].is_null(), "{field:?}");
    }
}

#[test]
fn what_is_left_open_is_taken_too() {
    let mut layer = PolicyOverride {
        two_factor: Some(TwoFactorMode::Off),
        ..PolicyOverride::default()
    };
    layer.take(PolicyField::TwoFactor, &PolicyOverride::default());
    assert_eq!(layer, PolicyOverride::default());
}
