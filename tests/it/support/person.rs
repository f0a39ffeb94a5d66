//! A person with a login, and what a caller does on their behalf.

use crate::support::{Authenticator, Clients, Service, service::unique};
use countersign_domain::{
    method::MethodKind as Kind,
    policy::PolicyOverride,
    value::id::{Subject, TenantId, UserId},
};
use countersign_proto::{testing, v1 as pb};
use tonic::Status;

/// A person with a login.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) clients: Clients,
    pub(crate) tenant_id: String,
    pub(crate) user_id: String,
    pub(crate) email: String,
}

/// A confirmed app, and what came with it.
pub(crate) struct EnrolledApp {
    pub(crate) app: Authenticator,
    pub(crate) method_id: String,
    pub(crate) recovery_codes: Vec<String>,
}

impl Person {
    pub(crate) async fn new(clients: Clients, tenant_id: String, user_id: &str) -> Self {
        let may_stand =
            |character: &char| character.is_ascii_alphanumeric() || "._+-".contains(*character);
        let local: String = user_id.chars().filter(may_stand).collect();
        let local = if local.is_empty() { "someone" } else { &local };
        let person = Self {
            clients,
            email: format!("{local}@{tenant_id}.example.com"),
            tenant_id,
            user_id: user_id.to_owned(),
        };
        let profile = pb::Profile {
            email: person.email.clone(),
            email_verified: true,
            ..pb::Profile::default()
        };
        person.upsert(profile).await.unwrap();
        person
    }

    /// The same person as another caller sees them.
    pub(crate) fn through(&self, clients: Clients) -> Self {
        Self {
            clients,
            ..self.clone()
        }
    }

    /// The person as the stores know them.
    pub(crate) fn subject(&self) -> Subject {
        Subject {
            tenant: TenantId::parse(&self.tenant_id).unwrap(),
            user: UserId::parse(&self.user_id).unwrap(),
        }
    }

    /// Another user of the same tenant.
    pub(crate) async fn colleague(&self, user_id: &str) -> Self {
        Self::new(self.clients.clone(), self.tenant_id.clone(), user_id).await
    }

    pub(crate) async fn upsert(&self, profile: pb::Profile) -> Result<pb::User, Status> {
        let request = pb::UpsertUserRequest {
            tenant_id: self.tenant_id.clone(),
            user_id: self.user_id.clone(),
            profile: Some(profile),
            ..pb::UpsertUserRequest::default()
        };
        Ok(self
            .clients
            .users
            .clone()
            .upsert_user(request)
            .await?
            .into_inner()
            .user
            .unwrap())
    }

    pub(crate) async fn get(&self) -> Result<pb::User, Status> {
        let request = pb::GetUserRequest {
            tenant_id: self.tenant_id.clone(),
            user_id: self.user_id.clone(),
        };
        Ok(self
            .clients
            .users
            .clone()
            .get_user(request)
            .await?
            .into_inner()
            .user
            .unwrap())
    }

    pub(crate) async fn delete(&self) -> Result<(), Status> {
        let request = pb::DeleteUserRequest {
            tenant_id: self.tenant_id.clone(),
            user_id: self.user_id.clone(),
            request_id: String::new(),
        };
        self.clients
            .users
            .clone()
            .delete_user(request)
            .await
            .map(drop)
    }

    pub(crate) fn sign_in_request(&self) -> pb::BeginSignInRequest {
        pb::BeginSignInRequest {
            tenant_id: self.tenant_id.clone(),
            user_id: self.user_id.clone(),
            first_factor: pb::FirstFactor::Password.into(),
            ..pb::BeginSignInRequest::default()
        }
    }

    pub(crate) async fn begin_sign_in(
        &self,
    ) -> Result<pb::begin_sign_in_response::Decision, Status> {
        self.begin_sign_in_with(self.sign_in_request()).await
    }

    pub(crate) async fn begin_sign_in_with(
        &self,
        request: pb::BeginSignInRequest,
    ) -> Result<pb::begin_sign_in_response::Decision, Status> {
        Ok(self
            .clients
            .challenges
            .clone()
            .begin_sign_in(request)
            .await?
            .into_inner()
            .decision
            .unwrap())
    }

    /// A request for a sign-in challenge of the default method.
    pub(crate) fn challenge_request(&self) -> pb::IssueChallengeRequest {
        pb::IssueChallengeRequest {
            tenant_id: self.tenant_id.clone(),
            user_id: self.user_id.clone(),
            purpose: Some(pb::issue_challenge_request::Purpose::SignIn(pb::SignIn {})),
            ..pb::IssueChallengeRequest::default()
        }
    }

