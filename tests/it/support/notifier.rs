//! Notifiers that the tests serve: real gRPC servers, some of them slow, lying or dead.

use countersign_proto::notifier::{
    Accepted, DeliverRequest, DeliverResponse, RefusalReason, Refused,
    deliver_request::Content,
    deliver_response::Outcome,
    notifier_service_server::{NotifierService, NotifierServiceServer},
};
use std::{
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{net::TcpListener, sync::Semaphore, task::JoinHandle};
use tonic::{
    Request, Response, Status,
    transport::{Identity, Server, ServerTlsConfig, server::TcpIncoming},
};

/// How a notifier behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DeliveryBehavior {
    /// Takes every message.
    Takes,
    /// Says that it can't be delivered.
    Refuses,
    /// Says that it serves no such number.
    DoesNotServe,
    /// Answers that this message can't go now.
    PutsOff,
    /// Takes every message, in more words than anybody reads.
    SaysTooMuch,
    /// Answers with an error.
    Errs,
    /// Answers that the message is invalid.
    CallsItInvalid,
    /// Answers without an outcome.
    SaysNothing,
    /// Never answers.
    Hangs,
    /// Takes the message, then answers with an error.
    TakesAndErrs,
    /// Takes the message, and answers when nobody waits any more.
    AnswersAfter(Duration),
    /// Takes the message, and answers when the test lets it.
    AnswersWhenReleased,
    /// Takes the message twice, as if it came twice.
    TakesTwice,
}

/// A notifier on a port of its own.
pub(crate) struct TestNotifier {
    pub(crate) url: String,
    behavior: Arc<Mutex<DeliveryBehavior>>,
    gate: Arc<Semaphore>,
    taken: Arc<Mutex<Vec<(DeliverRequest, tonic::metadata::MetadataMap)>>>,
    running: JoinHandle<()>,
}

struct NotifierBehavior {
    behavior: Arc<Mutex<DeliveryBehavior>>,
    gate: Arc<Semaphore>,
    taken: Arc<Mutex<Vec<(DeliverRequest, tonic::metadata::MetadataMap)>>>,
}

#[tonic::async_trait]
impl NotifierService for NotifierBehavior {
    async fn deliver(
        &self,
        request: Request<DeliverRequest>,
    ) -> Result<Response<DeliverResponse>, Status> {
        let behavior = *self.behavior.lock().unwrap();
        let (metadata, _, message) = request.into_parts();
        let times = if behavior == DeliveryBehavior::TakesTwice {
            2
        } else {
            1
        };
        for _ in 0..times {
            let message = (message.clone(), metadata.clone());
            self.taken.lock().unwrap().push(message);
        }
        let outcome = match behavior {
            DeliveryBehavior::Takes | DeliveryBehavior::TakesTwice => {
                Some(Outcome::Accepted(Accepted::default()))
            }
            DeliveryBehavior::AnswersAfter(delay) => {
                tokio::time::sleep(delay).await;
                Some(Outcome::Accepted(Accepted::default()))
            }
            DeliveryBehavior::AnswersWhenReleased => {
                self.gate.acquire().await.unwrap().forget();
                Some(Outcome::Accepted(Accepted::default()))
            }
            DeliveryBehavior::SaysTooMuch => Some(Outcome::Accepted(Accepted {
                provider_message_id: "x".repeat(20 * 1024),
            })),
            DeliveryBehavior::Refuses => Some(refused(RefusalReason::InvalidDestination)),
            DeliveryBehavior::DoesNotServe => Some(refused(RefusalReason::NotServed)),
            DeliveryBehavior::PutsOff => return Err(Status::resource_exhausted("a test says so")),
            DeliveryBehavior::Errs => return Err(Status::unavailable("a test says so")),
            DeliveryBehavior::CallsItInvalid => {
                return Err(Status::invalid_argument("a test says so"));
            }
            DeliveryBehavior::TakesAndErrs => return Err(Status::internal("a test says so")),
            DeliveryBehavior::SaysNothing => None,
            DeliveryBehavior::Hangs => std::future::pending().await,
        };
        Ok(Response::new(DeliverResponse { outcome }))
    }
}

fn refused(reason: RefusalReason) -> Outcome {
    Outcome::Refused(Refused {
        reason: reason.into(),
    })
}

impl TestNotifier {
    pub(crate) async fn start(behavior: DeliveryBehavior) -> Self {
        Self::serve(behavior, "http", Server::builder()).await
    }

    /// One that proves by a certificate that it is `localhost`.
    pub(crate) async fn start_with_tls(cert: &Path, key: &Path) -> Self {
        let [cert, key] = [cert, key].map(|file| std::fs::read(file).unwrap());
        let tls = ServerTlsConfig::new().identity(Identity::from_pem(cert, key));
        let server = Server::builder().tls_config(tls).unwrap();
        Self::serve(DeliveryBehavior::Takes, "https", server).await
    }

    async fn serve(behavior: DeliveryBehavior, scheme: &str, mut server: Server) -> Self {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))
            .await
            .unwrap();
        let port = listener.local_addr().unwrap().port();
        let url = match scheme {
            "https" => format!("https://localhost:{port}"),
            _ => format!("http://127.0.0.1:{port}"),
        };
        let (behavior, taken) = (Arc::new(Mutex::new(behavior)), Arc::default());
        let gate = Arc::new(Semaphore::new(0));
        let service = NotifierBehavior {
            behavior: Arc::clone(&behavior),
            gate: Arc::clone(&gate),
            taken: Arc::clone(&taken),
        };
        let incoming = TcpIncoming::from(listener);
        let serving = server
            .add_service(NotifierServiceServer::new(service))
            .serve_with_incoming(incoming);
        #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
        let running = tokio::spawn(async move { serving.await.unwrap() });
        Self {
            url,
            behavior,
            gate,
            taken,
            running,
        }
    }

    /// So many calls that wait for it are answered.
    pub(crate) fn release(&self, calls: usize) {
        self.gate.add_permits(calls);
    }

    pub(crate) fn behave(&self, behavior: DeliveryBehavior) {
        *self.behavior.lock().unwrap() = behavior;
    }

    /// It stops answering, as a dead process does.
    pub(crate) fn die(&self) {
        self.running.abort();
    }

    /// What reached it, oldest first.
    pub(crate) fn messages(&self) -> Vec<DeliverRequest> {
        self.taken
            .lock()
            .unwrap()
            .iter()
            .map(|(message, _)| message.clone())
            .collect()
    }

    pub(crate) fn metadata(&self) -> Vec<tonic::metadata::MetadataMap> {
        self.taken
            .lock()
            .unwrap()
            .iter()
            .map(|(_, metadata)| metadata.clone())
            .collect()
    }

    /// The code in the last message to a destination.
    pub(crate) fn last_code(&self, destination: &str) -> Option<String> {
        let messages = self.messages();
        let mut to = messages
            .iter()
            .rev()
            .filter(|message| message.destination == destination);
        to.find_map(|message| match &message.content {
            Some(Content::Code(content)) => Some(content.code.clone()),
            _ => None,
        })
    }
}

/// The notice that a message delivers: its key names the notice, and when it was queued.
pub(crate) fn notice_id(message: &DeliverRequest) -> &str {
    let (id, _queued_at) = message.idempotency_key.split_once('-').unwrap();
    id
}
