//! Argon2id hashes of codes and passwords (RFC 9106). They are stored as bytes, because every verdict opens and saves
//! an account with ten of them.

use super::HashMemory;
use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{
        self,
        phc::{Output, ParamsString, PasswordHash, Salt},
    },
};
use std::{borrow::Cow, fmt};

/// The cost of an argon2id hash (RFC 9106).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashCost {
    /// Memory, in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub passes: u32,
}

/// A hash with a PHC string: `$argon2id$v=19$…` of a code or password, or `$sha256$…` of a recovery key.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretHash(HashEncoding);

/// Equal hashes have one encoding: a text that [`Argon2idHash`] can represent is never kept as text.
#[derive(Clone, PartialEq, Eq)]
enum HashEncoding {
    Argon2id(Argon2idHash),
    Phc(String),
}

/// An argon2id hash as this service makes it: one lane, usual lengths of salt and output, and a valid cost.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Argon2idHash {
    salt: [u8; Self::SALT_BYTES],
    output: [u8; Self::OUTPUT_BYTES],
    cost: HashCost,
}

impl From<Argon2idHash> for SecretHash {
    fn from(hash: Argon2idHash) -> Self {
        Self(HashEncoding::Argon2id(hash))
    }
}

impl Argon2idHash {
    /// The length of the salt, in bytes.
    pub const SALT_BYTES: usize = 16;
    /// The length of the output, in bytes.
    pub const OUTPUT_BYTES: usize = 32;

    /// Makes a hash from its parts; `None` if argon2 does not accept the cost.
    #[must_use]
    pub fn new(
        salt: [u8; Self::SALT_BYTES],
        output: [u8; Self::OUTPUT_BYTES],
        cost: HashCost,
    ) -> Option<Self> {
        params(cost)?;
        Some(Self { salt, output, cost })
    }

    /// The salt, random for each hash.
    #[must_use]
    pub const fn salt(&self) -> [u8; Self::SALT_BYTES] {
        self.salt
    }

    /// The output. Compare hashes through [`SecretHash`] only, because `==` does not take constant time.
    #[must_use]
    pub const fn output(&self) -> [u8; Self::OUTPUT_BYTES] {
        self.output
    }

    /// The cost. The number of lanes is always one.
    #[must_use]
    pub const fn cost(&self) -> HashCost {
        self.cost
    }

    /// Reads a PHC string; `None` unless [`Self::to_phc`] gives exactly this string.
    fn parse(text: &str) -> Option<Self> {
        let hash = PasswordHash::new(text).ok()?;
        let cost = cost_of(&hash)?;
        let salt = hash.salt?.as_ref().try_into().ok()?;
        let output = hash.hash?.as_ref().try_into().ok()?;
        let hash = Self { salt, output, cost };
        (hash.to_phc()? == text).then_some(hash)
    }

    fn to_phc(self) -> Option<String> {
        let hash = PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: ParamsString::try_from(&params(self.cost)?).ok()?,
            salt: Some(Salt::new(&self.salt).ok()?),
            hash: Some(Output::new(&self.output).ok()?),
        };
        Some(hash.to_string())
    }
}

impl SecretHash {
    /// Reads a PHC string. Any other text is kept and matches no secret.
    #[must_use]
    pub fn from_phc(text: String) -> Self {
        Self(Argon2idHash::parse(&text).map_or(HashEncoding::Phc(text), HashEncoding::Argon2id))
    }

