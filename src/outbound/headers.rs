//! What goes with a call in its headers.

use countersign_transport::trace_context::TraceContext;
use opentelemetry::propagation::Injector;
use std::time::Duration;
use tonic::{
    Request,
    metadata::{Ascii, MetadataKey, MetadataMap, MetadataValue},
};

/// A request with how long it may take, the token and the caller's trace.
pub(crate) fn with_headers<T>(
    message: T,
    bearer: Option<&MetadataValue<Ascii>>,
    share: Duration,
) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(share);
    if let Some(bearer) = bearer {
        request
            .metadata_mut()
            .insert("authorization", bearer.clone());
    }
    if let Some(context) = TraceContext::current() {
        context.inject(&mut MetadataInjector(request.metadata_mut()));
    }
    request
}

struct MetadataInjector<'a>(&'a mut MetadataMap);

impl Injector for MetadataInjector<'_> {
    fn set(&mut self, key: &str, value: String) {
        if let (Ok(key), Ok(value)) = (MetadataKey::from_bytes(key.as_bytes()), value.parse()) {
            self.0.insert(key, value);
        }
    }
}
