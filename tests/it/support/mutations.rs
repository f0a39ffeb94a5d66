//! Every RPC that changes the durable store, each as a call that can be repeated: for tests that disturb its writes.

use crate::{
    stories::resets::{HOLD, by_login, mailed_code, token, who_lost_their_app},
    support::{
        Browser, Clients, EnrolledApp, Person, Service,
        person::{add_method, approval, wrong},
        service::unique,
    },
};
use countersign_proto::v1::{self as pb, MethodKind, action::Action};
use futures_util::future::{BoxFuture, LocalBoxFuture};
use prost::Message;
use std::fmt::Debug;
use tonic::{Response, Status};

/// An answer, and how it is printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MutationAnswer {
    pub(crate) printed: String,
    bytes: Vec<u8>,
}

type Send =
    dyn Fn(String) -> BoxFuture<'static, Result<MutationAnswer, Status>> + std::marker::Send + Sync;

/// A call that is ready to be made, with a request id or with none.
pub(crate) struct PreparedCall {
    pub(crate) person: Person,
    pub(crate) send: Box<Send>,
}

/// An RPC that changes something, in one situation.
pub(crate) struct Mutation {
    pub(crate) rpc: &'static str,
    /// What the answer contains where the call did what it is for.
    pub(crate) accepted: &'static str,
    pub(crate) prepare: for<'s> fn(&'s Service) -> LocalBoxFuture<'s, PreparedCall>,
}

/// RPCs that write nothing to the durable store.
pub(crate) const READS: [&str; 11] = [
    "ExplainPolicy",
    "GetChallenge",
    "GetJwks",
    "GetMethodSettings",
    "GetPolicy",
    "GetSignInOptions",
    "GetUser",
    "ListDevices",
    "ListUsers",
    "ResendChallenge",
    "SimulatePolicy",
];

const fn mutation(
    rpc: &'static str,
    accepted: &'static str,
    prepare: for<'s> fn(&'s Service) -> LocalBoxFuture<'s, PreparedCall>,
) -> Mutation {
    Mutation {
        rpc,
        accepted,
        prepare,
    }
}

pub(crate) static MUTATIONS: [Mutation; 33] = [
    mutation("BeginSignIn", "Allowed", |on| Box::pin(sign_in_unasked(on))),
    mutation("BeginSignIn", "Allowed", |on| Box::pin(sign_in_trusted(on))),
    mutation("IssueChallenge", "", |on| Box::pin(supersede(on))),
    mutation("VerifyChallenge", "Approved", |on| Box::pin(verify(on))),
    mutation("VerifyChallenge", "Rejected", |on| {
        Box::pin(verify_wrong(on))
    }),
    mutation("VerifyChallenge", "Approved", |on| {
        Box::pin(verify_recovery(on))
    }),
    mutation("VerifyChallenge", "Approved", |on| {
        Box::pin(verify_bypass(on))
    }),
    mutation("CancelChallenge", "", |on| Box::pin(cancel(on))),
    mutation("TrustDevice", "", |on| Box::pin(trust_device(on))),
    mutation("UpdateDevice", "", |on| Box::pin(update_device(on))),
    mutation("RevokeDevice", "", |on| Box::pin(revoke_device(on, false))),
    mutation("RevokeDevice", "", |on| Box::pin(revoke_device(on, true))),
    mutation("RevokeAllDevices", "", |on| Box::pin(revoke_all(on))),
    mutation("BeginEnrollment", "", |on| Box::pin(begin_enrollment(on))),
    mutation("ConfirmEnrollment", "Enrolled", |on| {
        Box::pin(confirm_enrollment(on))
    }),
    mutation("UpdateMethod", "", |on| Box::pin(rename_method(on))),
    mutation("UpdateMethod", "", |on| Box::pin(set_default(on))),
    mutation("DeleteMethod", "", |on| Box::pin(delete_method(on))),
    mutation("DisableTwoFactor", "", |on| Box::pin(disable(on))),
    mutation("RevertChange", "", |on| Box::pin(revert(on))),
    mutation("UpdatePolicy", "", |on| Box::pin(update_policy(on))),
    mutation("GenerateRecoveryCodes", "", |on| Box::pin(generate(on))),
    mutation("ConfirmRecoveryCodes", "", |on| Box::pin(confirm_codes(on))),
    mutation("BeginReset", "", |on| Box::pin(begin_reset(on))),
    mutation("ConfirmReset", "Done", |on| Box::pin(confirm_reset(on))),
    mutation("CancelReset", "", |on| Box::pin(cancel_reset(on))),
    mutation("UpsertUser", "", |on| Box::pin(upsert_new(on))),
    mutation("UpsertUser", "", |on| Box::pin(upsert_known(on))),
    mutation("ResetUser", "", |on| Box::pin(reset_user(on))),
    mutation("UnlockUser", "", |on| Box::pin(unlock_user(on))),
    mutation("IssueBypassCode", "", |on| Box::pin(issue_bypass(on))),
    mutation("ExportUser", "", |on| Box::pin(export_user(on))),
    mutation("DeleteUser", "", |on| Box::pin(delete_user(on))),
];

