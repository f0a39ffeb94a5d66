//! Files with secrets.

use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

/// A file that holds no secret that can be used.
#[derive(Debug, thiserror::Error)]
pub enum SecretFileError {
    /// The file can't be read.
    #[error("the secret file {0} can't be read: {1}")]
    Unreadable(PathBuf, io::Error),
    /// The file is empty, or has more than one line.
    #[error("the secret file {0} has to contain exactly one line")]
    NotOneLine(PathBuf),
}

/// Reads a secret from a file of one line. White space around it is no part of it.
///
/// # Errors
/// [`SecretFileError`]; a file without a secret is refused.
pub fn read_secret(file: &Path) -> Result<Zeroizing<String>, SecretFileError> {
    let text = fs::read_to_string(file).map(Zeroizing::new);
    let text = text.map_err(|cause| SecretFileError::Unreadable(file.to_path_buf(), cause))?;
    let secret = text.trim();
    if secret.is_empty() || secret.chars().any(char::is_control) {
        return Err(SecretFileError::NotOneLine(file.to_path_buf()));
    }
    Ok(Zeroizing::new(secret.to_owned()))
}

/// What to tell an operator whose file others than its owner can use; nothing if only its owner can, or it is not there.
#[must_use]
pub fn warning_if_shared(file: &Path) -> Option<String> {
    const OF_OTHERS: u32 = 0o077;
    let mode = fs::metadata(file).ok()?.permissions().mode() & 0o777;
    let file = file.display();
    (mode & OF_OTHERS != 0).then(|| {
        format!(
            "{file} can be used by others than its owner (mode {mode:04o}): run `chmod 600 {file}`"
        )
    })
}

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
