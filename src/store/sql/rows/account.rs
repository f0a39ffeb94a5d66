//! A user, and what a repeat of a call meets.

use super::{BadRow, Hex, absent_if_empty, devices::DeviceRow, one, policy::layer};
use crate::{
    ports::{Loaded, Stored},
    store::sql::unavailable,
};
use countersign_domain::{
    account::Account,
    budget::GuessClass,
    change::{Failure, Made, Receipt},
    device::{Device, TokenHash},
    epoch::Epoch,
    id::Subject,
    method::{Kind, Label, Method},
    policy::Layer,
    recovery::{RecoverySet, SetKind},
    request::RequestMark,
    reset::Reset,
    revert::{Did, Revertible},
    time::Timestamp,
};
use serde::Deserialize;

/// What a load brings.
#[derive(Debug, Deserialize)]
struct LoadedRow {
    account: Option<AccountRow>,
    tenant_layer: Option<String>,
    receipt: Option<ReceiptRow>,
}

/// What a load brought.
pub(in crate::store) fn loaded(
    store: &'static str,
    who: &Subject,
    mark: Option<RequestMark>,
    texts: &[String],
) -> Stored<Loaded> {
    let LoadedRow {
        account,
        tenant_layer,
        receipt,
    } = one(store, texts)?.ok_or_else(|| unavailable(store, BadRow("no row")))?;
    let tenant_layer = layer(tenant_layer.as_deref()).map_err(|cause| unavailable(store, cause))?;
    let receipt = receipt
        .zip(mark)
        .map(|(row, mark)| row.receipt(store, mark.tag));
    Ok(Loaded {
        account: account
            .map(|row| row.account(store, who, &tenant_layer))
            .transpose()?,
        tenant_layer,
        receipt: receipt.transpose()?,
    })
}

/// A user with everything that hangs on it.
#[derive(Debug, Deserialize)]
pub(super) struct AccountRow {
    epoch: i64,
    revision: i64,
    user_key: Hex,
    profile: Hex,
    email_verified: i64,
    email_version: u32,
    #[serde(deserialize_with = "absent_if_empty")]
    default_method: Option<Hex>,
    #[serde(deserialize_with = "absent_if_empty")]
    recovery_set: Option<Hex>,
    recovery_total: u32,
    recovery_made_at: Option<i64>,
    recovery_kind: String,
    recovery_confirmed_at: Option<i64>,
    codes_left: u32,
    created_at: i64,
    updated_at: i64,
    bypass_until: Option<i64>,
    email_since: i64,
    reset: Option<ResetRow>,
    methods: Vec<MethodRow>,
    held: i64,
    devices: Vec<DeviceRow>,
    revertible: Vec<RevertibleRow>,
    failures: Vec<FailureRow>,
}

#[derive(Debug, Deserialize)]
struct ResetRow {
    reset_id: Hex,
    epoch: i64,
    due_at: i64,
    ends_at: i64,
    cancelled_at: Option<i64>,
    #[serde(deserialize_with = "absent_if_empty")]
    challenge_id: Option<Hex>,
    begun_at: i64,
}

impl ResetRow {
    fn convert(self) -> Result<Reset, BadRow> {
        Ok(Reset {
            id: self.reset_id.id()?,
            epoch: Epoch::from_number(self.epoch),
            due_at: Timestamp::from_millis(self.due_at),
            ends_at: Timestamp::from_millis(self.ends_at),
            cancelled_at: self.cancelled_at.map(Timestamp::from_millis),
            challenge: self.challenge_id.map(|id| id.id()).transpose()?,
            begun_at: Timestamp::from_millis(self.begun_at),
        })
    }
}

#[derive(Debug, Deserialize)]
struct MethodRow {
    method_id: Hex,
    kind: String,
    label: String,
    version: u32,
    sealed: Hex,
    disabled: i64,
    created_at: i64,
    last_used_at: Option<i64>,
    suspended: i64,
}

#[derive(Debug, Deserialize)]
struct RevertibleRow {
    token: Hex,
    did: String,
    #[serde(deserialize_with = "absent_if_empty")]
    method_id: Option<Hex>,
    at: i64,
    revision: i64,
}

#[derive(Debug, Deserialize)]
struct FailureRow {
    challenge_id: Hex,
    guess_id: Hex,
    class: i64,
    at: i64,
}

/// What a repeat of a call meets.
#[derive(Debug, Deserialize)]
pub(super) struct ReceiptRow {
    payload: Hex,
    made: String,
    #[serde(deserialize_with = "absent_if_empty")]
    made_id: Option<Hex>,
    #[serde(deserialize_with = "absent_if_empty")]
    answer: Option<Hex>,
    at: i64,
}

