//! The edge: what holds for every call before its handler sees it. A caller that is known by its headers alone, so that
//! nobody waits for a stranger's message; a deadline of its own, a span in the caller's trace, and a status with a reason,
//! whatever goes wrong.

use crate::{
    access_log::{AccessLine, name_of},
    callers::{CallerRegistry, UnknownCaller},
    status::{deadline_passed, defect, with_reason},
    trace_context::TraceContext,
};
use countersign_proto::v1::ErrorReason;
use futures_util::FutureExt;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use opentelemetry::propagation::Extractor;
use std::{
    convert::Infallible,
    future::Future,
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::Instant;
use tonic::{Code, Status, body::Body};
use tower::{Layer, Service};
use tracing::{Instrument, Span, field::Empty};

/// How the paths of our own services begin.
const OWN_PATH_PREFIX: &str = "/countersign.";

/// Puts the edge around the services.
#[derive(Clone)]
pub struct EdgeLayer {
    /// Who may call.
    pub callers: Arc<CallerRegistry>,
    /// The longest that any call may take.
    pub deadline: Duration,
    /// The largest headers that are accepted, counted as HTTP/2 counts them (RFC 9113 §6.5.2).
    pub max_header_bytes: u32,
}

/// When a call ends, answered or not: what has not been begun by then need not be begun. Handlers find it in the
/// extensions of their request.
#[derive(Debug, Clone, Copy)]
pub struct CallDeadline(pub Instant);

/// The services with the edge around them.
#[derive(Clone)]
pub struct Edge<S> {
    inner: S,
    layer: EdgeLayer,
}

impl<S> Layer<S> for EdgeLayer {
    type Service = Edge<S>;

    fn layer(&self, inner: S) -> Edge<S> {
        Edge {
            inner,
            layer: self.clone(),
        }
    }
}

impl<S> Service<Request<Body>> for Edge<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        if let Some(response) = refuse_other_protocols(&request) {
            return Box::pin(std::future::ready(Ok(response)));
        }
        let deadline = deadline(request.headers(), self.layer.deadline);
        let context = TraceContext::join(&HeaderExtractor(request.headers()));
        let mut access = AccessLine::start(&mut request, &context);
        let span = span(&request, context);
        let admitted = check_header_size(request.headers(), self.layer.max_header_bytes)
            .and_then(|()| Ok(identify(&mut request, &self.layer.callers)?));
        if let Err(denied) = admitted {
            let response = denied.into_http();
            span.in_scope(|| record(&response));
            access.log(&response);
            return Box::pin(std::future::ready(Ok(response)));
        }
        access.set_caller(request.extensions().get());
        if let Some(ends) = Instant::now().checked_add(deadline) {
            request.extensions_mut().insert(CallDeadline(ends));
        }
        let handled = AssertUnwindSafe(self.inner.call(request)).catch_unwind();
        let answered = async move {
            let response = match tokio::time::timeout(deadline, handled).await {
                Ok(Ok(Ok(response))) => explain(response),
                Ok(Err(_panic)) => {
                    tracing::error!("a handler panicked; please report it");
                    defect().into_http()
                }
                Err(_elapsed) => deadline_passed().into_http(),
            };
            record(&response);
            response
        };
        Box::pin(async move {
            let response = answered.instrument(span).await;
            access.log(&response);
            Ok(response)
        })
    }
}

/// A browser or a load balancer that speaks no gRPC gets an answer of HTTP's own.
fn refuse_other_protocols(request: &Request<Body>) -> Option<Response<Body>> {
    let refused = |code: StatusCode| {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = code;
        Some(response)
    };
    if request.method() != Method::POST {
        return refused(StatusCode::NOT_FOUND);
    }
    let content_type = request.headers().get(header::CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok());
    let subtype = content_type.and_then(|value| value.strip_prefix("application/grpc"));
    let is_grpc = subtype.is_some_and(|rest| rest.is_empty() || rest.starts_with(['+', ';']));
    if is_grpc {
        return None;
    }
    refused(StatusCode::UNSUPPORTED_MEDIA_TYPE)
}

/// Refuses headers above the limit with a status that says so.
fn check_header_size(headers: &HeaderMap, limit: u32) -> Result<(), Status> {
    const ENTRY_OVERHEAD: usize = 32;
    let sizes = headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + ENTRY_OVERHEAD);
    let size: usize = sizes.sum();
    if u32::try_from(size).is_ok_and(|size| size <= limit) {
        return Ok(());
    }
    let message = format!(
        "the headers have {size} bytes; at most {limit} are accepted (server.max_header_bytes)"
    );
    let reason = ErrorReason::HeadersTooLarge;
    Err(with_reason(Code::OutOfRange, reason, message))
}

