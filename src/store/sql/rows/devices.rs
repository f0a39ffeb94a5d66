//! The devices of a user.

use super::{BadRow, Hex, read};
use crate::{
    ports::Stored,
    store::sql::{devices::HASH, unavailable},
};
use countersign_domain::{
    device::{ClientApp, Device, DeviceName, SeriesHash, TokenHash, Trust},
    epoch::Epoch,
    method::Kind,
    time::Timestamp,
};
use data_encoding::HEXLOWER;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
pub(super) struct DeviceRow {
    device_id: Hex,
    name: String,
    app: Option<String>,
    series: Hex,
    accepted: Option<String>,
    given: String,
    proved_by: String,
    trusted_at: Option<i64>,
    trusted_until: Option<i64>,
    trusted_epoch: Option<i64>,
    trust_withdrawn: i64,
    created_at: i64,
    seen_at: i64,
}

/// The devices of a user, each a document.
pub(in crate::store) fn devices(store: &'static str, texts: &[String]) -> Stored<Vec<Device>> {
    let rows = texts.iter().map(|text| {
        let row: DeviceRow = read(store, text)?;
        row.convert().map_err(|bad| unavailable(store, bad))
    });
    rows.collect()
}

/// The devices of a user as one document.
pub(in crate::store) fn devices_in(store: &'static str, text: &str) -> Stored<Vec<Device>> {
    let rows: Vec<DeviceRow> = read(store, text)?;
    let devices: Result<Vec<Device>, BadRow> = rows.iter().map(DeviceRow::convert).collect();
    devices.map_err(|bad| unavailable(store, bad))
}

impl DeviceRow {
    pub(super) fn convert(&self) -> Result<Device, BadRow> {
        let app = self
            .app
            .as_deref()
            .map(|name| ClientApp::named(name).ok_or(BadRow("an unknown app")));
        Ok(Device {
            id: self.device_id.id()?,
            name: DeviceName::from_stored(self.name.clone()),
            app: app.transpose()?,
            series: SeriesHash::from_bytes(self.series.array()?),
            accepted: self.accepted.as_deref().map(hash).transpose()?,
            given: self.given()?,
            proved_by: Kind::named(&self.proved_by).ok_or(BadRow("an unknown kind of method"))?,
            trust: self.trust()?,
            created_at: Timestamp::from_millis(self.created_at),
            seen_at: Timestamp::from_millis(self.seen_at),
        })
    }

    fn given(&self) -> Result<Vec<TokenHash>, BadRow> {
        let hashes = self.given.as_bytes().chunks(HASH);
        hashes
            .map(|part| hash(std::str::from_utf8(part).unwrap_or_default()))
            .collect()
    }

    fn trust(&self) -> Result<Trust, BadRow> {
        match (self.trusted_at, self.trusted_until, self.trusted_epoch) {
            (None, None, None) if self.trust_withdrawn != 0 => Ok(Trust::Withdrawn),
            (None, None, None) => Ok(Trust::Never),
            (Some(at), Some(until), Some(epoch)) => Ok(Trust::Given {
                at: Timestamp::from_millis(at),
                until: Timestamp::from_millis(until),
                epoch: Epoch::from_number(epoch),
            }),
            _ => Err(BadRow("trust with a part missing")),
        }
    }
}

fn hash(text: &str) -> Result<TokenHash, BadRow> {
    const NONE: BadRow = BadRow("the hash of no token");
    let bytes = HEXLOWER.decode(text.as_bytes()).map_err(|_| NONE)?;
    let bytes = bytes.try_into().map_err(|_| NONE)?;
    Ok(TokenHash::from_bytes(bytes))
}
