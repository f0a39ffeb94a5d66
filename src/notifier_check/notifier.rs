//! The client of the notifier under check. It counts connections, and can send malformed calls.

use crate::{
    answer::NotifierAnswer,
    raw_bytes::RawBytes,
    settings::{NotifierCheckError, NotifierCheckSettings},
};
use countersign_proto::notifier::{
    CheckVerificationRequest, CheckVerificationResponse, DeliverRequest, DeliverResponse,
    StartVerificationRequest, StartVerificationResponse, deliver_response::Outcome as Delivered,
    start_verification_response::Outcome as Started,
};
use hyper_util::rt::TokioIo;
use prost::Message as _;
use std::{
    collections::BTreeSet,
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    net::{TcpStream, lookup_host},
    time::timeout,
};
use tonic::{
    Code, Request, Status,
    client::Grpc,
    codegen::http::uri::PathAndQuery,
    metadata::{Ascii, MetadataValue},
    transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Uri},
};

/// The notifier under check.
pub struct CheckedNotifier {
    pub(super) settings: NotifierCheckSettings,
    endpoint: Endpoint,
    bearer: Option<MetadataValue<Ascii>>,
    main: LazyConnection,
    largest: AtomicUsize,
    taken: Mutex<BTreeSet<String>>,
}

/// A connection that is opened on demand and counted.
pub(super) struct LazyConnection {
    pub(super) channel: Channel,
    opened: Arc<AtomicUsize>,
}

/// The token to send with a call.
pub(super) enum TokenChoice<'a> {
    /// The agreed token.
    Agreed,
    /// No token.
    None,
    /// This token instead of the agreed one.
    Other(&'a str),
}

const DELIVER: &str = "/countersign.notifier.v1.NotifierService/Deliver";
const START: &str = "/countersign.notifier.v1.VerificationService/StartVerification";
const CHECK: &str = "/countersign.notifier.v1.VerificationService/CheckVerification";

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

impl CheckedNotifier {
    /// Creates a client. It connects when the first check runs.
    ///
    /// # Errors
    /// [`NotifierCheckError`] if the settings can't be used.
    pub fn new(settings: NotifierCheckSettings) -> Result<Self, NotifierCheckError> {
        let bad = || NotifierCheckError::Address(settings.url.clone());
        let mut endpoint = Endpoint::from_shared(settings.url.clone())
            .map_err(|_| bad())?
            .connect_timeout(CONNECT_TIMEOUT);
        endpoint.uri().host().ok_or_else(bad)?;
        if endpoint.uri().scheme_str() == Some("https") {
            let tls = ClientTlsConfig::new().with_native_roots();
            let ca = settings.ca.as_ref().map(Certificate::from_pem);
            endpoint = endpoint
                .tls_config(ca.into_iter().fold(tls, ClientTlsConfig::ca_certificate))
                .map_err(NotifierCheckError::Certificates)?;
        }
        let bearer = settings.token.as_deref().map(bearer).transpose()?;
        Ok(Self {
            main: LazyConnection::new(&endpoint),
            endpoint,
            bearer,
            settings,
            largest: AtomicUsize::new(0),
            taken: Mutex::default(),
        })
    }

    pub(super) const fn has_token(&self) -> bool {
        self.bearer.is_some()
    }

    pub(super) const fn may_send(&self) -> bool {
        self.settings.destination.address.is_some()
    }

    /// The number of messages that the notifier accepted.
    pub(super) fn taken(&self) -> usize {
        let taken = self.taken.lock();
        taken.unwrap_or_else(PoisonError::into_inner).len()
    }

    /// The size of the largest response so far, in bytes.
    pub(super) fn largest_answer(&self) -> usize {
        self.largest.load(Ordering::Relaxed)
    }

    /// A new connection.
    pub(super) fn connection(&self) -> LazyConnection {
        LazyConnection::new(&self.endpoint)
    }

    /// A new connection with keepalive pings, even while it is idle.
    pub(super) fn pinged(&self, every: Duration) -> LazyConnection {
        let endpoint = self.endpoint.clone();
        LazyConnection::new(
            &endpoint
                .http2_keep_alive_interval(every)
                .keep_alive_while_idle(true),
        )
    }

    /// Delivers a message as Countersign does.
    pub(super) async fn deliver(&self, message: &DeliverRequest) -> NotifierAnswer {
        self.deliver_over(&self.main, message).await
    }

    pub(super) async fn deliver_over(
        &self,
        connection: &LazyConnection,
        message: &DeliverRequest,
    ) -> NotifierAnswer {
        let call = self.call(
            connection,
            Request::new(message.encode_to_vec()),
            &TokenChoice::Agreed,
        );
        let answer = within(self.settings.call_timeout, call).await;
        self.remember(&message.idempotency_key, &answer);
        answer
    }

    /// Asks a provider to send a code of its own.
    pub(super) async fn start(
        &self,
        start: &StartVerificationRequest,
        token: &TokenChoice<'_>,
    ) -> NotifierAnswer {
        let call = async {
            let request = Request::new(start.encode_to_vec());
            let answered = self.ask(&self.main, START, request, token).await?;
            let response = StartVerificationResponse::decode(answered.as_slice())
                .map_err(|_| Status::internal("the response is not a StartVerificationResponse"))?;
            Ok(DeliverResponse {
                outcome: response.outcome.map(delivered),
            })
        };
        let answer = within(self.settings.call_timeout, call).await;
        self.remember(&start.idempotency_key, &answer);
        answer
    }

