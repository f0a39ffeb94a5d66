//! The gRPC layer: checks the caller, parses requests, converts results, and maps errors to statuses. It makes no
//! decisions.

mod challenge;
mod client_context;
mod device;
mod entry;
mod key;
mod method;
mod policy;
mod recovery;
mod request_fields;
mod response_fields;
mod status;
mod user;
mod value_names;

pub use challenge::ChallengeHandlers;
pub use device::DeviceHandlers;
pub use key::KeyHandlers;
pub use method::MethodHandlers;
pub use policy::PolicyHandlers;
pub use recovery::RecoveryHandlers;
pub use user::UserHandlers;

/// The result of an RPC.
type RpcResult<T> = Result<tonic::Response<T>, tonic::Status>;

/// The largest request message, in bytes.
pub const MAX_REQUEST: usize = 64 * 1024;

/// The largest request message about users and policies, in bytes: four times a profile with a thousand groups.
pub const MAX_REQUEST_WITH_GROUPS: usize = 1024 * 1024;

/// The largest response message, in bytes: room for more than two QR codes.
pub const MAX_RESPONSE: usize = 256 * 1024;

/// The largest response message of a list, in bytes: room for a page of users with ten methods each, or of audit
/// events.
pub const MAX_LIST: usize = 4 * MAX_RESPONSE;
