use super::*;
use countersign_domain::account::groups::UserGroups;

fn codes() -> Vec<String> {
    vec!["first".to_owned(), "second".to_owned()]
}

fn refusal(bytes: &[u8]) -> String {
    decode::<Vec<String>>(bytes).unwrap_err().to_string()
}

#[test]
fn what_is_encoded_is_decoded() {
    let bytes = encode(&codes());
    assert_eq!(decode::<Vec<String>>(&bytes).unwrap(), codes());
}

/// Earlier versions stored groups as an optional list.
#[test]
fn groups_are_stored_as_an_optional_list_was() {
    let names = vec!["staff".to_owned()];
    let listed = UserGroups::parse(&names).unwrap();
    assert_eq!(encode(&listed), encode(&Some(names)));
    assert_eq!(
        encode(&UserGroups::Unknown),
        encode(&Option::<Vec<String>>::None)
    );
    let too_many = encode(&UserGroups::TooMany);
    assert_eq!(
        decode::<UserGroups>(&too_many).unwrap(),
        UserGroups::TooMany
    );
}

#[test]
fn the_form_stands_first() {
    assert_eq!(encode(&codes()).first(), Some(&FORM));
}

#[test]
fn an_unknown_form_is_refused_by_name() {
    for form in (0..=u8::MAX).filter(|form| *form != FORM) {
        let mut bytes = encode(&codes());
        bytes[0] = form;
        assert!(
            refusal(&bytes).contains("this version does not know its format"),
            "{form}"
        );
    }
}

#[test]
fn bytes_behind_the_value_are_refused() {
    let mut bytes = encode(&codes());
    bytes.push(0);
    assert!(refusal(&bytes).contains("trailing bytes"));
}

#[test]
fn a_value_that_is_cut_short_is_refused() {
    let bytes = encode(&codes());
    for length in 0..bytes.len() {
        assert!(decode::<Vec<String>>(&bytes[..length]).is_err(), "{length}");
    }
}
