//! A notifier that keeps to the contract, and the same with one fault each.

use countersign_proto::notifier::{
    Accepted, Channel, CheckVerificationRequest, CheckVerificationResponse, CodePurpose,
    DeliverRequest, DeliverResponse, NoticeKind, RefusalReason, Refused, StartVerificationRequest,
    StartVerificationResponse, VerificationStatus,
    deliver_request::Content,
    deliver_response::Outcome,
    notifier_service_server::{NotifierService, NotifierServiceServer},
    start_verification_response::Outcome as Started,
    verification_service_server::{VerificationService, VerificationServiceServer},
};
use countersign_transport::health::ProcessHealth;
use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{net::TcpListener, runtime::Runtime, sync::OnceCell};
use tonic::{
    Request, Response, Status,
    metadata::MetadataMap,
    transport::{Server, server::TcpIncoming},
};

/// The token that it asks for.
pub(crate) const TOKEN: &str = "a-token-of-notifiers";

/// What a notifier does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotifierFault {
    /// Nothing.
    None,
    /// Lets everyone in.
    AsksForNoToken,
    /// Takes a token that begins like the right one.
    ComparesBeginnings,
    /// Serves no health.
    HasNoHealth,
    /// Says that it does not serve.
    SaysItDoesNotServe,
    /// Says something else the second time.
    ForgetsKeys,
    /// Looks up a key, waits, and only then remembers it.
    CheckThenAct,
    /// Takes another message under the same key.
    IgnoresTheContent,
    /// Never finishes a key whose first call was cut short.
    StaysInFlight,
    /// Takes a message for nobody.
    TakesAnything,
    /// Fails at a purpose or kind that it does not know.
    FailsAtTheUnknown,
    /// Fails at a character that is not ASCII.
    KnowsAsciiOnly,
    /// Fails at a long text.
    FailsAtLongTexts,
    /// Answers with more than anyone asked for.
    IsVerbose,
    /// Answers without an outcome.
    SaysNothing,
    /// Says that no message can be delivered.
    RefusesEverything,
    /// Never answers what is well formed.
    Hangs,
    /// Hangs up on connections that are idle.
    HangsUp,
    /// Nothing; and it owns codes.
    OwnsCodes,
    /// Nothing; it owns codes, and delivers no messages.
    OwnsCodesOnly,
    /// Lets everyone start and check verifications.
    VerifiesForAnyone,
    /// Starts verifications that go nowhere.
    StartsAnything,
    /// Sends a code again for the same key.
    StartsTwice,
    /// Calls a verification that it does not know an error.
    UnknownIsError,
    /// Says yes to everything.
    ApprovesEverything,
    /// Calls digits of another length an error.
    WantsSixDigits,
    /// Counts every call as a guess.
    CountsRepeats,
    /// Takes other digits under the same key.
    IgnoresTheDigits,
}

impl NotifierFault {
    fn owns_codes(self) -> bool {
        let others = [
            Self::OwnsCodes,
            Self::OwnsCodesOnly,
            Self::VerifiesForAnyone,
            Self::StartsAnything,
            Self::StartsTwice,
            Self::UnknownIsError,
            Self::ApprovesEverything,
            Self::WantsSixDigits,
            Self::CountsRepeats,
            Self::IgnoresTheDigits,
        ];
        others.contains(&self)
    }
}

/// A notifier on a port of its own, for as long as it is held.
pub(crate) struct FaultyNotifier {
    pub(crate) address: String,
    served: Arc<FaultyNotifierServer>,
    _runtime: Runtime,
}

struct FaultyNotifierServer {
    fault: NotifierFault,
    known: Mutex<HashMap<String, Arc<Known>>>,
    sent: Mutex<Vec<DeliverRequest>>,
    verified: Mutex<Verified>,
}

/// What is known of verifications.
#[derive(Default)]
struct Verified {
    started: Vec<StartVerificationRequest>,
    ids: HashMap<String, String>,
    attempts: HashMap<String, String>,
    counted: usize,
}

struct Known {
    content: Option<Content>,
    id: OnceCell<String>,
}

impl FaultyNotifier {
    pub(crate) fn start(fault: NotifierFault) -> Self {
        let runtime = Runtime::new().unwrap();
        let served = Arc::new(FaultyNotifierServer {
            fault,
            known: Mutex::default(),
            sent: Mutex::default(),
            verified: Mutex::default(),
        });
        let listener = runtime
            .block_on(TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))))
            .unwrap();
        let address = listener.local_addr().unwrap().to_string();
        runtime.spawn(serve(listener, Arc::clone(&served)));
        Self {
            address,
            served,
            _runtime: runtime,
        }
    }

    /// The codes of its own that it sent, oldest first.
    pub(crate) fn started(&self) -> Vec<StartVerificationRequest> {
        self.served.verified.lock().unwrap().started.clone()
    }

    /// What went out, oldest first.
    pub(crate) fn sent(&self) -> Vec<DeliverRequest> {
        self.served.sent.lock().unwrap().clone()
    }
}

