//! A notifier in the process of the load: it keeps the last code for each address.

use crate::BenchResult;
use countersign_proto::notifier::{
    Accepted, DeliverRequest, DeliverResponse,
    deliver_request::Content,
    deliver_response::Outcome as Delivered,
    notifier_service_server::{NotifierService, NotifierServiceServer},
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::net::TcpListener;
use tonic::{
    Request, Response, Status,
    transport::{Server, server::TcpIncoming},
};

const DELIVERY_TIMEOUT: Duration = Duration::from_secs(5);

/// Codes by address.
#[derive(Clone, Default)]
pub(crate) struct NotifierSink(Arc<Mutex<HashMap<String, String>>>);

impl NotifierSink {
    /// Serves for as long as the process lives; gives its URL.
    pub(crate) async fn serve(&self) -> BenchResult<String> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let serving = Server::builder()
            .add_service(NotifierServiceServer::new(self.clone()))
            .serve_with_incoming(TcpIncoming::from(listener).with_nodelay(Some(true)));
        tokio::spawn(serving);
        Ok(url)
    }

    /// The code that was sent to an address, once it has come.
    pub(crate) async fn take_code(&self, address: &str) -> BenchResult<String> {
        let asked = Instant::now();
        while asked.elapsed() < DELIVERY_TIMEOUT {
            if let Some(code) = self.take(address) {
                return Ok(code);
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Err(format!("no code came to {address}").into())
    }

    fn take(&self, address: &str) -> Option<String> {
        let mut codes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        codes.remove(address)
    }
}

#[tonic::async_trait]
impl NotifierService for NotifierSink {
    async fn deliver(
        &self,
        request: Request<DeliverRequest>,
    ) -> Result<Response<DeliverResponse>, Status> {
        let request = request.into_inner();
        if let Some(Content::Code(content)) = request.content {
            let mut codes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            codes.insert(request.destination, content.code);
        }
        Ok(Response::new(DeliverResponse {
            outcome: Some(Delivered::Accepted(Accepted::default())),
        }))
    }
}
