use super::*;
use crate::{
    fixtures::{account, method},
    method::MethodStrength,
    policy::{MethodKinds, TwoFactorMode},
    value::country::Country,
};

const ALL_SERVED: AvailableChannels = AvailableChannels {
    sms: true,
    email: true,
};

/// A user and the two policy layers that apply to them.
struct SettingsCase {
    account: Account,
    service: PolicyOverride,
    tenant: PolicyOverride,
    served: AvailableChannels,
}

fn case(kinds: &[MethodKind], tenant: PolicyOverride) -> SettingsCase {
    let methods = kinds.iter().zip(1..);
    SettingsCase {
        account: account(methods.map(|(kind, seed)| method(seed, *kind))),
        service: PolicyOverride::default(),
        tenant,
        served: ALL_SERVED,
    }
}

impl SettingsCase {
    fn status(&self, kind: MethodKind) -> MethodKindStatus {
        let policy = Policy {
            rules: PolicyRules::of(&self.service.with(&self.tenant)),
            ..Policy::built_in()
        };
        let page = SettingsPage {
            account: &self.account,
            has_email: true,
            policy: &policy,
            service_layer: &self.service,
            served: self.served,
            pending: None,
        };
        page.kind(kind)
    }

    #[track_caller]
    fn assert(
        &self,
        kind: MethodKind,
        state: MethodKindState,
        why: Option<(MethodIneligibility, DecisionSource)>,
    ) {
        let status = self.status(kind);
        assert_eq!(status.state, state);
        assert_eq!(status.ineligibility.zip(status.decided_by), why);
    }
}

fn allowing(kinds: &[MethodKind]) -> PolicyOverride {
    PolicyOverride {
        allowed_kinds: Some(kinds.iter().copied().collect()),
        ..PolicyOverride::default()
    }
}

#[test]
fn with_nothing_decided_every_kind_is_available() {
    for kind in MethodKind::ALL {
        case(&[], PolicyOverride::default()).assert(kind, MethodKindState::Available, None);
    }
    case(&[MethodKind::Sms], PolicyOverride::default()).assert(
        MethodKind::Sms,
        MethodKindState::Active,
        None,
    );
}

#[test]
fn a_kind_that_is_not_allowed_says_so_enrolled_or_not() {
    let why = Some((
        MethodIneligibility::NotAllowed,
        DecisionSource::Administrator,
    ));
    for enrolled in [vec![], vec![MethodKind::Sms]] {
        let case = case(&enrolled, allowing(&[MethodKind::Totp]));
        case.assert(
            MethodKind::Sms,
            MethodKindState::Ineligible(MethodIneligibility::NotAllowed),
            why,
        );
    }
}

#[test]
fn a_kind_too_weak_says_so_enrolled_or_not() {
    let strong = PolicyOverride {
        sign_in_strength: Some(MethodStrength::Strong),
        ..PolicyOverride::default()
    };
    let why = Some((MethodIneligibility::TooWeak, DecisionSource::Administrator));
    for enrolled in [vec![], vec![MethodKind::Sms]] {
        case(&enrolled, strong.clone()).assert(
            MethodKind::Sms,
            MethodKindState::Ineligible(MethodIneligibility::TooWeak),
            why,
        );
    }
}

#[test]
fn a_locked_kind_goes_on_answering_and_says_that_it_is_locked() {
    let locked = PolicyOverride {
        locked_kinds: Some(MethodKinds::from_iter([MethodKind::Sms])),
        ..PolicyOverride::default()
    };
    let why = Some((MethodIneligibility::Locked, DecisionSource::Administrator));
    case(&[MethodKind::Sms], locked.clone()).assert(MethodKind::Sms, MethodKindState::Active, why);
    case(&[], locked).assert(
        MethodKind::Sms,
        MethodKindState::Ineligible(MethodIneligibility::Locked),
        why,
    );
}

