//! Providers that own their codes: real gRPC servers that make, send and check them, some of them slow, lying or dead.

use crate::support::{
    Service,
    notifier::{DeliveryBehavior, TestNotifier},
    service::unique,
};
use countersign::{
    config::{EndpointConfig, NotifierConfig, NotifiersConfig},
    notify::{client::NotifierClient, texts::MessageTexts},
    ports::Notifier,
};
use countersign_proto::notifier::{
    Accepted, CheckVerificationRequest, CheckVerificationResponse, RefusalReason, Refused,
    StartVerificationRequest, StartVerificationResponse, VerificationStatus,
    start_verification_response::Outcome,
    verification_service_server::{VerificationService, VerificationServiceServer},
};
use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};
use tokio::{net::TcpListener, sync::Semaphore, task::JoinHandle, time::sleep};
use tonic::{
    Code, Request, Response, Status,
    metadata::MetadataMap,
    transport::{Server, server::TcpIncoming},
};

/// How a provider takes the wish for a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StartBehavior {
    /// It makes a code and sends it.
    Well,
    /// It says that it can't be delivered.
    Refusing,
    /// It answers with an error, and sends nothing.
    Erring(Code),
    /// It answers without an outcome.
    Silently,
    /// It sends the code, and never answers.
    SendingAndHanging,
    /// It sends the code, and answers when the test lets it.
    WhenReleased,
}

/// How a provider judges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CheckBehavior {
    /// As the contract says.
    Well,
    /// Every guess is right, whatever and however often.
    ApprovingEverything,
    /// The right code is right as often as it comes.
    ApprovingAgain,
    /// It knows of no verification.
    ForgettingEverything,
    /// It says yes, about another verification.
    AboutAnother,
    /// It answers without a status.
    Silently,
    /// It answers with a status of a later version.
    InANewWay,
    /// It answers with an error.
    Erring(Code),
    /// It never answers.
    Hanging,
    /// It judges, and its answer is lost.
    Unheard,
    /// It judges, and takes its time.
    After(Duration),
    /// It judges, and answers when the test lets it.
    WhenReleased,
}

/// A service whose codes a provider owns, by SMS and by e-mail, and whose notices a notifier delivers.
pub(crate) struct ServiceWithProvider {
    pub(crate) service: Service,
    pub(crate) provider: TestProvider,
    pub(crate) notifier: TestNotifier,
}

impl ServiceWithProvider {
    /// On the stores of a service, with its clock and keys.
    pub(crate) async fn on(service: &Service) -> Self {
        let (provider, notifier) = (
            TestProvider::start().await,
            TestNotifier::start(DeliveryBehavior::Takes).await,
        );
        let mut builder = service.twin_builder();
        builder.notifier = Some(client(&provider, &notifier));
        Self {
            service: builder.start(),
            provider,
            notifier,
        }
    }

    /// Another process of the same deployment, which calls the same provider.
    pub(crate) fn client(&self) -> Arc<dyn Notifier> {
        client(&self.provider, &self.notifier)
    }
}

/// How long a provider may take in these tests.
pub(crate) const DEADLINE: Duration = Duration::from_millis(500);

fn client(provider: &TestProvider, notifier: &TestNotifier) -> Arc<dyn Notifier> {
    let owner = EndpointConfig {
        name: Some("verify".to_owned()),
        owns_code: true,
        ..EndpointConfig::at(&provider.url)
    };
    let channel = NotifierConfig {
        endpoints: vec![owner, EndpointConfig::at(&notifier.url)],
        deadline_ms: u64::try_from(DEADLINE.as_millis()).unwrap(),
        // No test but its own is about it.
        breaker_failures: u32::MAX,
        ..NotifierConfig::default()
    };
    let config = NotifiersConfig {
        sms: channel.clone(),
        email: channel,
    };
    Arc::new(NotifierClient::new(&config, Arc::new(MessageTexts::built_in())).unwrap())
}

/// A provider on a port of its own.
pub(crate) struct TestProvider {
    pub(crate) url: String,
    served: Arc<ServedProvider>,
    running: JoinHandle<()>,
}

struct ServedProvider {
    state: Mutex<ProviderState>,
    gate: Semaphore,
}

struct ProviderState {
    starts: StartBehavior,
    judges: CheckBehavior,
    started: Vec<StartVerificationRequest>,
    checked: Vec<CheckVerificationRequest>,
    metadata: Vec<MetadataMap>,
    /// One for each message.
    sent: HashMap<String, String>,
    codes: HashMap<String, OwnCode>,
    answers: HashMap<String, VerificationStatus>,
}

/// A code, and whether it was approved.
struct OwnCode {
    code: String,
    approved: bool,
}

impl TestProvider {
    pub(crate) async fn start() -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let listener = TcpListener::bind(address).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = ProviderState {
            starts: StartBehavior::Well,
            judges: CheckBehavior::Well,
            started: Vec::new(),
            checked: Vec::new(),
            metadata: Vec::new(),
            sent: HashMap::new(),
            codes: HashMap::new(),
            answers: HashMap::new(),
        };
        let served = Arc::new(ServedProvider {
            state: Mutex::new(state),
            gate: Semaphore::new(0),
        });
        let serving = Server::builder()
            .add_service(VerificationServiceServer::from_arc(Arc::clone(&served)))
            .serve_with_incoming(TcpIncoming::from(listener));
        #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
        let running = tokio::spawn(async move { serving.await.unwrap() });
        Self {
            url,
            served,
            running,
        }
    }

    pub(crate) fn starts(&self, how: StartBehavior) {
        self.served.state().starts = how;
    }

    pub(crate) fn judges(&self, how: CheckBehavior) {
        self.served.state().judges = how;
    }

    /// So many calls that wait for it are answered.
    pub(crate) fn release(&self, calls: usize) {
        self.served.gate.add_permits(calls);
    }

    /// It stops answering, as a dead process does.
    pub(crate) fn die(&self) {
        self.running.abort();
    }

    /// The codes that it was asked to send, oldest first.
    pub(crate) fn started(&self) -> Vec<StartVerificationRequest> {
        self.served.state().started.clone()
    }

    /// What it was asked about, oldest first.
    pub(crate) fn checked(&self) -> Vec<CheckVerificationRequest> {
        self.served.state().checked.clone()
    }

    pub(crate) fn metadata(&self) -> Vec<MetadataMap> {
        self.served.state().metadata.clone()
    }

    /// The code of the verification that was started last.
    pub(crate) fn last_code(&self) -> String {
        let state = self.served.state();
        let last = state.started.last().expect("a verification was started");
        state.codes[&last.verification_id].code.clone()
    }
}