async fn serve(listener: TcpListener, served: Arc<FaultyNotifierServer>) {
    let fault = served.fault;
    let health = ProcessHealth::starting(&[]);
    if fault != NotifierFault::SaysItDoesNotServe {
        health.serving();
    }
    let mut builder = Server::builder();
    if fault == NotifierFault::HangsUp {
        builder = builder.max_connection_age(Duration::from_secs(2));
    }
    let health = (fault != NotifierFault::HasNoHealth).then(|| health.service());
    let verifies = fault.owns_codes();
    let verifies = verifies.then(|| VerificationServiceServer::from_arc(Arc::clone(&served)));
    let delivers = fault != NotifierFault::OwnsCodesOnly;
    builder
        .add_optional_service(delivers.then(|| NotifierServiceServer::from_arc(served)))
        .add_optional_service(verifies)
        .add_optional_service(health)
        .serve_with_incoming(TcpIncoming::from(listener))
        .await
        .unwrap();
}

#[tonic::async_trait]
impl NotifierService for FaultyNotifierServer {
    async fn deliver(
        &self,
        request: Request<DeliverRequest>,
    ) -> Result<Response<DeliverResponse>, Status> {
        let given = request.metadata().get("authorization");
        let given = given.map_or("", |given| given.to_str().unwrap());
        if !self.lets_in(given) {
            return Err(Status::unauthenticated("another token"));
        }
        let message = request.into_inner();
        if self.fault != NotifierFault::TakesAnything {
            well_formed(&message)?;
        }
        self.stumble(&message).await?;
        let outcome = match self.fault {
            NotifierFault::SaysNothing => None,
            NotifierFault::RefusesEverything => Some(Outcome::Refused(Refused {
                reason: RefusalReason::OptedOut.into(),
            })),
            _ => Some(self.once(message).await?),
        };
        Ok(Response::new(DeliverResponse { outcome }))
    }
}

impl FaultyNotifierServer {
    fn lets_in(&self, given: &str) -> bool {
        let expected = format!("Bearer {TOKEN}");
        match self.fault {
            NotifierFault::AsksForNoToken => true,
            NotifierFault::ComparesBeginnings => given.starts_with(&expected),
            _ => given == expected,
        }
    }

    /// What happens to a message before it is looked up.
    async fn stumble(&self, message: &DeliverRequest) -> Result<(), Status> {
        let is_unknown = match &message.content {
            Some(Content::Code(code)) => CodePurpose::try_from(code.purpose).is_err(),
            Some(Content::Notice(notice)) => NoticeKind::try_from(notice.kind).is_err(),
            None => false,
        };
        let fails = match self.fault {
            NotifierFault::FailsAtTheUnknown => is_unknown,
            NotifierFault::KnowsAsciiOnly => !message.text.is_ascii(),
            NotifierFault::FailsAtLongTexts => message.text.len() > 10_000,
            NotifierFault::Hangs => std::future::pending().await,
            _ => false,
        };
        if fails {
            return Err(Status::unknown("it fell over"));
        }
        Ok(())
    }

    async fn once(&self, message: DeliverRequest) -> Result<Outcome, Status> {
        let key = message.idempotency_key.clone();
        let content = message.content.clone();
        let known = self.known.lock().unwrap().get(&key).map(Arc::clone);
        if self.fault == NotifierFault::CheckThenAct && known.is_none() {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let known = Arc::new(Known {
                content,
                id: OnceCell::new_with(Some(self.send(message))),
            });
            let id = known.id.get().unwrap().clone();
            self.known.lock().unwrap().insert(key, known);
            return Ok(accepted(id));
        }
        let mut is_first = false;
        let known = Arc::clone(self.known.lock().unwrap().entry(key).or_insert_with(|| {
            is_first = true;
            Arc::new(Known {
                content: content.clone(),
                id: OnceCell::new(),
            })
        }));
        if known.content != content && self.fault != NotifierFault::IgnoresTheContent {
            return Err(Status::already_exists("another message"));
        }
        if self.fault == NotifierFault::ForgetsKeys {
            return Ok(accepted(self.send(message)));
        }
        if self.fault == NotifierFault::StaysInFlight && !is_first && !known.id.initialized() {
            return Err(Status::aborted("in flight"));
        }
        let id = known.id.get_or_init(|| self.slowly(message)).await;
        Ok(accepted(id.clone()))
    }

