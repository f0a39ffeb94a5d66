//! Sealing of rows: what is stored opens only under the key ring, and only where it was put.

mod reseal;

use super::{
    InvalidRow, NEWEST_FORM,
    account::{stored_account, stored_profile},
    rows::AccountRow,
    unavailable,
    unusable::{UnusableRow, unseal_error},
};
use crate::ports::{KeyService, StoreResult};
use countersign_domain::{
    account::Account,
    challenge::verdict::ChallengeOutcome,
    policy::PolicyOverride,
    value::{
        id::{ChallengeId, Subject, UserIdRules},
        secret::{KeyId, SealedBytes, SealingContext},
    },
};
use countersign_proto::stored;
use countersign_transport::system::RandomSource;
use prost::Message;
use std::sync::Arc;

/// The key ring and the random source of a store, and the forms that it knows.
#[derive(Clone)]
pub(in crate::store) struct RecordSealing {
    keys: Arc<dyn KeyService>,
    entropy: Arc<dyn RandomSource>,
    newest_form: i32,
}

/// How a row is saved.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) struct SaveMode<'a> {
    /// The version that this save draws.
    pub(in crate::store) version: i64,
    /// The form that it is written in.
    pub(in crate::store) form: i32,
    /// What tells the user apart from others with the same skeleton; empty otherwise.
    pub(in crate::store) exact_id: &'a str,
    /// Whether the profile is written, too.
    pub(in crate::store) has_new_profile: bool,
}

type SealingFailure = Box<dyn std::error::Error + Send + Sync>;

impl RecordSealing {
    pub(in crate::store) fn new(keys: Arc<dyn KeyService>, entropy: Arc<dyn RandomSource>) -> Self {
        Self {
            keys,
            entropy,
            newest_form: NEWEST_FORM,
        }
    }

    /// The same of a version of this program that knows other forms.
    pub(in crate::store) fn knowing_form(&self, newest_form: i32) -> Self {
        Self {
            newest_form,
            ..self.clone()
        }
    }

    /// The newest form that is known.
    pub(in crate::store) const fn newest_form(&self) -> i32 {
        self.newest_form
    }

    /// The form to write a row in: the one that the database says, and never an older one than the row has.
    pub(in crate::store) fn form_to_write(
        &self,
        writes_form: i32,
        before: Option<&AccountRow>,
    ) -> Result<i32, InvalidRow> {
        self.check_form(writes_form)?;
        Ok(before.map_or(writes_form, |row| row.form.max(writes_form)))
    }

    /// Whether a database that is written in this form may be written at all.
    pub(in crate::store) fn check_form(&self, writes_form: i32) -> Result<(), InvalidRow> {
        if writes_form > self.newest_form {
            return Err(InvalidRow::WritesNewerForm {
                writes: writes_form,
                knows: self.newest_form,
            });
        }
        Ok(())
    }

    /// A version for the next save: never counted, because a counter repeats after a row was deleted and made again.
    pub(in crate::store) fn draw_version(&self) -> i64 {
        i64::from_be_bytes(self.random())
    }

    fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.entropy.fill(&mut bytes);
        bytes
    }

    fn seal(&self, purpose: SealingContext<'_>, message: &impl Message) -> SealedBytes {
        let plain = zeroize::Zeroizing::new(message.encode_to_vec());
        self.keys.seal(purpose, &plain, self.random())
    }

    /// Opens a message, and refuses one in which anything is that this version would lose.
    fn open<M: Message + Default>(
        &self,
        purpose: SealingContext<'_>,
        sealed: &SealedBytes,
    ) -> Result<M, SealingFailure> {
        let plain = self.keys.open(purpose, sealed);
        let plain =
            plain.map_err(|error| unseal_error(error, self.keys.sealed_under(sealed).as_ref()))?;
        let message = M::decode(plain.expose())?;
        if message.encoded_len() != plain.expose().len() {
            return Err(InvalidRow::Newer.into());
        }
        Ok(message)
    }

    /// The row of an account.
    pub(in crate::store) fn seal_account(
        &self,
        account: &Account,
        save: SaveMode<'_>,
    ) -> AccountRow {
        let subject = &account.subject;
        let mut record = stored_account(account);
        let rules = UserIdRules::of_exact_id(&subject.user, save.exact_id).unwrap_or_default();
        record.has_exact_id = rules != UserIdRules::default();
        record.exact_id_ignores_case = record.has_exact_id && !rules.case_sensitive;
        record.exact_id_ignores_accents = record.has_exact_id && !rules.accent_sensitive;
        let profile = save.has_new_profile.then(|| {
            let profile = stored_profile(account);
            self.seal(SealingContext::AccountProfile(subject), &profile)
        });
        if let Some(profile) = &profile {
            record.profile_tag = profile.tag().to_vec();
        }
        let purpose = SealingContext::AccountRecord(subject, save.version, save.form);
        AccountRow {
            tenant_id: subject.tenant.as_str().to_owned(),
            user_id: subject.user.as_str().to_owned(),
            skeleton: subject.user.skeleton(),
            exact_id: save.exact_id.to_owned(),
            version: save.version,
            form: save.form,
            key_id: self.keys.active().as_str().to_owned(),
            record: self.seal(purpose, &record).as_bytes().to_vec(),
            profile: profile.map_or_else(Vec::new, |profile| profile.as_bytes().to_vec()),
            projections: super::account::projections(account),
        }
    }

    /// The account of a row. Where the row comes without its profile, the account lacks what that holds.
    pub(in crate::store) fn open_account(
        &self,
        store: &'static str,
        subject: &Subject,
        row: &AccountRow,
        tenant_layer: &PolicyOverride,
    ) -> StoreResult<Account> {
        let account = self.try_open_account(subject, row, tenant_layer);
        account.map_err(|cause| unavailable(store, self.unusable("accounts", subject, cause)))
    }

    fn try_open_account(
        &self,
        subject: &Subject,
        row: &AccountRow,
        tenant_layer: &PolicyOverride,
    ) -> Result<Account, SealingFailure> {
        const OTHER_COLUMNS: InvalidRow =
            InvalidRow::Misplaced("its columns do not agree with its record");
        const OTHER_PROFILE: InvalidRow =
            InvalidRow::Misplaced("the profile is not the one of the record");
        if row.form > self.newest_form {
            return Err(InvalidRow::Newer.into());
        }
        let sealed = SealedBytes::from_bytes(row.record.clone());
        let purpose = SealingContext::AccountRecord(subject, row.version, row.form);
        let record: stored::AccountRecord = self.open(purpose, &sealed)?;
        let profile = (!row.profile.is_empty()).then(|| {
            let sealed = SealedBytes::from_bytes(row.profile.clone());
            if sealed.tag() != record.profile_tag {
                return Err(OTHER_PROFILE.into());
            }
            self.open(SealingContext::AccountProfile(subject), &sealed)
        });
        let profile: Option<stored::AccountProfile> = profile.transpose()?;
        let account = super::account::account(subject, &record, profile.as_ref(), tenant_layer)?;
        let key_id = self.keys.sealed_under(&sealed);
        let rules = UserIdRules {
            case_sensitive: record.has_exact_id && !record.exact_id_ignores_case,
            accent_sensitive: record.has_exact_id && !record.exact_id_ignores_accents,
        };
        let exact_id = rules.exact_id(&subject.user);
        let agrees = row.skeleton == subject.user.skeleton()
            && row.exact_id == exact_id
            && key_id.is_some_and(|key| key.as_str() == row.key_id)
            && row.projections == super::account::projections(&account);
        if !agrees {
            return Err(OTHER_COLUMNS.into());
        }
        Ok(account)
    }

    pub(in crate::store) fn seal_ending(
        &self,
        subject: &Subject,
        id: ChallengeId,
        ending: &stored::ChallengeEnding,
    ) -> Vec<u8> {
        let sealed = self.seal(SealingContext::ChallengeEnding(subject, id), ending);
        sealed.as_bytes().to_vec()
    }

    /// How a challenge ended, and whose it was.
    pub(in crate::store) fn open_ending(
        &self,
        store: &'static str,
        subject: &Subject,
        id: ChallengeId,
        sealed: &[u8],
    ) -> StoreResult<(
        countersign_domain::authorization::caller::CallerName,
        ChallengeOutcome,
    )> {
        let sealed = SealedBytes::from_bytes(sealed.to_vec());
        let ending = self
            .open(SealingContext::ChallengeEnding(subject, id), &sealed)
            .and_then(|ending| Ok(super::ending::ended(subject, ending)?));
        ending
            .map_err(|cause| unavailable(store, self.unusable("ended_challenges", subject, cause)))
    }

    /// What is logged of a row: nothing that tells who the person is.
    fn unusable(
        &self,
        table: &'static str,
        subject: &Subject,
        cause: SealingFailure,
    ) -> UnusableRow {
        UnusableRow {
            table,
            tenant: subject.tenant.as_str().to_owned(),
            subject: self.keys.subject_tag(subject),
            cause,
        }
    }

    /// The key that this process seals under.
    pub(in crate::store) fn active_key(&self) -> KeyId {
        self.keys.active()
    }

    /// The key of a canary.
    pub(in crate::store) fn canary_key(&self, canary: &[u8]) -> Option<KeyId> {
        self.keys
            .sealed_under(&SealedBytes::from_bytes(canary.to_vec()))
    }

    /// What tells whether a key ring is the one of a database, under the active key.
    pub(in crate::store) fn seal_canary(&self) -> Vec<u8> {
        let sealed = self.keys.seal(SealingContext::Canary, &[], self.random());
        sealed.as_bytes().to_vec()
    }

    /// Whether the ring is the one that sealed a canary, and if so, whether by its active key.
    pub(in crate::store) fn open_canary(&self, canary: &[u8]) -> Result<bool, SealingFailure> {
        let sealed = SealedBytes::from_bytes(canary.to_vec());
        let key = self.keys.sealed_under(&sealed);
        match self.keys.open(SealingContext::Canary, &sealed) {
            Ok(_empty) => Ok(key == Some(self.keys.active())),
            Err(error) => Err(unseal_error(error, key.as_ref())),
        }
    }
}
