//! The folder of the embedded default.

use crate::{
    crypto::KeyRing,
    server::{keys::read_key_ring, start_error::StartError},
};
use countersign_transport::{secret_file::write_secret, system::RandomSource};
use rustix::fs::{Access, access};
use std::{
    fs,
    io::{
        self,
        ErrorKind::{AlreadyExists, NotADirectory, NotFound},
    },
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

const DATABASE: &str = "countersign.db";
const KEY_RING: &str = "keys.toml";
const LOCK: &str = "countersign.lock";

/// A folder that nobody else can read. One that was not asked for goes with the process.
pub struct DataDir {
    path: PathBuf,
    kept: bool,
    /// Locked by the one process that serves from the folder; the system lets go of it when that ends, however it does.
    lock: Option<fs::File>,
}

impl DataDir {
    /// The folder that was asked for, made where there is none.
    ///
    /// # Errors
    /// [`StartError::DataDir`].
    pub(super) fn kept(path: &Path) -> Result<Self, StartError> {
        Self::open(path.to_path_buf(), true)
    }

    /// The SQLite file of such a folder, and whether it is there already; nothing is made. Judged is what this process may
    /// do: another user may do more, or less.
    ///
    /// # Errors
    /// [`StartError::DataDir`] if the folder could not be made, or the file not made, read or written.
    pub(super) fn look(path: &Path) -> Result<(PathBuf, bool), StartError> {
        let file = path.join(DATABASE);
        let looked = takes_files(path).and_then(|()| usable_if_there(&file));
        let there = looked.map_err(|cause| StartError::DataDir(path.to_path_buf(), cause))?;
        Ok((file, there))
    }

    /// A new folder that goes with the process.
    ///
    /// # Errors
    /// [`StartError::DataDir`].
    pub(super) fn passing(entropy: &dyn RandomSource) -> Result<Self, StartError> {
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
        Ok(Self {
            path,
            kept,
            lock: None,
        })
    }

    /// Takes the folder for the life of this process: challenges and attempts are counted in the process, so that two of
    /// them would each allow the whole budget. Commands that only read or write the database work beside it.
    ///
    /// # Errors
    /// [`StartError::DataDirInUse`], or [`StartError::DataDir`] if the lock can't be asked for.
    pub(super) fn locked(mut self) -> Result<Self, StartError> {
        let path = self.path.clone();
        let failed = |cause| StartError::DataDir(path.clone(), cause);
        let mut options = fs::OpenOptions::new();
        let options = options.write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(self.path.join(LOCK)).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {
                self.lock = Some(file);
                Ok(self)
            }
            Err(fs::TryLockError::WouldBlock) => Err(StartError::DataDirInUse(path)),
            Err(fs::TryLockError::Error(cause)) => Err(failed(cause)),
        }
    }

    /// The SQLite file, made where there is none, so that only its owner can use it. SQLite gives the files beside it the
    /// same mode.
    ///
    /// # Errors
    /// [`StartError::DataDir`].
    pub(super) fn database(&self) -> Result<PathBuf, StartError> {
        let file = Self::database_file(&self.path);
        match write_secret(&file, "") {
            Err(cause) if cause.kind() != AlreadyExists => {
                Err(StartError::DataDir(self.path.clone(), cause))
            }
            Ok(()) | Err(_) => Ok(file),
        }
    }

    /// Where the SQLite file of a folder is.
    pub(super) fn database_file(folder: &Path) -> PathBuf {
        folder.join(DATABASE)
    }

    /// What becomes of it at the end.
    pub(super) const fn lasts(&self) -> &'static str {
        if self.kept {
            "data_dir; kept over restarts"
        } else {
            "gone at exit; --data-dir DIR keeps it"
        }
    }

    /// Where `dev` keeps the key ring of a folder.
    pub(super) fn key_file(folder: &Path) -> PathBuf {
        folder.join(KEY_RING)
    }

    /// Its key ring, made where there is none.
    ///
    /// # Errors
    /// [`StartError::KeyFile`], [`StartError::KeyRing`].
    pub(super) fn key_ring(
        &self,
        entropy: &dyn RandomSource,
    ) -> Result<(PathBuf, KeyRing), StartError> {
        let file = Self::key_file(&self.path);
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

/// Whether files can be made in a folder, which is there or could be made.
fn takes_files(folder: &Path) -> io::Result<()> {
    // A link that leads nowhere is not missing: no folder can be made in its place.
    let missing =
        |part: &Path| fs::symlink_metadata(part).is_err_and(|cause| cause.kind() == NotFound);
    // A relative path ends with an empty one.
    let mut parts = folder
        .ancestors()
        .filter(|part| !part.as_os_str().is_empty());
    let there = parts.find(|part| !missing(part));
    let there = there.unwrap_or(Path::new("."));
    let judged = fs::metadata(there).and_then(|found| {
        if !found.is_dir() {
            return Err(io::Error::from(NotADirectory));
        }
        Ok(access(there, Access::WRITE_OK | Access::EXEC_OK)?)
    });
    judged.map_err(|cause| of_part(there, &cause))
}

/// Whether a file is there, which then can be read and written.
fn usable_if_there(file: &Path) -> io::Result<bool> {
    let judged = file.try_exists().and_then(|there| {
        if there {
            access(file, Access::READ_OK | Access::WRITE_OK)?;
        }
        Ok(there)
    });
    judged.map_err(|cause| of_part(file, &cause))
}

/// Names what is in the way.
fn of_part(part: &Path, cause: &io::Error) -> io::Error {
    io::Error::new(cause.kind(), format!("{}: {cause}", part.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_look_refuses_links_in_the_place_of_the_folder_as_making_it_would() {
        let parent = tempfile::TempDir::new().unwrap();
        let round = parent.path().join("round");
        symlink(&round, &round).unwrap();
        let astray = parent.path().join("astray");
        symlink(parent.path().join("nowhere"), &astray).unwrap();
        for path in [round.clone(), round.join("data"), astray] {
            assert!(DataDir::look(&path).is_err(), "{}", path.display());
            assert!(DataDir::kept(&path).is_err(), "{}", path.display());
        }
    }

    /// Root may write where modes forbid it, so what is expected is tried out.
    #[test]
    fn a_look_refuses_a_folder_where_no_file_can_be_made() {
        let parent = tempfile::TempDir::new().unwrap();
        let folder = parent.path().join("folder");
        fs::create_dir(&folder).unwrap();
        for mode in [0o000, 0o400, 0o500, 0o600, 0o700] {
            set_mode(&folder, mode);
            let probe = folder.join("tried");
            let could = fs::write(&probe, "").is_ok();
            let looked = [DataDir::look(&folder), DataDir::look(&folder.join("a/b"))];
            for looked in looked {
                assert_eq!(looked.is_ok(), could, "{mode:o}: {looked:?}");
            }
            set_mode(&folder, 0o700);
            let _made_or_not = fs::remove_file(&probe);
            assert!(contents_of(&folder).is_empty(), "it made something");
        }
    }

    #[test]
    fn a_look_refuses_a_file_that_can_not_be_read_and_written() {
        let folder = tempfile::TempDir::new().unwrap();
        let file = folder.path().join(DATABASE);
        assert!(!DataDir::look(folder.path()).unwrap().1);
        fs::write(&file, "").unwrap();
        for mode in [0o000, 0o200, 0o400, 0o600] {
            set_mode(&file, mode);
            let mut both = fs::OpenOptions::new();
            let could = both.read(true).write(true).open(&file).is_ok();
            let looked = DataDir::look(folder.path());
            assert_eq!(looked.is_ok(), could, "{mode:o}: {looked:?}");
            assert!(looked.is_err() || looked.unwrap().1, "it is there");
        }
    }

    #[test]
    fn a_look_takes_a_relative_path_of_which_nothing_is_there() {
        let (file, there) = DataDir::look(Path::new("not/made/yet")).unwrap();
        assert_eq!(file, Path::new("not/made/yet").join(DATABASE));
        assert!(!there);
    }

    fn contents_of(folder: &Path) -> Vec<PathBuf> {
        let files = fs::read_dir(folder).unwrap();
        files.map(|file| file.unwrap().path()).collect()
    }
}
