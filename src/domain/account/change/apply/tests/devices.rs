use super::*;
use crate::{
    account::change::TokenRotation,
    device::{Device, DeviceName, DeviceTokenHash, DeviceTrust, SeriesHash},
    fixtures::device,
};

const UNTIL: Timestamp = Timestamp::from_seconds(1_800_900_000);

fn token(seed: u8) -> DeviceTokenHash {
    DeviceTokenHash::from_bytes([seed; 16])
}

fn given(epoch: Epoch) -> DeviceTrust {
    DeviceTrust::Given {
        at: NOW,
        until: UNTIL,
        epoch,
    }
}

/// Devices 1 and 2, both trusted; each has presented its own token.
fn with_devices() -> Account {
    let trusted = |seed| Device {
        id: id(seed),
        accepted: Some(token(seed)),
        trust: given(EPOCH),
        ..device()
    };
    Account {
        devices: vec![trusted(1), trusted(2)],
        ..with_app()
    }
}

fn rotation(shown: u8, given: u8) -> TokenRotation {
    TokenRotation {
        device: id(1),
        shown: token(shown),
        given: token(given),
        series: SeriesHash::from_bytes([9; 16]),
    }
}

fn trust_of(account: &Account, seed: u8) -> DeviceTrust {
    account.device(id(seed)).unwrap().trust
}

#[test]
fn a_trusted_device_takes_a_new_token() {
    let account = after(with_devices(), AccountWriteOp::RotateToken(rotation(1, 11)));
    let device = account.device(id(1)).unwrap();
    assert!(device.holds(token(1)));
    assert!(device.holds(token(11)));
    assert_eq!(device.series, SeriesHash::from_bytes([9; 16]));
    assert_eq!(device.seen_at, LATER);
    assert_eq!(trust_of(&account, 1), given(EPOCH));
    assert_eq!(account.devices.len(), 2);
}

#[test]
fn of_several_that_show_one_token_each_gets_a_successor() {
    let both = change([
        AccountWriteOp::RotateToken(rotation(1, 11)),
        AccountWriteOp::RotateToken(rotation(1, 12)),
    ]);
    let mut account = with_devices();
    account.apply(&both).unwrap();
    let device = account.device(id(1)).unwrap();
    assert!(
        [1, 11, 12]
            .into_iter()
            .all(|seed| device.holds(token(seed)))
    );
}

#[test]
fn a_successor_that_is_shown_ends_the_others() {
    let next = change([
        AccountWriteOp::RotateToken(rotation(1, 11)),
        AccountWriteOp::RotateToken(rotation(1, 12)),
        AccountWriteOp::RotateToken(rotation(11, 13)),
    ]);
    let mut account = with_devices();
    account.apply(&next).unwrap();
    let device = account.device(id(1)).unwrap();
    assert!([11, 13].into_iter().all(|seed| device.holds(token(seed))));
    assert!(![1, 12].into_iter().any(|seed| device.holds(token(seed))));
    let copied = AccountWriteOp::RotateToken(rotation(12, 14));
    let again = AccountChange {
        base: ChangeBase::Epoch(EPOCH),
        ..change([copied])
    };
    assert_eq!(
        account.apply(&again),
        Err(ChangeRejection::ChangedConcurrently)
    );
}

#[test]
fn a_device_without_trust_in_this_epoch_takes_no_token() {
    for trust in [
        DeviceTrust::Never,
        DeviceTrust::Withdrawn,
        given(EPOCH.grown()),
    ] {
        let mut account = with_devices();
        account.devices[0].trust = trust;
        assert_changed_concurrently(account, AccountWriteOp::RotateToken(rotation(1, 11)));
    }
}

#[test]
fn devices_are_trusted_until_then_and_in_the_epoch_after_the_change() {
    let mut account = with_devices();
    account.devices[0].trust = DeviceTrust::Withdrawn;
    let trusting = growing([AccountWriteOp::TrustDevices(vec![id(1)], UNTIL)]);
    account.apply(&trusting).unwrap();
    let new = DeviceTrust::Given {
        at: LATER,
        until: UNTIL,
        epoch: EPOCH.grown(),
    };
    assert_eq!(trust_of(&account, 1), new);
    assert_eq!(trust_of(&account, 2), given(EPOCH));
}

#[test]
fn trust_is_taken_from_one_device() {
    let account = after(with_devices(), AccountWriteOp::UntrustDevice(id(1)));
    assert_eq!(trust_of(&account, 1), DeviceTrust::Withdrawn);
    assert_eq!(trust_of(&account, 2), given(EPOCH));
}

#[test]
fn trust_is_taken_from_all_devices() {
    let account = after(with_devices(), AccountWriteOp::UntrustDevices);
    assert_eq!(trust_of(&account, 1), DeviceTrust::Withdrawn);
    assert_eq!(trust_of(&account, 2), DeviceTrust::Withdrawn);
}

#[test]
fn a_device_is_forgotten() {
    let account = after(with_devices(), AccountWriteOp::ForgetDevice(id(1)));
    assert_eq!(account.device(id(1)), None);
    assert_eq!(account.devices.len(), 1);
}

#[test]
fn a_device_is_renamed() {
    let name = DeviceName::parse("At work").unwrap();
    let account = after(
        with_devices(),
        AccountWriteOp::RenameDevice(id(1), name.clone()),
    );
    assert_eq!(account.device(id(1)).unwrap().name, name);
}

#[test]
fn all_devices_are_forgotten() {
    let account = after(with_devices(), AccountWriteOp::NoDevices);
    assert_same_but_for_revision(&account, with_app());
}

#[test]
fn a_device_that_is_gone_is_not_changed() {
    let rotation = TokenRotation {
        device: id(9),
        ..rotation(1, 11)
    };
    for write in [
        AccountWriteOp::RotateToken(rotation),
        AccountWriteOp::TrustDevices(vec![id(1), id(9)], UNTIL),
        AccountWriteOp::UntrustDevice(id(9)),
        AccountWriteOp::ForgetDevice(id(9)),
        AccountWriteOp::RenameDevice(id(9), DeviceName::parse("At work").unwrap()),
    ] {
        assert_changed_concurrently(with_devices(), write);
    }
}
