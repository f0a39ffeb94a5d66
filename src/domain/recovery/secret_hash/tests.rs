use super::{Argon2idHash, HashCost, SecretHash};
use proptest::prelude::*;

const OURS: &str = "$argon2id$v=19$m=64,t=3,p=1$AQEBAQEBAQEBAQEBAQEBAQ$ueYrFBeRPv9VTptls4w86wiTGzj4QhQHRhcC4yqQyrc";

proptest! {
    #[test]
    fn bytes_and_text_are_one_hash(
        salt: [u8; Argon2idHash::SALT_BYTES], output: [u8; Argon2idHash::OUTPUT_BYTES], memory_kib in 8_u32..=u32::MAX, passes in 1_u32..,
    ) {
        let hash = Argon2idHash::new(salt, output, HashCost { memory_kib, passes }).unwrap();
        let hash = SecretHash::from(hash);
        prop_assert_eq!(&SecretHash::from_phc(hash.to_phc().into_owned()), &hash);
    }

    #[test]
    fn a_text_stays_the_same_text(text in ".{0,40}") {
        let hash = SecretHash::from_phc(text.clone());
        prop_assert_eq!(hash.to_phc(), text);
        prop_assert!(hash.argon2id().is_none());
    }
}

#[test]
fn our_own_text_is_kept_as_bytes_and_any_other_as_it_is() {
    assert!(SecretHash::from_phc(OURS.to_owned()).argon2id().is_some());
    let others = [
        OURS.replace("argon2id", "argon2i"),
        OURS.replace("v=19", "v=16"),
        OURS.replace("p=1", "p=2"),
        OURS.replace("m=64,t=3", "t=3,m=64"),
        OURS.replace("m=64", "m=064"),
        OURS.replace("AQEBAQEBAQEBAQEBAQEBAQ", "AQEBAQEBAQEBAQEB"),
        OURS.trim_end_matches("4yqQyrc").to_owned(),
        format!("{OURS}$"),
    ];
    for text in others {
        let hash = SecretHash::from_phc(text.clone());
        assert!(hash.argon2id().is_none(), "{text}");
        assert_eq!(hash.to_phc(), text);
    }
}

#[test]
fn no_hash_has_a_cost_that_argon2_refuses() {
    for (memory_kib, passes) in [(7, 1), (8, 0)] {
        let cost = HashCost { memory_kib, passes };
        assert!(
            Argon2idHash::new([1; 16], [2; 32], cost).is_none(),
            "{cost:?}"
        );
    }
    let text = OURS.replace("m=64", "m=7");
    let hash = SecretHash::from_phc(text.clone());
    assert!(hash.argon2id().is_none());
    assert_eq!(hash.to_phc(), text);
}
