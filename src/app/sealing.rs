//! Seals and opens values: only the key ring can read the resulting bytes.

use crate::{
    app::{Error, randomness::Randomness},
    ports::{KeyService, UnsealError},
};
use countersign_domain::{
    account::{
        Account,
        profile::{Profile, ProfileRecord},
    },
    audit_event::PersonalDetails,
    challenge::Challenge,
    method::{Method, MethodSecret},
    notice::message::OutboundNotice,
    value::{
        id::{ChallengeId, MethodId, NoticeId, Subject, SubjectTag},
        secret::{SealedBytes, SealingContext, SecretBytes},
    },
};
use serde::{Serialize, de::DeserializeOwned};
use std::sync::Arc;
use zeroize::Zeroizing;

/// The version of the sealed encoding. A change to the shape of a sealed type needs another version.
const FORM: u8 = 1;

/// Seals and opens values with the key ring.
#[derive(Clone)]
pub(super) struct ValueSealing {
    keys: Arc<dyn KeyService>,
    randomness: Randomness,
}

impl ValueSealing {
    pub(super) fn new(keys: Arc<dyn KeyService>, randomness: Randomness) -> Self {
        Self { keys, randomness }
    }

    pub(super) fn seal_challenge(
        &self,
        subject_tag: SubjectTag,
        challenge: &Challenge,
    ) -> SealedBytes {
        self.seal(
            SealingContext::Challenge(subject_tag, challenge.id),
            challenge,
        )
    }

    pub(super) fn open_challenge(
        &self,
        subject_tag: SubjectTag,
        id: ChallengeId,
        sealed: &SealedBytes,
    ) -> Result<Challenge, Error> {
        self.open(SealingContext::Challenge(subject_tag, id), sealed)
    }

    pub(super) fn seal_method(
        &self,
        subject: &Subject,
        id: MethodId,
        version: u32,
        secret: &MethodSecret,
    ) -> SealedBytes {
        self.seal(SealingContext::Method(subject, id, version), secret)
    }

    pub(super) fn open_method(
        &self,
        subject: &Subject,
        method: &Method,
    ) -> Result<MethodSecret, Error> {
        self.open(
            SealingContext::Method(subject, method.id, method.version),
            &method.sealed,
        )
    }

    pub(super) fn seal_profile(&self, subject: &Subject, profile: &Profile) -> SealedBytes {
        self.seal(SealingContext::Profile(subject), profile)
    }

    /// Opens the profile of an account.
    pub(super) fn profile_record(&self, account: &Account) -> Result<ProfileRecord, Error> {
        Ok(ProfileRecord {
            profile: self.open(SealingContext::Profile(&account.subject), &account.profile)?,
            email_verified: account.email_verified,
            email_version: account.email_version,
        })
    }

    pub(super) fn seal_notice(
        &self,
        subject_tag: SubjectTag,
        id: NoticeId,
        notice: &OutboundNotice,
    ) -> SealedBytes {
        self.seal(SealingContext::Notice(subject_tag, id), notice)
    }

    pub(super) fn open_notice(
        &self,
        subject_tag: SubjectTag,
        id: NoticeId,
        sealed: &SealedBytes,
    ) -> Result<OutboundNotice, Error> {
        self.open(SealingContext::Notice(subject_tag, id), sealed)
    }

    /// Creates a new user's own key, plain and sealed.
    pub(super) fn new_user_key(&self, subject: &Subject) -> (SecretBytes, SealedBytes) {
        self.new_key(SealingContext::UserKey(subject))
    }

    pub(super) fn new_key(&self, purpose: SealingContext<'_>) -> (SecretBytes, SealedBytes) {
        let key = SecretBytes::new(self.randomness.bytes::<32>().to_vec());
        let sealed = self
            .keys
            .seal(purpose, key.expose(), self.randomness.bytes());
        (key, sealed)
    }

    pub(super) fn user_key(&self, account: &Account) -> Result<SecretBytes, Error> {
        self.open_key(SealingContext::UserKey(&account.subject), &account.user_key)
    }

    pub(super) fn open_key(
        &self,
        purpose: SealingContext<'_>,
        sealed: &SealedBytes,
    ) -> Result<SecretBytes, Error> {
        Ok(self.keys.open(purpose, sealed)?)
    }

    pub(super) fn seal_personal(
        &self,
        user_key: &SecretBytes,
        personal: &impl Serialize,
    ) -> SealedBytes {
        self.keys
            .seal_personal(user_key, &encode(personal), self.randomness.bytes())
    }

    /// Opens the personal details of an audit event; `None` if they were sealed under another key.
    pub(super) fn open_personal(
        &self,
        user_key: &SecretBytes,
        sealed: &SealedBytes,
    ) -> Result<Option<PersonalDetails>, Error> {
        match self.keys.open_personal(user_key, sealed) {
            Ok(plain) => decode(plain.expose()).map(Some),
            Err(_not_under_this_key) => Ok(None),
        }
    }

    pub(super) fn seal(&self, purpose: SealingContext<'_>, value: &impl Serialize) -> SealedBytes {
        self.keys
            .seal(purpose, &encode(value), self.randomness.bytes())
    }

    pub(super) fn open<T: DeserializeOwned>(
        &self,
        purpose: SealingContext<'_>,
        sealed: &SealedBytes,
    ) -> Result<T, Error> {
        let plain = self.keys.open(purpose, sealed)?;
        decode(plain.expose())
    }
}

/// Encodes a value, with the version of the encoding as the first byte.
pub(super) fn encode(value: &impl Serialize) -> Zeroizing<Vec<u8>> {
    let bytes = postcard::to_allocvec(&(FORM, value));
    bytes
        .expect("plain values have no shape that postcard can't encode")
        .into()
}

/// Decodes a value from exactly these bytes. Another version or trailing bytes are an error.
pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    let (form, value) = bytes
        .split_first()
        .ok_or(Error::Defect("sealed bytes have no version byte"))?;
    if *form != FORM {
        return Err(UnsealError::UnknownForm.into());
    }
    match postcard::take_from_bytes(value) {
        Ok((value, [])) => Ok(value),
        Ok(_) => Err(Error::Defect("sealed bytes have trailing bytes")),
        Err(_) => Err(Error::Defect(
            "sealed bytes do not decode to the expected type",
        )),
    }
}

#[cfg(test)]
mod tests;
