use super::*;
use std::sync::atomic::{AtomicU32, Ordering};

#[tokio::test]
async fn a_worker_that_panics_is_started_again() {
    let begun = AtomicU32::new(0);
    restart_on_panic("test", CancellationToken::new(), || async {
        assert!(begun.fetch_add(1, Ordering::SeqCst) >= 2, "twice it panics");
    })
    .await;
    assert_eq!(begun.load(Ordering::SeqCst), 3);
}