/// The changing RPCs in parts, each to be played on a service of its own beside the others.
pub(crate) fn shards() -> impl Iterator<Item = impl Iterator<Item = &'static Mutation>> {
    const SHARES: usize = 4;
    (0..SHARES).map(|share| MUTATIONS.iter().skip(share).step_by(SHARES))
}

/// A call of `person` that sends this request.
fn prepared<Req, Res, Fut>(
    person: &Person,
    request: Req,
    request_id: fn(&mut Req) -> &mut String,
    send: impl Fn(Clients, Req) -> Fut + std::marker::Send + Sync + 'static,
) -> PreparedCall
where
    Req: Clone + std::marker::Send + Sync + 'static,
    Res: Message + Debug,
    Fut: Future<Output = Result<Response<Res>, Status>> + std::marker::Send + 'static,
{
    let clients = person.clients.clone();
    let send = move |id: String| -> BoxFuture<'static, Result<MutationAnswer, Status>> {
        let mut request = request.clone();
        *request_id(&mut request) = id;
        let answer = send(clients.clone(), request);
        Box::pin(async move {
            let answer = answer.await?.into_inner();
            Ok(MutationAnswer {
                printed: format!("{answer:?}"),
                bytes: answer.encode_to_vec(),
            })
        })
    };
    PreparedCall {
        person: person.clone(),
        send: Box::new(send),
    }
}

async fn person_with_app(service: &Service) -> (Person, EnrolledApp) {
    let jane = service.person().await;
    let app = jane.enroll_app(service).await;
    service.advance(60);
    (jane, app)
}

fn begin_sign_in(person: &Person, request: pb::BeginSignInRequest) -> PreparedCall {
    prepared(
        person,
        request,
        |request| &mut request.request_id,
        |mut to, request| async move { to.challenges.begin_sign_in(request).await },
    )
}

async fn sign_in_unasked(service: &Service) -> PreparedCall {
    let jane = service.person().await;
    begin_sign_in(&jane, jane.sign_in_request())
}

async fn sign_in_trusted(service: &Service) -> PreparedCall {
    let (jane, app) = person_with_app(service).await;
    let browser = Browser::new();
    browser.sign_in_and_trust(service, &jane, &app).await;
    begin_sign_in(&jane, browser.sign_in_request(&jane))
}

/// One challenge more than may be open: the oldest ends.
async fn supersede(service: &Service) -> PreparedCall {
    let (jane, _) = person_with_app(service).await;
    for _ in 0..5 {
        service.advance(1);
        jane.issue().await;
    }
    service.advance(1);
    prepared(
        &jane,
        jane.challenge_request(),
        |request| &mut request.request_id,
        |mut to, request| async move { to.challenges.issue_challenge(request).await },
    )
}

