use super::*;

#[test]
fn an_upgrade_that_is_not_finished_says_what_finishes_it() {
    let described = describe_forms(RecordForms {
        writes: 1,
        knows: 2,
    });
    assert!(
        described.contains("`countersign migrate --finish` would raise it to 2"),
        "{described}"
    );
}

#[test]
fn a_finished_upgrade_has_nothing_to_finish() {
    let described = describe_forms(RecordForms {
        writes: 2,
        knows: 2,
    });
    assert_eq!(
        described,
        "records are written in form 2: there is nothing to finish"
    );
}
