//! The transport with every limit of it set: tonic's own defaults are open.

use crate::{callers::CallerRegistry, config::ServerConfig, edge::EdgeLayer, system::RandomSource};
use std::{sync::Arc, time::Duration};
use tonic::transport::Server;
use tower::layer::util::{Identity, Stack};

/// How much of one call is read ahead, in bytes: two messages.
const STREAM_WINDOW: u32 = 128 * 1024;

/// How much of one connection is read ahead, in bytes.
const CONNECTION_WINDOW: u32 = 1024 * 1024;

/// The largest frame, in bytes: the smallest that HTTP/2 lets one ask for.
const FRAME: u32 = 16 * 1024;

/// HTTP/2 refuses headers without a word above so many times the limit; between the two, the edge says what is wrong.
const HEADER_LIMIT_FACTOR: u32 = 4;

/// A transport with the edge around whatever is served.
#[must_use]
pub fn limited_server(
    config: &ServerConfig,
    entropy: &dyn RandomSource,
    callers: Arc<CallerRegistry>,
) -> Server<Stack<EdgeLayer, Identity>> {
    let streams = config.max_concurrent_streams;
    Server::builder()
        .max_concurrent_streams(streams)
        .concurrency_limit_per_connection(usize::try_from(streams).unwrap_or(usize::MAX))
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_frame_size(FRAME)
        .http2_max_header_list_size(config.max_header_bytes.saturating_mul(HEADER_LIMIT_FACTOR))
        .http2_max_pending_accept_reset_streams(Some(20))
        .http2_max_local_error_reset_streams(Some(256))
        .http2_keepalive_interval(Some(Duration::from_secs(config.keepalive_seconds)))
        .http2_keepalive_timeout(Some(Duration::from_secs(config.keepalive_timeout_seconds)))
        .max_connection_age(connection_age(config, entropy))
        .accept_http1(false)
        .layer(EdgeLayer {
            callers,
            deadline: Duration::from_secs(config.deadline_seconds),
            max_header_bytes: config.max_header_bytes,
        })
}

/// A tenth more or less, drawn once, so that replicas which start together do not lose their callers together.
fn connection_age(config: &ServerConfig, entropy: &dyn RandomSource) -> Duration {
    let mut drawn = [0; 2];
    entropy.fill(&mut drawn);
    let share = f64::from(u16::from_be_bytes(drawn)) / f64::from(u16::MAX);
    Duration::from_secs(config.max_connection_age_seconds).mul_f64(0.9 + 0.2 * share)
}
