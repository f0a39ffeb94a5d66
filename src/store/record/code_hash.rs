//! Hashes of codes, as they are stored: the text of a PHC string takes half as much again as its bytes.

use super::{BadRow, account::UNKNOWN_ENUM, array};
use crate::proto::stored::{self as pb, code_hash::Form};
use countersign_domain::recovery::{Slot, SlowHash};
use data_encoding::{BASE64_NOPAD, HEXLOWER};

const ARGON2ID: &str = "$argon2id$v=19$m=";
const SHA256: &str = "$sha256$";

const SALT: usize = 16;
const OUTPUT: usize = 32;

impl From<&SlowHash> for pb::CodeHash {
    /// Compact where the very text can be restored.
    fn from(hash: &SlowHash) -> Self {
        let text = hash.as_phc();
        let compact = argon2id(text).or_else(|| sha256(text));
        let compact = compact.filter(|form| phc(form) == text);
        let form = compact.unwrap_or_else(|| Form::Phc(text.to_owned()));
        Self { form: Some(form) }
    }
}

pub(super) fn code_hash(stored: Option<&pb::CodeHash>) -> Result<SlowHash, BadRow> {
    let form = stored.and_then(|stored| stored.form.as_ref());
    form.map(|form| SlowHash::from_phc(phc(form)))
        .ok_or(UNKNOWN_ENUM)
}

/// Codes as one run of bytes, where all were hashed at one cost, with a salt and an output of the usual lengths.
pub(super) fn same_cost(codes: &[(Slot, SlowHash)]) -> Option<pb::SameCostCodes> {
    let mut packed: Option<pb::SameCostCodes> = None;
    for (slot, hash) in codes {
        let Some(Form::Argon2id(hash)) = pb::CodeHash::from(hash).form else {
            return None;
        };
        let salt: [u8; SALT] = hash.salt.try_into().ok()?;
        let output: [u8; OUTPUT] = hash.output.try_into().ok()?;
        let packed = packed.get_or_insert_with(|| pb::SameCostCodes {
            memory_kib: hash.memory_kib,
            passes: hash.passes,
            codes: Vec::new(),
        });
        let cost = (hash.memory_kib, hash.passes, hash.parallelism);
        if cost != (packed.memory_kib, packed.passes, 1) {
            return None;
        }
        packed.codes.push(slot.number());
        packed.codes.extend(salt);
        packed.codes.extend(output);
    }
    packed
}

/// The codes of a run of bytes.
pub(super) fn codes_of_same_cost(
    stored: &pb::SameCostCodes,
) -> Result<Vec<(Slot, SlowHash)>, BadRow> {
    const CUT_SHORT: BadRow = BadRow::Shape("hashes of another length");
    let codes = stored.codes.chunks(1 + SALT + OUTPUT).map(|code| {
        let (number, hash) = code.split_first().ok_or(CUT_SHORT)?;
        let (salt, output) = hash.split_at_checked(SALT).ok_or(CUT_SHORT)?;
        let slot = Slot::new(*number).ok_or(BadRow::Shape("a slot that no code has"))?;
        let form = Form::Argon2id(pb::Argon2idHash {
            salt: salt.to_vec(),
            output: array::<OUTPUT>(output)?.to_vec(),
            memory_kib: stored.memory_kib,
            passes: stored.passes,
            parallelism: 1,
        });
        Ok((slot, SlowHash::from_phc(phc(&form))))
    });
    codes.collect()
}

fn argon2id(text: &str) -> Option<Form> {
    let (memory_kib, rest) = text.strip_prefix(ARGON2ID)?.split_once(",t=")?;
    let (passes, rest) = rest.split_once(",p=")?;
    let (parallelism, rest) = rest.split_once('$')?;
    let (salt, output) = rest.split_once('$')?;
    Some(Form::Argon2id(pb::Argon2idHash {
        salt: BASE64_NOPAD.decode(salt.as_bytes()).ok()?,
        output: BASE64_NOPAD.decode(output.as_bytes()).ok()?,
        memory_kib: memory_kib.parse().ok()?,
        passes: passes.parse().ok()?,
        parallelism: parallelism.parse().ok()?,
    }))
}

fn sha256(text: &str) -> Option<Form> {
    let digest = text.strip_prefix(SHA256)?;
    HEXLOWER.decode(digest.as_bytes()).ok().map(Form::Sha256)
}

fn phc(form: &Form) -> String {
    match form {
        Form::Argon2id(made) => {
            let pb::Argon2idHash {
                salt,
                output,
                memory_kib,
                passes,
                parallelism,
            } = made;
            let (salt, output) = (BASE64_NOPAD.encode(salt), BASE64_NOPAD.encode(output));
            format!("{ARGON2ID}{memory_kib},t={passes},p={parallelism}${salt}${output}")
        }
        Form::Sha256(digest) => format!("{SHA256}{}", HEXLOWER.encode(digest)),
        Form::Phc(text) => text.clone(),
    }
}
