//! The key ring: each key has one secret, from which everything else is derived (RFC 5869).
//!
//! Rotate a key in two steps. Roll out each step to every process before the next:
//!
//! 1. Append the new key as the second one. It makes nothing yet, but every process can open what it will seal, and
//!    make its codes. Every JWKS lists it, so relying services fetch it before they see a signature by it.
//! 2. Move the new key to the first place, before the old one.
//!
//! In a single step, the first process with the new key would seal challenges that other processes can't open. It would
//! also sign assertions that relying services can't verify yet.
//!
//! After step 2 has reached every process, set `retired_at` of the old key: ten minutes later it makes no codes. Keep
//! it in the ring until `countersign keys reseal` has resealed what is stored under it.

use crate::{
    crypto::signing::SigningKey,
    ports::{KeyService, UnsealError},
};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305,
    aead::{Aead, Payload},
};
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
use countersign_transport::{config_error::ConfigError, system::RandomSource};
use data_encoding::{BASE64, HEXLOWER};
use figment::{
    Figment,
    providers::{Format, Toml},
};
use hkdf::Hkdf;
use jsonwebtoken::jwk::JwkSet;
use serde::Deserialize;
use sha2::Sha256;
use std::{collections::HashMap, time::Duration};
use zeroize::Zeroizing;

/// How long a retired key still makes codes. It exceeds the lifetime of every challenge.
const CODES_OUTLIVE_RETIREMENT: Duration = Duration::from_mins(10);

const SEALED_BY_RING: u8 = 1;
const SEALED_BY_USER: u8 = 2;
const NONCE: usize = 24;

/// The maximum length of a key id, in bytes: the header of sealed bytes has one byte for it.
const MAX_KEY_ID_BYTES: usize = 255;

/// The associated data of ciphertexts under a user's own key.
const PERSONAL: &[u8] = b"personal";

/// The keys of one deployment. The first is active: it seals, makes codes and signs. The others only open and verify.
pub struct KeyRing {
    active: KeyId,
    keys: HashMap<KeyId, DerivedKeys>,
    subjects: MacKey,
    destinations: MacKey,
    budgets: MacKey,
    requests: MacKey,
    jwks: String,
}

/// The keys derived from one secret.
struct DerivedKeys {
    seal: XChaCha20Poly1305,
    codes: Zeroizing<[u8; 32]>,
    devices: MacKey,
    signing: SigningKey,
    retired_at: Option<Timestamp>,
}

/// Why a key ring can't be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyRingError {
    /// The file is not valid TOML, or not a key ring.
    #[error("{0}; `countersign keys new` creates a valid key ring")]
    Mistake(ConfigError),
    /// A secret is not 32 bytes of base64. Holds the key's id, or `lookup`.
    #[error("the secret of `{0}` is not 32 bytes of base64: restore the key ring")]
    Secret(String),
    /// The ring has no keys.
    #[error(
        "it has no [[key]] table: restore the key ring, or create one with `countersign keys new`"
    )]
    Empty,
    /// Two keys have the same id.
    #[error("two keys have the id `{0}`: ids have to be unique")]
    Duplicate(String),
    /// A key id is empty, or too long for the header of sealed bytes.
    #[error(
        "the key id `{0}` is not 1 to 255 bytes long; `countersign keys new` creates ids of 10 bytes"
    )]
    IdLength(String),
    /// The first key, which is active, has `retired_at`.
    #[error("the first key is active, so it can't have retired_at: move another key before it")]
    ActiveRetired,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyRingFile {
    lookup: Zeroizing<String>,
    #[serde(default)]
    key: Vec<KeyRingFileEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyRingFileEntry {
    id: String,
    secret: Zeroizing<String>,
    /// Seconds since 1970.
    retired_at: Option<i64>,
}

impl KeyRing {
    /// Returns the TOML of a new ring with one key.
    #[must_use]
    pub fn new_text(entropy: &dyn RandomSource) -> Zeroizing<String> {
        let secret = || {
            let mut bytes = Zeroizing::new([0; 32]);
            entropy.fill(bytes.as_mut_slice());
            Zeroizing::new(BASE64.encode(bytes.as_slice()))
        };
        let mut name = [0; 4];
        entropy.fill(&mut name);
        let (id, lookup, key) = (HEXLOWER.encode(&name), secret(), secret());
        format!(
            "# Countersign key ring. Its readers can make codes and sign assertions: keep it secret.\n\
             # Every process of one deployment needs the same ring.\n\
             # `lookup` derives pseudonyms of users and requests; changing it voids open challenges and known requests.\n\
             lookup = \"{}\"\n\n\
             # The first key is active. To rotate, add a new key after it in every process. Then move the new key\n\
             # to the first place in every process, and run `countersign keys reseal`. Remove the old key when that\n\
             # command says so. `retired_at = <seconds since 1970>` ends its codes earlier.\n\
             [[key]]\n\
             id = \"k-{id}\"\n\
             secret = \"{}\"\n",
            *lookup, *key
        )
        .into()
    }

    /// Parses a key ring.
    ///
    /// # Errors
    /// [`KeyRingError`] says what is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, KeyRingError> {
        if let Some(mistake) = ConfigError::from_syntax(text) {
            return Err(KeyRingError::Mistake(mistake));
        }
        let file: KeyRingFile = Figment::from(Toml::string(text))
            .extract()
            .map_err(|error| KeyRingError::Mistake(ConfigError::from_value(&error, Some(text))))?;
        let lookup = secret("lookup", &file.lookup)?;
        let active = file.key.first().ok_or(KeyRingError::Empty)?;
        if active.retired_at.is_some() {
            return Err(KeyRingError::ActiveRetired);
        }
        let active = KeyId::new(&active.id);
        let mut keys = HashMap::new();
        let mut public = Vec::new();
        for key in file.key {
            if key.id.is_empty() || key.id.len() > MAX_KEY_ID_BYTES {
                return Err(KeyRingError::IdLength(key.id));
            }
            let id = KeyId::new(&key.id);
            let derived = DerivedKeys::new(&id, &*secret(&key.id, &key.secret)?, key.retired_at);
            public.push(derived.signing.public().clone());
            if keys.insert(id, derived).is_some() {
                return Err(KeyRingError::Duplicate(key.id));
            }
        }
        Ok(Self {
            active,
            keys,
            subjects: MacKey::new(*derive(&lookup, "subjects")),
            destinations: MacKey::new(*derive(&lookup, "destinations")),
            budgets: MacKey::new(*derive(&lookup, "budgets")),
            requests: MacKey::new(*derive(&lookup, "requests")),
            jwks: serde_json::json!(JwkSet { keys: public }).to_string(),
        })
    }

    /// The ids of the keys, the active one first.
    #[must_use]
    pub fn ids(&self) -> Vec<&str> {
        let others = self.keys.keys().filter(|id| **id != self.active);
        let mut others: Vec<&str> = others.map(KeyId::as_str).collect();
        others.sort_unstable();
        std::iter::once(self.active.as_str())
            .chain(others)
            .collect()
    }

    fn active_key(&self) -> &DerivedKeys {
        self.keys
            .get(&self.active)
            .expect("parse puts the active key into the map")
    }
}

