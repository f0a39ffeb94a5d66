//! `PasswordService`: answers with a verdict, or a status that says why there is none. Passwords are neither stored nor
//! logged.

use crate::users::PasswordFile;
use countersign_domain::{
    authorization::password::Password,
    value::{
        id::{Subject, TenantId, UserId},
        malformed::InvalidField,
    },
};
use countersign_proto::identity::{
    Verdict, VerifyPasswordRequest, VerifyPasswordResponse,
    password_service_server::PasswordService,
};
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::spawn_blocking,
    time::timeout,
};
use tonic::{Code, Request, Response, Status};
use tonic_types::{ErrorDetails, StatusExt};
use zeroize::Zeroizing;

/// The domain of `google.rpc.ErrorInfo`.
const DOMAIN: &str = "identity.countersign";

/// How long a password waits for a permit to hash.
const HASH_WAIT_TIMEOUT: Duration = Duration::from_millis(100);

/// When to retry a password that was not checked.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// Serves `PasswordService`.
pub struct PasswordHandlers {
    users: Arc<PasswordFile>,
    places: Arc<Semaphore>,
}

impl PasswordHandlers {
    /// Creates handlers that compute at most `at_once` hashes concurrently.
    #[must_use]
    pub fn new(users: Arc<PasswordFile>, at_once: usize) -> Self {
        Self {
            users,
            places: Arc::new(Semaphore::new(at_once.min(Semaphore::MAX_PERMITS))),
        }
    }

    async fn acquire_permit(&self) -> Result<OwnedSemaphorePermit, Status> {
        let permit = timeout(HASH_WAIT_TIMEOUT, Arc::clone(&self.places).acquire_owned()).await;
        permit.ok().and_then(Result::ok).ok_or_else(|| {
            let mut details = ErrorDetails::with_error_info("BUSY", DOMAIN, HashMap::new());
            details.set_retry_info(Some(RETRY_DELAY));
            let message = "too many concurrent passwords: try again after the delay in RetryInfo";
            Status::with_error_details(Code::ResourceExhausted, message, details)
        })
    }
}

#[tonic::async_trait]
impl PasswordService for PasswordHandlers {
    async fn verify_password(
        &self,
        request: Request<VerifyPasswordRequest>,
    ) -> Result<Response<VerifyPasswordResponse>, Status> {
        let (subject, password) = parse_request(request.into_inner()).map_err(invalid)?;
        let permit = self.acquire_permit().await?;
        let users = self.users.now();
        // The permit moves into the task, so it is freed when the hash ends, not when the caller goes away.
        let looked = spawn_blocking(move || {
            let matches = users.know(&subject, &password);
            drop(permit);
            matches
        });
        let matches = looked.await.map_err(|_panicked| {
            tracing::error!("hashing task panicked; please report it");
            let details = ErrorDetails::with_error_info("INTERNAL", DOMAIN, HashMap::new());
            Status::with_error_details(Code::Internal, "internal error; it is logged", details)
        })?;
        let verdict = if matches {
            Verdict::Matches
        } else {
            Verdict::DoesNotMatch
        };
        Ok(Response::new(VerifyPasswordResponse {
            verdict: verdict.into(),
        }))
    }
}

fn parse_request(request: VerifyPasswordRequest) -> Result<(Subject, Password), InvalidField> {
    let VerifyPasswordRequest {
        tenant_id,
        user_id,
        password,
        idempotency_key: _,
    } = request;
    let password = Password::parse(Zeroizing::new(password));
    let subject = Subject {
        tenant: TenantId::parse(&tenant_id).map_err(|why| why.at("tenant_id"))?,
        user: UserId::parse(&user_id).map_err(|why| why.at("user_id"))?,
    };
    Ok((subject, password.map_err(|why| why.at("password"))?))
}

fn invalid(malformed: InvalidField) -> Status {
    let mut details = ErrorDetails::with_error_info("INVALID_FIELD", DOMAIN, HashMap::new());
    details.add_bad_request_violation(malformed.field, malformed.why.to_string());
    Status::with_error_details(Code::InvalidArgument, malformed.to_string(), details)
}
