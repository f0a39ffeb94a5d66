use super::*;
use crate::{
    country::Country,
    fixtures::{account, method},
    method::Strength,
    policy::{Kinds, TwoFactorMode},
};

const ALL_SERVED: Served = Served {
    sms: true,
    email: true,
};

/// A user, and the two layers that decide over them.
struct Case {
    account: Account,
    service: Layer,
    tenant: Layer,
    served: Served,
}

fn case(kinds: &[Kind], tenant: Layer) -> Case {
    let methods = kinds.iter().zip(1..);
    Case {
        account: account(methods.map(|(kind, seed)| method(seed, *kind))),
        service: Layer::default(),
        tenant,
        served: ALL_SERVED,
    }
}

impl Case {
    fn standing(&self, kind: Kind) -> KindStanding {
        let policy = Policy {
            rules: Rules::of(&self.service.with(&self.tenant)),
            ..Policy::built_in()
        };
        let page = Page {
            account: &self.account,
            policy: &policy,
            service_layer: &self.service,
            served: self.served,
            pending: None,
        };
        page.kind(kind)
    }

    #[track_caller]
    fn assert(&self, kind: Kind, state: KindState, why: Option<(Hindrance, DecidedBy)>) {
        let standing = self.standing(kind);
        assert_eq!(standing.state, state);
        assert_eq!(standing.hindrance.zip(standing.decided_by), why);
    }
}

fn allowing(kinds: &[Kind]) -> Layer {
    Layer {
        allowed_kinds: Some(kinds.iter().copied().collect()),
        ..Layer::default()
    }
}

#[test]
fn with_nothing_decided_every_kind_is_available() {
    for kind in Kind::ALL {
        case(&[], Layer::default()).assert(kind, KindState::Available, None);
    }
    case(&[Kind::Sms], Layer::default()).assert(Kind::Sms, KindState::Active, None);
}

#[test]
fn a_kind_that_is_not_allowed_says_so_enrolled_or_not() {
    let why = Some((Hindrance::NotAllowed, DecidedBy::Administrator));
    for enrolled in [vec![], vec![Kind::Sms]] {
        let case = case(&enrolled, allowing(&[Kind::Totp]));
        case.assert(Kind::Sms, KindState::NotAllowed, why);
    }
}

#[test]
fn a_kind_too_weak_says_so_enrolled_or_not() {
    let strong = Layer {
        sign_in_strength: Some(Strength::Strong),
        ..Layer::default()
    };
    let why = Some((Hindrance::TooWeak, DecidedBy::Administrator));
    for enrolled in [vec![], vec![Kind::Sms]] {
        case(&enrolled, strong.clone()).assert(Kind::Sms, KindState::TooWeak, why);
    }
}

#[test]
fn a_locked_kind_goes_on_answering_and_says_that_it_is_locked() {
    let locked = Layer {
        locked_kinds: Some(Kinds::from_iter([Kind::Sms])),
        ..Layer::default()
    };
    let why = Some((Hindrance::Locked, DecidedBy::Administrator));
    case(&[Kind::Sms], locked.clone()).assert(Kind::Sms, KindState::Active, why);
    case(&[], locked).assert(Kind::Sms, KindState::LockedByAdministrator, why);
}

#[test]
fn locked_changes_lock_what_is_not_enrolled() {
    let locked = Layer {
        users_may_change: Some(false),
        ..Layer::default()
    };
    let why = Some((Hindrance::ChangesLocked, DecidedBy::Administrator));
    case(&[Kind::Totp], locked.clone()).assert(Kind::Sms, KindState::LockedByAdministrator, why);
    case(&[], locked).assert(Kind::Sms, KindState::Available, None);
}

#[test]
fn where_there_is_one_method_others_can_take_its_place() {
    let single = Layer {
        single_method: Some(true),
        ..Layer::default()
    };
    let why = Some((Hindrance::OneMethodOnly, DecidedBy::Administrator));
    case(&[Kind::Totp], single).assert(Kind::Sms, KindState::OnlyAsReplacement, why);
}

#[test]
fn where_two_factor_is_off_nothing_can_be_enrolled() {
    let off = Layer {
        two_factor: Some(TwoFactorMode::Off),
        ..Layer::default()
    };
    let why = Some((Hindrance::TwoFactorNotOffered, DecidedBy::Administrator));
    case(&[], off).assert(Kind::Totp, KindState::TwoFactorOff, why);
}

#[test]
fn an_address_has_to_be_verified_though_nobody_decided_that() {
    let mut unverified = case(&[], Layer::default());
    unverified.account.email_verified = false;
    let why = Some((Hindrance::EmailNotVerified, DecidedBy::BuiltIn));
    unverified.assert(Kind::Totp, KindState::NeedsVerifiedEmail, why);
}

#[test]
fn what_the_service_can_not_deliver_is_nobodys_decision() {
    let mut without_sms = case(&[], Layer::default());
    without_sms.served.sms = false;
    let standing = without_sms.standing(Kind::Sms);
    assert_eq!(standing.state, KindState::NoNotifier);
    assert_eq!(standing.hindrance, Some(Hindrance::NoNotifier));
    assert_eq!(standing.decided_by, None);
}

#[test]
fn where_no_countrys_numbers_are_allowed_text_messages_are_not() {
    let country = |name| Layer {
        sms_countries: Some(vec![Country::parse(name).unwrap()]),
        ..Layer::default()
    };
    let mut apart = case(&[], country("DE"));
    apart.assert(Kind::Sms, KindState::Available, None);
    apart.service = country("FR");
    let why = Some((Hindrance::NoCountry, DecidedBy::Administrator));
    apart.assert(Kind::Sms, KindState::NotAllowed, why);
}

#[test]
fn who_decided_is_the_lowest_layer_that_did() {
    let mut both = case(&[], allowing(&[Kind::Totp]));
    both.service = allowing(&[Kind::Totp, Kind::Email]);
    let not_allowed = |by| Some((Hindrance::NotAllowed, by));
    both.assert(
        Kind::Sms,
        KindState::NotAllowed,
        not_allowed(DecidedBy::Service),
    );
    both.assert(
        Kind::Email,
        KindState::NotAllowed,
        not_allowed(DecidedBy::Administrator),
    );
}

#[test]
fn the_administrators_default_is_marked_before_anything_is_enrolled() {
    let case = case(
        &[],
        Layer {
            default_kind: Some(Kind::Email),
            ..Layer::default()
        },
    );
    assert!(case.standing(Kind::Email).set_as_default);
    assert!(!case.standing(Kind::Totp).set_as_default);
}
