//! Random bytes and ids, from the source that the composition chose.

use countersign_domain::value::id::Id;
use countersign_transport::system::RandomSource;
use std::sync::Arc;

/// Creates random ids, keys and nonces.
#[derive(Clone)]
pub(super) struct Randomness(Arc<dyn RandomSource>);

impl Randomness {
    pub(super) fn new(entropy: Arc<dyn RandomSource>) -> Self {
        Self(entropy)
    }

    pub(super) fn id<Of>(&self) -> Id<Of> {
        Id::from_bytes(self.bytes())
    }

    pub(super) fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.fill(&mut bytes);
        bytes
    }
}
