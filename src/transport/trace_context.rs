//! The trace of a call (W3C Trace Context): joined by the edge, shown in the log, passed on to services of others. It travels
//! with the call's span. OpenTelemetry makes no span for it, because nothing exports one.

use opentelemetry::{
    Context,
    propagation::{Extractor, Injector, TextMapPropagator},
    trace::{SpanContext, TraceContextExt, TraceFlags, TraceId, TraceState},
};
use opentelemetry_sdk::{
    propagation::TraceContextPropagator,
    trace::{IdGenerator, RandomIdGenerator},
};
use tracing::Span;
use tracing_subscriber::{Registry, registry::LookupSpan};

const TRACEPARENT: &str = "traceparent";

/// Our part in the trace of a call: the caller's trace id, or a new one, and a span id of ours.
#[derive(Debug, Clone)]
pub struct TraceContext(SpanContext);

impl TraceContext {
    /// Joins the trace that the headers name, or begins one.
    #[must_use]
    pub fn join(headers: &dyn Extractor) -> Self {
        let ids = RandomIdGenerator::default();
        let caller = headers.get(TRACEPARENT).map(|_| {
            let propagator = TraceContextPropagator::new();
            let context = propagator.extract_with_context(&Context::new(), headers);
            context.span().span_context().clone()
        });
        let (trace_id, flags, state) = match caller.filter(SpanContext::is_valid) {
            Some(caller) => (
                caller.trace_id(),
                caller.trace_flags(),
                caller.trace_state().clone(),
            ),
            None => (
                ids.new_trace_id(),
                TraceFlags::SAMPLED,
                TraceState::default(),
            ),
        };
        let own = SpanContext::new(trace_id, ids.new_span_id(), flags, false, state);
        Self(own)
    }

    /// Its id, for the log.
    #[must_use]
    pub fn trace_id(&self) -> TraceId {
        self.0.trace_id()
    }

    /// Lets it travel with a span, into tasks too.
    pub fn attach(self, span: &Span) {
        span.with_subscriber(|(id, subscriber)| {
            let span = subscriber.downcast_ref::<Registry>()?.span(id)?;
            span.extensions_mut().insert(self);
            Some(())
        });
    }

    /// That of the call that is being worked on, if it is a call's work.
    #[must_use]
    pub fn current() -> Option<Self> {
        let found = Span::current().with_subscriber(|(id, subscriber)| {
            let span = subscriber.downcast_ref::<Registry>()?.span(id)?;
            let mut scope = span.scope();
            scope.find_map(|span| span.extensions().get::<Self>().cloned())
        });
        found.flatten()
    }

    /// Writes the headers that pass it on.
    pub fn inject(self, headers: &mut dyn Injector) {
        let context = Context::new().with_remote_span_context(self.0);
        TraceContextPropagator::new().inject_context(&context, headers);
    }
}

#[cfg(test)]
mod tests;