    pub(crate) async fn issue_with(
        &self,
        request: pb::IssueChallengeRequest,
    ) -> Result<pb::Challenge, Status> {
        Ok(self
            .clients
            .challenges
            .clone()
            .issue_challenge(request)
            .await?
            .into_inner()
            .challenge
            .unwrap())
    }

    /// A sign-in challenge of the default method.
    pub(crate) async fn issue(&self) -> pb::Challenge {
        self.issue_with(self.challenge_request()).await.unwrap()
    }

    /// A sign-in challenge of this method.
    pub(crate) async fn issue_for(&self, method_id: &str) -> Result<pb::Challenge, Status> {
        let request = pb::IssueChallengeRequest {
            answer_with: Some(pb::issue_challenge_request::AnswerWith::MethodId(
                method_id.to_owned(),
            )),
            ..self.challenge_request()
        };
        self.issue_with(request).await
    }

    pub(crate) async fn issue_recovery_only(&self) -> Result<pb::Challenge, Status> {
        let request = pb::IssueChallengeRequest {
            answer_with: Some(pb::issue_challenge_request::AnswerWith::RecoveryOnly(
                pb::RecoveryOnly {},
            )),
            ..self.challenge_request()
        };
        self.issue_with(request).await
    }

    pub(crate) async fn issue_verify_email(&self) -> Result<pb::Challenge, Status> {
        let request = pb::IssueChallengeRequest {
            purpose: Some(pb::issue_challenge_request::Purpose::VerifyEmail(
                pb::VerifyEmail {},
            )),
            ..self.challenge_request()
        };
        self.issue_with(request).await
    }

    pub(crate) fn step_up_request(&self, action: pb::action::Action) -> pb::IssueChallengeRequest {
        let action = Some(pb::Action {
            action: Some(action),
        });
        pb::IssueChallengeRequest {
            purpose: Some(pb::issue_challenge_request::Purpose::StepUp(pb::StepUp {
                action,
                transaction_text: String::new(),
            })),
            ..self.challenge_request()
        }
    }

    pub(crate) async fn resend(&self, challenge_id: &str) -> Result<pb::Challenge, Status> {
        let request = pb::ResendChallengeRequest {
            tenant_id: self.tenant_id.clone(),
            user_id: self.user_id.clone(),
            challenge_id: challenge_id.to_owned(),
            request_id: String::new(),
        };
        Ok(self
            .clients
            .challenges
            .clone()
            .resend_challenge(request)
            .await?
            .into_inner()
            .challenge
            .unwrap())
    }

    pub(crate) async fn get_challenge(&self, challenge_id: &str) -> Result<pb::Challenge, Status> {
        let request = pb::GetChallengeRequest {
            tenant_id: self.tenant_id.clone(),
            user_id: self.user_id.clone(),
            challenge_id: challenge_id.to_owned(),
        };
        Ok(self
            .clients
            .challenges
            .clone()
            .get_challenge(request)
            .await?
            .into_inner()
            .challenge
            .unwrap())
    }

    pub(crate) async fn cancel(&self, challenge_id: &str) -> Result<(), Status> {
        let request = pb::CancelChallengeRequest {
            tenant_id: self.tenant_id.clone(),
            user_id: self.user_id.clone(),
            challenge_id: challenge_id.to_owned(),
            request_id: String::new(),
        };
        self.clients
            .challenges
            .clone()
            .cancel_challenge(request)
            .await
            .map(drop)
    }

    pub(crate) fn verify_request(
        &self,
        challenge_id: &str,
        code: &str,
    ) -> pb::VerifyChallengeRequest {
        pb::VerifyChallengeRequest {
            tenant_id: self.tenant_id.clone(),
            user_id: self.user_id.clone(),
            challenge_id: challenge_id.to_owned(),
            code: code.to_owned(),
            ..pb::VerifyChallengeRequest::default()
        }
    }

    pub(crate) async fn verify_with(
        &self,
        request: pb::VerifyChallengeRequest,
    ) -> Result<pb::verify_challenge_response::Verdict, Status> {
        Ok(self
            .clients
            .challenges
            .clone()
            .verify_challenge(request)
            .await?
            .into_inner()
            .verdict
            .unwrap())
    }

    pub(crate) async fn verify(
        &self,
        challenge_id: &str,
        code: &str,
    ) -> Result<pb::verify_challenge_response::Verdict, Status> {
        self.verify_with(self.verify_request(challenge_id, code))
            .await
    }

