//! Sealing of rows: what is stored opens only under the key ring, and only where it was put.

use super::{BadRow, FORM, rows::AccountRow, unavailable};
use crate::{
    ports::{Entropy, Keys, Stored},
    proto::stored,
};
use countersign_domain::{
    account::Account,
    id::{ChallengeId, Subject},
    policy::Layer,
    secret::{Sealed, SealedFor},
    settlement::Ended,
};
use prost::Message;
use std::sync::Arc;

/// The key ring and the random source of a store.
#[derive(Clone)]
pub(in crate::store) struct Sealing {
    keys: Arc<dyn Keys>,
    entropy: Arc<dyn Entropy>,
}

impl Sealing {
    pub(in crate::store) fn new(keys: Arc<dyn Keys>, entropy: Arc<dyn Entropy>) -> Self {
        Self { keys, entropy }
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

    fn seal(&self, purpose: SealedFor<'_>, message: &impl Message) -> Vec<u8> {
        let plain = zeroize::Zeroizing::new(message.encode_to_vec());
        let sealed = self.keys.seal(purpose, &plain, self.random());
        sealed.as_bytes().to_vec()
    }

    /// Opens a message, and refuses one in which anything is that this version would lose.
    fn open<M: Message + Default>(
        &self,
        store: &'static str,
        purpose: SealedFor<'_>,
        sealed: &[u8],
    ) -> Stored<M> {
        let sealed = Sealed::from_bytes(sealed.to_vec());
        let plain = self.keys.open(purpose, &sealed);
        let plain = plain.map_err(|error| unavailable(store, error))?;
        let message = M::decode(plain.expose()).map_err(|error| unavailable(store, error))?;
        if message.encoded_len() != plain.expose().len() {
            return Err(unavailable(store, BadRow::Newer));
        }
        Ok(message)
    }

    /// The row of an account, as of a version. The profile goes with it only where it `has_new_profile`.
    pub(in crate::store) fn seal_account(
        &self,
        account: &Account,
        (version, exact_id): (i64, &str),
        has_new_profile: bool,
    ) -> AccountRow {
        let subject = &account.subject;
        let purpose = SealedFor::AccountRecord(subject, version, FORM);
        let profile = account.profile.as_bytes();
        AccountRow {
            tenant_id: subject.tenant.as_str().to_owned(),
            user_id: subject.user.as_str().to_owned(),
            folded_id: subject.user.folded(),
            exact_id: exact_id.to_owned(),
            version,
            form: FORM,
            key_id: self.keys.active().as_str().to_owned(),
            record: self.seal(purpose, &stored::AccountRecord::from(account)),
            profile: if has_new_profile {
                profile.to_vec()
            } else {
                Vec::new()
            },
            projections: super::account::projections(account),
        }
    }

    /// The account of a row. Where the row comes without its profile, so does the account.
    pub(in crate::store) fn open_account(
        &self,
        store: &'static str,
        subject: &Subject,
        row: &AccountRow,
        tenant_layer: &Layer,
    ) -> Stored<Account> {
        if row.form > FORM {
            return Err(unavailable(store, BadRow::Newer));
        }
        let purpose = SealedFor::AccountRecord(subject, row.version, row.form);
        let record: stored::AccountRecord = self.open(store, purpose, &row.record)?;
        let account = super::account::account(subject, &record, &row.profile, tenant_layer);
        let account = account.map_err(|bad| unavailable(store, bad))?;
        if super::account::projections(&account) != row.projections {
            let misplaced = BadRow::Misplaced("its columns do not agree with its record");
            return Err(unavailable(store, misplaced));
        }
        Ok(account)
    }

    pub(in crate::store) fn seal_ending(
        &self,
        subject: &Subject,
        id: ChallengeId,
        ending: &stored::ChallengeEnding,
    ) -> Vec<u8> {
        self.seal(SealedFor::ChallengeEnding(subject, id), ending)
    }

    /// How a challenge ended, and whose it was.
    pub(in crate::store) fn open_ending(
        &self,
        store: &'static str,
        subject: &Subject,
        id: ChallengeId,
        sealed: &[u8],
    ) -> Stored<(countersign_domain::caller::CallerName, Ended)> {
        let ending: stored::ChallengeEnding =
            self.open(store, SealedFor::ChallengeEnding(subject, id), sealed)?;
        super::ending::ended(subject, ending).map_err(|bad| unavailable(store, bad))
    }
}
