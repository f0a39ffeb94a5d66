use super::AnsweredBy;
use crate::{
    fixtures::assert_all_differ,
    method::{MethodKind, MethodStrength},
};

#[test]
fn what_answered_is_told_by_its_name() {
    let all = MethodKind::ALL.map(AnsweredBy::Code);
    let all: Vec<AnsweredBy> = all.into_iter().chain([AnsweredBy::RecoveryCode]).collect();
    assert_all_differ(all.iter().map(|answered_by| answered_by.as_str()));
    for answered_by in all {
        assert_eq!(AnsweredBy::named(answered_by.as_str()), Some(answered_by));
    }
    assert_eq!(AnsweredBy::named("PASSKEY"), None);
}

#[test]
fn a_code_proves_what_its_kind_proves_and_a_recovery_code_nothing_more() {
    assert_eq!(
        AnsweredBy::Code(MethodKind::Sms).strength(),
        Some(MethodStrength::Restricted)
    );
    assert_eq!(AnsweredBy::RecoveryCode.strength(), None);
}
