//! One provider that owns its codes: it sends them and checks them, and nobody else can.

use crate::{
    config::EndpointConfig,
    notify::client::{
        NotifierConfigError,
        attempt::DeliveryAttempt,
        breaker::NotifierBreaker,
        endpoint::{MAX_ANSWER, bearer, channel, countries, serves},
    },
    outbound::{UnansweredCall, answer, with_headers},
    ports::ProviderUnavailable,
};
use countersign_domain::{
    challenge::provider_code::{ProviderCodeVerdict, ProviderName},
    limits::circuit_breaker::{BreakerConfig, CallReport},
    notice::message::DeliveryResult,
    value::country::Country,
};
use countersign_proto::notifier::{
    CheckVerificationRequest, CheckVerificationResponse, StartVerificationRequest,
    VerificationStatus, start_verification_response::Outcome,
    verification_service_client::VerificationServiceClient,
};
use std::{path::PathBuf, time::Duration};
use tokio::{sync::Semaphore, time::timeout};
use tonic::{
    Status,
    metadata::{Ascii, MetadataValue},
    transport::Channel,
};

/// One provider that owns its codes.
pub(super) struct CodeProvider {
    pub(super) name: ProviderName,
    countries: Vec<Country>,
    stub: VerificationServiceClient<Channel>,
    bearer: Option<MetadataValue<Ascii>>,
    starting: NotifierBreaker,
    /// Apart: one that can't send may still be able to say which code it sent.
    checking: NotifierBreaker,
    checks: Semaphore,
}

impl CodeProvider {
    pub(super) fn new(
        config: &EndpointConfig,
        token_file: Option<&PathBuf>,
        breaker: BreakerConfig,
        max_checks: usize,
    ) -> Result<Self, NotifierConfigError> {
        let stub = VerificationServiceClient::new(channel(config)?);
        Ok(Self {
            name: ProviderName::new(config.name()),
            countries: countries(config)?,
            stub: stub.max_decoding_message_size(MAX_ANSWER),
            bearer: bearer(config, token_file)?,
            starting: NotifierBreaker::new(config.name(), breaker),
            checking: NotifierBreaker::new(config.name(), breaker),
            checks: Semaphore::new(max_checks),
        })
    }

    /// Whether it sends to a country; addresses have none.
    pub(super) fn serves(&self, country: Option<Country>) -> bool {
        serves(&self.countries, country)
    }

    /// Whether it is passed over neither as a sender nor as a judge: a code that nobody checks is none.
    pub(super) fn is_admitted(&self) -> bool {
        self.starting.is_admitted() && self.checking.is_admitted()
    }

    /// Has it send a code.
    pub(super) async fn start(
        &self,
        start: StartVerificationRequest,
        deadline: Duration,
    ) -> DeliveryResult {
        let Some(permit) = self.starting.admit() else {
            return DeliveryResult::NotTaken;
        };
        let attempt = self.request_provider_code(start, deadline).await;
        self.starting.report(permit, attempt.report());
        match attempt {
            DeliveryAttempt::Answered(handover) => handover,
            DeliveryAttempt::NotTaken | DeliveryAttempt::PutOff => DeliveryResult::NotTaken,
            DeliveryAttempt::Unacceptable => DeliveryResult::Refused,
            DeliveryAttempt::Silent => DeliveryResult::Unanswered,
        }
    }

    async fn request_provider_code(
        &self,
        start: StartVerificationRequest,
        deadline: Duration,
    ) -> DeliveryAttempt {
        let mut stub = self.stub.clone();
        let request = with_headers(start, self.bearer.as_ref(), deadline);
        let answered = timeout(deadline, stub.start_verification(request)).await;
        let unanswered = match answer(answered) {
            Ok(response) => match response.outcome {
                Some(Outcome::Accepted(_)) => {
                    return DeliveryAttempt::Answered(DeliveryResult::Taken);
                }
                Some(Outcome::Refused(refused)) => return DeliveryAttempt::of_refusal(refused),
                None => UnansweredCall::Status(Status::unknown("an answer without an outcome")),
            },
            Err(unanswered) => unanswered,
        };
        DeliveryAttempt::unanswered(self.name.as_str(), &unanswered)
    }

    /// Asks it about digits, behind a bulkhead of its own.
    pub(super) async fn check(
        &self,
        check: CheckVerificationRequest,
        deadline: Duration,
    ) -> Result<ProviderCodeVerdict, ProviderUnavailable> {
        let notifier = self.name.as_str();
        let Ok(_place) = self.checks.try_acquire() else {
            tracing::warn!(notifier, "too many codes are being checked by a provider");
            return Err(ProviderUnavailable);
        };
        let Some(permit) = self.checking.admit() else {
            tracing::warn!(
                notifier,
                "a provider that is passed over can't check its codes"
            );
            return Err(ProviderUnavailable);
        };
        let (checked, report) = self.check_provider_code(check, deadline).await;
        self.checking.report(permit, report);
        checked
    }

    async fn check_provider_code(
        &self,
        check: CheckVerificationRequest,
        deadline: Duration,
    ) -> (Result<ProviderCodeVerdict, ProviderUnavailable>, CallReport) {
        let notifier = self.name.as_str();
        let mut stub = self.stub.clone();
        let asked = check.verification_id.clone();
        let request = with_headers(check, self.bearer.as_ref(), deadline);
        let answered = timeout(deadline, stub.check_verification(request)).await;
        match answer(answered) {
            Ok(response) => {
                if let Some(checked) = judge(response, &asked) {
                    return (Ok(checked), CallReport::Answered);
                }
                tracing::warn!(notifier, "a provider's answer about a code is none");
                (Err(ProviderUnavailable), CallReport::Failed)
            }
            Err(UnansweredCall::Status(status)) => {
                tracing::warn!(notifier, code = ?status.code(), "a provider did not check a code");
                // What was typed must not be able to have a provider passed over.
                (
                    Err(ProviderUnavailable),
                    DeliveryAttempt::of_status(&status).report(),
                )
            }
            Err(UnansweredCall::Late) => {
                tracing::warn!(notifier, "a provider did not check a code in time");
                (Err(ProviderUnavailable), CallReport::Failed)
            }
        }
    }
}

/// What an answer says; nothing if it is about another verification, or says nothing that is known.
fn judge(response: CheckVerificationResponse, asked: &str) -> Option<ProviderCodeVerdict> {
    let CheckVerificationResponse {
        verification_id,
        status,
    } = response;
    if verification_id != asked {
        return None;
    }
    match VerificationStatus::try_from(status) {
        Ok(VerificationStatus::Approved) => Some(ProviderCodeVerdict::Approved),
        Ok(VerificationStatus::Rejected) => Some(ProviderCodeVerdict::Rejected),
        Ok(VerificationStatus::Ended) => Some(ProviderCodeVerdict::Ended),
        Ok(VerificationStatus::Unspecified) | Err(_) => None,
    }
}