/// Puts the caller where its handler finds it. Health and reflection are everybody's; what is ours is nobody's else.
fn identify(request: &mut Request<Body>, callers: &CallerRegistry) -> Result<(), UnknownCaller> {
    if !request.uri().path().starts_with(OWN_PATH_PREFIX) {
        return Ok(());
    }
    let caller = Arc::clone(callers.identify(request.headers())?);
    request.extensions_mut().insert(caller);
    Ok(())
}

/// The caller's deadline or ours, whichever is earlier; a little less than the caller's, because tonic ends the call
/// at that very instant with CANCELLED, which says nothing.
fn deadline(headers: &HeaderMap, ours: Duration) -> Duration {
    const DEADLINE_MARGIN: Duration = Duration::from_millis(20);
    let requested = headers
        .get("grpc-timeout")
        .and_then(|value| timeout(value.to_str().ok()?));
    requested.map_or(ours, |requested| {
        ours.min(requested.saturating_sub(DEADLINE_MARGIN.min(requested / 10)))
    })
}

/// At most eight digits and a unit, as gRPC over HTTP/2 has it.
fn timeout(value: &str) -> Option<Duration> {
    let (digits, unit) = value.split_at_checked(value.len().checked_sub(1)?)?;
    let number: u64 = digits.parse().ok().filter(|_| digits.len() <= 8)?;
    match unit {
        "H" => Some(Duration::from_hours(number)),
        "M" => Some(Duration::from_mins(number)),
        "S" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_millis(number)),
        "u" => Some(Duration::from_micros(number)),
        "n" => Some(Duration::from_nanos(number)),
        _ => None,
    }
}

/// A span with OpenTelemetry's names, in the trace that the caller's `traceparent` names.
fn span(request: &Request<Body>, context: TraceContext) -> Span {
    let span = tracing::info_span!(
        "rpc",
        rpc.system.name = "grpc",
        rpc.method = request.uri().path().trim_start_matches('/'),
        rpc.response.status_code = Empty,
        trace_id = %context.trace_id(),
    );
    context.attach(&span);
    span
}

/// Notes the status of a call that failed, for what is logged of it later.
fn record(response: &Response<Body>) {
    let status = Status::from_header_map(response.headers());
    if let Some(code) = status.map(|status| status.code()) {
        Span::current().record("rpc.response.status_code", name_of(code));
    }
}

/// Statuses that tonic makes itself get a reason too.
fn explain(response: Response<Body>) -> Response<Body> {
    let Some(status) = Status::from_header_map(response.headers()) else {
        return response;
    };
    if !status.details().is_empty() {
        return response;
    }
    let message = status.message().to_owned();
    match status.code() {
        // Too large as it came, or inflated.
        Code::OutOfRange | Code::ResourceExhausted => {
            with_reason(Code::OutOfRange, ErrorReason::MessageTooLarge, message).into_http()
        }
        Code::Unimplemented => unimplemented(&response),
        // A message that is no protobuf is the caller's mistake, though tonic calls it INTERNAL.
        Code::Internal => {
            with_reason(Code::InvalidArgument, ErrorReason::InvalidField, message).into_http()
        }
        _ => response,
    }
}

/// Of a message whose encoding is not read, tonic names those that are.
fn unimplemented(response: &Response<Body>) -> Response<Body> {
    const ACCEPTED: &str = "grpc-accept-encoding";
    let Some(accepted) = response.headers().get(ACCEPTED) else {
        let message = "there is no such RPC; see the proto files".to_owned();
        return with_reason(Code::Unimplemented, ErrorReason::UnknownRpc, message).into_http();
    };
    let message = "the message has an unknown grpc-encoding; accepted are `identity` and `gzip`";
    let reason = ErrorReason::EncodingNotSupported;
    let mut explained = with_reason(Code::Unimplemented, reason, message.to_owned()).into_http();
    explained.headers_mut().insert(ACCEPTED, accepted.clone());
    explained
}

struct HeaderExtractor<'a>(&'a HeaderMap);

impl Extractor for HeaderExtractor<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(http::HeaderName::as_str).collect()
    }
}
