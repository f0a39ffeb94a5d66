//! The client of whoever knows the passwords of accounts: far away, each with a share of the deadline, one after the other,
//! behind a bulkhead.

use crate::{
    config::IdentityConfig,
    outbound::{
        EndpointError, ServiceBreaker, ServiceChannel, UnansweredCall, answer, bearer, has_cause,
        share, with_headers,
    },
    ports::{PasswordChecker, PasswordVerdict},
};
use async_trait::async_trait;
use countersign_domain::{
    authorization::password::Password,
    limits::circuit_breaker::{BreakerConfig, BreakerTransition, CallReport},
    value::id::Subject,
};
use countersign_proto::identity::{
    Verdict, VerifyPasswordRequest, VerifyPasswordResponse,
    password_service_client::PasswordServiceClient,
};
use std::{error::Error, num::NonZeroU32, time::Duration};
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout},
};
use tonic::{
    Code, ConnectError, Status,
    metadata::{Ascii, MetadataValue},
};

/// The section of the configuration that names them.
const SECTION: &str = "identity";

/// The largest answer that is read, in bytes.
const MAX_ANSWER: usize = 4 * 1024;

/// Asks services that know passwords.
pub struct PasswordClient {
    in_order: Vec<PasswordEndpoint>,
    deadline: Duration,
    bulkhead: Semaphore,
}

/// One of them.
struct PasswordEndpoint {
    name: String,
    channel: ServiceChannel,
    bearer: Option<MetadataValue<Ascii>>,
    breaker: ServiceBreaker,
}

/// What became of one try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PasswordCallResult {
    /// There is a verdict: nobody else is asked.
    Said(PasswordVerdict),
    /// It finds fault with the request, and so would others: nobody else is asked.
    Unacceptable,
    /// It did not look at the password.
    NotLookedAt,
    /// It did not look at the password now, and is well.
    PutOff,
    /// It finds fault with the account, where a verdict was due: it may have looked at the password.
    AccountAtFault,
    /// It may have looked at it.
    Silent,
}

impl PasswordClient {
    /// Over connections that are opened when they are needed; nothing where nobody is named.
    ///
    /// # Errors
    /// [`EndpointError`].
    pub fn new(config: &IdentityConfig) -> Result<Option<Self>, EndpointError> {
        if config.endpoints.is_empty() {
            return Ok(None);
        }
        let breaker_config = BreakerConfig {
            failures: NonZeroU32::new(config.breaker_failures).unwrap_or(NonZeroU32::MIN),
            wait: Duration::from_millis(config.breaker_wait_ms),
        };
        let in_order = config.in_order().into_iter().map(|endpoint| {
            Ok(PasswordEndpoint {
                name: endpoint.name().to_owned(),
                channel: ServiceChannel::new(SECTION, endpoint)?,
                bearer: bearer(SECTION, endpoint, config.token_file.as_ref())?,
                breaker: ServiceBreaker::new(breaker_config),
            })
        });
        Ok(Some(Self {
            in_order: in_order.collect::<Result<_, _>>()?,
            deadline: Duration::from_millis(config.deadline_ms),
            bulkhead: Semaphore::new(config.max_in_flight),
        }))
    }
}

#[async_trait]
impl PasswordChecker for PasswordClient {
    async fn verify(&self, subject: &Subject, password: &Password, key: &str) -> PasswordVerdict {
        let Ok(_place) = self.bulkhead.try_acquire() else {
            tracing::warn!("too many passwords are on their way to services that do not answer");
            return PasswordVerdict::NotLookedAt;
        };
        let admitted = self
            .in_order
            .iter()
            .filter(|service| service.breaker.is_admitted());
        let admitted: Vec<&PasswordEndpoint> = admitted.collect();
        let ends = Instant::now() + self.deadline;
        let mut silent = false;
        for (place, service) in admitted.iter().enumerate() {
            let share = share(ends, admitted.len() - place);
            match service.try_once(subject, password, key, share).await {
                PasswordCallResult::Said(verdict) => return verdict,
                PasswordCallResult::Unacceptable => break,
                PasswordCallResult::NotLookedAt | PasswordCallResult::PutOff => {}
                PasswordCallResult::AccountAtFault | PasswordCallResult::Silent => silent = true,
            }
        }
        if silent {
            PasswordVerdict::Unanswered
        } else {
            PasswordVerdict::NotLookedAt
        }
    }
}

