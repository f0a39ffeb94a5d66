//! What settlements are ruled by.

use super::{BadRow, Hex, ended::EndedRow, one};
use crate::{
    ports::{RecoveryHash, Stored},
    store::sql::unavailable,
};
use countersign_domain::{
    epoch::Epoch,
    id::Id,
    method::Kind,
    recovery::SlowHash,
    settlement::{Facts, MethodFacts, Settlement},
    time::Timestamp,
    totp::{Skew, Step},
};
use serde::Deserialize;

/// What a settlement is ruled by.
#[derive(Debug, Deserialize)]
struct FactsRow {
    epoch: Option<i64>,
    email_version: Option<u32>,
    ended: Option<EndedRow>,
    recorded: i64,
    failed_at: Vec<i64>,
    window_announced: i64,
    trust_withdrawn: i64,
    failed_here: u32,
    method: Option<MethodFactsRow>,
    code_unused: i64,
    reset_pending: i64,
    request_used: i64,
    codes_left: u32,
    previous: Option<SkewRow>,
}

#[derive(Debug, Deserialize)]
struct MethodFactsRow {
    version: u32,
    disabled: i64,
    last_step: Option<i64>,
    kind: String,
    consecutive_failures: u32,
}

impl MethodFactsRow {
    fn convert(self) -> Result<MethodFacts, BadRow> {
        Ok(MethodFacts {
            kind: Kind::named(&self.kind).ok_or(BadRow("an unknown kind of method"))?,
            version: self.version,
            disabled: self.disabled != 0,
            consecutive_failures: self.consecutive_failures,
            last_step: self.last_step.map(|step| Step(step.cast_unsigned())),
        })
    }
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
        window_announced: row.window_announced != 0,
        method: row
            .method
            .map(MethodFactsRow::convert)
            .transpose()
            .map_err(|bad| unavailable(store, bad))?,
        code_unused: row.code_unused != 0,
        reset_pending: row.reset_pending != 0,
        request_used: row.request_used != 0,
        email_version: row.email_version.unwrap_or_default(),
        trust_withdrawn: row.trust_withdrawn != 0,
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

/// What a guess at a recovery or bypass code is compared with.
pub(in crate::store) fn recovery_hash<Of>(
    store: &'static str,
    texts: &[String],
) -> Stored<RecoveryHash<Id<Of>>> {
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