    /// The PHC string.
    ///
    /// # Panics
    /// Never: an [`Argon2idHash`] has a PHC string.
    #[must_use]
    pub fn to_phc(&self) -> Cow<'_, str> {
        match &self.0 {
            HashEncoding::Argon2id(hash) => {
                let text = hash.to_phc();
                Cow::Owned(text.expect("a hash is made only at a cost that argon2 takes"))
            }
            HashEncoding::Phc(text) => Cow::Borrowed(text),
        }
    }

    /// The argon2id hash as this service makes it; `None` for a hash of another form.
    #[must_use]
    pub const fn argon2id(&self) -> Option<&Argon2idHash> {
        match &self.0 {
            HashEncoding::Argon2id(hash) => Some(hash),
            HashEncoding::Phc(_) => None,
        }
    }

    /// Reads an argon2id hash and its cost; `None` for any other text.
    #[must_use]
    pub fn read(phc: &str) -> Option<(Self, HashCost)> {
        let hash = PasswordHash::new(phc).ok()?;
        let cost = cost_of(&hash)?;
        let is_whole = hash.algorithm == Algorithm::Argon2id.ident() && hash.hash.is_some();
        is_whole.then(|| (Self::from_phc(phc.to_owned()), cost))
    }

    /// Computes the argon2id hash of a secret.
    ///
    /// # Panics
    /// Never: every [`HashCost`] that configuration admits is within argon2's own bounds.
    pub(crate) fn of(
        secret: &[u8],
        salt: &[u8; Argon2idHash::SALT_BYTES],
        cost: HashCost,
        memory: &mut HashMemory,
    ) -> Self {
        let params = params(cost).expect("configuration admits only costs that argon2 takes");
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let mut hash = Argon2idHash {
            salt: *salt,
            output: [0; Argon2idHash::OUTPUT_BYTES],
            cost,
        };
        let blocks = memory.blocks(argon2.params().block_count());
        argon2
            .hash_password_into_with_memory(secret, salt, &mut hash.output, blocks)
            .expect("a salt of 16 bytes and an output of 32 are within argon2's bounds");
        hash.into()
    }

    /// Whether a secret matches the hash. Takes as long as its cost says.
    pub(crate) fn is_of(&self, secret: &[u8]) -> bool {
        self.compare(secret).unwrap_or(false)
    }

    /// Compares through the PHC string, so that one comparison serves all encodings. Reading it is cheap beside argon2.
    fn compare(&self, secret: &[u8]) -> password_hash::Result<bool> {
        let text = self.to_phc();
        let kept = PasswordHash::new(&text)?;
        let (Some(salt), Some(expected)) = (&kept.salt, &kept.hash) else {
            return Ok(false);
        };
        let algorithm = Algorithm::try_from(kept.algorithm.as_str())?;
        let version = kept.version.map(Version::try_from).transpose()?;
        let params = Params::try_from(&kept)?;
        let argon2 = Argon2::new(algorithm, version.unwrap_or_default(), params);
        let output = output(&argon2, secret, salt, &mut HashMemory::new())?;
        // `Output` is compared in constant time.
        Ok(output == *expected)
    }
}

fn cost_of(hash: &PasswordHash) -> Option<HashCost> {
    let params = Params::try_from(hash).ok()?;
    Some(HashCost {
        memory_kib: params.m_cost(),
        passes: params.t_cost(),
    })
}

fn params(cost: HashCost) -> Option<Params> {
    Params::new(cost.memory_kib, cost.passes, 1, None).ok()
}

/// Computes the output of argon2 in the given memory.
fn output(
    argon2: &Argon2<'_>,
    secret: &[u8],
    salt: &[u8],
    memory: &mut HashMemory,
) -> password_hash::Result<Output> {
    let length = argon2.params().output_len();
    let mut buffer = [0; Output::MAX_LENGTH];
    let output = buffer
        .get_mut(..length.unwrap_or(Params::DEFAULT_OUTPUT_LEN))
        .ok_or(password_hash::Error::OutputSize)?;
    let blocks = memory.blocks(argon2.params().block_count());
    argon2.hash_password_into_with_memory(secret, salt, output, blocks)?;
    Ok(Output::new(output)?)
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SlowHash([redacted])")
    }
}

impl fmt::Debug for Argon2idHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Argon2idHash([redacted])")
    }
}

#[cfg(test)]
mod tests;
