use super::*;
use crate::fixtures::caller;

fn with_audiences(names: &[&str]) -> Caller {
    Caller {
        audiences: names.iter().map(|name| Audience::new(name)).collect(),
        ..caller("portal", &[])
    }
}

fn meant(caller: &Caller, named: &str) -> Result<String, AudienceError> {
    let audience = caller.audience(named);
    audience.map(|audience| audience.as_str().to_owned())
}

#[test]
fn a_caller_may_what_it_was_given_and_nothing_else() {
    let portal = caller("portal", &[CallerRight::MethodService]);
    for right in CallerRight::ALL {
        assert_eq!(
            portal.may(right),
            right == CallerRight::MethodService,
            "{right}"
        );
    }
}

#[test]
fn names_are_kept_as_they_were_configured() {
    assert_eq!(CallerName::new("Portal 1").as_str(), "Portal 1");
    assert_eq!(Audience::new("https://shop").as_str(), "https://shop");
}

#[test]
fn a_right_is_told_by_its_name() {
    for right in CallerRight::ALL {
        assert_eq!(CallerRight::named(&right.to_string()), Some(right));
    }
    assert_eq!(CallerRight::named("Attest"), None);
    assert_eq!(CallerRight::named(""), None);
}

#[test]
fn the_only_audience_need_not_be_named() {
    assert_eq!(meant(&with_audiences(&["shop"]), ""), Ok("shop".to_owned()));
}

#[test]
fn of_several_audiences_one_has_to_be_named() {
    let portal = with_audiences(&["shop", "bank"]);
    assert_eq!(meant(&portal, ""), Err(AudienceError::NoneNamed));
    assert_eq!(meant(&portal, "bank"), Ok("bank".to_owned()));
}

#[test]
fn an_audience_of_somebody_else_means_nobody() {
    for caller in [
        with_audiences(&["shop"]),
        with_audiences(&["shop", "museum"]),
    ] {
        for named in ["bank", "Shop", " "] {
            assert_eq!(meant(&caller, named), Err(AudienceError::NotListed));
        }
    }
}

#[test]
fn a_caller_without_audiences_is_told_so_whatever_it_names() {
    for named in ["", "shop"] {
        let none = meant(&with_audiences(&[]), named);
        assert_eq!(none, Err(AudienceError::NoneConfigured));
    }
}

#[test]
fn only_who_may_ask_for_sign_ins_lacks_an_audience() {
    let signs_in = [CallerRight::UserService, CallerRight::ChallengeService];
    assert!(caller_without_audience(&signs_in).lacks_audience());
    assert!(!caller_without_audience(&[CallerRight::UserService]).lacks_audience());
    let portal = Caller {
        rights: signs_in.to_vec(),
        ..with_audiences(&["shop"])
    };
    assert!(!portal.lacks_audience());
}

fn caller_without_audience(rights: &[CallerRight]) -> Caller {
    Caller {
        audiences: Vec::new(),
        ..caller("portal", rights)
    }
}

#[test]
fn a_service_provider_acts_for_every_tenant() {
    assert!(TenantScope::All.include("acme"));
}

#[test]
fn a_company_acts_for_the_tenants_that_are_listed() {
    let listed = TenantScope::Only(vec!["acme".to_owned()]);
    assert!(listed.include("acme"));
    for other in ["acme2", "Acme", "acm", ""] {
        assert!(!listed.include(other), "{other:?}");
    }
    assert!(!TenantScope::Only(Vec::new()).include("acme"));
}
