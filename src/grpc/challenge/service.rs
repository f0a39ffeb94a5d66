//! Handlers of `ChallengeService`.

use crate::{
    app::{self, App, IssueRequest, SignInRequest},
    grpc::{
        RpcResult,
        challenge::{convert, parse},
        entry::{CallParties, RequestIdFields, enter},
        request_fields,
        response_fields::timestamp,
    },
};
use countersign_domain::authorization::caller::CallerRight;
use countersign_proto::v1::{self as pb, challenge_service_server::ChallengeService};
use std::sync::Arc;
use tonic::{Request, Response};
use zeroize::Zeroizing;

/// Serves `ChallengeService`.
pub struct ChallengeHandlers {
    /// The use cases.
    pub app: Arc<App>,
}

#[tonic::async_trait]
impl ChallengeService for ChallengeHandlers {
    async fn get_sign_in_options(
        &self,
        request: Request<pb::GetSignInOptionsRequest>,
    ) -> RpcResult<pb::GetSignInOptionsResponse> {
        let (caller, message) = enter(request, CallerRight::ChallengeService)?;
        let pb::GetSignInOptionsRequest { tenant_id } = message;
        let tenant = caller.tenant(&tenant_id)?;
        let offer = app::get_sign_in_options(&self.app.challenge, tenant).await?;
        Ok(Response::new(convert::sign_in_options(offer)))
    }

    async fn begin_sign_in(
        &self,
        request: Request<pb::BeginSignInRequest>,
    ) -> RpcResult<pb::BeginSignInResponse> {
        let (caller, message) = enter(request, CallerRight::ChallengeService)?;
        let request_id_fields = RequestIdFields::new("BeginSignIn", &message.request_id, &message);
        let pb::BeginSignInRequest {
            tenant_id,
            user_id,
            request_id: _,
            context,
            first_factor,
            audience,
            issue_default,
        } = message;
        let call = caller.call(
            CallParties::new(&tenant_id, &user_id).from(context),
            Some(request_id_fields),
        )?;
        let parsed = SignInRequest {
            first_factor: parse::first_factor(first_factor)?,
            audience,
            issue_default,
        };
        let decision = app::begin_sign_in(&self.app.challenge, call, parsed).await?;
        Ok(Response::new(convert::decision(decision)))
    }

    async fn issue_challenge(
        &self,
        request: Request<pb::IssueChallengeRequest>,
    ) -> RpcResult<pb::IssueChallengeResponse> {
        let (caller, message) = enter(request, CallerRight::ChallengeService)?;
        let request_id_fields =
            RequestIdFields::new("IssueChallenge", &message.request_id, &message);
        let pb::IssueChallengeRequest {
            tenant_id,
            user_id,
            request_id: _,
            context,
            purpose,
            answer_with,
            replaced_challenge_id,
            audience,
        } = message;
        let call = caller.call(
            CallParties::new(&tenant_id, &user_id).from(context),
            Some(request_id_fields),
        )?;
        let purpose = parse::purpose(purpose)?;
        let parsed = IssueRequest {
            answer_with: parse::answer_with(answer_with, &purpose)?,
            purpose,
            replaced_challenge_id: request_fields::optional_id(
                "replaced_challenge_id",
                &replaced_challenge_id,
            )?,
            audience,
        };
        let issued = app::issue_challenge(&self.app.challenge, call, parsed).await?;
        Ok(Response::new(pb::IssueChallengeResponse {
            challenge: Some(convert::challenge(issued.challenge)),
            throttled_until_time: issued.throttled_until.map(timestamp),
        }))
    }

    async fn resend_challenge(
        &self,
        request: Request<pb::ResendChallengeRequest>,
    ) -> RpcResult<pb::ResendChallengeResponse> {
        let (caller, message) = enter(request, CallerRight::ChallengeService)?;
        let request_id_fields =
            RequestIdFields::new("ResendChallenge", &message.request_id, &message);
        let pb::ResendChallengeRequest {
            tenant_id,
            user_id,
            request_id: _,
            challenge_id,
        } = message;
        let call = caller.call(
            CallParties::new(&tenant_id, &user_id),
            Some(request_id_fields),
        )?;
        let sent = app::resend_challenge(
            &self.app.challenge,
            call,
            request_fields::id("challenge_id", &challenge_id)?,
        )
        .await?;
        let challenge = Some(convert::challenge(sent));
        Ok(Response::new(pb::ResendChallengeResponse { challenge }))
    }

    async fn verify_challenge(
        &self,
        request: Request<pb::VerifyChallengeRequest>,
    ) -> RpcResult<pb::VerifyChallengeResponse> {
        let (caller, mut message) = enter(request, CallerRight::ChallengeService)?;
        message.code = request_fields::canonical_code(message.code);
        let request_id_fields =
            RequestIdFields::new("VerifyChallenge", &message.request_id, &message);
        let pb::VerifyChallengeRequest {
            tenant_id,
            user_id,
            request_id: _,
            context,
            challenge_id,
            code,
        } = message;
        let code = Zeroizing::new(code);
        let call = caller.call(
            CallParties::new(&tenant_id, &user_id).from(context),
            Some(request_id_fields),
        )?;
        let (id, answer) = (
            request_fields::id("challenge_id", &challenge_id)?,
            request_fields::answer(&code)?,
        );
        tracing::debug!("request parsed");
        let verdict = app::verify_challenge(&self.app.challenge, call, id, answer).await?;
        Ok(Response::new(convert::verdict(verdict)))
    }

    async fn get_challenge(
        &self,
        request: Request<pb::GetChallengeRequest>,
    ) -> RpcResult<pb::GetChallengeResponse> {
        let (caller, message) = enter(request, CallerRight::ChallengeService)?;
        let pb::GetChallengeRequest {
            tenant_id,
            user_id,
            challenge_id,
        } = message;
        let call = caller.call(CallParties::new(&tenant_id, &user_id), None)?;
        let found = app::get_challenge(
            &self.app.challenge,
            call,
            request_fields::id("challenge_id", &challenge_id)?,
        )
        .await?;
        let challenge = Some(convert::challenge(found));
        Ok(Response::new(pb::GetChallengeResponse { challenge }))
    }

    async fn cancel_challenge(
        &self,
        request: Request<pb::CancelChallengeRequest>,
    ) -> RpcResult<pb::CancelChallengeResponse> {
        let (caller, message) = enter(request, CallerRight::ChallengeService)?;
        let request_id_fields =
            RequestIdFields::new("CancelChallenge", &message.request_id, &message);
        let pb::CancelChallengeRequest {
            tenant_id,
            user_id,
            request_id: _,
            challenge_id,
        } = message;
        let call = caller.call(
            CallParties::new(&tenant_id, &user_id),
            Some(request_id_fields),
        )?;
        app::cancel_challenge(
            &self.app.challenge,
            call,
            request_fields::id("challenge_id", &challenge_id)?,
        )
        .await?;
        Ok(Response::new(pb::CancelChallengeResponse {}))
    }
}
