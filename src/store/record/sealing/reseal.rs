//! Sealing again under the active key what lies under another one. What is sealed stays the same.

use super::{RecordSealing, SealingFailure};
use crate::{
    ports::{RowPlace, SealedRow, SealedTable, StoreResult},
    store::record::{
        InvalidRow,
        idempotency::decoded,
        rows::{AccountRow, SealedValueRow},
        unavailable,
        unusable::{UnusableRow, UnusableValue, unseal_error},
    },
};
use countersign_domain::{
    policy::PolicyOverride,
    value::{
        id::{Id, MethodId, Subject, SubjectTag, TenantId, UserId},
        secret::{KeyId, SealedBytes, SealingContext},
        time::Timestamp,
    },
};
use countersign_proto::stored;
use prost::Message;
use std::collections::BTreeSet;

const NO_KEY: InvalidRow = InvalidRow::Shape("it is not sealed under a key ring");

impl RecordSealing {
    /// The row of an account, sealed under the active key throughout; nothing where it is already.
    pub(in crate::store) fn reseal_account(
        &self,
        store: &'static str,
        subject: &Subject,
        row: &AccountRow,
        version: i64,
    ) -> StoreResult<Option<AccountRow>> {
        // A row that can't be used stays as it is.
        self.open_account(store, subject, row, &PolicyOverride::default())?;
        let resealed = self.try_reseal_account(subject, row, version);
        resealed.map_err(|cause| unavailable(store, self.unusable("accounts", subject, cause)))
    }

    fn try_reseal_account(
        &self,
        subject: &Subject,
        row: &AccountRow,
        version: i64,
    ) -> Result<Option<AccountRow>, SealingFailure> {
        let active = self.keys.active();
        let purpose = SealingContext::AccountRecord(subject, row.version, row.form);
        let sealed = SealedBytes::from_bytes(row.record.clone());
        let is_record_old = self.keys.sealed_under(&sealed).as_ref() != Some(&active);
        let mut record: stored::AccountRecord = self.open(purpose, &sealed)?;
        let profile = self.reseal_profile(subject, row, &record)?;
        if !is_record_old && profile.is_none() {
            return Ok(None);
        }
        if let Some(profile) = &profile {
            record.profile_tag = profile.tag().to_vec();
        }
        let purpose = SealingContext::AccountRecord(subject, version, row.form);
        Ok(Some(AccountRow {
            version,
            key_id: active.as_str().to_owned(),
            record: self.seal(purpose, &record).as_bytes().to_vec(),
            // Left empty, the stored one stays.
            profile: profile.map_or_else(Vec::new, |profile| profile.as_bytes().to_vec()),
            ..row.clone()
        }))
    }

    /// The profile with all that is sealed in it; nothing where all of it is under the active key.
    fn reseal_profile(
        &self,
        subject: &Subject,
        row: &AccountRow,
        record: &stored::AccountRecord,
    ) -> Result<Option<SealedBytes>, SealingFailure> {
        const NO_METHOD: InvalidRow =
            InvalidRow::Misplaced("the profile has a method that is not in the record");
        let purpose = SealingContext::AccountProfile(subject);
        let sealed = SealedBytes::from_bytes(row.profile.clone());
        let mut profile: stored::AccountProfile = self.open(purpose, &sealed)?;
        let mut is_old = self.is_under_another(&sealed);
        is_old |= self.reseal_part(SealingContext::Profile(subject), &mut profile.contact)?;
        is_old |= self.reseal_part(SealingContext::UserKey(subject), &mut profile.user_key)?;
        for details in &mut profile.methods {
            let mut methods = record.methods.iter();
            let method = methods.find(|method| method.id == details.method_id);
            let version = method.ok_or(NO_METHOD)?.version;
            let id: MethodId = Id::from_bytes(id_of(&details.method_id)?);
            let purpose = SealingContext::Method(subject, id, version);
            is_old |= self.reseal_part(purpose, &mut details.sealed)?;
        }
        Ok(is_old.then(|| self.seal(purpose, &profile)))
    }

