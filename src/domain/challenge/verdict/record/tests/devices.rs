use super::*;
use crate::{
    device::{ClientApp, DeviceName, DeviceTokenHash, SeriesHash},
    fixtures::device,
    value::{epoch::Epoch, id::DeviceId},
};

fn token(seed: u8) -> DeviceTokenHash {
    DeviceTokenHash::from_bytes([seed; 16])
}

/// Device 1 presents token 1 and receives token 11.
fn seen() -> DeviceUpdate {
    DeviceUpdate {
        id: id(1),
        name: DeviceName::made_up(None, None, None),
        app: None,
        series: SeriesHash::from_bytes([9; 16]),
        token: token(11),
        presented: Some(token(1)),
        proved_by: MethodKind::Sms,
        place: Some("Berlin, Germany".to_owned()),
        trusted_until: None,
        at_most: 20,
    }
}

fn by(seen: DeviceUpdate) -> VerdictRequest {
    let request = right(at_step(1));
    VerdictRequest {
        approval: Approval {
            device: Some(seen.id),
            ..request.approval
        },
        device: Some(seen),
        ..request
    }
}

fn with_device(device: Device) -> Account {
    Account {
        devices: vec![device],
        ..with_app()
    }
}

fn known() -> Device {
    Device {
        accepted: Some(token(1)),
        app: Some(ClientApp::Mobile),
        created_at: NOW.minus(minutes(60)),
        seen_at: NOW.minus(minutes(60)),
        ..device()
    }
}

fn until() -> Timestamp {
    NOW.plus(minutes(600))
}

#[test]
fn a_new_device_takes_its_first_token() {
    let mut account = with_app();
    let new = DeviceUpdate {
        presented: None,
        ..seen()
    };
    assert_approved(&by(new), &mut account);
    let [device] = &account.devices[..] else {
        panic!("{:?}", account.devices)
    };
    assert_eq!(device.id, id(1));
    assert_eq!(
        (device.accepted, &device.given[..]),
        (None, &[token(11)][..])
    );
    assert_eq!(device.trust, DeviceTrust::Never);
    assert_eq!(device.place.as_deref(), Some("Berlin, Germany"));
    assert_eq!((device.created_at, device.seen_at), (NOW, NOW));
}

#[test]
fn a_known_device_takes_a_successor_of_the_token_that_it_showed() {
    let mut account = with_device(known());
    assert_approved(&by(seen()), &mut account);
    let device = account.device(id(1)).unwrap();
    assert!(device.holds(token(1)) && device.holds(token(11)));
    assert_eq!(device.series, SeriesHash::from_bytes([9; 16]));
    assert_eq!(device.proved_by, MethodKind::Sms);
    assert_eq!(device.app, Some(ClientApp::Mobile), "nobody said otherwise");
    assert_eq!(device.name, known().name, "the user's name for it stays");
    assert_eq!(device.place.as_deref(), Some("Berlin, Germany"));
    assert_eq!(
        (device.created_at, device.seen_at),
        (known().created_at, NOW)
    );
}

#[test]
fn a_known_device_that_showed_no_token_keeps_none_but_the_new_one() {
    let mut account = with_device(known());
    let showed_none = DeviceUpdate {
        presented: None,
        ..seen()
    };
    assert_approved(&by(showed_none), &mut account);
    let device = account.device(id(1)).unwrap();
    assert!(!device.holds(token(1)) && device.holds(token(11)));
}

#[test]
fn a_policy_trusts_a_device_by_itself_and_its_user_is_told() {
    let mut account = with_device(known());
    let trusted = DeviceUpdate {
        trusted_until: Some(until()),
        ..seen()
    };
    let alerts = assert_approved(&by(trusted), &mut account);
    assert_eq!(alerts, [(1, SecurityAlert::DeviceTrusted)]);
    let given = DeviceTrust::Given {
        at: NOW,
        until: until(),
        epoch: EPOCH,
    };
    assert_eq!(account.device(id(1)).unwrap().trust, given);
}

#[test]
fn trust_that_was_withdrawn_outlives_what_a_policy_gives_by_itself() {
    let mut account = with_device(Device {
        trust: DeviceTrust::Withdrawn,
        ..known()
    });
    let trusted = DeviceUpdate {
        trusted_until: Some(until()),
        ..seen()
    };
    assert_eq!(assert_approved(&by(trusted), &mut account), []);
    assert_eq!(account.device(id(1)).unwrap().trust, DeviceTrust::Withdrawn);
}

