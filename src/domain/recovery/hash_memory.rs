//! The working memory of argon2id.

use argon2::Block;
use zeroize::Zeroize;

/// The smallest allocation, in blocks of 1 KiB: 33 MiB, of which only used blocks are touched.
///
/// glibc keeps freed allocations of up to 32 MiB (`DEFAULT_MMAP_THRESHOLD_MAX`) for reuse, in an arena for each thread.
/// A larger allocation is mapped separately and returns to the system when it is freed.
const RESERVED_BLOCKS: usize = 33 * 1024;

/// The working memory of argon2id: one allocation, reused by all hashes. It is cleared on drop, because its first
/// blocks permit tests of a secret without the cost of the hash.
#[derive(Default)]
pub struct HashMemory(Vec<Block>);

impl HashMemory {
    /// Makes an empty memory.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns at least `count` blocks of 1 KiB. Their content is arbitrary: argon2 writes each block before it reads
    /// it.
    pub(super) fn blocks(&mut self, count: usize) -> &mut [Block] {
        if self.0.capacity() < count {
            // Clears and frees the old blocks first, so that both allocations never exist at once.
            *self = Self::new();
            self.0 = Vec::with_capacity(count.max(RESERVED_BLOCKS));
        }
        if self.0.len() < count {
            self.0.resize(count, Block::new());
        }
        &mut self.0
    }
}

impl Drop for HashMemory {
    fn drop(&mut self) {
        // Zeroizing the vector itself would also clear, and so touch, its unused capacity.
        self.0.iter_mut().zeroize();
    }
}

#[cfg(test)]
mod tests;
