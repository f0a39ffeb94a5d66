//! The transport: who is calling, messages to values, values to messages, errors to statuses. It decides nothing.

mod challenge_service;
mod convert;
mod device_service;
mod entry;
mod key_service;
mod method_service;
mod parse;
mod policy_service;
mod qr;
mod recovery_service;
mod status;
mod user_service;

pub use challenge_service::ChallengeHandlers;
pub use device_service::DeviceHandlers;
pub use key_service::KeyHandlers;
pub use method_service::MethodHandlers;
pub use policy_service::PolicyHandlers;
pub use recovery_service::RecoveryHandlers;
pub use user_service::UserHandlers;

/// What an RPC answers.
type RpcResult<T> = Result<tonic::Response<T>, tonic::Status>;

/// The largest message that is read, in bytes. The largest valid one, a profile with a hundred groups, has half of it.
pub const MAX_REQUEST: usize = 64 * 1024;

/// The largest message that is written, in bytes: a QR code twice over, with room.
pub const MAX_RESPONSE: usize = 256 * 1024;

/// The same of a list: a page of users with ten methods each, or of events, with room.
pub const MAX_LIST: usize = 4 * MAX_RESPONSE;
