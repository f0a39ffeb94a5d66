use super::*;
use crate::{
    device::{ClientApp, DeviceName, DeviceTokenHash, SeriesHash},
    fixtures::device,
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
        trusted_until: None,
        at_most: 20,
    }
}

fn by(seen: DeviceUpdate) -> VerdictRequest {
    VerdictRequest {
        device: Some(seen),
        ..right(at_step(1))
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
