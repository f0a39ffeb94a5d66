use super::together;
use std::time::Duration;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn the_watch_ends_with_a_service_that_fails() {
    let stopping = CancellationToken::new();
    let watch = stopping.clone().cancelled_owned();
    let failed = async { Err::<(), _>("the transport failed") };
    let ended = timeout(Duration::from_secs(5), together(failed, watch, &stopping));
    assert_eq!(ended.await, Ok(Err("the transport failed")));
}
