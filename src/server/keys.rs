//! Reads the key ring.

use crate::{crypto::KeyRing, server::start_error::StartError};
use std::{fs, path::Path};
use zeroize::Zeroizing;

/// The key ring in a file.
///
/// # Errors
/// If it can't be read, or is none.
pub(super) fn read_key_ring(file: &Path) -> Result<KeyRing, StartError> {
    let text =
        fs::read_to_string(file).map_err(|cause| StartError::KeyFile(file.to_path_buf(), cause))?;
    let text = Zeroizing::new(text);
    KeyRing::parse(&text).map_err(|bad| StartError::KeyRing(file.to_path_buf(), bad))
}
