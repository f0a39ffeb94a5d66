//! What `build.rs` generates from `proto/`: messages, services and their descriptors.

#![expect(
    clippy::pedantic,
    clippy::allow_attributes,
    clippy::excessive_nesting,
    clippy::large_enum_variant,
    clippy::doc_lazy_continuation,
    missing_docs,
    reason = "generated from proto/, which has the documentation"
)]

/// What callers see.
pub mod v1 {
    tonic::include_proto!("countersign.v1");
    include!(concat!(env!("OUT_DIR"), "/countersign.v1.redacted.rs"));
}

/// What we call, and others serve.
pub mod notifier {
    tonic::include_proto!("countersign.notifier.v1");
    include!(concat!(
        env!("OUT_DIR"),
        "/countersign.notifier.v1.redacted.rs"
    ));
}

/// What we call where a password is to be looked at, and others serve.
pub mod identity {
    tonic::include_proto!("countersign.identity.v1");
    include!(concat!(
        env!("OUT_DIR"),
        "/countersign.identity.v1.redacted.rs"
    ));
}

/// Development only.
pub mod testing {
    tonic::include_proto!("countersign.testing.v1");
    include!(concat!(
        env!("OUT_DIR"),
        "/countersign.testing.v1.redacted.rs"
    ));
}

/// Health of a server, as gRPC publishes it.
pub mod health {
    tonic::include_proto!("grpc.health.v1");
}

/// What the durable store keeps.
pub mod stored {
    tonic::include_proto!("countersign.storage.v1");
    include!(concat!(
        env!("OUT_DIR"),
        "/countersign.storage.v1.redacted.rs"
    ));
}

/// A `FileDescriptorSet`: every file of `proto/` with what it imports, with comments and options. For reflection, and for
/// `countersign descriptors`.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

#[cfg(test)]
mod tests;
