//! Rows as both stores give them back: JSON, bytes in hexadecimal.

mod account;
mod devices;
mod directory;
mod ended;
mod events;
mod notices;
mod policy;
mod settlement;

pub(in crate::store) use account::loaded;
pub(in crate::store) use devices::{devices, devices_in};
pub(in crate::store) use directory::{counted, records, scanned};
pub(in crate::store) use ended::ended;
pub(in crate::store) use events::{chain_head, events};
pub(in crate::store) use notices::{alarms, claimed, waiting};
pub(in crate::store) use policy::policy;
pub(in crate::store) use settlement::{Ruled, facts, recovery_hash, skew};

use crate::{ports::Stored, store::sql::unavailable};
use countersign_domain::{
    id::{Id, UserId},
    secret::Sealed,
};
use data_encoding::HEXLOWER_PERMISSIVE;
use serde::{Deserialize, Deserializer, de::DeserializeOwned};

/// A row that is not what a store of ours writes.
#[derive(Debug, thiserror::Error)]
#[error("a row has an unexpected shape: {0}")]
struct BadRow(&'static str);

/// Reads one JSON document of a store.
fn read<T: DeserializeOwned>(store: &'static str, json: &str) -> Stored<T> {
    serde_json::from_str(json).map_err(|cause| unavailable(store, cause))
}

/// Bytes.
#[derive(Debug, Clone)]
struct Hex(Vec<u8>);

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = HEXLOWER_PERMISSIVE.decode(text.as_bytes());
        bytes.map(Self).map_err(serde::de::Error::custom)
    }
}

/// SQLite writes absent bytes as an empty text, PostgreSQL as null.
fn absent_if_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Hex>, D::Error> {
    let hex = Option::<Hex>::deserialize(deserializer)?;
    Ok(hex.filter(|Hex(bytes)| !bytes.is_empty()))
}

impl Hex {
    fn array<const N: usize>(&self) -> Result<[u8; N], BadRow> {
        self.0
            .as_slice()
            .try_into()
            .map_err(|_| BadRow("bytes of another length"))
    }

    fn id<Of>(&self) -> Result<Id<Of>, BadRow> {
        self.array().map(Id::from_bytes)
    }

    fn sealed(&self) -> Sealed {
        Sealed::from_bytes(self.0.clone())
    }
}

/// The ids of users.
pub(in crate::store) fn logins(store: &'static str, texts: &[String]) -> Stored<Vec<UserId>> {
    let users = texts.iter().map(|text| UserId::parse(text));
    let users: Result<Vec<UserId>, _> = users.collect();
    users.map_err(|_| unavailable(store, BadRow("an id that no caller could give")))
}

fn one<T: DeserializeOwned>(store: &'static str, texts: &[String]) -> Stored<Option<T>> {
    texts.first().map(|text| read(store, text)).transpose()
}
