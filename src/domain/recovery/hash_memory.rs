//! The memory that argon2id works in.

use argon2::Block;
use zeroize::Zeroize;

/// How many blocks are reserved at least: 33 MiB, of which only those in use are ever touched.
///
/// glibc keeps freed memory for reuse up to 32 MiB (`DEFAULT_MMAP_THRESHOLD_MAX`), in an arena for each thread. An
/// allocation above that is mapped by itself, and goes back to the system when it is freed.
const RESERVED_BLOCKS: usize = 33 * 1024;

/// Memory of argon2id, one allocation, reused from hash to hash. It is cleared when it is dropped: its first blocks let
/// somebody who has them test guesses without the cost.
#[derive(Default)]
pub struct HashMemory(Vec<Block>);

impl HashMemory {
    /// Memory without a block yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// So many blocks of 1 KiB, or more. What is in them is arbitrary: argon2 writes each before it reads it.
    pub(super) fn blocks(&mut self, count: usize) -> &mut [Block] {
        if self.0.capacity() < count {
            // The old blocks are cleared and go first, so that both are never held at once.
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
        // Not the vector, which would clear, and so touch, what is only reserved.
        self.0.iter_mut().zeroize();
    }
}

#[cfg(test)]
mod tests;