impl DerivedKeys {
    fn new(id: &KeyId, secret: &[u8; 32], retired_at: Option<i64>) -> Self {
        Self {
            seal: XChaCha20Poly1305::new((&*derive(secret, "seal")).into()),
            codes: derive(secret, "codes"),
            devices: MacKey::new(*derive(secret, "devices")),
            signing: SigningKey::new(id, &derive(secret, "assertions")),
            retired_at: retired_at.map(Timestamp::from_seconds),
        }
    }
}

impl KeyService for KeyRing {
    fn seal(&self, purpose: SealingContext<'_>, plain: &[u8], nonce: [u8; NONCE]) -> SealedBytes {
        let name = self.active.as_str().as_bytes();
        let length = u8::try_from(name.len())
            .expect("parse checks that the length of each id fits into a byte");
        let header = [&[SEALED_BY_RING, length], name].concat();
        let bound = [header.as_slice(), &purpose.associated_data()].concat();
        let ciphertext = encrypt(&self.active_key().seal, nonce, plain, &bound);
        SealedBytes::from_bytes([header.as_slice(), &nonce, &ciphertext].concat())
    }

    fn open(
        &self,
        purpose: SealingContext<'_>,
        sealed: &SealedBytes,
    ) -> Result<SecretBytes, UnsealError> {
        let bytes = sealed.as_bytes();
        let (&[version, length], rest) = bytes
            .split_first_chunk()
            .ok_or(UnsealError::NotWhatWasSealed)?;
        let (name, rest) = rest
            .split_at_checked(usize::from(length))
            .ok_or(UnsealError::NotWhatWasSealed)?;
        let (nonce, ciphertext) = rest
            .split_first_chunk::<NONCE>()
            .ok_or(UnsealError::NotWhatWasSealed)?;
        let name = std::str::from_utf8(name).map_err(|_| UnsealError::NotWhatWasSealed)?;
        let key = self
            .keys
            .get(&KeyId::new(name))
            .filter(|_| version == SEALED_BY_RING);
        let header = [&[version, length], name.as_bytes()].concat();
        let bound = [header, purpose.associated_data()].concat();
        let payload = Payload {
            msg: ciphertext,
            aad: &bound,
        };
        let plain = key
            .ok_or(UnsealError::UnknownKey)?
            .seal
            .decrypt(nonce.into(), payload);
        plain
            .map(SecretBytes::new)
            .map_err(|_| UnsealError::NotWhatWasSealed)
    }