fn verifying(person: &Person, challenge_id: &str, code: &str) -> PreparedCall {
    prepared(
        person,
        person.verify_request(challenge_id, code),
        |request| &mut request.request_id,
        |mut to, request| async move { to.challenges.verify_challenge(request).await },
    )
}

async fn verify(service: &Service) -> PreparedCall {
    let (jane, app) = person_with_app(service).await;
    let challenge = jane.issue().await.challenge_id;
    verifying(&jane, &challenge, &app.app.code_at(service.seconds()))
}

async fn verify_wrong(service: &Service) -> PreparedCall {
    let (jane, app) = person_with_app(service).await;
    let challenge = jane.issue().await.challenge_id;
    let code = wrong(&app.app.code_at(service.seconds()));
    verifying(&jane, &challenge, &code)
}

async fn verify_recovery(service: &Service) -> PreparedCall {
    let (jane, app) = person_with_app(service).await;
    let challenge = jane.issue().await.challenge_id;
    verifying(&jane, &challenge, &app.recovery_codes[0])
}

async fn verify_bypass(service: &Service) -> PreparedCall {
    let (jane, _) = person_with_app(service).await;
    let issued = jane.bypass(jane.bypass_request()).await.unwrap();
    let challenge = jane.issue().await.challenge_id;
    verifying(&jane, &challenge, &issued.bypass_code)
}

async fn cancel(service: &Service) -> PreparedCall {
    let (jane, _) = person_with_app(service).await;
    let request = pb::CancelChallengeRequest {
        tenant_id: jane.tenant_id.clone(),
        user_id: jane.user_id.clone(),
        challenge_id: jane.issue().await.challenge_id,
        request_id: String::new(),
    };
    prepared(
        &jane,
        request,
        |request| &mut request.request_id,
        |mut to, request| async move { to.challenges.cancel_challenge(request).await },
    )
}

async fn trust_device(service: &Service) -> PreparedCall {
    let (jane, app) = person_with_app(service).await;
    let approved = Browser::new().sign_in(service, &jane, &app).await;
    let device = super::browser::current(&approved).device_id;
    prepared(
        &jane,
        jane.trust_request(&[&device], approval(&approved.approval_id)),
        |request| &mut request.request_id,
        |mut to, request| async move { to.devices.trust_device(request).await },
    )
}

async fn with_device(service: &Service) -> (Person, String) {
    let (jane, app) = person_with_app(service).await;
    let browser = Browser::new();
    let device = browser.sign_in_and_trust(service, &jane, &app).await;
    (jane, device.device_id)
}

async fn update_device(service: &Service) -> PreparedCall {
    let (jane, device_id) = with_device(service).await;
    let request = pb::UpdateDeviceRequest {
        tenant_id: jane.tenant_id.clone(),
        user_id: jane.user_id.clone(),
        device_id,
        name: "The one at home".to_owned(),
        ..pb::UpdateDeviceRequest::default()
    };
    prepared(
        &jane,
        request,
        |request| &mut request.request_id,
        |mut to, request| async move { to.devices.update_device(request).await },
    )
}

async fn revoke_device(service: &Service, not_me: bool) -> PreparedCall {
    let (jane, device_id) = with_device(service).await;
    prepared(
        &jane,
        jane.revoke_request(&device_id, not_me),
        |request| &mut request.request_id,
        |mut to, request| async move { to.devices.revoke_device(request).await },
    )
}

async fn revoke_all(service: &Service) -> PreparedCall {
    let (jane, _) = with_device(service).await;
    let request = pb::RevokeAllDevicesRequest {
        tenant_id: jane.tenant_id.clone(),
        user_id: jane.user_id.clone(),
        ..pb::RevokeAllDevicesRequest::default()
    };
    prepared(
        &jane,
        request,
        |request| &mut request.request_id,
        |mut to, request| async move { to.devices.revoke_all_devices(request).await },
    )
}

