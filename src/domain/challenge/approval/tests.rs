use super::*;
use crate::fixtures::{EPOCH, NOW, PORTAL, approval, assert_all_differ, minutes};

fn is_live(approval: &Approval) -> bool {
    approval.is_live(&CallerName::new(PORTAL), EPOCH, minutes(5), NOW)
}

#[test]
fn an_approval_lives_as_long_as_it_is_young_and_of_its_epoch_and_caller() {
    assert!(is_live(&approval()));
    for dead in [
        Approval {
            epoch: EPOCH.grown(),
            ..approval()
        },
        Approval {
            caller: CallerName::new("shop"),
            ..approval()
        },
        Approval {
            at: NOW.minus(minutes(6)),
            ..approval()
        },
    ] {
        assert!(!is_live(&dead), "{dead:?}");
    }
}

#[test]
fn an_approval_lives_to_the_last_millisecond() {
    let given = |millis_ago: u64| Approval {
        at: NOW.minus(Duration::from_millis(millis_ago)),
        ..approval()
    };
    assert!(is_live(&given(300_000)));
    assert!(!is_live(&given(300_001)));
}

#[test]
fn every_purpose_has_a_name_of_its_own() {
    let step_up = ApprovedPurpose::StepUp {
        action: "caller:pay".to_owned(),
        digest: None,
    };
    let all = [
        ApprovedPurpose::SignIn,
        step_up,
        ApprovedPurpose::VerifyEmail,
        ApprovedPurpose::Enrollment,
    ];
    assert_all_differ(all.iter().map(ApprovedPurpose::as_str));
}
