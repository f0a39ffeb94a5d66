//! Assertions signed with Ed25519 (RFC 8032, RFC 8037).

use countersign_domain::{assertion::Claims, secret::KeyId};
use jsonwebtoken::{
    Algorithm, EncodingKey, Header, encode,
    jwk::{Jwk, PublicKeyUse},
};
use zeroize::Zeroizing;

/// The DER header of an Ed25519 private key in PKCS#8 (RFC 8410 §7); the 32 bytes of the key follow.
const PKCS8_HEADER: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

/// One signing key with its public half.
pub(super) struct SigningKey {
    header: Header,
    private: EncodingKey,
    public: Jwk,
}

impl SigningKey {
    /// The key that 256 secret bits make.
    pub(super) fn new(id: &KeyId, seed: &[u8; 32]) -> Self {
        let der: Zeroizing<Vec<u8>> = [PKCS8_HEADER.as_slice(), seed].concat().into();
        let private = EncodingKey::from_ed_der(&der);
        let mut public = Jwk::from_encoding_key(&private, Algorithm::EdDSA)
            .expect("any 32 bytes are an Ed25519 private key");
        public.common.key_id = Some(id.as_str().to_owned());
        public.common.public_key_use = Some(PublicKeyUse::Signature);
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(id.as_str().to_owned());
        Self {
            header,
            private,
            public,
        }
    }

    /// A compact JWT.
    pub(super) fn sign(&self, claims: &Claims) -> String {
        encode(&self.header, claims, &self.private)
            .expect("plain claims encode, and Ed25519 signs anything")
    }

    /// The public half.
    pub(super) fn public(&self) -> &Jwk {
        &self.public
    }
}
