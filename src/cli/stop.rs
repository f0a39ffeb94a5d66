//! When to stop: SIGTERM from an orchestrator, SIGINT from a person, SIGHUP from a terminal that closes.

use std::io;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Resolves at the first SIGTERM, SIGINT or SIGHUP.
pub(super) async fn requested() {
    match signal(SignalKind::hangup()) {
        Ok(hangup) => first_of(Some(hangup)).await,
        Err(cause) => unheard(&cause).await,
    }
}

/// Resolves at the first SIGTERM or SIGINT, for a process that reloads at SIGHUP.
pub(super) async fn requested_but_hangup() {
    first_of(None).await;
}

async fn first_of(mut hangup: Option<Signal>) {
    let signals = signal(SignalKind::terminate())
        .and_then(|terminate| Ok((terminate, signal(SignalKind::interrupt())?)));
    let (mut terminate, mut interrupt) = match signals {
        Ok(signals) => signals,
        Err(cause) => return unheard(&cause).await,
    };
    let hung_up = async {
        match &mut hangup {
            Some(hangup) => hangup.recv().await,
            None => std::future::pending().await,
        }
    };
    let name = tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
        _ = hung_up => "SIGHUP",
    };
    tracing::info!(signal = name, "draining");
}

async fn unheard(cause: &io::Error) {
    tracing::warn!(%cause, "signals can't be received; stop this process by SIGKILL");
    std::future::pending::<()>().await;
}
