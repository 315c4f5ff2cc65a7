//! A folder of specs: its entries are nobody's choice but of whoever may write into it, so they stay inside of it.

use std::fs::{self, File};
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, openat};
use zeroize::Zeroizing;

use crate::file;

/// A folder that is open: what takes its path meanwhile is another one.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    real: PathBuf,
    open: OwnedFd,
}

/// Why an entry is not read.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotRead {
    /// It is a link to elsewhere.
    #[error("is a link that leads out of the folder: name the file itself, or put it into the folder")]
    Outside,
    /// A folder, a pipe, a device.
    #[error("is no file: a folder is read for its files alone")]
    NotAFile,
    /// What the system says.
    #[error("can't be read: {0}")]
    Unreadable(#[from] io::Error),
}

/// Of what is opened on the way: no link, since those were followed before, and nothing that waits.
const FOLDER: OFlags = OFlags::DIRECTORY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
const FILE: OFlags = OFlags::NOFOLLOW.union(OFlags::CLOEXEC).union(OFlags::NONBLOCK).union(OFlags::NOCTTY);

impl Folder {
    /// Opens a folder, which may be a link itself: somebody named it.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let real = fs::canonicalize(path)?;
        let open = openat(CWD, &real, FOLDER, Mode::empty())?;
        Ok(Self { path: path.to_owned(), real, open })
    }

    /// Its YAML files, in the order of their names.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn entries(&self) -> io::Result<Vec<PathBuf>> {
        let entries: Result<Vec<_>, _> = fs::read_dir(&self.path)?.collect();
        let is_yaml = |path: &PathBuf| path.extension().is_some_and(|end| end == "yaml" || end == "yml");
        let mut found: Vec<PathBuf> = entries?.iter().map(fs::DirEntry::path).filter(is_yaml).collect();
        found.sort();
        Ok(found)
    }

    /// The content of an entry, or `None` where it has more than `limit` bytes.
    ///
    /// # Errors
    /// It is no file, or not one of this folder.
    pub(super) fn read(&self, entry: &Path, limit: usize) -> Result<Option<Zeroizing<Vec<u8>>>, NotRead> {
        let real = fs::canonicalize(entry)?;
        let inside = real.strip_prefix(&self.real).map_err(|_| NotRead::Outside)?;
        // Opening a device may do something.
        if !fs::symlink_metadata(&real)?.is_file() {
            return Err(NotRead::NotAFile);
        }
        let file = self.open_inside(inside)?;
        // What is open is what is looked at, whatever has taken the path since.
        if !file.metadata()?.is_file() {
            return Err(NotRead::NotAFile);
        }
        Ok(file::read_open(file, limit)?)
    }

    /// Step by step from the open folder, so that a link that takes a step's place leads nowhere.
    fn open_inside(&self, path: &Path) -> io::Result<File> {
        let steps: Vec<_> = path.iter().collect();
        let (last, steps) = steps.split_last().ok_or(io::ErrorKind::IsADirectory)?;
        let mut folder = self.open.try_clone()?;
        for step in steps {
            folder = openat(&folder, *step, FOLDER, Mode::empty())?;
        }
        Ok(File::from(openat(&folder, *last, FILE, Mode::empty())?))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_link_that_takes_a_step_s_place_leads_nowhere() {
        let (ours, theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(theirs.path().join("a.yaml"), "theirs").unwrap();
        symlink(theirs.path(), ours.path().join("inner")).unwrap();
        symlink(theirs.path().join("a.yaml"), ours.path().join("a.yaml")).unwrap();
        let folder = Folder::open(ours.path()).unwrap();
        // As where the check of the path was made before the link was.
        for path in ["inner/a.yaml", "a.yaml"] {
            assert!(folder.open_inside(Path::new(path)).is_err(), "{path}");
        }
    }

    #[test]
    fn what_takes_the_folder_s_place_is_another_one() {
        let desk = tempfile::tempdir().unwrap();
        let path = desk.path().join("config");
        fs::create_dir(&path).unwrap();
        fs::write(path.join("a.yaml"), "ours").unwrap();
        let folder = Folder::open(&path).unwrap();
        fs::rename(&path, desk.path().join("away")).unwrap();
        fs::create_dir(&path).unwrap();
        fs::write(path.join("a.yaml"), "theirs").unwrap();
        let read = folder.read(&path.join("a.yaml"), 100).unwrap().unwrap();
        assert_eq!(read.as_slice(), b"ours");
    }
}
