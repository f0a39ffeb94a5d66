//! Key rings of stores with a flaw: records lie open, and can be edited by everyone who can write to the database.

use crate::support::stores::store_keys;
use countersign::ports::{KeyService, UnsealError};
use countersign_domain::{
    challenge::assertion::AssertionClaims,
    device::DeviceToken,
    limits::{
        budget::{BudgetOwner, BudgetTag},
        user_throttle::DestinationTag,
    },
    value::{
        id::{DeviceId, Subject, SubjectTag, TenantId},
        secret::{KeyId, MacKey, SealedBytes, SealingContext, SecretBytes},
        time::Timestamp,
    },
};
use std::sync::Arc;

/// A field of protobuf that no version has: number 1000, a string of five bytes. It stands at the end of a record.
pub(crate) const UNKNOWN_FIELD: &[u8] = b"\xc2\x3e\x05newer";

/// What is wrong with a key ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// Records are not sealed at all.
    Open,
    /// Records are not sealed, and fields that this version does not know get lost when they are read.
    OpenAndForgetful,
}

/// A key ring with a flaw.
pub(crate) struct WeakKeys {
    inner: Arc<dyn KeyService>,
    flaw: Flaw,
}

impl WeakKeys {
    pub(crate) fn ring(flaw: Flaw) -> Arc<dyn KeyService> {
        Arc::new(Self {
            inner: store_keys(),
            flaw,
        })
    }
}

impl KeyService for WeakKeys {
    fn seal(&self, purpose: SealingContext<'_>, plain: &[u8], nonce: [u8; 24]) -> SealedBytes {
        match purpose {
            SealingContext::AccountRecord(..) => SealedBytes::from_bytes(plain.to_vec()),
            purpose => self.inner.seal(purpose, plain, nonce),
        }
    }

    fn open(
        &self,
        purpose: SealingContext<'_>,
        sealed: &SealedBytes,
    ) -> Result<SecretBytes, UnsealError> {
        match purpose {
            SealingContext::AccountRecord(..) => {
                let bytes = sealed.as_bytes();
                let known = bytes.strip_suffix(UNKNOWN_FIELD);
                let known = known.filter(|_| self.flaw == Flaw::OpenAndForgetful);
                Ok(SecretBytes::new(known.unwrap_or(bytes).to_vec()))
            }
            purpose => self.inner.open(purpose, sealed),
        }
    }

    fn seal_personal(&self, user_key: &SecretBytes, plain: &[u8], nonce: [u8; 24]) -> SealedBytes {
        self.inner.seal_personal(user_key, plain, nonce)
    }

    fn open_personal(
        &self,
        user_key: &SecretBytes,
        sealed: &SealedBytes,
    ) -> Result<SecretBytes, UnsealError> {
        self.inner.open_personal(user_key, sealed)
    }

    fn active(&self) -> KeyId {
        self.inner.active()
    }

    /// What lies open names no key, and passes for sealed under the active one.
    fn sealed_under(&self, _: &SealedBytes) -> Option<KeyId> {
        Some(self.inner.active())
    }

    fn code_key(&self, id: &KeyId, now: Timestamp) -> Option<MacKey> {
        self.inner.code_key(id, now)
    }

    fn device_token(&self, key: &KeyId, device: DeviceId, what: [u8; 16]) -> Option<DeviceToken> {
        self.inner.device_token(key, device, what)
    }

    fn subject_tag(&self, subject: &Subject) -> SubjectTag {
        self.inner.subject_tag(subject)
    }

    fn destination_tag(&self, bucket: &str) -> DestinationTag {
        self.inner.destination_tag(bucket)
    }

    fn budget_tag(&self, of: &[&str]) -> BudgetTag {
        self.inner.budget_tag(of)
    }

    fn budget_owner(&self, tenant: &TenantId) -> BudgetOwner {
        self.inner.budget_owner(tenant)
    }

    fn request_tag(&self, fields: &[&[u8]]) -> [u8; 16] {
        self.inner.request_tag(fields)
    }

    fn sign(&self, claims: &AssertionClaims) -> String {
        self.inner.sign(claims)
    }

    fn jwks(&self) -> String {
        self.inner.jwks()
    }
}