#[test]
fn trust_that_was_given_stays_where_a_policy_gives_none() {
    let given = DeviceTrust::Given {
        at: NOW.minus(minutes(1)),
        until: until(),
        epoch: EPOCH,
    };
    let mut account = with_device(Device {
        trust: given,
        ..known()
    });
    assert_approved(&by(seen()), &mut account);
    assert_eq!(account.device(id(1)).unwrap().trust, given);
}

#[test]
fn the_device_not_seen_for_longest_makes_room() {
    let of_age = |seed: u8| Device {
        id: id(seed),
        seen_at: NOW.minus(minutes(seed.into())),
        ..known()
    };
    let mut account = Account {
        devices: vec![of_age(30), of_age(50), of_age(40)],
        ..with_app()
    };
    let of_three = DeviceUpdate {
        at_most: 3,
        ..seen()
    };
    assert_approved(&by(of_three), &mut account);
    let left: Vec<_> = account.devices.iter().map(|device| device.id).collect();
    assert_eq!(left, [id(1), id(30), id(40)]);
}

/// A device that was trusted, or presented its token, this many minutes ago.
fn of_kind(minutes_ago: u8, is_trusted: bool, came_back: bool) -> Device {
    let given = DeviceTrust::Given {
        at: NOW.minus(minutes(600)),
        until: until(),
        epoch: EPOCH,
    };
    Device {
        id: id(minutes_ago),
        seen_at: NOW.minus(minutes(minutes_ago.into())),
        accepted: came_back.then(|| token(minutes_ago)),
        given: vec![token(100 + minutes_ago)],
        trust: if is_trusted {
            given
        } else {
            DeviceTrust::Never
        },
        ..known()
    }
}

/// The devices that are left after a new one signed in where three are remembered, and the device of the approval.
fn after_a_new_device(before: Vec<Device>) -> (Vec<DeviceId>, Option<DeviceId>) {
    let mut account = Account {
        devices: before,
        ..with_app()
    };
    let new = DeviceUpdate {
        presented: None,
        at_most: 3,
        trusted_until: Some(until()),
        ..seen()
    };
    let alerts = assert_approved(&by(new), &mut account);
    let approved = account.approvals.last().unwrap().device;
    assert_eq!(alerts.len(), usize::from(approved.is_some()), "{alerts:?}");
    let left = account.devices.iter().map(|device| device.id);
    (left.collect(), approved)
}

#[test]
fn a_device_that_never_came_back_makes_room_before_one_that_did() {
    let before = vec![
        of_kind(10, false, false),
        of_kind(50, false, true),
        of_kind(60, true, false),
    ];
    assert_eq!(
        after_a_new_device(before),
        (vec![id(1), id(50), id(60)], Some(id(1)))
    );
}

#[test]
fn a_new_device_replaces_no_trusted_one() {
    let trusted = [10, 20, 30].map(|ago| of_kind(ago, true, true));
    let (left, approved) = after_a_new_device(trusted.to_vec());
    assert_eq!((left, approved), (vec![id(10), id(20), id(30)], None));
    let one_untrusted = vec![
        of_kind(10, false, true),
        of_kind(20, true, true),
        of_kind(30, true, true),
    ];
    let (left, approved) = after_a_new_device(one_untrusted);
    assert_eq!((left, approved), (vec![id(1), id(20), id(30)], Some(id(1))));
}

#[test]
fn trust_of_another_epoch_keeps_no_place() {
    let mut before = [10, 20, 30].map(|ago| of_kind(ago, true, true));
    let [_, _, oldest] = &mut before;
    oldest.trust = DeviceTrust::Given {
        at: NOW.minus(minutes(600)),
        until: until(),
        epoch: Epoch::from_number(EPOCH.number() + 1),
    };
    let (left, _) = after_a_new_device(before.to_vec());
    assert_eq!(left, [id(1), id(10), id(20)]);
}

#[test]
fn a_device_that_just_answered_makes_room_for_no_other() {
    let rival = Device {
        id: id(0),
        seen_at: NOW.plus(seconds(1)),
        ..known()
    };
    let mut account = with_device(rival);
    let of_one = DeviceUpdate {
        at_most: 1,
        ..seen()
    };
    assert_approved(&by(of_one), &mut account);
    let left: Vec<_> = account.devices.iter().map(|device| device.id).collect();
    assert_eq!(left, [id(1)]);
}

#[test]
fn a_wrong_code_gives_a_device_nothing() {
    let mut account = with_device(known());
    let verdict_request = VerdictRequest {
        judgment: WRONG,
        ..by(seen())
    };
    assert_rejected(&verdict_request, &mut account);
    assert_eq!(account.devices, [known()]);
}
