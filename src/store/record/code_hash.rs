//! Hashes of codes, as they are stored: the text of a PHC string takes half as much again as its bytes.

use super::{InvalidRow, UNKNOWN_ENUM, array};
use countersign_domain::recovery::{Argon2idHash, CodeSlot, HashCost, SecretHash};
use countersign_proto::stored::{self as pb, code_hash::Form};
use data_encoding::{BASE64_NOPAD, HEXLOWER};

const ARGON2ID: &str = "$argon2id$v=19$m=";
const SHA256: &str = "$sha256$";

/// The length of a code in a run of bytes: slot, salt, output.
const CODE_BYTES: usize = 1 + Argon2idHash::SALT_BYTES + Argon2idHash::OUTPUT_BYTES;

/// Compact where the very text can be restored.
pub(super) fn stored_code_hash(hash: &SecretHash) -> pb::CodeHash {
    let form = match hash.argon2id() {
        Some(hash) => Form::Argon2id(pb::Argon2idHash {
            salt: hash.salt().to_vec(),
            output: hash.output().to_vec(),
            memory_kib: hash.cost().memory_kib,
            passes: hash.cost().passes,
            parallelism: 1,
        }),
        None => form_of_text(&hash.to_phc()),
    };
    pb::CodeHash { form: Some(form) }
}

fn form_of_text(text: &str) -> Form {
    let compact = argon2id(text).or_else(|| sha256(text));
    let compact = compact.filter(|form| phc(form) == text);
    compact.unwrap_or_else(|| Form::Phc(text.to_owned()))
}

pub(super) fn code_hash(stored: Option<&pb::CodeHash>) -> Result<SecretHash, InvalidRow> {
    let form = stored.and_then(|stored| stored.form.as_ref());
    form.map(secret_hash).ok_or(UNKNOWN_ENUM)
}

/// Codes as one run of bytes, where all were hashed at one cost, with a salt and an output of the usual lengths.
pub(super) fn same_cost(codes: &[(CodeSlot, SecretHash)]) -> Option<pb::SameCostCodes> {
    let hash = |(slot, hash): &(CodeSlot, SecretHash)| Some((*slot, *hash.argon2id()?));
    let hashes: Vec<(CodeSlot, Argon2idHash)> = codes.iter().map(hash).collect::<Option<_>>()?;
    let HashCost { memory_kib, passes } = hashes.first()?.1.cost();
    let cost = HashCost { memory_kib, passes };
    let mut codes = Vec::with_capacity(hashes.len() * CODE_BYTES);
    for (slot, hash) in hashes {
        if hash.cost() != cost {
            return None;
        }
        codes.push(slot.number());
        codes.extend(hash.salt());
        codes.extend(hash.output());
    }
    Some(pb::SameCostCodes {
        memory_kib,
        passes,
        codes,
    })
}

/// The codes of a run of bytes.
pub(super) fn codes_of_same_cost(
    stored: &pb::SameCostCodes,
) -> Result<Vec<(CodeSlot, SecretHash)>, InvalidRow> {
    const CUT_SHORT: InvalidRow = InvalidRow::Shape("hashes of another length");
    let cost = HashCost {
        memory_kib: stored.memory_kib,
        passes: stored.passes,
    };
    let codes = stored.codes.chunks(CODE_BYTES).map(|code| {
        let (number, hash) = code.split_first().ok_or(CUT_SHORT)?;
        let (salt, output) = hash.split_first_chunk().ok_or(CUT_SHORT)?;
        let slot = CodeSlot::new(*number).ok_or(InvalidRow::Shape("a slot that no code has"))?;
        let hash = Argon2idHash::new(*salt, array(output)?, cost);
        let hash = hash.ok_or(InvalidRow::Shape("a hash at a cost that there is not"))?;
        Ok((slot, hash.into()))
    });
    codes.collect()
}

fn secret_hash(form: &Form) -> SecretHash {
    let packed = match form {
        Form::Argon2id(hash) => compact_argon2id(hash),
        Form::Sha256(_) | Form::Phc(_) => None,
    };
    packed.map_or_else(|| SecretHash::from_phc(phc(form)), SecretHash::from)
}

/// The hash, if it is such a one as is made here.
fn compact_argon2id(stored: &pb::Argon2idHash) -> Option<Argon2idHash> {
    let cost = HashCost {
        memory_kib: stored.memory_kib,
        passes: stored.passes,
    };
    let salt = stored.salt.as_slice().try_into().ok()?;
    let output = stored.output.as_slice().try_into().ok()?;
    Argon2idHash::new(salt, output, cost).filter(|_| stored.parallelism == 1)
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
        Form::Argon2id(hash) => {
            let pb::Argon2idHash {
                salt,
                output,
                memory_kib,
                passes,
                parallelism,
            } = hash;
            let (salt, output) = (BASE64_NOPAD.encode(salt), BASE64_NOPAD.encode(output));
            format!("{ARGON2ID}{memory_kib},t={passes},p={parallelism}${salt}${output}")
        }
        Form::Sha256(digest) => format!("{SHA256}{}", HEXLOWER.encode(digest)),
        Form::Phc(text) => text.clone(),
    }
}