    /// Asks a provider to check digits. The error is the answer if it is not a response.
    pub(super) async fn check(
        &self,
        check: &CheckVerificationRequest,
        token: &TokenChoice<'_>,
    ) -> Result<CheckVerificationResponse, NotifierAnswer> {
        let request = Request::new(check.encode_to_vec());
        let call = self.ask(&self.main, CHECK, request, token);
        let answered = match timeout(self.settings.call_timeout, call).await {
            Ok(answered) => answered.map_err(|status| NotifierAnswer::of_status(&status))?,
            Err(_elapsed) => return Err(NotifierAnswer::Silence(self.settings.call_timeout)),
        };
        CheckVerificationResponse::decode(answered.as_slice()).map_err(|_| {
            let message = "the response is not a CheckVerificationResponse";
            NotifierAnswer::Status(Code::Internal, message.to_owned())
        })
    }

    /// Like [`Self::deliver`], with bytes after the message that a later version may add.
    pub(super) async fn deliver_with(
        &self,
        message: &DeliverRequest,
        later: &[u8],
    ) -> NotifierAnswer {
        let bytes = [message.encode_to_vec().as_slice(), later].concat();
        let answer = self.deliver_bytes(bytes, &TokenChoice::Agreed).await;
        self.remember(&message.idempotency_key, &answer);
        answer
    }

    fn remember(&self, key: &str, answer: &NotifierAnswer) {
        if answer.is_accepted() {
            let taken = self.taken.lock();
            taken
                .unwrap_or_else(PoisonError::into_inner)
                .insert(key.to_owned());
        }
    }

    /// Sends bytes that may not be a valid message.
    pub(super) async fn deliver_bytes(
        &self,
        bytes: Vec<u8>,
        token: &TokenChoice<'_>,
    ) -> NotifierAnswer {
        let call = self.call(&self.main, Request::new(bytes), token);
        within(self.settings.call_timeout, call).await
    }

    /// Delivers a message with a deadline. The deadline is sent to the notifier and also enforced here.
    pub(super) async fn deliver_within(
        &self,
        message: &DeliverRequest,
        deadline: Duration,
    ) -> NotifierAnswer {
        let mut request = Request::new(message.encode_to_vec());
        request.set_timeout(deadline);
        within(
            deadline,
            self.call(&self.main, request, &TokenChoice::Agreed),
        )
        .await
    }

    async fn call(
        &self,
        connection: &LazyConnection,
        request: Request<Vec<u8>>,
        token: &TokenChoice<'_>,
    ) -> Result<DeliverResponse, Status> {
        let answered = self.ask(connection, DELIVER, request, token).await?;
        DeliverResponse::decode(answered.as_slice())
            .map_err(|_| Status::internal("the response is not a DeliverResponse"))
    }

    async fn ask(
        &self,
        connection: &LazyConnection,
        path: &'static str,
        mut request: Request<Vec<u8>>,
        token: &TokenChoice<'_>,
    ) -> Result<Vec<u8>, Status> {
        if let Some(bearer) = self.bearer_of(token)? {
            request.metadata_mut().insert("authorization", bearer);
        }
        let mut client = Grpc::new(connection.channel.clone());
        client
            .ready()
            .await
            .map_err(|cause| Status::from_error(Box::new(cause)))?;
        let path = PathAndQuery::from_static(path);
        let answered = client.unary(request, path, RawBytes).await?.into_inner();
        self.largest.fetch_max(answered.len(), Ordering::Relaxed);
        Ok(answered)
    }

    fn bearer_of(&self, token: &TokenChoice<'_>) -> Result<Option<MetadataValue<Ascii>>, Status> {
        match token {
            TokenChoice::Agreed => Ok(self.bearer.clone()),
            TokenChoice::None => Ok(None),
            TokenChoice::Other(token) => bearer(token)
                .map(Some)
                .map_err(|unusable| Status::internal(unusable.to_string())),
        }
    }
}

/// Converts the outcome of `StartVerification` to that of `Deliver`.
fn delivered(started: Started) -> Delivered {
    match started {
        Started::Accepted(accepted) => Delivered::Accepted(accepted),
        Started::Refused(refused) => Delivered::Refused(refused),
    }
}

async fn within(
    call_timeout: Duration,
    call: impl Future<Output = Result<DeliverResponse, Status>>,
) -> NotifierAnswer {
    match timeout(call_timeout, call).await {
        Ok(answered) => NotifierAnswer::of(answered),
        Err(_elapsed) => NotifierAnswer::Silence(call_timeout),
    }
}

impl LazyConnection {
    fn new(endpoint: &Endpoint) -> Self {
        let opened = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&opened);
        let connector = tower::service_fn(move |uri: Uri| {
            let counter = Arc::clone(&counter);
            async move {
                let stream = dial(&uri).await?;
                counter.fetch_add(1, Ordering::Relaxed);
                Ok::<_, io::Error>(TokioIo::new(stream))
            }
        });
        Self {
            channel: endpoint.connect_with_connector_lazy(connector),
            opened,
        }
    }

    /// How often the connection was opened.
    pub(super) fn opened(&self) -> usize {
        self.opened.load(Ordering::Relaxed)
    }
}

async fn dial(uri: &Uri) -> io::Result<TcpStream> {
    let host = uri.host().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let secure = uri.scheme_str() == Some("https");
    let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
    let addresses: Vec<SocketAddr> = lookup_host((host, port)).await?.collect();
    let stream = TcpStream::connect(addresses.as_slice()).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn bearer(token: &str) -> Result<MetadataValue<Ascii>, NotifierCheckError> {
    let mut bearer: MetadataValue<Ascii> = format!("Bearer {token}")
        .parse()
        .map_err(|_| NotifierCheckError::Token)?;
    bearer.set_sensitive(true);
    Ok(bearer)
}