impl AccountRow {
    /// The account of `who`.
    pub(super) fn account(
        self,
        store: &'static str,
        who: &Subject,
        tenant_layer: &Layer,
    ) -> Stored<Account> {
        self.convert(who, tenant_layer)
            .map_err(|bad| unavailable(store, bad))
    }

    fn convert(self, who: &Subject, tenant_layer: &Layer) -> Result<Account, BadRow> {
        let methods: Result<Vec<Method>, BadRow> =
            self.methods.iter().map(MethodRow::convert).collect();
        let devices: Result<Vec<Device>, BadRow> =
            self.devices.iter().map(DeviceRow::convert).collect();
        let failures: Result<Vec<Failure>, BadRow> =
            self.failures.iter().map(FailureRow::convert).collect();
        let revertible: Result<Vec<Revertible>, BadRow> =
            self.revertible.iter().map(RevertibleRow::convert).collect();
        let mut methods = methods?;
        methods.sort_by_key(|method| (method.created_at, method.id));
        Ok(Account {
            subject: who.clone(),
            epoch: Epoch::from_number(self.epoch),
            revision: self.revision,
            tenant_layer: tenant_layer.clone(),
            user_key: self.user_key.sealed(),
            profile: self.profile.sealed(),
            email_verified: self.email_verified != 0,
            email_version: self.email_version,
            methods,
            chosen_default: self.default_method.map(|id| id.id()).transpose()?,
            recovery: match (self.recovery_set, self.recovery_made_at) {
                (Some(id), Some(made_at)) => Some(RecoverySet {
                    id: id.id()?,
                    kind: SetKind::named(&self.recovery_kind)
                        .ok_or(BadRow("an unknown kind of recovery"))?,
                    total: self.recovery_total,
                    left: self.codes_left,
                    created_at: Timestamp::from_millis(made_at),
                    confirmed_at: self.recovery_confirmed_at.map(Timestamp::from_millis),
                }),
                _ => None,
            },
            devices: devices?,
            failures: failures?,
            revertible: revertible?,
            held: self.held != 0,
            created_at: Timestamp::from_millis(self.created_at),
            updated_at: Timestamp::from_millis(self.updated_at),
            bypass_until: self.bypass_until.map(Timestamp::from_millis),
            email_since: Timestamp::from_millis(self.email_since),
            reset: self.reset.map(ResetRow::convert).transpose()?,
        })
    }
}

impl MethodRow {
    fn convert(&self) -> Result<Method, BadRow> {
        Ok(Method {
            id: self.method_id.id()?,
            kind: Kind::named(&self.kind).ok_or(BadRow("an unknown kind of method"))?,
            label: Label::from_stored(self.label.clone()),
            version: self.version,
            sealed: self.sealed.sealed(),
            disabled: self.disabled != 0,
            created_at: Timestamp::from_millis(self.created_at),
            last_used_at: self.last_used_at.map(Timestamp::from_millis),
            suspended: self.suspended != 0,
        })
    }
}

impl RevertibleRow {
    fn convert(&self) -> Result<Revertible, BadRow> {
        let method = self.method_id.as_ref().map(Hex::id).transpose()?;
        Ok(Revertible {
            token: TokenHash::from_bytes(self.token.array()?),
            did: Did::named(&self.did, method).ok_or(BadRow("an unknown change"))?,
            at: Timestamp::from_millis(self.at),
            revision: self.revision,
        })
    }
}

impl FailureRow {
    fn convert(&self) -> Result<Failure, BadRow> {
        Ok(Failure {
            challenge: self.challenge_id.id()?,
            guess: self.guess_id.id()?,
            class: GuessClass::numbered(self.class).ok_or(BadRow("an unknown class of guess"))?,
            at: Timestamp::from_millis(self.at),
        })
    }
}

impl ReceiptRow {
    /// The receipt of the call with this mark's tag; its payload is the stored one.
    pub(super) fn receipt(self, store: &'static str, tag: [u8; 16]) -> Stored<Receipt> {
        self.convert(tag).map_err(|bad| unavailable(store, bad))
    }

    fn convert(self, tag: [u8; 16]) -> Result<Receipt, BadRow> {
        let made = match (self.made.as_str(), &self.made_id) {
            ("NOTHING", None) => Made::Nothing,
            ("CHALLENGE", Some(id)) => Made::Challenge(id.id()?),
            ("METHOD", Some(id)) => Made::Method(id.id()?),
            ("TOKEN_OF", Some(id)) => Made::TokenOf(id.id()?),
            _ => return Err(BadRow("an unknown thing made")),
        };
        Ok(Receipt {
            mark: RequestMark {
                tag,
                payload: self.payload.array()?,
            },
            made,
            answer: self.answer.as_ref().map(Hex::sealed),
            at: Timestamp::from_millis(self.at),
        })
    }
}
