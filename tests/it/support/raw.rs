//! Calls whose messages are bytes.

use countersign_notifier_check::raw_bytes::RawBytes;
use tonic::{GrpcMethod, Request, Status, client::Grpc, transport::Channel};

/// Sends bytes to an RPC, whatever they are.
pub(crate) async fn send(
    channel: &Channel,
    path: &str,
    bytes: Vec<u8>,
    token: Option<&str>,
) -> Result<Vec<u8>, Status> {
    let mut client = Grpc::new(channel.clone());
    client
        .ready()
        .await
        .map_err(|error| Status::unknown(error.to_string()))?;
    let mut request = Request::new(bytes);
    if let Some(token) = token {
        request
            .metadata_mut()
            .insert("authorization", format!("Bearer {token}").parse().unwrap());
    }
    request
        .extensions_mut()
        .insert(GrpcMethod::new("test", "test"));
    let path = path.parse().unwrap();
    Ok(client.unary(request, path, RawBytes).await?.into_inner())
}
