//! Browsers and apps: they keep one device token for each user, and send it along.

use crate::support::{EnrolledApp, Person, Service};
use countersign_proto::v1::{self as pb, begin_sign_in_response::Decision};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};
use tonic::Status;

/// A client that keeps what it is given.
#[derive(Clone)]
pub(crate) struct Browser {
    app: pb::ClientApp,
    tokens: Arc<Mutex<HashMap<(String, String), String>>>,
}

impl Browser {
    pub(crate) fn new() -> Self {
        Self {
            app: pb::ClientApp::Browser,
            tokens: Arc::default(),
        }
    }

    /// The company's app on a telephone.
    pub(crate) fn mobile_app() -> Self {
        Self {
            app: pb::ClientApp::Mobile,
            ..Self::new()
        }
    }

    /// All that it keeps, in other hands.
    pub(crate) fn stolen(&self) -> Self {
        let tokens = self.tokens.lock().unwrap().clone();
        Self {
            app: self.app,
            tokens: Arc::new(Mutex::new(tokens)),
        }
    }

    /// "Clear cookies and site data".
    pub(crate) fn clear(&self) {
        self.tokens.lock().unwrap().clear();
    }

    pub(crate) fn token(&self, person: &Person) -> String {
        let of = (person.tenant_id.clone(), person.user_id.clone());
        let tokens = self.tokens.lock().unwrap();
        tokens.get(&of).cloned().unwrap_or_default()
    }

    /// Keeps a token; an empty one leaves what it has.
    pub(crate) fn keep(&self, person: &Person, token: &str) {
        if !token.is_empty() {
            let of = (person.tenant_id.clone(), person.user_id.clone());
            self.tokens.lock().unwrap().insert(of, token.to_owned());
        }
    }

    pub(crate) fn context(&self, person: &Person) -> Option<pb::ClientContext> {
        Some(pb::ClientContext {
            device_token: self.token(person),
            user_agent: "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
                .to_owned(),
            app: self.app.into(),
            ..pb::ClientContext::default()
        })
    }

    /// Begins a sign-in, and keeps what it is given.
    pub(crate) async fn begin(&self, person: &Person) -> Result<Decision, Status> {
        let decision = self.begin_and_lose(person).await?;
        if let Decision::Allowed(allowed) = &decision {
            self.keep(person, &allowed.device_token);
        }
        Ok(decision)
    }

    /// Begins a sign-in; the answer never arrives.
    pub(crate) async fn begin_and_lose(&self, person: &Person) -> Result<Decision, Status> {
        person
            .begin_sign_in_with(self.sign_in_request(person))
            .await
    }

    pub(crate) fn sign_in_request(&self, person: &Person) -> pb::BeginSignInRequest {
        pb::BeginSignInRequest {
            context: self.context(person),
            ..person.sign_in_request()
        }
    }

    /// Whether a sign-in goes on without a code.
    pub(crate) async fn skips_second_factor(&self, person: &Person) -> bool {
        match self.begin(person).await.unwrap() {
            Decision::Allowed(allowed) => {
                assert_eq!(allowed.reason(), pb::AllowedReason::TrustedDevice);
                true
            }
            decision => {
                assert!(matches!(decision, Decision::ChallengeRequired(_)));
                false
            }
        }
    }

    /// Signs in with a code of an app, and keeps what it is given.
    pub(crate) async fn sign_in(
        &self,
        service: &Service,
        person: &Person,
        app: &EnrolledApp,
    ) -> pb::Approved {
        self.sign_in_with(service, person, app, self.context(person).unwrap())
            .await
    }

    /// Signs in with a code of an app, from a client that its caller describes so.
    pub(crate) async fn sign_in_with(
        &self,
        service: &Service,
        person: &Person,
        app: &EnrolledApp,
        context: pb::ClientContext,
    ) -> pb::Approved {
        service.advance(30);
        let request = pb::IssueChallengeRequest {
            context: Some(context.clone()),
            answer_with: Some(pb::issue_challenge_request::AnswerWith::MethodId(
                app.method_id.clone(),
            )),
            ..person.challenge_request()
        };
        let challenge = person.issue_with(request).await.unwrap();
        let code = app.app.code_at(service.seconds());
        let answer = pb::VerifyChallengeRequest {
            context: Some(context.clone()),
            ..person.verify_request(&challenge.challenge_id, &code)
        };
        match person.verify_with(answer).await {
            Ok(pb::verify_challenge_response::Verdict::Approved(approved)) => {
                self.keep(person, &approved.device_token);
                approved
            }
            other => panic!("should have been approved: {other:?}"),
        }
    }

