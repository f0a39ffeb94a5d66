//! The port of the key ring: sealing, derivation and signatures.

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

/// The key ring: seals, derives and signs.
pub trait KeyService: Send + Sync {
    /// Seals under the active key. `nonce` must be random.
    fn seal(&self, purpose: SealingContext<'_>, plain: &[u8], nonce: [u8; 24]) -> SealedBytes;
    /// Opens what was sealed under any key of the ring.
    ///
    /// # Errors
    /// [`UnsealError`] says why not.
    fn open(
        &self,
        purpose: SealingContext<'_>,
        sealed: &SealedBytes,
    ) -> Result<SecretBytes, UnsealError>;
    /// The id of the sealing key, as the header of the sealed bytes says; `None` if they were not sealed under a key
    /// ring.
    fn sealed_under(&self, sealed: &SealedBytes) -> Option<KeyId>;
    /// Seals under a user's own key.
    fn seal_personal(&self, user_key: &SecretBytes, plain: &[u8], nonce: [u8; 24]) -> SealedBytes;
    /// Opens what was sealed under a user's own key.
    ///
    /// # Errors
    /// [`UnsealError`] says why not.
    fn open_personal(
        &self,
        user_key: &SecretBytes,
        sealed: &SealedBytes,
    ) -> Result<SecretBytes, UnsealError>;
    /// The id of the active key.
    fn active(&self) -> KeyId;
    /// The key that codes are made with; `None` if the key is unknown, or was retired so long ago that all its codes
    /// have expired.
    fn code_key(&self, id: &KeyId, now: Timestamp) -> Option<MacKey>;
    /// Derives a device token from `what` it is issued for: the id of an approval, or the key digest of a call. `None`
    /// if the key is not in the ring.
    fn device_token(&self, key: &KeyId, device: DeviceId, what: [u8; 16]) -> Option<DeviceToken>;
    /// Derives a user's pseudonym.
    fn subject_tag(&self, subject: &Subject) -> SubjectTag;
    /// Derives the tag by which budgets know a destination.
    fn destination_tag(&self, bucket: &str) -> DestinationTag;
    /// Derives the tag of a budget that spans users from the fields that identify it.
    fn budget_tag(&self, of: &[&str]) -> BudgetTag;
    /// Derives the tag of the tenant that budgets belong to.
    fn budget_owner(&self, tenant: &TenantId) -> BudgetOwner;
    /// Derives a keyed digest of fields, for idempotency keys and enrollment tickets.
    fn request_tag(&self, fields: &[&[u8]]) -> [u8; 16];
    /// Signs the claims of an assertion as a compact JWT (RFC 7519, RFC 8037).
    fn sign(&self, claims: &AssertionClaims) -> String;
    /// The public keys as a JSON Web Key Set.
    fn jwks(&self) -> String;
}

/// Why sealed bytes can't be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnsealError {
    /// The key is missing; a ring that has it can open the bytes.
    #[error("sealed data can't be opened: its key is not in the key ring")]
    UnknownKey,
    /// The format is unknown; another version of this program may know it.
    #[error("sealed data can't be opened: this version does not know its format")]
    UnknownForm,
    /// The bytes are not authentic, so no key opens them.
    #[error("sealed data can't be opened: authentication failed")]
    NotWhatWasSealed,
}
