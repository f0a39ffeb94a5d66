//! Files with secrets.

use std::{fs, io, io::Write as _, os::unix::fs::OpenOptionsExt as _, path::Path};

/// Writes a new file that nobody else can read. One that exists stays as it is.
///
/// # Errors
/// If it exists, or can't be written.
pub fn write_secret(file: &Path, text: &str) -> io::Result<()> {
    let mut made = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)?;
    made.write_all(text.as_bytes())?;
    made.sync_all()
}