    async fn slowly(&self, message: DeliverRequest) -> String {
        let is_slow =
            message.text.contains("cut-short-50") && self.fault == NotifierFault::StaysInFlight;
        tokio::time::sleep(Duration::from_millis(if is_slow { 300 } else { 5 })).await;
        self.send(message)
    }

    fn send(&self, message: DeliverRequest) -> String {
        let mut sent = self.sent.lock().unwrap();
        sent.push(message);
        match self.fault {
            NotifierFault::IsVerbose => "x".repeat(20_000),
            _ => format!("message-{}", sent.len()),
        }
    }
}

#[tonic::async_trait]
impl VerificationService for FaultyNotifierServer {
    async fn start_verification(
        &self,
        request: Request<StartVerificationRequest>,
    ) -> Result<Response<StartVerificationResponse>, Status> {
        self.knows_the_caller(request.metadata())?;
        let start = request.into_inner();
        let is_whole = !start.destination.is_empty() && !start.verification_id.is_empty();
        if !is_whole && self.fault != NotifierFault::StartsAnything {
            return Err(Status::invalid_argument("malformed"));
        }
        let mut verified = self.verified.lock().unwrap();
        let next = format!("message-{}", verified.started.len() + 1);
        let known = verified.ids.get(&start.idempotency_key).cloned();
        let known = known.filter(|_| self.fault != NotifierFault::StartsTwice);
        let provider_message_id = known.unwrap_or_else(|| {
            let key = start.idempotency_key.clone();
            verified.ids.insert(key, next.clone());
            verified.started.push(start);
            next
        });
        drop(verified);
        Ok(Response::new(StartVerificationResponse {
            outcome: Some(Started::Accepted(Accepted {
                provider_message_id,
            })),
        }))
    }

    async fn check_verification(
        &self,
        request: Request<CheckVerificationRequest>,
    ) -> Result<Response<CheckVerificationResponse>, Status> {
        self.knows_the_caller(request.metadata())?;
        let check = request.into_inner();
        let status = self.judge(&check)?;
        Ok(Response::new(CheckVerificationResponse {
            verification_id: check.verification_id,
            status: status.into(),
        }))
    }
}

impl FaultyNotifierServer {
    fn knows_the_caller(&self, metadata: &MetadataMap) -> Result<(), Status> {
        let given = metadata.get("authorization");
        let given = given.map_or("", |given| given.to_str().unwrap());
        if self.fault != NotifierFault::VerifiesForAnyone && !self.lets_in(given) {
            return Err(Status::unauthenticated("another token"));
        }
        Ok(())
    }

    /// Nobody types the code: whoever checks can't read the message.
    fn judge(&self, check: &CheckVerificationRequest) -> Result<VerificationStatus, Status> {
        let mut verified = self.verified.lock().unwrap();
        let mut started = verified.started.iter();
        if !started.any(|start| start.verification_id == check.verification_id) {
            return match self.fault {
                NotifierFault::UnknownIsError => Err(Status::not_found("never heard of it")),
                _ => Ok(VerificationStatus::Ended),
            };
        }
        let key = check.idempotency_key.clone();
        let before = verified.attempts.insert(key, check.digits.clone());
        let other = before.is_some_and(|before| before != check.digits);
        if other && self.fault != NotifierFault::IgnoresTheDigits {
            return Err(Status::already_exists("other digits"));
        }
        verified.counted += 1;
        match self.fault {
            NotifierFault::ApprovesEverything => Ok(VerificationStatus::Approved),
            NotifierFault::WantsSixDigits if check.digits.len() != 6 => {
                Err(Status::invalid_argument("six digits"))
            }
            NotifierFault::CountsRepeats if verified.counted > 5 => Ok(VerificationStatus::Ended),
            _ => Ok(VerificationStatus::Rejected),
        }
    }
}

fn accepted(provider_message_id: String) -> Outcome {
    Outcome::Accepted(Accepted {
        provider_message_id,
    })
}

fn well_formed(message: &DeliverRequest) -> Result<(), Status> {
    let channel = Channel::try_from(message.channel).unwrap_or_default();
    let is_there = !message.idempotency_key.is_empty() && !message.destination.is_empty();
    if channel == Channel::Unspecified || !is_there || message.destination.len() > 254 {
        return Err(Status::invalid_argument("malformed"));
    }
    Ok(())
}
