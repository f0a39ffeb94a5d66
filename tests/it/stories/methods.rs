//! S01–S09: methods and sign-in.

use crate::support::on_both_pairs;
use countersign::proto::v1::begin_sign_in_response::Decision;

#[test]
fn s01_a_second_code_is_asked_at_every_sign_in() {
    on_both_pairs(async |service| {
        let jane = service.person().await;
        assert!(matches!(
            jane.begin_sign_in().await.unwrap(),
            Decision::Allowed(_)
        ));

        let app = jane.enroll_app(&service).await;
        for _ in 0..3 {
            let decision = jane.begin_sign_in().await.unwrap();
            let Decision::ChallengeRequired(required) = decision else {
                panic!("{decision:?}")
            };
            assert_eq!(required.default_method_id, app.method_id);
            jane.sign_in(&service, &app).await;
        }
    });
}
