//! The key ring: what is sealed, derived and signed with it.

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

/// The key ring: seals, derives, signs.
pub trait KeyService: Send + Sync {
    /// Seals under the active key. `nonce` is random.
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
    /// The id of the key that something was sealed under, as its header says; nothing if it was not sealed under a ring.
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
    /// The active key's id.
    fn active(&self) -> KeyId;
    /// The key that codes are made with; none once it has been retired for longer than any code lives.
    fn code_key(&self, id: &KeyId, now: Timestamp) -> Option<MacKey>;
    /// The token of a device that goes with `what` it is given for: an approval, or a call.
    fn device_token(&self, key: &KeyId, device: DeviceId, what: [u8; 16]) -> Option<DeviceToken>;
    /// A user's pseudonym.
    fn subject_tag(&self, subject: &Subject) -> SubjectTag;
    /// A destination as budgets know it.
    fn destination_tag(&self, bucket: &str) -> DestinationTag;
    /// A budget that spans users, by all that it is of.
    fn budget_tag(&self, of: &[&str]) -> BudgetTag;
    /// The tenant that budgets belong to.
    fn budget_owner(&self, tenant: &TenantId) -> BudgetOwner;
    /// A keyed digest of fields, for marks of requests and for tickets.
    fn request_tag(&self, fields: &[&[u8]]) -> [u8; 16];
    /// Signs the claims of an assertion: a compact JWT (RFC 7519, RFC 8037).
    fn sign(&self, claims: &AssertionClaims) -> String;
    /// The public keys as a JSON Web Key Set.
    fn jwks(&self) -> String;
}

/// Sealed bytes that can't be read here and now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnsealError {
    /// Another ring, or this one once the key is added, may open it.
    #[error("sealed data does not open: its key is not in the ring")]
    UnknownKey,
    /// Another version of this program may read it.
    #[error("sealed data is of a form that this version does not know")]
    UnknownForm,
    /// Nobody will ever read it.
    #[error("sealed data does not open: it is not what was sealed here")]
    NotWhatWasSealed,
}
