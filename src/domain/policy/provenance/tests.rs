use super::*;
use crate::{
    method::Kind,
    policy::{TwoFactorMode, fixtures::full},
};
use std::time::Duration;

fn of(field: Field, service: &Layer, tenant: &Layer) -> (Source, bool) {
    let all = provenance(service, tenant);
    let found = all.into_iter().find(|one| one.field == field).unwrap();
    (found.source, found.overruled)
}

#[test]
fn what_nobody_decided_is_built_in() {
    let nobody = Layer::default();
    for one in provenance(&nobody, &nobody) {
        assert_eq!((one.source, one.overruled), (Source::BuiltIn, false));
    }
}

#[test]
fn what_one_layer_decided_is_that_layers() {
    let nobody = Layer::default();
    for field in Field::ALL {
        assert_eq!(of(field, &nobody, &full()), (Source::Tenant, false));
        assert_eq!(of(field, &full(), &nobody), (Source::Service, false));
        assert_eq!(of(field, &full(), &full()), (Source::Service, false));
    }
}

#[test]
fn the_stricter_layer_is_the_source_of_what_has_an_order() {
    let mode = |mode| Layer {
        two_factor: Some(mode),
        ..Layer::default()
    };
    let (optional, required) = (mode(TwoFactorMode::Optional), mode(TwoFactorMode::Required));
    assert_eq!(
        of(Field::TwoFactor, &required, &optional),
        (Source::Service, true)
    );
    assert_eq!(
        of(Field::TwoFactor, &optional, &required),
        (Source::Tenant, false)
    );
}

#[test]
fn what_two_layers_decide_together_is_the_tenants_and_less_than_it_decided() {
    let kinds = |kinds: [Kind; 2]| Layer {
        allowed_kinds: Some(kinds.into_iter().collect()),
        ..Layer::default()
    };
    let (service, tenant) = (
        kinds([Kind::Totp, Kind::Sms]),
        kinds([Kind::Sms, Kind::Email]),
    );
    assert_eq!(
        of(Field::AllowedKinds, &service, &tenant),
        (Source::Tenant, true)
    );
}

#[test]
fn a_default_that_is_locked_below_stays() {
    let service = Layer {
        default_kind: Some(Kind::Totp),
        default_locked: Some(true),
        ..Layer::default()
    };
    let tenant = Layer {
        default_kind: Some(Kind::Sms),
        ..Layer::default()
    };
    assert_eq!(
        of(Field::DefaultKind, &service, &tenant),
        (Source::Service, true)
    );
    let none = Layer {
        default_locked: Some(true),
        ..Layer::default()
    };
    assert_eq!(
        of(Field::DefaultKind, &none, &tenant),
        (Source::Service, true)
    );
}

#[test]
fn who_requires_it_without_more_ado_has_decided_when_and_of_whom() {
    let service = Layer {
        two_factor: Some(TwoFactorMode::Required),
        ..Layer::default()
    };
    let nobody = Layer::default();
    for field in [
        Field::RequiredFrom,
        Field::RequiredGroups,
        Field::GracePeriod,
    ] {
        assert_eq!(of(field, &service, &full()), (Source::Service, true));
        assert_eq!(of(field, &service, &nobody), (Source::BuiltIn, false));
        assert_eq!(of(field, &nobody, &full()), (Source::Tenant, false));
    }
}

#[test]
fn a_default_says_who_set_it() {
    let tenant = Layer {
        default_kind: Some(Kind::Sms),
        trust_life: Some(Duration::from_hours(24)),
        ..Layer::default()
    };
    let all = provenance(&Layer::default(), &tenant);
    let says = |field| all.iter().find(|one| one.field == field).unwrap().says();
    assert_eq!(
        says(Field::DefaultKind),
        "set by your administrator as default"
    );
    assert_eq!(says(Field::TrustLife), "set by your administrator");
    assert_eq!(says(Field::TwoFactor), "built in: nobody decided it");
}
