use super::*;
use crate::policy::TwoFactorMode;

fn keys() -> Vec<String> {
    let layer = serde_json::to_value(Layer::default()).unwrap();
    layer.as_object().unwrap().keys().cloned().collect()
}

#[test]
fn every_field_of_a_layer_has_its_name() {
    let mut names = Field::ALL.map(|field| field.name().to_owned()).to_vec();
    names.sort();
    let mut keys = keys();
    keys.sort();
    assert_eq!(names, keys);
    for field in Field::ALL {
        assert_eq!(Field::named(field.name()), Some(field));
        assert_eq!(field.path(), format!("policy.{}", field.name()));
    }
}

#[test]
fn a_field_is_taken_alone() {
    let full = crate::policy::fixtures::full();
    for field in Field::ALL {
        let only = full.only(field);
        assert!(full.decides(field), "{field:?}");
        let differences: Vec<Field> = only.differences(&Layer::default()).collect();
        assert_eq!(differences, [field]);
        let json = serde_json::to_value(&only).unwrap();
        assert!(!json[field.name()].is_null(), "{field:?}");
    }
}

#[test]
fn what_is_left_open_is_taken_too() {
    let mut layer = Layer {
        two_factor: Some(TwoFactorMode::Off),
        ..Layer::default()
    };
    layer.take(Field::TwoFactor, &Layer::default());
    assert_eq!(layer, Layer::default());
}
