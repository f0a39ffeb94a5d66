use super::*;
use crate::{
    fixtures::{NOW, minutes},
    method::MethodStrength,
    policy::{MethodKinds, PolicyField, PolicyOverride, fixtures::full},
};
use proptest::prelude::*;

const ALL_SERVED: AvailableChannels = AvailableChannels {
    sms: true,
    email: true,
};

const NONE_SERVED: AvailableChannels = AvailableChannels {
    sms: false,
    email: false,
};

/// The weaknesses of rules in a service with notifiers for these channels.
fn said(rules: PolicyRules, served: AvailableChannels) -> Vec<PolicyWeakness> {
    let policy = Policy {
        rules,
        ..Policy::built_in()
    };
    policy.weaknesses(served)
}

fn kinds(kinds: &[MethodKind]) -> MethodKinds {
    kinds.iter().copied().collect()
}

#[test]
fn the_built_in_policy_has_neither_conflict_nor_weakness() {
    assert_eq!(PolicyRules::built_in().conflicts(), []);
    for served in [ALL_SERVED, NONE_SERVED] {
        assert_eq!(Policy::built_in().weaknesses(served), []);
    }
}

#[test]
fn without_an_allowed_kind_nobody_is_asked() {
    let rules = PolicyRules {
        allowed_kinds: MethodKinds::NONE,
        ..PolicyRules::built_in()
    };
    assert_eq!(rules.conflicts(), [PolicyConflict::NoKindAllowed]);
    let off = PolicyRules {
        two_factor: TwoFactorMode::Off,
        ..rules
    };
    assert_eq!(off.conflicts(), []);
}

#[test]
fn the_default_is_allowed_and_strong_enough() {
    let rules = PolicyRules {
        allowed_kinds: kinds(&[MethodKind::Totp, MethodKind::Sms]),
        default_kind: Some(MethodKind::Email),
        sign_in_strength: MethodStrength::Restricted,
        ..PolicyRules::built_in()
    };
    assert_eq!(
        rules.conflicts(),
        [
            PolicyConflict::DefaultNotAllowed,
            PolicyConflict::DefaultTooWeak
        ]
    );
}

#[test]
fn the_strength_that_is_asked_for_can_be_reached() {
    let rules = PolicyRules {
        allowed_kinds: kinds(&[MethodKind::Sms, MethodKind::Email]),
        sign_in_strength: MethodStrength::Strong,
        step_up_strength: MethodStrength::Strong,
        ..PolicyRules::built_in()
    };
    assert_eq!(
        rules.conflicts(),
        [
            PolicyConflict::SignInStrengthOutOfReach,
            PolicyConflict::StepUpStrengthOutOfReach
        ]
    );
}

#[test]
fn who_has_to_enrol_can() {
    let required = PolicyRules {
        two_factor: TwoFactorMode::Required,
        locked_kinds: MethodKinds::ALL,
        ..PolicyRules::built_in()
    };
    assert_eq!(required.conflicts(), [PolicyConflict::NothingToEnroll]);
    let no_country = PolicyRules {
        locked_kinds: kinds(&[MethodKind::Totp, MethodKind::Email]),
        sms_countries: Some(Vec::new()),
        ..required.clone()
    };
    assert_eq!(no_country.conflicts(), [PolicyConflict::NothingToEnroll]);
    let optional = PolicyRules {
        two_factor: TwoFactorMode::Optional,
        ..required
    };
    assert_eq!(optional.conflicts(), []);
}

#[test]
fn the_proof_for_what_takes_two_factor_over_is_never_weaker_than_the_one_for_disabling() {
    use ProtectedChange::{
        AddMethod, DisableTwoFactor, GenerateRecoveryCodes, RemoveMethod, ReplaceMethod,
        SetDefaultMethod, TrustDevice,
    };
    for takes_over in [
        AddMethod,
        ReplaceMethod,
        RemoveMethod,
        GenerateRecoveryCodes,
    ] {
        let by_password = |suffices: &[ProtectedChange]| PolicyRules {
            password_suffices: suffices.to_vec(),
            ..PolicyRules::built_in()
        };
        let by_word = |suffices: &[ProtectedChange]| PolicyRules {
            attestation_suffices: suffices.to_vec(),
            ..PolicyRules::built_in()
        };
        assert_eq!(
            by_password(&[takes_over]).conflicts(),
            [PolicyConflict::PasswordWeakerThanDisabling]
        );
        assert_eq!(
            by_word(&[takes_over]).conflicts(),
            [PolicyConflict::AttestationWeakerThanDisabling]
        );
        let both = [takes_over, DisableTwoFactor];
        assert_eq!(by_password(&both).conflicts(), []);
        assert_eq!(by_word(&both).conflicts(), []);
    }
    let others = PolicyRules {
        attestation_suffices: vec![SetDefaultMethod, TrustDevice],
        ..PolicyRules::built_in()
    };
    assert_eq!(others.conflicts(), []);
}

#[test]
fn a_mailbox_that_is_the_second_factor_does_not_reset_it() {
    let rules = PolicyRules {
        logged_out_reset: true,
        allowed_kinds: kinds(&[MethodKind::Email]),
        ..PolicyRules::built_in()
    };
    assert_eq!(rules.conflicts(), [PolicyConflict::ResetByTheOnlyFactor]);
    let beside = PolicyRules {
        allowed_kinds: kinds(&[MethodKind::Sms, MethodKind::Email]),
        ..rules
    };
    assert_eq!(beside.conflicts(), []);
}