#[test]
fn locked_changes_lock_what_is_not_enrolled() {
    let locked = PolicyOverride {
        users_may_change: Some(false),
        ..PolicyOverride::default()
    };
    let why = Some((
        MethodIneligibility::ChangesLocked,
        DecisionSource::Administrator,
    ));
    case(&[MethodKind::Totp], locked.clone()).assert(
        MethodKind::Sms,
        MethodKindState::Ineligible(MethodIneligibility::ChangesLocked),
        why,
    );
    case(&[], locked).assert(MethodKind::Sms, MethodKindState::Available, None);
}

#[test]
fn where_there_is_one_method_others_can_take_its_place() {
    let single = PolicyOverride {
        single_method: Some(true),
        ..PolicyOverride::default()
    };
    let why = Some((
        MethodIneligibility::OneMethodOnly,
        DecisionSource::Administrator,
    ));
    case(&[MethodKind::Totp], single).assert(
        MethodKind::Sms,
        MethodKindState::Ineligible(MethodIneligibility::OneMethodOnly),
        why,
    );
}

#[test]
fn where_two_factor_is_off_nothing_can_be_enrolled() {
    let off = PolicyOverride {
        two_factor: Some(TwoFactorMode::Off),
        ..PolicyOverride::default()
    };
    let why = Some((
        MethodIneligibility::TwoFactorNotOffered,
        DecisionSource::Administrator,
    ));
    case(&[], off).assert(
        MethodKind::Totp,
        MethodKindState::Ineligible(MethodIneligibility::TwoFactorNotOffered),
        why,
    );
}

#[test]
fn an_address_has_to_be_verified_though_nobody_decided_that() {
    let mut unverified = case(&[], PolicyOverride::default());
    unverified.account.email_verified = false;
    let why = Some((
        MethodIneligibility::EmailNotVerified,
        DecisionSource::BuiltIn,
    ));
    unverified.assert(
        MethodKind::Totp,
        MethodKindState::Ineligible(MethodIneligibility::EmailNotVerified),
        why,
    );
}

#[test]
fn what_the_service_can_not_deliver_is_nobodys_decision() {
    let mut without_sms = case(&[], PolicyOverride::default());
    without_sms.served.sms = false;
    let status = without_sms.status(MethodKind::Sms);
    assert_eq!(
        status.state,
        MethodKindState::Ineligible(MethodIneligibility::NoNotifier)
    );
    assert_eq!(status.ineligibility, Some(MethodIneligibility::NoNotifier));
    assert_eq!(status.decided_by, None);
}

#[test]
fn where_no_countrys_numbers_are_allowed_text_messages_are_not() {
    let country = |name| PolicyOverride {
        sms_countries: Some(vec![Country::parse(name).unwrap()]),
        ..PolicyOverride::default()
    };
    let mut apart = case(&[], country("DE"));
    apart.assert(MethodKind::Sms, MethodKindState::Available, None);
    apart.service = country("FR");
    let why = Some((
        MethodIneligibility::NoCountry,
        DecisionSource::Administrator,
    ));
    apart.assert(
        MethodKind::Sms,
        MethodKindState::Ineligible(MethodIneligibility::NoCountry),
        why,
    );
}

#[test]
fn who_decided_is_the_lowest_layer_that_did() {
    let mut both = case(&[], allowing(&[MethodKind::Totp]));
    both.service = allowing(&[MethodKind::Totp, MethodKind::Email]);
    let not_allowed = |by| Some((MethodIneligibility::NotAllowed, by));
    both.assert(
        MethodKind::Sms,
        MethodKindState::Ineligible(MethodIneligibility::NotAllowed),
        not_allowed(DecisionSource::Service),
    );
    both.assert(
        MethodKind::Email,
        MethodKindState::Ineligible(MethodIneligibility::NotAllowed),
        not_allowed(DecisionSource::Administrator),
    );
}

#[test]
fn the_administrators_default_is_marked_before_anything_is_enrolled() {
    let case = case(
        &[],
        PolicyOverride {
            default_kind: Some(MethodKind::Email),
            ..PolicyOverride::default()
        },
    );
    assert!(case.status(MethodKind::Email).set_as_default);
    assert!(!case.status(MethodKind::Totp).set_as_default);
}