    /// An answer that has to be approved.
    #[track_caller]
    pub(crate) fn approved(
        &self,
        challenge_id: &str,
        code: &str,
    ) -> impl Future<Output = pb::Approved> {
        let asked = std::panic::Location::caller();
        let (person, request) = (self.clone(), self.verify_request(challenge_id, code));
        async move {
            match person.verify_with(request).await {
                Ok(pb::verify_challenge_response::Verdict::Approved(approved)) => approved,
                other => panic!("should have been approved at {asked}: {other:?}"),
            }
        }
    }

    /// An answer that has to be rejected.
    #[track_caller]
    pub(crate) fn rejected(
        &self,
        challenge_id: &str,
        code: &str,
    ) -> impl Future<Output = pb::Rejected> {
        let asked = std::panic::Location::caller();
        let (person, request) = (self.clone(), self.verify_request(challenge_id, code));
        async move {
            match person.verify_with(request).await {
                Ok(pb::verify_challenge_response::Verdict::Rejected(rejected)) => rejected,
                other => panic!("should have been rejected at {asked}: {other:?}"),
            }
        }
    }

    /// What an administrator does for this person.
    pub(crate) async fn reset(
        &self,
        request: pb::ResetUserRequest,
    ) -> Result<pb::ResetUserResponse, Status> {
        Ok(self
            .clients
            .users
            .clone()
            .reset_user(request)
            .await?
            .into_inner())
    }

    pub(crate) fn reset_request(&self) -> pb::ResetUserRequest {
        pb::ResetUserRequest {
            tenant_id: self.tenant_id.clone(),
            user_id: self.user_id.clone(),
            acting_user_id: "admin".to_owned(),
            reason: "lost the phone, ticket 4711".to_owned(),
            ..pb::ResetUserRequest::default()
        }
    }

    pub(crate) async fn unlock(
        &self,
        request: pb::UnlockUserRequest,
    ) -> Result<pb::UnlockUserResponse, Status> {
        Ok(self
            .clients
            .users
            .clone()
            .unlock_user(request)
            .await?
            .into_inner())
    }

    pub(crate) fn unlock_request(&self) -> pb::UnlockUserRequest {
        pb::UnlockUserRequest {
            tenant_id: self.tenant_id.clone(),
            user_id: self.user_id.clone(),
            acting_user_id: "admin".to_owned(),
            reason: "typed the codes of another account".to_owned(),
            ..pb::UnlockUserRequest::default()
        }
    }

    pub(crate) async fn bypass(
        &self,
        request: pb::IssueBypassCodeRequest,
    ) -> Result<pb::IssueBypassCodeResponse, Status> {
        Ok(self
            .clients
            .users
            .clone()
            .issue_bypass_code(request)
            .await?
            .into_inner())
    }

    pub(crate) fn bypass_request(&self) -> pb::IssueBypassCodeRequest {
        pb::IssueBypassCodeRequest {
            tenant_id: self.tenant_id.clone(),
            user_id: self.user_id.clone(),
            acting_user_id: "admin".to_owned(),
            reason: "left the phone at home".to_owned(),
            ..pb::IssueBypassCodeRequest::default()
        }
    }

    pub(crate) async fn settings(&self) -> pb::GetMethodSettingsResponse {
        let request = pb::GetMethodSettingsRequest {
            tenant_id: self.tenant_id.clone(),
            user_id: self.user_id.clone(),
            context: None,
        };
        self.clients
            .methods
            .clone()
            .get_method_settings(request)
            .await
            .unwrap()
            .into_inner()
    }

    /// The caller's word for a fresh first factor, by the service's clock.
    #[expect(clippy::unused_self, reason = "the word is for this person")]
    pub(crate) fn attested(
        &self,
        service: &Service,
        action: pb::action::Action,
    ) -> Option<pb::Authorization> {
        attested_at(service.seconds(), action)
    }

    pub(crate) fn enrollment_request(
        &self,
        method: pb::begin_enrollment_request::Method,
        authorization: Option<pb::Authorization>,
    ) -> pb::BeginEnrollmentRequest {
        pb::BeginEnrollmentRequest {
            tenant_id: self.tenant_id.clone(),
            user_id: self.user_id.clone(),
            method: Some(method),
            authorization,
            ..pb::BeginEnrollmentRequest::default()
        }
    }

