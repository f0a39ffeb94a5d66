//! What the administrator decides is what users meet, from the next call on.

use super::{Administrator, kinds, mode};
use crate::{
    stories::{
        enforcement::{must_enroll, ticket},
        methods::required,
    },
    support::{on_both_pairs, person::add_method, refused},
};
use countersign_proto::v1::{self as pb, DecidedBy, DefaultReason, KindState, TwoFactorMode};
use tonic::Code;

#[test]
fn s30_the_company_requires_it_and_the_next_sign_in_is_led_to_set_up() {
    on_both_pairs(async |service| {
        let company = Administrator::new(&service).await;
        let jane = &company.jane;
        company.update(mode(TwoFactorMode::Required)).await.unwrap();
        let led = must_enroll(jane).await;
        let app = jane.enroll_app_with(&service, ticket(&led)).await;
        jane.sign_in(&service, &app).await;

        company.update(mode(TwoFactorMode::Off)).await.unwrap();
        let pb::begin_sign_in_response::Decision::Allowed(allowed) =
            jane.begin_sign_in().await.unwrap()
        else {
            panic!("two-factor is off")
        };
        assert_eq!(allowed.reason(), pb::AllowedReason::TwoFactorOff);
    });
}

#[test]
fn s31_what_is_locked_says_that_the_administrator_locked_it() {
    on_both_pairs(async |service| {
        let company = Administrator::new(&service).await;
        let jane = &company.jane;
        let app = jane.enroll_app(&service).await;
        let policy = pb::Policy {
            locked_kinds: kinds(&[pb::MethodKind::Sms]),
            default_kind: Some(pb::MethodKind::Totp.into()),
            default_locked: Some(true),
            ..mode(TwoFactorMode::Optional)
        };
        company.update(policy).await.unwrap();
        let page = jane.settings().await;
        let sms = &page.kinds[1];
        assert_eq!(sms.state(), KindState::LockedByAdmin);
        assert_eq!(sms.decided_by(), DecidedBy::Administrator);
        assert_eq!(
            sms.reason_text,
            "Your administrator has locked this method."
        );
        assert!(page.kinds[0].set_as_default);
        let offered = required(jane).await;
        assert_eq!(offered.default_method_id, app.method_id);
        assert_eq!(offered.default_reason(), DefaultReason::SetByAdministrator);
        let begin = jane.enrollment_request(
            pb::begin_enrollment_request::Method::Sms(pb::EnrollSms {
                phone_number: "+4915123456789".to_owned(),
            }),
            jane.step_up(&service, &app, add_method(pb::MethodKind::Sms))
                .await,
        );
        refused(
            jane.begin_enrollment(begin).await,
            Code::FailedPrecondition,
            "METHOD_LOCKED",
        );
    });
}
