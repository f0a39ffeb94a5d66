//! `GET /metrics` over HTTP, and nothing else.

use crate::gateways::metrics::Metrics;
use http::{Method, Request, Response, StatusCode, header::CONTENT_TYPE};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{convert::Infallible, future::Future, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinSet,
    time::{sleep, timeout},
};

/// How many may read at once.
const PLACES: usize = 8;

/// How long a reader may take, from the connection to its end: each reads once.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long to wait after the system could not accept a connection.
const BREATH: Duration = Duration::from_millis(100);

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Answers whoever reads, until `stop` resolves.
pub async fn serve(listener: TcpListener, metrics: Arc<Metrics>, stop: impl Future<Output = ()>) {
    let places = Arc::new(Semaphore::new(PLACES));
    let mut readers = JoinSet::new();
    tokio::pin!(stop);
    loop {
        let place = Arc::clone(&places).acquire_owned().await;
        let accepted = tokio::select! {
            () = &mut stop => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((tcp, _)) = accepted else {
            sleep(BREATH).await;
            continue;
        };
        let metrics = Arc::clone(&metrics);
        readers.spawn(async move {
            let _bounded = timeout(PATIENCE, read(tcp, &metrics)).await;
            drop(place);
        });
        while readers.try_join_next().is_some() {}
    }
}

async fn read(tcp: TcpStream, metrics: &Metrics) {
    let answer = service_fn(async |request: Request<Incoming>| {
        Ok::<_, Infallible>(answer(request.method(), request.uri().path(), metrics))
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .keep_alive(false)
        .max_buf_size(8 * 1024)
        .serve_connection(TokioIo::new(tcp), answer);
    if let Err(cause) = connection.await {
        tracing::debug!(%cause, "a reader of metrics went away");
    }
}

fn answer(method: &Method, path: &str, metrics: &Metrics) -> Response<String> {
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
