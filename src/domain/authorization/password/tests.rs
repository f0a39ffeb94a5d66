use super::*;

const CHEAP: HashCost = HashCost {
    memory_kib: 8,
    passes: 1,
};

fn password(text: &str) -> Result<Password, MalformedValue> {
    Password::parse(Zeroizing::new(text.to_owned()))
}

#[test]
fn a_password_is_what_was_typed_and_not_a_byte_else() {
    assert_eq!(password(" \u{e4}b ").unwrap().expose(), " \u{e4}b ");
    assert_eq!(password(""), Err(MalformedValue::Empty));
    assert!(password(&"x".repeat(MAX_PASSWORD_BYTES)).is_ok());
    let longer = "x".repeat(MAX_PASSWORD_BYTES + 1);
    assert_eq!(
        password(&longer),
        Err(MalformedValue::TooLong(MAX_PASSWORD_BYTES))
    );
}

#[test]
fn a_password_matches_its_own_hash_only() {
    let right = password("correct horse").unwrap();
    let hash = right.hash(b"0123456789abcdef", CHEAP);
    assert!(hash.to_phc().starts_with("$argon2id$v=19$m=8,t=1,p=1$"));
    assert!(right.matches(&hash));
    for other in ["correct hors", "correct horse ", "Correct horse"] {
        assert!(!password(other).unwrap().matches(&hash), "{other}");
    }
}

#[test]
fn nothing_of_a_password_is_printed() {
    let secret = password("correct horse").unwrap();
    assert_eq!(format!("{secret:?}"), "Password([redacted])");
}

#[test]
fn a_kept_hash_is_argon2id_with_a_cost() {
    let hash = password("x").unwrap().hash(b"0123456789abcdef", CHEAP);
    let (read, cost) = SecretHash::read(&hash.to_phc()).unwrap();
    assert_eq!((read == hash, cost), (true, CHEAP));
    let other_kinds = hash.to_phc().replace("argon2id", "argon2i");
    let without_output = hash.to_phc().rsplit_once('$').unwrap().0.to_owned();
    for none in ["", "correct horse", &other_kinds, &without_output] {
        assert!(SecretHash::read(none).is_none(), "{none}");
    }
}
