use super::{TlsFileError, parse_certificates, parse_private_key};

const ENCRYPTED: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIFNTBfBgkqhkiG9w0BBQ0wUjAx\n-----END ENCRYPTED PRIVATE KEY-----\n";
const ENCRYPTED_OLD: &str = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n";

fn failure_of(content: &[u8], of_key: bool) -> TlsFileError {
    if of_key {
        parse_private_key(content).unwrap_err()
    } else {
        parse_certificates(content).unwrap_err()
    }
}

#[test]
fn a_file_is_refused_by_its_cause() {
    let with_mark = [b"\xEF\xBB\xBF", ENCRYPTED.as_bytes()].concat();
    for (content, of_key, expected) in [
        (ENCRYPTED.as_bytes(), true, "is encrypted"),
        (ENCRYPTED_OLD.as_bytes(), true, "is encrypted"),
        (with_mark.as_slice(), true, "byte order mark"),
        (&with_mark, false, "byte order mark"),
        (&[0x30, 0x82, 0x01, 0x0a], true, "DER"),
        (&[0x30, 0x82, 0x01, 0x0a], false, "DER"),
        (b"Bag Attributes", false, "must be PEM"),
        (b"", true, "no private key"),
        (b"", false, "no certificate"),
        (ENCRYPTED.as_bytes(), false, "is encrypted"),
    ] {
        let failure = failure_of(content, of_key).to_string();
        assert!(failure.contains(expected), "{failure}, not {expected}");
    }
}

#[test]
fn no_message_shows_what_is_in_a_file() {
    let failure = failure_of(b"-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n", true);
    assert!(!failure.to_string().contains("c2VjcmV0"), "{failure}");
}