    /// Seals something within a profile again, unless it is under the active key. Whether it was under another.
    fn reseal_part(
        &self,
        purpose: SealingContext<'_>,
        part: &mut Vec<u8>,
    ) -> Result<bool, SealingFailure> {
        let sealed = SealedBytes::from_bytes(part.clone());
        if part.is_empty() || !self.is_under_another(&sealed) {
            return Ok(false);
        }
        *part = self.reseal_sealed(purpose, &sealed)?.as_bytes().to_vec();
        Ok(true)
    }

    fn is_under_another(&self, sealed: &SealedBytes) -> bool {
        self.keys.sealed_under(sealed) != Some(self.keys.active())
    }

    fn reseal_sealed(
        &self,
        purpose: SealingContext<'_>,
        sealed: &SealedBytes,
    ) -> Result<SealedBytes, SealingFailure> {
        let plain = self.keys.open(purpose, sealed);
        let plain =
            plain.map_err(|error| unseal_error(error, self.keys.sealed_under(sealed).as_ref()))?;
        Ok(self.keys.seal(purpose, plain.expose(), self.random()))
    }

    /// An account, as a command that rotates keys sees it.
    pub(in crate::store) fn sealed_account(&self, row: &AccountRow) -> SealedRow {
        let mut keys = BTreeSet::new();
        let found = self.keys_of_account(row, &mut keys);
        let unusable = found.err().map(|cause| match subject_of(row) {
            Ok(subject) => self.unusable("accounts", &subject, cause).to_string(),
            Err(bad) => bad.to_string(),
        });
        SealedRow {
            place: RowPlace {
                tenant: row.tenant_id.clone(),
                user: row.user_id.clone(),
                id: Vec::new(),
            },
            subject: None,
            keys,
            at: None,
            value: Vec::new(),
            unusable,
        }
    }

    /// Adds the keys of all that is sealed in a row, as far as it can be opened.
    fn keys_of_account(
        &self,
        row: &AccountRow,
        keys: &mut BTreeSet<KeyId>,
    ) -> Result<(), SealingFailure> {
        let profile = SealedBytes::from_bytes(row.profile.clone());
        keys.insert(self.key_of(&SealedBytes::from_bytes(row.record.clone()))?);
        keys.insert(self.key_of(&profile)?);
        let subject = subject_of(row)?;
        let profile: stored::AccountProfile =
            self.open(SealingContext::AccountProfile(&subject), &profile)?;
        let methods = profile.methods.into_iter().map(|details| details.sealed);
        for part in [profile.contact, profile.user_key]
            .into_iter()
            .chain(methods)
        {
            if !part.is_empty() {
                keys.insert(self.key_of(&SealedBytes::from_bytes(part))?);
            }
        }
        Ok(())
    }

    fn key_of(&self, sealed: &SealedBytes) -> Result<KeyId, InvalidRow> {
        self.keys.sealed_under(sealed).ok_or(NO_KEY)
    }

    /// A row of another table, as a command that rotates keys sees it.
    pub(in crate::store) fn sealed_value(
        &self,
        table: SealedTable,
        row: SealedValueRow,
    ) -> SealedRow {
        let subject = row.subject.as_deref();
        let subject = subject.and_then(|tag| tag.try_into().ok()).map(SubjectTag);
        let sealed = if table == SealedTable::IdempotencyRecords {
            decoded(&row.value).map(|record| record.answer.unwrap_or_default())
        } else {
            Ok(row.value.clone())
        };
        let key = sealed.and_then(|sealed| self.key_of(&SealedBytes::from_bytes(sealed)));
        let unusable = key.as_ref().err().map(|bad| {
            let cause = bad.to_string().into();
            self.unusable_value(table, &row.place, subject, cause)
        });
        SealedRow {
            place: row.place,
            subject,
            keys: key.into_iter().collect(),
            at: Some(Timestamp::from_millis(row.at)),
            value: row.value,
            unusable,
        }
    }