    fn sealed_under(&self, sealed: &SealedBytes) -> Option<KeyId> {
        let (&[version, length], rest) = sealed.as_bytes().split_first_chunk()?;
        let name = rest
            .get(..usize::from(length))
            .filter(|_| version == SEALED_BY_RING)?;
        Some(KeyId::new(std::str::from_utf8(name).ok()?))
    }

    fn seal_personal(
        &self,
        user_key: &SecretBytes,
        plain: &[u8],
        nonce: [u8; NONCE],
    ) -> SealedBytes {
        let cipher = XChaCha20Poly1305::new_from_slice(user_key.expose())
            .expect("a user's key has 32 bytes");
        let ciphertext = encrypt(&cipher, nonce, plain, PERSONAL);
        SealedBytes::from_bytes([&[SEALED_BY_USER], nonce.as_slice(), &ciphertext].concat())
    }

    fn open_personal(
        &self,
        user_key: &SecretBytes,
        sealed: &SealedBytes,
    ) -> Result<SecretBytes, UnsealError> {
        let (&[SEALED_BY_USER], rest) = sealed
            .as_bytes()
            .split_first_chunk()
            .ok_or(UnsealError::NotWhatWasSealed)?
        else {
            return Err(UnsealError::UnknownForm);
        };
        let (nonce, ciphertext) = rest
            .split_first_chunk::<NONCE>()
            .ok_or(UnsealError::NotWhatWasSealed)?;
        let cipher = XChaCha20Poly1305::new_from_slice(user_key.expose())
            .map_err(|_| UnsealError::NotWhatWasSealed)?;
        let payload = Payload {
            msg: ciphertext,
            aad: PERSONAL,
        };
        let plain = cipher.decrypt(nonce.into(), payload);
        plain
            .map(SecretBytes::new)
            .map_err(|_| UnsealError::NotWhatWasSealed)
    }

    fn active(&self) -> KeyId {
        self.active.clone()
    }

    fn code_key(&self, id: &KeyId, now: Timestamp) -> Option<MacKey> {
        let key = self.keys.get(id)?;
        let over = key
            .retired_at
            .is_some_and(|retired| now >= retired.plus(CODES_OUTLIVE_RETIREMENT));
        (!over).then(|| MacKey::new(*key.codes))
    }

    fn device_token(&self, key: &KeyId, device: DeviceId, what: [u8; 16]) -> Option<DeviceToken> {
        let devices = &self.keys.get(key)?.devices;
        let series = devices.tag([b"device series".as_slice(), device.as_bytes()]);
        let own = devices.tag([b"device token".as_slice(), device.as_bytes(), &what]);
        Some(DeviceToken::of(series, own))
    }

    fn subject_tag(&self, subject: &Subject) -> SubjectTag {
        let (tenant, user) = (subject.tenant.as_str(), subject.user.as_str());
        SubjectTag(self.subjects.tag([tenant.as_bytes(), user.as_bytes()]))
    }

    fn destination_tag(&self, bucket: &str) -> DestinationTag {
        DestinationTag(self.destinations.tag([bucket.as_bytes()]))
    }

    fn budget_tag(&self, of: &[&str]) -> BudgetTag {
        BudgetTag(self.budgets.tag(of.iter().map(|part| part.as_bytes())))
    }

    fn budget_owner(&self, tenant: &TenantId) -> BudgetOwner {
        let fields = [b"owner".as_slice(), tenant.as_str().as_bytes()];
        BudgetOwner(self.budgets.tag(fields))
    }

    fn request_tag(&self, fields: &[&[u8]]) -> [u8; 16] {
        self.requests.tag(fields.iter().copied())
    }

    fn sign(&self, claims: &AssertionClaims) -> String {
        self.active_key().signing.sign(claims)
    }

    fn jwks(&self) -> String {
        self.jwks.clone()
    }
}

fn secret(name: &str, text: &str) -> Result<Zeroizing<[u8; 32]>, KeyRingError> {
    let bad = || KeyRingError::Secret(name.to_owned());
    let decoded = Zeroizing::new(BASE64.decode(text.as_bytes()).map_err(|_| bad())?);
    let bytes = decoded.as_slice().try_into().map_err(|_| bad())?;
    Ok(Zeroizing::new(bytes))
}

fn derive(secret: &[u8; 32], purpose: &str) -> Zeroizing<[u8; 32]> {
    let mut derived = Zeroizing::new([0; 32]);
    Hkdf::<Sha256>::new(Some(b"countersign v1"), secret)
        .expand(purpose.as_bytes(), derived.as_mut_slice())
        .expect("32 bytes are far below the limit of HKDF");
    derived
}

fn encrypt(cipher: &XChaCha20Poly1305, nonce: [u8; NONCE], plain: &[u8], bound: &[u8]) -> Vec<u8> {
    let payload = Payload {
        msg: plain,
        aad: bound,
    };
    cipher
        .encrypt(&nonce.into(), payload)
        .expect("sealed values are far below the limit of the cipher")
}

#[cfg(test)]
mod tests;
