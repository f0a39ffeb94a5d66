//! Checks of connections, health and reflection.

use crate::{
    answer::{CheckFinding, NotifierAnswer},
    notifier::{CheckedNotifier, LazyConnection},
};
use countersign_proto::health::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use std::time::Duration;
use tokio::time::{sleep, timeout};
use tonic::{Code, Request};
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
};

/// The contract allows one ping a second. The interval is a little longer, because clocks differ.
const PING_INTERVAL: Duration = Duration::from_millis(1_100);
const IDLE_DURATION: Duration = Duration::from_secs(7);
const CALLS: usize = 20;

/// Opens a new connection and requires an answer.
pub(super) async fn connects(notifier: &CheckedNotifier) -> CheckFinding {
    let connection = notifier.connection();
    let answer = ask_over(notifier, &connection).await;
    if answer.is_an_answer() {
        return Ok("an answer".to_owned());
    }
    Err(answer.shown())
}

pub(super) async fn health(notifier: &CheckedNotifier) -> CheckFinding {
    let mut client = HealthClient::new(notifier.connection().channel);
    let request = HealthCheckRequest {
        service: String::new(),
    };
    let answered = timeout(notifier.settings.call_timeout, client.check(request)).await;
    let response = answered
        .map_err(|_| NotifierAnswer::Silence(notifier.settings.call_timeout).shown())?
        .map_err(|status| NotifierAnswer::of_status(&status).shown())?;
    match response.into_inner().status() {
        ServingStatus::Serving => Ok("SERVING".to_owned()),
        other => Err(other.as_str_name().to_owned()),
    }
}

pub(super) async fn reflection(notifier: &CheckedNotifier) -> CheckFinding {
    let services = timeout(notifier.settings.call_timeout, services(notifier)).await;
    match services {
        Ok(Some(services)) => Ok(format!("served, with {services} services")),
        Ok(None) => Err("not served".to_owned()),
        Err(_elapsed) => Err("no answer".to_owned()),
    }
}

async fn services(notifier: &CheckedNotifier) -> Option<usize> {
    let request = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let requests = Request::new(tokio_stream::once(request));
    let mut client = ServerReflectionClient::new(notifier.connection().channel);
    let mut answers = client
        .server_reflection_info(requests)
        .await
        .ok()?
        .into_inner();
    match answers.message().await.ok()??.message_response? {
        MessageResponse::ListServicesResponse(list) => Some(list.service.len()),
        _ => None,
    }
}

pub(super) async fn one_connection(notifier: &CheckedNotifier) -> CheckFinding {
    let connection = notifier.connection();
    for _ in 0..CALLS {
        let answer = ask_over(notifier, &connection).await;
        if !answer.is_an_answer() {
            return Err(answer.shown());
        }
    }
    counted(&connection)
}

pub(super) async fn pings(notifier: &CheckedNotifier) -> CheckFinding {
    let connection = notifier.pinged(PING_INTERVAL);
    let before = ask_over(notifier, &connection).await;
    sleep(IDLE_DURATION).await;
    let after = ask_over(notifier, &connection).await;
    match [before, after].iter().find(|answer| !answer.is_an_answer()) {
        Some(answer) => Err(answer.shown()),
        None => counted(&connection),
    }
}

fn counted(connection: &LazyConnection) -> CheckFinding {
    match connection.opened() {
        1 => Ok("one connection".to_owned()),
        opened => Err(format!("{opened} connections: the notifier hung up")),
    }
}

/// Makes a call that sends no message.
async fn ask_over(notifier: &CheckedNotifier, connection: &LazyConnection) -> NotifierAnswer {
    let message = notifier.to_nowhere("nothing");
    notifier.deliver_over(connection, &message).await
}

/// Requires that the notifier answered with a status and still serves.
pub(super) async fn goes_on(notifier: &CheckedNotifier, finding: &NotifierAnswer) -> CheckFinding {
    if !finding.is_an_answer() || finding.code().is_none_or(|code| code == Code::Ok) {
        return Err(finding.shown());
    }
    let next = ask_over(notifier, &notifier.connection()).await;
    if next.is_an_answer() {
        return Ok(finding.shown());
    }
    Err(format!("{}, and then {}", finding.shown(), next.shown()))
}