impl PasswordEndpoint {
    /// Asks it, if it is not passed over.
    async fn try_once(
        &self,
        subject: &Subject,
        password: &Password,
        idempotency_key: &str,
        share: Duration,
    ) -> PasswordCallResult {
        let Some(permit) = self.breaker.admit() else {
            return PasswordCallResult::NotLookedAt;
        };
        let attempt = self.ask(subject, password, idempotency_key, share).await;
        // One that finds fault with the request, with the account, or with how many ask, is alive: else whoever asks time
        // after time could switch it off for everyone.
        let report = match attempt {
            PasswordCallResult::Said(_)
            | PasswordCallResult::Unacceptable
            | PasswordCallResult::PutOff
            | PasswordCallResult::AccountAtFault => CallReport::Answered,
            PasswordCallResult::NotLookedAt | PasswordCallResult::Silent => CallReport::Failed,
        };
        let service = self.name.as_str();
        match self.breaker.report(permit, report) {
            Some(BreakerTransition::Opened) => {
                tracing::warn!(
                    service,
                    "a password service failed time after time; it is passed over"
                );
            }
            Some(BreakerTransition::Closed) => {
                tracing::info!(
                    service,
                    "a password service answers again; it is no longer passed over"
                );
            }
            None => {}
        }
        attempt
    }

    async fn ask(
        &self,
        subject: &Subject,
        password: &Password,
        idempotency_key: &str,
        share: Duration,
    ) -> PasswordCallResult {
        let message = VerifyPasswordRequest {
            tenant_id: subject.tenant.as_str().to_owned(),
            user_id: subject.user.as_str().to_owned(),
            password: password.expose().to_owned(),
            idempotency_key: idempotency_key.to_owned(),
        };
        let request = with_headers(message, self.bearer.as_ref(), share);
        let service = self.name.as_str();
        let connection = self.channel.current();
        let stub = PasswordServiceClient::new(connection.channel.clone());
        let mut stub = stub.max_decoding_message_size(MAX_ANSWER);
        let status = match answer(timeout(share, stub.verify_password(request)).await) {
            Ok(response) => match verdict(response) {
                Some(verdict) => return PasswordCallResult::Said(verdict),
                None => Status::unknown("an answer without a verdict"),
            },
            Err(UnansweredCall::Status(status)) => status,
            Err(UnansweredCall::Late) => {
                self.channel.replace(&connection);
                tracing::warn!(service, "a password service did not answer in time");
                return PasswordCallResult::Silent;
            }
        };
        tracing::warn!(service, code = ?status.code(), "a password service gave no verdict");
        by_status(&status)
    }
}

fn verdict(response: VerifyPasswordResponse) -> Option<PasswordVerdict> {
    match Verdict::try_from(response.verdict) {
        Ok(Verdict::Matches) => Some(PasswordVerdict::Matches),
        Ok(Verdict::DoesNotMatch) => Some(PasswordVerdict::DoesNotMatch),
        Ok(Verdict::Unspecified) | Err(_) => None,
    }
}

/// What a status says of a password. One that has a cause was not sent by the service: either nobody was reached, or the
/// connection broke off, and the password may have been looked at before.
fn by_status(status: &Status) -> PasswordCallResult {
    match status.source() {
        None => by_code(status.code()),
        Some(_) if has_cause::<ConnectError>(status) => PasswordCallResult::NotLookedAt,
        Some(_) => PasswordCallResult::Silent,
    }
}

/// Some leave open whether the password was looked at.
const fn by_code(code: Code) -> PasswordCallResult {
    match code {
        Code::InvalidArgument => PasswordCallResult::Unacceptable,
        Code::ResourceExhausted => PasswordCallResult::PutOff,
        Code::NotFound | Code::FailedPrecondition => PasswordCallResult::AccountAtFault,
        Code::Unauthenticated
        | Code::PermissionDenied
        | Code::Unavailable
        | Code::Unimplemented => PasswordCallResult::NotLookedAt,
        _ => PasswordCallResult::Silent,
    }
}
