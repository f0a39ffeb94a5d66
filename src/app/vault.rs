//! Sealing and opening: values become bytes that only the key ring can read.

use crate::{
    app::{Error, randomness::Randomness},
    ports::{DoesNotOpen, Keys},
};
use countersign_domain::{
    account::Account,
    challenge::Challenge,
    event::Personal,
    id::{ChallengeId, MethodId, NoticeId, Subject, SubjectTag},
    message::OutboundNotice,
    method::{Method, MethodSecret},
    profile::{OnFile, Profile},
    secret::{Sealed, SealedFor, SecretBytes},
};
use serde::{Serialize, de::DeserializeOwned};
use std::sync::Arc;
use zeroize::Zeroizing;

/// The form of what is sealed now. Another shape of a sealed type is another form.
const FORM: u8 = 1;

/// Seals and opens values with the key ring.
#[derive(Clone)]
pub(super) struct Sealing {
    keys: Arc<dyn Keys>,
    randomness: Randomness,
}

impl Sealing {
    pub(super) fn new(keys: Arc<dyn Keys>, randomness: Randomness) -> Self {
        Self { keys, randomness }
    }

    pub(super) fn seal_challenge(&self, challenge: &Challenge) -> Sealed {
        self.seal(
            SealedFor::Challenge(&challenge.subject, challenge.id),
            challenge,
        )
    }

    pub(super) fn open_challenge(
        &self,
        who: &Subject,
        id: ChallengeId,
        sealed: &Sealed,
    ) -> Result<Challenge, Error> {
        self.open(SealedFor::Challenge(who, id), sealed)
    }

    pub(super) fn seal_method(
        &self,
        who: &Subject,
        id: MethodId,
        version: u32,
        secret: &MethodSecret,
    ) -> Sealed {
        self.seal(SealedFor::Method(who, id, version), secret)
    }

    pub(super) fn open_method(
        &self,
        who: &Subject,
        method: &Method,
    ) -> Result<MethodSecret, Error> {
        self.open(
            SealedFor::Method(who, method.id, method.version),
            &method.sealed,
        )
    }

    pub(super) fn seal_profile(&self, who: &Subject, profile: &Profile) -> Sealed {
        self.seal(SealedFor::Profile(who), profile)
    }

    /// What is on file of an account.
    pub(super) fn on_file(&self, account: &Account) -> Result<OnFile, Error> {
        Ok(OnFile {
            profile: self.open(SealedFor::Profile(&account.subject), &account.profile)?,
            email_verified: account.email_verified,
            email_version: account.email_version,
        })
    }

    pub(super) fn seal_notice(
        &self,
        who: SubjectTag,
        id: NoticeId,
        notice: &OutboundNotice,
    ) -> Sealed {
        self.seal(SealedFor::Notice(who, id), notice)
    }

    pub(super) fn open_notice(
        &self,
        who: SubjectTag,
        id: NoticeId,
        sealed: &Sealed,
    ) -> Result<OutboundNotice, Error> {
        self.open(SealedFor::Notice(who, id), sealed)
    }

    /// A new user's own key, plain and sealed.
    pub(super) fn new_user_key(&self, who: &Subject) -> (SecretBytes, Sealed) {
        let key = SecretBytes::new(self.randomness.bytes::<32>().to_vec());
        let sealed = self.keys.seal(
            SealedFor::UserKey(who),
            key.expose(),
            self.randomness.bytes(),
        );
        (key, sealed)
    }

    pub(super) fn user_key(&self, account: &Account) -> Result<SecretBytes, Error> {
        let purpose = SealedFor::UserKey(&account.subject);
        Ok(self.keys.open(purpose, &account.user_key)?)
    }

    pub(super) fn seal_personal(&self, user_key: &SecretBytes, personal: &Personal) -> Sealed {
        self.keys
            .seal_personal(user_key, &encode(personal), self.randomness.bytes())
    }

    /// What of an event tells who the person is; nothing where it was not sealed under the user's key.
    pub(super) fn open_personal(
        &self,
        user_key: &SecretBytes,
        sealed: &Sealed,
    ) -> Result<Option<Personal>, Error> {
        match self.keys.open_personal(user_key, sealed) {
            Ok(plain) => decode(plain.expose()).map(Some),
            Err(_not_under_this_key) => Ok(None),
        }
    }

    pub(super) fn seal(&self, purpose: SealedFor<'_>, value: &impl Serialize) -> Sealed {
        self.keys
            .seal(purpose, &encode(value), self.randomness.bytes())
    }

    pub(super) fn open<T: DeserializeOwned>(
        &self,
        purpose: SealedFor<'_>,
        sealed: &Sealed,
    ) -> Result<T, Error> {
        let plain = self.keys.open(purpose, sealed)?;
        decode(plain.expose())
    }
}

/// The bytes of a value, the number of its form before them.
pub(super) fn encode(value: &impl Serialize) -> Zeroizing<Vec<u8>> {
    let bytes = postcard::to_allocvec(&(FORM, value));
    bytes
        .expect("plain values have no shape that postcard can't encode")
        .into()
}

/// All of the bytes, or nothing: bytes of another form, or with something behind the value, are not ours to guess at.
pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    let (form, value) = bytes
        .split_first()
        .ok_or(Error::Defect("sealed bytes without a form"))?;
    if *form != FORM {
        return Err(DoesNotOpen::UnknownForm.into());
    }
    match postcard::take_from_bytes(value) {
        Ok((value, [])) => Ok(value),
        Ok(_) => Err(Error::Defect("sealed bytes with more behind the value")),
        Err(_) => Err(Error::Defect("sealed bytes of another shape")),
    }
}

#[cfg(test)]
mod tests;
