//! A provider that owns its codes: only the provider that created a code can send or check it.

use crate::{
    config::EndpointConfig,
    notify::client::{
        NotifierConfigError,
        attempt::DeliveryAttempt,
        breaker::NotifierBreaker,
        endpoint::{MAX_ANSWER, bearer, channel, countries, serves},
    },
    outbound::{ServiceChannel, ServiceConnection, UnansweredCall, answer, with_headers},
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

pub(super) struct CodeProvider {
    pub(super) name: ProviderName,
    countries: Vec<Country>,
    channel: ServiceChannel,
    bearer: Option<MetadataValue<Ascii>>,
    starting: NotifierBreaker,
    /// A separate breaker: a provider that can't send may still check earlier codes.
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
        Ok(Self {
            name: ProviderName::new(config.name()),
            countries: countries(config)?,
            channel: channel(config)?,
            bearer: bearer(config, token_file)?,
            starting: NotifierBreaker::new(config.name(), breaker),
            checking: NotifierBreaker::new(config.name(), breaker),
            checks: Semaphore::new(max_checks),
        })
    }

    /// Whether it sends to a country. E-mail addresses have none.
    pub(super) fn serves(&self, country: Option<Country>) -> bool {
        serves(&self.countries, country)
    }

    /// Whether both circuits are closed: a code that can't be checked is useless.
    pub(super) fn is_admitted(&self) -> bool {
        self.starting.is_admitted() && self.checking.is_admitted()
    }

    /// Asks the provider to send a code.
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
        let connection = self.channel.current();
        let mut stub = stub(&connection);
        let request = with_headers(start, self.bearer.as_ref(), deadline);
        let answered = timeout(deadline, stub.start_verification(request)).await;
        let unanswered = match answer(answered) {
            Ok(response) => match response.outcome {
                Some(Outcome::Accepted(_)) => {
                    return DeliveryAttempt::Answered(DeliveryResult::Taken);
                }
                Some(Outcome::Refused(refused)) => return DeliveryAttempt::of_refusal(refused),
                None => UnansweredCall::Status(Status::unknown("response without an outcome")),
            },
            Err(unanswered) => unanswered,
        };
        if matches!(unanswered, UnansweredCall::Late) {
            self.channel.replace(&connection);
        }
        DeliveryAttempt::unanswered(self.name.as_str(), &unanswered)
    }

    /// Asks the provider to check digits. A separate semaphore limits concurrent checks.
    pub(super) async fn check(
        &self,
        check: CheckVerificationRequest,
        deadline: Duration,
    ) -> Result<ProviderCodeVerdict, ProviderUnavailable> {
        let notifier = self.name.as_str();
        let Ok(_place) = self.checks.try_acquire() else {
            tracing::warn!(
                notifier,
                "code provider concurrency limit reached; code not checked"
            );
            return Err(ProviderUnavailable);
        };
        let Some(permit) = self.checking.admit() else {
            tracing::warn!(
                notifier,
                "code provider circuit breaker is open; code not checked"
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
        let connection = self.channel.current();
        let mut stub = stub(&connection);
        let asked = check.verification_id.clone();
        let request = with_headers(check, self.bearer.as_ref(), deadline);
        let answered = timeout(deadline, stub.check_verification(request)).await;
        match answer(answered) {
            Ok(response) => {
                if let Some(checked) = judge(response, &asked) {
                    return (Ok(checked), CallReport::Answered);
                }
                tracing::warn!(notifier, "code provider returned an invalid answer");
                (Err(ProviderUnavailable), CallReport::Failed)
            }
            Err(UnansweredCall::Status(status)) => {
                tracing::warn!(notifier, code = ?status.code(), "code provider returned an error");
                // A submitted code must not be able to open the circuit.
                (
                    Err(ProviderUnavailable),
                    DeliveryAttempt::of_status(&status).report(),
                )
            }
            Err(UnansweredCall::Late) => {
                self.channel.replace(&connection);
                tracing::warn!(notifier, "code provider timed out");
                (Err(ProviderUnavailable), CallReport::Failed)
            }
        }
    }
}

fn stub(connection: &ServiceConnection) -> VerificationServiceClient<Channel> {
    let stub = VerificationServiceClient::new(connection.channel.clone());
    stub.max_decoding_message_size(MAX_ANSWER)
}

/// The verdict in a response; `None` if it belongs to another verification or its status is unknown.
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