    /// Signs in with a code, and answers the question about trust with yes.
    pub(crate) async fn sign_in_and_trust(
        &self,
        service: &Service,
        person: &Person,
        app: &EnrolledApp,
    ) -> pb::Device {
        let approved = self.sign_in(service, person, app).await;
        let device = current(&approved);
        let proof = super::person::approval(&approved.approval_id);
        let trusted = person.trust(&[&device.device_id], proof).await.unwrap();
        let [device] = trusted.devices.try_into().unwrap();
        assert!(device.trusted);
        device
    }
}

/// The device that signed in.
pub(crate) fn current(approved: &pb::Approved) -> pb::Device {
    let current = approved.devices.iter().find(|device| device.current);
    current
        .expect("a sign-in by a method is a device's")
        .clone()
}

impl Person {
    pub(crate) async fn devices(&self) -> Vec<pb::Device> {
        let request = pb::ListDevicesRequest {
            tenant_id: self.tenant_id.clone(),
            user_id: self.user_id.clone(),
            context: None,
        };
        let response = self.clients.devices.clone().list_devices(request).await;
        response.unwrap().into_inner().devices
    }

    pub(crate) fn trust_request(
        &self,
        device_ids: &[&str],
        authorization: Option<pb::Authorization>,
    ) -> pb::TrustDeviceRequest {
        pb::TrustDeviceRequest {
            tenant_id: self.tenant_id.clone(),
            user_id: self.user_id.clone(),
            device_ids: device_ids.iter().map(ToString::to_string).collect(),
            authorization,
            ..pb::TrustDeviceRequest::default()
        }
    }

    pub(crate) async fn trust_with(
        &self,
        request: pb::TrustDeviceRequest,
    ) -> Result<pb::TrustDeviceResponse, Status> {
        let response = self.clients.devices.clone().trust_device(request).await?;
        Ok(response.into_inner())
    }

    pub(crate) async fn trust(
        &self,
        device_ids: &[&str],
        authorization: Option<pb::Authorization>,
    ) -> Result<pb::TrustDeviceResponse, Status> {
        self.trust_with(self.trust_request(device_ids, authorization))
            .await
    }

    pub(crate) fn revoke_request(&self, device_id: &str, not_me: bool) -> pb::RevokeDeviceRequest {
        pb::RevokeDeviceRequest {
            tenant_id: self.tenant_id.clone(),
            user_id: self.user_id.clone(),
            device_id: device_id.to_owned(),
            not_me,
            ..pb::RevokeDeviceRequest::default()
        }
    }

    pub(crate) async fn revoke_with(
        &self,
        request: pb::RevokeDeviceRequest,
    ) -> Result<Vec<pb::QueuedNotice>, Status> {
        let response = self.clients.devices.clone().revoke_device(request).await?;
        Ok(response.into_inner().queued_notices)
    }

    pub(crate) async fn revoke(
        &self,
        device_id: &str,
        not_me: bool,
    ) -> Result<Vec<pb::QueuedNotice>, Status> {
        self.revoke_with(self.revoke_request(device_id, not_me))
            .await
    }

    pub(crate) async fn revoke_all(&self) -> Result<(), Status> {
        let request = pb::RevokeAllDevicesRequest {
            tenant_id: self.tenant_id.clone(),
            user_id: self.user_id.clone(),
            ..pb::RevokeAllDevicesRequest::default()
        };
        let mut devices = self.clients.devices.clone();
        devices.revoke_all_devices(request).await.map(drop)
    }

    pub(crate) async fn rename_device(
        &self,
        device_id: &str,
        name: &str,
    ) -> Result<pb::Device, Status> {
        let request = pb::UpdateDeviceRequest {
            tenant_id: self.tenant_id.clone(),
            user_id: self.user_id.clone(),
            device_id: device_id.to_owned(),
            name: name.to_owned(),
            ..pb::UpdateDeviceRequest::default()
        };
        let response = self.clients.devices.clone().update_device(request).await?;
        Ok(response.into_inner().device.unwrap())
    }
}