impl ServedProvider {
    fn state(&self) -> MutexGuard<'_, ProviderState> {
        self.state.lock().unwrap()
    }
}

#[tonic::async_trait]
impl VerificationService for ServedProvider {
    async fn start_verification(
        &self,
        request: Request<StartVerificationRequest>,
    ) -> Result<Response<StartVerificationResponse>, Status> {
        let (metadata, _, start) = request.into_parts();
        let (how, id) = {
            let mut state = self.state();
            state.metadata.push(metadata);
            let sends = matches!(
                state.starts,
                StartBehavior::Well
                    | StartBehavior::SendingAndHanging
                    | StartBehavior::WhenReleased
            );
            let id = if sends {
                state.send(&start)
            } else {
                String::new()
            };
            state.started.push(start);
            (state.starts, id)
        };
        let outcome = match how {
            StartBehavior::Well => Some(Outcome::Accepted(Accepted {
                provider_message_id: id,
            })),
            StartBehavior::WhenReleased => {
                self.gate.acquire().await.unwrap().forget();
                Some(Outcome::Accepted(Accepted {
                    provider_message_id: id,
                }))
            }
            StartBehavior::Refusing => Some(Outcome::Refused(Refused {
                reason: RefusalReason::InvalidDestination.into(),
            })),
            StartBehavior::Silently => None,
            StartBehavior::Erring(code) => return Err(Status::new(code, "a test says so")),
            StartBehavior::SendingAndHanging => std::future::pending().await,
        };
        Ok(Response::new(StartVerificationResponse { outcome }))
    }

    async fn check_verification(
        &self,
        request: Request<CheckVerificationRequest>,
    ) -> Result<Response<CheckVerificationResponse>, Status> {
        let (metadata, _, check) = request.into_parts();
        let (how, judged) = {
            let mut state = self.state();
            state.metadata.push(metadata);
            state.checked.push(check.clone());
            (state.judges, state.judge(&check))
        };
        let mut verification_id = check.verification_id;
        let status = match how {
            CheckBehavior::Well | CheckBehavior::ApprovingAgain => judged.into(),
            CheckBehavior::ApprovingEverything => VerificationStatus::Approved.into(),
            CheckBehavior::ForgettingEverything => VerificationStatus::Ended.into(),
            CheckBehavior::AboutAnother => {
                verification_id = "0".repeat(32);
                VerificationStatus::Approved.into()
            }
            CheckBehavior::Silently => VerificationStatus::Unspecified.into(),
            CheckBehavior::InANewWay => 77,
            CheckBehavior::Erring(code) => return Err(Status::new(code, "a test says so")),
            CheckBehavior::Hanging => std::future::pending().await,
            CheckBehavior::Unheard => return Err(Status::internal("a test lost the answer")),
            CheckBehavior::WhenReleased => {
                self.gate.acquire().await.unwrap().forget();
                judged.into()
            }
            CheckBehavior::After(delay) => {
                sleep(delay).await;
                judged.into()
            }
        };
        Ok(Response::new(CheckVerificationResponse {
            verification_id,
            status,
        }))
    }
}

impl ProviderState {
    /// Sends once for each key; the code of a verification stays as it is.
    fn send(&mut self, start: &StartVerificationRequest) -> String {
        let id = start.verification_id.clone();
        self.codes.entry(id).or_insert_with(|| OwnCode {
            code: code_of(start.code_digits),
            approved: false,
        });
        let next = format!("message-{}", self.sent.len() + 1);
        let sent = self.sent.entry(start.idempotency_key.clone());
        sent.or_insert(next).clone()
    }

    /// Judges once for each key, unless nothing is judged at all.
    fn judge(&mut self, check: &CheckVerificationRequest) -> VerificationStatus {
        let judges = matches!(
            self.judges,
            CheckBehavior::Well
                | CheckBehavior::ApprovingAgain
                | CheckBehavior::Unheard
                | CheckBehavior::After(_)
                | CheckBehavior::WhenReleased
        );
        if !judges {
            return VerificationStatus::Unspecified;
        }
        if let Some(answer) = self.answers.get(&check.idempotency_key) {
            return *answer;
        }
        let again = self.judges == CheckBehavior::ApprovingAgain;
        let status = match self.codes.get_mut(&check.verification_id) {
            None => VerificationStatus::Ended,
            Some(known) if known.approved && !again => VerificationStatus::Ended,
            Some(known) if known.code == check.digits => {
                known.approved = true;
                VerificationStatus::Approved
            }
            Some(_) => VerificationStatus::Rejected,
        };
        self.answers.insert(check.idempotency_key.clone(), status);
        status
    }
}

fn code_of(digits: u32) -> String {
    let number = u64::from_str_radix(&unique(), 16).unwrap() % 10_u64.pow(digits);
    let width = usize::try_from(digits).unwrap();
    format!("{number:0width$}")
}
