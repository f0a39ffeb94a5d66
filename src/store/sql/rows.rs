//! Rows as both stores give them back: JSON, bytes in hexadecimal.

use crate::{
    ports::{ClaimedNotice, Loaded, RecoveryHash, Stored},
    store::sql::unavailable,
};
use countersign_domain::{
    account::Account,
    action::TransactionDigest,
    approval::{AnsweredBy, Approval, ApprovedPurpose},
    budget::GuessClass,
    caller::{Audience, CallerName},
    change::{Ending, Failure, Made, Receipt},
    device::{Device, TokenHash},
    epoch::Epoch,
    event::{ChainHead, StoredEvent},
    id::{Id, Subject, SubjectTag},
    method::{Kind, Label, Method},
    recovery::{RecoverySet, SlowHash},
    request::RequestMark,
    secret::{KeyId, Sealed},
    settlement::{Ended, Facts, MethodFacts, Settlement},
    time::Timestamp,
    totp::{Skew, Step},
};
use data_encoding::HEXLOWER_PERMISSIVE;
use serde::{Deserialize, Deserializer, de::DeserializeOwned};

/// A row that is not what a store of ours writes.
#[derive(Debug, thiserror::Error)]
#[error("a row has an unexpected shape: {0}")]
struct BadRow(&'static str);

/// Reads one JSON document of a store.
pub(in crate::store) fn read<T: DeserializeOwned>(store: &'static str, json: &str) -> Stored<T> {
    serde_json::from_str(json).map_err(|cause| unavailable(store, cause))
}

/// Bytes.
#[derive(Debug, Clone)]
pub(in crate::store) struct Hex(Vec<u8>);

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

/// A user with everything that hangs on it.
#[derive(Debug, Deserialize)]
pub(in crate::store) struct AccountRow {
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
    codes_left: u32,
    created_at: i64,
    updated_at: i64,
    methods: Vec<MethodRow>,
    devices: Vec<DeviceRow>,
    failures: Vec<FailureRow>,
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
}

#[derive(Debug, Deserialize)]
struct DeviceRow {
    device_id: Hex,
    token: Hex,
    #[serde(deserialize_with = "absent_if_empty")]
    predecessor: Option<Hex>,
    seen_at: i64,
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
pub(in crate::store) struct ReceiptRow {
    payload: Hex,
    made: String,
    #[serde(deserialize_with = "absent_if_empty")]
    made_id: Option<Hex>,
    #[serde(deserialize_with = "absent_if_empty")]
    answer: Option<Hex>,
    at: i64,
}

/// How a challenge ended.
#[derive(Debug, Deserialize)]
pub(in crate::store) struct EndedRow {
    challenge_id: Hex,
    caller: String,
    ending: String,
    at: i64,
    #[serde(deserialize_with = "absent_if_empty")]
    approval_id: Option<Hex>,
    #[serde(deserialize_with = "absent_if_empty")]
    guess_id: Option<Hex>,
    #[serde(deserialize_with = "absent_if_empty")]
    payload: Option<Hex>,
    purpose: Option<String>,
    action: Option<String>,
    #[serde(deserialize_with = "absent_if_empty")]
    digest: Option<Hex>,
    answered_by: Option<String>,
    #[serde(deserialize_with = "absent_if_empty")]
    method_id: Option<Hex>,
    audience: Option<String>,
    epoch: Option<i64>,
    key_id: Option<String>,
    #[serde(deserialize_with = "absent_if_empty")]
    device_id: Option<Hex>,
    spent_at: Option<i64>,
}

/// What a settlement is ruled by.
#[derive(Debug, Deserialize)]
struct FactsRow {
    epoch: Option<i64>,
    email_version: Option<u32>,
    ended: Option<EndedRow>,
    recorded: i64,
    failed_at: Vec<i64>,
    failed_here: u32,
    method: Option<MethodFactsRow>,
    code_unused: i64,
    codes_left: u32,
    previous: Option<SkewRow>,
}

#[derive(Debug, Deserialize)]
struct MethodFactsRow {
    version: u32,
    disabled: i64,
    last_step: Option<i64>,
}

/// Where a refused code belonged.
#[derive(Debug, Clone, Copy, Deserialize)]
struct SkewRow {
    offset: Option<i64>,
    step: Option<i64>,
}

/// What a settlement is ruled by, and what its answer tells beside the ruling.
pub(in crate::store) struct Ruled {
    pub(in crate::store) facts: Facts,
    pub(in crate::store) codes_left: u32,
    pub(in crate::store) previous_skew: Option<Skew>,
}

impl AccountRow {
    /// The account of `who`.
    pub(in crate::store) fn account(self, store: &'static str, who: &Subject) -> Stored<Account> {
        self.convert(who).map_err(|bad| unavailable(store, bad))
    }

    fn convert(self, who: &Subject) -> Result<Account, BadRow> {
        let methods: Result<Vec<Method>, BadRow> =
            self.methods.iter().map(MethodRow::convert).collect();
        let devices: Result<Vec<Device>, BadRow> =
            self.devices.iter().map(DeviceRow::convert).collect();
        let failures: Result<Vec<Failure>, BadRow> =
            self.failures.iter().map(FailureRow::convert).collect();
        let mut methods = methods?;
        methods.sort_by_key(|method| (method.created_at, method.id));
        Ok(Account {
            subject: who.clone(),
            epoch: Epoch::from_number(self.epoch),
            revision: self.revision,
            user_key: self.user_key.sealed(),
            profile: self.profile.sealed(),
            email_verified: self.email_verified != 0,
            email_version: self.email_version,
            methods,
            chosen_default: self.default_method.map(|id| id.id()).transpose()?,
            recovery: match (self.recovery_set, self.recovery_made_at) {
                (Some(id), Some(made_at)) => Some(RecoverySet {
                    id: id.id()?,
                    total: self.recovery_total,
                    left: self.codes_left,
                    created_at: Timestamp::from_millis(made_at),
                }),
                _ => None,
            },
            devices: devices?,
            failures: failures?,
            created_at: Timestamp::from_millis(self.created_at),
            updated_at: Timestamp::from_millis(self.updated_at),
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
        })
    }
}

impl DeviceRow {
    fn convert(&self) -> Result<Device, BadRow> {
        let predecessor = self.predecessor.as_ref().map(Hex::array).transpose()?;
        Ok(Device {
            id: self.device_id.id()?,
            token: TokenHash::from_bytes(self.token.array()?),
            predecessor: predecessor.map(TokenHash::from_bytes),
            seen_at: Timestamp::from_millis(self.seen_at),
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
    pub(in crate::store) fn receipt(self, store: &'static str, tag: [u8; 16]) -> Stored<Receipt> {
        self.convert(tag).map_err(|bad| unavailable(store, bad))
    }

    fn convert(self, tag: [u8; 16]) -> Result<Receipt, BadRow> {
        let made = match (self.made.as_str(), &self.made_id) {
            ("NOTHING", None) => Made::Nothing,
            ("CHALLENGE", Some(id)) => Made::Challenge(id.id()?),
            ("METHOD", Some(id)) => Made::Method(id.id()?),
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

impl EndedRow {
    /// How it ended.
    pub(in crate::store) fn ended(self, store: &'static str, who: &Subject) -> Stored<Ended> {
        self.convert(who).map_err(|bad| unavailable(store, bad))
    }

    fn convert(self, who: &Subject) -> Result<Ended, BadRow> {
        match Ending::named(&self.ending) {
            Some(ending) => Ok(Ended::Without(ending)),
            None => self
                .approval(who)
                .map(|approval| Ended::Approved(Box::new(approval))),
        }
    }

    fn approval(self, who: &Subject) -> Result<Approval, BadRow> {
        const INCOMPLETE: BadRow = BadRow("an approval with a part missing");
        let digest = self.digest.as_ref().map(Hex::array).transpose()?;
        let purpose = match (self.purpose.as_deref(), self.action) {
            (Some("SIGN_IN"), _) => ApprovedPurpose::SignIn,
            (Some("STEP_UP"), Some(action)) => ApprovedPurpose::StepUp {
                action,
                digest: digest.map(TransactionDigest::from_bytes),
            },
            (Some("VERIFY_EMAIL"), _) => ApprovedPurpose::VerifyEmail,
            (Some("ENROLLMENT"), _) => ApprovedPurpose::Enrollment,
            _ => return Err(BadRow("an unknown purpose")),
        };
        let answered_by = self.answered_by.as_deref().and_then(AnsweredBy::named);
        Ok(Approval {
            id: self.approval_id.ok_or(INCOMPLETE)?.id()?,
            challenge: self.challenge_id.id()?,
            subject: who.clone(),
            caller: CallerName::new(&self.caller),
            guess: self.guess_id.ok_or(INCOMPLETE)?.id()?,
            payload: self.payload.as_ref().map(Hex::array).transpose()?,
            purpose,
            answered_by: answered_by.ok_or(INCOMPLETE)?,
            method: self.method_id.as_ref().map(Hex::id).transpose()?,
            audience: self.audience.as_deref().map(Audience::new),
            epoch: Epoch::from_number(self.epoch.ok_or(INCOMPLETE)?),
            at: Timestamp::from_millis(self.at),
            key: KeyId::new(&self.key_id.ok_or(INCOMPLETE)?),
            device: self.device_id.as_ref().map(Hex::id).transpose()?,
            spent: self.spent_at.is_some(),
        })
    }
}

/// What a settlement is ruled by.
pub(in crate::store) fn facts(
    store: &'static str,
    settlement: &Settlement,
    texts: &[String],
) -> Stored<Ruled> {
    let row: Option<FactsRow> = one(store, texts)?;
    let row = row.ok_or_else(|| unavailable(store, BadRow("no row")))?;
    let ended = row
        .ended
        .map(|ended| ended.ended(store, &settlement.subject))
        .transpose()?;
    let facts = Facts {
        epoch: row.epoch.map(Epoch::from_number),
        ended,
        recorded: row.recorded != 0,
        failed_at: row
            .failed_at
            .into_iter()
            .map(Timestamp::from_millis)
            .collect(),
        failed_here: row.failed_here,
        method: row.method.map(|method| MethodFacts {
            version: method.version,
            disabled: method.disabled != 0,
            last_step: method.last_step.map(|step| Step(step.cast_unsigned())),
        }),
        code_unused: row.code_unused != 0,
        email_version: row.email_version.unwrap_or_default(),
        history_began: Timestamp::from_millis(i64::MIN),
    };
    Ok(Ruled {
        facts,
        codes_left: row.codes_left,
        previous_skew: row
            .previous
            .and_then(|skew| self::skew(skew.offset, skew.step)),
    })
}

/// The skew, if there was one.
pub(in crate::store) fn skew(offset: Option<i64>, step: Option<i64>) -> Option<Skew> {
    Some(Skew {
        offset: offset?,
        step: Step(step?.cast_unsigned()),
    })
}

/// What a load brings.
#[derive(Debug, Deserialize)]
struct LoadedRow {
    account: Option<AccountRow>,
    receipt: Option<ReceiptRow>,
}

/// What a load brought.
pub(in crate::store) fn loaded(
    store: &'static str,
    who: &Subject,
    mark: Option<RequestMark>,
    texts: &[String],
) -> Stored<Loaded> {
    let LoadedRow { account, receipt } =
        one(store, texts)?.ok_or_else(|| unavailable(store, BadRow("no row")))?;
    let receipt = receipt
        .zip(mark)
        .map(|(row, mark)| row.receipt(store, mark.tag));
    Ok(Loaded {
        account: account.map(|row| row.account(store, who)).transpose()?,
        receipt: receipt.transpose()?,
    })
}

/// How a challenge ended, and whose it was.
pub(in crate::store) fn ended(
    store: &'static str,
    who: &Subject,
    texts: &[String],
) -> Stored<Option<(CallerName, Ended)>> {
    let row: Option<EndedRow> = one(store, texts)?;
    row.map(|row| Ok((CallerName::new(&row.caller), row.ended(store, who)?)))
        .transpose()
}

#[derive(Debug, Deserialize)]
struct RecoveryHashRow {
    ruled_on: bool,
    code: Option<CodeRow>,
}

#[derive(Debug, Deserialize)]
struct CodeRow {
    set: Hex,
    hash: String,
}

/// What a guess at a recovery code is compared with.
pub(in crate::store) fn recovery_hash(
    store: &'static str,
    texts: &[String],
) -> Stored<RecoveryHash> {
    let row: Option<RecoveryHashRow> = one(store, texts)?;
    let row = row.ok_or_else(|| unavailable(store, BadRow("recovery_hash")))?;
    Ok(match row {
        RecoveryHashRow { ruled_on: true, .. } => RecoveryHash::RuledOn,
        RecoveryHashRow { code: None, .. } => RecoveryHash::Empty,
        RecoveryHashRow {
            code: Some(CodeRow { set, hash }),
            ..
        } => RecoveryHash::Unused(
            set.id().map_err(|bad| unavailable(store, bad))?,
            SlowHash::from_phc(hash),
        ),
    })
}

#[derive(Debug, Deserialize)]
struct NoticeRow {
    notice_id: Hex,
    subject: Hex,
    sealed: Hex,
    attempts: u32,
}

/// Notices that were claimed.
pub(in crate::store) fn claimed(
    store: &'static str,
    texts: &[String],
) -> Stored<Vec<ClaimedNotice>> {
    let notice = |text: &String| {
        let row: NoticeRow = read(store, text)?;
        let bad = |bad| unavailable(store, bad);
        Ok(ClaimedNotice {
            id: row.notice_id.id().map_err(bad)?,
            subject: SubjectTag(row.subject.array().map_err(bad)?),
            sealed: row.sealed.sealed(),
            attempts: row.attempts,
        })
    };
    texts.iter().map(notice).collect()
}

#[derive(Debug, Deserialize)]
struct EventRow {
    row: i64,
    id: Hex,
    tenant: String,
    subject: Hex,
    kind: String,
    caller: String,
    at: i64,
    facts: String,
    personal: Hex,
}

/// Events that wait for their number.
pub(in crate::store) fn events(store: &'static str, texts: &[String]) -> Stored<Vec<StoredEvent>> {
    let event = |text: &String| {
        let EventRow {
            row,
            id,
            tenant,
            subject,
            kind,
            caller,
            at,
            facts,
            personal,
        } = read(store, text)?;
        Ok(StoredEvent {
            row,
            id: id.0,
            tenant,
            subject: subject.0,
            kind,
            caller,
            at,
            facts,
            personal: personal.0,
        })
    };
    texts.iter().map(event).collect()
}

#[derive(Debug, Deserialize)]
struct ChainHeadRow {
    sequence: i64,
    hash: Hex,
}

/// The head of a chain; of one without events, the empty one.
pub(in crate::store) fn chain_head(store: &'static str, texts: &[String]) -> Stored<ChainHead> {
    let row: Option<ChainHeadRow> = one(store, texts)?;
    let Some(ChainHeadRow { sequence, hash }) = row else {
        return Ok(ChainHead::EMPTY);
    };
    let hash = hash.array().map_err(|bad| unavailable(store, bad))?;
    Ok(ChainHead { sequence, hash })
}

fn one<T: DeserializeOwned>(store: &'static str, texts: &[String]) -> Stored<Option<T>> {
    texts.first().map(|text| read(store, text)).transpose()
}