    pub(crate) async fn begin_enrollment(
        &self,
        request: pb::BeginEnrollmentRequest,
    ) -> Result<pb::BeginEnrollmentResponse, Status> {
        Ok(self
            .clients
            .methods
            .clone()
            .begin_enrollment(request)
            .await?
            .into_inner())
    }

    pub(crate) fn confirmation(
        &self,
        challenge_id: &str,
        code: &str,
    ) -> pb::ConfirmEnrollmentRequest {
        pb::ConfirmEnrollmentRequest {
            tenant_id: self.tenant_id.clone(),
            user_id: self.user_id.clone(),
            challenge_id: challenge_id.to_owned(),
            code: code.to_owned(),
            ..pb::ConfirmEnrollmentRequest::default()
        }
    }

    pub(crate) async fn confirm_with(
        &self,
        request: pb::ConfirmEnrollmentRequest,
    ) -> Result<pb::confirm_enrollment_response::Verdict, Status> {
        Ok(self
            .clients
            .methods
            .clone()
            .confirm_enrollment(request)
            .await?
            .into_inner()
            .verdict
            .unwrap())
    }

    /// A set-up code that has to be accepted.
    pub(crate) async fn confirm(&self, challenge_id: &str, code: &str) -> pb::Enrolled {
        match self
            .confirm_with(self.confirmation(challenge_id, code))
            .await
        {
            Ok(pb::confirm_enrollment_response::Verdict::Enrolled(enrolled)) => enrolled,
            other => panic!("should have been enrolled: {other:?}"),
        }
    }

    /// Enrolls an app as the first method.
    pub(crate) async fn enroll_app(&self, service: &Service) -> EnrolledApp {
        let authorization = self.attested(service, add_method(pb::MethodKind::Totp));
        self.enroll_app_with(service, authorization).await
    }

    pub(crate) async fn enroll_app_with(
        &self,
        service: &Service,
        authorization: Option<pb::Authorization>,
    ) -> EnrolledApp {
        let method = pb::begin_enrollment_request::Method::Totp(pb::EnrollTotp {});
        let begun = self
            .begin_enrollment(self.enrollment_request(method, authorization))
            .await
            .unwrap();
        let app = Authenticator::from_base32(&begun.totp.unwrap().secret);
        let code = app.code_at(service.seconds());
        let enrolled = self
            .confirm(&begun.challenge.unwrap().challenge_id, &code)
            .await;
        EnrolledApp {
            app,
            method_id: enrolled.method.unwrap().method_id,
            recovery_codes: enrolled
                .recovery_codes
                .map(|codes| codes.codes)
                .unwrap_or_default(),
        }
    }

    /// Enrolls a number; gives its method.
    pub(crate) async fn enroll_number(
        &self,
        number: &str,
        authorization: Option<pb::Authorization>,
    ) -> pb::Enrolled {
        let sms = pb::EnrollSms {
            phone_number: number.to_owned(),
        };
        let method = pb::begin_enrollment_request::Method::Sms(sms);
        let begun = self
            .begin_enrollment(self.enrollment_request(method, authorization))
            .await
            .unwrap();
        let code = self.last_code("").await;
        self.confirm(&begun.challenge.unwrap().challenge_id, &code)
            .await
    }

    /// Enrolls the address on file; gives its method.
    pub(crate) async fn enroll_email(
        &self,
        authorization: Option<pb::Authorization>,
    ) -> pb::Enrolled {
        let method = pb::begin_enrollment_request::Method::Email(pb::EnrollEmail {});
        let begun = self
            .begin_enrollment(self.enrollment_request(method, authorization))
            .await
            .unwrap();
        let code = self.last_code(&self.email).await;
        self.confirm(&begun.challenge.unwrap().challenge_id, &code)
            .await
    }

    /// Passes a step-up for an action with an app, a step later than whatever it was used for before.
    pub(crate) async fn step_up(
        &self,
        service: &Service,
        app: &EnrolledApp,
        action: pb::action::Action,
    ) -> Option<pb::Authorization> {
        service.advance(30);
        let request = pb::IssueChallengeRequest {
            answer_with: Some(pb::issue_challenge_request::AnswerWith::MethodId(
                app.method_id.clone(),
            )),
            ..self.step_up_request(action)
        };
        let challenge = self.issue_with(request).await.unwrap();
        let approved = self
            .approved(&challenge.challenge_id, &app.app.code_at(service.seconds()))
            .await;
        approval(&approved.approval_id)
    }

