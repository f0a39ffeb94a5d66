use super::*;
use countersign_domain::policy::TwoFactorMode;

#[test]
fn a_policy_that_cannot_be_read_is_none() {
    for stored in [
        "",
        "null",
        "{",
        r#"{"allowed_kinds": ["Fax"]}"#,
        r#"{"code_digits": 3}"#,
    ] {
        assert!(layer(Some(stored)).is_err(), "{stored}");
    }
    let row = r#"{"policy": {"layer": "?", "etag": "00", "updated_at": 1}, "receipt": null}"#;
    assert!(policy("a store", None, &[row.to_owned()]).is_err());
}

#[test]
fn a_name_that_is_not_known_is_the_strictest() {
    let layer = layer(Some(r#"{"two_factor": "SOMETIMES"}"#)).unwrap();
    assert_eq!(layer.two_factor, Some(TwoFactorMode::Required));
}
