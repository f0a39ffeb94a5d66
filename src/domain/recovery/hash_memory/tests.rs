use super::*;
use crate::recovery::{HashCost, SecretHash};

const SALT: [u8; 16] = [7; 16];

/// Computed with argon2's own memory, by the `PasswordHasher` of the crate.
const GOLDEN: [(&[u8], [u8; 16], HashCost, &str); 4] = [
    (
        b"golden secret",
        SALT,
        cost(19_456, 2),
        "$argon2id$v=19$m=19456,t=2,p=1$BwcHBwcHBwcHBwcHBwcHBw$qXBN6q1CkZ9SlnDe5l8uQhCo1B9ytN27pSsPGGzMh58",
    ),
    (
        b"golden secret",
        SALT,
        cost(8, 1),
        "$argon2id$v=19$m=8,t=1,p=1$BwcHBwcHBwcHBwcHBwcHBw$iZA89qP5gwmYGXS0azopl4LEcQoJF6qgAx17VvcuZ4k",
    ),
    (
        b"golden secret",
        SALT,
        cost(7_168, 1),
        "$argon2id$v=19$m=7168,t=1,p=1$BwcHBwcHBwcHBwcHBwcHBw$4R9svNnuozH8OhAGhLmcYGpw0CGa6G6rw5dZDTvX5F4",
    ),
    (
        b"",
        [1; 16],
        cost(64, 3),
        "$argon2id$v=19$m=64,t=3,p=1$AQEBAQEBAQEBAQEBAQEBAQ$ueYrFBeRPv9VTptls4w86wiTGzj4QhQHRhcC4yqQyrc",
    ),
];

const fn cost(memory_kib: u32, passes: u32) -> HashCost {
    HashCost { memory_kib, passes }
}

#[test]
fn hashes_in_reused_memory_are_the_same_strings_as_ever() {
    let mut memory = HashMemory::new();
    for _ in 0..2 {
        for (secret, salt, cost, phc) in GOLDEN {
            assert_eq!(
                SecretHash::of(secret, &salt, cost, &mut memory).to_phc(),
                phc
            );
        }
    }
}

#[test]
fn hashes_that_are_in_stores_still_match() {
    for (secret, _, _, phc) in GOLDEN {
        let kept = SecretHash::from_phc(phc.to_owned());
        assert!(kept.is_of(secret), "{phc}");
        assert!(!kept.is_of(b"another"), "{phc}");
    }
}

#[test]
fn memory_grows_to_the_largest_hash_within_one_allocation() {
    let mut memory = HashMemory::new();
    assert_eq!(
        memory.0.capacity(),
        0,
        "nothing is held before the first hash"
    );
    for (count, used) in [(8, 8), (64, 64), (16, 64)] {
        assert_eq!(memory.blocks(count).len(), used);
        assert_eq!(memory.0.capacity(), RESERVED_BLOCKS);
    }
    assert_eq!(
        memory.blocks(RESERVED_BLOCKS + 1).len(),
        RESERVED_BLOCKS + 1
    );
}
