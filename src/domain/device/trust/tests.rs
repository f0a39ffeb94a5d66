use super::*;
use crate::{
    device::DeviceTokenHash,
    fixtures::{EPOCH, NOW, device, id, minutes, properties},
    method::{MethodKind, MethodStrength},
};
use proptest::prelude::*;

const MONTH: Duration = Duration::from_hours(30 * 24);

fn token(own: u8) -> DeviceToken {
    DeviceToken::of([1; 16], [own; 16])
}

fn given() -> DeviceTrust {
    DeviceTrust::Given {
        at: NOW,
        until: NOW.plus(MONTH),
        epoch: EPOCH,
    }
}

/// A device of series 1 that presented token 1 and received token 2.
fn trusted() -> Device {
    Device {
        series: token(1).series(),
        trust: given(),
        ..device()
    }
    .given_for(token(1).hash(), token(2).hash())
}

fn terms() -> Option<DeviceTrustTerms> {
    DeviceTrustTerms::of(&PolicyRules::built_in())
}

fn terms_of(change: impl FnOnce(&mut PolicyRules)) -> Option<DeviceTrustTerms> {
    let mut rules = PolicyRules::built_in();
    change(&mut rules);
    DeviceTrustTerms::of(&rules)
}

fn shows(own: u8, devices: &[Device]) -> DeviceRecognition<'_> {
    recognize_device(Some(&token(own)), devices, terms(), EPOCH, NOW)
}

#[test]
fn trust_lives_as_long_as_it_was_given_for() {
    let until = NOW.plus(MONTH);
    let last = Timestamp::from_millis(until.millis() - 1);
    assert_eq!(trusted().trusted_until(terms(), EPOCH, NOW), Some(until));
    assert_eq!(trusted().trusted_until(terms(), EPOCH, last), Some(until));
    assert_eq!(trusted().trusted_until(terms(), EPOCH, until), None);
}

#[test]
fn trust_dies_with_the_epoch() {
    assert_eq!(trusted().trusted_until(terms(), EPOCH.grown(), NOW), None);
}

#[test]
fn a_device_that_nobody_trusts_is_not_trusted() {
    for trust in [DeviceTrust::Never, DeviceTrust::Withdrawn] {
        let device = Device { trust, ..trusted() };
        assert_eq!(device.trusted_until(terms(), EPOCH, NOW), None);
    }
}

#[test]
fn where_the_policy_has_no_trust_none_that_was_given_holds() {
    let none = terms_of(|rules| rules.trusted_devices = false);
    let always = terms_of(|rules| rules.challenge_every_sign_in = true);
    assert_eq!((none, always), (None, None));
    assert_eq!(trusted().trusted_until(None, EPOCH, NOW), None);
}

#[test]
fn a_shorter_life_holds_for_trust_that_was_given_before() {
    let shorter = terms_of(|rules| rules.trust_lifetime = minutes(10));
    let until = NOW.plus(minutes(10));
    assert_eq!(trusted().trusted_until(shorter, EPOCH, NOW), Some(until));
    assert_eq!(trusted().trusted_until(shorter, EPOCH, until), None);
}

#[test]
fn a_longer_life_holds_for_trust_that_is_given_after_it() {
    let longer = terms_of(|rules| rules.trust_lifetime = MONTH * 2);
    assert_eq!(
        trusted().trusted_until(longer, EPOCH, NOW),
        Some(NOW.plus(MONTH))
    );
}

#[test]
fn what_a_sign_in_would_not_be_answered_with_confers_no_trust() {
    let by_email = Device {
        proved_by: MethodKind::Email,
        ..trusted()
    };
    let strong = terms_of(|rules| rules.sign_in_strength = MethodStrength::Restricted);
    assert_eq!(by_email.trusted_until(strong, EPOCH, NOW), None);
    assert!(trusted().trusted_until(strong, EPOCH, NOW).is_some());
    let no_apps =
        terms_of(|rules| rules.allowed_kinds = MethodKinds::from(vec![MethodKind::Email]));
    assert!(by_email.trusted_until(no_apps, EPOCH, NOW).is_some());
    assert_eq!(trusted().trusted_until(no_apps, EPOCH, NOW), None);
}

#[test]
fn a_client_without_a_token_is_a_stranger() {
    let devices = [trusted()];
    assert_eq!(
        recognize_device(None, &devices, terms(), EPOCH, NOW),
        DeviceRecognition::Stranger
    );
}

#[test]
fn a_client_with_a_token_of_another_series_is_a_stranger() {
    let devices = [trusted()];
    let elses = DeviceToken::of([9; 16], [1; 16]);
    assert_eq!(
        recognize_device(Some(&elses), &devices, terms(), EPOCH, NOW),
        DeviceRecognition::Stranger
    );
}