#[test]
fn a_code_to_the_mailbox_is_named_for_two_changes_only() {
    let named = |change| PolicyRules {
        mailbox_code_suffices: vec![change],
        ..PolicyRules::built_in()
    };
    for change in [
        ProtectedChange::DisableTwoFactor,
        ProtectedChange::GenerateRecoveryCodes,
    ] {
        assert_eq!(named(change).conflicts(), []);
    }
    for change in [
        ProtectedChange::AddMethod,
        ProtectedChange::ReplaceMethod,
        ProtectedChange::RemoveMethod,
        ProtectedChange::SetDefaultMethod,
        ProtectedChange::TrustDevice,
    ] {
        let conflict = PolicyConflict::MailboxCodeForOtherChange;
        assert_eq!(named(change).conflicts(), [conflict], "{change:?}");
    }
}

#[test]
fn everything_that_is_weaker_than_the_built_in_policy_is_said() {
    let layer = PolicyOverride {
        two_factor: Some(TwoFactorMode::Off),
        trusted_devices: Some(true),
        trust_lifetime: Some(std::time::Duration::from_hours(31 * 24)),
        reset_hold: Some(std::time::Duration::from_hours(24)),
        attempts_per_challenge: Some(10),
        ..full()
    };
    let weaknesses = Policy::built_in().under(&layer).weaknesses(ALL_SERVED);
    assert_eq!(weaknesses.len(), 15, "{weaknesses:?}");
}

#[test]
fn time_to_enrol_without_a_date_is_said_to_be_none_for_who_is_there() {
    let rules = |two_factor, required_from, grace_period| PolicyRules {
        two_factor,
        required_from,
        grace_period,
        ..PolicyRules::built_in()
    };
    let required = TwoFactorMode::Required;
    assert_eq!(
        said(rules(required, None, minutes(5)), ALL_SERVED),
        [PolicyWeakness::GraceWithoutDate]
    );
    for (mode, from, grace) in [
        (required, Some(NOW), minutes(5)),
        (required, None, minutes(0)),
        (TwoFactorMode::Optional, None, minutes(5)),
    ] {
        assert_eq!(said(rules(mode, from, grace), ALL_SERVED), []);
    }
}

#[test]
fn kinds_that_nobody_delivers_are_said() {
    let allowing = |chosen: &[MethodKind]| PolicyRules {
        allowed_kinds: kinds(chosen),
        ..PolicyRules::built_in()
    };
    let by_mail = AvailableChannels {
        email: true,
        ..NONE_SERVED
    };
    let (text, text_or_mail) = ([MethodKind::Sms], [MethodKind::Sms, MethodKind::Email]);
    let nothing = [PolicyWeakness::NoNotifier, PolicyWeakness::NothingDelivered];
    assert_eq!(said(allowing(&text), by_mail), nothing);
    assert_eq!(said(allowing(&text_or_mail), NONE_SERVED), nothing);
    assert_eq!(
        said(allowing(&text_or_mail), by_mail),
        [PolicyWeakness::NoNotifier]
    );
    assert_eq!(said(allowing(&text_or_mail), ALL_SERVED), []);
    assert_eq!(said(allowing(&[MethodKind::Totp]), NONE_SERVED), []);
    let locked = PolicyRules {
        locked_kinds: kinds(&[MethodKind::Totp]),
        ..PolicyRules::built_in()
    };
    assert_eq!(
        said(locked, NONE_SERVED),
        [PolicyWeakness::NothingDelivered]
    );
}

proptest! {
    #![proptest_config(crate::fixtures::properties(256))]

    /// If neither the operator's nor the administrator's layer makes taking two-factor over easier than disabling it,
    /// both together don't.
    #[test]
    fn two_layers_without_a_weaker_proof_have_none_together(below in suffices(), layer in suffices()) {
        let both = PolicyRules::of(&below.with(&layer));
        let weaker = |rules: &PolicyRules| rules.conflicts().contains(&PolicyConflict::PasswordWeakerThanDisabling);
        if !weaker(&PolicyRules::of(&below)) && !weaker(&PolicyRules::of(&layer)) {
            prop_assert!(!weaker(&both));
        }
    }

    /// A policy without conflicts may get some if single values are taken back. The text of each conflict says what to
    /// do.
    #[test]
    fn every_conflict_says_what_would_do(taken_back in proptest::sample::subsequence(PolicyField::ALL.to_vec(), 0..31)) {
        let mut layer = full();
        for field in taken_back {
            layer.take(field, &PolicyOverride::default());
        }
        for conflict in PolicyRules::of(&layer).conflicts() {
            prop_assert!(conflict.to_string().contains(':'), "{conflict}");
        }
    }
}

fn suffices() -> impl Strategy<Value = PolicyOverride> {
    let changes = vec![
        ProtectedChange::AddMethod,
        ProtectedChange::ReplaceMethod,
        ProtectedChange::RemoveMethod,
        ProtectedChange::GenerateRecoveryCodes,
        ProtectedChange::DisableTwoFactor,
    ];
    proptest::option::of(proptest::sample::subsequence(changes, 0..=5)).prop_map(|given| {
        PolicyOverride {
            password_suffices: given,
            ..PolicyOverride::default()
        }
    })
}
