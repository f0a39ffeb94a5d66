use super::*;
use crate::{
    method::MethodKind,
    policy::{TwoFactorMode, fixtures::full},
};
use std::time::Duration;

fn of(
    field: PolicyField,
    service: &PolicyOverride,
    tenant: &PolicyOverride,
) -> (PolicySource, bool) {
    let all = provenance(service, tenant);
    let found = all.into_iter().find(|one| one.field == field).unwrap();
    (found.source, found.overruled)
}

#[test]
fn what_nobody_decided_is_built_in() {
    let nobody = PolicyOverride::default();
    for one in provenance(&nobody, &nobody) {
        assert_eq!((one.source, one.overruled), (PolicySource::BuiltIn, false));
    }
}

#[test]
fn what_one_layer_decided_is_that_layers() {
    let nobody = PolicyOverride::default();
    for field in PolicyField::ALL {
        assert_eq!(of(field, &nobody, &full()), (PolicySource::Tenant, false));
        assert_eq!(of(field, &full(), &nobody), (PolicySource::Service, false));
        assert_eq!(of(field, &full(), &full()), (PolicySource::Service, false));
    }
}

#[test]
fn the_stricter_layer_is_the_source_of_what_has_an_order() {
    let mode = |mode| PolicyOverride {
        two_factor: Some(mode),
        ..PolicyOverride::default()
    };
    let (optional, required) = (mode(TwoFactorMode::Optional), mode(TwoFactorMode::Required));
    assert_eq!(
        of(PolicyField::TwoFactor, &required, &optional),
        (PolicySource::Service, true)
    );
    assert_eq!(
        of(PolicyField::TwoFactor, &optional, &required),
        (PolicySource::Tenant, false)
    );
}

#[test]
fn what_two_layers_decide_together_is_the_tenants_and_less_than_it_decided() {
    let kinds = |kinds: [MethodKind; 2]| PolicyOverride {
        allowed_kinds: Some(kinds.into_iter().collect()),
        ..PolicyOverride::default()
    };
    let (service, tenant) = (
        kinds([MethodKind::Totp, MethodKind::Sms]),
        kinds([MethodKind::Sms, MethodKind::Email]),
    );
    assert_eq!(
        of(PolicyField::AllowedKinds, &service, &tenant),
        (PolicySource::Tenant, true)
    );
}

#[test]
fn a_default_that_is_locked_below_stays() {
    let service = PolicyOverride {
        default_kind: Some(MethodKind::Totp),
        default_locked: Some(true),
        ..PolicyOverride::default()
    };
    let tenant = PolicyOverride {
        default_kind: Some(MethodKind::Sms),
        ..PolicyOverride::default()
    };
    assert_eq!(
        of(PolicyField::DefaultKind, &service, &tenant),
        (PolicySource::Service, true)
    );
    let none = PolicyOverride {
        default_locked: Some(true),
        ..PolicyOverride::default()
    };
    assert_eq!(
        of(PolicyField::DefaultKind, &none, &tenant),
        (PolicySource::Service, true)
    );
}

#[test]
fn who_requires_it_without_more_ado_has_decided_when_and_of_whom() {
    let service = PolicyOverride {
        two_factor: Some(TwoFactorMode::Required),
        ..PolicyOverride::default()
    };
    let nobody = PolicyOverride::default();
    for field in [
        PolicyField::RequiredFrom,
        PolicyField::RequiredGroups,
        PolicyField::GracePeriod,
    ] {
        assert_eq!(of(field, &service, &full()), (PolicySource::Service, true));
        assert_eq!(of(field, &service, &nobody), (PolicySource::BuiltIn, false));
        assert_eq!(of(field, &nobody, &full()), (PolicySource::Tenant, false));
    }
}

#[test]
fn a_default_says_who_set_it() {
    let tenant = PolicyOverride {
        default_kind: Some(MethodKind::Sms),
        trust_lifetime: Some(Duration::from_hours(24)),
        ..PolicyOverride::default()
    };
    let all = provenance(&PolicyOverride::default(), &tenant);
    let says = |field| all.iter().find(|one| one.field == field).unwrap().says();
    assert_eq!(
        says(PolicyField::DefaultKind),
        "set by your administrator as default"
    );
    assert_eq!(
        says(PolicyField::TrustLifetime),
        "set by your administrator"
    );
    assert_eq!(says(PolicyField::TwoFactor), "built in: nobody decided it");
}