async fn begin_enrollment(service: &Service) -> PreparedCall {
    let jane = service.person().await;
    let authorization = jane.attested(service, add_method(MethodKind::Totp));
    let totp = pb::begin_enrollment_request::Method::Totp(pb::EnrollTotp {});
    prepared(
        &jane,
        jane.enrollment_request(totp, authorization),
        |request| &mut request.request_id,
        |mut to, request| async move { to.methods.begin_enrollment(request).await },
    )
}

async fn confirm_enrollment(service: &Service) -> PreparedCall {
    let jane = service.person().await;
    let authorization = jane.attested(service, add_method(MethodKind::Totp));
    let totp = pb::begin_enrollment_request::Method::Totp(pb::EnrollTotp {});
    let begun = jane.enrollment_request(totp, authorization);
    let begun = jane.begin_enrollment(begun).await.unwrap();
    let app = super::Authenticator::from_base32(&begun.totp.unwrap().secret);
    let challenge = begun.challenge.unwrap().challenge_id;
    prepared(
        &jane,
        jane.confirmation(&challenge, &app.code_at(service.seconds())),
        |request| &mut request.request_id,
        |mut to, request| async move { to.methods.confirm_enrollment(request).await },
    )
}

fn update_method(person: &Person, request: pb::UpdateMethodRequest) -> PreparedCall {
    let request = pb::UpdateMethodRequest {
        tenant_id: person.tenant_id.clone(),
        user_id: person.user_id.clone(),
        ..request
    };
    prepared(
        person,
        request,
        |request| &mut request.request_id,
        |mut to, request| async move { to.methods.update_method(request).await },
    )
}

async fn rename_method(service: &Service) -> PreparedCall {
    let (jane, app) = person_with_app(service).await;
    let request = pb::UpdateMethodRequest {
        method_id: app.method_id,
        label: "The new phone".to_owned(),
        ..pb::UpdateMethodRequest::default()
    };
    update_method(&jane, request)
}

/// A person with an app and a number, which comes second.
async fn with_two_methods(service: &Service) -> (Person, EnrolledApp, String) {
    let (jane, app) = person_with_app(service).await;
    let proof = jane.step_up(service, &app, add_method(MethodKind::Sms));
    let drawn = u64::from_str_radix(&unique(), 16).unwrap();
    let number = format!("+491512{:07}", drawn % 10_000_000);
    let number = jane.enroll_number(&number, proof.await).await;
    (jane, app, number.method.unwrap().method_id)
}

async fn set_default(service: &Service) -> PreparedCall {
    let (jane, app, number) = with_two_methods(service).await;
    let action = Action::SetDefaultMethod(pb::SetDefaultMethod {
        method_id: number.clone(),
    });
    let request = pb::UpdateMethodRequest {
        method_id: number,
        is_default: true,
        authorization: jane.step_up(service, &app, action).await,
        ..pb::UpdateMethodRequest::default()
    };
    update_method(&jane, request)
}

async fn delete_method(service: &Service) -> PreparedCall {
    let (jane, app, number) = with_two_methods(service).await;
    let action = Action::RemoveMethod(pb::RemoveMethod {
        method_id: number.clone(),
    });
    let request = pb::DeleteMethodRequest {
        tenant_id: jane.tenant_id.clone(),
        user_id: jane.user_id.clone(),
        method_id: number,
        authorization: jane.step_up(service, &app, action).await,
        ..pb::DeleteMethodRequest::default()
    };
    prepared(
        &jane,
        request,
        |request| &mut request.request_id,
        |mut to, request| async move { to.methods.delete_method(request).await },
    )
}

async fn disable(service: &Service) -> PreparedCall {
    let (jane, app) = person_with_app(service).await;
    let action = Action::DisableTwoFactor(pb::DisableTwoFactor {});
    let request = pb::DisableTwoFactorRequest {
        tenant_id: jane.tenant_id.clone(),
        user_id: jane.user_id.clone(),
        authorization: jane.step_up(service, &app, action).await,
        ..pb::DisableTwoFactorRequest::default()
    };
    prepared(
        &jane,
        request,
        |request| &mut request.request_id,
        |mut to, request| async move { to.methods.disable_two_factor(request).await },
    )
}

