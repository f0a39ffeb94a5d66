//! How users come to have methods, recovery codes and devices.

use super::{AuthenticatorApp, BenchClients, BenchUser, Users, codes::unix_seconds};
use crate::BenchResult;
use countersign_proto::v1::{self as pb, confirm_enrollment_response::Verdict as Confirmed};
use std::sync::Arc;

impl Users {
    /// A user with an app and recovery codes.
    pub(crate) async fn enroll(self: Arc<Self>, call: usize) -> BenchResult<()> {
        self.upsert(call, None).await?;
        self.enroll_first_app(call).await
    }

    pub(super) async fn upsert(&self, call: usize, groups: Option<pb::Groups>) -> BenchResult<()> {
        let (mut clients, user) = self.of_call(call)?;
        let profile = pb::Profile {
            email: user.email.clone(),
            email_verified: true,
            groups,
            ..pb::Profile::default()
        };
        let upsert = pb::UpsertUserRequest {
            tenant_id: user.tenant.clone(),
            user_id: user.id.clone(),
            profile: Some(profile),
            ..pb::UpsertUserRequest::default()
        };
        clients.users.upsert_user(upsert).await?;
        Ok(())
    }

    /// The first app, which brings recovery codes.
    pub(super) async fn enroll_first_app(&self, call: usize) -> BenchResult<()> {
        let user = self.of_call(call)?.1;
        let enrolled = self.enroll_app(call).await?;
        let codes = enrolled.recovery_codes.ok_or("no recovery codes")?.codes;
        let code = codes.into_iter().next().ok_or("no recovery codes")?;
        user.change(|state| state.recovery_code = code);
        Ok(())
    }

    /// A trusted device and an e-mail address besides.
    pub(crate) async fn equip(self: Arc<Self>, call: usize) -> BenchResult<()> {
        let user = self.of_call(call)?.1;
        self.issue(call, None).await?;
        let approved = self.answer(call, user.code(1)?).await?;
        user.change(|state| {
            state.device_token.clone_from(&approved.device_token);
            state.first_device_token.clone_from(&approved.device_token);
        });
        let current = approved.devices.iter().find(|device| device.current);
        let device = current.ok_or("no device")?.device_id.clone();
        self.trust(call, approved.approval_id, vec![device]).await?;
        self.enroll_email(call).await
    }

    /// An authenticator app.
    pub(super) async fn enroll_app(&self, call: usize) -> BenchResult<pb::Enrolled> {
        let (mut clients, user) = self.of_call(call)?;
        let app = pb::begin_enrollment_request::Method::Totp(pb::EnrollTotp {});
        let request = enrollment(user, app, pb::MethodKind::Totp)?;
        let begun = clients
            .methods
            .begin_enrollment(request)
            .await?
            .into_inner();
        let setup = begun.totp.ok_or("no setup")?;
        let mut app = AuthenticatorApp {
            secret: data_encoding::BASE32_NOPAD.decode(setup.secret.as_bytes())?,
            method: String::new(),
        };
        let challenge = begun.challenge.ok_or("no challenge")?.challenge_id;
        let enrolled = confirm(&mut clients, user, challenge, app.code(0)?).await?;
        let method = enrolled.method.as_ref().ok_or("no method")?;
        app.method.clone_from(&method.method_id);
        user.change(|state| state.apps.push(app));
        Ok(enrolled)
    }

    pub(super) async fn enroll_email(&self, call: usize) -> BenchResult<()> {
        let (mut clients, user) = self.of_call(call)?;
        let email = pb::begin_enrollment_request::Method::Email(pb::EnrollEmail {});
        let request = enrollment(user, email, pb::MethodKind::Email)?;
        let begun = clients
            .methods
            .begin_enrollment(request)
            .await?
            .into_inner();
        let challenge = begun.challenge.ok_or("no challenge")?.challenge_id;
        let code = self.sink.take_code(&user.email).await?;
        let enrolled = confirm(&mut clients, user, challenge, code).await?;
        let method = enrolled.method.ok_or("no method")?.method_id;
        user.change(|state| state.email_method = method);
        Ok(())
    }

    /// Trusts devices with the approval of a sign-in.
    pub(super) async fn trust(
        &self,
        call: usize,
        approval: String,
        device_ids: Vec<String>,
    ) -> BenchResult<()> {
        let (mut clients, user) = self.of_call(call)?;
        let proof = pb::authorization::Proof::ApprovalId(approval);
        let trust = pb::TrustDeviceRequest {
            tenant_id: user.tenant.clone(),
            user_id: user.id.clone(),
            device_ids,
            authorization: Some(pb::Authorization { proof: Some(proof) }),
            ..pb::TrustDeviceRequest::default()
        };
        clients.devices.trust_device(trust).await?;
        Ok(())
    }
}

/// A request that the caller's word for a fresh first factor authorizes.
fn enrollment(
    user: &BenchUser,
    method: pb::begin_enrollment_request::Method,
    kind: pb::MethodKind,
) -> BenchResult<pb::BeginEnrollmentRequest> {
    let action = pb::action::Action::AddMethod(pb::AddMethod { kind: kind.into() });
    let apps = user.state().apps.len();
    let attestation = pb::Attestation {
        attestation_id: format!("first-factor-of-{}-{kind:?}-{apps}", user.id),
        authenticated_time: Some(prost_types::Timestamp {
            seconds: unix_seconds()?,
            nanos: 0,
        }),
        action: Some(pb::Action {
            action: Some(action),
        }),
    };
    Ok(pb::BeginEnrollmentRequest {
        tenant_id: user.tenant.clone(),
        user_id: user.id.clone(),
        method: Some(method),
        authorization: Some(pb::Authorization {
            proof: Some(pb::authorization::Proof::Attestation(attestation)),
        }),
        ..pb::BeginEnrollmentRequest::default()
    })
}

async fn confirm(
    clients: &mut BenchClients,
    user: &BenchUser,
    challenge_id: String,
    code: String,
) -> BenchResult<pb::Enrolled> {
    let request = pb::ConfirmEnrollmentRequest {
        tenant_id: user.tenant.clone(),
        user_id: user.id.clone(),
        challenge_id,
        code,
        ..pb::ConfirmEnrollmentRequest::default()
    };
    let response = clients.methods.confirm_enrollment(request).await?;
    match response.into_inner().verdict {
        Some(Confirmed::Enrolled(enrolled)) => Ok(enrolled),
        other => Err(format!("not enrolled: {other:?}").into()),
    }
}