    /// The value of a row, sealed under the active key; an error says which row can't be opened.
    pub(in crate::store) fn reseal_value(
        &self,
        table: SealedTable,
        row: &SealedRow,
    ) -> Result<Vec<u8>, String> {
        self.try_reseal_value(table, row)
            .map_err(|cause| self.unusable_value(table, &row.place, row.subject, cause))
    }

    fn try_reseal_value(
        &self,
        table: SealedTable,
        row: &SealedRow,
    ) -> Result<Vec<u8>, SealingFailure> {
        let RowPlace { tenant, user, id } = &row.place;
        let resealed = match table {
            SealedTable::Accounts => return Err(InvalidRow::Shape("an account is no value").into()),
            SealedTable::Policies => {
                let tenant = tenant_id(tenant)?;
                self.reseal_sealed(SealingContext::TenantKey(&tenant), &row.sealed())?
            }
            SealedTable::Outbox => {
                let purpose = SealingContext::Notice(pseudonym(row)?, Id::from_bytes(id_of(id)?));
                self.reseal_sealed(purpose, &row.sealed())?
            }
            SealedTable::EndedChallenges => {
                let subject = parsed(tenant, user)?;
                let purpose = SealingContext::ChallengeEnding(&subject, Id::from_bytes(id_of(id)?));
                self.reseal_sealed(purpose, &row.sealed())?
            }
            SealedTable::IdempotencyRecords => return self.reseal_answer(row),
        };
        Ok(resealed.as_bytes().to_vec())
    }

    /// The answer of an enrollment that was begun is its challenge, sealed as one.
    fn reseal_answer(&self, row: &SealedRow) -> Result<Vec<u8>, SealingFailure> {
        use stored::idempotency_record::Created;
        let mut record = decoded(&row.value)?;
        let subject = pseudonym(row)?;
        let purpose = match &record.created {
            Some(Created::ChallengeId(challenge)) => {
                SealingContext::Challenge(subject, Id::from_bytes(id_of(challenge)?))
            }
            Some(Created::MethodId(_) | Created::TokenOfDeviceId(_)) | None => {
                SealingContext::IdempotencyRecord(subject, id_of(&row.place.id)?)
            }
        };
        let answer = SealedBytes::from_bytes(record.answer.take().unwrap_or_default());
        record.answer = Some(self.reseal_sealed(purpose, &answer)?.as_bytes().to_vec());
        Ok(record.encode_to_vec())
    }

    /// What is said of a row that can't be opened: nothing that tells who the person is.
    fn unusable_value(
        &self,
        table: SealedTable,
        place: &RowPlace,
        subject: Option<SubjectTag>,
        cause: SealingFailure,
    ) -> String {
        let of_user = parsed(&place.tenant, &place.user).ok();
        let subject = subject.or_else(|| of_user.map(|subject| self.keys.subject_tag(&subject)));
        let table = table.as_str();
        match subject {
            Some(subject) if !place.tenant.is_empty() => UnusableRow {
                table,
                tenant: place.tenant.clone(),
                subject,
                cause,
            }
            .to_string(),
            subject => UnusableValue {
                table,
                tenant: &place.tenant,
                subject,
                cause,
            }
            .to_string(),
        }
    }
}

fn subject_of(row: &AccountRow) -> Result<Subject, InvalidRow> {
    parsed(&row.tenant_id, &row.user_id)
}

fn parsed(tenant: &str, user: &str) -> Result<Subject, InvalidRow> {
    let user = UserId::parse(user);
    Ok(Subject {
        tenant: tenant_id(tenant)?,
        user: user.map_err(|_| InvalidRow::Shape("an id that no user has"))?,
    })
}

fn tenant_id(tenant: &str) -> Result<TenantId, InvalidRow> {
    TenantId::parse(tenant).map_err(|_| InvalidRow::Shape("an id that no tenant has"))
}

fn pseudonym(row: &SealedRow) -> Result<SubjectTag, InvalidRow> {
    row.subject
        .ok_or(InvalidRow::Shape("a pseudonym of another length"))
}

fn id_of(bytes: &[u8]) -> Result<[u8; 16], InvalidRow> {
    bytes
        .try_into()
        .map_err(|_| InvalidRow::Shape("an id of another length"))
}