    /// An approval that is too weak for its action now: when its challenge was issued, no stronger method was allowed.
    pub(crate) async fn weak_approval(
        &self,
        service: &Service,
        method_id: &str,
        action: pb::action::Action,
    ) -> Option<pb::Authorization> {
        let without_apps = service.under(PolicyOverride {
            allowed_kinds: Some([Kind::Sms, Kind::Email].into_iter().collect()),
            ..PolicyOverride::default()
        });
        let person = self.through(without_apps.portal());
        let request = person.step_up_by(method_id, action);
        let challenge = person.issue_with(request).await.unwrap();
        let code = person.last_code("").await;
        let approved = person.approved(&challenge.challenge_id, &code).await;
        approval(&approved.approval_id)
    }

    /// A request for a step-up by this method.
    pub(crate) fn step_up_by(
        &self,
        method_id: &str,
        action: pb::action::Action,
    ) -> pb::IssueChallengeRequest {
        pb::IssueChallengeRequest {
            answer_with: Some(pb::issue_challenge_request::AnswerWith::MethodId(
                method_id.to_owned(),
            )),
            ..self.step_up_request(action)
        }
    }

    /// Messages to this person's company, newest first.
    pub(crate) async fn messages(&self, destination: &str) -> Vec<testing::Message> {
        let request = testing::ListMessagesRequest {
            tenant_id: self.tenant_id.clone(),
            destination: destination.to_owned(),
            page_size: 1000,
            page_token: String::new(),
        };
        self.clients
            .inbox
            .clone()
            .list_messages(request)
            .await
            .unwrap()
            .into_inner()
            .messages
    }

    /// The code that was sent last; to anyone of the company, where no destination is given.
    pub(crate) async fn last_code(&self, destination: &str) -> String {
        self.last_message(destination).await.code
    }

    /// The message with a code that was sent last.
    pub(crate) async fn last_message(&self, destination: &str) -> testing::Message {
        let messages = self.messages(destination).await;
        messages
            .into_iter()
            .find(|message| !message.code.is_empty())
            .expect("a code was sent")
    }

    /// The token of the newest mail that carries one.
    pub(crate) async fn revert_token(&self, service: &Service) -> String {
        service.wait_for_notices().await;
        let messages = self.messages(&self.email).await;
        let mut tokens = messages.into_iter().map(|message| message.revert_token);
        let newest = tokens.find(|token| !token.is_empty());
        newest.expect("a mail carries a token")
    }

    pub(crate) async fn revert_with(
        &self,
        revert_token: &str,
        request_id: &str,
    ) -> Result<pb::RevertChangeResponse, Status> {
        let request = pb::RevertChangeRequest {
            tenant_id: self.tenant_id.clone(),
            user_id: self.user_id.clone(),
            request_id: request_id.to_owned(),
            context: None,
            revert_token: revert_token.to_owned(),
        };
        let mut methods = self.clients.methods.clone();
        Ok(methods.revert_change(request).await?.into_inner())
    }

    pub(crate) async fn revert(
        &self,
        revert_token: &str,
    ) -> Result<pb::RevertChangeResponse, Status> {
        self.revert_with(revert_token, "").await
    }

    /// Signs in with an app, a step later than whatever it was used for before.
    pub(crate) async fn sign_in(&self, service: &Service, app: &EnrolledApp) -> pb::Approved {
        service.advance(30);
        let challenge = self.issue_for(&app.method_id).await.unwrap();
        self.approved(&challenge.challenge_id, &app.app.code_at(service.seconds()))
            .await
    }
}

/// The caller's word for a first factor that passed at an instant, in seconds since 1970.
pub(crate) fn attested_at(seconds: i64, action: pb::action::Action) -> Option<pb::Authorization> {
    Some(pb::Authorization {
        proof: Some(pb::authorization::Proof::Attestation(pb::Attestation {
            attestation_id: format!("attestation-{}", unique()),
            authenticated_time: Some(prost_types::Timestamp { seconds, nanos: 0 }),
            action: Some(pb::Action {
                action: Some(action),
            }),
        })),
    })
}

pub(crate) fn add_method(kind: pb::MethodKind) -> pb::action::Action {
    pb::action::Action::AddMethod(pb::AddMethod { kind: kind.into() })
}

pub(crate) fn approval(approval_id: &str) -> Option<pb::Authorization> {
    Some(pb::Authorization {
        proof: Some(pb::authorization::Proof::ApprovalId(approval_id.to_owned())),
    })
}

/// A code that is not this one.
pub(crate) fn wrong(code: &str) -> String {
    let number: u64 = code.parse().unwrap();
    format!("{:06}", (number + 500_000) % 1_000_000)
}