#[test]
fn the_token_and_the_one_it_was_given_for_are_both_good() {
    let devices = [trusted()];
    for own in [1, 2] {
        assert_eq!(
            shows(own, &devices),
            DeviceRecognition::Trusted(&devices[0])
        );
    }
}

#[test]
fn an_old_token_of_a_trusted_device_was_copied() {
    let devices = [trusted().given_for(token(2).hash(), token(3).hash())];
    assert_eq!(shows(1, &devices), DeviceRecognition::Reused(&devices[0]));
    assert_eq!(shows(77, &devices), DeviceRecognition::Reused(&devices[0]));
}

#[test]
fn an_old_token_of_a_device_that_is_not_trusted_is_no_alert() {
    let devices = [Device {
        trust: DeviceTrust::Never,
        ..trusted()
    }];
    assert_eq!(
        shows(2, &devices),
        DeviceRecognition::Recognized(&devices[0])
    );
    assert_eq!(shows(77, &devices), DeviceRecognition::Stranger);
}

proptest! {
    #![proptest_config(properties(512))]

    /// Owner and thief hold copies of one token. Whatever the order of their sign-ins, never do both return with the
    /// token that they received. The copy is detected, and then neither token is valid.
    #[test]
    fn a_copy_is_found_out_once_both_came_back(order in prop::collection::vec(any::<bool>(), 0..40)) {
        let mut devices = vec![trusted()];
        let mut holds = [token(2), token(2)];
        let (mut made, mut came) = (10_u8, [0, 0]);
        for is_thief in order {
            let who = usize::from(is_thief);
            let next = token(made);
            made += 1;
            let hash: DeviceTokenHash = holds[who].hash();
            match recognize_device(Some(&holds[who]), &devices, terms(), EPOCH, NOW) {
                DeviceRecognition::Trusted(device) => {
                    came[who] += 1;
                    devices = vec![device.clone().given_for(hash, next.hash())];
                    holds[who] = next;
                }
                DeviceRecognition::Reused(_) => devices.clear(),
                DeviceRecognition::Stranger => prop_assert!(devices.is_empty()),
                DeviceRecognition::Recognized(_) => prop_assert!(false, "it was trusted"),
            }
            prop_assert!(came.iter().any(|times| *times < 2), "{came:?}");
        }
    }

    /// A browser restores 16 tabs. Each starts a sign-in with the shared token, and responses arrive in any order or
    /// never. Whichever token the browser keeps, none of its sign-ins looks like theft. A copy of an older token does.
    #[test]
    fn sixteen_tabs_that_share_a_token_are_no_theft(
        rounds in prop::collection::vec((1..=16_u8, any::<prop::sample::Index>()), 1..6),
        copied_before in any::<prop::sample::Index>(),
    ) {
        let mut devices = vec![trusted()];
        let (mut kept, mut made) = (vec![1, 2], 10_u8);
        for (tabs, arrives_last) in &rounds {
            let shared = token(*kept.last().unwrap());
            let mut answers = Vec::new();
            for _tab in 0..*tabs {
                made += 1;
                let DeviceRecognition::Trusted(device) = recognize_device(Some(&shared), &devices, terms(), EPOCH, NOW) else {
                    return Err(TestCaseError::fail("a tab was taken for a thief"));
                };
                devices = vec![device.clone().given_for(shared.hash(), token(made).hash())];
                answers.push(made);
            }
            kept.push(*arrives_last.get(&answers));
        }
        prop_assert_eq!(shows(*kept.last().unwrap(), &devices), DeviceRecognition::Trusted(&devices[0]));
        // The last two may both belong to the browser: the token that it kept, and the one presented for it.
        let old = copied_before.get(&kept[..kept.len() - 2]);
        prop_assert_eq!(shows(*old, &devices), DeviceRecognition::Reused(&devices[0]));
    }

    #[test]
    fn of_several_devices_each_token_is_its_own(seed in 1..9_u8) {
        let of = |series: u8| Device {
            id: id(series),
            series: DeviceToken::of([series; 16], [0; 16]).series(),
            ..trusted()
        }
        .given_for(token(1).hash(), DeviceToken::of([series; 16], [2; 16]).hash());
        let devices: Vec<Device> = (1..9).map(of).collect();
        let shown = recognize_device(
            Some(&DeviceToken::of([seed; 16], [2; 16])),
            &devices,
            terms(),
            EPOCH,
            NOW,
        );
        prop_assert_eq!(shown, DeviceRecognition::Trusted(&devices[usize::from(seed) - 1]));
    }
}
