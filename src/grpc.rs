//! The transport: who is calling, messages to values, values to messages, errors to statuses. It decides nothing.

mod challenge;
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

pub use challenge::ChallengeHandlers;
pub use device::DeviceHandlers;
pub use key::KeyHandlers;
pub use method::MethodHandlers;
pub use policy::PolicyHandlers;
pub use recovery::RecoveryHandlers;
pub use user::UserHandlers;

/// What an RPC answers.
type RpcResult<T> = Result<tonic::Response<T>, tonic::Status>;

/// The largest message that is read, in bytes. The largest valid one, a profile with a hundred groups, has half of it.
pub const MAX_REQUEST: usize = 64 * 1024;

/// The largest message that is written, in bytes: a QR code twice over, with room.
pub const MAX_RESPONSE: usize = 256 * 1024;

/// The same of a list: a page of users with ten methods each, or of events, with room.
pub const MAX_LIST: usize = 4 * MAX_RESPONSE;