async fn revert(service: &Service) -> PreparedCall {
    let (jane, ..) = with_two_methods(service).await;
    let request = pb::RevertChangeRequest {
        tenant_id: jane.tenant_id.clone(),
        user_id: jane.user_id.clone(),
        revert_token: jane.revert_token(service).await,
        ..pb::RevertChangeRequest::default()
    };
    prepared(
        &jane,
        request,
        |request| &mut request.request_id,
        |mut to, request| async move { to.methods.revert_change(request).await },
    )
}

/// The audit record names the administrator, who is the person here.
async fn update_policy(service: &Service) -> PreparedCall {
    let jane = service.person().await;
    let request = pb::UpdatePolicyRequest {
        tenant_id: jane.tenant_id.clone(),
        policy: Some(pb::Policy {
            two_factor: Some(pb::TwoFactorMode::Required.into()),
            ..pb::Policy::default()
        }),
        acting_user_id: jane.user_id.clone(),
        reason: "the auditors asked for it".to_owned(),
        ..pb::UpdatePolicyRequest::default()
    };
    prepared(
        &jane,
        request,
        |request| &mut request.request_id,
        |mut to, request| async move { to.policies.update_policy(request).await },
    )
}

async fn generate(service: &Service) -> PreparedCall {
    let (jane, app) = person_with_app(service).await;
    let action = Action::GenerateRecoveryCodes(pb::GenerateRecoveryCodes {});
    let request = pb::GenerateRecoveryCodesRequest {
        tenant_id: jane.tenant_id.clone(),
        user_id: jane.user_id.clone(),
        authorization: jane.step_up(service, &app, action).await,
        ..pb::GenerateRecoveryCodesRequest::default()
    };
    prepared(
        &jane,
        request,
        |request| &mut request.request_id,
        |mut to, request| async move { to.recovery.generate_recovery_codes(request).await },
    )
}

async fn confirm_codes(service: &Service) -> PreparedCall {
    let (jane, _) = person_with_app(service).await;
    let request = pb::ConfirmRecoveryCodesRequest {
        tenant_id: jane.tenant_id.clone(),
        user_id: jane.user_id.clone(),
        ..pb::ConfirmRecoveryCodesRequest::default()
    };
    prepared(
        &jane,
        request,
        |request| &mut request.request_id,
        |mut to, request| async move { to.recovery.confirm_recovery_codes(request).await },
    )
}

fn asking_for_reset(person: &Person) -> PreparedCall {
    let request = pb::BeginResetRequest {
        tenant_id: person.tenant_id.clone(),
        whose: Some(by_login(person)),
        mailbox_is_independent: true,
        ..pb::BeginResetRequest::default()
    };
    prepared(
        person,
        request,
        |request| &mut request.request_id,
        |mut to, request| async move { to.recovery.begin_reset(request).await },
    )
}

async fn begin_reset(service: &Service) -> PreparedCall {
    let (jane, _) = who_lost_their_app(service).await;
    asking_for_reset(&jane)
}

/// A person whose reset has begun.
async fn with_reset(service: &Service) -> Person {
    let (jane, _) = who_lost_their_app(service).await;
    (asking_for_reset(&jane).send)(String::new()).await.unwrap();
    token(&jane, 1).await;
    jane
}

async fn confirm_reset(service: &Service) -> PreparedCall {
    let jane = with_reset(service).await;
    service.advance(HOLD);
    (asking_for_reset(&jane).send)(String::new()).await.unwrap();
    let request = pb::ConfirmResetRequest {
        tenant_id: jane.tenant_id.clone(),
        user_id: jane.user_id.clone(),
        code: mailed_code(&jane).await,
        ..pb::ConfirmResetRequest::default()
    };
    prepared(
        &jane,
        request,
        |request| &mut request.request_id,
        |mut to, request| async move { to.recovery.confirm_reset(request).await },
    )
}

