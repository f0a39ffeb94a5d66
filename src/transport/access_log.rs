//! One line for each call that has ended. It names no person.

use crate::trace_context::TraceContext;
use countersign_domain::authorization::caller::Caller;
use http::{Request, Response};
use std::sync::{Arc, OnceLock};
use tokio::time::Instant;
use tonic::{Code, Status, body::Body};
use tonic_types::StatusExt;

/// The target of the lines, for `log.filter`.
pub(crate) const TARGET: &str = "countersign::access";

/// The tenant of a call, once a handler knows that its caller may act for it. Handlers find it in the extensions of their
/// request.
#[derive(Debug, Clone, Default)]
pub struct CallTenant(Arc<OnceLock<String>>);

impl CallTenant {
    /// Notes the tenant. The first one stays.
    pub fn set(&self, tenant: &str) {
        let _noted_before = self.0.set(tenant.to_owned());
    }
}

/// What is known of a call before its handler runs.
pub(crate) struct AccessLine {
    rpc: String,
    trace_id: String,
    caller: Option<Arc<Caller>>,
    tenant: CallTenant,
    started_at: Instant,
}

impl AccessLine {
    /// Of a call that starts now. Its handler finds a [`CallTenant`] to fill.
    pub(crate) fn start(request: &mut Request<Body>, trace: &TraceContext) -> Self {
        let tenant = CallTenant::default();
        request.extensions_mut().insert(tenant.clone());
        Self {
            rpc: request.uri().path().trim_start_matches('/').to_owned(),
            trace_id: trace.trace_id().to_string(),
            caller: None,
            tenant,
            started_at: Instant::now(),
        }
    }

    /// The caller that the edge identified.
    pub(crate) fn set_caller(&mut self, caller: Option<&Arc<Caller>>) {
        self.caller = caller.cloned();
    }

    /// Logs the call: at `info`, and calls of health and reflection at `debug`.
    pub(crate) fn log(&self, response: &Response<Body>) {
        let failed = Status::from_header_map(response.headers());
        let status = failed.as_ref().map_or(Code::Ok, Status::code);
        let info = failed.and_then(|status| status.get_details_error_info());
        let reason = info.map(|info| info.reason);
        let micros = u32::try_from(self.started_at.elapsed().as_micros()).unwrap_or(u32::MAX);
        let ms = f64::from(micros) / 1000.0;
        let (rpc, trace_id) = (self.rpc.as_str(), self.trace_id.as_str());
        let caller = self.caller.as_ref().map(|caller| caller.name.as_str());
        let tenant = self.tenant.0.get().map(String::as_str);
        let status = name_of(status);
        let reason = reason.as_deref();
        if rpc.starts_with("countersign.") {
            tracing::info!(target: TARGET, parent: None, rpc, caller, tenant, status, reason, ms, trace_id, "call");
        } else {
            tracing::debug!(target: TARGET, parent: None, rpc, caller, tenant, status, reason, ms, trace_id, "call");
        }
    }
}

/// The name of a status as gRPC writes it.
pub(crate) const fn name_of(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}
