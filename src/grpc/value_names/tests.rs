use super::*;
use countersign_proto::v1 as pb;
use std::collections::BTreeSet;

/// The names of a generated enumeration, without the unspecified value.
fn names_of<E: TryFrom<i32>>(name: impl Fn(&E) -> &'static str) -> BTreeSet<&'static str> {
    let values = (1..100).filter_map(|number| E::try_from(number).ok());
    values.map(|value| name(&value)).collect()
}

#[test]
fn every_list_has_each_value_of_its_enumeration() {
    let lists = [
        (METHOD_KINDS, names_of(pb::MethodKind::as_str_name)),
        (FIRST_FACTORS, names_of(pb::FirstFactor::as_str_name)),
        (TWO_FACTOR_MODES, names_of(pb::TwoFactorMode::as_str_name)),
        (RECOVERY_STYLES, names_of(pb::RecoveryStyle::as_str_name)),
        (METHOD_STRENGTHS, names_of(pb::MethodStrength::as_str_name)),
        (CHANGE_KINDS, names_of(pb::ChangeKind::as_str_name)),
        (USER_CONDITIONS, names_of(pb::UserCondition::as_str_name)),
    ];
    for (list, names) in lists {
        assert!(!names.is_empty());
        assert_eq!(list.split(", ").collect::<BTreeSet<_>>(), names);
    }
}