async fn cancel_reset(service: &Service) -> PreparedCall {
    let jane = with_reset(service).await;
    let request = pb::CancelResetRequest {
        tenant_id: jane.tenant_id.clone(),
        user_id: jane.user_id.clone(),
        cancel_token: token(&jane, 1).await,
        ..pb::CancelResetRequest::default()
    };
    prepared(
        &jane,
        request,
        |request| &mut request.request_id,
        |mut to, request| async move { to.recovery.cancel_reset(request).await },
    )
}

fn upserting(person: &Person, profile: pb::Profile) -> PreparedCall {
    let request = pb::UpsertUserRequest {
        tenant_id: person.tenant_id.clone(),
        user_id: person.user_id.clone(),
        profile: Some(profile),
        ..pb::UpsertUserRequest::default()
    };
    prepared(
        person,
        request,
        |request| &mut request.request_id,
        |mut to, request| async move { to.users.upsert_user(request).await },
    )
}

async fn upsert_new(service: &Service) -> PreparedCall {
    let joe = Person {
        user_id: format!("joe-{}", unique()),
        ..service.person().await
    };
    let profile = pb::Profile {
        email: joe.email.clone(),
        email_verified: true,
        ..pb::Profile::default()
    };
    upserting(&joe, profile)
}

async fn upsert_known(service: &Service) -> PreparedCall {
    let (jane, _) = person_with_app(service).await;
    let profile = pb::Profile {
        email: format!("other-{}", jane.email),
        email_verified: true,
        ..pb::Profile::default()
    };
    upserting(&jane, profile)
}

async fn reset_user(service: &Service) -> PreparedCall {
    let (jane, _) = person_with_app(service).await;
    prepared(
        &jane,
        jane.reset_request(),
        |request| &mut request.request_id,
        |mut to, request| async move { to.users.reset_user(request).await },
    )
}

async fn unlock_user(service: &Service) -> PreparedCall {
    let (jane, app) = person_with_app(service).await;
    let challenge = jane.issue().await.challenge_id;
    let code = wrong(&app.app.code_at(service.seconds()));
    jane.rejected(&challenge, &code).await;
    prepared(
        &jane,
        jane.unlock_request(),
        |request| &mut request.request_id,
        |mut to, request| async move { to.users.unlock_user(request).await },
    )
}

async fn issue_bypass(service: &Service) -> PreparedCall {
    let (jane, _) = person_with_app(service).await;
    prepared(
        &jane,
        jane.bypass_request(),
        |request| &mut request.request_id,
        |mut to, request| async move { to.users.issue_bypass_code(request).await },
    )
}

async fn export_user(service: &Service) -> PreparedCall {
    let (jane, _) = person_with_app(service).await;
    let request = pb::ExportUserRequest {
        tenant_id: jane.tenant_id.clone(),
        user_id: jane.user_id.clone(),
        page_token: String::new(),
    };
    let clients = jane.clients.clone();
    let send = move |_| -> BoxFuture<'static, Result<MutationAnswer, Status>> {
        let (mut to, request) = (clients.users.clone(), request.clone());
        Box::pin(async move {
            let answer = to.export_user(request).await?.into_inner();
            Ok(MutationAnswer {
                printed: format!("{answer:?}"),
                bytes: Vec::new(),
            })
        })
    };
    PreparedCall {
        person: jane,
        send: Box::new(send),
    }
}

async fn delete_user(service: &Service) -> PreparedCall {
    let (jane, _) = person_with_app(service).await;
    // A deletion drops the notices that still wait: none may, or the messages depend on who is faster.
    service.wait_for_notices().await;
    let request = pb::DeleteUserRequest {
        tenant_id: jane.tenant_id.clone(),
        user_id: jane.user_id.clone(),
        request_id: String::new(),
    };
    prepared(
        &jane,
        request,
        |request| &mut request.request_id,
        |mut to, request| async move { to.users.delete_user(request).await },
    )
}
