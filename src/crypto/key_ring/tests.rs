use super::*;

fn ring_with(id: &str) -> Result<KeyRing, KeyRingError> {
    let secret = BASE64.encode(&[1; 32]);
    KeyRing::parse(&format!(
        "lookup = \"{secret}\"\n[[key]]\nid = \"{id}\"\nsecret = \"{secret}\"\n"
    ))
}

#[test]
fn an_id_fits_into_the_byte_of_its_length() {
    for too_long_or_empty in ["k".repeat(256), "é".repeat(128), String::new()] {
        let refused = ring_with(&too_long_or_empty).err().unwrap();
        assert!(matches!(refused, KeyRingError::IdLength(id) if id == too_long_or_empty));
    }
    let longest = "k".repeat(255);
    let ring = ring_with(&longest).unwrap();
    let sealed = ring.seal(SealingContext::Canary, b"plain", [7; 24]);
    let opened = ring.open(SealingContext::Canary, &sealed).unwrap();
    assert_eq!(opened.expose(), b"plain");
    assert_eq!(ring.sealed_under(&sealed), Some(KeyId::new(&longest)));
}

#[test]
fn what_no_ring_sealed_names_no_key() {
    let ring = ring_with("k-1").unwrap();
    for bytes in [
        vec![],
        vec![SEALED_BY_RING],
        vec![SEALED_BY_RING, 9, 1],
        vec![2, 1, b'k'],
    ] {
        assert_eq!(ring.sealed_under(&SealedBytes::from_bytes(bytes)), None);
    }
}
