//! Signs assertions with Ed25519 (RFC 8032, RFC 8037).

use aws_lc_rs::signature::Ed25519KeyPair;
use countersign_domain::{challenge::assertion::AssertionClaims, value::secret::KeyId};
use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::{
    Algorithm, EncodingKey, Header,
    jwk::{Jwk, PublicKeyUse},
};
use zeroize::Zeroizing;

/// The DER header of an Ed25519 private key in PKCS#8 (RFC 8410 §7). The 32 bytes of the key follow.
const PKCS8_HEADER: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

/// A signing key with its public half.
pub(super) struct SigningKey {
    /// The encoded header of each token.
    header: String,
    /// Parsed once, because parsing costs more than signing.
    private: Ed25519KeyPair,
    public: Jwk,
}

impl SigningKey {
    /// Derives the key from 32 secret bytes.
    pub(super) fn new(id: &KeyId, seed: &[u8; 32]) -> Self {
        let der: Zeroizing<Vec<u8>> = [PKCS8_HEADER.as_slice(), seed].concat().into();
        let mut public = Jwk::from_encoding_key(&EncodingKey::from_ed_der(&der), Algorithm::EdDSA)
            .expect("any 32 bytes are an Ed25519 private key");
        public.common.key_id = Some(id.as_str().to_owned());
        public.common.public_key_use = Some(PublicKeyUse::Signature);
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(id.as_str().to_owned());
        Self {
            header: encode_part(&header),
            private: Ed25519KeyPair::from_seed_unchecked(seed)
                .expect("any 32 bytes are an Ed25519 private key"),
            public,
        }
    }

    /// Signs the claims as a compact JWT (RFC 7515 §3.1).
    pub(super) fn sign(&self, claims: &AssertionClaims) -> String {
        let mut token = [self.header.as_str(), ".", &encode_part(claims)].concat();
        let signature = self.private.sign(token.as_bytes());
        token.push('.');
        BASE64URL_NOPAD.encode_append(signature.as_ref(), &mut token);
        token
    }

    pub(super) fn public(&self) -> &Jwk {
        &self.public
    }
}

fn encode_part(value: &impl serde::Serialize) -> String {
    let json = serde_json::to_vec(value).expect("headers and claims are plain values");
    BASE64URL_NOPAD.encode(&json)
}
