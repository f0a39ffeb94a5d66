//! The form of the database, and its canary.

use super::{
    sealed::{CountingRandom, RING, row, sealing},
    *,
};
use crate::{crypto::KeyRing, store::record::rows::AccountRow};
use std::sync::{Arc, atomic::AtomicU8};

#[test]
fn a_row_is_written_in_the_form_of_the_database_and_never_in_an_older_one_than_it_has() {
    let n1 = sealing().knowing_form(3);
    let of_form = |form| AccountRow { form, ..row() };
    assert_eq!(n1.form_to_write(2, None), Ok(2));
    assert_eq!(n1.form_to_write(2, Some(&of_form(1))), Ok(2));
    assert_eq!(n1.form_to_write(2, Some(&of_form(3))), Ok(3));
    let newer = InvalidRow::WritesNewerForm {
        writes: 4,
        knows: 3,
    };
    assert_eq!(n1.form_to_write(4, Some(&of_form(1))), Err(newer));
}

#[test]
fn a_canary_tells_whose_key_ring_it_is_and_whether_its_key_is_active() {
    let canary = sealing().seal_canary();
    let ring = |text: &str| {
        let ring = KeyRing::parse(text).unwrap();
        RecordSealing::new(Arc::new(ring), Arc::new(CountingRandom(AtomicU8::new(1))))
    };
    assert!(sealing().open_canary(&canary).unwrap());
    let second =
        "[[key]]\nid = \"k-00000002\"\nsecret = \"AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=\"\n";
    let rotated = RING.replacen("[[key]]", &format!("{second}[[key]]"), 1);
    assert!(
        !ring(&rotated).open_canary(&canary).unwrap(),
        "it is to be sealed again"
    );
    for other in [
        RING.replace("k-00000001", "k-00000002"),
        RING.replace("AQEB", "AgIC"),
    ] {
        let refused = ring(&other).open_canary(&canary).unwrap_err().to_string();
        assert!(refused.contains("`k-00000001`"), "{refused}");
    }
    assert!(sealing().open_canary(&row().record).is_err());
}
