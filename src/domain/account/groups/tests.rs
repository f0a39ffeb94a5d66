use super::*;

fn names(count: usize, length: usize) -> Vec<String> {
    (0..count)
        .map(|number| format!("{number:0length$}"))
        .collect()
}

fn group(name: &str) -> GroupName {
    GroupName::parse(name).unwrap()
}

#[test]
fn a_group_has_a_name_of_1_to_255_bytes() {
    let longest = "x".repeat(255);
    assert_eq!(group("Größe M").as_str(), "Größe M");
    assert_eq!(group(&longest).as_str(), longest);
    assert_eq!(GroupName::parse(""), Err(MalformedValue::Empty));
    assert_eq!(
        GroupName::parse(&"x".repeat(256)),
        Err(MalformedValue::TooLong(255))
    );
}

#[test]
fn a_thousand_groups_are_kept() {
    let names = names(1000, 255);
    let Ok(UserGroups::Listed(kept)) = UserGroups::parse(&names) else {
        panic!("they are kept");
    };
    let kept: Vec<&str> = kept.iter().map(GroupName::as_str).collect();
    assert_eq!(kept, names);
}

#[test]
fn a_user_with_more_groups_counts_as_a_member_of_every_group() {
    for names in [names(1001, 4), names(5000, 4), names(1, 256)] {
        let groups = UserGroups::parse(&names).unwrap();
        assert_eq!(groups, UserGroups::TooMany);
        assert_eq!(groups.include_any(&[group("staff")]), Some(true));
    }
}

#[test]
fn a_user_is_in_the_listed_groups_and_in_no_other() {
    let groups = UserGroups::parse(&["staff".to_owned()]).unwrap();
    assert_eq!(
        groups.include_any(&[group("guests"), group("staff")]),
        Some(true)
    );
    assert_eq!(groups.include_any(&[group("guests")]), Some(false));
    assert_eq!(UserGroups::parse(&[]), Ok(UserGroups::Listed(Vec::new())));
    assert_eq!(UserGroups::Unknown.include_any(&[group("staff")]), None);
}

#[test]
fn a_group_is_the_same_with_and_without_joiners() {
    let groups = UserGroups::parse(&["علیرضا".to_owned()]).unwrap();
    assert_eq!(groups.include_any(&[group("علی\u{200C}رضا")]), Some(true));
    assert_eq!(groups.include_any(&[group("علی")]), Some(false));
}

#[test]
fn a_name_that_hides_something_is_refused() {
    for (name, why) in [
        ("", MalformedValue::Empty),
        ("sta\u{202E}ff", MalformedValue::NotPlainText),
        ("staff\n", MalformedValue::NotPlainText),
    ] {
        assert_eq!(UserGroups::parse(&[name.to_owned()]), Err(why), "{name:?}");
    }
}
