//! The edge: what holds for every call before its handler sees it. A caller that is known by its headers alone, so that
//! nobody waits for a stranger's message; a deadline of its own, a span in the caller's trace, and a status with a reason,
//! whatever goes wrong.

use crate::{
    callers::{CallerRegistry, UnknownCaller},
    status::{deadline_passed, defect, with_reason},
    trace_context::TraceContext,
};
use countersign_proto::v1::ErrorReason;
use futures_util::FutureExt;
use http::{HeaderMap, Request, Response};
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
        let deadline = deadline(request.headers(), self.layer.deadline);
        let span = span(&request);
        if let Err(denied) = identify(&mut request, &self.layer.callers) {
            let response = Status::from(denied).into_http();
            span.in_scope(|| record(&response));
            return Box::pin(std::future::ready(Ok(response)));
        }
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
            Ok(response)
        };
        Box::pin(answered.instrument(span))
    }
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
fn span(request: &Request<Body>) -> Span {
    let context = TraceContext::join(&HeaderExtractor(request.headers()));
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
        Span::current().record("rpc.response.status_code", tracing::field::debug(code));
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
        Code::OutOfRange => {
            with_reason(Code::OutOfRange, ErrorReason::MessageTooLarge, message).into_http()
        }
        Code::Unimplemented => {
            let message = "there is no such RPC; see the proto files".to_owned();
            with_reason(Code::Unimplemented, ErrorReason::UnknownRpc, message).into_http()
        }
        // A message that is no protobuf is the caller's mistake, though tonic calls it INTERNAL.
        Code::Internal => {
            with_reason(Code::InvalidArgument, ErrorReason::InvalidField, message).into_http()
        }
        _ => response,
    }
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
