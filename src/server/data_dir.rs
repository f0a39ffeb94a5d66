//! The folder of the embedded default.

use crate::{
    crypto::KeyRing,
    ports::Entropy,
    server::{choose::read_key_ring, start_error::StartError},
};
use std::{
    fs,
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

const DATABASE: &str = "countersign.db";
const KEY_RING: &str = "keys.toml";

/// A folder that nobody else can read. One that was not asked for goes with the process.
pub struct DataDir {
    path: PathBuf,
    kept: bool,
}

impl DataDir {
    /// The folder that was asked for, made where there is none.
    ///
    /// # Errors
    /// [`StartError::DataDir`].
    pub(super) fn kept(path: &Path) -> Result<Self, StartError> {
        Self::open(path.to_path_buf(), true)
    }

    /// The SQLite file of such a folder, whether it is there already or not; nothing is made.
    ///
    /// # Errors
    /// [`StartError::DataDir`] if the folder could not be made, because something else is in its place.
    pub(super) fn look(path: &Path) -> Result<PathBuf, StartError> {
        let there = path.ancestors().find(|part| part.exists());
        if there.is_some_and(|part| !part.is_dir()) {
            let cause = io::Error::from(io::ErrorKind::NotADirectory);
            return Err(StartError::DataDir(path.to_path_buf(), cause));
        }
        Ok(path.join(DATABASE))
    }

    /// A new folder that goes with the process.
    ///
    /// # Errors
    /// [`StartError::DataDir`].
    pub(super) fn passing(entropy: &dyn Entropy) -> Result<Self, StartError> {
        let mut name = [0; 8];
        entropy.fill(&mut name);
        let name = format!("countersign-dev-{}", data_encoding::HEXLOWER.encode(&name));
        Self::open(std::env::temp_dir().join(name), false)
    }

    fn open(path: PathBuf, kept: bool) -> Result<Self, StartError> {
        let made = fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&path);
        made.map_err(|cause| StartError::DataDir(path.clone(), cause))?;
        Ok(Self { path, kept })
    }

    /// The SQLite file.
    pub(super) fn database(&self) -> PathBuf {
        self.path.join(DATABASE)
    }

    /// What becomes of it at the end.
    pub(super) const fn lasts(&self) -> &'static str {
        if self.kept {
            "data_dir; kept over restarts"
        } else {
            "gone at exit; --data-dir DIR keeps it"
        }
    }

    /// Its key ring, made where there is none.
    ///
    /// # Errors
    /// [`StartError::KeyFile`], [`StartError::KeyRing`].
    pub(super) fn key_ring(&self, entropy: &dyn Entropy) -> Result<(PathBuf, KeyRing), StartError> {
        let file = self.path.join(KEY_RING);
        if !file.exists() {
            write_secret(&file, &KeyRing::new_text(entropy))
                .map_err(|cause| StartError::KeyFile(file.clone(), cause))?;
        }
        let ring = read_key_ring(&file)?;
        Ok((file, ring))
    }
}

impl Drop for DataDir {
    fn drop(&mut self) {
        if !self.kept {
            let _gone_or_not = fs::remove_dir_all(&self.path);
        }
    }
}

/// Writes a new file that nobody else can read. One that exists stays as it is.
///
/// # Errors
/// If it exists, or can't be written.
pub fn write_secret(file: &Path, text: &str) -> std::io::Result<()> {
    let mut made = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)?;
    made.write_all(text.as_bytes())?;
    made.sync_all()
}
