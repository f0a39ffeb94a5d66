//! The HTTP endpoint, which serves only `GET /metrics`.

use crate::metrics::NotifierMetrics;
use countersign_transport::socket::{BoundSocket, SocketStream};
use http::{Method, Request, Response, StatusCode, header::CONTENT_TYPE};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{convert::Infallible, future::Future, sync::Arc, time::Duration};
use tokio::{
    sync::Semaphore,
    task::JoinSet,
    time::{sleep, timeout},
};

/// The maximum number of concurrent connections.
const MAX_CONNECTIONS: usize = 8;

/// The maximum duration of a connection. Each serves one request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// The delay after a connection could not be accepted.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(100);

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Serves metrics until `stop` resolves.
pub async fn serve(
    listener: BoundSocket,
    metrics: Arc<NotifierMetrics>,
    stop: impl Future<Output = ()>,
) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut readers = JoinSet::new();
    tokio::pin!(stop);
    loop {
        let place = Arc::clone(&places).acquire_owned().await;
        let accepted = tokio::select! {
            () = &mut stop => return,
            accepted = listener.accept() => accepted,
        };
        let Ok(stream) = accepted else {
            sleep(ACCEPT_RETRY_DELAY).await;
            continue;
        };
        let metrics = Arc::clone(&metrics);
        readers.spawn(async move {
            let _bounded = timeout(REQUEST_TIMEOUT, read(stream, &metrics)).await;
            drop(place);
        });
        while readers.try_join_next().is_some() {}
    }
}

async fn read(stream: SocketStream, metrics: &NotifierMetrics) {
    let answer = service_fn(async |request: Request<Incoming>| {
        Ok::<_, Infallible>(answer(request.method(), request.uri().path(), metrics))
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(REQUEST_TIMEOUT)
        .keep_alive(false)
        .max_buf_size(8 * 1024)
        .serve_connection(TokioIo::new(stream), answer);
    if let Err(cause) = connection.await {
        tracing::debug!(%cause, "metrics connection failed");
    }
}

fn answer(method: &Method, path: &str, metrics: &NotifierMetrics) -> Response<String> {
    let (status, body) = match (method, path) {
        (&Method::GET, "/metrics") => (StatusCode::OK, metrics.text()),
        (_, "/metrics") => (StatusCode::METHOD_NOT_ALLOWED, String::new()),
        _ => (StatusCode::NOT_FOUND, String::new()),
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let openmetrics = http::HeaderValue::from_static(OPENMETRICS);
    response.headers_mut().insert(CONTENT_TYPE, openmetrics);
    response
}
