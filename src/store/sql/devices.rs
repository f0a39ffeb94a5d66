//! Statements about devices: what a sign-in shows of them, and what their users decide.

use crate::{
    ports::Committed,
    store::sql::{Statement, Value, statements::with},
};
use countersign_domain::{
    change::{Change, Rotation},
    device::{DeviceName, GIVEN_AT_MOST, TokenHash},
    epoch::Epoch,
    id::{DeviceId, Subject},
    settlement::{DeviceSeen, Settlement},
    time::Timestamp,
};
use data_encoding::HEXLOWER;

/// How many characters the hash of a token has.
pub(in crate::store) const HASH: usize = 64;

/// The hash of a token as `accepted` and `given` keep it.
pub(in crate::store) fn hash(token: TokenHash) -> String {
    HEXLOWER.encode(token.as_bytes())
}

/// The device takes its new token, and the ones not seen for longest make room. Its user's "no" to trust outlives what a
/// policy gives by itself.
pub(super) fn of_device_seen(settlement: &Settlement, device: &DeviceSeen) -> [Statement; 2] {
    let at = settlement.guess.at;
    let trusted = device.trusted_until.is_some();
    let trusted_at = trusted.then(|| at.millis());
    let trusted_until = device.trusted_until.map(Timestamp::millis);
    let trusted_epoch = trusted.then(|| settlement.epoch_after().number());
    let seen: [Value; 12] = [
        device.id.into(),
        device.name.as_str().into(),
        device.app.map(|app| app.as_str().to_owned()).into(),
        device.series.as_bytes().into(),
        device.presented.map(hash).into(),
        hash(device.token).as_str().into(),
        device.proved_by.as_str().into(),
        trusted_at.into(),
        trusted_until.into(),
        trusted_epoch.into(),
        at.into(),
        i64::try_from(GIVEN_AT_MOST * HASH)
            .unwrap_or(i64::MAX)
            .into(),
    ];
    [
        Statement::new(
            "INSERT INTO devices AS known (tenant_id, user_id, device_id, name, app, series, accepted, given, proved_by,
                 trusted_at, trusted_until, trusted_epoch, created_at, seen_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13)
             ON CONFLICT (tenant_id, user_id, device_id) DO UPDATE SET
                 app = coalesce(excluded.app, known.app), series = excluded.series,
                 given = CASE WHEN known.accepted = excluded.accepted
                     THEN substr(known.given || excluded.given, CASE WHEN length(known.given) >= $14 THEN 65 ELSE 1 END)
                     ELSE excluded.given END,
                 accepted = excluded.accepted, proved_by = excluded.proved_by,
                 trusted_at = CASE WHEN excluded.trusted_until IS NULL OR known.trust_withdrawn = 1
                     THEN known.trusted_at ELSE excluded.trusted_at END,
                 trusted_until = CASE WHEN excluded.trusted_until IS NULL OR known.trust_withdrawn = 1
                     THEN known.trusted_until ELSE excluded.trusted_until END,
                 trusted_epoch = CASE WHEN excluded.trusted_until IS NULL OR known.trust_withdrawn = 1
                     THEN known.trusted_epoch ELSE excluded.trusted_epoch END,
                 seen_at = excluded.seen_at",
            with(&settlement.subject, seen),
        ),
        Statement::new(
            "DELETE FROM devices WHERE tenant_id = $1 AND user_id = $2 AND device_id NOT IN (
                 SELECT device_id FROM devices WHERE tenant_id = $1 AND user_id = $2
                 ORDER BY seen_at DESC, device_id LIMIT $3)",
            with(&settlement.subject, [device.at_most.into()]),
        ),
    ]
}

/// A trusted device takes a new token for the one that it showed: while that is the last that was shown, or one that was
/// given for it, and trust holds. Of those who do so at once, each is given one; none undoes what another wrote.
pub(super) fn rotate(change: &Change, rotation: &Rotation) -> Statement {
    let Rotation {
        device,
        shown,
        given,
        series,
    } = rotation;
    Statement::new(
        "UPDATE devices SET
             given = CASE WHEN accepted = $4
                 THEN substr(given || $5, CASE WHEN length(given) >= $9 THEN 65 ELSE 1 END)
                 ELSE $5 END,
             accepted = $4, series = $6, seen_at = $7
         WHERE tenant_id = $1 AND user_id = $2 AND device_id = $3 AND trusted_epoch = $8
             AND (accepted = $4 OR given LIKE '%' || $4 || '%')",
        with(
            &change.subject,
            [
                (*device).into(),
                hash(*shown).as_str().into(),
                hash(*given).as_str().into(),
                series.as_bytes().into(),
                change.now.into(),
                change.epoch.number().into(),
                i64::try_from(GIVEN_AT_MOST * HASH)
                    .unwrap_or(i64::MAX)
                    .into(),
            ],
        ),
    )
    .or(Committed::ChangedConcurrently)
}

pub(super) fn trust(change: &Change, devices: &[DeviceId], until: Timestamp) -> Vec<Statement> {
    let epoch: Epoch = change.epoch;
    let each = devices.iter().map(|device| {
        Statement::new(
            "UPDATE devices SET trusted_at = $4, trusted_until = $5, trusted_epoch = $6, trust_withdrawn = 0
             WHERE tenant_id = $1 AND user_id = $2 AND device_id = $3",
            with(
                &change.subject,
                [
                    (*device).into(),
                    change.now.into(),
                    until.into(),
                    epoch.number().into(),
                ],
            ),
        )
        .or(Committed::ChangedConcurrently)
    });
    each.collect()
}

pub(super) fn untrust(subject: &Subject, device: DeviceId) -> Statement {
    Statement::new(
        "UPDATE devices SET trusted_at = NULL, trusted_until = NULL, trusted_epoch = NULL, trust_withdrawn = 1
         WHERE tenant_id = $1 AND user_id = $2 AND device_id = $3",
        with(subject, [device.into()]),
    )
    .or(Committed::ChangedConcurrently)
}

pub(super) fn untrust_all(subject: &Subject) -> Statement {
    Statement::new(
        "UPDATE devices SET trusted_at = NULL, trusted_until = NULL, trusted_epoch = NULL, trust_withdrawn = 1
         WHERE tenant_id = $1 AND user_id = $2",
        with(subject, []),
    )
}

pub(super) fn forget(subject: &Subject, device: DeviceId) -> Statement {
    Statement::new(
        "DELETE FROM devices WHERE tenant_id = $1 AND user_id = $2 AND device_id = $3",
        with(subject, [device.into()]),
    )
    .or(Committed::ChangedConcurrently)
}

pub(super) fn forget_all(subject: &Subject) -> Statement {
    Statement::new(
        "DELETE FROM devices WHERE tenant_id = $1 AND user_id = $2",
        with(subject, []),
    )
}

pub(super) fn rename(subject: &Subject, device: DeviceId, name: &DeviceName) -> Statement {
    Statement::new(
        "UPDATE devices SET name = $4 WHERE tenant_id = $1 AND user_id = $2 AND device_id = $3",
        with(subject, [device.into(), name.as_str().into()]),
    )
    .or(Committed::ChangedConcurrently)
}
